/* Noise in shares through the real pipeline: encode, add in the ring, decode. */
#include "private_rig.h"

#include <math.h>

/* ---- the noise ------------------------------------------------------------------------- */

/* What the accountants count on is there when as few as s_min - c shares are: 6 of 8. */
static void test_variance_at_the_fewest_shares(void)
{
    static const char *const mechanisms[] = {"distributed_gaussian",
                                             "distributed_skellam"};
    static const char *const selects[] = {"dense", "rand_k"};
    enum { TRIES = 16 };
    for (int i = 0; i < 4; i++) {
        wish w = rig_plain;
        w.mechanism = mechanisms[i / 2], w.select = selects[i % 2];
        fed_task *task = rig_task(&w);
        CHECK_EQ(fed_task_numbers_of(task)->min_survivors, 8);
        CHECK(fed_task_privacy(task)->distributed.sigma_local >= 3);
        fed_codec_round *round = rig_round(task);
        double spread = 5 * sqrt(2 / ((double)round->m * TRIES));
        double fewest = rig_noise(task, 6, TRIES), all = rig_noise(task, INVITED, TRIES);
        fed_note("%s %s: %.4f of the variance promised with 6 shares, %.4f with 13",
                 w.mechanism, w.select, fewest, all);
        CHECK_NEAR(fewest, 1, spread);
        CHECK_NEAR(all, INVITED / 6.0, spread * INVITED / 6.0);
        fed_codec_round_free(round);
        fed_task_free(task);
    }
}

/* ---- the mean -------------------------------------------------------------------------- */

/* Whoever is missing is missed: the denominator is the plan's. */
static void test_fixed_denominator(void)
{
    static float delta[PARAMS], mean[PARAMS];
    wish w = rig_plain;
    w.z = 0.05;
    fed_task *task = rig_task(&w);
    fed_codec_round *round = rig_round(task);
    for (size_t i = 0; i < PARAMS; i++)
        delta[i] = (float)(i % 7) - 3;
    float norm = (float)fed_codec_norm(delta, PARAMS, NULL);
    for (size_t i = 0; i < PARAMS; i++)
        delta[i] *= 2 / norm; /* just as long as the clip allows */
    for (uint32_t n = 8; n <= INVITED; n++) {
        double along = 0;
        rig_aggregate(task, round, n, n, delta, mean);
        for (size_t i = 0; i < PARAMS; i++)
            along += (double)mean[i] * delta[i] / 4;
        CHECK_NEAR(along, n / (double)COHORT, 0.05);
    }
    fed_codec_round_free(round);
    fed_task_free(task);
}

/* One round in a thousand may have a number that wraps: it is then off by a whole ring. */
static void test_nothing_wraps(void)
{
    static float delta[PARAMS], mean[PARAMS];
    enum { TRIES = 40 };
    fed_task *task = rig_task(&rig_plain);
    fed_codec_round *round = rig_round(task);
    const fed_distributed *d = &fed_task_privacy(task)->distributed;
    double half = exp2(d->config.bits - 1) / d->scale / COHORT;
    unsigned wrapped = 0;
    delta[17] = 100; /* all the weight in one place, until it is rotated */
    for (uint32_t t = 0; t < TRIES; t++) {
        double off = 0;
        rig_aggregate(task, round, 100 + t, INVITED, delta, mean);
        mean[17] -= 2.0f * INVITED / COHORT;
        fed_codec_rotate_forward(round, mean, NULL);
        for (size_t i = 0; i < PARAMS; i++)
            off = fmax(off, fabs(mean[i]));
        wrapped += off > half;
    }
    fed_note("%u of %d rounds wrapped; %u bits, wrap probability %.2g of one number",
             wrapped, TRIES, d->config.bits, d->wrap_probability);
    CHECK(wrapped == 0 && d->wrap_probability * PARAMS < 1e-3);
    fed_codec_round_free(round);
    fed_task_free(task);
}

/* ---- what a device sends ----------------------------------------------------------------- */

