/* Internal: the manifest in memory, and as bytes. */
#ifndef FED_KEEP_TABLE_H
#define FED_KEEP_TABLE_H

#include "keep.h"

/** A record. Small ones (`file` 0) are here, large ones in the file of that number. */
typedef struct fed_keep_entry {
    char *key;
    uint64_t file;
    uint64_t length;
    uint8_t *data; /* `length` bytes, or NULL */
} fed_keep_entry;

/** Records in ascending order of keys. */
typedef struct fed_keep_table {
    uint64_t next_file; /* never used before: at least 1 */
    fed_keep_entry *entries;
    size_t n, cap;
} fed_keep_table;

void fed_keep_table_fini(fed_keep_table *t);
FED_MUST_CHECK fed_status fed_keep_table_copy(fed_keep_table *to,
                                              const fed_keep_table *from, fed_error *err);
const fed_keep_entry *fed_keep_table_find(const fed_keep_table *t, const char *key);
/** Whether a record is in the file of this number. */
bool fed_keep_table_names(const fed_keep_table *t, uint64_t file);
/** Add or replace a record; key and bytes are copied. `file` 0: keep the bytes here. */
FED_MUST_CHECK fed_status fed_keep_table_put(fed_keep_table *t, const char *key,
                                             uint64_t file, fed_span value,
                                             fed_error *err);
void fed_keep_table_erase(fed_keep_table *t, const char *key);

/** Append the manifest's plaintext. */
FED_MUST_CHECK fed_status fed_keep_table_write(const fed_keep_table *t, fed_bytes *out,
                                               fed_error *err);
/** Parse it into an empty table. */
FED_MUST_CHECK fed_status fed_keep_table_read(fed_keep_table *t, fed_span bytes,
                                              fed_error *err);

#endif
