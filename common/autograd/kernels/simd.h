/*
 * One vector of floats, whatever its width: AVX-512 (16), AVX2 (8), NEON (4), plain C (1).
 * Only what the compiler cannot find by itself is written with these: the matrix product,
 * depthwise convolution and ordered sums. A `part` operation touches the first n elements.
 */
#ifndef FED_SIMD_H
#define FED_SIMD_H

#include "path.h"

#if defined(FED_PATH_SCALAR)

enum { FED_LANES = 1 };
typedef float fed_vec;
typedef size_t fed_mask;
static inline fed_mask vec_mask(size_t n)
{
    return n;
}
static inline fed_vec vec_set(float x)
{
    return x;
}
static inline fed_vec vec_load(const float *p)
{
    return *p;
}
static inline fed_vec vec_load_part(const float *p, fed_mask n)
{
    return n ? *p : 0;
}
static inline void vec_store(float *p, fed_vec v)
{
    *p = v;
}
static inline void vec_store_part(float *p, fed_mask n, fed_vec v)
{
    if (n) *p = v;
}
static inline fed_vec vec_add(fed_vec a, fed_vec b)
{
    return a + b;
}
static inline fed_vec vec_mul(fed_vec a, fed_vec b)
{
    return a * b;
}
static inline fed_vec vec_fma(fed_vec a, fed_vec b, fed_vec c)
{
    return a * b + c;
}
static inline fed_vec vec_max(fed_vec a, fed_vec b)
{
    return a > b ? a : b;
}

#elif defined(__AVX512F__)
#include <immintrin.h>

#define FED_TILE_MAX 12
enum { FED_LANES = 16, FED_TILE_ROWS = FED_TILE_MAX };
typedef __m512 fed_vec;
typedef __mmask16 fed_mask;
static inline fed_mask vec_mask(size_t n)
{
    return (fed_mask)(n >= 16 ? 0xffff : (1u << n) - 1);
}
static inline fed_vec vec_set(float x)
{
    return _mm512_set1_ps(x);
}
static inline fed_vec vec_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
static inline fed_vec vec_load_part(const float *p, fed_mask m)
{
    return _mm512_maskz_loadu_ps(m, p);
}
static inline void vec_store(float *p, fed_vec v)
{
    _mm512_storeu_ps(p, v);
}
static inline void vec_store_part(float *p, fed_mask m, fed_vec v)
{
    _mm512_mask_storeu_ps(p, m, v);
}
static inline fed_vec vec_add(fed_vec a, fed_vec b)
{
    return _mm512_add_ps(a, b);
}
static inline fed_vec vec_mul(fed_vec a, fed_vec b)
{
    return _mm512_mul_ps(a, b);
}
static inline fed_vec vec_fma(fed_vec a, fed_vec b, fed_vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline fed_vec vec_max(fed_vec a, fed_vec b)
{
    return _mm512_max_ps(a, b);
}

#elif defined(__AVX2__)
#include <immintrin.h>

#define FED_TILE_MAX 6
enum { FED_LANES = 8, FED_TILE_ROWS = FED_TILE_MAX };
typedef __m256 fed_vec;
typedef __m256i fed_mask;
static inline fed_mask vec_mask(size_t n)
{
    __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n > 8 ? 8 : (int)n), lane);
}
static inline fed_vec vec_set(float x)
{
    return _mm256_set1_ps(x);
}
static inline fed_vec vec_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
static inline fed_vec vec_load_part(const float *p, fed_mask m)
{
    return _mm256_maskload_ps(p, m);
}
static inline void vec_store(float *p, fed_vec v)
{
    _mm256_storeu_ps(p, v);
}
static inline void vec_store_part(float *p, fed_mask m, fed_vec v)
{
    _mm256_maskstore_ps(p, m, v);
}
static inline fed_vec vec_add(fed_vec a, fed_vec b)
{
    return _mm256_add_ps(a, b);
}
static inline fed_vec vec_mul(fed_vec a, fed_vec b)
{
    return _mm256_mul_ps(a, b);
}
static inline fed_vec vec_fma(fed_vec a, fed_vec b, fed_vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}
static inline fed_vec vec_max(fed_vec a, fed_vec b)
{
    return _mm256_max_ps(a, b);
}

#elif defined(__aarch64__)
#include <arm_neon.h>

#define FED_TILE_MAX 8
enum { FED_LANES = 4, FED_TILE_ROWS = FED_TILE_MAX };
typedef float32x4_t fed_vec;
typedef size_t fed_mask;
static inline fed_mask vec_mask(size_t n)
{
    return n > 4 ? 4 : n;
}
static inline fed_vec vec_set(float x)
{
    return vdupq_n_f32(x);
}
static inline fed_vec vec_load(const float *p)
{
    return vld1q_f32(p);
}
static inline fed_vec vec_load_part(const float *p, fed_mask n)
{
    float t[4] = {0};
    if (n == 4) return vld1q_f32(p);
    for (size_t i = 0; i < n; i++)
        t[i] = p[i];
    return vld1q_f32(t);
}
static inline void vec_store(float *p, fed_vec v)
{
    vst1q_f32(p, v);
}
static inline void vec_store_part(float *p, fed_mask n, fed_vec v)
{
    float t[4];
    vst1q_f32(t, v);
    for (size_t i = 0; i < n; i++)
        p[i] = t[i];
}
static inline fed_vec vec_add(fed_vec a, fed_vec b)
{
    return vaddq_f32(a, b);
}
static inline fed_vec vec_mul(fed_vec a, fed_vec b)
{
    return vmulq_f32(a, b);
}
static inline fed_vec vec_fma(fed_vec a, fed_vec b, fed_vec c)
{
    return vfmaq_f32(c, a, b);
}
static inline fed_vec vec_max(fed_vec a, fed_vec b)
{
    return vmaxq_f32(a, b);
}
#else
#error "FED_PATH names no instruction set of this compiler"
#endif

/** The lanes added in a fixed order. */
static inline float vec_sum(fed_vec v)
{
    float lane[FED_LANES];
    vec_store(lane, v);
    for (size_t width = FED_LANES / 2; width; width /= 2)
        for (size_t i = 0; i < width; i++)
            lane[i] += lane[i + width];
    return lane[0];
}

#if defined(__clang__)
#define FED_UNROLL _Pragma("clang loop unroll(full)")
#else
#define FED_UNROLL _Pragma("GCC unroll 16")
#endif

#endif
