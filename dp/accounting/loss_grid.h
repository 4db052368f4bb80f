/* The privacy loss of one sampled Gaussian release on a grid: see loss_grid.c. */
#ifndef FED_LOSS_GRID_H
#define FED_LOSS_GRID_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"

typedef enum fed_loss_direction {
    FED_LOSS_REMOVE = 0, /* (1-q) N(0) + q N(1) against N(0) */
    FED_LOSS_ADD = 1,    /* N(0) against (1-q) N(0) + q N(1) */
    FED_LOSS_BOTH = 2 /* gains from the one, losses below zero from the other: dominates
                            both, for sampling without replacement */
} fed_loss_direction;

/** mass[i] is P(loss = (from + i) * step); `infinite` the mass at infinity. */
typedef struct fed_loss_grid {
    double *mass;
    size_t n;
    int64_t from;
    double step, infinite;
} fed_loss_grid;

enum { FED_LOSS_CELLS_MAX = 1 << 24 };

/** Discretise a release with noise multiplier sigma and sampling rate q; mass beyond the
 *  point where the upper tail falls below `tail` counts as infinite. FED_E_LIMIT when the
 *  grid would have more than FED_LOSS_CELLS_MAX points. */
FED_MUST_CHECK fed_status fed_loss_grid_init(fed_loss_grid *g,
                                             fed_loss_direction direction, double sigma,
                                             double q, double step, double tail,
                                             fed_error *err);
void fed_loss_grid_fini(fed_loss_grid *g);

#endif
