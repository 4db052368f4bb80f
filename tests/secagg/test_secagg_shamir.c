/* Sharing and restoring, against definitions, and with wrong shares. */
#include "harness.h"
#include "secagg.h"
#include "shamir.h"

enum { N = 24, T = 9 };

static fed_stream stream;

static void start(uint64_t version)
{
    uint8_t key[32];
    fed_seed_from_u64(key, 89);
    fed_stream_init(&stream, key, FED_PURPOSE_TEST, version);
}

typedef struct sharing {
    uint8_t secret[32], key[32], shares[N * FED_SHAMIR_SHARE];
    uint32_t points[N];
    const uint8_t *at[N];
} sharing;

static void make_sharing(sharing *s, uint32_t t)
{
    fed_error err;
    fed_stream_fill(&stream, s->secret, 32);
    fed_stream_fill(&stream, s->key, 32);
    for (uint32_t i = 0, x = 0; i < N; i++) {
        x += 1 + fed_stream_below(&stream, 600);
        s->points[i] = x;
        s->at[i] = s->shares + i * FED_SHAMIR_SHARE;
    }
    CHECK_OK(fed_shamir_share(s->secret, s->key, t, s->points, N, s->shares, &err), &err);
}

static fed_f89 random_element(void)
{
    uint64_t low = fed_stream_u64(&stream), high = fed_stream_u64(&stream);
    return fed_f89_reduce((fed_f89){low & FED_F89_LOW_MASK, high & FED_F89_HIGH_MASK});
}

static bool same(fed_f89 a, fed_f89 b)
{
    return a.low == b.low && a.high == b.high;
}

/* The product by doubling and adding, as a schoolchild would. */
static fed_f89 slow_mul(fed_f89 a, fed_f89 b)
{
    fed_f89 r = {0, 0};
    for (int bit = FED_F89_BITS - 1; bit >= 0; bit--) {
        r = fed_f89_add(r, r);
        uint64_t limb = bit < FED_F89_LOW ? b.low >> bit : b.high >> (bit - FED_F89_LOW);
        if (limb & 1) r = fed_f89_add(r, a);
    }
    return r;
}

static void test_field_laws(void)
{
    start(1);
    const fed_f89 edge[] = {{0, 0},
                            {1, 0},
                            {FED_F89_LOW_MASK - 1, FED_F89_HIGH_MASK},
                            {FED_F89_LOW_MASK, 0},
                            {0, FED_F89_HIGH_MASK}};
    for (int i = 0; i < 2000; i++) {
        fed_f89 a = i < 25 ? edge[i % 5] : random_element();
        fed_f89 b = i < 25 ? edge[i / 5] : random_element();
        fed_f89 c = random_element();
        CHECK(same(fed_f89_mul(a, b), slow_mul(a, b)));
        CHECK(same(fed_f89_mul(fed_f89_add(a, c), b),
                   fed_f89_add(fed_f89_mul(a, b), fed_f89_mul(c, b))));
        CHECK(same(fed_f89_sub(fed_f89_add(a, b), b), a));
        uint64_t x = fed_stream_below(&stream, FED_SHAMIR_POINT_MAX) + 1;
        CHECK(same(fed_f89_reduce(fed_f89_step(a, x, b)),
                   fed_f89_add(slow_mul(a, (fed_f89){x, 0}), b)));
        fed_f89 one = fed_f89_mul(a, fed_f89_invert(a));
        CHECK(same(one, fed_f89_is_zero(a) ? (fed_f89){0, 0} : (fed_f89){1, 0}));
    }
    fed_f89 p = {FED_F89_LOW_MASK, FED_F89_HIGH_MASK};
    CHECK(fed_f89_is_zero(fed_f89_reduce(p)) != 0);
}

static void test_any_t_shares_restore(void)
{
    start(2);
    fed_error err;
    sharing s;
    fed_shamir_weights w;
    fed_shamir_weights_init(&w);
    make_sharing(&s, T);
    for (int round = 0; round < 200; round++) {
        uint32_t order[N], points[T], k = 0;
        const uint8_t *at[T];
        uint8_t secret[32];
        for (uint32_t i = 0; i < N; i++)
            order[i] = i;
        fed_stream_shuffle(&stream, order, N);
        for (uint32_t i = 0; i < N && k < T; i++)
            for (uint32_t j = 0; j < T; j++)
                if (order[j] == i) points[k] = s.points[i], at[k++] = s.at[i];
        CHECK_OK(fed_shamir_weights_set(&w, points, T, &err), &err);
        CHECK_OK(fed_shamir_recover(&w, at, secret, &err), &err);
        CHECK_MEM(secret, s.secret, 32);
    }
    fed_shamir_weights_fini(&w);
}

static void test_extreme_secrets(void)
{
    start(3);
    fed_error err;
    uint8_t shares[3 * FED_SHAMIR_SHARE], back[32];
    const uint32_t points[] = {1, 2, FED_SHAMIR_POINT_MAX};
    const uint8_t *at[] = {shares, shares + FED_SHAMIR_SHARE,
                           shares + 2 * FED_SHAMIR_SHARE};
    for (int byte = 0; byte < 256; byte += 255) {
        uint8_t secret[32], key[32] = {1};
        memset(secret, byte, sizeof secret);
        fed_shamir_weights w;
        fed_shamir_weights_init(&w);
        CHECK_OK(fed_shamir_share(secret, key, 3, points, 3, shares, &err), &err);
        CHECK_OK(fed_shamir_weights_set(&w, points, 3, &err), &err);
        CHECK_OK(fed_shamir_recover(&w, at, back, &err), &err);
        CHECK_MEM(back, secret, 32);
        fed_shamir_weights_fini(&w);
    }
}

