/*
 * Keys: HKDF-SHA256 (RFC 5869) with everything that a key is for in its info, so that no two
 * uses share a key: protocol version, purpose, cohort, indices, vector, session hash.
 * Internal.
 */
#ifndef FED_SECAGG_KEYS_H
#define FED_SECAGG_KEYS_H

#include "protocol.h"

enum { FED_KEY = 32, FED_COMMITMENT = FED_SHA256_BYTES };

/** All secrets of a device in one cohort, derived from the 32 bytes that it drew. */
typedef struct fed_secagg_secrets {
    uint8_t share_secret[FED_X25519_BYTES]; /* X25519, encrypts shares */
    uint8_t mask_secret[FED_X25519_BYTES];  /* X25519, makes pair masks; is shared out */
    uint8_t self_seed[FED_KEY];             /* makes the self mask; is shared out */
    uint8_t pick_key[FED_KEY];              /* which neighbours */
    uint8_t mask_shares_key[FED_KEY];       /* coefficients for mask_secret */
    uint8_t seed_shares_key[FED_KEY];       /* coefficients for self_seed */
} fed_secagg_secrets;

FED_MUST_CHECK fed_status fed_secagg_secrets_derive(const uint8_t master[FED_KEY],
                                                    const uint8_t cohort[FED_SECAGG_ID],
                                                    fed_secagg_secrets *out,
                                                    fed_error *err);

/** What a device binds itself to when it joins: SHA-256 of (cohort, self-mask seed). */
FED_MUST_CHECK fed_status fed_secagg_commit(const uint8_t cohort[FED_SECAGG_ID],
                                            const uint8_t seed[FED_KEY],
                                            uint8_t commitment[FED_COMMITMENT],
                                            fed_error *err);

/** The key under which `sender` encrypts to `receiver`: one per direction. `shared`: their
 *  X25519 result. */
FED_MUST_CHECK fed_status fed_secagg_share_key(const fed_secagg_session *session,
                                               const uint8_t shared[FED_X25519_BYTES],
                                               uint32_t sender, uint32_t receiver,
                                               uint8_t key[FED_KEY], fed_error *err);

/** What mask keys for any number of vectors are made from. */
typedef struct fed_secagg_mask_root {
    uint8_t prk[FED_SHA256_BYTES];
    uint32_t low, high; /* indices; equal for a self mask */
} fed_secagg_mask_root;

FED_MUST_CHECK fed_status fed_secagg_pair_root(const fed_x25519_key *key,
                                               const uint8_t peer[FED_X25519_BYTES],
                                               uint32_t a, uint32_t b,
                                               fed_secagg_mask_root *out, fed_error *err);
FED_MUST_CHECK fed_status fed_secagg_self_root(const uint8_t seed[FED_KEY],
                                               uint32_t index, fed_secagg_mask_root *out,
                                               fed_error *err);
FED_MUST_CHECK fed_status fed_secagg_mask_key(const fed_secagg_session *session,
                                              const fed_secagg_mask_root *root,
                                              const fed_secagg_vector *vector,
                                              uint8_t key[FED_KEY], fed_error *err);

#endif
