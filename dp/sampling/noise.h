/*
 * Secret words for noise and for stochastic rounding: one 32-byte key from a fed_random,
 * expanded by AES-256-CTR, buffered, wiped. A source lives for one call of a mechanism and
 * never across a fork. A failure sticks: the words that follow come from a fixed public
 * stream, only so that rejection loops end, and fed_noise_check refuses what was drawn.
 */
#ifndef FED_NOISE_H
#define FED_NOISE_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"

enum { FED_NOISE_WORDS = 1024 };

typedef struct fed_keystream fed_keystream;

/** The caller's memory. One thread at a time. */
typedef struct fed_noise {
    fed_keystream *stream;
    size_t used; /* words of `word` handed out */
    uint64_t bits;
    unsigned bits_left;
    fed_status status;
    fed_error why;
    uint64_t word[FED_NOISE_WORDS];
} fed_noise;

/** Open the stream of `key` (copied). fed_noise_fini may be called even after a failure. */
FED_MUST_CHECK fed_status fed_noise_init(fed_noise *noise, const uint8_t key[32],
                                         fed_error *err);
/** Draw the key itself: random's bytes named (purpose, index). */
FED_MUST_CHECK fed_status fed_noise_init_random(fed_noise *noise,
                                                const fed_random *random,
                                                const char *purpose, uint64_t index,
                                                fed_error *err);
/** Wipe and release. */
void fed_noise_fini(fed_noise *noise);
/** FED_OK when every word so far was secret; call it before anything drawn is used. */
FED_MUST_CHECK fed_status fed_noise_check(const fed_noise *noise, fed_error *err);
/** Make the buffer full again; fed_noise_word calls it. */
void fed_noise_refill(fed_noise *noise);
/** The next `n` words at once, bypassing the buffer when n is large. */
void fed_noise_words(fed_noise *noise, uint64_t *out, size_t n);

/** 64 secret bits. */
static inline uint64_t fed_noise_word(fed_noise *noise)
{
    if (noise->used == FED_NOISE_WORDS) fed_noise_refill(noise);
    return noise->word[noise->used++];
}

/** One secret bit. */
static inline unsigned fed_noise_bit(fed_noise *noise)
{
    if (!noise->bits_left) noise->bits = fed_noise_word(noise), noise->bits_left = 64;
    unsigned bit = (unsigned)(noise->bits & 1);
    noise->bits >>= 1, noise->bits_left--;
    return bit;
}

#endif
