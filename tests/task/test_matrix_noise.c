/* Noise that is correlated over rounds, computed here once more from the keys. */
#include "private_rig.h"

#include <math.h>
#include <stdio.h>

enum { ROUNDS = 9, GRID_BITS = 16, BANDS = 3 };

static const char *const kinds[] = {"tree", "sqrt", "banded", "blt"};

static fed_task *task_of(const char *kind, double z)
{
    char more[160];
    snprintf(
        more, sizeof more,
        ",\"epsilon_server\":\"none\",\"matrix\":{\"kind\":\"%s\",\"separation\":%d}",
        kind, BANDS);
    wish w = {"matrix", "dense", "false", "curious", "", more, z, ROUNDS};
    return rig_task(&w);
}

static fed_matrix_stream *past_of(const fed_task *task)
{
    fed_error err;
    fed_matrix_stream *past = NULL;
    CHECK_OK(fed_task_open_correlation(task, &past, &err), &err);
    return past;
}

static fed_codec_round *round_of(const fed_task *task, uint64_t version)
{
    fed_error err;
    fed_codec_round *round;
    CHECK_OK(fed_codec_round_first(fed_task_codec(task), version, &round, &err), &err);
    return round;
}

/* z_t from the version's secret and the sum alone (docs/decisions/018), in units of the grid. */
static void independent_z(const fed_task *task, const uint8_t secret[32],
                          const int64_t *x, int64_t z[PARAMS])
{
    static const char salt[] = "libfed server noise 1";
    static uint8_t bytes[8 * PARAMS];
    fed_error err;
    fed_noise noise;
    fed_sampler *sampler = NULL;
    uint8_t key[32], info[48] = "values";
    bool tree = fed_matrix_coefficient(fed_task_matrix(task), 1) == 0;
    double sigma = fed_task_privacy(task)->distributed.sigma_local;
    for (size_t i = 0; i < PARAMS; i++)
        fed_store_u64(bytes + 8 * i, (uint64_t)x[i]);
    CHECK_OK(fed_sha256(bytes, sizeof bytes, info + 16, &err), &err);
    CHECK_OK(fed_hkdf_sha256((fed_span){(const uint8_t *)salt, sizeof salt - 1},
                             (fed_span){secret, 32}, (fed_span){info, sizeof info}, key,
                             sizeof key, &err),
             &err);
    CHECK_OK(fed_noise_init(&noise, key, &err), &err);
    CHECK_OK(fed_sampler_new(&sampler, FED_SAMPLER_GAUSSIAN_FAST,
                             tree ? sigma : ldexp(sigma, GRID_BITS), &err),
             &err);
    CHECK_OK(fed_sampler_fill(sampler, &noise, z, PARAMS, &err), &err);
    fed_sampler_free(sampler);
    fed_noise_fini(&noise);
}

/* Toeplitz: C e = z, up to the rounding of e to integers: half a unit, upwards. */
static void check_toeplitz(const fed_task *task, int64_t (*e)[PARAMS], const int64_t *z,
                           int t)
{
    unsigned wrong = 0;
    for (int i = 0; i < PARAMS; i++) {
        int64_t sum = 0;
        for (int j = 0; j <= t; j++) {
            double c = fed_matrix_coefficient(fed_task_matrix(task), (uint32_t)j);
            sum += (int64_t)ldexp(c, GRID_BITS) * e[t - j][i];
        }
        int64_t rest = sum - z[i], half = 1 << (GRID_BITS - 1);
        wrong += !(rest <= half && rest > -half);
    }
    CHECK_EQ(wrong, 0);
}

/* Tree: prefix t is the sum of the nodes that its binary ones name. */
static void check_tree(int64_t (*e)[PARAMS], int64_t (*z)[PARAMS], int t)
{
    unsigned wrong = 0;
    for (int i = 0; i < PARAMS; i++) {
        int64_t prefix = 0, nodes = 0;
        for (int s = 0; s <= t; s++)
            prefix += e[s][i];
        for (unsigned rest = (unsigned)t + 1; rest; rest &= rest - 1)
            nodes += z[rest - 1][i]; /* the node that was opened at prefix `rest` */
        wrong += prefix != nodes;
    }
    CHECK_EQ(wrong, 0);
}