static void test_one_key_one_update(void)
{
    static float delta[PARAMS] = {1};
    fed_error err;
    fed_bytes a, b, c;
    fed_task *task = rig_task(&rig_plain);
    fed_codec_round *round = rig_round(task);
    fed_bytes_init(&a, SIZE_MAX), fed_bytes_init(&b, SIZE_MAX),
        fed_bytes_init(&c, SIZE_MAX);
    CHECK_OK(rig_encode(task, round, delta, 1, 1, &a, NULL, &err), &err);
    CHECK_OK(rig_encode(task, round, delta, 1, 1, &b, NULL, &err), &err);
    CHECK_OK(rig_encode(task, round, delta, 1, 2, &c, NULL, &err), &err);
    CHECK_EQ(a.len, fed_task_numbers_of(task)->update_bytes);
    CHECK(a.len == b.len && a.len == c.len);
    CHECK_MEM(a.data, b.data, a.len);
    CHECK(memcmp(a.data, c.data, a.len) != 0);
    fed_bytes_fini(&a), fed_bytes_fini(&b), fed_bytes_fini(&c);
    fed_codec_round_free(round);
    fed_task_free(task);
}

/* A device that has nothing sends noise all the same, so that the others can count on it. */
static void test_not_finite_sends_noise(void)
{
    static float delta[PARAMS] = {1, NAN}, mean[PARAMS];
    fed_error err;
    fed_bytes upload;
    fed_task_report report;
    fed_codec_sum sum;
    fed_codec_outcome outcome;
    fed_task *task = rig_task(&rig_plain);
    fed_codec_round *round = rig_round(task);
    fed_bytes_init(&upload, SIZE_MAX);
    CHECK_OK(rig_encode(task, round, delta, 1, 1, &upload, &report, &err), &err);
    CHECK(report.codec.non_finite);
    CHECK_OK(fed_codec_sum_init(fed_task_codec(task), round, &sum, &err), &err);
    CHECK_OK(fed_codec_sum_add_bytes(fed_task_codec(task), round, &sum,
                                     (fed_span){upload.data, upload.len}, &err),
             &err);
    CHECK_OK(fed_task_decode(task, round, &sum, mean, &outcome, NULL, &err), &err);
    const fed_distributed *d = &fed_task_privacy(task)->distributed;
    double wanted = d->sigma_device / COHORT * sqrt(PARAMS);
    CHECK_NEAR(outcome.mean_norm / wanted, 1, 5 / sqrt(2.0 * PARAMS));
    fed_codec_sum_fini(&sum);
    fed_bytes_fini(&upload);
    fed_codec_round_free(round);
    fed_task_free(task);
}

/* Kinds of updates that rounding might lengthen: all halves as the integers see them, one weight,
 * all alike, alternating, beyond all bounds, next to nothing. */
static void make_adversarial(const fed_codec_round *round, double scale, unsigned kind,
                             float *x)
{
    for (size_t i = 0; i < PARAMS; i++) {
        double value[] = {0.5 / scale,    i == 17 ? 9 : 0,      1,
                          i % 2 ? 1 : -1, i % 3 ? 1e30 : -2e30, 1e-42};
        x[i] = (float)value[kind];
    }
    if (!kind) fed_codec_rotate_back(round, x, NULL);
}

/* Where the server adds the noise, a device sends what it rounded and nothing else. However it was
 * chosen, its norm in exact integers is within what the noise is measured by. */
static void test_norm_of_what_is_sent(void)
{
    enum { KINDS = 6, TRIES = 20 };
    static float delta[PARAMS];
    static int64_t sent[PARAMS];
    wish w = rig_plain;
    w.mechanism = "central_gaussian", w.more = ",\"epsilon_server\":\"none\"";
    fed_task *task = rig_task(&w);
    fed_codec_round *round = rig_round(task);
    const fed_distributed *d = &fed_task_privacy(task)->distributed;
    double longest = 0;
    for (uint32_t i = 0; i < KINDS * TRIES; i++) {
        fed_codec_sum sum;
        make_adversarial(round, d->scale, i % KINDS, delta);
        rig_sum(task, round, i, 1, delta, &sum);
        fed_ring_centre(&sum.vectors[0].ring, 0, sent, PARAMS);
        CHECK_MSG(fed_norm_within(sent, PARAMS, d->delta2), "kind %u", i % KINDS);
        double square = 0;
        for (size_t k = 0; k < PARAMS; k++)
            square += (double)sent[k] * (double)sent[k];
        longest = fmax(longest, sqrt(square));
        fed_codec_sum_fini(&sum);
    }
    fed_note("the longest is %.2f of %.2f allowed, %.2f before rounding", longest,
             d->delta2, d->config.clip * d->scale);
    CHECK(longest > d->config.clip * d->scale);
    fed_codec_round_free(round);
    fed_task_free(task);
}

