/*
 * Exactly B bits per entry. Eight entries are exactly B bytes, so all loops run over whole
 * groups first. Packing collects entries in a 64-bit word; unpacking loads the eight bytes that
 * contain an entry and shifts (an entry of up to 57 bits lies in eight bytes, whatever its
 * first bit), and turns to bit-by-bit reading only where eight bytes would pass the end.
 */
#include <string.h>

#include "ring.h"

size_t fed_ring_packed_bytes(unsigned bits, size_t n)
{
    if (n > (SIZE_MAX - 7) / FED_RING_BITS_MAX) return SIZE_MAX;
    return (n * bits + 7) / 8;
}

static void store_tail(uint8_t *out, uint64_t word, unsigned bits)
{
    for (unsigned b = 0; b < bits; b += 8)
        *out++ = (uint8_t)(word >> b);
}

#define PACK(type)                                                                       \
    do {                                                                                 \
        const type *lane = r->lanes;                                                     \
        for (size_t i = 0; i < r->n; i++) {                                              \
            uint64_t v = lane[i] & mask;                                                 \
            word |= v << fill;                                                           \
            fill += bits;                                                                \
            if (fill >= 64) {                                                            \
                fed_store_u64(out, word);                                                \
                out += 8;                                                                \
                fill -= 64;                                                              \
                word = fill ? v >> (bits - fill) : 0;                                    \
            }                                                                            \
        }                                                                                \
    } while (0)

void fed_ring_pack(const fed_ring *r, uint8_t *out)
{
    unsigned bits = r->bits, fill = 0;
    uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1, word = 0;
    if (bits <= 16)
        PACK(uint16_t);
    else if (bits <= 32)
        PACK(uint32_t);
    else
        PACK(uint64_t);
    store_tail(out, word, fill);
}

/* Entry i of a bit string of `len` bytes, near its end or wider than 57 bits. */
static uint64_t entry_slowly(const uint8_t *packed, size_t len, unsigned bits, size_t i)
{
    size_t bit = i * bits;
    unsigned shift = bit & 7;
    uint64_t low = 0, high = 0;
    for (size_t k = 0; k < 8 && bit / 8 + k < len; k++)
        low |= (uint64_t)packed[bit / 8 + k] << (8 * k);
    if (shift + bits > 64) high = packed[bit / 8 + 8];
    uint64_t v = low >> shift;
    if (high && shift) v |= high << (64 - shift);
    return bits == 64 ? v : v & ((UINT64_C(1) << bits) - 1);
}

#define ADD(type)                                                                        \
    do {                                                                                 \
        type *to = r->lanes;                                                             \
        for (size_t bit = 0; i < fast; i++, bit += bits)                                 \
            to[i] =                                                                      \
                (type)(to[i] + (fed_load_u64(packed + bit / 8) >> (bit & 7) & mask));    \
        for (; i < r->n; i++)                                                            \
            to[i] = (type)(to[i] + entry_slowly(packed, len, bits, i));                  \
    } while (0)

static void add_entries(fed_ring *r, const uint8_t *packed, size_t len)
{
    unsigned bits = r->bits;
    uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    size_t i = 0, fast = 0; /* entries whose eight bytes end at or before the end */
    if (bits <= 57 && len >= 8) fast = ((len - 8) * 8 + 7) / bits;
    if (fast > r->n) fast = r->n;
    if (bits <= 16)
        ADD(uint16_t);
    else if (bits <= 32)
        ADD(uint32_t);
    else
        ADD(uint64_t);
}

fed_status fed_ring_check_packed(const fed_ring *r, fed_span packed, fed_error *err)
{
    size_t want = fed_ring_packed_bytes(r->bits, r->n);
    if (packed.len != want)
        return fed_fail(err, FED_E_FORMAT,
                        "packed vector: %zu bytes, but %zu entries of %u bits are %zu",
                        packed.len, r->n, r->bits, want);
    unsigned used = (unsigned)(r->n * r->bits % 8);
    if (used && packed.data[want - 1] >> used)
        return fed_fail(err, FED_E_FORMAT,
                        "packed vector: a padding bit is set in byte %zu", want - 1);
    return FED_OK;
}

fed_status fed_ring_unpack(fed_ring *r, fed_span packed, fed_error *err)
{
    FED_TRY(fed_ring_check_packed(r, packed, err));
    memset(r->lanes, 0, r->n * fed_ring_lane_bytes(r->bits));
    add_entries(r, packed.data, packed.len);
    return FED_OK;
}

fed_status fed_ring_add_packed(fed_ring *sum, fed_span packed, fed_error *err)
{
    FED_TRY(fed_ring_check_packed(sum, packed, err));
    add_entries(sum, packed.data, packed.len);
    return FED_OK;
}
