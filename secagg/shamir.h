/*
 * Shamir's secret sharing (How to share a secret, CACM 22(11), 1979) of 32 bytes: three
 * polynomials of degree t - 1 over the field of 2^89 - 1 elements, evaluated at the points
 * 1 + index of the holder. Time and memory accesses depend on t, n and points only, never
 * on secrets or shares; the one exception is fed_shamir_decode, which runs when shares are
 * known to be wrong.
 */
#ifndef FED_SHAMIR_H
#define FED_SHAMIR_H

#include <stdint.h>

#include "base.h"
#include "field89.h"

enum {
    FED_SHAMIR_SECRET = 32,
    FED_SHAMIR_SHARE = 34,
    FED_SHAMIR_CHUNKS = 3,
    FED_SHAMIR_POINT_MAX = (1 << FED_F89_SMALL) /* points are 1 to this */
};

/** Share `secret` so that any `t` of the `n` shares restore it, and fewer say nothing. `key`:
 *  32 secret bytes, used for nothing else, that the random coefficients are expanded from
 *  (AES-256-CTR). `points` are distinct; share i, for points[i], goes to shares + 34 i.
 *  FED_E_INVALID, FED_E_NOMEM, FED_E_CRYPTO. */
FED_MUST_CHECK fed_status fed_shamir_share(const uint8_t secret[FED_SHAMIR_SECRET],
                                           const uint8_t key[32], uint32_t t,
                                           const uint32_t *points, uint32_t n,
                                           uint8_t *shares, fed_error *err);

/** Is it the one way of writing three field elements? */
bool fed_shamir_share_is_canonical(const uint8_t share[FED_SHAMIR_SHARE]);

/** What restores secrets from one set of points; made once per set. */
typedef struct fed_shamir_weights {
    uint32_t t;
    uint32_t *points;
    fed_f89 *weights; /* t weights, then scratch */
} fed_shamir_weights;

void fed_shamir_weights_init(fed_shamir_weights *w);
void fed_shamir_weights_fini(fed_shamir_weights *w);
/** Prepare for these `t` distinct points, in ascending order; nothing to do when they are
 *  the same as the last time. FED_E_INVALID, FED_E_NOMEM. */
FED_MUST_CHECK fed_status fed_shamir_weights_set(fed_shamir_weights *w,
                                                 const uint32_t *points, uint32_t t,
                                                 fed_error *err);
/** The secret from the t shares (canonical, shares[i] for points[i]). When a share is wrong
 *  so is the result: compare it with what the dealer committed to. FED_E_FORMAT when it is
 *  no 32 bytes at all, which is a wrong share for certain. */
FED_MUST_CHECK fed_status fed_shamir_recover(const fed_shamir_weights *w,
                                             const uint8_t *const *shares,
                                             uint8_t secret[FED_SHAMIR_SECRET],
                                             fed_error *err);

/** The secret from `m` > t shares of which up to (m - t)/2 are wrong: Reed-Solomon decoding
 *  (Gao, A new algorithm for decoding Reed-Solomon codes, 2003). wrong[i] says which.
 *  FED_E_FORMAT when more are wrong than that. FED_E_NOMEM. */
FED_MUST_CHECK fed_status fed_shamir_decode(const uint32_t *points,
                                            const uint8_t *const *shares, uint32_t m,
                                            uint32_t t, uint8_t secret[FED_SHAMIR_SECRET],
                                            bool *wrong, fed_error *err);

/* Internal: one chunk of a share, and back. */
void fed_shamir_unpack(const uint8_t share[FED_SHAMIR_SHARE],
                       fed_f89 out[FED_SHAMIR_CHUNKS]);
bool fed_shamir_join(const fed_f89 chunks[FED_SHAMIR_CHUNKS],
                     uint8_t secret[FED_SHAMIR_SECRET]);

#endif
