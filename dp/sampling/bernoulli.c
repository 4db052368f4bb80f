/*
 * Canonne, Kamath, Steinke 2020, "The Discrete Gaussian for Differential Privacy", algorithms
 * 1 and 2, on 64-bit integers. Plain: the fast exact sampler (dgauss_exact.c) is compared with it.
 */
#include "bernoulli.h"

#include "sampler.h"

bool fed_sample_bernoulli(fed_noise *noise, uint64_t num, uint64_t den)
{
    return fed_coin(noise, num, den);
}

/* Bernoulli(num / (den k)), whatever the product. */
static bool coin_over(fed_noise *noise, uint64_t num, uint64_t den, uint64_t k)
{
    if (den <= UINT64_MAX / k) return fed_coin(noise, num, den * k);
    return fed_coin(noise, 1, k) && fed_coin(noise, num, den);
}

/* Algorithm 1 for num <= den: the first k whose coin fails is odd with probability
 * exp(-num/den). */
static bool bernoulli_exp_small(fed_noise *noise, uint64_t num, uint64_t den)
{
    uint64_t k = 1;
    while (coin_over(noise, num, den, k))
        k++;
    return k & 1;
}

bool fed_sample_bernoulli_exp(fed_noise *noise, uint64_t num, uint64_t den)
{
    while (num > den) {
        if (!bernoulli_exp_small(noise, 1, 1)) return false;
        num -= den;
    }
    return bernoulli_exp_small(noise, num, den);
}

/* Lemire 2019, Fast Random Integer Generation in an Interval, algorithm 5. */
uint64_t fed_sample_below(fed_noise *noise, uint64_t bound)
{
    fed_u128 m = (fed_u128)fed_noise_word(noise) * bound;
    if ((uint64_t)m < bound) {
        uint64_t threshold = (0 - bound) % bound;
        while ((uint64_t)m < threshold)
            m = (fed_u128)fed_noise_word(noise) * bound;
    }
    return (uint64_t)(m >> 64);
}

/* Algorithm 2: |x| = u + t v with u < t accepted with probability exp(-u/t), v geometric. */
int64_t fed_sample_laplace(fed_noise *noise, uint64_t scale)
{
    for (;;) {
        uint64_t u = fed_sample_below(noise, scale), v = 0;
        if (!bernoulli_exp_small(noise, u, scale)) continue;
        while (bernoulli_exp_small(noise, 1, 1))
            v++;
        unsigned negative = fed_noise_bit(noise);
        uint64_t magnitude = u + scale * v;
        if (negative && !magnitude) continue;
        return negative ? -(int64_t)magnitude : (int64_t)magnitude;
    }
}
