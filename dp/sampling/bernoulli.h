/* Exact coins on 64-bit rationals, without a division: compare a lazily drawn uniform real
 * with num/den, 64 bits at a time. */
#ifndef FED_BERNOULLI_H
#define FED_BERNOULLI_H

#include "noise.h"

__extension__ typedef unsigned __int128 fed_u128;
__extension__ typedef __int128 fed_i128;

/* With u the next 64 bits of the uniform, u*den and num*2^64 decide unless they are closer
 * than den; then their difference over den is the same question about the bits behind. */
static inline bool fed_coin(fed_noise *noise, uint64_t num, uint64_t den)
{
    for (;;) {
        fed_u128 left = (fed_u128)fed_noise_word(noise) * den;
        fed_u128 right = (fed_u128)num << 64;
        if (left >= right) return false;
        if (right - left >= den) return true;
        num = (uint64_t)(right - left);
    }
}

#endif
