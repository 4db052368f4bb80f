/*
 * The discrete Gaussian, exactly, for any double sigma: Canonne, Kamath, Steinke 2020, algorithm
 * 3 (a discrete Laplace proposal y of scale t = floor(sigma) + 1, kept with probability
 * exp(-(|y| - sigma^2/t)^2 / 2 sigma^2)), with two changes that alter the speed and nothing
 * else:
 *
 *   exp(-x) = exp(-a/64) exp(-r), a = floor(64 x). The first coin compares a lazily drawn
 *   uniform with the digits of exp(-a/64): 64 of them are in a table, and a tie (2^-64) gets
 *   512 from GMP. The second is their algorithm 1, which for r < 1/64 almost always ends at its
 *   first coin.
 *
 *   The argument x of the last coin is a ratio of integers of up to 400 bits. A double brings
 *   it to within 2^-38; whatever that cannot decide for certain (2^-30 of the draws) is decided
 *   with GMP in exact integers.
 *
 * So the outcome is the exact mathematical one on every machine, and so is the number of words
 * consumed. A tie in all 512 digits fails closed (probability 2^-512).
 */
#include "dgauss_exact.h"

#include <math.h>
#include <string.h>

#include "bernoulli.h"
#include "fixedpoint.h"
#include "sampler.h"

enum { EXP_TOP = FED_EXP_STEPS * FED_EXP_MAX };

/* ---- exp(-a/64) ---- */

static void exp_digits(fed_fixed *out, unsigned a)
{
    fed_fixed step;
    fed_fixed_ratio(&step, 1, FED_EXP_STEPS);
    fed_fixed_exp_minus(&step, &step);
    fed_fixed_one(out);
    for (unsigned i = 0; i < a; i++)
        fed_fixed_multiply(out, out, &step);
}

/* A sigma like 3 or 2.5 makes x a ratio of small integers, and often one on the very steps of
 * the table, where a double could not decide. */
static void init_small(fed_dgauss_exact *s)
{
    s->small_den = 0;
    for (unsigned f = 0; f <= 4 && s->sigma < 256; f++) {
        double root = ldexp(s->sigma, (int)f);
        if (root != floor(root)) continue;
        s->small_s = (uint64_t)(root * root), s->small_d = (uint64_t)1 << 2 * f;
        double den = 2.0 * (double)s->small_s * (double)s->small_d * (double)s->t * s->t;
        if (den < 0x1p44) s->small_den = (uint64_t)den;
        s->small_reach =
            ((uint64_t)1 << 28) / (s->t * s->small_d); /* |y t D - S| < 2^29 */
        return;
    }
}

void fed_dgauss_exact_init(fed_dgauss_exact *s, double sigma)
{
    s->sigma = sigma;
    s->t = (uint64_t)sigma + 1;
    s->centre = sigma * sigma / (double)s->t;
    s->inverse = 1 / (2 * sigma * sigma);
    fed_fixed step, x;
    fed_fixed_ratio(&step, 1, FED_EXP_STEPS);
    fed_fixed_exp_minus(&step, &step);
    fed_fixed_one(&x);
    for (unsigned a = 0; a <= EXP_TOP; a++) {
        s->exp_digit[a] = fed_fixed_digit(&x, 0);
        fed_fixed_multiply(&x, &x, &step);
    }
    init_small(s);
}

/* The uniform's first word equals the first digit of exp(-a/64): look at the others. */
static bool settle_exp(fed_noise *noise, unsigned a)
{
    fed_fixed x;
    if (a == 0) return true; /* exp(0) = 1 */
    exp_digits(&x, a);
    for (unsigned i = 1; i < FED_FIXED_LIMBS; i++) {
        uint64_t u = fed_noise_word(noise), digit = fed_fixed_digit(&x, i);
        if (u != digit) return u < digit;
    }
    if (noise->status == FED_OK)
        noise->status = fed_fail(&noise->why, FED_E_INTERNAL, "noise: a tie of 512 bits");
    return false;
}

/* Bernoulli(exp(-a/64)). */
static inline bool coin_exp(const fed_dgauss_exact *s, fed_noise *noise, unsigned a)
{
    uint64_t u = fed_noise_word(noise), digit = s->exp_digit[a];
    return u < digit || (u == digit && settle_exp(noise, a));
}

