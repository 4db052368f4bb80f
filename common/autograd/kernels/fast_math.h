/*
 * exp, log, tanh, erf and their kin in plain arithmetic: loops over them vectorise, and the
 * bits do not depend on the C library. Errors are a few units in the last place of a float
 * (test_kernels measures them).
 */
#ifndef FED_FAST_MATH_H
#define FED_FAST_MATH_H

#include "path.h"

/* a b + c, fused where the path has it in hardware; never by way of the C library. */
static inline float fed_madd(float a, float b, float c)
{
#if (defined(__FMA__) || defined(__aarch64__)) && !defined(FED_PATH_SCALAR)
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

/** e^x by reduction to [-ln2/2, ln2/2] and a polynomial of degree 6 (Cephes' idea);
 *  x is clamped to [-87, 88]; a NaN comes out as NaN. */
static inline float fed_exp(float x)
{
    const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to a whole number */
    float bounded = x < -87.0f ? -87.0f : x;
    bounded = bounded > 88.0f ? 88.0f : bounded;
    float shifted = bounded * 1.44269504f + magic, n = shifted - magic;
    float r = fed_madd(n, -0.693145752f, bounded);
    r = fed_madd(n, -1.42860677e-6f, r);
    float p = 1.3888889e-3f;
    p = fed_madd(p, r, 8.3333333e-3f);
    p = fed_madd(p, r, 4.1666667e-2f);
    p = fed_madd(p, r, 1.6666667e-1f);
    p = fed_madd(p, r, 0.5f);
    p = fed_madd(p, r, 1.0f);
    p = fed_madd(p, r, 1.0f);
    uint32_t
        bits; /* n stands in the low bits of `shifted`; a NaN gives some number or other */
    float power;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 127) << 23;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

static inline float fed_sigmoid(float x)
{
    return 1.0f / (1.0f + fed_exp(-x));
}

static inline float fed_tanh(float x)
{
    return 1.0f - 2.0f / (1.0f + fed_exp(2.0f * x));
}

/** Abramowitz, Stegun 7.1.26; absolute error below 6e-7, rounding included. */
static inline float fed_erf(float x)
{
    float a = x < 0 ? -x : x;
    float t = 1.0f / fed_madd(0.3275911f, a, 1.0f);
    float p = 1.061405429f;
    p = fed_madd(p, t, -1.453152027f);
    p = fed_madd(p, t, 1.421413741f);
    p = fed_madd(p, t, -0.284496736f);
    p = fed_madd(p, t, 0.254829592f);
    float y = 1.0f - p * t * fed_exp(-a * a);
    return x < 0 ? -y : y;
}

/** The natural logarithm of a positive, normal x, in double: for losses, one call per row.
 *  x = m 2^e with m in [sqrt(1/2), sqrt(2)), log m = 2 artanh((m-1)/(m+1)). A NaN or an
 *  infinity comes out as it is. */
static inline double fed_ln(double x)
{
    if (!(x - x == 0)) return x;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
    bits = (bits & 0x000fffffffffffffu) | 0x3ff0000000000000u;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) m *= 0.5, exponent++;
    double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
    for (int i = 21; i >= 1; i -= 2)
        sum = sum * s2 + 1.0 / i;
    return 2 * s * sum + exponent * 0.6931471805599453;
}

#endif
