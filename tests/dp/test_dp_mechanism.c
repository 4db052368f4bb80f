/* Clipping, rounding, noise shares, adaptive clip, votes, DP-SGD: exact norms under adversarial
 * inputs, unbiased rounding, wrap-around, and the variance that the promise rests on. */
#include "harness.h"

#include <stdlib.h>

#include "dp.h"

static fed_noise noise;

static void open_noise(uint8_t seed)
{
    uint8_t key[32] = {seed};
    fed_error err;
    CHECK_OK(fed_noise_init(&noise, key, &err), &err);
}

/* ---- clipping ---- */

static void test_clip(void)
{
    float x[4] = {3, 0, -4, 0};
    fed_clip_report report;
    fed_error err;
    CHECK_OK(fed_clip_l2(x, 4, 10, &report, &err), &err);
    CHECK(x[0] == 3 && !report.clipped && report.norm == 5);
    CHECK_OK(fed_clip_l2(x, 4, 1, &report, &err), &err);
    CHECK(report.clipped);
    CHECK_NEAR(x[0], 0.6, 1e-7);
    CHECK_NEAR(x[2], -0.8, 1e-7);
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        float y[3] = {1, bad[i], 2};
        CHECK_OK(fed_clip_l2(y, 3, 1, &report, &err), &err);
        CHECK(report.zeroed && y[0] == 0 && y[1] == 0 && y[2] == 0);
    }
    float huge[2] = {3e38f, 3e38f};
    CHECK_OK(fed_clip_l2(huge, 2, 1, &report, &err), &err);
    CHECK(!report.zeroed && report.clipped);
    CHECK_NEAR(huge[0], sqrt(0.5), 1e-6);
    float zero[2] = {0, -0.0f};
    CHECK_OK(fed_clip_l2(zero, 2, 1, &report, &err), &err);
    CHECK(!report.clipped && zero[0] == 0);
    CHECK_FAILS(fed_clip_l2(x, 4, 0, NULL, &err), FED_E_INVALID, &err, "update.clip");
}

/* ---- rounding ---- */

static void test_norm_is_exact(void)
{
    int64_t x[2] = {3, 4}, big[2] = {((int64_t)1 << 52) - 1, 1};
    CHECK(fed_norm_within(x, 2, 5));
    CHECK(!fed_norm_within(x, 2, nextafter(5, 0)));
    CHECK(fed_norm_within(x, 2, nextafter(5, 6)));
    /* (2^52 - 1)^2 + 1 is not a double's business any more */
    CHECK(!fed_norm_within(big, 2, 0x1p52 - 1));
    CHECK(fed_norm_within(big, 1, 0x1p52 - 1));
    CHECK(!fed_norm_within(x, 2, NAN) && !fed_norm_within(x, 2, -1));
    int64_t least = INT64_MIN;
    CHECK(!fed_norm_within(&least, 1, 0x1p59));
}

/* All .5, one-hot, +-C, just below and above a grid point: never longer than delta2. */
static void test_sensitivity_after_rounding(void)
{
    enum { N = 256 };
    static float x[N];
    static int64_t out[N];
    const double scale = 40, delta2 = fed_rounded_norm(scale, N, exp(-0.5));
    unsigned outcomes[3] = {0};
    open_noise(1);
    for (int kind = 0; kind < 6; kind++)
        for (int round = 0; round < 200; round++) {
            fed_rounding_report report;
            fed_error err;
            for (int i = 0; i < N; i++) {
                double c = 1 / sqrt(N);
                double value[] = {
                    0.5 / scale,     i == round % N ? 1 : 0,    i & 1 ? c : -c,
                    (i % 7) * c / 4, nextafter(2.0 / scale, 3), c};
                x[i] = (float)value[kind];
            }
            CHECK_OK(fed_clip_l2(x, N, 1, NULL, &err), &err);
            CHECK_OK(fed_round_conditional(x, N, scale, delta2, 16, &noise, out, &report,
                                           &err),
                     &err);
            CHECK(fed_norm_within(out, N, delta2));
            outcomes[report.outcome]++;
        }
    CHECK(outcomes[FED_ROUND_STOCHASTIC] > 1150);
    fed_note("stochastic %u, truncated %u, zeroed %u", outcomes[0], outcomes[1],
             outcomes[2]);
    fed_noise_fini(&noise);
}

