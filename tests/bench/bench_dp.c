/*
 * Samplers in M draws/s, the accountant's time and error, epsilon at equal noise. References in
 * the same run: the textbook exact sampler on big rationals (what OpenDP and diffprivlib do, here
 * in C over GMP), our exact sampler for the tables, the authors' Renyi accounting.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gmp.h>

#include "bench.h"
#include "dp.h"

enum { DRAWS = 1 << 20, TEXTBOOK_DRAWS = 1 << 12 };

static fed_noise noise;
static int64_t out[DRAWS];

static void check(fed_status status, const fed_error *err)
{
    if (status == FED_OK) return;
    fprintf(stderr, "bench: %s\n", err->text);
    exit(1);
}

/* ---- the textbook: Canonne, Kamath, Steinke 2020, algorithms 1 to 3, on big integers ---- */

static void below(mpz_t u, const mpz_t bound, gmp_randstate_t random)
{
    mpz_urandomm(u, random, bound);
}

/* Bernoulli(num/den) */
static bool coin(const mpz_t num, const mpz_t den, gmp_randstate_t random, mpz_t u)
{
    below(u, den, random);
    return mpz_cmp(u, num) < 0;
}

static bool coin_exp(const mpz_t num, const mpz_t den, gmp_randstate_t random)
{
    mpz_t left, one, u, scaled;
    bool alive = true;
    mpz_init_set(left, num), mpz_init_set_ui(one, 1), mpz_init(u), mpz_init(scaled);
    for (;;) {
        bool last = mpz_cmp(left, den) <= 0;
        unsigned k = 1;
        for (;; k++) { /* exp(-1) until the rest is below one, then exp(-rest) */
            mpz_mul_ui(scaled, last ? den : one, k);
            if (!coin(last ? left : one, scaled, random, u)) break;
        }
        alive = k & 1;
        if (last || !alive) break;
        mpz_sub(left, left, den);
    }
    mpz_clear(left), mpz_clear(one), mpz_clear(u), mpz_clear(scaled);
    return alive;
}

static long textbook_draw(unsigned long sigma, gmp_randstate_t random)
{
    unsigned long t = sigma + 1;
    mpz_t u, tz, one, num, den;
    long x = 0;
    mpz_init(u), mpz_init_set_ui(tz, t), mpz_init_set_ui(one, 1), mpz_init(num),
        mpz_init(den);
    for (bool done = false; !done;) {
        below(u, tz, random);
        if (!coin_exp(u, tz, random)) continue;
        unsigned long v = 0;
        while (coin_exp(one, one, random))
            v++;
        unsigned long y = mpz_get_ui(u) + t * v;
        bool negative = gmp_urandomb_ui(random, 1);
        if (negative && !y) continue;
        mpz_set_ui(num, y * t), mpz_sub_ui(num, num, sigma * sigma),
            mpz_mul(num, num, num);
        mpz_set_ui(den, 2 * sigma * sigma), mpz_mul_ui(den, den, t * t);
        done = coin_exp(num, den, random);
        x = negative ? -(long)y : (long)y;
    }
    mpz_clear(u), mpz_clear(tz), mpz_clear(one), mpz_clear(num), mpz_clear(den);
    return x;
}

static double textbook(void *ctx)
{
    static gmp_randstate_t random;
    static bool ready;
    volatile long sum = 0;
    if (!ready) gmp_randinit_mt(random), ready = true;
    int64_t start = fed_clock_monotonic_ns();
    for (int i = 0; i < TEXTBOOK_DRAWS; i++)
        sum += textbook_draw(*(const unsigned long *)ctx, random);
    return TEXTBOOK_DRAWS * 1e3 / (double)(fed_clock_monotonic_ns() - start);
}

/* ---- samplers ---- */

static void draw(void *ctx)
{
    fed_error err;
    check(fed_sampler_fill(ctx, &noise, out, DRAWS, &err), &err);
}

