#include "stream.h"

#include <math.h>
#include <string.h>

#include "bytes.h"

static inline uint32_t rotl(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

#define QUARTER(a, b, c, d)                                                              \
    a += b, d = rotl(d ^ a, 16), c += d, b = rotl(b ^ c, 12), a += b,                    \
            d = rotl(d ^ a, 8), c += d, b = rotl(b ^ c, 7)

void fed_chacha20_block(const uint32_t input[16], uint8_t out[64])
{
    uint32_t x[16];
    memcpy(x, input, sizeof x);
    for (int round = 0; round < 10; round++) {
        QUARTER(x[0], x[4], x[8], x[12]);
        QUARTER(x[1], x[5], x[9], x[13]);
        QUARTER(x[2], x[6], x[10], x[14]);
        QUARTER(x[3], x[7], x[11], x[15]);
        QUARTER(x[0], x[5], x[10], x[15]);
        QUARTER(x[1], x[6], x[11], x[12]);
        QUARTER(x[2], x[7], x[8], x[13]);
        QUARTER(x[3], x[4], x[9], x[14]);
    }
    for (int i = 0; i < 16; i++)
        fed_store_u32(out + 4 * i, x[i] + input[i]);
}

void fed_seed_from_u64(uint8_t key[32], uint64_t seed)
{
    memset(key, 0, 32);
    fed_store_u64(key, seed);
}

void fed_stream_init(fed_stream *s, const uint8_t key[32], fed_purpose purpose,
                     uint64_t version)
{
    static const uint32_t sigma[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memcpy(s->input, sigma, sizeof sigma);
    for (int i = 0; i < 8; i++)
        s->input[4 + i] = fed_load_u32(key + 4 * i);
    s->input[12] = 0; /* block counter */
    s->input[13] = (uint32_t)purpose;
    s->input[14] = (uint32_t)version;
    s->input[15] = (uint32_t)(version >> 32);
    s->used = sizeof s->block;
}

void fed_stream_fill(fed_stream *s, void *out, size_t n)
{
    uint8_t *to = out;
    while (n) {
        if (s->used == sizeof s->block) {
            fed_chacha20_block(s->input, s->block);
            s->input[12]++;
            s->used = 0;
        }
        size_t take = sizeof s->block - s->used;
        if (take > n) take = n;
        memcpy(to, s->block + s->used, take);
        s->used += (unsigned)take;
        to += take;
        n -= take;
    }
}

uint32_t fed_stream_u32(fed_stream *s)
{
    uint8_t raw[4];
    fed_stream_fill(s, raw, sizeof raw);
    return fed_load_u32(raw);
}

uint64_t fed_stream_u64(fed_stream *s)
{
    uint8_t raw[8];
    fed_stream_fill(s, raw, sizeof raw);
    return fed_load_u64(raw);
}

/* Lemire 2019, Fast Random Integer Generation in an Interval, algorithm 5. */
uint32_t fed_stream_below(fed_stream *s, uint32_t bound)
{
    if (!bound) return 0;
    uint64_t m = (uint64_t)fed_stream_u32(s) * bound;
    if ((uint32_t)m < bound) {
        uint32_t threshold = (uint32_t)(0u - bound) % bound;
        while ((uint32_t)m < threshold)
            m = (uint64_t)fed_stream_u32(s) * bound;
    }
    return (uint32_t)(m >> 32);
}

float fed_stream_uniform(fed_stream *s)
{
    return (float)(fed_stream_u32(s) >> 8) * 0x1p-24f;
}

double fed_stream_uniform_double(fed_stream *s)
{
    return (double)(fed_stream_u64(s) >> 11) * 0x1p-53;
}

double fed_stream_normal(fed_stream *s)
{
    for (;;) {
        double u = 2 * fed_stream_uniform_double(s) - 1;
        double v = 2 * fed_stream_uniform_double(s) - 1;
        double r = u * u + v * v;
        if (r > 0 && r < 1) return u * sqrt(-2 * log(r) / r);
    }
}

void fed_stream_shuffle(fed_stream *s, uint32_t *items, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        uint32_t j = fed_stream_below(s, (uint32_t)i);
        uint32_t kept = items[i - 1];
        items[i - 1] = items[j];
        items[j] = kept;
    }
}
