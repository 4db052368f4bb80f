/* Rows of cells in columns that are as wide as their widest cell. */
#ifndef FED_TEXT_TABLE_H
#define FED_TEXT_TABLE_H

#include "base.h"

enum { FED_TABLE_COLUMNS_MAX = 12 };

/** Cells in the order of reading. Failures stick in `status`. */
typedef struct fed_text_table {
    size_t columns, n, cap;
    char **cells; /* owned */
    fed_status status;
} fed_text_table;

/** A table of `columns`, at most FED_TABLE_COLUMNS_MAX. Allocates nothing. */
void fed_text_table_init(fed_text_table *t, size_t columns);
void fed_text_table_fini(fed_text_table *t);
/** Add the next cell. */
void fed_text_table_put(fed_text_table *t, const char *format, ...) FED_PRINTF(2, 3);
/** Append the lines to `out`: columns two spaces apart, no spaces at the end of a line. */
FED_MUST_CHECK fed_status fed_text_table_write(const fed_text_table *t, fed_bytes *out,
                                               fed_error *err);

#endif
