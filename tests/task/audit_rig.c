#include "audit_rig.h"

#include <stdio.h>

enum { WEIGHTS_MAX = 64, DEVICES_MAX = 64 };
#define UNCLIPPED 20 /* no canary is as long */

static const char plan_format[] =
    "{\"format\":\"fed-plan/1\",\"name\":\"audit\",\"model\":{\"input\":{\"shape\":[%u]},"
    "\"layers\":[{\"op\":\"linear\",\"units\":2}],\"loss\":\"softmax_cross_entropy\"},"
    "\"train\":{\"lr\":0.5,\"batch\":8},"
    "\"update\":{\"select\":\"dense\",\"bits\":%d,\"clip\":1},"
    "\"secagg\":{\"enabled\":true,\"adversary\":\"curious\"},"
    "\"privacy\":{\"mechanism\":\"%s\",\"noise_multiplier\":%g,%s"
    "\"epsilon\":1000,\"delta\":%g,\"population\":%u,\"max_participations\":%d,"
    "\"colluders\":0},"
    "\"rounds\":{\"count\":2,\"cohort\":%u,\"over_select\":1,\"min_survivors\":%u}}";

typedef struct rig {
    const attack *attack;
    fed_task *task;
    fed_codec_round *round;
    fed_sampler *weak; /* of the mutant with less noise */
    fed_bytes upload;
    fed_codec_sum sum;
    size_t d;
    unsigned canaries;                         /* the first devices of a round */
    float direction[DEVICES_MAX][WEIGHTS_MAX]; /* of each canary, of norm 1 */
    float mean[WEIGHTS_MAX];
} rig;

/* ---- the devices ------------------------------------------------------------------------- */

/* What stands in for the rounder of common/task where something is wrong with it. */
typedef struct wrong {
    const rig *rig;
    unsigned device;
    bool contributes;
} wrong;

static fed_status round_wrongly(void *ctx, const char *vector, float *reals, size_t n,
                                double norm, const uint8_t *key, int64_t *out,
                                fed_error *err)
{
    (void)vector;
    const wrong *f = ctx;
    mutant kind = f->rig->attack->kind;
    const fed_distributed *d = &fed_task_privacy(f->rig->task)->distributed;
    const fed_sampler *sampler = fed_task_sampler(f->rig->task, "values");
    fed_noise_share share = {norm, 1, d->delta2, d->sigma_local, n, FED_ROUND_TRIES};
    if (kind == LESS_NOISE) {
        sampler = f->rig->weak;
        share.sigma_local *= sqrt(0.5);
    } else if (kind == HALF_SILENT && f->device % 2) {
        sampler = NULL, share.sigma_local = 0;
    } else if (kind == NOT_CLIPPED) {
        share.clip *= UNCLIPPED, share.delta2 *= UNCLIPPED;
    }
    fed_noise noise;
    fed_status status = fed_noise_init(&noise, key, err);
    if (!status)
        status =
            fed_noise_share_encode(&share, reals, n, sampler, &noise, out, NULL, err);
    for (size_t i = 0; kind == OFF_BY_ONE && f->contributes && i < n; i++)
        out[i]++;
    fed_noise_fini(&noise);
    return status;
}

static fed_status encode_wrongly(rig *r, unsigned device, const float *delta, bool in,
                                 const uint8_t *key, fed_error *err)
{
    wrong f = {r, device, in};
    fed_codec_rounder rounder = {round_wrongly, &f};
    fed_codec_input input = {
        .delta = delta, .weight = 1, .key = key, .rounder = &rounder};
    fed_codec_round round = *r->round;
    fed_codec_update encoded;
    if (r->attack->kind == NOT_CLIPPED) round.clip *= UNCLIPPED;
    FED_TRY(fed_codec_encode(fed_task_codec(r->task), &round, &input, &encoded, err));
    fed_status status = fed_codec_update_write(&encoded, &r->upload, err);
    fed_codec_update_fini(&encoded);
    return status;
}

/* A sound device, and one that uses its noise again, do what every device does. */
static fed_status encode(rig *r, unsigned device, const float *delta, bool in,
                         uint32_t number, fed_error *err)
{
    uint8_t key[32] = {0};
    mutant kind = r->attack->kind;
    if (kind == NOISE_REUSED)
        number &= ~1u; /* the second round's key is the first one's */
    fed_store_u32(key, number);
    fed_store_u32(key + 4, device);
    fed_bytes_clear(&r->upload);
    if (kind != SOUND && kind != NOISE_REUSED)
        return encode_wrongly(r, device, delta, in, key, err);
    fed_task_update update = {.delta = delta, .examples = 5, .key = key};
    return fed_task_encode(r->task, r->round, &update, NULL, &r->upload, NULL, err);
}

/* ---- rounds ------------------------------------------------------------------------------ */

