/*
 * Samplers: their laws by chi-square, the tables' thresholds against an independent sum, scalar
 * and vector scans bit for bit, timing against what is drawn, and failing closed.
 */
#include "harness.h"

#include <stdlib.h>

#include "dp.h"
#include "sampling/dgauss_table.h"

static void open_noise(fed_noise *noise, uint8_t seed)
{
    uint8_t key[32] = {seed};
    fed_error err;
    CHECK_OK(fed_noise_init(noise, key, &err), &err);
}

/* ---- chi-square ---- */

enum { CELLS = 400 };

/* Draws in cells of `width` integers around 0; expected counts from `mass(k)`; cells with fewer
 * than 20 expected are joined at the ends. Returns how many standard deviations the statistic
 * lies above its mean. */
typedef double (*law)(int64_t k, double parameter);

static double chi_square(const int64_t *x, size_t n, law mass, double parameter,
                         double sd)
{
    static double expected[2 * CELLS + 1], seen[2 * CELLS + 1];
    int64_t width = (int64_t)ceil(5.2 * sd / CELLS);
    double total = 0;
    memset(expected, 0, sizeof expected), memset(seen, 0, sizeof seen);
    for (int64_t k = -(int64_t)(9 * sd + 30); k <= (int64_t)(9 * sd + 30); k++) {
        int64_t cell = (k + CELLS * width + width / 2) / width;
        if (k + CELLS * width + width / 2 < 0) cell = 0;
        if (cell > 2 * CELLS) cell = 2 * CELLS;
        double m = mass(k, parameter);
        expected[cell] += m, total += m;
    }
    for (size_t i = 0; i < n; i++) {
        int64_t at = x[i] + CELLS * width + width / 2, cell = at < 0 ? 0 : at / width;
        seen[cell > 2 * CELLS ? 2 * CELLS : cell]++;
    }
    double statistic = 0, rest_seen = 0, rest_expected = 0, cells = 0;
    for (int c = 0; c <= 2 * CELLS; c++) {
        double want = expected[c] / total * (double)n;
        rest_seen += seen[c], rest_expected += want;
        if (rest_expected < 20 && c < 2 * CELLS) continue;
        double off = rest_seen - rest_expected;
        statistic += off * off / fmax(rest_expected, 1e-9), cells++;
        rest_seen = rest_expected = 0;
    }
    return (statistic - (cells - 1)) / sqrt(2 * (cells - 1));
}

static double gaussian_mass(int64_t k, double sigma)
{
    return exp(-(double)k * (double)k / (2 * sigma * sigma));
}

static double laplace_mass(int64_t k, double scale)
{
    return exp(-fabs((double)k) / scale);
}

/* Skellam by summing Poisson products: only for small means. */
static double skellam_mass(int64_t k, double variance)
{
    double mu = variance / 2, sum = 0;
    for (int64_t j = k < 0 ? -k : 0; j < 400; j++)
        sum += exp((double)(2 * j + k) * log(mu) - 2 * mu - lgamma((double)j + 1) -
                   lgamma((double)(j + k) + 1));
    return sum;
}

static void check_law(fed_sampler_kind kind, double sigma, law mass, double parameter,
                      size_t n)
{
    fed_noise noise;
    fed_sampler *s = NULL;
    fed_error err;
    int64_t *x = malloc(n * sizeof *x);
    open_noise(&noise, (uint8_t)kind);
    CHECK_OK(fed_sampler_new(&s, kind, sigma, &err), &err);
    if (s && x) {
        CHECK_OK(fed_sampler_fill(s, &noise, x, n, &err), &err);
        double off = chi_square(x, n, mass, parameter, sigma);
        CHECK_MSG(off < 5 && off > -5, "kind %d sigma %g: chi-square off by %.2f sd",
                  kind, sigma, off);
    }
    free(x);
    fed_sampler_free(s);
    fed_noise_fini(&noise);
}

/* 2^24 draws of the least noise that a share may have, of a table and of a convolution; 2^20
 * of the others, unless FED_EXHAUSTIVE is set. */
static size_t draws(double sigma)
{
    bool many = sigma == 3 || sigma == 500 || getenv("FED_EXHAUSTIVE");
    return (size_t)1 << (many ? 24 : 20);
}

static void test_exact_gaussian(void)
{
    static const double sigmas[] = {0.3, 0.5, 1, 2.5, 3, 3.14159, 16, 500, 51234.567};
    for (size_t i = 0; i < sizeof sigmas / sizeof *sigmas; i++)
        check_law(FED_SAMPLER_GAUSSIAN_EXACT, sigmas[i], gaussian_mass, sigmas[i],
                  draws(sigmas[i]));
}

