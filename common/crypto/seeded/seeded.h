/*
 * seeded: repeatable stand-ins for secret randomness, for simulations and tests only. Since
 * a draw depends on (seed, purpose, index) alone, a simulation and a test process with the
 * same seed draw the same bytes, whatever else either of them has drawn.
 */
#ifndef FED_SEEDED_H
#define FED_SEEDED_H

#include <stdint.h>

#include "base.h"

/** Plain memory; immutable after it is made, so threads may share it. */
typedef struct fed_seeded {
    uint8_t seed[FED_SEED_BYTES];
} fed_seeded;

/** A source over `seeded` (borrowed: it must outlive the source). The draw (purpose, index)
 *  is the stream FED_PURPOSE_SECRET, version `index`, under the key HMAC-SHA256(seed,
 *  purpose): drawing fewer bytes gives a prefix. Fails only if OpenSSL does. */
fed_random fed_seeded_random(const fed_seeded *seeded);

/** The device seed of simulated client `client` in a run with `seed`: the one derivation
 *  that fedsim and test processes share. */
void fed_seeded_device_seed(uint64_t seed, uint64_t client, uint8_t out[FED_SEED_BYTES]);

/** Likewise the secrets of a simulated server in its `life`, counted from 0: a process that is
 *  started again draws new numbers. */
FED_MUST_CHECK fed_status fed_seeded_server(uint64_t seed, uint64_t life,
                                            fed_seeded *out);

#endif