/* ---- secure aggregation, refusals, memory ------------------------------------------------ */

/* Against a server that lies, shares of noise are counted on the complete graph. */
static void test_complete_graph(void)
{
    static const char *const adversaries[] = {"curious", "active"};
    for (int i = 0; i < 4; i++) {
        fed_error err;
        fed_secagg_params params;
        wish w = rig_plain;
        w.adversary = adversaries[i % 2];
        if (i >= 2) w.mechanism = NULL;
        fed_task *task = rig_task(&w);
        fed_codec_round *round = rig_round(task);
        const uint8_t id[32] = {1}, key[32] = {2};
        CHECK_OK(fed_task_secagg_params(task, round, id, key, &params, &err), &err);
        CHECK_EQ(params.threat.complete, i == 1);
        CHECK_EQ(params.s_min, 8);
        fed_codec_round_free(round);
        fed_task_free(task);
    }
}

static void test_refusals(void)
{
    static const struct {
        const char *mechanism, *select, *secagg, *more, *text;
        fed_status status;
    } all[] = {
        {"matrix", "rand_k", "true",
         ",\"epsilon_server\":\"none\",\"matrix\":{\"separation\":4}",
         "update.select: \"rand_k\" with privacy.mechanism \"matrix\"", FED_E_REFUSED},
        {"distributed_gaussian", "dense", "true", ",\"sampling\":\"poisson\"",
         "rounds.min_survivors", FED_E_REFUSED},
        {"distributed_gaussian", "voted", "true", "", "privacy.votes.share",
         FED_E_REFUSED},
        {"distributed_gaussian", "dense", "false", "", "secagg", FED_E_REFUSED},
        {"distributed_gaussian", "top_k", "true", "", "top_k", FED_E_REFUSED},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        fed_error err;
        fed_task *task = NULL;
        wish w = rig_plain;
        w.mechanism = all[i].mechanism, w.select = all[i].select;
        w.secagg = all[i].secagg, w.more = all[i].more;
        CHECK_FAILS(rig_try(&w, &task, &err), all[i].status, &err, all[i].text);
        fed_task_free(task);
    }
}

typedef struct torture {
    const fed_task *task;
    const fed_codec_round *round;
} torture;

static fed_status encode_once(void *ctx)
{
    static const float delta[PARAMS] = {1, 2, 3};
    torture *t = ctx;
    fed_bytes out;
    fed_bytes_init(&out, SIZE_MAX);
    fed_status status = rig_encode(t->task, t->round, delta, 1, 1, &out, NULL, NULL);
    CHECK(!status || out.len == 0);
    fed_bytes_fini(&out);
    return status;
}

static void test_torture(void)
{
    fed_task *task = rig_task(&rig_plain);
    fed_codec_round *round = rig_round(task);
    torture t = {task, round};
    CHECK(fed_torture(encode_once, &t) > 3);
    fed_codec_round_free(round);
    fed_task_free(task);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_variance_at_the_fewest_shares),
                                     CASE(test_fixed_denominator),
                                     CASE(test_nothing_wraps),
                                     CASE(test_one_key_one_update),
                                     CASE(test_not_finite_sends_noise),
                                     CASE(test_norm_of_what_is_sent),
                                     CASE(test_complete_graph),
                                     CASE(test_refusals),
                                     CASE(test_torture)};
    return fed_run("private_update", cases, sizeof cases / sizeof *cases);
}
