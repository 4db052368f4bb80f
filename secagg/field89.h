/*
 * The field of 2^89 - 1 elements: three of them hold a 256-bit secret (86 + 86 + 84 bits) in
 * a share of 34 bytes. An element is two limbs of 45 and 44 bits, so that a step of Horner's
 * rule at a small point needs 64-bit products only. All of it takes the same time for all
 * values. Internal.
 */
#ifndef FED_FIELD89_H
#define FED_FIELD89_H

#include <stdint.h>

enum { FED_F89_LOW = 45, FED_F89_HIGH = 44, FED_F89_BITS = 89, FED_F89_SMALL = 14 };
#define FED_F89_LOW_MASK  ((UINT64_C(1) << FED_F89_LOW) - 1)
#define FED_F89_HIGH_MASK ((UINT64_C(1) << FED_F89_HIGH) - 1)

/** low + 2^45 high. Reduced: below 2^89 - 1, limbs within their bits. Loose: low < 2^46. */
typedef struct fed_f89 {
    uint64_t low, high;
} fed_f89;

/** a x + c for a loose a, a reduced c and x < 2^14; loose. */
static inline fed_f89 fed_f89_step(fed_f89 a, uint64_t x, fed_f89 c)
{
    uint64_t low = a.low * x + c.low;
    uint64_t high = a.high * x + c.high + (low >> FED_F89_LOW);
    return (fed_f89){(low & FED_F89_LOW_MASK) + (high >> FED_F89_HIGH),
                     high & FED_F89_HIGH_MASK};
}

/** The reduced form of a loose element. */
fed_f89 fed_f89_reduce(fed_f89 a);
/* Of reduced elements, reduced. */
fed_f89 fed_f89_add(fed_f89 a, fed_f89 b);
fed_f89 fed_f89_sub(fed_f89 a, fed_f89 b);
fed_f89 fed_f89_mul(fed_f89 a, fed_f89 b);
/** 1/a; 0 for 0. */
fed_f89 fed_f89_invert(fed_f89 a);
/** Invert n non-zero elements with one inversion (Montgomery's trick); `scratch` has room
 *  for n. */
void fed_f89_invert_all(fed_f89 *a, fed_f89 *scratch, uint32_t n);
/** All ones when a == 0, else 0. */
uint64_t fed_f89_is_zero(fed_f89 a);

#endif
