/* Sharing, its field, comparing and masking, watched by valgrind: see watched.h. */
#include "watched.h"
#include "secagg.h"
#include "mask.h"
#include "shamir.h"

enum { N = 40, T = 23 };

static void test_sharing(void)
{
    uint8_t secret[32], key[32], shares[N * FED_SHAMIR_SHARE];
    uint32_t points[N];
    fed_error err;
    if (!is_watched()) return;
    for (uint32_t i = 0; i < N; i++)
        points[i] = 3 * i + 1;
    memset(secret, 0xa5, sizeof secret), memset(key, 0x3c, sizeof key);
    POISON(secret, sizeof secret);
    POISON(key, sizeof key);
    fed_status status = fed_shamir_share(secret, key, T, points, N, shares, &err);
    CLEAR(shares, sizeof shares);
    CHECK_EQ(status, FED_OK);
}

/* Everything up to the one bit whether it is a secret at all. */
static void test_field(void)
{
    fed_f89 a = {12345, 678}, b = {FED_F89_LOW_MASK - 5, 9}, c;
    if (!is_watched()) return;
    POISON(&a, sizeof a);
    POISON(&b, sizeof b);
    c = fed_f89_mul(fed_f89_add(a, b), fed_f89_sub(a, b));
    c = fed_f89_mul(fed_f89_invert(c), fed_f89_reduce(fed_f89_step(a, 16384, b)));
    uint64_t zero = fed_f89_is_zero(c);
    CLEAR(&zero, sizeof zero);
    CHECK_EQ(zero, 0);
}

static void test_comparing(void)
{
    uint8_t a[32], b[32];
    if (!is_watched()) return;
    memset(a, 1, sizeof a), memset(b, 1, sizeof b);
    POISON(a, sizeof a);
    int different = fed_compare_secret(a, b, sizeof a);
    CLEAR(&different, sizeof different);
    CHECK_EQ(different, 0);
}

/* The plain path: valgrind does not know 512-bit registers. */
static void test_masks(void)
{
    static uint32_t lanes[5000];
    fed_mask masks[3];
    fed_error err;
    if (!is_watched()) return;
    for (int i = 0; i < 3; i++)
        memset(masks[i].key, i + 1, 32), masks[i].subtract = i == 1;
    for (int i = 0; i < 3; i++)
        POISON(masks[i].key, 32);
    POISON(lanes, sizeof lanes);
    fed_status status = fed_mask_apply_evp(lanes, 4, 5000, masks, 3,
                                           FED_KEYSTREAM_AES256_CTR, NULL, &err);
    CLEAR(lanes, sizeof lanes);
    CHECK_EQ(status, FED_OK);
}

static void test_the_poison_is_seen(void)
{
    if (is_watched()) CHECK(poison_is_seen());
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_sharing), CASE(test_field),
                                     CASE(test_comparing), CASE(test_masks),
                                     CASE(test_the_poison_is_seen)};
    return fed_run("secagg_constant_time", cases, sizeof cases / sizeof *cases);
}
