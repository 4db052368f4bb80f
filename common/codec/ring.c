#include "ring.h"

#include <string.h>

size_t fed_ring_lane_bytes(unsigned bits)
{
    return bits <= 16 ? 2 : bits <= 32 ? 4 : 8;
}

fed_status fed_ring_init(fed_ring *r, unsigned bits, size_t n, fed_error *err)
{
    *r = (fed_ring){0};
    if (bits < 1 || bits > FED_RING_BITS_MAX)
        return fed_fail(err, FED_E_INVALID, "ring bits: %u is not in 1..64", bits);
    void *lanes = fed_calloc(n ? n : 1, fed_ring_lane_bytes(bits));
    if (!lanes)
        return fed_fail_nomem(err, (unsigned long long)n * fed_ring_lane_bytes(bits));
    *r = (fed_ring){bits, n, lanes};
    return FED_OK;
}

void fed_ring_fini(fed_ring *r)
{
    if (r->lanes) fed_wipe_free(r->lanes, r->n * fed_ring_lane_bytes(r->bits));
    *r = (fed_ring){0};
}

fed_status fed_ring_add(fed_ring *sum, const fed_ring *x, fed_error *err)
{
    if (sum->bits != x->bits || sum->n != x->n)
        return fed_fail(err, FED_E_INVALID,
                        "ring addition: %zu entries of %u bits and %zu of %u bits",
                        sum->n, sum->bits, x->n, x->bits);
    size_t n = sum->n;
    if (sum->bits <= 16) {
        uint16_t *to = sum->lanes;
        const uint16_t *from = x->lanes;
        for (size_t i = 0; i < n; i++)
            to[i] = (uint16_t)(to[i] + from[i]);
    } else if (sum->bits <= 32) {
        uint32_t *to = sum->lanes;
        const uint32_t *from = x->lanes;
        for (size_t i = 0; i < n; i++)
            to[i] += from[i];
    } else {
        uint64_t *to = sum->lanes;
        const uint64_t *from = x->lanes;
        for (size_t i = 0; i < n; i++)
            to[i] += from[i];
    }
    return FED_OK;
}

/* Conversion to a narrower unsigned type is reduction mod 2^width (C11 6.3.1.3). */
#define PUT(type)                                                                        \
    do {                                                                                 \
        type *to = (type *)r->lanes + first;                                             \
        for (size_t i = 0; i < n; i++)                                                   \
            to[i] = (type)x[i];                                                          \
    } while (0)

void fed_ring_put_i32(fed_ring *r, size_t first, const int32_t *x, size_t n)
{
    if (r->bits <= 16)
        PUT(uint16_t);
    else if (r->bits <= 32)
        PUT(uint32_t);
    else
        PUT(uint64_t);
}

void fed_ring_put_i64(fed_ring *r, size_t first, const int64_t *x, size_t n)
{
    if (r->bits <= 16)
        PUT(uint16_t);
    else if (r->bits <= 32)
        PUT(uint32_t);
    else
        PUT(uint64_t);
}

static uint64_t low_bits(unsigned bits)
{
    return bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

uint64_t fed_ring_get(const fed_ring *r, size_t i)
{
    uint64_t lane = r->bits <= 16   ? ((const uint16_t *)r->lanes)[i]
                    : r->bits <= 32 ? ((const uint32_t *)r->lanes)[i]
                                    : ((const uint64_t *)r->lanes)[i];
    return lane & low_bits(r->bits);
}

/* (x ^ h) - h with h = 2^(B-1) carries the sign bit of B bits to all 64. */
#define READ(type)                                                                       \
    do {                                                                                 \
        const type *from = (const type *)r->lanes + first;                               \
        for (size_t i = 0; i < n; i++)                                                   \
            out[i] = (int64_t)(((from[i] & mask) ^ half) - half);                        \
    } while (0)

static void read_entries(const fed_ring *r, size_t first, int64_t *out, size_t n,
                         uint64_t half)
{
    uint64_t mask = low_bits(r->bits);
    if (r->bits <= 16)
        READ(uint16_t);
    else if (r->bits <= 32)
        READ(uint32_t);
    else
        READ(uint64_t);
}

void fed_ring_centre(const fed_ring *r, size_t first, int64_t *out, size_t n)
{
    read_entries(r, first, out, n, UINT64_C(1) << (r->bits - 1));
}

void fed_ring_read(const fed_ring *r, size_t first, int64_t *out, size_t n)
{
    read_entries(r, first, out, n, 0);
}

/* Bits needed for the product a*b as an unsigned number; 0 beyond 64. */
static unsigned product_bits(uint64_t a, uint64_t b)
{
    if (b && a > UINT64_MAX / b) return 0;
    unsigned bits = 1;
    for (uint64_t v = a * b; v > 1; v >>= 1)
        bits++;
    return bits;
}

unsigned fed_codec_ring_bits(uint64_t n_max, uint64_t max_abs)
{
    return max_abs > UINT64_MAX / 2 ? 0 : product_bits(n_max, 2 * max_abs);
}

unsigned fed_codec_ring_bits_unsigned(uint64_t n_max, uint64_t max)
{
    return product_bits(n_max, max);
}
