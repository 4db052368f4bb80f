/* AES-256-GCM (NIST SP 800-38D) with 12-byte nonces and 16-byte tags. */
#ifndef FED_AEAD_H
#define FED_AEAD_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"

enum {
    FED_AEAD_KEY = 32,
    FED_AEAD_NONCE = 12,
    FED_AEAD_TAG = 16,
    FED_AEAD_MAX = 1 << 30 /* bytes of plaintext, and of additional data, in one call */
};

/** Encrypt `plain` and authenticate it together with `aad`: `out` receives plain.len bytes of
 *  ciphertext, then the tag; it may be plain's own place. Never use a nonce twice with one
 *  key. FED_E_LIMIT beyond FED_AEAD_MAX. */
FED_MUST_CHECK fed_status fed_aead_seal(const uint8_t key[FED_AEAD_KEY],
                                        const uint8_t nonce[FED_AEAD_NONCE], fed_span aad,
                                        fed_span plain, uint8_t *out, fed_error *err);
/** The reverse: `out` receives sealed.len - 16 bytes; it may be sealed's own place.
 *  FED_E_FORMAT when there is no room for a tag, FED_E_AUTH when it does not verify; then
 *  `out` is zeroed. */
FED_MUST_CHECK fed_status fed_aead_open(const uint8_t key[FED_AEAD_KEY],
                                        const uint8_t nonce[FED_AEAD_NONCE], fed_span aad,
                                        fed_span sealed, uint8_t *out, fed_error *err);

#endif
