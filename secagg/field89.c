#include "field89.h"

/* 64 x 64 -> 128 bits, on processors without such a product too. */
typedef struct wide {
    uint64_t low, high;
} wide;

#if defined(__SIZEOF_INT128__)
__extension__ typedef unsigned __int128 u128;

static wide wide_mul(uint64_t a, uint64_t b)
{
    u128 p = (u128)a * b;
    return (wide){(uint64_t)p, (uint64_t)(p >> 64)};
}
#else
static wide wide_mul(uint64_t a, uint64_t b)
{
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t low = a0 * b0, mid1 = a1 * b0 + (low >> 32), mid2 = a0 * b1 + (uint32_t)mid1;
    return (wide){mid2 << 32 | (uint32_t)low, a1 * b1 + (mid1 >> 32) + (mid2 >> 32)};
}
#endif

static wide wide_add(wide a, wide b)
{
    uint64_t low = a.low + b.low;
    return (wide){low, a.high + b.high + (low < a.low)};
}

/* Carry from limb to limb, and what passes 2^89 back to the start. */
static fed_f89 carry(uint64_t low, uint64_t high)
{
    high += low >> FED_F89_LOW;
    return (fed_f89){(low & FED_F89_LOW_MASK) + (high >> FED_F89_HIGH),
                     high & FED_F89_HIGH_MASK};
}

fed_f89 fed_f89_reduce(fed_f89 a)
{
    a = carry(a.low, a.high);
    a = carry(a.low, a.high); /* now both limbs fit, and only 2^89 - 1 has two forms */
    uint64_t ones = (a.low ^ FED_F89_LOW_MASK) | (a.high ^ FED_F89_HIGH_MASK);
    uint64_t keep = 0 - ((ones | (0 - ones)) >> 63); /* zero for 2^89 - 1, else ones */
    return (fed_f89){a.low & keep, a.high & keep};
}

fed_f89 fed_f89_add(fed_f89 a, fed_f89 b)
{
    return fed_f89_reduce((fed_f89){a.low + b.low, a.high + b.high});
}

fed_f89 fed_f89_sub(fed_f89 a, fed_f89 b)
{
    return fed_f89_add(a,
                       (fed_f89){FED_F89_LOW_MASK - b.low, FED_F89_HIGH_MASK - b.high});
}

/* With 2^89 = 1: low low' + 2 high high' + 2^45 cross, and 2^45 cross = its bits from 44 up
 * + 2^45 (its lower 44 bits). */
fed_f89 fed_f89_mul(fed_f89 a, fed_f89 b)
{
    wide square = wide_mul(a.high, b.high);
    wide cross = wide_add(wide_mul(a.low, b.high), wide_mul(a.high, b.low));
    wide sum = wide_add(wide_mul(a.low, b.low), wide_add(square, square));
    uint64_t up = cross.high << (64 - FED_F89_HIGH) | cross.low >> FED_F89_HIGH;
    sum = wide_add(sum, (wide){up, 0});
    uint64_t over = sum.high << (64 - FED_F89_LOW) | sum.low >> FED_F89_LOW;
    return fed_f89_reduce(
        (fed_f89){sum.low & FED_F89_LOW_MASK, (cross.low & FED_F89_HIGH_MASK) + over});
}

/* Fermat: a^(2^89 - 3) = (a^(2^87 - 1))^4 a. */
fed_f89 fed_f89_invert(fed_f89 a)
{
    fed_f89 ones = a; /* a^(2^i - 1) */
    for (int i = 1; i < FED_F89_BITS - 2; i++)
        ones = fed_f89_mul(fed_f89_mul(ones, ones), a);
    ones = fed_f89_mul(ones, ones);
    return fed_f89_mul(fed_f89_mul(ones, ones), a);
}

void fed_f89_invert_all(fed_f89 *a, fed_f89 *scratch, uint32_t n)
{
    fed_f89 product = {1, 0};
    for (uint32_t i = 0; i < n; i++) {
        scratch[i] = product;
        product = fed_f89_mul(product, a[i]);
    }
    fed_f89 inverse = fed_f89_invert(product);
    for (uint32_t i = n; i-- > 0;) {
        fed_f89 own = fed_f89_mul(inverse, scratch[i]);
        inverse = fed_f89_mul(inverse, a[i]);
        a[i] = own;
    }
}

uint64_t fed_f89_is_zero(fed_f89 a)
{
    uint64_t any = a.low | a.high;
    return ((any | (0 - any)) >> 63) - 1;
}