static void test_rounding_gives_up_safely(void)
{
    float x[3] = {0.9f, 0.9f, 0.9f}, bad[3] = {1, NAN, 1}, far[1] = {1e30f};
    int64_t out[3];
    fed_rounding_report report;
    fed_error err;
    open_noise(2);
    CHECK_OK(fed_round_conditional(x, 3, 1, 1e-3, 5, &noise, out, &report, &err), &err);
    CHECK(report.outcome != FED_ROUND_STOCHASTIC || (!out[0] && !out[1] && !out[2]));
    float two[1] = {2.5f};
    CHECK_OK(fed_round_conditional(two, 1, 1, 1.5, 5, &noise, out, &report, &err), &err);
    CHECK(report.outcome == FED_ROUND_ZEROED && report.tries == 5 && out[0] == 0);
    float point[1] = {2.999f};
    unsigned truncated = 0;
    for (int i = 0; i < 50; i++) {
        CHECK_OK(fed_round_conditional(point, 1, 1, 2.5, 1, &noise, out, &report, &err),
                 &err);
        CHECK_EQ(out[0], 2);
        truncated += report.outcome == FED_ROUND_TRUNCATED;
    }
    CHECK(truncated > 40);
    CHECK_OK(fed_round_conditional(bad, 3, 1, 9, 5, &noise, out, &report, &err), &err);
    CHECK(report.outcome == FED_ROUND_ZEROED && out[0] == 0);
    CHECK_OK(fed_round_conditional(far, 1, 1, 9, 5, &noise, out, &report, &err), &err);
    CHECK_EQ(report.outcome, FED_ROUND_ZEROED);
    CHECK_FAILS(fed_round_stochastic(bad, 3, 1, &noise, out, &err), FED_E_NUMERIC, &err,
                "2^52");
    CHECK_FAILS(fed_round_conditional(x, 3, 0, 1, 5, &noise, out, NULL, &err),
                FED_E_INVALID, &err, "scale");
    fed_noise_fini(&noise);
}

static void test_unconditional_rounding_is_unbiased(void)
{
    enum { N = 1 << 18 };
    static float x[N];
    static int64_t out[N];
    const double values[] = {0.25, -0.25, 0.999, -3.75, 1e-3, -1e-30, 7};
    open_noise(3);
    for (int v = 0; v < 7; v++) {
        double mean = 0, want = (double)(float)values[v], part = want - floor(want);
        fed_error err;
        for (int i = 0; i < N; i++)
            x[i] = (float)values[v];
        CHECK_OK(fed_round_stochastic(x, N, 1, &noise, out, &err), &err);
        for (int i = 0; i < N; i++) {
            mean += (double)out[i] / N;
            CHECK(out[i] == (int64_t)floor(want) || out[i] == (int64_t)floor(want) + 1);
        }
        CHECK_NEAR(mean, want, 5 * sqrt(part * (1 - part) / N) + 1e-9);
    }
    fed_noise_fini(&noise);
}

/* ---- distributed ---- */

static fed_distributed_config example(void)
{
    return (fed_distributed_config){.kind = FED_SHARE_GAUSSIAN,
                                    .clip = 0.5,
                                    .noise_multiplier = 1,
                                    .dim = 512,
                                    .bits = 14,
                                    .n_max = 12,
                                    .survivors_min = 10,
                                    .colluders = 2};
}

