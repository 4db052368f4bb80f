/*
 * The audit: experiments against our own integer pipeline (clip, round, noise, ring, sum) give
 * lower bounds on epsilon. For the pipeline as it is they must stay under what is claimed; for
 * each of five mutants they must exceed it, or the audit would be worth nothing.
 */
#include "harness.h"

#include <stdlib.h>

#include "csv_rows.h"
#include "dp.h"

/* ---- the arithmetic ---- */

static void test_one_run_rows(void)
{
    csv_rows csv;
    int rows = 0;
    if (!csv_open(&csv, "audit_reference.csv")) return;
    while (csv_next(&csv)) {
        uint64_t m = (uint64_t)csv_number(&csv, "m");
        uint64_t guesses = (uint64_t)csv_number(&csv, "n_guess");
        uint64_t correct = (uint64_t)csv_number(&csv, "n_correct");
        double delta = csv_number(&csv, "delta"),
               alpha = csv_number(&csv, "significance");
        double p = csv_number(&csv, "p_value_at_eps1");
        double wanted = csv_number(&csv, "eps_lb_one_run(SNJ23)");
        CHECK_NEAR(fed_audit_one_run_p(m, guesses, correct, 1, delta), p, 1e-9 * p);
        CHECK_NEAR(fed_audit_one_run(m, guesses, correct, delta, alpha), wanted,
                   1e-6 * wanted);
        rows++;
    }
    fed_note("%d rows", rows);
}

static void test_clopper_pearson(void)
{
    /* k = 0 and k = n have closed forms: 1 - alpha^(1/n), alpha^(1/n) */
    CHECK_NEAR(fed_binomial_upper(0, 50, 0.05), 1 - pow(0.05, 1 / 50.0), 1e-12);
    CHECK_NEAR(fed_binomial_lower(50, 50, 0.05), pow(0.05, 1 / 50.0), 1e-12);
    CHECK_EQ(fed_binomial_lower(0, 50, 0.05), 0);
    CHECK_EQ(fed_binomial_upper(50, 50, 0.05), 1);
    /* 95 % two-sided interval of 5 in 20: the textbook's (0.0866, 0.4910) */
    CHECK_NEAR(fed_binomial_lower(5, 20, 0.025), 0.0866, 5e-5);
    CHECK_NEAR(fed_binomial_upper(5, 20, 0.025), 0.4910, 5e-5);
    CHECK_EQ(fed_audit_two_worlds(500, 1000, 500, 1000, 0, 0.05), 0);
    double shown = fed_audit_two_worlds(900, 1000, 100, 1000, 0, 0.05);
    CHECK(shown > 1.9 && shown < log(9));
}

/* ---- the pipeline ---- */

typedef enum mutant {
    SOUND,
    LESS_NOISE,  /* noise divided by sqrt 2 */
    HALF_SILENT, /* half the devices add none */
    NOT_CLIPPED,
    NOISE_REUSED,
    OFF_BY_ONE, /* a contribution's integers are centred one too high */
    MUTANTS
} mutant;

static const char *const mutant_name[] = {"sound",          "noise / sqrt 2",
                                          "half noiseless", "not clipped",
                                          "noise reused",   "off by one"};

enum { DEVICES = 4, DIM = 64, RUNS = 12000 };

typedef struct pipeline {
    fed_distributed d;
    fed_sampler *sampler;
    fed_noise noise;
    mutant kind;
    double canary; /* norm of what the canary submits, over the clip */
} pipeline;

static void pipeline_open(pipeline *p, mutant kind, uint8_t seed)
{
    fed_distributed_config c = {.kind = FED_SHARE_GAUSSIAN,
                                .clip = 1,
                                .noise_multiplier = 1,
                                .dim = DIM,
                                .bits = 12,
                                .n_max = DEVICES,
                                .survivors_min = DEVICES,
                                .tail = 6};
    if (kind == OFF_BY_ONE) c.bits = 7; /* small integers, where one is not nothing */
    uint8_t key[32] = {seed, (uint8_t)kind};
    fed_error err;
    memset(p, 0, sizeof *p);
    p->kind = kind, p->canary = kind == NOT_CLIPPED ? 3 : 1;
    CHECK_OK(fed_distributed_derive(&c, &p->d, &err), &err);
    double sigma = p->d.sigma_local * (kind == LESS_NOISE ? sqrt(0.5) : 1);
    CHECK_OK(fed_sampler_new(&p->sampler, FED_SAMPLER_GAUSSIAN_FAST, sigma, &err), &err);
    CHECK_OK(fed_noise_init(&p->noise, key, &err), &err);
}

static void pipeline_close(pipeline *p)
{
    fed_sampler_free(p->sampler);
    fed_noise_fini(&p->noise);
}

