/* Draws by secret coins: their distribution, their bounds, and the plans that are refused. */
#include "harness.h"

#include <math.h>
#include <stdio.h>

#include "task.h"

static const uint8_t seed[32] = {7};

/* A plan with this inside of "privacy" and "rounds". */
static fed_status parse(const char *privacy, const char *rounds, fed_task **task,
                        fed_error *err)
{
    char text[2048];
    int n = snprintf(
        text, sizeof text,
        "{\"format\":\"fed-plan/1\",\"name\":\"t\",\"model\":{\"input\":{\"shape\":[4]},"
        "\"layers\":[{\"op\":\"linear\",\"units\":2}],\"loss\":\"softmax_cross_entropy\"}"
        ","
        "\"train\":{\"lr\":0.5},\"update\":{\"select\":\"dense\",\"clip\":1},"
        "\"secagg\":{\"enabled\":false},\"privacy\":{%s},\"rounds\":{%s}}",
        privacy, rounds);
    *task = NULL;
    return fed_task_parse(task, (fed_span){(const uint8_t *)text, (size_t)n},
                          FED_PLAN_AUTHOR, seed, err);
}

static fed_task *make(const char *privacy, const char *rounds)
{
    fed_error err;
    fed_task *task;
    CHECK_OK(parse(privacy, rounds, &task, &err), &err);
    return task;
}

/* The chi-square statistic in standard deviations above its mean. */
static double excess(double chi, double degrees)
{
    return (chi - degrees) / sqrt(2 * degrees);
}

/* ---- fixed size --------------------------------------------------------------------------- */

enum { FEW = 11, DRAWS = 40000 };

/* Every device equally often, every pair too, and always exactly so many. */
static void test_fixed_size_is_uniform(void)
{
    static unsigned alone[FEW], pairs[FEW][FEW];
    fed_error err;
    uint64_t random_seed = 3;
    fed_random random = fed_test_random(&random_seed);
    fed_task *task = make("\"sampling\":\"fixed_size\",\"population\":11",
                          "\"cohort\":3,\"over_select\":1.3");
    double chi = 0, chi_pairs = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        fed_draw d = {0};
        CHECK_OK(fed_draw_make(&d, task, &random, i, FEW, &err), &err);
        CHECK_EQ(d.n, 4); /* ⌈3·1.3⌉ */
        CHECK_EQ(d.attempt, 1);
        for (uint32_t a = 0; a < d.n; a++) {
            CHECK(d.numbers[a] < FEW && (!a || d.numbers[a - 1] < d.numbers[a]));
            alone[d.numbers[a]]++;
            for (uint32_t b = 0; b < a; b++)
                pairs[d.numbers[b]][d.numbers[a]]++;
        }
        fed_draw_fini(&d);
    }
    /* Counts without replacement have the variance e(1 - p) and the correlation -1/(FEW - 1),
     * so their squares over e(1 - p) add up to FEW/(FEW - 1) times a chi-square. */
    double each = DRAWS * 4.0 / FEW, both = DRAWS * 4.0 * 3 / (FEW * (FEW - 1.0));
    for (unsigned a = 0; a < FEW; a++) {
        chi += (alone[a] - each) * (alone[a] - each) / (each * (1 - 4.0 / FEW));
        for (unsigned b = a + 1; b < FEW; b++)
            chi_pairs += (pairs[a][b] - both) * (pairs[a][b] - both) / both;
    }
    chi *= (FEW - 1.0) / FEW;
    CHECK_MSG(fabs(excess(chi, FEW - 1)) < 5, "single devices: %g", chi);
    CHECK_MSG(excess(chi_pairs, FEW * (FEW - 1) / 2 - 1) < 5, "pairs: %g", chi_pairs);
    fed_task_free(task);
}

/* ---- Poisson ------------------------------------------------------------------------------- */

