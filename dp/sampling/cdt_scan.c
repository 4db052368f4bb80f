/*
 * Counting how many thresholds lie below each uniform, the whole table every time: what is
 * read and how long it takes do not depend on the result. A tie with the counted threshold is
 * found in constant time too; only then (about 2^-58 per draw) does the caller branch.
 */
#include "dgauss_table.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* The reference. Sixteen uniforms at a time keep their counts in registers. */
static inline uint64_t scan_plain(const fed_cdt *cdt, const uint64_t *u, uint64_t *count)
{
    uint64_t tie = 0;
    for (size_t i = 0; i < FED_TABLE_BLOCK; i += 16) {
        uint64_t c[16] = {0}, e[16] = {0};
        for (size_t k = 0; k < cdt->first; k++)
            for (int l = 0; l < 16; l++) {
                c[l] += cdt->high[k] < u[i + l];
                e[l] |= cdt->high[k] == u[i + l];
            }
        for (int l = 0; l < 16; l++) {
            count[i + l] = c[l];
            tie |= e[l] | (u[i + l] == UINT64_MAX);
        }
    }
    return tie;
}

static uint64_t scan_scalar(const fed_cdt *cdt, const uint64_t *u, uint64_t *count)
{
    return scan_plain(cdt, u, count);
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) static uint64_t
scan_avx2(const fed_cdt *cdt, const uint64_t *u, uint64_t *count)
{
    const __m256i flip = _mm256_set1_epi64x(INT64_MIN);
    __m256i tie = _mm256_setzero_si256();
    for (size_t i = 0; i < FED_TABLE_BLOCK; i += 16) {
        __m256i x[4], c[4];
        for (int q = 0; q < 4; q++) {
            x[q] = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(u + i + 4 * q)),
                                    flip);
            c[q] = _mm256_setzero_si256();
        }
        for (size_t k = 0; k < cdt->first; k++) {
            __m256i t = _mm256_set1_epi64x((int64_t)(cdt->high[k] ^ 1ull << 63));
            for (int q = 0; q < 4; q++) {
                c[q] = _mm256_sub_epi64(c[q], _mm256_cmpgt_epi64(x[q], t));
                tie = _mm256_or_si256(tie, _mm256_cmpeq_epi64(x[q], t));
            }
        }
        __m256i top = _mm256_set1_epi64x(INT64_MAX);
        for (int q = 0; q < 4; q++) {
            tie = _mm256_or_si256(tie, _mm256_cmpeq_epi64(x[q], top));
            _mm256_storeu_si256((__m256i *)(count + i + 4 * q), c[q]);
        }
    }
    return (uint64_t)!_mm256_testz_si256(tie, tie);
}

/* A tie is looked for at one place only, the counted threshold, which a permutation of every
 * 8-word block of the table delivers without an address that depends on it. */
__attribute__((target("avx512f"))) static inline __mmask8
ties_avx512(const fed_cdt *cdt, __m512i u, __m512i c)
{
    const __m512i ones = _mm512_set1_epi64(-1);
    __m512i block = _mm512_srli_epi64(c, 3), at = ones;
    for (size_t b = 0; 8 * b < cdt->first; b++) {
        __m512i words = _mm512_loadu_si512(cdt->high + 8 * b);
        __mmask8 here = _mm512_cmpeq_epi64_mask(block, _mm512_set1_epi64((long long)b));
        at = _mm512_mask_permutexvar_epi64(at, here, c, words);
    }
    return _mm512_cmpeq_epi64_mask(at, u);
}

__attribute__((target("avx512f"))) static uint64_t
scan_avx512(const fed_cdt *cdt, const uint64_t *u, uint64_t *count)
{
    const __m512i one = _mm512_set1_epi64(1);
    unsigned tie = 0;
    for (size_t i = 0; i < FED_TABLE_BLOCK; i += 64) {
        __m512i x[8], c[8];
        for (int q = 0; q < 8; q++) {
            x[q] = _mm512_loadu_si512(u + i + 8 * q);
            c[q] = _mm512_setzero_si512();
        }
        for (size_t k = 0; k < cdt->first; k++) {
            __m512i t = _mm512_set1_epi64((long long)cdt->high[k]);
            for (int q = 0; q < 8; q++) {
                __mmask8 below = _mm512_cmplt_epu64_mask(t, x[q]);
                c[q] = _mm512_mask_add_epi64(c[q], below, c[q], one);
            }
        }
        for (int q = 0; q < 8; q++) {
            tie |= ties_avx512(cdt, x[q], c[q]);
            _mm512_storeu_si512(count + i + 8 * q, c[q]);
        }
    }
    return tie;
}

#endif

fed_cdt_scan fed_cdt_scan_of(fed_kernel kernel)
{
    if (!fed_kernel_available(kernel)) return NULL;
#if defined(__x86_64__)
    if (kernel == FED_KERNEL_AVX512) return scan_avx512;
    if (kernel == FED_KERNEL_AVX2) return scan_avx2;
#endif
    return scan_scalar;
}

fed_cdt_scan fed_cdt_scan_active(void)
{
    return fed_cdt_scan_of(fed_kernel_active());
}