static void test_fast_gaussian(void)
{
    static const double sigmas[] = {1, 3, 7.25, 16, 40, 500, 20000};
    for (size_t i = 0; i < sizeof sigmas / sizeof *sigmas; i++)
        check_law(FED_SAMPLER_GAUSSIAN_FAST, sigmas[i], gaussian_mass, sigmas[i],
                  draws(sigmas[i]));
}

static void test_skellam(void)
{
    static const double sigmas[] = {0.7, 3, 4, 12};
    for (size_t i = 0; i < sizeof sigmas / sizeof *sigmas; i++)
        check_law(FED_SAMPLER_SKELLAM, sigmas[i], skellam_mass, sigmas[i] * sigmas[i],
                  draws(sigmas[i]));
}

static void test_laplace(void)
{
    enum { N = 1 << 19 };
    static int64_t x[N];
    fed_noise noise;
    open_noise(&noise, 5);
    for (uint64_t scale = 1; scale < 2000; scale = 7 * scale + 3) {
        for (size_t i = 0; i < N; i++)
            x[i] = fed_sample_laplace(&noise, scale);
        double off = chi_square(x, N, laplace_mass, (double)scale, 1.5 * (double)scale);
        CHECK_MSG(fabs(off) < 5, "scale %llu: off by %.2f sd", (unsigned long long)scale,
                  off);
    }
    fed_noise_fini(&noise);
}

static void test_coins(void)
{
    enum { N = 1 << 19 };
    static const uint64_t ratio[][2] = {
        {0, 5}, {5, 5}, {1, 3}, {UINT64_MAX / 3, UINT64_MAX}, {1, (uint64_t)1 << 40},
        {7, 8}};
    fed_noise noise;
    open_noise(&noise, 6);
    for (size_t r = 0; r < sizeof ratio / sizeof *ratio; r++) {
        double p = (double)ratio[r][0] / (double)ratio[r][1], e = exp(-p);
        double ones = 0, exps = 0, slack = 1e-9;
        for (int i = 0; i < N; i++) {
            ones += fed_sample_bernoulli(&noise, ratio[r][0], ratio[r][1]);
            exps += fed_sample_bernoulli_exp(&noise, ratio[r][0], ratio[r][1]);
        }
        CHECK_NEAR(ones / N, p, 5 * sqrt(p * (1 - p) / N) + slack);
        CHECK_NEAR(exps / N, e, 5 * sqrt(e * (1 - e) / N) + slack);
    }
    double exps = 0, e = exp(-2.75);
    for (int i = 0; i < N; i++)
        exps += fed_sample_bernoulli_exp(&noise, 11, 4);
    CHECK_NEAR(exps / N, e, 5 * sqrt(e / N));
    for (int i = 0; i < 1000; i++)
        CHECK(fed_sample_below(&noise, 3) < 3);
    fed_noise_fini(&noise);
}

/* ---- tables ---- */

/* The thresholds against a plain sum in long double: 60 bits of each. */
static void test_table_thresholds(void)
{
    fed_dgauss_table t;
    fed_error err;
    CHECK_OK(fed_dgauss_table_init(&t, 3, &err), &err);
    long double total = 0, partial = 0, s2 = 2 * (long double)t.base * t.base;
    for (int k = -60; k <= 60; k++)
        total += expl(-(long double)k * k / s2);
    for (size_t k = 0; k < t.cdt.n; k++) {
        partial += (k ? 2 : 1) * expl(-(long double)(k * k) / s2);
        long double here = (long double)t.cdt.high[k] * 0x1p-64L;
        CHECK(fabsl(here - partial / total) < 0x1p-60L);
        CHECK(!k || t.cdt.high[k] >= t.cdt.high[k - 1]);
    }
    CHECK(t.cdt.high[t.cdt.n - 1] == UINT64_MAX);
    CHECK(t.distance_log2 < -120);
    CHECK(t.sigma >= 3 && t.sigma < 3 * (1 + 0x1p-30));
    fed_dgauss_table_fini(&t);
}