/* t - 1 shares fit every secret: for any value at 0 there is a share at a further point that
 * makes it the value. */
static void test_fewer_shares_say_nothing(void)
{
    start(4);
    fed_error err;
    sharing s;
    fed_f89 y0[3], y1[3];
    fed_shamir_weights w;
    make_sharing(&s, 3);
    fed_shamir_weights_init(&w);
    CHECK_OK(fed_shamir_weights_set(&w, s.points, 3, &err), &err);
    fed_shamir_unpack(s.at[0], y0);
    fed_shamir_unpack(s.at[1], y1);
    for (int i = 0; i < 300; i++) {
        int c = i % 3;
        fed_f89 wanted = random_element();
        fed_f89 two = fed_f89_add(fed_f89_mul(w.weights[0], y0[c]),
                                  fed_f89_mul(w.weights[1], y1[c]));
        fed_f89 third =
            fed_f89_mul(fed_f89_sub(wanted, two), fed_f89_invert(w.weights[2]));
        CHECK(same(fed_f89_add(two, fed_f89_mul(w.weights[2], third)), wanted));
    }
    fed_shamir_weights_fini(&w);
}

static void test_decodes_up_to_half_the_surplus(void)
{
    start(5);
    fed_error err;
    for (uint32_t bad = 0; bad <= (N - T) / 2 + 1; bad++) {
        sharing s;
        bool wrong[N], spoiled[N] = {false};
        uint8_t secret[32];
        make_sharing(&s, T);
        for (uint32_t i = 0; i < bad; i++) {
            uint32_t at = (i * 5) % N;
            spoiled[at] = true;
            s.shares[at * FED_SHAMIR_SHARE + fed_stream_below(&stream, 33)] ^= 0x41;
        }
        fed_status status = fed_shamir_decode(s.points, s.at, N, T, secret, wrong, &err);
        if (bad > (N - T) / 2) {
            CHECK_FAILS(status, FED_E_FORMAT, &err, "wrong");
            continue;
        }
        CHECK_OK(status, &err);
        CHECK_MEM(secret, s.secret, 32);
        CHECK_MEM(wrong, spoiled, sizeof wrong);
    }
}

static void test_decodes_the_zero_secret(void)
{
    fed_error err;
    uint8_t secret[32] = {0}, shares[4 * FED_SHAMIR_SHARE] = {0}, back[32];
    const uint32_t points[] = {1, 2, 3, 4};
    const uint8_t *at[4];
    bool wrong[4];
    for (int i = 0; i < 4; i++)
        at[i] = shares + i * FED_SHAMIR_SHARE;
    shares[0] = 9;
    CHECK_OK(fed_shamir_decode(points, at, 4, 2, back, wrong, &err), &err);
    CHECK_MEM(back, secret, 32);
    CHECK(wrong[0] && !wrong[1] && !wrong[2] && !wrong[3]);
}

static void test_refuses_what_is_not_canonical(void)
{
    start(6);
    sharing s;
    make_sharing(&s, T);
    for (int i = 0; i < N; i++)
        CHECK(fed_shamir_share_is_canonical(s.at[i]));
    uint8_t share[FED_SHAMIR_SHARE];
    memcpy(share, s.at[0], sizeof share);
    share[33] |= 8; /* a bit that no element has */
    CHECK(!fed_shamir_share_is_canonical(share));
    memset(share, 0xff, 11);
    share[11] |= 1, share[33] &= 7; /* 2^89 - 1, another name of 0 */
    CHECK(!fed_shamir_share_is_canonical(share));
}

static void test_refuses_bad_settings(void)
{
    fed_error err;
    uint8_t secret[32] = {0}, shares[2 * FED_SHAMIR_SHARE];
    uint32_t points[] = {1, 0}, twice[] = {4, 4};
    CHECK_FAILS(fed_shamir_share(secret, secret, 3, points, 2, shares, &err),
                FED_E_INVALID, &err, "threshold 3 of 2");
    CHECK_FAILS(fed_shamir_share(secret, secret, 1, points, 2, shares, &err),
                FED_E_INVALID, &err, "point 0");
    fed_shamir_weights w;
    fed_shamir_weights_init(&w);
    CHECK_FAILS(fed_shamir_weights_set(&w, twice, 2, &err), FED_E_INVALID, &err,
                "ascending");
    fed_shamir_weights_fini(&w);
}

static fed_status share_and_restore(void *ctx)
{
    sharing *s = ctx;
    fed_error err;
    bool wrong[N];
    uint8_t secret[32];
    fed_shamir_weights w;
    fed_shamir_weights_init(&w);
    fed_status status;
    FED_GO(fed_shamir_share(s->secret, s->key, T, s->points, N, s->shares, &err));
    FED_GO(fed_shamir_weights_set(&w, s->points, T, &err));
    FED_GO(fed_shamir_recover(&w, s->at, secret, &err));
    FED_GO(fed_shamir_decode(s->points, s->at, N, T, secret, wrong, &err));
out:
    fed_shamir_weights_fini(&w);
    return status;
}

static void test_survives_failing_allocations(void)
{
    start(7);
    sharing s;
    make_sharing(&s, T);
    CHECK(fed_torture(share_and_restore, &s) >= 4);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_field_laws),
                                     CASE(test_any_t_shares_restore),
                                     CASE(test_extreme_secrets),
                                     CASE(test_fewer_shares_say_nothing),
                                     CASE(test_decodes_up_to_half_the_surplus),
                                     CASE(test_decodes_the_zero_secret),
                                     CASE(test_refuses_what_is_not_canonical),
                                     CASE(test_refuses_bad_settings),
                                     CASE(test_survives_failing_allocations)};
    return fed_run("secagg_shamir", cases, sizeof cases / sizeof *cases);
}