/* A whole run: what was added is what the keys give, and takes back what it should. */
static void test_a_whole_run(void)
{
    static int64_t bare[PARAMS], e[ROUNDS][PARAMS], z[ROUNDS][PARAMS];
    static const float delta[PARAMS] = {1, -0.5f, 0.25f};
    fed_error err;
    for (int kind = 0; kind < 4; kind++) {
        uint8_t secret[FED_TASK_SECRET_BYTES] = {1, (uint8_t)kind};
        fed_task *task = task_of(kinds[kind], 0.5);
        CHECK(fed_task_server_adds_noise(task) && !fed_task_sampler(task, "values") &&
              !fed_task_promises_server(task) && fed_task_is_charged_once(task));
        fed_matrix_stream *past = past_of(task);
        for (int t = 0; t < ROUNDS; t++) {
            fed_codec_sum sum;
            fed_codec_round *round = round_of(task, (uint64_t)t);
            rig_sum(task, round, (uint32_t)t, 8 + (uint32_t)t % 3, delta, &sum);
            fed_ring_centre(&sum.vectors[0].ring, 0, bare, PARAMS);
            CHECK_OK(fed_task_add_noise(task, secret, past, &sum, &err), &err);
            fed_ring_centre(&sum.vectors[0].ring, 0, e[t], PARAMS);
            for (int i = 0; i < PARAMS; i++)
                e[t][i] -= bare[i];
            independent_z(task, secret, bare, z[t]);
            if (kind == 0)
                check_tree(e, z, t);
            else
                check_toeplitz(task, e, z[t], t);
            CHECK_OK(fed_matrix_stream_keep(past, &err), &err);
            CHECK_OK(fed_task_advance_secret(secret, &err), &err);
            fed_codec_sum_fini(&sum);
            fed_codec_round_free(round);
        }
        fed_matrix_stream_free(past);
        fed_task_free(task);
    }
}

/* What is left of the noise in the model after so many rounds, in units of (z C)^2: that of the
 * worst row times the whole run's sensitivity, and less than the noise of as many rounds that do
 * not correlate. */
static void test_what_is_in_the_model(void)
{
    static const float zero[PARAMS];
    static float mean[PARAMS];
    static double prefix[PARAMS];
    fed_error err;
    for (int kind = 0; kind < 4; kind++) {
        uint8_t secret[FED_TASK_SECRET_BYTES] = {2, (uint8_t)kind};
        fed_task *task = task_of(kinds[kind], 20);
        const fed_matrix *m = fed_task_matrix(task);
        fed_matrix_stream *past = past_of(task);
        double worst = 0;
        memset(prefix, 0, sizeof prefix);
        for (int t = 0; t < ROUNDS; t++) {
            fed_codec_sum sum;
            fed_codec_outcome outcome;
            fed_codec_round *round = round_of(task, (uint64_t)t);
            rig_sum(task, round, (uint32_t)t, 8, zero, &sum);
            CHECK_OK(fed_task_add_noise(task, secret, past, &sum, &err), &err);
            CHECK_OK(fed_task_decode(task, round, &sum, mean, &outcome, NULL, &err),
                     &err);
            CHECK_OK(fed_matrix_stream_keep(past, &err), &err);
            CHECK_OK(fed_task_advance_secret(secret, &err), &err);
            double squares = 0;
            for (int i = 0; i < PARAMS; i++) {
                prefix[i] += (double)mean[i] * COHORT;
                squares += prefix[i] * prefix[i] / PARAMS;
            }
            worst = fmax(worst, squares);
            fed_codec_sum_fini(&sum);
            fed_codec_round_free(round);
        }
        const fed_distributed_config *c = &fed_task_privacy(task)->distributed.config;
        double promised = fed_matrix_error_squared(m) *
                          fed_matrix_sensitivity_squared(m) * 400 * c->clip * c->clip;
        fed_note("%s: %.4f of the variance promised; %.2f of noise that does not "
                 "correlate",
                 kinds[kind], worst / promised,
                 worst / (ROUNDS * 400 * c->clip * c->clip));
        CHECK_NEAR(worst / promised, 1, 5 * sqrt(2.0 / PARAMS));
        fed_matrix_stream_free(past);
        fed_task_free(task);
    }
}

