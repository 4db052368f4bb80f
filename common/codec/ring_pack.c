/*
 * Exactly B bits per entry.
 *
 * Packing puts as many entries (1, 2 or 4) into a word as leave it below 57 bits, shifts the word
 * to the first free bit, and stores eight bytes of which the last are overwritten by the next
 * store. Unpacking loads the eight bytes that contain an entry and shifts: an entry of up
 * to 57 bits lies in eight bytes, whatever its first bit. Where eight bytes would pass the
 * end, and for wider entries, the slower general loops take over.
 */
#include <string.h>

#include "ring.h"
#include "ring_pack_x86.h"

size_t fed_ring_packed_bytes(unsigned bits, size_t n)
{
    if (n > (SIZE_MAX - 7) / FED_RING_BITS_MAX) return SIZE_MAX;
    return (n * bits + 7) / 8;
}

/* What has been packed: `fill` bits of `word` are not written yet. */
typedef struct packer {
    uint8_t *out, *end;
    uint64_t word, mask;
    unsigned fill, bits;
} packer;

#define LANE(type, i) ((uint64_t)((const type *)r->lanes)[i] & p.mask)

/* Whole groups of eight entries, which begin and end on a byte, so that no group waits for
 * the one before it. `fill` is below 8 before each word, and 7 + 56 bits fit. */
#define PACK_GROUPS(entries, packed_entries)                                             \
    for (; i + 8 <= r->n && p.end - p.out >= (ptrdiff_t)p.bits + 8; p.out += p.bits) {   \
        uint8_t *at = p.out;                                                             \
        uint64_t word = 0;                                                               \
        unsigned fill = 0;                                                               \
        for (size_t stop = i + 8; i < stop; i += (entries)) {                            \
            word |= (packed_entries) << fill;                                            \
            fed_store_u64(at, word);                                                     \
            fill += (entries)*p.bits;                                                    \
            at += fill / 8;                                                              \
            word >>= fill & ~7u;                                                         \
            fill &= 7;                                                                   \
        }                                                                                \
    }

#define PACK(type)                                                                       \
    do {                                                                                 \
        if (4 * p.bits <= 56) {                                                          \
            PACK_GROUPS(4, (LANE(type, i) | LANE(type, i + 1) << p.bits) |               \
                               (LANE(type, i + 2) | LANE(type, i + 3) << p.bits)         \
                                   << 2 * p.bits)                                        \
        } else if (2 * p.bits <= 56) {                                                   \
            PACK_GROUPS(2, LANE(type, i) | LANE(type, i + 1) << p.bits)                  \
        } else if (p.bits <= 56) {                                                       \
            PACK_GROUPS(1, LANE(type, i))                                                \
        }                                                                                \
        for (; i < r->n; i++)                                                            \
            pack_slowly(&p, LANE(type, i));                                              \
    } while (0)

/* One entry, byte by byte. */
static void pack_slowly(packer *p, uint64_t v)
{
    unsigned left = p->bits;
    while (left) {
        unsigned take = 8 - p->fill < left ? 8 - p->fill : left;
        p->word |= (v & ((1u << take) - 1)) << p->fill;
        v >>= take;
        left -= take;
        p->fill += take;
        if (p->fill < 8) continue;
        *p->out++ = (uint8_t)p->word;
        p->word = 0;
        p->fill = 0;
    }
}

void fed_ring_pack(const fed_ring *r, uint8_t *out)
{
    packer p = {
        .out = out, .end = out + fed_ring_packed_bytes(r->bits, r->n), .bits = r->bits};
    size_t i = 0;
    p.mask = r->bits == 64 ? UINT64_MAX : (UINT64_C(1) << r->bits) - 1;
    if (r->bits <= 16)
        PACK(uint16_t);
    else if (r->bits <= 32)
        PACK(uint32_t);
    else
        PACK(uint64_t);
    if (p.fill) *p.out = (uint8_t)p.word;
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
        for (size_t bit = i * bits; i < fast; i++, bit += bits)                          \
            to[i] =                                                                      \
                (type)(to[i] + (fed_load_u64(packed + bit / 8) >> (bit & 7) & mask));    \
        for (; i < r->n; i++)                                                            \
            to[i] = (type)(to[i] + entry_slowly(packed, len, bits, i));                  \
    } while (0)

static void add_entries(fed_ring *r, const uint8_t *packed, size_t len)
{
    unsigned bits = r->bits;
    uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    size_t i = fed_ring_add_packed_x86(r, packed, len);
    size_t fast = 0; /* entries whose eight bytes end at or before the end */
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
