/*
 * The scan's answer in log time, still without an address or a branch that depends on a secret: a
 * lower-bound search whose tables are vector registers. A step of the search looks its threshold
 * up among the 2^l nodes of its level by permuting all of them (16 words per permutation, every
 * one executed for every draw, the wanted one kept by a mask). The threshold that a search ends
 * at is one that it compared with, so a tie shows on the way.
 */
#include "dgauss_table.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f")))
enum { VECTORS = 4 };

/* node[index] for an index below 2^level, lane by lane. */
AVX512 static inline __m512i look_up(const uint64_t *node, unsigned level, __m512i index)
{
    if (level <= 3) return _mm512_permutexvar_epi64(index, _mm512_loadu_si512(node));
    __m512i found = _mm512_permutex2var_epi64(_mm512_loadu_si512(node), index,
                                              _mm512_loadu_si512(node + 8));
    __m512i block = _mm512_srli_epi64(index, 4);
    for (long long b = 1; b < 1 << (level - 4); b++) {
        __m512i other =
            _mm512_permutex2var_epi64(_mm512_loadu_si512(node + 16 * b), index,
                                      _mm512_loadu_si512(node + 16 * b + 8));
        __mmask8 here = _mm512_cmpeq_epi64_mask(block, _mm512_set1_epi64(b));
        found = _mm512_mask_mov_epi64(found, here, other);
    }
    return found;
}

/* The path so far, as a binary number, is both the index of the next node and, at the end, the
 * count. */
AVX512 static inline unsigned step(const uint64_t *node, unsigned level, const __m512i *x,
                                   __m512i *path)
{
    unsigned tie = 0;
    for (int v = 0; v < VECTORS; v++) {
        __m512i threshold = look_up(node, level, path[v]);
        __mmask8 right = _mm512_cmplt_epu64_mask(threshold, x[v]);
        tie |= _mm512_cmpeq_epi64_mask(threshold, x[v]);
        path[v] = _mm512_add_epi64(path[v], path[v]);
        path[v] = _mm512_mask_add_epi64(path[v], right, path[v], _mm512_set1_epi64(1));
    }
    return tie;
}

/* One call per level, with the level a constant, so that the loops above unroll. */
AVX512 static unsigned search(const fed_cdt *cdt, const __m512i *x, __m512i *path)
{
    unsigned tie = 0;
    const uint64_t *n = cdt->node;
    tie |= step(n, 0, x, path);
    if (cdt->levels > 1) tie |= step(n + 8, 1, x, path);
    if (cdt->levels > 2) tie |= step(n + 16, 2, x, path);
    if (cdt->levels > 3) tie |= step(n + 24, 3, x, path);
    if (cdt->levels > 4) tie |= step(n + 32, 4, x, path);
    if (cdt->levels > 5) tie |= step(n + 48, 5, x, path);
    if (cdt->levels > 6) tie |= step(n + 80, 6, x, path);
    if (cdt->levels > 7) tie |= step(n + 144, 7, x, path);
    return tie;
}

AVX512 uint64_t fed_cdt_search_avx512(const fed_cdt *cdt,
                                      const uint64_t u[FED_TABLE_BLOCK],
                                      uint64_t count[FED_TABLE_BLOCK])
{
    unsigned tie = 0;
    for (size_t i = 0; i < FED_TABLE_BLOCK; i += 8 * VECTORS) {
        __m512i x[VECTORS], path[VECTORS];
        for (int v = 0; v < VECTORS; v++) {
            x[v] = _mm512_loadu_si512(u + i + 8 * v);
            path[v] = _mm512_setzero_si512();
        }
        tie |= search(cdt, x, path);
        for (int v = 0; v < VECTORS; v++)
            _mm512_storeu_si512(count + i + 8 * v, path[v]);
    }
    return tie;
}

__attribute__((target("avx512f,avx512dq"))) void
fed_cdt_apply_avx512(const uint64_t count[FED_TABLE_BLOCK],
                     const uint64_t sign[FED_TABLE_BLOCK / 64], int64_t weight,
                     int64_t sum[FED_TABLE_BLOCK])
{
    const __m512i zero = _mm512_setzero_si512(), w = _mm512_set1_epi64(weight);
    for (size_t i = 0; i < FED_TABLE_BLOCK; i += 8) {
        __mmask8 negative = (__mmask8)(sign[i / 64] >> i % 64);
        __m512i x = _mm512_loadu_si512(count + i);
        x = _mm512_mask_sub_epi64(x, negative, zero, x);
        x = _mm512_mullo_epi64(x, w);
        _mm512_storeu_si512(sum + i, _mm512_add_epi64(x, _mm512_loadu_si512(sum + i)));
    }
}

#endif