/* Another sum of the same version has other noise, and the one that becomes a version is the
 * one that is remembered. */
static void test_another_sum(void)
{
    static int64_t bare[PARAMS], first[PARAMS], other[PARAMS], again[PARAMS];
    static const float delta[PARAMS] = {1};
    int64_t *out[] = {first, other, again};
    fed_error err;
    fed_task *task = task_of("banded", 0.5);
    fed_matrix_stream *past = past_of(task);
    fed_codec_round *round = round_of(task, 0);
    const uint8_t secret[FED_TASK_SECRET_BYTES] = {3};
    for (uint32_t i = 0; i < 3; i++) {
        fed_codec_sum sum;
        rig_sum(task, round, i % 2, 8, delta, &sum);
        fed_ring_centre(&sum.vectors[0].ring, 0, bare, PARAMS);
        CHECK_OK(fed_task_add_noise(task, secret, past, &sum, &err), &err);
        CHECK_FAILS(fed_task_add_noise(task, secret, past, &sum, &err), FED_E_STATE, &err,
                    "in it already");
        fed_ring_centre(&sum.vectors[0].ring, 0, out[i], PARAMS);
        for (int k = 0; k < PARAMS; k++)
            out[i][k] -= bare[k];
        CHECK_EQ(fed_matrix_stream_round(past), 0);
        fed_codec_sum_fini(&sum);
    }
    unsigned same = 0;
    for (int k = 0; k < PARAMS; k++)
        same += first[k] == other[k];
    CHECK(same < PARAMS / 10);
    CHECK_MEM(first, again, sizeof first);
    fed_matrix_stream_free(past);
    fed_codec_round_free(round);
    fed_task_free(task);
}

/* Noise takes back noise only where coordinates mean the same: one rotation for all versions. */
static void test_one_rotation(void)
{
    fed_task *task = task_of("banded", 0.5), *other = rig_task(&rig_plain);
    for (int i = 0; i < 2; i++) {
        fed_codec_round *a = round_of(i ? other : task, 0);
        fed_codec_round *b = round_of(i ? other : task, 7);
        size_t words = (PARAMS + 31) / 32;
        CHECK_EQ(memcmp(a->signs, b->signs, words * sizeof *a->signs) != 0, i);
        fed_codec_round_free(a), fed_codec_round_free(b);
    }
    fed_task_free(task), fed_task_free(other);
}

static fed_status add_once(void *ctx)
{
    fed_codec_round *round = NULL;
    fed_codec_sum sum = {0};
    fed_matrix_stream *past = NULL;
    const uint8_t secret[FED_TASK_SECRET_BYTES] = {4};
    fed_status status = fed_task_open_correlation(ctx, &past, NULL);
    if (!status) status = fed_codec_round_first(fed_task_codec(ctx), 0, &round, NULL);
    if (!status) status = fed_codec_sum_init(fed_task_codec(ctx), round, &sum, NULL);
    sum.n = 8;
    if (!status) status = fed_task_add_noise(ctx, secret, past, &sum, NULL);
    fed_codec_sum_fini(&sum);
    fed_codec_round_free(round);
    fed_matrix_stream_free(past);
    return status;
}

static void test_torture(void)
{
    fed_error err;
    fed_codec_sum sum;
    const uint8_t secret[FED_TASK_SECRET_BYTES] = {4};
    fed_task *task = task_of("sqrt", 0.5);
    CHECK(fed_torture(add_once, task) > 4);
    fed_codec_round *round = round_of(task, 0);
    CHECK_OK(fed_codec_sum_init(fed_task_codec(task), round, &sum, &err), &err);
    CHECK_FAILS(fed_task_add_noise(task, secret, NULL, &sum, &err), FED_E_INTERNAL, &err,
                "correlate with earlier rounds");
    fed_codec_sum_fini(&sum);
    fed_codec_round_free(round);
    fed_task_free(task);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_a_whole_run), CASE(test_what_is_in_the_model), CASE(test_another_sum),
        CASE(test_one_rotation), CASE(test_torture)};
    return fed_run("matrix_noise", cases, sizeof cases / sizeof *cases);
}
