/*
 * Eight entries are B bytes. A byte shuffle brings the four bytes that hold an entry into a
 * 32-bit lane, a shift by lane drops the bits before it, a mask those behind it. An entry of up
 * to 25 bits lies in four bytes whatever its first bit. Entries 4 to 7 begin in the middle of
 * the group, at byte B/2, so each half of the register is loaded from its own place.
 */
#include "ring_pack_x86.h"

#if FED_X86_KERNELS
#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))

typedef struct unpack_plan {
    uint8_t shuffle[32];
    uint32_t shifts[8];
    size_t second; /* byte at which the second half begins */
} unpack_plan;

static unpack_plan plan_for(unsigned bits)
{
    unpack_plan plan = {.second = bits / 2};
    for (unsigned e = 0; e < 8; e++) {
        unsigned bit = e * bits - (e < 4 ? 0 : 8 * (bits / 2));
        plan.shifts[e] = bit % 8;
        for (unsigned b = 0; b < 4; b++)
            plan.shuffle[4 * e + b] = (uint8_t)(bit / 8 + b);
    }
    return plan;
}

/* Eight entries as 32-bit numbers. */
TARGET static inline __m256i unpack8(const uint8_t *at, size_t second, __m256i shuffle,
                                     __m256i shifts, __m256i mask)
{
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(at + second));
    __m256i v = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
    return _mm256_and_si256(_mm256_srlv_epi32(_mm256_shuffle_epi8(v, shuffle), shifts),
                            mask);
}

TARGET static void add8_to_u16(uint16_t *lanes, __m256i v)
{
    __m128i *to = (__m128i *)(void *)lanes;
    __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(v, v), 0x08);
    _mm_storeu_si128(to,
                     _mm_add_epi16(_mm_loadu_si128(to), _mm256_castsi256_si128(packed)));
}

TARGET static void add8_to_u32(uint32_t *lanes, __m256i v)
{
    __m256i *to = (__m256i *)(void *)lanes;
    _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), v));
}

TARGET static size_t add_groups(fed_ring *r, const uint8_t *packed, size_t groups)
{
    unpack_plan plan = plan_for(r->bits);
    __m256i shuffle = _mm256_loadu_si256((const __m256i *)(const void *)plan.shuffle);
    __m256i shifts = _mm256_loadu_si256((const __m256i *)(const void *)plan.shifts);
    __m256i mask = _mm256_set1_epi32((int)((1u << r->bits) - 1));
    for (size_t g = 0; g < groups; g++, packed += r->bits) {
        __m256i v = unpack8(packed, plan.second, shuffle, shifts, mask);
        if (r->bits <= 16)
            add8_to_u16((uint16_t *)r->lanes + 8 * g, v);
        else
            add8_to_u32((uint32_t *)r->lanes + 8 * g, v);
    }
    return 8 * groups;
}

size_t fed_ring_add_packed_x86(fed_ring *r, const uint8_t *packed, size_t len)
{
    fed_kernel kernel = fed_kernel_active();
    if (r->bits > 25 || (kernel != FED_KERNEL_AVX2 && kernel != FED_KERNEL_AVX512))
        return 0;
    size_t reach = r->bits / 2 + 16; /* bytes that a group's loads touch */
    size_t groups = len < reach ? 0 : (len - reach) / r->bits + 1;
    if (groups > r->n / 8) groups = r->n / 8;
    return add_groups(r, packed, groups);
}

#else

size_t fed_ring_add_packed_x86(fed_ring *r, const uint8_t *packed, size_t len)
{
    (void)r, (void)packed, (void)len;
    return 0;
}

#endif
