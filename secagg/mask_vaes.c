#include "mask_vaes.h"

#include "base.h"

#if FED_X86_KERNELS

#include <immintrin.h>
#include <string.h>

#define VAES_TARGET __attribute__((target("aes,avx512f,avx512bw,avx512dq,avx512vl,vaes")))
#define VAES_INLINE VAES_TARGET __attribute__((always_inline)) static inline

enum { ROUNDS = 14, REGISTERS = 8, REGISTER_BYTES = 64 };

bool fed_mask_vaes_available(void)
{
    return fed_cpu_has_vaes512();
}

/* FIPS 197 section 5.2: each key word is the last one, changed or not, xor the eighth
 * before; the three shifts add up the words of a key. */
VAES_INLINE __m128i next_key(__m128i before, __m128i word)
{
    before = _mm_xor_si128(before, _mm_slli_si128(before, 4));
    before = _mm_xor_si128(before, _mm_slli_si128(before, 8));
    return _mm_xor_si128(before, word);
}

VAES_TARGET void fed_mask_vaes_schedule(const uint8_t key[32],
                                        uint8_t schedule[FED_VAES_SCHEDULE])
{
    __m128i k[ROUNDS + 2];
    k[0] = _mm_loadu_si128((const __m128i *)(const void *)key);
    k[1] = _mm_loadu_si128((const __m128i *)(const void *)(key + 16));
#define ROTATED(i, constant)                                                             \
    k[i] =                                                                               \
        next_key(k[i - 2],                                                               \
                 _mm_shuffle_epi32(_mm_aeskeygenassist_si128(k[i - 1], constant), 0xff))
#define PLAIN(i)                                                                         \
    k[i] = next_key(k[i - 2],                                                            \
                    _mm_shuffle_epi32(_mm_aeskeygenassist_si128(k[i - 1], 0), 0xaa))
    ROTATED(2, 0x01), PLAIN(3);
    ROTATED(4, 0x02), PLAIN(5);
    ROTATED(6, 0x04), PLAIN(7);
    ROTATED(8, 0x08), PLAIN(9);
    ROTATED(10, 0x10), PLAIN(11);
    ROTATED(12, 0x20), PLAIN(13);
    ROTATED(14, 0x40);
#undef ROTATED
#undef PLAIN
    memcpy(schedule, k, FED_VAES_SCHEDULE);
    fed_wipe(k, sizeof k);
}

/* Four counter blocks side by side: the low 64 bits of each, counted up in place, and byte
 * order turned when they are used (big-endian, NIST SP 800-38A). */
VAES_INLINE __m512i first_counters(uint64_t block)
{
    long long b = (long long)block;
    return _mm512_set_epi64(0, b + 3, 0, b + 2, 0, b + 1, 0, b);
}

VAES_INLINE __m512i big_endian(__m512i counters)
{
    const __m128i turn =
        _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_shuffle_epi8(counters, _mm512_broadcast_i32x4(turn));
}

VAES_INLINE __m512i combine(__m512i acc, __m512i stream, unsigned lane_bytes,
                            bool subtract)
{
    if (lane_bytes == 2)
        return subtract ? _mm512_sub_epi16(acc, stream) : _mm512_add_epi16(acc, stream);
    if (lane_bytes == 4)
        return subtract ? _mm512_sub_epi32(acc, stream) : _mm512_add_epi32(acc, stream);
    return subtract ? _mm512_sub_epi64(acc, stream) : _mm512_add_epi64(acc, stream);
}

VAES_INLINE void encrypt(const __m512i keys[ROUNDS + 1], __m512i *counters,
                         __m512i out[REGISTERS])
{
    const __m512i four = _mm512_set_epi64(0, 4, 0, 4, 0, 4, 0, 4);
    for (int j = 0; j < REGISTERS; j++) {
        out[j] = _mm512_xor_si512(big_endian(*counters), keys[0]);
        *counters = _mm512_add_epi64(*counters, four);
    }
    for (int r = 1; r < ROUNDS; r++)
        for (int j = 0; j < REGISTERS; j++)
            out[j] = _mm512_aesenc_epi128(out[j], keys[r]);
    for (int j = 0; j < REGISTERS; j++)
        out[j] = _mm512_aesenclast_epi128(out[j], keys[ROUNDS]);
}

/* The last, short stretch: lanes beyond the end are neither read nor written. */
VAES_INLINE void add_rest(const __m512i stream[REGISTERS], unsigned lane_bytes,
                          bool subtract, uint8_t *acc, size_t bytes)
{
    for (int j = 0; j < REGISTERS && bytes; j++) {
        size_t take = bytes < REGISTER_BYTES ? bytes : REGISTER_BYTES;
        __mmask64 keep = ~(__mmask64)0 >> (REGISTER_BYTES - take);
        __m512i a = _mm512_maskz_loadu_epi8(keep, acc);
        _mm512_mask_storeu_epi8(acc, keep, combine(a, stream[j], lane_bytes, subtract));
        acc += take, bytes -= take;
    }
}

VAES_INLINE void add_stream(const uint8_t *schedule, uint64_t block, unsigned lane_bytes,
                            bool subtract, uint8_t *acc, size_t bytes)
{
    __m512i keys[ROUNDS + 1], stream[REGISTERS], counters = first_counters(block);
    for (int r = 0; r <= ROUNDS; r++)
        keys[r] = _mm512_broadcast_i32x4(
            _mm_loadu_si128((const __m128i *)(const void *)(schedule + 16 * r)));
    for (; bytes >= REGISTERS * REGISTER_BYTES; bytes -= REGISTERS * REGISTER_BYTES) {
        encrypt(keys, &counters, stream);
        for (int j = 0; j < REGISTERS; j++, acc += REGISTER_BYTES)
            _mm512_storeu_si512(
                acc, combine(_mm512_loadu_si512(acc), stream[j], lane_bytes, subtract));
    }
    if (bytes) {
        encrypt(keys, &counters, stream);
        add_rest(stream, lane_bytes, subtract, acc, bytes);
    }
}

/* One loop for each lane and sign, so that none of them decides inside. */
VAES_TARGET void fed_mask_vaes_add(const uint8_t schedule[FED_VAES_SCHEDULE],
                                   uint64_t block, unsigned lane_bytes, bool subtract,
                                   uint8_t *acc, size_t bytes)
{
    if (lane_bytes == 2)
        subtract ? add_stream(schedule, block, 2, true, acc, bytes)
                 : add_stream(schedule, block, 2, false, acc, bytes);
    else if (lane_bytes == 4)
        subtract ? add_stream(schedule, block, 4, true, acc, bytes)
                 : add_stream(schedule, block, 4, false, acc, bytes);
    else
        subtract ? add_stream(schedule, block, 8, true, acc, bytes)
                 : add_stream(schedule, block, 8, false, acc, bytes);
}

#else

bool fed_mask_vaes_available(void)
{
    return false;
}

void fed_mask_vaes_schedule(const uint8_t key[32], uint8_t schedule[FED_VAES_SCHEDULE])
{
    (void)key, (void)schedule;
}

void fed_mask_vaes_add(const uint8_t schedule[FED_VAES_SCHEDULE], uint64_t block,
                       unsigned lane_bytes, bool subtract, uint8_t *acc, size_t bytes)
{
    (void)schedule, (void)block, (void)lane_bytes, (void)subtract, (void)acc, (void)bytes;
}

#endif
