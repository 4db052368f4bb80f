/* The secret randomness of every real process. */
#ifndef FED_SYSTEMRANDOM_H
#define FED_SYSTEMRANDOM_H

#include "base.h"

/** OpenSSL's private DRBG, seeded by the operating system and re-seeded after a fork. It
 *  ignores purpose and index, needs no clean-up, and fails closed: when it cannot give
 *  strong bytes, the draw is FED_E_CRYPTO. Thread-safe. */
fed_random fed_random_system(void);

#endif
