/* Constant-time discrete Gaussian from cumulative tables: see dgauss_table.c. */
#ifndef FED_DGAUSS_TABLE_H
#define FED_DGAUSS_TABLE_H

#include "base.h"
#include "noise.h"

enum { FED_TABLE_BLOCK = 256, FED_TABLE_PARTS = 8 };

/** Thresholds of |x|: P(|x| <= k) = (high[k] 2^64 + low[k]) / 2^128, rounded down. */
typedef struct fed_cdt {
    uint64_t *high, *low; /* `padded` entries, all ones behind the last */
    size_t n, padded;     /* entries; rounded up to a multiple of 8 */
    size_t first;         /* entries whose high word is not all ones: the only ones that a
                             64-bit uniform can pass without a tie */
} fed_cdt;

typedef struct fed_dgauss_table {
    fed_cdt cdt;           /* of the base standard deviation */
    double base, sigma;    /* sigma = base sqrt(product of 1 + k_i^2), exactly that */
    double distance_log2;
    unsigned levels;       /* convolutions: 0, 1, 2 or 3 */
    int64_t weight[FED_TABLE_PARTS]; /* 2^levels weights of the base draws */
} fed_dgauss_table;

/** sigma >= 1. */
FED_MUST_CHECK fed_status fed_dgauss_table_init(fed_dgauss_table *t, double sigma,
                                                fed_error *err);
void fed_dgauss_table_fini(fed_dgauss_table *t);
/** Write n draws in constant time. */
void fed_dgauss_table_fill(const fed_dgauss_table *t, fed_noise *noise, int64_t *out,
                           size_t n);

/** For each u[i] the number of thresholds whose high word is below it, over the whole table.
 *  Returns non-zero when some u[i] equals a high word (of the counted position): rare. */
typedef uint64_t (*fed_cdt_scan)(const fed_cdt *cdt, const uint64_t u[FED_TABLE_BLOCK],
                                 uint64_t count[FED_TABLE_BLOCK]);
/** The scan for this processor, and each by itself for tests (NULL: not on this machine). */
fed_cdt_scan fed_cdt_scan_active(void);
fed_cdt_scan fed_cdt_scan_of(fed_kernel kernel);

#endif
