/* Exact discrete Gaussian: see dgauss_exact.c. */
#ifndef FED_DGAUSS_EXACT_H
#define FED_DGAUSS_EXACT_H

#include "base.h"
#include "noise.h"

enum { FED_EXP_STEPS = 64, FED_EXP_MAX = 45 };

/** Plain memory; about 23 KiB. */
typedef struct fed_dgauss_exact {
    double sigma;
    uint64_t t;     /* scale of the Laplace proposal: floor(sigma) + 1 */
    double centre;  /* sigma^2 / t, nearly */
    double inverse; /* 1 / (2 sigma^2), nearly */
    uint64_t small_d, small_s,
        small_den;        /* sigma^2 = S/D and 2 S D t^2 when those are small
                                             integers, else 0 */
    uint64_t small_reach; /* the |x| up to which 64 bits are enough */
    uint64_t exp_digit[FED_EXP_STEPS * FED_EXP_MAX + 1]; /* first 64 bits of exp(-a/64) */
} fed_dgauss_exact;

void fed_dgauss_exact_init(fed_dgauss_exact *s, double sigma);
int64_t fed_dgauss_exact_draw(const fed_dgauss_exact *s, fed_noise *noise);

#endif
