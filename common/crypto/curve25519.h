/* X25519 key agreement (RFC 7748) and Ed25519 signatures (RFC 8032), keys as raw bytes. */
#ifndef FED_CURVE25519_H
#define FED_CURVE25519_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"

enum {
    FED_X25519_BYTES = 32,  /* secret key, public key and shared secret alike */
    FED_ED25519_BYTES = 32, /* seed (the private key) and public key alike */
    FED_ED25519_SIGNATURE = 64
};

/** The public key of 32 secret bytes (any value: RFC 7748 clamps it). */
FED_MUST_CHECK fed_status fed_x25519_public(const uint8_t secret[FED_X25519_BYTES],
                                            uint8_t public_key[FED_X25519_BYTES],
                                            fed_error *err);
/** A secret key made ready for many agreements: with one peer it costs as much as the
 *  one-shot call, with each further one half as much. Opaque; immutable, so threads may share
 *  it. Copies the secret; wiped by fed_x25519_free. */
typedef struct fed_x25519 fed_x25519;
FED_MUST_CHECK fed_status fed_x25519_new(fed_x25519 **out,
                                         const uint8_t secret[FED_X25519_BYTES],
                                         fed_error *err);
void fed_x25519_free(fed_x25519 *key);
/** The raw shared secret; feed it to HKDF, never use it as a key. FED_E_CRYPTO when the
 *  peer's key is of low order, which would make the result known to all (section 6.1). */
FED_MUST_CHECK fed_status fed_x25519_agree(const fed_x25519 *key,
                                           const uint8_t peer[FED_X25519_BYTES],
                                           uint8_t shared[FED_X25519_BYTES],
                                           fed_error *err);
/** The same in one call, for a secret that is used once. */
FED_MUST_CHECK fed_status fed_x25519_shared(const uint8_t secret[FED_X25519_BYTES],
                                            const uint8_t peer[FED_X25519_BYTES],
                                            uint8_t shared[FED_X25519_BYTES],
                                            fed_error *err);

/** A secret key made ready once, for many peers. Immutable, so threads may share it. */
typedef struct fed_x25519_key fed_x25519_key;
FED_MUST_CHECK fed_status fed_x25519_key_new(fed_x25519_key **out,
                                             const uint8_t secret[FED_X25519_BYTES],
                                             fed_error *err);
/** Wipes it. NULL is fine. */
void fed_x25519_key_free(fed_x25519_key *key);
/** Its public key. */
FED_MUST_CHECK fed_status fed_x25519_key_public(const fed_x25519_key *key,
                                                uint8_t public_key[FED_X25519_BYTES],
                                                fed_error *err);
/** As fed_x25519_shared. */
FED_MUST_CHECK fed_status fed_x25519_key_shared(const fed_x25519_key *key,
                                                const uint8_t peer[FED_X25519_BYTES],
                                                uint8_t shared[FED_X25519_BYTES],
                                                fed_error *err);

/** The public key of a 32-byte seed. */
FED_MUST_CHECK fed_status fed_ed25519_public(const uint8_t seed[FED_ED25519_BYTES],
                                             uint8_t public_key[FED_ED25519_BYTES],
                                             fed_error *err);
/** Sign `n` bytes. Deterministic: needs no randomness. */
FED_MUST_CHECK fed_status fed_ed25519_sign(const uint8_t seed[FED_ED25519_BYTES],
                                           const void *data, size_t n,
                                           uint8_t signature[FED_ED25519_SIGNATURE],
                                           fed_error *err);
/** FED_OK when `signature` is one of `n` bytes under `public_key`, else FED_E_AUTH. */
FED_MUST_CHECK fed_status fed_ed25519_verify(
    const uint8_t public_key[FED_ED25519_BYTES], const void *data, size_t n,
    const uint8_t signature[FED_ED25519_SIGNATURE], fed_error *err);

#endif
