/*
 * store: what the server keeps, in one folder.
 *
 *   DIR/journal.db      SQLite (WAL, synchronous=FULL): key ▸ value
 *   DIR/blobs/ab/abcd…  the bytes of keys "blob/HEX": written, synced and renamed before the
 *                       transaction that names them, removed after the one that erases them
 *   DIR/blobs/ab/abcd….zst  the same compressed, where that saves enough: for serving
 *   DIR/lock            held while a process has the folder open
 *
 * A crash may leave a blob file that no record names; opening removes it. A record never
 * names a blob that is not there.
 */
#ifndef FED_STORE_H
#define FED_STORE_H

#include "base.h"

typedef struct fed_store fed_store;

/** Open the folder, make it if needed, lock it. FED_E_EXISTS when another process has it,
 *  FED_E_FORMAT for a damaged or newer database, FED_E_IO. */
FED_MUST_CHECK fed_status fed_store_open(fed_store **out, const char *folder,
                                         fed_error *err);
void fed_store_close(fed_store *store);
/** Carry out the records of `n` outboxes, in order, as one transaction; durable on return. All
 *  or none: after a failure the store is as before. One thread. */
FED_MUST_CHECK fed_status fed_store_apply(fed_store *store, fed_outbox *const *outboxes,
                                          size_t n, fed_error *err);
/** Write one record outside any outbox. One thread, the same as for _apply. */
FED_MUST_CHECK fed_status fed_store_put(fed_store *store, const char *key,
                                        const void *data, size_t n, fed_error *err);
/** Read access; "blob/" keys are read from their files, and not scanned. One thread. */
fed_journal fed_store_journal(fed_store *store);
/** The file of a blob, plain or compressed: its path, for serving it. Thread-safe; says nothing
 *  about whether it is there. */
enum { FED_STORE_PATH_MAX = 4096 };
void fed_store_blob_path(const fed_store *store, const uint8_t address[32], bool packed,
                         char path[FED_STORE_PATH_MAX]);

#endif