static void bench_samplers(fed_bench *b)
{
    static const unsigned long sigma[] = {3, 16, 500};
    static const double target[] = {200, 100, 35};
    static const char *const exact_name[] = {"exact, sigma 3", "exact, sigma 16",
                                             "exact, sigma 500"};
    static const char *const fast_name[] = {"table, sigma 3", "table, sigma 16",
                                            "table, sigma 500"};
    for (int i = 0; i < 3; i++) {
        fed_sampler *exact, *fast;
        fed_error err;
        double s = (double)sigma[i];
        check(fed_sampler_new(&exact, FED_SAMPLER_GAUSSIAN_EXACT, s, &err), &err);
        check(fed_sampler_new(&fast, FED_SAMPLER_GAUSSIAN_FAST, s, &err), &err);
        fed_bench_run(b, &(fed_bench_case){.name = exact_name[i],
                                           .unit = "M/s",
                                           .work = DRAWS / 1e6,
                                           .ours = draw,
                                           .ctx = exact,
                                           .reference_sampler = textbook,
                                           .reference_ctx = (void *)(uintptr_t)&sigma[i],
                                           .reference_name = "textbook on big rationals",
                                           .target = {FED_BENCH_OURS_AT_LEAST, 10}});
        fed_bench_run(b,
                      &(fed_bench_case){.name = fast_name[i],
                                        .unit = "M/s",
                                        .work = DRAWS / 1e6,
                                        .ours = draw,
                                        .ctx = fast,
                                        .reference = draw,
                                        .reference_ctx = exact,
                                        .reference_name = "our exact sampler",
                                        .target = {FED_BENCH_OURS_AT_LEAST, target[i]}});
        fed_sampler_free(exact);
        fed_sampler_free(fast);
    }
}

/* ---- accountants ---- */

static double account(const fed_dp_event *e, fed_accountant accountant, double delta)
{
    double epsilon = NAN;
    fed_error err;
    check(fed_dp_epsilon(e, 1, accountant, delta, &epsilon, &err), &err);
    return epsilon;
}

static void account_1000(void *ctx)
{
    fed_dp_event e = fed_dp_gaussian(1, FED_SAMPLING_POISSON, 0.01, 1000);
    account(&e, *(const fed_accountant *)ctx, 1e-5);
}

/* One Poisson-sampled step has an exact answer: q delta_Gauss(e0) = delta, e^e = 1 + q(e^e0 - 1). */
static double largest_error(void)
{
    double worst = 0;
    for (double sigma = 0.5; sigma < 5; sigma *= 1.5)
        for (double q = 0.01; q < 0.5; q *= 3) {
            fed_dp_event e = fed_dp_gaussian(sigma, FED_SAMPLING_POISSON, q, 1);
            double exact = log1p(q * expm1(fed_gaussian_epsilon(sigma, 1e-6 / q)));
            double off = account(&e, FED_ACCOUNTANT_PLD, 1e-6) / exact - 1;
            worst = fmax(worst,
                         off < -1e-9 ? 1 : off); /* below the truth: as bad as can be */
        }
    return worst * 100;
}

static void bench_accountants(fed_bench *b)
{
    static fed_accountant pld = FED_ACCOUNTANT_PLD, rdp = FED_ACCOUNTANT_RDP;
    fed_bench_run(b, &(fed_bench_case){.name = "pld, 1000 sampled steps",
                                       .unit = "ms",
                                       .ours = account_1000,
                                       .ctx = &pld,
                                       .reference = account_1000,
                                       .reference_ctx = &rdp,
                                       .reference_name = "our rdp",
                                       .target = {FED_BENCH_OURS_AT_MOST, 1000}});
    fed_bench_add(b, &(fed_bench_figure){.name = "pld above the exact value",
                                         .unit = "%",
                                         .ours = largest_error(),
                                         .reference = NAN,
                                         .reference_name = "exact, one step",
                                         .target = {FED_BENCH_OURS_AT_MOST, 0.5}});
    /* EMNIST's setting of Kairouz, Liu, Steinke 2021 at epsilon 10: 100 of 3400, 1500 rounds */
    const double scale = 8531.221131189854, local = 0.005994043944579092 * scale;
    const double dim = 1 << 20;
    fed_dp_event e = fed_dp_gaussian(1, FED_SAMPLING_POISSON, 100 / 3400.0, 1500);
    e.model = FED_MODEL_DISTRIBUTED, e.sigma_local = local, e.shares = 100;
    e.dim = (uint64_t)dim;
    e.delta2 = fed_rounded_norm(0.03 * scale, dim, exp(-0.5)),
    e.delta1 = e.delta2 * sqrt(dim);
    fed_bench_add(
        b, &(fed_bench_figure){.name = "epsilon at equal noise, EMNIST",
                               .unit = "epsilon",
                               .ours = account(&e, FED_ACCOUNTANT_PLD, 1 / 3400.0),
                               .reference = account(&e, FED_ACCOUNTANT_RDP, 1 / 3400.0),
                               .reference_name = "the authors' rdp",
                               .target = {FED_BENCH_RATIO_AT_MOST, 0.8}});
}

int main(int argc, char **argv)
{
    fed_bench *b = fed_bench_start("dp", argc, argv);
    uint8_t key[32] = {1};
    fed_error err;
    check(fed_noise_init(&noise, key, &err), &err);
    bench_samplers(b);
    bench_accountants(b);
    fed_noise_fini(&noise);
    return fed_bench_finish(b);
}
