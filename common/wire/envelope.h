/*
 * The signed frame of every message that a device sends to a cohort:
 *
 *     "FEDM" | version u8 = 1 | type u8 | 0 u16 | cohort 32 | sender 32 | body length u32
 *     | body | signature 64
 *
 * The signature is Ed25519 by the sender's identity over "fed-message/1" and the SHA-256 of
 * all bytes before it, so a body of megabytes is hashed once and signed in constant time.
 */
#ifndef FED_ENVELOPE_H
#define FED_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"
#include "route.h"

enum {
    FED_ENVELOPE_HEAD = 76,
    FED_ENVELOPE_SIGNATURE = 64,
    FED_ENVELOPE_OVERHEAD = FED_ENVELOPE_HEAD + FED_ENVELOPE_SIGNATURE,
    FED_COHORT_ID_BYTES = 32,
    FED_UPDATE_ID_BYTES = 16
};

typedef struct fed_envelope {
    fed_request type;
    uint8_t cohort[FED_COHORT_ID_BYTES]; /* zeros in a place request */
    uint8_t sender[32];                  /* Ed25519 public key */
    fed_span body;                       /* borrowed */
} fed_envelope;

/** Append the framed and signed message to `out`. `identity_seed` is the sender's Ed25519
 *  seed; `e->sender` must be its public key. Errors: FED_E_LIMIT, FED_E_NOMEM, FED_E_CRYPTO. */
FED_MUST_CHECK fed_status fed_envelope_seal(fed_bytes *out, const fed_envelope *e,
                                            const uint8_t identity_seed[32],
                                            fed_error *err);
/** Parse a frame and verify its signature; spans borrow from `data`. `max_body` bounds the
 *  body. Errors: FED_E_FORMAT (names the field), FED_E_LIMIT, FED_E_AUTH. */
FED_MUST_CHECK fed_status fed_envelope_open(fed_envelope *e, const void *data, size_t n,
                                            size_t max_body, fed_error *err);

#endif
