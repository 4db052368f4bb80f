/*
 * How a set lies in memory, for the readers that fill it. Inputs and targets are each one
 * flat array of cells; row i is the `len` cells from start[i] on (or from i * len). So u8
 * images stay in the very bytes of their file, and the windows of a text or of a time
 * series overlap in one copy of it.
 */
#ifndef FED_DATASET_H
#define FED_DATASET_H

#include "data.h"

typedef enum fed_cell { FED_CELL_U8, FED_CELL_I32, FED_CELL_F32 } fed_cell;

typedef struct fed_cells {
    const void *at;
    const uint32_t *start; /* first cell of each row, or NULL: row * len */
    uint32_t len;          /* cells of one row */
    fed_cell kind;
} fed_cells;

/** Texts one after another, numbered. */
typedef struct fed_names {
    const char *text;      /* NUL-terminated each */
    const uint32_t *start; /* NULL: no names */
    uint32_t n;
} fed_names;

enum { FED_DATA_MAX_OWNED = 12 };

struct fed_data {
    fed_data_info info;
    fed_cells inputs, targets;
    const void *user_of; /* native uint32_t per row, or NULL */
    fed_names users, classes;
    void *owned[FED_DATA_MAX_OWNED];
    unsigned n_owned;
};

/** An empty set. */
fed_status fed_data_new(fed_data **out, fed_error *err);
/** `block` is taken: freed with the set. Never fails (the slots are counted). */
void *fed_data_own(fed_data *ds, void *block);
/** Memory that lives as long as the set; NULL after filling `err`. */
void *fed_data_alloc(fed_data *ds, size_t count, size_t size, fed_error *err);
/** Set inputs' shape, rank and length; refuses zero and what exceeds
 *  FED_DATA_MAX_VALUES. */
fed_status fed_data_set_shape(fed_data *ds, const uint32_t *shape, uint32_t rank,
                              fed_error *err);

#endif
