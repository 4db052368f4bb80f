/*
 * Vectors over the ring Z_2^B: what an update is once it has become integers.
 *
 * One representation in memory for every room: an array of lanes, uint16_t for B <= 16,
 * uint32_t for B <= 32, uint64_t above, in the machine's byte order. Only the low B bits of a
 * lane mean anything. So addition is the lane's own addition, masks are added as whole
 * random lanes, and nothing is reduced before it is packed or read.
 */
#ifndef FED_RING_H
#define FED_RING_H

#include "base.h"

enum { FED_RING_BITS_MAX = 64 };

typedef struct fed_ring {
    unsigned bits; /* B, 1 to 64 */
    size_t n;      /* entries */
    void *lanes;   /* n lanes of fed_ring_lane_bytes(bits) */
} fed_ring;

/** Bytes of one lane: 2, 4 or 8. */
size_t fed_ring_lane_bytes(unsigned bits);
/** `n` zeros. Owned by the ring; FED_E_INVALID for bits outside 1..64, FED_E_NOMEM. */
FED_MUST_CHECK fed_status fed_ring_init(fed_ring *r, unsigned bits, size_t n,
                                        fed_error *err);
/** Wipe and release; a zeroed or finished ring is fine. */
void fed_ring_fini(fed_ring *r);

/** sum += x, entry by entry, mod 2^B. Both must have one shape (FED_E_INVALID). */
FED_MUST_CHECK fed_status fed_ring_add(fed_ring *sum, const fed_ring *x, fed_error *err);
/** Entries first .. first+n-1 of `r` become x mod 2^B. Thread-safe on disjoint ranges. */
void fed_ring_put_i32(fed_ring *r, size_t first, const int32_t *x, size_t n);
void fed_ring_put_i64(fed_ring *r, size_t first, const int64_t *x, size_t n);
/** Entry i as a number in [0, 2^B). */
uint64_t fed_ring_get(const fed_ring *r, size_t i);
/** Entries first .. first+n-1 in [-2^(B-1), 2^(B-1)): the centred reading. */
void fed_ring_centre(const fed_ring *r, size_t first, int64_t *out, size_t n);
/** The same entries in [0, 2^B); those of 2^63 and above come out negative. */
void fed_ring_read(const fed_ring *r, size_t first, int64_t *out, size_t n);

/** The smallest B in which n_max numbers of absolute value <= max_abs add up without
 *  wrapping: ceil(log2(2 n_max max_abs + 1)). 0 when even 64 bits are too few. */
unsigned fed_codec_ring_bits(uint64_t n_max, uint64_t max_abs);
/** The same for numbers in [0, max]: ceil(log2(n_max max + 1)). */
unsigned fed_codec_ring_bits_unsigned(uint64_t n_max, uint64_t max);

/* On the wire: entry i is bits iB .. iB+B-1 of a little-endian bit string (bit 0 is the lowest
 * bit of the first byte), B bits each and no more; the last byte is padded with zeros. */

/** ceil(nB / 8), or SIZE_MAX when that does not fit. */
size_t fed_ring_packed_bytes(unsigned bits, size_t n);
/** Write exactly fed_ring_packed_bytes(r->bits, r->n) bytes. */
void fed_ring_pack(const fed_ring *r, uint8_t *out);
/** Fill `r` (its shape is given) from packed bytes. FED_E_FORMAT for a wrong length or a
 *  padding bit that is set; then `r` is unchanged. */
FED_MUST_CHECK fed_status fed_ring_unpack(fed_ring *r, fed_span packed, fed_error *err);
/** The checks of unpacking alone. */
FED_MUST_CHECK fed_status fed_ring_check_packed(const fed_ring *r, fed_span packed,
                                                fed_error *err);
/** As unpacking into a ring of its own and adding it, in one pass. */
FED_MUST_CHECK fed_status fed_ring_add_packed(fed_ring *sum, fed_span packed,
                                              fed_error *err);

#endif