/* Bernoulli(exp(-num/den)) for num < den: algorithm 1. */
static inline bool coin_exp_small(fed_noise *noise, uint64_t num, uint64_t den)
{
    uint64_t k = 1;
    while (fed_coin(noise, num, den * k))
        k++;
    return k & 1;
}

/* ---- the proposal ---- */

/* How often exp(-1) comes up before it fails: U < exp(-j) for j = 1, 2, ... with one uniform,
 * seven at a time (the geometric law has no memory). */
static uint64_t geometric(const fed_dgauss_exact *s, fed_noise *noise)
{
    for (uint64_t v = 0;; v += 7) {
        uint64_t u = fed_noise_word(noise);
        unsigned below = 0, tie = 0;
        for (unsigned j = 1; j <= 7; j++) {
            uint64_t digit = s->exp_digit[FED_EXP_STEPS * j];
            below += u < digit;
            tie |= u == digit ? j : 0;
        }
        if (tie) below += settle_exp(noise, FED_EXP_STEPS * tie);
        if (below < 7) return v + below;
    }
}

static uint64_t laplace_magnitude(const fed_dgauss_exact *s, fed_noise *noise)
{
    uint64_t u;
    for (;;) {
        u = fed_sample_below(noise, s->t);
        uint64_t scaled = u * FED_EXP_STEPS, a = scaled / s->t;
        if (coin_exp(s, noise, (unsigned)a) &&
            coin_exp_small(noise, scaled - a * s->t, s->t * FED_EXP_STEPS))
            break;
    }
    return u + s->t * geometric(s, noise);
}

/* ---- the exact argument x = (y t D - S)^2 / (2 S D t^2), where sigma^2 = S/D ---- */

enum { WIDE = 12 };

typedef struct exact_ratio {
    mp_limb_t num[WIDE], den[WIDE];
} exact_ratio;

static void wide_shift(mp_limb_t *x, unsigned bits)
{
    unsigned limbs = bits / 64;
    memmove(x + limbs, x, (WIDE - limbs) * sizeof *x);
    memset(x, 0, limbs * sizeof *x);
    if (bits % 64) mpn_lshift(x, x, WIDE, bits % 64);
}

static void wide_times(mp_limb_t *x, uint64_t factor)
{
    mpn_mul_1(x, x, WIDE, factor);
}

/* sigma = m 2^-f, f >= 0 after m took the powers of two: S = m^2, D = 2^2f. */
static void exact_argument(const fed_dgauss_exact *s, uint64_t y, exact_ratio *x)
{
    int e;
    uint64_t m = (uint64_t)ldexp(frexp(s->sigma, &e), 53);
    unsigned f = (unsigned)(53 - e); /* sigma <= 2^40, so this is positive */
    mp_limb_t left[WIDE] = {y}, right[WIDE] = {m}, square[2 * WIDE];
    wide_times(left, s->t);
    wide_shift(left, 2 * f);
    wide_times(right, m);
    if (mpn_cmp(left, right, WIDE) >= 0)
        mpn_sub_n(left, left, right, WIDE);
    else
        mpn_sub_n(left, right, left, WIDE);
    mpn_sqr(square, left, WIDE);
    memcpy(x->num, square, sizeof x->num);
    memcpy(x->den, right, sizeof x->den);
    wide_times(x->den, s->t);
    wide_times(x->den, s->t);
    wide_shift(x->den, 2 * f + 1);
}

/* floor(64 x), saturated, and x.num becomes the remainder over 64 x.den. */
static uint64_t exact_floor64(exact_ratio *x)
{
    mp_limb_t scaled[WIDE], quotient[WIDE] = {0}, rest[WIDE] = {0};
    mp_size_t n = WIDE;
    memcpy(scaled, x->num, sizeof scaled);
    wide_shift(scaled, 6);
    while (n > 1 && !x->den[n - 1])
        n--;
    mpn_tdiv_qr(quotient, rest, 0, scaled, WIDE, x->den, n);
    memcpy(x->num, rest, sizeof rest);
    wide_shift(x->den, 6);
    for (int i = 1; i < WIDE; i++)
        if (quotient[i]) return UINT64_MAX;
    return quotient[0];
}

