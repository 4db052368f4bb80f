/* DP-SGD on a device: what its steps give away of one example. */
#include "harness.h"

#include <math.h>
#include <stdio.h>

#include "trainer.h"

enum { INPUTS = 40, CLASSES = 50, PARAMS = INPUTS * CLASSES + CLASSES, ROWS = 60 };

static fed_task *make(double clip, double z, int epochs)
{
    fed_error err;
    fed_task *task = NULL;
    char text[1024];
    const uint8_t seed[32] = {3};
    int n = snprintf(
        text, sizeof text,
        "{\"format\":\"fed-plan/1\",\"name\":\"e\",\"model\":{\"input\":{\"shape\":[%d]},"
        "\"layers\":[{\"op\":\"linear\",\"units\":%d}],"
        "\"loss\":\"softmax_cross_entropy\"},"
        "\"train\":{\"lr\":0.5,\"batch\":10,\"epochs\":%d},"
        "\"secagg\":{\"enabled\":false},"
        "\"privacy\":{\"mechanism\":\"dp_sgd\",\"unit\":\"example\",\"example_clip\":%g,"
        "\"noise_multiplier\":%g,\"epsilon\":1000,\"delta\":1e-5,\"population\":100,"
        "\"max_participations\":2},\"eligibility\":{\"min_examples\":40},"
        "\"rounds\":{\"count\":2,\"cohort\":4}}",
        INPUTS, CLASSES, epochs, clip, z);
    CHECK_OK(fed_task_parse(&task, (fed_span){(const uint8_t *)text, (size_t)n},
                            FED_PLAN_AUTHOR, seed, &err),
             &err);
    return task;
}

typedef struct rows {
    float x[ROWS][INPUTS];
    int32_t y[ROWS];
    unsigned fetched[ROWS];
} rows;

static fed_status fetch(void *ctx, const uint32_t *which, size_t n, void *inputs,
                        void *targets)
{
    rows *all = ctx;
    for (size_t i = 0; i < n; i++) {
        memcpy((float *)inputs + i * INPUTS, all->x[which[i]], sizeof all->x[0]);
        ((int32_t *)targets)[i] = all->y[which[i]];
        all->fetched[which[i]]++;
    }
    return FED_OK;
}

static void fill(rows *all)
{
    memset(all, 0, sizeof *all);
    for (int i = 0; i < ROWS; i++) {
        for (int k = 0; k < INPUTS; k++)
            all->x[i][k] = (float)((i * 7 + k * 3) % 11) / 11;
        all->y[i] = i % CLASSES;
    }
}

/* Train with a key, `piece` steps at a time; `delta` receives what came out. */
static fed_status train(const fed_task *task, rows *all, uint32_t count, uint8_t key_byte,
                        uint64_t piece, float *delta, fed_error *err)
{
    static float params[PARAMS];
    fed_trainer *t = NULL;
    const uint8_t seed[32] = {1}, key[32] = {key_byte, 9};
    fed_examples examples = {count, fetch, all};
    fed_status status = FED_OK;
    bool done = false;
    fed_task_init_params(task, params);
    FED_GO(fed_trainer_new(&t, task, err));
    FED_GO(fed_trainer_start(t, 0, params, seed, key, &examples, err));
    while (!done)
        FED_GO(fed_trainer_run(t, piece, &done, err));
    memcpy(delta, fed_trainer_delta(t), PARAMS * sizeof *delta);
out:
    fed_trainer_free(t);
    return status;
}

/* With a clip this small there is nearly nothing but noise: z C / expected, in each step. */
static void test_variance(void)
{
    static rows all;
    static float delta[PARAMS];
    fed_error err;
    double squares = 0;
    enum { TRIES = 20 };
    fed_task *task = make(1e-3, 8, 3);
    fed_task_example_privacy terms;
    CHECK(fed_task_example_privacy_of(task, &terms));
    CHECK(terms.steps == 12 && terms.rate_of == 10 && terms.rate_in == 40);
    CHECK_EQ(fed_task_steps(task, ROWS), 12); /* whatever it has */
    fill(&all);
    for (uint8_t i = 0; i < TRIES; i++) {
        CHECK_OK(train(task, &all, ROWS, i, UINT64_MAX, delta, &err), &err);
        for (int k = 0; k < PARAMS; k++)
            squares += (double)delta[k] * delta[k];
    }
    double one = 0.5 * 8 * 1e-3 / (ROWS * 0.25); /* lr z C / expected */
    double ratio = squares / (TRIES * (double)PARAMS) / (12 * one * one);
    fed_note("%.4f of the variance promised", ratio);
    CHECK_NEAR(ratio, 1, 5 * sqrt(2 / (TRIES * (double)PARAMS)) + 0.01);
    fed_task_free(task);
}