/* The mean of a round; `coins`, a bit for each canary, or 0. */
static void run_round(rig *r, uint32_t number, uint64_t coins)
{
    const fed_codec *codec = fed_task_codec(r->task);
    fed_error err;
    fed_codec_outcome outcome;
    CHECK_OK(fed_codec_sum_init(codec, r->round, &r->sum, &err), &err);
    for (unsigned i = 0; i < r->attack->devices; i++) {
        float delta[WEIGHTS_MAX] = {0};
        bool in = coins >> i & 1;
        for (size_t k = 0; in && k < r->d; k++)
            delta[k] = (float)r->attack->length * r->direction[i][k];
        CHECK_OK(encode(r, i, delta, in, number, &err), &err);
        CHECK_OK(fed_codec_sum_add_bytes(codec, r->round, &r->sum,
                                         (fed_span){r->upload.data, r->upload.len}, &err),
                 &err);
    }
    uint8_t secret[FED_TASK_SECRET_BYTES] = {3};
    fed_store_u32(secret + 4, number);
    if (fed_task_server_adds_noise(r->task))
        CHECK_OK(fed_task_add_noise(r->task, secret, NULL, &r->sum, &err), &err);
    CHECK_OK(fed_task_decode(r->task, r->round, &r->sum, r->mean, &outcome, NULL, &err),
             &err);
    fed_codec_sum_fini(&r->sum);
}

/* How far the mean lies along the direction of a canary, in units of z C. */
static double along(const rig *r, unsigned canary)
{
    double sum = 0;
    for (size_t i = 0; i < r->d; i++)
        sum += (double)r->mean[i] * r->direction[canary][i];
    return sum * r->attack->devices / r->attack->z;
}

static void guess(trial *t, const attack *a, double score, bool in)
{
    bool said = score > a->threshold;
    *(in ? &t->in : &t->out) += 1;
    *(in ? &t->in_said : &t->out_said) += said;
    if (fabs(score) <= a->threshold) return;
    t->guesses++;
    t->correct += said == in;
}

static void try_canaries(rig *r, uint32_t number, uint64_t coins, trial *t)
{
    double score[DEVICES_MAX], sound = fmin(r->attack->length, 1);
    run_round(r, 2 * number, coins);
    for (unsigned i = 0; i < r->canaries; i++)
        score[i] = along(r, i) - 0.5 * sound / r->attack->z;
    if (r->attack->twice) {
        run_round(r, 2 * number + 1, 0);
        for (unsigned i = 0; i < r->canaries; i++)
            score[i] -= along(r, i);
    }
    for (unsigned i = 0; i < r->canaries; i++)
        guess(t, r->attack, score[i], coins >> i & 1);
}

/* ---- the trial --------------------------------------------------------------------------- */

static void choose_directions(rig *r)
{
    const attack *a = r->attack;
    r->d = fed_task_numbers_of(r->task)->params;
    r->canaries = a->together ? a->devices : 1;
    CHECK(r->d <= WEIGHTS_MAX && r->round->m == r->d && r->canaries <= r->d);
    for (unsigned c = 0; c < r->canaries; c++) {
        float *direction = r->direction[c];
        for (size_t i = 0; i < r->d; i++)
            direction[i] = a->together ? i == c : 1;
        if (a->even) fed_codec_rotate_back(r->round, direction, NULL);
        double norm = fed_codec_norm(direction, r->d, NULL);
        for (size_t i = 0; i < r->d; i++)
            direction[i] /= (float)norm;
    }
}

/* What the mechanism needs besides. */
static const char *more_of(const char *mechanism)
{
    if (!strcmp(mechanism, "distributed_skellam")) return "\"accountant\":\"rdp\",";
    if (!strcmp(mechanism, "central_gaussian")) return "\"epsilon_server\":\"none\",";
    return "";
}

static void open_rig(rig *r, const attack *a)
{
    char text[1024], more[64];
    const char *mechanism = a->mechanism ? a->mechanism : "distributed_gaussian";
    const uint8_t seed[32] = {9};
    fed_error err;
    *r = (rig){.attack = a};
    snprintf(more, sizeof more, "%s", more_of(mechanism));
    if (a->ring) snprintf(more, sizeof more, "\"ring_bits\":%u,", a->ring);
    int n = snprintf(text, sizeof text, plan_format, a->inputs, a->ring ? 1 : 8,
                     mechanism, a->z, more, a->delta, 2 * a->devices, a->twice ? 2 : 1,
                     a->devices, a->devices);
    CHECK_OK(fed_task_parse(&r->task, (fed_span){(const uint8_t *)text, (size_t)n},
                            FED_PLAN_AUTHOR, seed, &err),
             &err);
    CHECK_OK(fed_codec_round_first(fed_task_codec(r->task), 0, &r->round, &err), &err);
    const fed_distributed *d = &fed_task_privacy(r->task)->distributed;
    CHECK_OK(fed_sampler_new(&r->weak, FED_SAMPLER_GAUSSIAN_FAST,
                             d->sigma_local * sqrt(0.5), &err),
             &err);
    fed_bytes_init(&r->upload, SIZE_MAX);
    choose_directions(r);
}

static void close_rig(rig *r)
{
    fed_bytes_fini(&r->upload);
    fed_sampler_free(r->weak);
    fed_codec_round_free(r->round);
    fed_task_free(r->task);
}

trial audit_run(const attack *a)
{
    static rig r;
    trial t = {0};
    fed_error err;
    fed_privacy_views views;
    open_rig(&r, a);
    CHECK_OK(fed_privacy_epsilon(fed_task_privacy(r.task), &views, &err), &err);
    bool server = fed_task_promises_server(r.task);
    t.claimed = server ? views.epsilon_server : views.epsilon_output;
    t.delta = views.delta;
    const uint8_t key[32] = {(uint8_t)a->kind, 77};
    fed_stream coins;
    fed_stream_init(&coins, key, FED_PURPOSE_TEST, 0);
    for (uint32_t i = 0; i < a->rounds; i++)
        try_canaries(&r, i, fed_stream_u64(&coins) >> (64 - r.canaries), &t);
    close_rig(&r);
    return t;
}
