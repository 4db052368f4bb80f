/* Noise of one piece: all of it from the server, added to the sum, or all of it from each
 * device. */
#include "private_rig.h"

#include <math.h>

#define DRAWN ",\"sampling\":\"fixed_size\""

static const wish central = {"central_gaussian",
                             "dense",
                             "true",
                             "curious",
                             "",
                             ",\"epsilon_server\":\"none\"",
                             0.5,
                             0};

/* ---- how much ---------------------------------------------------------------------------- */

/* However many survive, the noise of the sum is (z C)^2: nobody brings a share. */
static void test_variance_of_the_server(void)
{
    static const char *const selects[] = {"dense", "rand_k"};
    enum { TRIES = 24 };
    for (int i = 0; i < 4; i++) {
        wish w = central;
        w.select = selects[i % 2], w.secagg = i / 2 ? "true" : "false";
        w.z = i % 2 ? 0.5 : 40; /* far more than the ring of the update could hold */
        fed_task *task = rig_task(&w);
        CHECK(fed_task_server_adds_noise(task) && !fed_task_sampler(task, "values"));
        fed_codec_round *round = rig_round(task);
        double spread = 5 * sqrt(2 / ((double)round->m * TRIES));
        double few = rig_noise(task, 8, TRIES), all = rig_noise(task, INVITED, TRIES);
        fed_note("%s, secagg %s: %.4f of the variance promised with 8 devices, %.4f "
                 "with 13; %u bits travel",
                 w.select, w.secagg, few, all,
                 fed_task_privacy(task)->distributed.config.bits);
        CHECK_NEAR(few, 1, spread);
        CHECK_NEAR(all, 1, spread);
        fed_codec_round_free(round);
        fed_task_free(task);
    }
}

/* Each device adds all of it: one device's update alone is already a release. */
static void test_variance_of_devices(void)
{
    static const uint32_t devices[] = {1, 8, 13};
    enum { TRIES = 24 };
    for (int i = 0; i < 6; i++) {
        wish w = rig_plain;
        w.mechanism = "local_gaussian", w.secagg = i % 2 ? "true" : "false", w.z = 3;
        uint32_t n = devices[i / 2];
        fed_task *task = rig_task(&w);
        CHECK(!fed_task_server_adds_noise(task) && fed_task_sampler(task, "values"));
        double noise = rig_noise(task, n, TRIES);
        fed_note("secagg %s, %u devices: %.4f", w.secagg, n, noise);
        CHECK_NEAR(noise / n, 1, 5 * sqrt(2 / ((double)PARAMS * TRIES)));
        fed_task_free(task);
    }
}

/* Where devices are drawn by secret coins, the server adds the shares that did not come: then
 * no statistic of the released sum tells how many did. */
static void test_noise_is_filled_up(void)
{
    static const char *const mechanisms[] = {"distributed_gaussian",
                                             "distributed_skellam"};
    enum { TRIES = 24 };
    for (int i = 0; i < 2; i++) {
        wish w = rig_plain;
        w.mechanism = mechanisms[i];
        w.z = 3;
        fed_task *task = rig_task(&w);
        CHECK(!fed_task_server_adds_noise(task));
        double spread = 5 * sqrt(2 / ((double)PARAMS * TRIES));
        double wanted = rig_noise(task, INVITED, TRIES); /* all who may come */
        double bare = rig_noise(task, 8, TRIES);
        CHECK(bare < wanted * (1 - spread));
        fed_task_free(task);
        w.more = DRAWN;
        task = rig_task(&w);
        CHECK(fed_task_server_adds_noise(task) && fed_task_sampler(task, "values"));
        CHECK(!fed_task_server_sampler(task, "values"));
        for (uint32_t n = 8; n <= INVITED; n++) {
            double filled = rig_noise(task, n, TRIES);
            CHECK_NEAR(filled / wanted, 1, 2 * spread);
        }
        fed_note("%s: 8 of 13 bring %.4f of the noise", w.mechanism, bare / wanted);
        fed_task_free(task);
    }
}

/* ---- exactness --------------------------------------------------------------------------- */

/* What a device sends is integers of a norm that is checked, and nothing else. */
static void test_devices_send_bounded_integers(void)
{
    static float delta[PARAMS];
    static int64_t x[PARAMS + 64];
    fed_error err;
    fed_bytes upload;
    fed_ring rings[FED_CODEC_VECTORS_MAX];
    size_t n;
    fed_task *task = rig_task(&central);
    fed_codec_round *round = rig_round(task);
    double delta2 = fed_task_privacy(task)->distributed.delta2;
    fed_bytes_init(&upload, SIZE_MAX);
    for (uint32_t t = 0; t < 12; t++) { /* none; one coordinate; all; far too much */
        for (size_t i = 0; i < PARAMS; i++)
            delta[i] = t % 4 == 0 ? 0 : t % 4 == 1 ? (i == t) : t % 4 == 2 ? 0.1f : 1e6f;
        CHECK_OK(rig_encode(task, round, delta, t, 1, &upload, NULL, &err), &err);
        fed_span bytes = {upload.data, upload.len};
        CHECK_OK(fed_task_update_rings(task, round, bytes, rings, &n, &err), &err);
        CHECK_EQ(n, 1);
        fed_ring_centre(&rings[0], 0, x, rings[0].n);
        CHECK(fed_norm_within(x, rings[0].n, delta2));
        bool any = false;
        for (size_t i = 0; i < rings[0].n; i++)
            any |= x[i] != 0;
        CHECK_EQ(any, t % 4 != 0);
        fed_ring_fini(&rings[0]);
    }
    fed_bytes_fini(&upload);
    fed_codec_round_free(round);
    fed_task_free(task);
}

