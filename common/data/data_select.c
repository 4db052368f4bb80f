/* A few rows of a set as a set of their own: a device that owns 300 of 60,000 rows keeps
 * 300. */
#include <string.h>

#include "dataset.h"

static fed_status copy_cells(fed_data *to, fed_cells *cells, const fed_cells *from,
                             const uint32_t *rows, uint32_t n, fed_error *err)
{
    size_t cell = from->kind == FED_CELL_U8 ? 1 : 4, size = cell * from->len;
    uint8_t *copy = fed_data_alloc(to, n, size, err);
    if (!copy) return FED_E_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        size_t first = from->start ? from->start[rows[i]] : (size_t)rows[i] * from->len;
        memcpy(copy + i * size, (const uint8_t *)from->at + first * cell, size);
    }
    *cells = (fed_cells){copy, NULL, from->len, from->kind};
    return FED_OK;
}

static fed_status copy_names(fed_data *to, fed_names *names, const fed_names *from,
                             fed_error *err)
{
    size_t len = 0;
    for (uint32_t i = 0; from->start && i < from->n; i++) {
        size_t end = from->start[i] + strlen(from->text + from->start[i]) + 1;
        len = end > len ? end : len;
    }
    if (!len) return FED_OK;
    char *text = fed_data_alloc(to, len, 1, err);
    uint32_t *start = text ? fed_data_alloc(to, from->n, sizeof *start, err) : NULL;
    if (!start) return FED_E_NOMEM;
    memcpy(text, from->text, len);
    memcpy(start, from->start, from->n * sizeof *start);
    *names = (fed_names){text, start, from->n};
    return FED_OK;
}

static fed_status copy_users(fed_data *to, const fed_data *from, const uint32_t *rows,
                             uint32_t n, fed_error *err)
{
    if (!from->user_of) return FED_OK;
    uint32_t *user_of = fed_data_alloc(to, n, sizeof *user_of, err);
    if (!user_of) return FED_E_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        user_of[i] = fed_data_user(from, rows[i]);
    to->user_of = user_of;
    return FED_OK;
}

fed_status fed_data_select(const fed_data *ds, const uint32_t *rows, uint32_t n,
                           fed_data **out, fed_error *err)
{
    fed_data *to;
    *out = NULL;
    if (!n) return fed_fail(err, FED_E_INVALID, "a selection of no rows");
    for (uint32_t i = 0; i < n; i++)
        if (rows[i] >= ds->info.rows)
            return fed_fail(err, FED_E_INVALID, "row %u is not below %u", rows[i],
                            ds->info.rows);
    FED_TRY(fed_data_new(&to, err));
    to->info = ds->info;
    to->info.rows = n;
    fed_status status = copy_cells(to, &to->inputs, &ds->inputs, rows, n, err);
    if (!status) status = copy_cells(to, &to->targets, &ds->targets, rows, n, err);
    if (!status) status = copy_users(to, ds, rows, n, err);
    if (!status) status = copy_names(to, &to->users, &ds->users, err);
    if (!status) status = copy_names(to, &to->classes, &ds->classes, err);
    if (status)
        fed_data_free(to);
    else
        *out = to;
    return status;
}
