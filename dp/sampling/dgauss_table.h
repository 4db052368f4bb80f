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
    /** Entries whose high word is not all ones: the only ones that a 64-bit uniform can pass
     *  without a tie. */
    size_t first;
    /** Their high words as a search tree, level by level, for cdt_search.c; no levels when
     *  there are too many. */
    uint64_t *node;
    unsigned levels;
} fed_cdt;

enum { FED_CDT_LEVELS_MAX = 8, FED_CDT_NODES = 4 * 8 + 16 + 32 + 64 + 128 };
/** Where level l of the tree starts: levels below 3 are padded to 8 words. */
size_t fed_cdt_level_start(unsigned level);

typedef struct fed_dgauss_table {
    fed_cdt cdt;        /* of the base standard deviation */
    double base, sigma; /* sigma = base sqrt(product of 1 + k_i^2), exactly that */
    double distance_log2;
    unsigned levels;                 /* convolutions: 0, 1, 2 or 3 */
    int64_t weight[FED_TABLE_PARTS]; /* 2^levels weights of the base draws */
} fed_dgauss_table;

/** sigma >= 1. */
FED_MUST_CHECK fed_status fed_dgauss_table_init(fed_dgauss_table *t, double sigma,
                                                fed_error *err);
void fed_dgauss_table_fini(fed_dgauss_table *t);
/** Write n draws in constant time. */
void fed_dgauss_table_fill(const fed_dgauss_table *t, fed_noise *noise, int64_t *out,
                           size_t n);

/** What each kind of processor does its own way. */
typedef struct fed_cdt_kernel {
    /** For each u[i] the number of thresholds whose high word is below it, having read the
     *  whole table. Non-zero when some u[i] equals the high word that it stopped at: rare. */
    uint64_t (*scan)(const fed_cdt *cdt, const uint64_t u[FED_TABLE_BLOCK],
                     uint64_t count[FED_TABLE_BLOCK]);
    /** sum[i] += weight * count[i], negated where bit i of `sign` is set. */
    void (*apply)(const uint64_t count[FED_TABLE_BLOCK],
                  const uint64_t sign[FED_TABLE_BLOCK / 64], int64_t weight,
                  int64_t sum[FED_TABLE_BLOCK]);
} fed_cdt_kernel;

/** Never NULL: scalar for a kernel that this machine or this file does not have. */
const fed_cdt_kernel *fed_cdt_kernel_of(fed_kernel kernel);

#if defined(__x86_64__)
/** A search in registers, and the signs by masks: see cdt_search.c. cdt->levels > 0. */
uint64_t fed_cdt_search_avx512(const fed_cdt *cdt, const uint64_t u[FED_TABLE_BLOCK],
                               uint64_t count[FED_TABLE_BLOCK]);
void fed_cdt_apply_avx512(const uint64_t count[FED_TABLE_BLOCK],
                          const uint64_t sign[FED_TABLE_BLOCK / 64], int64_t weight,
                          int64_t sum[FED_TABLE_BLOCK]);
#endif

#endif