static void entries_of(const fed_codec_sum *sum, int64_t *out)
{
    fed_ring_centre(&sum->vectors[0].ring, 0, out, sum->vectors[0].ring.n);
}

/* Whatever is repeated is repeated exactly; whatever differs has noise of its own. */
static void test_one_sum_one_noise(void)
{
    static const float delta[PARAMS] = {1, -1, 0.5f};
    static int64_t bare[2][PARAMS + 64], noisy[4][PARAMS + 64];
    fed_error err;
    fed_codec_sum sum;
    fed_task *task = rig_task(&central);
    fed_codec_round *round = rig_round(task);
    size_t n = round->m;
    for (int i = 0; i < 4;
         i++) { /* a sum, the same, another, the first a version later */
        uint8_t secret[FED_TASK_SECRET_BYTES] = {1, 2};
        if (i == 3) CHECK_OK(fed_task_advance_secret(secret, &err), &err);
        rig_sum(task, round, i == 2, 8, delta, &sum);
        entries_of(&sum, bare[i == 2]);
        CHECK_OK(fed_task_add_noise(task, secret, NULL, &sum, &err), &err);
        entries_of(&sum, noisy[i]);
        fed_codec_sum_fini(&sum);
    }
    CHECK_MEM(noisy[0], noisy[1], n * sizeof noisy[0][0]);
    size_t same[2] = {0};
    for (size_t i = 0; i < n; i++) {
        int64_t noise = noisy[0][i] - bare[0][i];
        same[0] += noise == noisy[2][i] - bare[1][i];
        same[1] += noise == noisy[3][i] - bare[0][i];
    }
    CHECK(memcmp(bare[0], bare[1], n * sizeof bare[0][0]) != 0);
    CHECK(same[0] < n / 10 && same[1] < n / 10);
    fed_codec_round_free(round);
    fed_task_free(task);
}

/* No model is made of a sum that has no noise yet. */
static void test_bare_sums_do_not_decode(void)
{
    static const float delta[PARAMS] = {1};
    static float mean[PARAMS];
    fed_error err;
    fed_codec_sum sum;
    fed_codec_outcome outcome;
    const uint8_t secret[FED_TASK_SECRET_BYTES] = {3};
    fed_task *task = rig_task(&central);
    fed_codec_round *round = rig_round(task);
    rig_sum(task, round, 0, 8, delta, &sum);
    CHECK_FAILS(fed_task_decode(task, round, &sum, mean, &outcome, NULL, &err),
                FED_E_INTERNAL, &err, "noise is not in it yet");
    CHECK_OK(fed_task_add_noise(task, secret, NULL, &sum, &err), &err);
    CHECK_FAILS(fed_task_add_noise(task, secret, NULL, &sum, &err), FED_E_STATE, &err,
                "in it already");
    CHECK_OK(fed_task_decode(task, round, &sum, mean, &outcome, NULL, &err), &err);
    fed_codec_sum_fini(&sum);
    fed_codec_round_free(round);
    fed_task_free(task);
}

/* ---- memory ------------------------------------------------------------------------------ */

typedef struct torture {
    const fed_task *task;
    const fed_codec_round *round;
} torture;

static fed_status add_once(void *ctx)
{
    torture *t = ctx;
    fed_codec_sum sum;
    const uint8_t secret[FED_TASK_SECRET_BYTES] = {4};
    FED_TRY(fed_codec_sum_init(fed_task_codec(t->task), t->round, &sum, NULL));
    sum.n = 8;
    fed_status status = fed_task_add_noise(t->task, secret, NULL, &sum, NULL);
    fed_codec_sum_fini(&sum);
    return status;
}

static void test_torture(void)
{
    fed_task *task = rig_task(&central);
    fed_codec_round *round = rig_round(task);
    torture t = {task, round};
    CHECK(fed_torture(add_once, &t) > 1);
    fed_codec_round_free(round);
    fed_task_free(task);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_variance_of_the_server),
                                     CASE(test_variance_of_devices),
                                     CASE(test_noise_is_filled_up),
                                     CASE(test_devices_send_bounded_integers),
                                     CASE(test_one_sum_one_noise),
                                     CASE(test_bare_sums_do_not_decode),
                                     CASE(test_torture)};
    return fed_run("server_noise", cases, sizeof cases / sizeof *cases);
}
