/* SHA-256 (FIPS 180-4), HMAC-SHA256 (RFC 2104) and HKDF-SHA256 (RFC 5869). */
#ifndef FED_DIGEST_H
#define FED_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"

enum { FED_SHA256_BYTES = 32, FED_HKDF_MAX = 255 * FED_SHA256_BYTES };

/** SHA-256 of `n` bytes. */
FED_MUST_CHECK fed_status fed_sha256(const void *data, size_t n,
                                     uint8_t out[FED_SHA256_BYTES], fed_error *err);

/** SHA-256 piece by piece. The caller's memory; one thread at a time. The first failure
 *  sticks and is reported by fed_digest_final, so pieces need no check of their own. */
typedef struct fed_digest {
    void *state;
    fed_status status;
} fed_digest;

/** Start. Even after a failure fed_digest_fini may (and need not) be called. */
FED_MUST_CHECK fed_status fed_digest_init(fed_digest *d, fed_error *err);
void fed_digest_update(fed_digest *d, const void *data, size_t n);
/** The hash of everything since the start or the last call of this; then starts anew. */
FED_MUST_CHECK fed_status fed_digest_final(fed_digest *d, uint8_t out[FED_SHA256_BYTES],
                                           fed_error *err);
void fed_digest_fini(fed_digest *d);

/** HMAC-SHA256 of `data` under a key of any length. */
FED_MUST_CHECK fed_status fed_hmac_sha256(fed_span key, fed_span data,
                                          uint8_t out[FED_SHA256_BYTES], fed_error *err);

/** HKDF: extract from `ikm` with `salt` (may be empty), expand with `info` to `n` bytes, at
 *  most FED_HKDF_MAX (else FED_E_LIMIT). */
FED_MUST_CHECK fed_status fed_hkdf_sha256(fed_span salt, fed_span ikm, fed_span info,
                                          uint8_t *out, size_t n, fed_error *err);
/** The two halves, for when one extracted key is expanded many times. */
FED_MUST_CHECK fed_status fed_hkdf_extract(fed_span salt, fed_span ikm,
                                           uint8_t prk[FED_SHA256_BYTES], fed_error *err);
FED_MUST_CHECK fed_status fed_hkdf_expand(const uint8_t prk[FED_SHA256_BYTES],
                                          fed_span info, uint8_t *out, size_t n,
                                          fed_error *err);

#endif