/* Sizes are binomial, cut to what may be used; given the size all devices are alike. */
static void test_poisson_is_binomial(void)
{
    enum { N = 40, COHORT = 8, CAP = 16 };
    static unsigned sizes[CAP + 1], alone[N];
    fed_error err;
    uint64_t random_seed = 4, drawn = 0;
    fed_random random = fed_test_random(&random_seed);
    fed_task *task = make("\"sampling\":\"poisson\",\"population\":40",
                          "\"cohort\":8,\"over_select\":2,\"min_survivors\":3");
    for (uint64_t i = 0; i < DRAWS; i++) {
        fed_draw d = {0};
        CHECK_OK(fed_draw_make(&d, task, &random, i, N, &err), &err);
        if (!CHECK(d.n >= 3 && d.n <= CAP)) break;
        sizes[d.n]++;
        drawn += d.n;
        for (uint32_t a = 0; a < d.n; a++)
            alone[d.numbers[a]]++;
        fed_draw_fini(&d);
    }
    double q = COHORT / (double)N, p[CAP + 1], within = 0, chi = 0, chi_alone = 0;
    for (int k = 0; k <= CAP; k++) {
        p[k] = exp(lgamma(N + 1) - lgamma(k + 1) - lgamma(N - k + 1) + k * log(q) +
                   (N - k) * log(1 - q));
        if (k >= 3) within += p[k];
    }
    for (int k = 3; k <= CAP; k++) {
        double wanted = DRAWS * p[k] / within;
        chi += (sizes[k] - wanted) * (sizes[k] - wanted) / wanted;
    }
    CHECK_MSG(fabs(excess(chi, CAP - 3)) < 5, "sizes: %g", chi);
    double each = (double)drawn / N;
    for (int a = 0; a < N; a++)
        chi_alone += (alone[a] - each) * (alone[a] - each) / (each * (1 - q));
    CHECK_MSG(fabs(excess(chi_alone, N - 1)) < 5, "single devices: %g", chi_alone);
    fed_task_free(task);
}

/* Two devices are drawn independently of each other: whether one comes up says nothing of the
 * other, which is what amplification rests on. */
static void test_poisson_coins_are_independent(void)
{
    enum { N = 60 };
    unsigned both[2][2] = {{0}};
    fed_error err;
    uint64_t random_seed = 5;
    fed_random random = fed_test_random(&random_seed);
    fed_task *task = make("\"sampling\":\"poisson\",\"population\":60",
                          "\"cohort\":30,\"over_select\":2,\"min_survivors\":1");
    for (uint64_t i = 0; i < DRAWS; i++) {
        fed_draw d = {0};
        bool up[2] = {false, false};
        CHECK_OK(fed_draw_make(&d, task, &random, i, N, &err), &err);
        for (uint32_t a = 0; a < d.n; a++)
            if (d.numbers[a] == 17 || d.numbers[a] == 18) up[d.numbers[a] - 17] = true;
        both[up[0]][up[1]]++;
        fed_draw_fini(&d);
    }
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 2; b++) /* five standard deviations */
            CHECK_NEAR(both[a][b], DRAWS / 4.0, 5 * sqrt(DRAWS * 3.0 / 16));
    fed_task_free(task);
}

/* Chances are what is charged, never more: floor(cohort · 2^64 / enrolled). */
static void test_everybody_and_large_populations(void)
{
    enum { MANY = 1 << 20 };
    fed_error err;
    uint64_t random_seed = 6, sum = 0;
    fed_random random = fed_test_random(&random_seed);
    fed_task *task = make("\"sampling\":\"poisson\",\"population\":6",
                          "\"cohort\":5,\"over_select\":1.2,\"min_survivors\":1");
    fed_draw d = {0};
    CHECK_OK(fed_draw_make(&d, task, &random, 0, 6, &err), &err);
    fed_draw_fini(&d);
    fed_task_free(task);
    task = make("\"sampling\":\"poisson\",\"population\":5",
                "\"cohort\":5,\"over_select\":1,\"min_survivors\":1");
    CHECK_OK(fed_draw_make(&d, task, &random, 0, 5, &err), &err);
    CHECK_EQ(d.n, 5); /* all of them: the chance is 1 */
    fed_draw_fini(&d);
    fed_task_free(task);
    task = make("\"sampling\":\"poisson\",\"population\":1500",
                "\"cohort\":1000,\"over_select\":1.5,\"min_survivors\":500");
    for (uint64_t i = 0; i < 20; i++) {
        CHECK_OK(fed_draw_make(&d, task, &random, i, MANY, &err), &err);
        sum += d.n;
        fed_draw_fini(&d);
    }
    CHECK_NEAR((double)sum, 20 * 1000, 5 * sqrt(20 * 1000.0));
    fed_task_free(task);
}

