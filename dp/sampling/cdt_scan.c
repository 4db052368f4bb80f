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
static uint64_t scan_scalar(const fed_cdt *cdt, const uint64_t *u, uint64_t *count)
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

static void apply_scalar(const uint64_t *count, const uint64_t *sign, int64_t weight,
                         int64_t *sum)
{
    for (size_t i = 0; i < FED_TABLE_BLOCK; i++) {
        uint64_t negative = 0 - (sign[i / 64] >> i % 64 & 1);
        sum[i] += weight * (int64_t)((count[i] ^ negative) - negative);
    }
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

static uint64_t scan_avx512(const fed_cdt *cdt, const uint64_t *u, uint64_t *count)
{
    return cdt->levels ? fed_cdt_search_avx512(cdt, u, count) : scan_avx2(cdt, u, count);
}

#endif

const fed_cdt_kernel *fed_cdt_kernel_of(fed_kernel kernel)
{
    static const fed_cdt_kernel scalar = {scan_scalar, apply_scalar};
#if defined(__x86_64__)
    static const fed_cdt_kernel avx2 = {scan_avx2, apply_scalar};
    static const fed_cdt_kernel avx512 = {scan_avx512, fed_cdt_apply_avx512};
    if (kernel == FED_KERNEL_AVX512 && fed_kernel_available(kernel)) return &avx512;
    if (kernel == FED_KERNEL_AVX2 && fed_kernel_available(kernel)) return &avx2;
#endif
    (void)kernel;
    return &scalar;
}
