#include "fixedpoint.h"

#include <math.h>
#include <string.h>

enum { N = FED_FIXED_LIMBS };

void fed_fixed_one(fed_fixed *out)
{
    memset(out, 0xff, sizeof *out);
}

void fed_fixed_ratio(fed_fixed *out, uint64_t num, uint64_t den)
{
    mp_limb_t wide[N + 1] = {0}, quotient[N + 1];
    wide[N] = num;
    mpn_divrem_1(quotient, 0, wide, N + 1, den);
    memcpy(out->w, quotient, sizeof out->w);
}

/* sigma = m 2^e with m of 53 bits, so 1/(2 sigma^2) = 2^(512 - 2e - 1) / m^2 units. */
void fed_fixed_half_precision(fed_fixed *out, double sigma)
{
    int e;
    uint64_t m = (uint64_t)ldexp(frexp(sigma, &e), 53);
    e -= 53;
    int shift = 64 * N - 2 * e - 1;
    mp_limb_t wide[N + 4] = {0}, quotient[N + 4] = {0}, rest[2], square[2], m1[1] = {m};
    wide[shift / 64] = (mp_limb_t)1 << (shift % 64);
    mpn_sqr(square, m1, 1);
    mp_size_t limbs = square[1] ? 2 : 1;
    mpn_tdiv_qr(quotient, rest, 0, wide, shift / 64 + 1, square, limbs);
    memcpy(out->w, quotient, sizeof out->w);
}

void fed_fixed_multiply(fed_fixed *out, const fed_fixed *a, const fed_fixed *b)
{
    mp_limb_t wide[2 * N];
    mpn_mul_n(wide, a->w, b->w, N);
    memcpy(out->w, wide + N, sizeof out->w);
}

/* Taylor; the terms alternate and shrink at least like 1/k!, so 110 of them pass 2^-512. */
void fed_fixed_exp_minus(fed_fixed *out, const fed_fixed *x)
{
    fed_fixed term, sum;
    fed_fixed_one(&term);
    fed_fixed_one(&sum);
    for (unsigned k = 1; k < 110; k++) {
        fed_fixed_multiply(&term, &term, x);
        mpn_divrem_1(term.w, 0, term.w, N, k);
        if (k & 1)
            mpn_sub_n(sum.w, sum.w, term.w, N);
        else
            mpn_add_n(sum.w, sum.w, term.w, N);
    }
    *out = sum;
}

uint64_t fed_fixed_digit(const fed_fixed *x, unsigned skip)
{
    return x->w[N - 1 - skip];
}