/* ---- names, attempts, bounds --------------------------------------------------------------- */

static void test_names(void)
{
    fed_error err;
    uint64_t random_seed = 8;
    fed_random random = fed_test_random(&random_seed);
    fed_task *task = make("\"sampling\":\"fixed_size\",\"population\":500",
                          "\"cohort\":10,\"over_select\":1");
    fed_draw a = {0}, b = {0}, first;
    CHECK_OK(fed_draw_make(&a, task, &random, 3, 500, &err), &err);
    CHECK_OK(fed_draw_make(&b, task, &random, 3, 500, &err), &err);
    CHECK_MEM(a.numbers, b.numbers, 10 * sizeof *a.numbers);
    first = b;
    b.numbers = NULL, b.n = 0;
    CHECK_OK(fed_draw_make(&b, task, &random, 3, 500, &err), &err);
    CHECK_EQ(b.attempt, 2); /* another attempt has another secret */
    CHECK(memcmp(first.numbers, b.numbers, 10 * sizeof *b.numbers) != 0);
    fed_draw_fini(&first), fed_draw_fini(&b);
    CHECK_OK(fed_draw_make(&b, task, &random, 4, 500, &err), &err);
    CHECK(memcmp(a.numbers, b.numbers, 10 * sizeof *b.numbers) != 0);
    fed_draw_fini(&a), fed_draw_fini(&b);
    CHECK_FAILS(fed_draw_make(&a, task, &random, 0, 499, &err), FED_E_STATE, &err,
                "499 devices are enrolled, at least 500");
    CHECK(!a.numbers);
    fed_task_free(task);
}

static void test_refusals(void)
{
    static const struct {
        const char *privacy, *rounds, *part;
    } bad[] = {
        {"\"sampling\":\"fixed_size\"", "\"cohort\":10", "privacy.population"},
        {"\"sampling\":\"poisson\",\"population\":12",
         "\"cohort\":10,\"over_select\":1.3", "at least the 13 devices"},
        {"\"sampling\":\"poisson\",\"population\":1000",
         "\"cohort\":100,\"over_select\":1,\"min_survivors\":95", "rounds.over_select"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fed_error err;
        fed_task *task;
        CHECK_FAILS(parse(bad[i].privacy, bad[i].rounds, &task, &err), FED_E_REFUSED,
                    &err, bad[i].part);
    }
    fed_task *none = make("\"sampling\":\"none\"", "\"cohort\":10");
    CHECK(!fed_task_is_drawn(none));
    fed_task_free(none);
}

static fed_status scenario(void *ctx)
{
    uint64_t random_seed = 1;
    fed_random random = fed_test_random(&random_seed);
    fed_draw d = {0};
    fed_status status = fed_draw_make(&d, ctx, &random, 0, 20, NULL);
    fed_draw_fini(&d);
    return status;
}

static void test_torture(void)
{
    fed_task *task = make("\"sampling\":\"fixed_size\",\"population\":20",
                          "\"cohort\":10,\"over_select\":1");
    CHECK_EQ(fed_torture(scenario, task), 1);
    fed_task_free(task);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_fixed_size_is_uniform),
                                     CASE(test_poisson_is_binomial),
                                     CASE(test_poisson_coins_are_independent),
                                     CASE(test_everybody_and_large_populations),
                                     CASE(test_names),
                                     CASE(test_refusals),
                                     CASE(test_torture)};
    return fed_run("draw", cases, sizeof cases / sizeof *cases);
}
