/*
 * The codec's kernels as a template: a kernel file defines FED_LANES (floats per vector; 1
 * means plain C), FED_TARGET (the target attribute) and FED_TABLE (the name of the table),
 * then includes this. What a compiler vectorises by itself is plain C; the transform is
 * written with vectors of the compiler.
 */
#include <string.h>

#include "codec_kernels.h"

FED_TARGET static double kernel_energy(const float *x, size_t n)
{
    double sum[16] = {0};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int l = 0; l < 16; l++)
            sum[l] += (double)x[i + l] * (double)x[i + l];
    for (int l = 0; i < n; i++, l++)
        sum[l] += (double)x[i] * (double)x[i];
    for (int width = 8; width; width /= 2)
        for (int l = 0; l < width; l++)
            sum[l] += sum[l + width];
    return sum[0];
}

FED_TARGET static void kernel_combine(float *u, const float *delta, const float *residual,
                                      float decay, float weight, size_t n)
{
    if (residual)
        for (size_t i = 0; i < n; i++)
            u[i] = (delta[i] + decay * residual[i]) * weight;
    else
        for (size_t i = 0; i < n; i++)
            u[i] = delta[i] * weight;
}

FED_TARGET static void kernel_scale(float *x, float factor, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= factor;
}

static inline float with_sign(float x, uint32_t sign)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits ^= sign;
    memcpy(&x, &bits, sizeof bits);
    return x;
}

FED_TARGET static void kernel_flip(float *restrict x, const uint32_t *restrict signs,
                                   float factor, size_t n)
{
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        uint32_t word = signs[i / 32];
        for (unsigned l = 0; l < 32; l++)
            x[i + l] = with_sign(x[i + l] * factor, (word << (31 - l)) & 0x80000000);
    }
    for (; i < n; i++)
        x[i] = with_sign(x[i] * factor, (signs[i / 32] << (31 - i % 32)) & 0x80000000);
}

#if FED_LANES == 1

static void butterfly_level(float *x, size_t n, size_t h)
{
    for (size_t group = 0; group < n; group += 2 * h)
        for (size_t j = group; j < group + h; j++) {
            float a = x[j], b = x[j + h];
            x[j] = a + b;
            x[j + h] = a - b;
        }
}

static void kernel_hadamard16(float *x, size_t n)
{
    for (size_t h = 1; h < 16; h *= 2)
        butterfly_level(x, n, h);
}

static void kernel_butterflies(float *x, size_t h, unsigned levels, size_t from,
                               size_t to)
{
    size_t n = h << levels;
    for (size_t step = h; step < n; step *= 2)
        for (size_t group = 0; group < n; group += 2 * step)
            for (size_t row = group; row < group + step; row += h)
                for (size_t j = row + from; j < row + to; j++) {
                    float a = x[j], b = x[j + step];
                    x[j] = a + b;
                    x[j + step] = a - b;
                }
}

#else

typedef float lanes __attribute__((vector_size(4 * FED_LANES)));
typedef float lanes_in_memory
    __attribute__((vector_size(4 * FED_LANES), aligned(4), may_alias));
typedef uint32_t lane_bits __attribute__((vector_size(4 * FED_LANES)));

#define LOAD(p)         (*(const lanes_in_memory *)(p))
#define STORE(p, v)     (*(lanes_in_memory *)(p) = (v))
/* Needs a variable `lanes difference` in scope. */
#define BUTTERFLY(a, b) (difference = (a) - (b), (a) += (b), (b) = difference)

/* The partner at distance h of each lane, plus the lane itself with the sign that makes a
 * sum of it in the lower half and a difference in the upper: a - b is a + (-b) exactly. */
#define IN_LANES(v, h)                                                                   \
    do {                                                                                 \
        lane_bits own_ = (lane_bits)(v);                                                 \
        lane_bits upper_ = (lane_numbers & (h)) * (0x80000000u / (h));                   \
        lanes partner_ = (lanes)SWAP_##h(own_);                                          \
        (v) = partner_ + (lanes)(own_ ^ upper_);                                         \
    } while (0)

#if FED_LANES == 4
#define SHUFFLE(v, ...) __builtin_shufflevector(v, v, __VA_ARGS__)
#define SWAP_1(v)       SHUFFLE(v, 1, 0, 3, 2)
#define SWAP_2(v)       SHUFFLE(v, 2, 3, 0, 1)
#define LANE_NUMBERS    0, 1, 2, 3
#elif FED_LANES == 8
#define SHUFFLE(v, ...) __builtin_shufflevector(v, v, __VA_ARGS__)
#define SWAP_1(v)       SHUFFLE(v, 1, 0, 3, 2, 5, 4, 7, 6)
#define SWAP_2(v)       SHUFFLE(v, 2, 3, 0, 1, 6, 7, 4, 5)
#define SWAP_4(v)       SHUFFLE(v, 4, 5, 6, 7, 0, 1, 2, 3)
#define LANE_NUMBERS    0, 1, 2, 3, 4, 5, 6, 7
#else
#define SHUFFLE(v, ...) __builtin_shufflevector(v, v, __VA_ARGS__)
#define SWAP_1(v)       SHUFFLE(v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)
#define SWAP_2(v)       SHUFFLE(v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)
#define SWAP_4(v)       SHUFFLE(v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)
#define SWAP_8(v)       SHUFFLE(v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)
#define LANE_NUMBERS    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
#endif