/* fed_coin on wide integers, the uniform's first word given: is u... below num / (den k)? */
static bool exact_coin(fed_noise *noise, uint64_t u, const exact_ratio *r, uint64_t k)
{
    mp_limb_t num[WIDE], den[WIDE], left[WIDE];
    memcpy(num, r->num, sizeof num);
    memcpy(den, r->den, sizeof den);
    wide_times(den, k);
    for (;;) {
        memcpy(left, den, sizeof left);
        wide_times(left, u);
        wide_shift(num, 64);
        if (mpn_cmp(left, num, WIDE) >= 0) return false;
        mpn_sub_n(num, num, left, WIDE);
        if (mpn_cmp(num, den, WIDE) >= 0) return true;
        u = fed_noise_word(noise);
    }
}

/* ---- the last coin ---- */

/* Bernoulli(exp(-r)) for r = remainder in [0, 1/64), known to `error`; k-th coins compare the
 * first word with r/k 2^64, and go to exact integers when that is too close. */
static bool accept_remainder(const fed_dgauss_exact *s, fed_noise *noise, uint64_t y,
                             double r, double error)
{
    for (uint64_t k = 1;; k++) {
        uint64_t u = fed_noise_word(noise);
        double at = (double)u * 0x1p-64, low = (r - error) / (double)k - 0x1p-50;
        double high = (r + error) / (double)k + 0x1p-50;
        bool below = at < low;
        if (at >= low && at <= high) {
            exact_ratio x;
            exact_argument(s, y, &x);
            (void)exact_floor64(&x);
            below = exact_coin(noise, u, &x, k);
        }
        if (!below) return k & 1;
    }
}

static bool accept_exactly(const fed_dgauss_exact *s, fed_noise *noise, uint64_t y)
{
    exact_ratio x;
    exact_argument(s, y, &x);
    uint64_t steps = exact_floor64(&x);
    for (; steps >= EXP_TOP; steps -= EXP_TOP)
        if (!coin_exp(s, noise, EXP_TOP)) return false;
    if (!coin_exp(s, noise, (unsigned)steps)) return false;
    for (uint64_t k = 1;; k++)
        if (!exact_coin(noise, fed_noise_word(noise), &x, k)) return k & 1;
}

/* x = (y t D - S)^2 / (2 S D t^2) in 64-bit integers. */
static bool accept_small(const fed_dgauss_exact *s, fed_noise *noise, uint64_t y)
{
    int64_t off = (int64_t)(y * s->t * s->small_d) - (int64_t)s->small_s;
    uint64_t num = (uint64_t)(off * off) * FED_EXP_STEPS;
    uint64_t steps = num / s->small_den, rest = num % s->small_den;
    for (; steps >= EXP_TOP; steps -= EXP_TOP)
        if (!coin_exp(s, noise, EXP_TOP)) return false;
    return coin_exp(s, noise, (unsigned)steps) &&
           coin_exp_small(noise, rest, s->small_den * FED_EXP_STEPS);
}

static bool accept(const fed_dgauss_exact *s, fed_noise *noise, uint64_t y)
{
    if (s->small_den && y < s->small_reach) return accept_small(s, noise, y);
    /* Relative errors of a few 2^-53 in centre and inverse, and 2^-53 sigma in the
     * difference: for y below 64 sigma, 64 x is within 2^-32 of the truth. */
    const double error = 0x1p-38;
    double off = (double)y - s->centre, x64 = FED_EXP_STEPS * off * off * s->inverse;
    double a = floor(x64), r = x64 - a;
    bool sure = r > 0x1p-30 && r < 1 - 0x1p-30 && x64 < EXP_TOP;
    if (!sure) return accept_exactly(s, noise, y);
    return coin_exp(s, noise, (unsigned)a) &&
           accept_remainder(s, noise, y, r / FED_EXP_STEPS, error);
}

int64_t fed_dgauss_exact_draw(const fed_dgauss_exact *s, fed_noise *noise)
{
    for (;;) {
        uint64_t y = laplace_magnitude(s, noise);
        unsigned negative = fed_noise_bit(noise);
        if ((negative && !y) || !accept(s, noise, y)) continue;
        return negative ? -(int64_t)y : (int64_t)y;
    }
}