/* x1 + k x2 against the wanted law, as distributions, in total variation. */
static void test_convolution_distance(void)
{
    const double base = 2.1;
    const int k = 2, reach = 60;
    double sigma = base * sqrt(1 + k * k), s2 = base * base / (1 + k * k), z = 0,
           wide = 0;
    for (int x = -reach; x <= reach; x++)
        z += gaussian_mass(x, base);
    for (int y = -3 * reach; y <= 3 * reach; y++)
        wide += gaussian_mass(y, sigma);
    double distance = 0;
    for (int y = -3 * reach; y <= 3 * reach; y++) {
        double p = 0;
        for (int x = -reach; x <= reach; x++)
            p += gaussian_mass(x, base) * gaussian_mass(y - k * x, base) / (z * z);
        distance += fabs(p - gaussian_mass(y, sigma) / wide) / 2;
    }
    double bound = 4 * exp(-2 * 3.14159265358979 * 3.14159265358979 * s2);
    CHECK(distance <= bound && distance > bound * 1e-3);
    fed_note("distance %.3g, bound %.3g", distance, bound);
}

static void check_kernel(fed_kernel k, const fed_cdt *cdt, const uint64_t *u)
{
    static uint64_t want[FED_TABLE_BLOCK], got[FED_TABLE_BLOCK];
    static int64_t plain[FED_TABLE_BLOCK], fast[FED_TABLE_BLOCK];
    const fed_cdt_kernel *scalar = fed_cdt_kernel_of(FED_KERNEL_SCALAR);
    const fed_cdt_kernel *kernel = fed_cdt_kernel_of(k);
    uint64_t tie = scalar->scan(cdt, u, want);
    CHECK(!kernel->scan(cdt, u, got) == !tie);
    CHECK_MEM(got, want, sizeof want);
    for (int i = 0; i < FED_TABLE_BLOCK; i++)
        plain[i] = fast[i] = i - 99;
    scalar->apply(want, u, -37, plain);
    kernel->apply(want, u, -37, fast);
    CHECK_MEM(fast, plain, sizeof plain);
}

static void test_kernels_agree(void)
{
    static uint64_t u[FED_TABLE_BLOCK];
    fed_noise noise;
    fed_dgauss_table t;
    fed_error err;
    open_noise(&noise, 8);
    for (double sigma = 1; sigma < 17; sigma += 1.3) {
        CHECK_OK(fed_dgauss_table_init(&t, sigma, &err), &err);
        for (int round = 0; round < 50; round++) {
            fed_noise_words(&noise, u, FED_TABLE_BLOCK);
            if (round & 1) { /* ties, and the ends */
                u[round] = t.cdt.high[(size_t)round % t.cdt.n];
                u[round + 60] = UINT64_MAX, u[round + 120] = 0;
            }
            for (int k = FED_KERNEL_SCALAR; k <= FED_KERNEL_AVX512; k++)
                check_kernel((fed_kernel)k, &t.cdt, u);
        }
        fed_dgauss_table_fini(&t);
    }
    fed_noise_fini(&noise);
}

static void walk_to(int64_t x)
{
    volatile int64_t steps = x < 0 ? -x : x;
    while (steps > 0)
        steps--;
}

typedef struct timed {
    int64_t time, size; /* nanoseconds; sum of |x| */
} timed;

static timed time_block(const fed_sampler *s, fed_noise *noise, bool stops_early)
{
    int64_t x[FED_TABLE_BLOCK];
    fed_error err;
    timed t = {0};
    int64_t start = fed_clock_monotonic_ns();
    CHECK_OK(fed_sampler_fill(s, noise, x, FED_TABLE_BLOCK, &err), &err);
    for (int i = 0; stops_early && i < FED_TABLE_BLOCK; i++)
        walk_to(x[i]);
    t.time = fed_clock_monotonic_ns() - start;
    for (int i = 0; i < FED_TABLE_BLOCK; i++)
        t.size += x[i] < 0 ? -x[i] : x[i];
    return t;
}

/* Of two blocks, one behind the other, does the one with larger |x| take longer? Counted over many
 * pairs, in standard deviations: neither a clock that drifts nor an interrupt counts for much. */
static double timing_follows(double sigma, bool stops_early)
{
    enum { PAIRS = 10000 };
    double score = 0;
    fed_noise noise;
    fed_sampler *s = NULL;
    fed_error err;
    open_noise(&noise, 3);
    CHECK_OK(fed_sampler_new(&s, FED_SAMPLER_GAUSSIAN_FAST, sigma, &err), &err);
    for (int i = 0; s && i < PAIRS; i++) {
        timed a = time_block(s, &noise, stops_early),
              b = time_block(s, &noise, stops_early);
        bool longer = a.time > b.time, larger = a.size > b.size;
        if (a.time != b.time && a.size != b.size) score += longer == larger ? 1 : -1;
    }
    fed_sampler_free(s);
    fed_noise_fini(&noise);
    return score / sqrt(PAIRS);
}

