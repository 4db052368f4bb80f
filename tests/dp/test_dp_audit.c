/*
 * The arithmetic of audits, against tables, closed forms and the worst mechanism there is, and
 * a look for fingerprints of floating point. What is audited with it:
 * tests/task/test_pipeline_audit.c.
 */
#include "harness.h"

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

/* The worst (epsilon, delta)-private answer about a coin: with probability delta the coin, else
 * randomised response. How many of `rounds` answers are right? */
static uint64_t answer(fed_noise *noise, uint64_t rounds, double epsilon, double delta)
{
    uint64_t right = 0;
    double honest = delta + (1 - delta) / (1 + exp(-epsilon));
    for (uint64_t i = 0; i < rounds; i++)
        right += (double)(fed_noise_word(noise) >> 11) * 0x1p-53 < honest;
    return right;
}

/* Never above the truth but by the chance that was asked for; and near it with many rounds. */
static void test_rounds_of_the_worst_mechanism(void)
{
    enum { TRIALS = 1000, FEW = 200, MANY = 200000 };
    const uint8_t key[32] = {8};
    static fed_noise noise;
    fed_error err;
    unsigned alarms = 0;
    CHECK_OK(fed_noise_init(&noise, key, &err), &err);
    for (int i = 0; i < TRIALS; i++) {
        uint64_t right = answer(&noise, FEW, 1, 0.02);
        alarms += fed_audit_rounds(FEW, FEW, right, 0.02, 0.1) > 1;
    }
    double shown =
        fed_audit_rounds(MANY, MANY, answer(&noise, MANY, 1, 0.02), 0.02, 0.001);
    fed_note("%u alarms in %d trials at 10 %%; of 1 at least %.3f is shown", alarms,
             TRIALS, shown);
    CHECK(alarms < 0.1 * TRIALS);
    CHECK(shown > 0.95 && shown <= 1);
    CHECK_EQ(fed_audit_rounds(1000, 1000, 500, 0, 0.05), 0);
    CHECK_EQ(fed_audit_rounds(1000, 1000, 1000, 1, 0.05), 0);
    /* all right without delta: p^n = alpha/2 */
    double p = pow(0.025, 1 / 1000.0);
    CHECK_NEAR(fed_audit_rounds(1000, 1000, 1000, 0, 0.05), log(p / (1 - p)), 1e-9);
    fed_noise_fini(&noise);
}

/* ---- no fingerprints ---- */

enum { DEVICES = 4, DIM = 64, RUNS = 2000 };

/* Count the residues modulo 8 of the sum's integers, with one device's vector or without. */
static void count_residues(const fed_distributed *d, const fed_sampler *sampler,
                           fed_noise *noise, bool present, uint64_t seen[8])
{
    uint64_t ring[DIM] = {0};
    for (int device = 0; device < DEVICES; device++) {
        float x[DIM];
        int64_t out[DIM];
        fed_error err;
        for (int i = 0; i < DIM; i++)
            x[i] = present && !device ? (float)(1 / sqrt(DIM)) : 0;
        CHECK_OK(fed_distributed_encode(d, x, sampler, noise, out, NULL, &err), &err);
        for (int i = 0; i < DIM; i++)
            ring[i] += (uint64_t)out[i];
    }
    for (int i = 0; i < DIM; i++)
        seen[fed_distributed_centre(ring[i], d->config.bits) & 7]++;
}

/* The integers of a sum have the same support whatever was added: residues modulo 8 are equally
 * frequent in both worlds. (Floating-point noise fails this: Mironov 2012.) */
static void test_supports_coincide(void)
{
    const fed_distributed_config c = {.kind = FED_SHARE_GAUSSIAN,
                                      .clip = 1,
                                      .noise_multiplier = 1,
                                      .dim = DIM,
                                      .bits = 12,
                                      .n_max = DEVICES,
                                      .survivors_min = DEVICES,
                                      .tail = 6};
    const uint8_t key[32] = {5};
    static fed_noise noise;
    fed_sampler *sampler = NULL;
    fed_distributed d;
    fed_error err;
    uint64_t seen[2][8] = {{0}};
    CHECK_OK(fed_distributed_derive(&c, &d, &err), &err);
    CHECK_OK(fed_sampler_new(&sampler, FED_SAMPLER_GAUSSIAN_FAST, d.sigma_local, &err),
             &err);
    CHECK_OK(fed_noise_init(&noise, key, &err), &err);
    for (int i = 0; i < 2 * RUNS; i++)
        count_residues(&d, sampler, &noise, i % 2, seen[i % 2]);
    double statistic = 0;
    for (int r = 0; r < 8; r++) {
        CHECK(seen[0][r] > 0 && seen[1][r] > 0);
        double off = (double)seen[0][r] - (double)seen[1][r];
        statistic += off * off / (double)(seen[0][r] + seen[1][r]);
    }
    CHECK_MSG(statistic < 7 + 5 * sqrt(14), "chi-square %.1f", statistic);
    fed_noise_fini(&noise);
    fed_sampler_free(sampler);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_one_run_rows),
        CASE(test_clopper_pearson),
        CASE(test_rounds_of_the_worst_mechanism),
        CASE(test_supports_coincide),
    };
    return fed_run("dp_audit", cases, sizeof cases / sizeof *cases);
}