static void test_derive(void)
{
    fed_distributed_config c = example();
    fed_distributed d;
    fed_error err;
    CHECK_OK(fed_distributed_derive(&c, &d, &err), &err);
    CHECK_NEAR(d.sigma_device, 0.5 / sqrt(8), 1e-12);
    CHECK_NEAR(d.sigma_local, d.sigma_device * d.scale, 1e-9);
    CHECK(d.sigma_ratio < 1 && d.sigma_ratio > 0.9);
    CHECK(d.delta2 > 0.5 * d.scale && d.wrap_probability < 1e-3);
    CHECK(d.config.tail == 4 && d.config.tries == FED_ROUND_TRIES);
    c.bits = 6;
    CHECK_FAILS(fed_distributed_derive(&c, &d, &err), FED_E_REFUSED, &err,
                "below 3 integers");
    c.bits = 3;
    c.n_max = 1000;
    CHECK_FAILS(fed_distributed_derive(&c, &d, &err), FED_E_REFUSED, &err, "too few");
    c = example(), c.colluders = 10;
    CHECK_FAILS(fed_distributed_derive(&c, &d, &err), FED_E_REFUSED, &err, "colluders");
    c = example(), c.clip = NAN;
    CHECK_FAILS(fed_distributed_derive(&c, &d, &err), FED_E_INVALID, &err, "update.clip");
    c = example(), c.bits = 63;
    CHECK_FAILS(fed_distributed_derive(&c, &d, &err), FED_E_INVALID, &err, "bits");
    c = example(), c.survivors_min = 13;
    CHECK_FAILS(fed_distributed_derive(&c, &d, &err), FED_E_INVALID, &err, "s_min");
    CHECK_EQ(fed_distributed_centre(8191, 14), 8191);
    CHECK_EQ(fed_distributed_centre(8192, 14), -8192);
    CHECK_EQ(fed_distributed_centre(16383, 14), -1);
    CHECK_EQ(fed_distributed_centre(16384 + 5, 14), 5);
}

/* Sum of `survivors` devices through the ring; returns the sum of squares over coordinates of
 * (sum - sum of the inputs), and how many coordinates wrapped. */
static double ring_sum(const fed_distributed *d, const fed_sampler *s, unsigned survivors,
                       int64_t *sum, unsigned *wrapped)
{
    enum { MAX = 2048 };
    static float x[MAX];
    static int64_t out[MAX];
    static int64_t whole[MAX];
    size_t n = (size_t)d->config.dim;
    double square = 0;
    memset(whole, 0, sizeof whole);
    for (unsigned device = 0; device < survivors; device++) {
        for (size_t i = 0; i < n; i++)
            x[i] = (float)((i * 7 + device) % 2 ? 1 : -1);
        CHECK(fed_distributed_encode(d, x, s, &noise, out, NULL, NULL) == FED_OK);
        for (size_t i = 0; i < n; i++)
            whole[i] += out[i];
    }
    for (size_t i = 0; i < n; i++) {
        double input = 0;
        for (unsigned device = 0; device < survivors; device++)
            input += ((i * 7 + device) % 2 ? 1 : -1) * d->config.clip * d->scale /
                     sqrt((double)n);
        sum[i] = fed_distributed_centre((uint64_t)whole[i], d->config.bits);
        *wrapped += sum[i] != whole[i];
        square += ((double)whole[i] - input) * ((double)whole[i] - input);
    }
    return square;
}

/* At exactly s_min - c shares the noise is what was promised: no less than (z C s)^2, and no
 * more than rounding adds. Clipping happens inside: the inputs have norm sqrt(d). */
static void test_variance_at_the_floor(void)
{
    fed_distributed_config c = example();
    fed_distributed d;
    fed_sampler *s = NULL;
    fed_error err;
    static int64_t sum[2048];
    unsigned wrapped = 0;
    double square = 0;
    enum { RUNS = 100 };
    open_noise(4);
    CHECK_OK(fed_distributed_derive(&c, &d, &err), &err);
    CHECK_OK(fed_sampler_new(&s, FED_SAMPLER_GAUSSIAN_FAST, d.sigma_local, &err), &err);
    for (int run = 0; run < RUNS; run++)
        square += ring_sum(&d, s, c.survivors_min - c.colluders, sum, &wrapped);
    double n = RUNS * (double)c.dim, promised = c.noise_multiplier * c.clip * d.scale;
    double noise5 = 5 * sqrt(2 / n) * promised * promised;
    CHECK(square / n > promised * promised - noise5);
    CHECK(square / n < promised * promised + 8 * 0.25 + noise5);
    fed_sampler_free(s);
    fed_noise_fini(&noise);
}

