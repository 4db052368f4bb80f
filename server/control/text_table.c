#include "text_table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { GAP = 2, CELL_MAX = 256 };

void fed_text_table_init(fed_text_table *t, size_t columns)
{
    *t = (fed_text_table){.columns = columns};
}

void fed_text_table_fini(fed_text_table *t)
{
    for (size_t i = 0; i < t->n; i++)
        fed_free(t->cells[i]);
    fed_free(t->cells);
    fed_text_table_init(t, t->columns);
}

static bool make_room(fed_text_table *t)
{
    if (t->n < t->cap) return true;
    size_t cap = t->cap ? 2 * t->cap : 64;
    char **cells = fed_realloc(t->cells, cap, sizeof *cells);
    if (!cells) return false;
    t->cells = cells;
    t->cap = cap;
    return true;
}

void fed_text_table_put(fed_text_table *t, const char *format, ...)
{
    char text[CELL_MAX];
    va_list args;
    if (t->status) return;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char *cell = n < 0 || !make_room(t) ? NULL : fed_strdup(text);
    if (cell)
        t->cells[t->n++] = cell;
    else
        t->status = FED_E_NOMEM;
}

fed_status fed_text_table_write(const fed_text_table *t, fed_bytes *out, fed_error *err)
{
    size_t widths[FED_TABLE_COLUMNS_MAX] = {0};
    if (t->status) return fed_fail(err, t->status, "table: out of memory");
    for (size_t i = 0; i < t->n; i++) {
        size_t width = strlen(t->cells[i]), *widest = &widths[i % t->columns];
        if (width > *widest) *widest = width;
    }
    for (size_t i = 0; i < t->n; i++) {
        size_t column = i % t->columns;
        bool last = column + 1 == t->columns;
        fed_bytes_printf(out, "%-*s%s", last ? 0 : (int)widths[column] + GAP, t->cells[i],
                         last ? "\n" : "");
    }
    return out->status ? fed_fail(err, out->status, "table: out of memory") : FED_OK;
}
