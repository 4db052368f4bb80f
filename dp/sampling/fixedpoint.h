/*
 * Fixed-point numbers in [0, 1) with 512 fraction bits, on GMP's mpn layer: no allocation, no
 * dependence on the C library's exp. Errors are a few units of the last place per operation,
 * hundreds of bits below anything compared with them.
 */
#ifndef FED_FIXEDPOINT_H
#define FED_FIXEDPOINT_H

#include <stdint.h>

#include <gmp.h>

enum { FED_FIXED_LIMBS = 8 };

#if GMP_NUMB_BITS != 64
#error "libfed needs GMP with 64-bit limbs"
#endif

/** w[0] is the least significant limb. */
typedef struct fed_fixed {
    mp_limb_t w[FED_FIXED_LIMBS];
} fed_fixed;

/** 1 - 2^-512: as near to one as there is. */
void fed_fixed_one(fed_fixed *out);
/** num / den for num < den; den > 0. */
void fed_fixed_ratio(fed_fixed *out, uint64_t num, uint64_t den);
/** 1 / (2 sigma^2), exactly rounded down, for a double sigma >= 1. */
void fed_fixed_half_precision(fed_fixed *out, double sigma);
/** a * b, rounded down. `out` may be either. */
void fed_fixed_multiply(fed_fixed *out, const fed_fixed *a, const fed_fixed *b);
/** exp(-x). */
void fed_fixed_exp_minus(fed_fixed *out, const fed_fixed *x);
/** The 64 bits behind the first 64*skip ones. */
uint64_t fed_fixed_digit(const fed_fixed *x, unsigned skip);

#endif