/* Wraps happen as often as reported, when the ring is made tight on purpose. */
static void test_wrap_rate(void)
{
    fed_distributed_config c = example();
    fed_distributed d;
    fed_sampler *s = NULL;
    fed_error err;
    static int64_t sum[2048];
    unsigned wrapped = 0;
    enum { RUNS = 200 };
    c.tail = 2, c.survivors_min = 12, c.colluders = 0;
    open_noise(5);
    CHECK_OK(fed_distributed_derive(&c, &d, &err), &err);
    CHECK_OK(fed_sampler_new(&s, FED_SAMPLER_GAUSSIAN_FAST, d.sigma_local, &err), &err);
    for (int run = 0; run < RUNS; run++)
        ring_sum(&d, s, 12, sum, &wrapped);
    double rate = wrapped / (RUNS * (double)c.dim);
    CHECK(rate < d.wrap_probability * 1.2 && rate > 0);
    fed_note("wrapped %.3g of the coordinates, bound %.3g", rate, d.wrap_probability);
    fed_sampler_free(s);
    fed_noise_fini(&noise);
}

static void test_encode_refuses_less_noise(void)
{
    fed_distributed_config c = example();
    fed_distributed d;
    fed_sampler *s = NULL;
    fed_error err;
    static float x[512];
    static int64_t out[512];
    out[0] = 7;
    open_noise(6);
    CHECK_OK(fed_distributed_derive(&c, &d, &err), &err);
    CHECK_OK(fed_sampler_new(&s, FED_SAMPLER_GAUSSIAN_EXACT, d.sigma_local * 0.99, &err),
             &err);
    CHECK_FAILS(fed_distributed_encode(&d, x, s, &noise, out, NULL, &err), FED_E_INVALID,
                &err, "sampler");
    CHECK_EQ(out[0], 0);
    fed_sampler_free(s);
    fed_noise_fini(&noise);
}

/* ---- the others ---- */

static void test_adaptive_clip(void)
{
    fed_adaptive_clip a;
    fed_error err;
    CHECK_OK(fed_adaptive_clip_derive(&a, 1, 100, 130, 80, 0, 0, 0, &err), &err);
    CHECK_NEAR(a.bit_sigma, 5, 1e-12);
    CHECK_NEAR(1 / (a.z_update * a.z_update) + 1 / 100.0, 1, 1e-12);
    CHECK(a.unit_sigma >= 3 && (double)(a.unit - 1) * 10 / sqrt(80) < 3);
    CHECK(exp2(a.bits - 1) >= 130 * (double)a.unit);
    CHECK_EQ(fed_adaptive_clip_bit(&a, true), a.unit);
    CHECK_EQ(fed_adaptive_clip_bit(&a, false), -a.unit);
    CHECK_NEAR(fed_adaptive_clip_next(&a, 2, 0, 100), 2,
               1e-12); /* half are within: stay */
    CHECK_NEAR(fed_adaptive_clip_next(&a, 2, 100 * a.unit, 100), 2 * exp(-0.1), 1e-12);
    CHECK_NEAR(fed_adaptive_clip_next(&a, 2, -1000 * a.unit, 100), 2 * exp(0.1), 1e-12);
    CHECK_FAILS(fed_adaptive_clip_derive(&a, 10, 100, 130, 80, 0, 0, 0, &err),
                FED_E_REFUSED, &err, "multiplier 10 is not below twice it, 10");
    CHECK_FAILS(fed_adaptive_clip_derive(&a, 1, 100, 130, 80, 1.5, 0, 0, &err),
                FED_E_INVALID, &err, "quantile");
}

