/*
 * What the two signed documents share. Internal.
 *
 *     "FEDD" | format version u16 = 1 | type u16 | body | Ed25519 signature (64)
 *
 * The signature covers every byte before it; magic and type keep a signature of one document
 * from passing for another's. Nothing is parsed before the signature verified.
 */
#ifndef FED_DOCUMENT_H
#define FED_DOCUMENT_H

#include "address.h"
#include "base.h"

typedef enum fed_document_type {
    FED_DOCUMENT_TASK = 1,
    FED_DOCUMENT_VERSION = 2
} fed_document_type;

/** Magic, format version and type. */
void fed_document_put_head(fed_bytes *out, fed_document_type type);
/** Check the head; then the reader stands at the body. */
FED_MUST_CHECK fed_status fed_document_get_head(fed_reader *r, fed_document_type type,
                                                fed_error *err);
/** All `n` bytes were there, and none is left over. */
FED_MUST_CHECK fed_status fed_document_finish(const fed_reader *r, size_t n,
                                              fed_error *err);
/** Append the signature of everything in `out` from `start` on. */
FED_MUST_CHECK fed_status fed_document_sign(fed_bytes *out, size_t start,
                                            const uint8_t seed[32], fed_error *err);
/** Verify the signature at the end of `signed_bytes`; `body` is what it covers. */
FED_MUST_CHECK fed_status fed_document_verify(fed_span signed_bytes,
                                              const uint8_t public_key[32],
                                              fed_span *body, fed_error *err);

#endif
