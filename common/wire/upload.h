/*
 * Named vectors as the input message carries them: for each, its name, the ring's bits, its
 * length and exactly ceil(length · bits / 8) packed bytes. This room moves the packed bytes;
 * the codec packs and unpacks them.
 */
#ifndef FED_UPLOAD_H
#define FED_UPLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"

enum { FED_VECTOR_NAME_MAX = 15, FED_VECTORS_MAX = 8, FED_RING_BITS_MAX = 64 };

/** Shape of a named vector: `length` entries of Z_2^bits. */
typedef struct fed_vector_shape {
    char name[FED_VECTOR_NAME_MAX + 1];
    uint32_t length;
    uint8_t bits;
} fed_vector_shape;

/** Packed bytes of a vector of that shape. */
uint64_t fed_vector_packed_bytes(const fed_vector_shape *shape);

/** Append `n` vectors; `packed[i]` holds fed_vector_packed_bytes(&shapes[i]) bytes. */
FED_MUST_CHECK fed_status fed_upload_put(fed_bytes *out, const fed_vector_shape *shapes,
                                         const uint8_t *const *packed, unsigned n,
                                         fed_error *err);
/** Read an upload that must have exactly the `n` shapes expected, in this order; the spans
 *  borrow from `body`. FED_E_FORMAT names the vector and what differs. */
FED_MUST_CHECK fed_status fed_upload_get(fed_span body, const fed_vector_shape *expected,
                                         unsigned n, fed_span *packed, fed_error *err);

#endif
