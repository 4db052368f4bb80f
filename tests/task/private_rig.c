#include "private_rig.h"

#include <math.h>
#include <stdio.h>

static const char plan_format[] =
    "{\"format\":\"fed-plan/1\",\"name\":\"p\",\"model\":{\"input\":{\"shape\":[60]},"
    "\"layers\":[{\"op\":\"linear\",\"units\":64,\"activation\":\"relu\"},"
    "{\"op\":\"linear\",\"units\":4}],\"loss\":\"softmax_cross_entropy\"},"
    "\"train\":{\"lr\":0.5,\"batch\":8},"
    "\"update\":{\"select\":\"%s\",\"fraction\":0.25,\"bits\":8,\"clip\":2%s},"
    "\"secagg\":{\"enabled\":%s,\"adversary\":\"%s\"},"
    "\"privacy\":{%s},"
    "\"rounds\":{\"count\":%u,\"cohort\":10,\"over_select\":1.3,\"min_survivors\":8}}";

static const char privacy_format[] =
    "\"mechanism\":\"%s\",\"noise_multiplier\":%g,\"epsilon\":1000,\"delta\":1e-5,"
    "\"population\":1000,\"max_participations\":1,\"colluders\":2%s";

const wish rig_plain = {
    "distributed_gaussian", "dense", "true", "curious", "", "", 0.5, 0};

fed_status rig_try(const wish *w, fed_task **task, fed_error *err)
{
    char text[2048], privacy[512] = "";
    uint8_t seed[32] = {9};
    if (w->mechanism)
        snprintf(privacy, sizeof privacy, privacy_format, w->mechanism, w->z, w->more);
    int n = snprintf(text, sizeof text, plan_format, w->select, w->update, w->secagg,
                     w->adversary, privacy, w->rounds ? w->rounds : 1);
    return fed_task_parse(task, (fed_span){(const uint8_t *)text, (size_t)n},
                          FED_PLAN_AUTHOR, seed, err);
}

fed_task *rig_task(const wish *w)
{
    fed_error err;
    fed_task *task = NULL;
    CHECK_OK(rig_try(w, &task, &err), &err);
    return task;
}

fed_codec_round *rig_round(const fed_task *task)
{
    fed_error err;
    fed_codec_round *round;
    CHECK_OK(fed_codec_round_first(fed_task_codec(task), 0, &round, &err), &err);
    return round;
}

/* The key of device `device` in try `number`. */
static void make_key(uint8_t key[32], uint32_t number, uint32_t device)
{
    memset(key, 0, 32);
    fed_store_u32(key, number);
    fed_store_u32(key + 4, device + 1);
}

fed_status rig_encode(const fed_task *task, const fed_codec_round *round,
                      const float *delta, uint32_t number, uint32_t device,
                      fed_bytes *out, fed_task_report *report, fed_error *err)
{
    uint8_t key[32];
    make_key(key, number, device);
    fed_task_update update = {.delta = delta, .examples = 5, .key = key};
    fed_bytes_clear(out);
    return fed_task_encode(task, round, &update, NULL, out, report, err);
}

void rig_sum(const fed_task *task, const fed_codec_round *round, uint32_t number,
             uint32_t n, const float *delta, fed_codec_sum *sum)
{
    fed_error err;
    fed_bytes upload;
    fed_task_report report;
    fed_bytes_init(&upload, SIZE_MAX);
    CHECK_OK(fed_codec_sum_init(fed_task_codec(task), round, sum, &err), &err);
    for (uint32_t i = 0; i < n; i++) {
        CHECK_OK(rig_encode(task, round, delta, number, i, &upload, &report, &err), &err);
        CHECK_EQ(report.codec.saturated, 0);
        CHECK(report.rounded != FED_ROUND_ZEROED);
        CHECK_OK(fed_codec_sum_add_bytes(fed_task_codec(task), round, sum,
                                         (fed_span){upload.data, upload.len}, &err),
                 &err);
    }
    fed_bytes_fini(&upload);
}

void rig_aggregate(const fed_task *task, const fed_codec_round *round, uint32_t number,
                   uint32_t n, const float *delta, float *mean)
{
    fed_error err;
    fed_codec_sum sum;
    fed_codec_outcome outcome;
    uint8_t secret[FED_TASK_SECRET_BYTES] = {7};
    fed_store_u32(secret + 4, number);
    rig_sum(task, round, number, n, delta, &sum);
    if (fed_task_server_adds_noise(task))
        CHECK_OK(fed_task_add_noise(task, secret, NULL, &sum, &err), &err);
    CHECK_OK(fed_task_decode(task, round, &sum, mean, &outcome, NULL, &err), &err);
    CHECK_EQ(outcome.n, n);
    fed_codec_sum_fini(&sum);
}

double rig_noise(const fed_task *task, uint32_t n, uint32_t tries)
{
    static float zero[PARAMS], mean[PARAMS];
    fed_codec_round *round = rig_round(task);
    double squares = 0;
    for (uint32_t t = 0; t < tries; t++) {
        rig_aggregate(task, round, t, n, zero, mean);
        for (size_t i = 0; i < PARAMS; i++)
            squares += (double)mean[i] * COHORT * mean[i] * COHORT;
    }
    squares /= (double)round->m * tries;
    fed_codec_round_free(round);
    const fed_distributed_config *c = &fed_task_privacy(task)->distributed.config;
    return squares / (c->noise_multiplier * c->noise_multiplier * c->clip * c->clip);
}