static void test_votes(void)
{
    fed_votes_bound b;
    fed_error err;
    int64_t votes[4] = {3, 0, 3, 0}, wrong[4] = {3, 3, 1, 0}, far[1] = {INT64_MIN};
    double z_update, z_votes;
    CHECK_OK(fed_votes_bound_derive(&b, 2, 2, &err), &err);
    CHECK_EQ(b.norm_squared, 18);
    CHECK(b.norm >= sqrt(18));
    CHECK(!fed_votes_enforce(&b, votes, 4) && votes[0] == 3);
    CHECK(fed_votes_enforce(&b, wrong, 4) && wrong[0] == 0 && wrong[2] == 0);
    CHECK(fed_votes_enforce(&b, far, 1) && far[0] == 0);
    CHECK_OK(fed_votes_split(2, 0.1, &z_update, &z_votes, &err), &err);
    CHECK_NEAR(1 / (z_update * z_update) + 1 / (z_votes * z_votes), 0.25, 1e-12);
    CHECK_FAILS(fed_votes_split(2, 1, &z_update, &z_votes, &err), FED_E_INVALID, &err,
                "share");
    CHECK_FAILS(fed_votes_bound_derive(&b, 1, 17, &err), FED_E_INVALID, &err, "17 bits");
}

static void test_example_dpsgd(void)
{
    enum { N = 2000, BATCH = 50 };
    static float gradient[N], result[N];
    fed_example_dpsgd *d = NULL;
    fed_error err;
    double square = 0, mean = 0;
    open_noise(7);
    CHECK_OK(fed_example_dpsgd_new(&d, N, 2, 0.5, FED_SAMPLER_GAUSSIAN_FAST, &err), &err);
    for (int e = 0; d && e <= BATCH; e++) {
        for (int i = 0; i < N; i++)
            gradient[i] = e == BATCH && i == 5 ? NAN : 1; /* clipped to 2/sqrt N each */
        CHECK_OK(fed_example_dpsgd_add(d, gradient, &err), &err);
    }
    CHECK_EQ(fed_example_dpsgd_zeroed(d), 1);
    fed_integer_release r = fed_example_dpsgd_release(d);
    CHECK(r.sigma_local / r.delta2 >= 0.5 && r.dim == N);
    CHECK_OK(fed_example_dpsgd_finish(d, BATCH, &noise, result, &err), &err);
    for (int i = 0; i < N; i++) {
        double off = result[i] - 2 / sqrt(N);
        mean += off / N, square += off * off / N;
    }
    double sd = 0.5 * 2 / BATCH;
    CHECK_NEAR(mean, 0, 5 * sd / sqrt(N));
    CHECK_NEAR(square, sd * sd, 5 * sd * sd * sqrt(2.0 / N));
    fed_example_dpsgd_free(d);
    fed_noise_fini(&noise);
}

static fed_status encode_once(void *ctx)
{
    fed_distributed_config c = example();
    fed_distributed d;
    fed_sampler *s;
    fed_example_dpsgd *e;
    static float x[512];
    static int64_t out[512];
    uint8_t key[32] = {1};
    (void)ctx;
    FED_TRY(fed_distributed_derive(&c, &d, NULL));
    FED_TRY(fed_sampler_new(&s, FED_SAMPLER_GAUSSIAN_FAST, d.sigma_local, NULL));
    fed_status status = fed_noise_init(&noise, key, NULL);
    if (status == FED_OK)
        status = fed_distributed_encode(&d, x, s, &noise, out, NULL, NULL);
    fed_noise_fini(&noise);
    fed_sampler_free(s);
    if (status != FED_OK) return status;
    FED_TRY(fed_example_dpsgd_new(&e, 10, 1, 1, FED_SAMPLER_GAUSSIAN_FAST, NULL));
    fed_example_dpsgd_free(e);
    return FED_OK;
}

static void test_torture(void)
{
    CHECK(fed_torture(encode_once, NULL) > 5);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_clip),
        CASE(test_norm_is_exact),
        CASE(test_sensitivity_after_rounding),
        CASE(test_rounding_gives_up_safely),
        CASE(test_unconditional_rounding_is_unbiased),
        CASE(test_derive),
        CASE(test_variance_at_the_floor),
        CASE(test_wrap_rate),
        CASE(test_encode_refuses_less_noise),
        CASE(test_adaptive_clip),
        CASE(test_votes),
        CASE(test_example_dpsgd),
        CASE(test_torture),
    };
    return fed_run("dp_mechanism", cases, sizeof cases / sizeof *cases);
}
