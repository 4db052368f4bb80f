/* A set in memory: what it owns, and how rows are converted when they are fetched. */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

fed_status fed_data_new(fed_data **out, fed_error *err)
{
    *out = fed_calloc(1, sizeof **out);
    return *out ? FED_OK : fed_fail_nomem(err, sizeof **out);
}

void fed_data_free(fed_data *ds)
{
    if (!ds) return;
    while (ds->n_owned)
        fed_free(ds->owned[--ds->n_owned]);
    fed_free(ds);
}

void *fed_data_own(fed_data *ds, void *block)
{
    if (ds->n_owned == FED_DATA_MAX_OWNED)
        abort(); /* a reader with more blocks than slots */
    ds->owned[ds->n_owned++] = block;
    return block;
}

void *fed_data_alloc(fed_data *ds, size_t count, size_t size, fed_error *err)
{
    void *block = fed_calloc(count, size);
    if (!block) (void)fed_fail_nomem(err, (unsigned long long)count * size);
    return block ? fed_data_own(ds, block) : NULL;
}

fed_status fed_data_set_shape(fed_data *ds, const uint32_t *shape, uint32_t rank,
                              fed_error *err)
{
    uint64_t len = 1;
    for (uint32_t i = 0; i < 4; i++) {
        ds->info.shape[i] = i < rank ? shape[i] : 1;
        len *= ds->info.shape[i];
        if (len == 0 || len > FED_DATA_MAX_VALUES)
            return fed_fail(err, len ? FED_E_LIMIT : FED_E_FORMAT,
                            "dimension %u: %u makes an input of %llu values, not 1..%d",
                            i, (unsigned)shape[i], (unsigned long long)len,
                            FED_DATA_MAX_VALUES);
    }
    ds->info.rank = rank;
    ds->info.input_len = ds->inputs.len = (uint32_t)len;
    return FED_OK;
}

const fed_data_info *fed_data_describe(const fed_data *ds)
{
    return &ds->info;
}

static size_t first_cell(const fed_cells *c, uint32_t row)
{
    return c->start ? c->start[row] : (size_t)row * c->len;
}

static void copy_bytes_as_floats(float *to, const uint8_t *from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        to[i] = from[i];
}

static void copy_bytes_as_ints(int32_t *to, const uint8_t *from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        to[i] = from[i];
}

/* Cells of four bytes already have the type that is asked for. */
static void copy_row(const fed_cells *c, uint32_t row, void *to, bool as_float)
{
    size_t first = first_cell(c, row);
    if (c->kind != FED_CELL_U8)
        memcpy(to, (const uint8_t *)c->at + first * 4, (size_t)c->len * 4);
    else if (as_float)
        copy_bytes_as_floats(to, (const uint8_t *)c->at + first, c->len);
    else
        copy_bytes_as_ints(to, (const uint8_t *)c->at + first, c->len);
}

fed_status fed_data_fetch(const fed_data *ds, const uint32_t *rows, size_t n,
                          void *inputs, void *targets)
{
    bool float_input = ds->info.input == FED_INPUT_FLOAT;
    bool float_target = ds->info.target == FED_TARGET_VECTOR;
    uint8_t *input = inputs, *target = targets;
    for (size_t i = 0; i < n; i++) {
        if (rows[i] >= ds->info.rows) return FED_E_INVALID;
        if (input)
            copy_row(&ds->inputs, rows[i], input + i * ds->inputs.len * 4, float_input);
        if (target)
            copy_row(&ds->targets, rows[i], target + i * ds->targets.len * 4,
                     float_target);
    }
    return FED_OK;
}

uint32_t fed_data_class(const fed_data *ds, uint32_t row)
{
    if (ds->info.target != FED_TARGET_CLASS) return 0;
    if (ds->targets.kind == FED_CELL_U8) return ((const uint8_t *)ds->targets.at)[row];
    return (uint32_t)((const int32_t *)ds->targets.at)[row];
}

uint32_t fed_data_user(const fed_data *ds, uint32_t row)
{
    return ds->user_of ? ((const uint32_t *)ds->user_of)[row] : 0;
}

static const char *name_at(const fed_names *names, uint32_t i)
{
    return names->start && i < names->n ? names->text + names->start[i] : NULL;
}

const char *fed_data_user_name(const fed_data *ds, uint32_t user)
{
    return name_at(&ds->users, user);
}

const char *fed_data_class_name(const fed_data *ds, uint32_t label)
{
    return name_at(&ds->classes, label);
}

void fed_data_count_classes(const fed_data *ds, const uint32_t *rows, size_t n,
                            uint32_t *counts)
{
    if (ds->info.target != FED_TARGET_CLASS) return;
    memset(counts, 0, ds->info.classes * sizeof *counts);
    for (size_t i = 0; i < n; i++)
        counts[fed_data_class(ds, rows[i])]++;
}