FED_TARGET static void kernel_hadamard16(float *x, size_t n)
{
    const lane_bits lane_numbers = {LANE_NUMBERS};
    enum { VECTORS = 16 / FED_LANES };
    for (size_t i = 0; i < n; i += 16) {
        lanes v[VECTORS], difference;
        for (int k = 0; k < VECTORS; k++) {
            v[k] = LOAD(x + i + k * FED_LANES);
            IN_LANES(v[k], 1);
            IN_LANES(v[k], 2);
#if FED_LANES >= 8
            IN_LANES(v[k], 4);
#endif
#if FED_LANES >= 16
            IN_LANES(v[k], 8);
#endif
        }
        for (int step = 1; step < VECTORS; step *= 2)
            for (int k = 0; k < VECTORS; k++)
                if (!(k & step)) BUTTERFLY(v[k], v[k + step]);
        for (int k = 0; k < VECTORS; k++)
            STORE(x + i + k * FED_LANES, v[k]);
    }
}

FED_TARGET static void butterflies8(float *x, size_t h, size_t from, size_t to)
{
    for (size_t j = from; j < to; j += FED_LANES) {
        float *p = x + j;
        lanes a = LOAD(p), b = LOAD(p + h), c = LOAD(p + 2 * h), d = LOAD(p + 3 * h);
        lanes e = LOAD(p + 4 * h), f = LOAD(p + 5 * h), g = LOAD(p + 6 * h);
        lanes i = LOAD(p + 7 * h), difference;
        BUTTERFLY(a, b), BUTTERFLY(c, d), BUTTERFLY(e, f), BUTTERFLY(g, i);
        BUTTERFLY(a, c), BUTTERFLY(b, d), BUTTERFLY(e, g), BUTTERFLY(f, i);
        BUTTERFLY(a, e), BUTTERFLY(b, f), BUTTERFLY(c, g), BUTTERFLY(d, i);
        STORE(p, a), STORE(p + h, b), STORE(p + 2 * h, c), STORE(p + 3 * h, d);
        STORE(p + 4 * h, e), STORE(p + 5 * h, f), STORE(p + 6 * h, g);
        STORE(p + 7 * h, i);
    }
}

FED_TARGET static void butterflies2(float *x, size_t h, size_t from, size_t to)
{
    for (size_t j = from; j < to; j += FED_LANES) {
        lanes a = LOAD(x + j), b = LOAD(x + j + h), difference;
        BUTTERFLY(a, b);
        STORE(x + j, a), STORE(x + j + h, b);
    }
}

FED_TARGET static void kernel_butterflies(float *x, size_t h, unsigned levels,
                                          size_t from, size_t to)
{
    if (levels == 3) {
        butterflies8(x, h, from, to);
        return;
    }
    butterflies2(x, h, from, to);
    if (levels == 1) return;
    butterflies2(x + 2 * h, h, from, to);
    butterflies2(x, 2 * h, from, to);
    butterflies2(x + h, 2 * h, from, to);
}

#endif

FED_TARGET static size_t kernel_round(const float *restrict x, float inverse,
                                      fed_round_range range,
                                      const uint32_t *restrict random,
                                      int32_t *restrict out, size_t n)
{
    uint32_t saturated = 0;
    for (size_t i = 0; i < n; i++) {
        float t = x[i] * inverse;
        uint32_t beyond = (t > range.half) | (t < -range.half);
        t = t > -range.half ? t : -range.half; /* this order maps a NaN to the bound */
        t = t < range.half ? t : range.half;
        t -= range.shift;
        int32_t whole = (int32_t)t;
        whole -= (float)whole > t; /* toward minus infinity */
        int32_t chance = (int32_t)((t - (float)whole) * 0x1p24f);
        out[i] = whole + ((int32_t)(random[i] >> 8) < chance);
        saturated += beyond;
    }
    return saturated;
}

FED_TARGET static void kernel_dequantise(float *restrict out, const int64_t *restrict x,
                                         double unit, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)((double)x[i] * unit);
}

static inline uint32_t key_at(const void *keys, size_t i)
{
    uint32_t key;
    memcpy(&key, (const uint8_t *)keys + 4 * i, sizeof key);
    return key;
}

/* Few entries reach the bound, so sixteen at a time are looked at first. */
FED_TARGET static size_t kernel_filter(const void *keys, uint32_t mask, size_t n,
                                       uint32_t bound, uint32_t *restrict hits)
{
    size_t found = 0, i = 0;
    for (; i + 16 <= n; i += 16) {
        uint32_t any = 0;
        for (int l = 0; l < 16; l++)
            any |= (uint32_t)((key_at(keys, i + l) & mask) >= bound);
        for (size_t l = i; any && l < i + 16; l++) {
            hits[found] = (uint32_t)l;
            found += (key_at(keys, l) & mask) >= bound;
        }
    }
    for (; i < n; i++) {
        hits[found] = (uint32_t)i;
        found += (key_at(keys, i) & mask) >= bound;
    }
    return found;
}

const fed_codec_kernels FED_TABLE = {kernel_energy, kernel_combine,    kernel_scale,
                                     kernel_flip,   kernel_hadamard16, kernel_butterflies,
                                     kernel_round,  kernel_dequantise, kernel_filter};