/* One device. The mutants go through the same parts, wrongly put together. */
static void submit(pipeline *p, int device, bool present, int64_t *out)
{
    float x[DIM];
    for (int i = 0; i < DIM; i++)
        x[i] = present ? (float)(p->canary / sqrt(DIM)) : 0;
    if (p->kind == SOUND || p->kind == NOISE_REUSED) {
        CHECK(fed_distributed_encode(&p->d, x, p->sampler, &p->noise, out, NULL, NULL) ==
              0);
        return;
    }
    if (p->kind == NOT_CLIPPED) {
        CHECK(fed_round_stochastic(x, DIM, p->d.scale, &p->noise, out, NULL) == 0);
    } else {
        CHECK(fed_clip_l2(x, DIM, 1, NULL, NULL) == 0);
        CHECK(fed_round_conditional(x, DIM, p->d.scale, p->d.delta2, 16, &p->noise, out,
                                    NULL, NULL) == 0);
    }
    if (p->kind == OFF_BY_ONE)
        for (int i = 0; present && i < DIM; i++)
            out[i]++;
    if (p->kind == HALF_SILENT && device % 2) return;
    CHECK(fed_sampler_add(p->sampler, &p->noise, out, DIM, NULL) == 0);
}

/* The released sum, through the ring, projected on the canary's direction. */
static double release(pipeline *p, bool present, int64_t *sum)
{
    int64_t out[DIM];
    uint64_t ring[DIM] = {0}, mask = ((uint64_t)1 << p->d.config.bits) - 1;
    double projection = 0;
    for (int device = 0; device < DEVICES; device++) {
        submit(p, device, present && device == 0, out);
        for (int i = 0; i < DIM; i++)
            ring[i] = (ring[i] + (uint64_t)out[i]) & mask;
    }
    for (int i = 0; i < DIM; i++) {
        sum[i] = fed_distributed_centre(ring[i], p->d.config.bits);
        projection += (double)sum[i] / sqrt(DIM);
    }
    return projection;
}

/* A run of one world: the statistic. With reused noise, the next round (without the canary) has
 * the same noise, and the difference has none. */
static double run_world(pipeline *p, bool present)
{
    int64_t first[DIM], second[DIM];
    double projection = release(p, present, first);
    if (p->kind != NOISE_REUSED) return projection;
    pipeline again = *p; /* the second round repeats the first one's noise */
    uint8_t key[32];
    for (int i = 0; i < 32; i++)
        key[i] = (uint8_t)fed_noise_word(&p->noise);
    CHECK(fed_noise_init(&again.noise, key, NULL) == 0);
    double with = release(&again, present, first);
    fed_noise_fini(&again.noise);
    CHECK(fed_noise_init(&again.noise, key, NULL) == 0);
    double without = release(&again, false, second);
    fed_noise_fini(&again.noise);
    return with - without;
}

static double two_worlds(pipeline *p, double threshold, double delta, int runs)
{
    uint64_t ones[2] = {0, 0};
    for (int world = 0; world < 2; world++)
        for (int i = 0; i < runs; i++)
            ones[world] += run_world(p, world == 1) > threshold;
    return fed_audit_two_worlds(ones[1], (uint64_t)runs, ones[0], (uint64_t)runs, delta,
                                0.001);
}

/* The test with the largest likelihood ratio that still has mass: LLR = epsilon. */
static double best_threshold(const pipeline *p, double epsilon)
{
    double shift = p->canary * p->d.scale, sigma = p->d.sigma_local * sqrt(DEVICES);
    if (p->kind == LESS_NOISE || p->kind == HALF_SILENT) sigma *= sqrt(0.5);
    if (p->kind == OFF_BY_ONE) /* one in each coordinate */
        shift += sqrt(DIM);
    if (p->kind == NOISE_REUSED) return shift / 2;
    return (1.5 * epsilon * sigma * sigma + shift * shift / 2) / shift;
}

/* A large delta makes the bound a statement about the bulk, so that few runs show it. */
static void test_two_worlds(void)
{
    const double delta = 0.02;
    for (int kind = SOUND; kind < MUTANTS; kind++) {
        static pipeline p;
        pipeline_open(&p, (mutant)kind, 11);
        double claimed = fed_gaussian_epsilon(p.d.sigma_ratio, delta);
        int runs = kind == NOISE_REUSED ? 300 : RUNS;
        double threshold = kind == SOUND ? best_threshold(&p, claimed / 1.5)
                                         : best_threshold(&p, claimed);
        double shown = two_worlds(&p, threshold, delta, runs);
        if (kind == SOUND)
            CHECK_MSG(shown <= claimed && shown > 0.7 * claimed,
                      "shown %.3f, claimed %.3f", shown, claimed);
        else
            CHECK_MSG(shown > claimed, "%s: shown %.3f, claimed %.3f", mutant_name[kind],
                      shown, claimed);
        fed_note("%-14s epsilon is at least %.3f, claimed %.3f", mutant_name[kind], shown,
                 claimed);
        pipeline_close(&p);
    }
}

