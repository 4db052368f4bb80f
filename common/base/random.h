/*
 * Secret randomness is an input: keys, seeds, shares, nonces, noise, stochastic rounding. The
 * shell passes in OpenSSL's private DRBG (crypto room); simulations and tests pass in a
 * seeded one that the device library does not contain.
 *
 * Each draw has a name. The DRBG ignores it. The seeded source derives the bytes from
 * (seed, purpose, index), so a draw gives the same bytes whatever was drawn before it; that
 * is what lets a simulation repeat, bit for bit, what a real process did.
 */
#ifndef FED_RANDOM_H
#define FED_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "public/fed/status.h"

typedef struct fed_random {
    /** Fill `out` with `n` secret bytes. `purpose` is a short constant text, `index` tells
     *  apart draws with one purpose (a model version, a counter). Fails closed. */
    fed_status (*fill)(void *ctx, const char *purpose, uint64_t index, void *out,
                       size_t n);
    void *ctx;
} fed_random;

/** Draw from a source; on failure `out` is zeroed. */
FED_MUST_CHECK fed_status fed_random_fill(const fed_random *random, const char *purpose,
                                          uint64_t index, void *out, size_t n);

#endif