/* Each example is drawn by its own coin: with the rate of the plan, and not with the others. */
static void test_poisson(void)
{
    static rows all;
    static float delta[PARAMS];
    fed_error err;
    enum { TRIES = 60 };
    double n = TRIES * 12.0, squares = 0;
    fed_task *task = make(1, 1, 3);
    fill(&all);
    for (uint8_t i = 0; i < TRIES; i++)
        CHECK_OK(train(task, &all, ROWS, i, UINT64_MAX, delta, &err), &err);
    for (int i = 0; i < ROWS; i++) {
        double off = (all.fetched[i] - n * 0.25) / sqrt(n * 0.25 * 0.75);
        CHECK_MSG(fabs(off) < 5, "row %d: %u times", i, all.fetched[i]);
        squares += off * off;
    }
    fed_note("chi-square %.1f of %d", squares, ROWS);
    CHECK_NEAR(squares / ROWS, 1, 5 * sqrt(2.0 / ROWS));
    fed_task_free(task);
}

/* One example, however far off, moves a step by lr C / expected at most; with the same coins
 * and noise that is all that differs. */
static void test_one_example_moves_little(void)
{
    static rows all, other;
    static float a[PARAMS], b[PARAMS];
    fed_error err;
    unsigned moved = 0;
    fed_task *task = make(0.5, 2, 1); /* 4 steps; the first difference changes the rest */
    double bound = 0.5 * 0.5 / (ROWS * 0.25);
    for (uint8_t i = 0; i < 30; i++) {
        double square = 0;
        fill(&all), fill(&other);
        for (int k = 0; k < INPUTS; k++)
            other.x[5][k] = 1e6f;
        CHECK_OK(train(task, &all, ROWS, i, UINT64_MAX, a, &err), &err);
        CHECK_OK(train(task, &other, ROWS, i, UINT64_MAX, b, &err), &err);
        for (int k = 0; k < PARAMS; k++)
            square += ((double)a[k] - b[k]) * ((double)a[k] - b[k]);
        CHECK_EQ(all.fetched[5], other.fetched[5]); /* coins do not look at the data */
        moved += square > 0;
        CHECK(square > 0 || all.fetched[5] == 0);
        /* replaced, not added: twice the bound; others' gradients move, within theirs */
        double steps = all.fetched[5];
        if (steps == 1) CHECK(sqrt(square) < 2 * bound * (1 + 0.2 * 15));
    }
    CHECK(moved > 10);
    fed_task_free(task);
}

static void test_one_key_one_training(void)
{
    static rows all;
    static float a[PARAMS], b[PARAMS], c[PARAMS];
    fed_error err;
    fed_task *task = make(0.5, 1, 2);
    fill(&all);
    CHECK_OK(train(task, &all, ROWS, 1, UINT64_MAX, a, &err), &err);
    CHECK_OK(train(task, &all, ROWS, 1, 3, b, &err), &err);
    CHECK_OK(train(task, &all, ROWS, 2, UINT64_MAX, c, &err), &err);
    CHECK_MEM(a, b, sizeof a);
    CHECK(memcmp(a, c, sizeof a) != 0);
    fed_task_free(task);
}

/* An example that cannot be used counts as zero, and nobody hears of it. */
static void test_not_finite(void)
{
    static rows all;
    static float delta[PARAMS];
    fed_error err;
    fed_task *task = make(0.5, 1, 3);
    fill(&all);
    all.x[7][3] = NAN;
    CHECK_OK(train(task, &all, ROWS, 1, UINT64_MAX, delta, &err), &err);
    CHECK(all.fetched[7] > 0);
    for (int k = 0; k < PARAMS; k++)
        CHECK(isfinite(delta[k]));
    fed_task_free(task);
}

static void test_needs_a_key(void)
{
    static rows all;
    static float params[PARAMS];
    fed_error err;
    fed_trainer *t;
    const uint8_t seed[32] = {1};
    fed_examples examples = {ROWS, fetch, &all};
    fed_task *task = make(0.5, 1, 1);
    CHECK_OK(fed_trainer_new(&t, task, &err), &err);
    CHECK_FAILS(fed_trainer_start(t, 0, params, seed, NULL, &examples, &err),
                FED_E_INVALID, &err, "needs a key");
    fed_trainer_free(t);
    fed_task_free(task);
}

static fed_status train_once(void *ctx)
{
    static rows all;
    static float delta[PARAMS];
    fill(&all);
    return train(ctx, &all, ROWS, 1, UINT64_MAX, delta, NULL);
}

static void test_torture(void)
{
    fed_task *task = make(0.5, 1, 1);
    CHECK(fed_torture(train_once, task) > 8);
    fed_task_free(task);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_variance),
                                     CASE(test_poisson),
                                     CASE(test_one_example_moves_little),
                                     CASE(test_not_finite),
                                     CASE(test_needs_a_key),
                                     CASE(test_one_key_one_training),
                                     CASE(test_torture)};
    return fed_run("private_trainer", cases, sizeof cases / sizeof *cases);
}
