/* Poisson and Skellam draws by inversion: see poisson_table.c. */
#ifndef FED_POISSON_TABLE_H
#define FED_POISSON_TABLE_H

#include "base.h"
#include "noise.h"

typedef struct fed_poisson_table {
    uint64_t *high, *low; /* P(X <= from + i) in units of 2^-128, rounded down */
    size_t n;
    uint64_t from;
    unsigned parts; /* a draw is the sum of this many */
    double mean;    /* of the sum */
    double distance_log2;
} fed_poisson_table;

/** Poisson of a mean of at least `mean` (> 0), larger by less than 2^-20 per part. */
FED_MUST_CHECK fed_status fed_poisson_table_init(fed_poisson_table *t, double mean,
                                                 fed_error *err);
void fed_poisson_table_fini(fed_poisson_table *t);
uint64_t fed_poisson_table_draw(const fed_poisson_table *t, fed_noise *noise);

#endif