/* The time says nothing of what is drawn; that of a search which stops at what it finds would, so
 * this can be seen. That no branch and no address depends on it: test_dp_constant_time.c. */
static void test_timing_does_not_follow_the_noise(void)
{
    static const double sigmas[] = {3, 16, 500};
    for (int i = 0; i < 3; i++) {
        double off = timing_follows(sigmas[i], false);
        CHECK_MSG(fabs(off) < 5, "sigma %g: %.1f standard deviations", sigmas[i], off);
        fed_note("sigma %g: time follows |x| by %.1f standard deviations", sigmas[i],
                 off);
    }
    double leaking = timing_follows(16, true);
    fed_note("with a search that stops early by %.1f", leaking);
    CHECK(leaking > 5);
}

/* ---- the source ---- */

static void test_same_key_same_noise(void)
{
    static int64_t a[3000], b[3000];
    fed_noise noise;
    fed_error err;
    for (int kind = FED_SAMPLER_GAUSSIAN_EXACT; kind <= FED_SAMPLER_SKELLAM; kind++) {
        fed_sampler *s = NULL;
        CHECK_OK(fed_sampler_new(&s, (fed_sampler_kind)kind, 20, &err), &err);
        open_noise(&noise, 1);
        CHECK_OK(fed_sampler_fill(s, &noise, a, 3000, &err), &err);
        fed_noise_fini(&noise);
        open_noise(&noise, 1);
        memset(b, 0, sizeof b);
        CHECK_OK(fed_sampler_add(s, &noise, b, 3000, &err), &err);
        fed_noise_fini(&noise);
        if (kind == FED_SAMPLER_GAUSSIAN_EXACT) CHECK_MEM(a, b, sizeof a);
        double square = 0;
        for (int i = 0; i < 3000; i++)
            square += (double)b[i] * (double)b[i] / 3000;
        CHECK_NEAR(square, 400, 400 * 6 * sqrt(2.0 / 3000));
        fed_sampler_free(s);
    }
}

static fed_status dead_source(void *ctx, const char *purpose, uint64_t index, void *out,
                              size_t n)
{
    (void)ctx, (void)purpose, (void)index;
    memset(out, 1, n);
    return FED_E_CRYPTO;
}

static void test_failing_closed(void)
{
    static fed_noise noise;
    fed_random dead = {dead_source, NULL};
    fed_error err;
    int64_t x[4] = {1, 2, 3, 4};
    fed_sampler *s = NULL;
    CHECK_FAILS(fed_noise_init_random(&noise, &dead, "test", 0, &err), FED_E_CRYPTO, &err,
                "random");
    open_noise(&noise, 1);
    fed_noise_fini(&noise); /* a source that is gone: nothing secret comes any more */
    CHECK_OK(fed_sampler_new(&s, FED_SAMPLER_GAUSSIAN_EXACT, 5, &err), &err);
    CHECK_FAILS(fed_sampler_add(s, &noise, x, 4, &err), FED_E_STATE, &err, "key stream");
    for (int i = 0; i < 4; i++)
        CHECK_EQ(x[i], 0);
    fed_sampler_free(s);
    CHECK_FAILS(fed_sampler_new(&s, FED_SAMPLER_GAUSSIAN_FAST, 0.5, &err), FED_E_INVALID,
                &err, "sigma 0.5");
    CHECK_FAILS(fed_sampler_new(&s, FED_SAMPLER_GAUSSIAN_EXACT, NAN, &err), FED_E_INVALID,
                &err, "sigma nan");
}

static fed_status make_samplers(void *ctx)
{
    (void)ctx;
    for (int kind = FED_SAMPLER_GAUSSIAN_EXACT; kind <= FED_SAMPLER_SKELLAM; kind++) {
        fed_sampler *s;
        FED_TRY(fed_sampler_new(&s, (fed_sampler_kind)kind, 30, NULL));
        fed_sampler_free(s);
    }
    return FED_OK;
}

static void test_torture(void)
{
    CHECK(fed_torture(make_samplers, NULL) >= 6);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_exact_gaussian),
        CASE(test_fast_gaussian),
        CASE(test_skellam),
        CASE(test_laplace),
        CASE(test_coins),
        CASE(test_table_thresholds),
        CASE(test_kernels_agree),
        CASE(test_convolution_distance),
        CASE(test_same_key_same_noise),
        CASE(test_timing_does_not_follow_the_noise),
        CASE(test_failing_closed),
        CASE(test_torture),
    };
    return fed_run("dp_sampling", cases, sizeof cases / sizeof *cases);
}