/* ---- one run ---- */

enum { CANARIES = 60000, GUESSES = 10000 };

static int by_size(const void *a, const void *b)
{
    double x = fabs(*(const double *)a), y = fabs(*(const double *)b);
    return x < y ? 1 : x > y ? -1 : 0;
}

/* Each canary is a device that holds one coordinate; a coin says whether it takes part. Guess
 * where the sum is farthest from the middle; a score's sign says whether the guess is right. */
static double one_run(mutant kind, double z, double delta)
{
    static double score[CANARIES];
    static int64_t sum[CANARIES];
    fed_distributed_config c = {.kind = FED_SHARE_GAUSSIAN,
                                .clip = 1,
                                .noise_multiplier = z,
                                .dim = CANARIES,
                                .bits = 24,
                                .n_max = 8,
                                .survivors_min = 8};
    uint8_t key[32] = {(uint8_t)kind, 3};
    static fed_noise noise;
    fed_sampler *sampler = NULL;
    fed_distributed d;
    fed_error err;
    CHECK_OK(fed_distributed_derive(&c, &d, &err), &err);
    CHECK_OK(fed_noise_init(&noise, key, &err), &err);
    CHECK_OK(fed_sampler_new(&sampler, FED_SAMPLER_GAUSSIAN_FAST, d.sigma_local, &err),
             &err);
    memset(sum, 0, sizeof sum);
    for (int device = 0; device < 8 && kind != NOISE_REUSED; device++)
        CHECK_OK(fed_sampler_add(sampler, &noise, sum, CANARIES, &err), &err);
    double unit = d.scale * (kind == NOT_CLIPPED ? 6 : 1);
    for (int i = 0; i < CANARIES; i++) {
        bool in = fed_noise_bit(&noise);
        if (in) sum[i] += (int64_t)unit;
        double off = (double)sum[i] - unit / 2;
        score[i] = (off > 0) == in ? fabs(off) : -fabs(off); /* negative: a wrong guess */
    }
    qsort(score, CANARIES, sizeof *score, by_size);
    uint64_t right = 0;
    for (int i = 0; i < GUESSES; i++)
        right += score[i] > 0;
    fed_sampler_free(sampler);
    fed_noise_fini(&noise);
    return fed_audit_one_run(CANARIES, GUESSES, right, delta, 0.001);
}

static void test_one_run(void)
{
    const double delta = 1e-9, z = 1;
    double claimed = fed_gaussian_epsilon(z, delta);
    double sound = one_run(SOUND, z, delta);
    CHECK(sound > 0.15 * claimed && sound <= claimed);
    double reused = one_run(NOISE_REUSED, z, delta);
    double unclipped = one_run(NOT_CLIPPED, z, delta);
    CHECK(reused > claimed);
    CHECK(unclipped > claimed);
    fed_note("claimed %.3f; sound %.3f, noise cancelled %.3f, not clipped %.3f", claimed,
             sound, reused, unclipped);
}

/* ---- no fingerprints ---- */

/* The integers of a sum have the same support whatever was added: residues modulo 8 are equally
 * frequent in both worlds. (Floating-point noise fails this: Mironov 2012.) */
static void test_supports_coincide(void)
{
    static pipeline p;
    int64_t sum[DIM];
    uint64_t seen[2][8] = {{0}};
    pipeline_open(&p, SOUND, 5);
    for (int world = 0; world < 2; world++)
        for (int i = 0; i < 2000; i++) {
            release(&p, world, sum);
            for (int k = 0; k < DIM; k++)
                seen[world][sum[k] & 7]++;
        }
    double n = 2000.0 * DIM, statistic = 0;
    for (int r = 0; r < 8; r++) {
        CHECK(seen[0][r] > 0 && seen[1][r] > 0);
        double off = (double)seen[0][r] - (double)seen[1][r];
        statistic += off * off / (double)(seen[0][r] + seen[1][r]);
    }
    CHECK_MSG(statistic < 7 + 5 * sqrt(14), "chi-square %.1f of %.0f", statistic, n);
    pipeline_close(&p);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_one_run_rows), CASE(test_clopper_pearson),   CASE(test_two_worlds),
        CASE(test_one_run),      CASE(test_supports_coincide),
    };
    return fed_run("dp_audit", cases, sizeof cases / sizeof *cases);
}
