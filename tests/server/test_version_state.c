/* Noise that the server adds, from version to version and over restarts. */
#include "private_rig.h"

#include <stdio.h>

#include "round.h"

static const wish central = {"central_gaussian",
                             "dense",
                             "false",
                             "curious",
                             "",
                             ",\"epsilon_server\":\"none\"",
                             0.5,
                             0};

static void start(fed_version_state *s, const fed_task *task)
{
    fed_error err;
    uint64_t seed = 11;
    fed_random random = fed_test_random(&seed);
    CHECK_OK(fed_version_state_init(s, task, &err), &err);
    CHECK_OK(fed_version_state_draw_secret(s, &random, 0, &err), &err);
}

/* The sum of the cohort that made try `number` of the present version. */
static void sum_of(const fed_version_state *s, uint32_t number, fed_codec_sum *sum)
{
    static const float delta[PARAMS] = {0.5f, -0.5f, 0.25f};
    rig_sum(s->task, s->round, (uint32_t)s->version * 10 + number, 8, delta, sum);
}

static void advance(fed_version_state *s, uint32_t number)
{
    fed_error err;
    fed_codec_sum sum;
    sum_of(s, number, &sum);
    CHECK_OK(fed_version_state_advance(s, &sum, NULL, &err), &err);
    fed_codec_sum_fini(&sum);
}

/* The noise of earlier versions, place by place. */
static void restore_past_noise(const fed_version_state *s, fed_version_state *out)
{
    fed_error err;
    for (uint32_t p = 0; s->past_noise && p < fed_matrix_stream_places(s->past_noise);
         p++) {
        fed_bytes place;
        if (!fed_matrix_stream_holds(out->past_noise, p)) continue;
        fed_bytes_init(&place, SIZE_MAX);
        CHECK_OK(fed_matrix_stream_write(s->past_noise, p, &place, &err), &err);
        CHECK_OK(fed_matrix_stream_read(out->past_noise, p,
                                        (fed_span){place.data, place.len}, &err),
                 &err);
        fed_bytes_fini(&place);
    }
}

/* What the store holds of `s`, put back into a new one. */
static void restart(const fed_version_state *s, fed_version_state *out)
{
    fed_error err;
    fed_bytes state, model;
    fed_bytes_init(&state, SIZE_MAX), fed_bytes_init(&model, SIZE_MAX);
    CHECK_OK(fed_version_state_encode(s, &state, &err), &err);
    CHECK_OK(fed_task_write_model(s->task, s->params, &model, &err), &err);
    CHECK_OK(fed_version_state_init(out, s->task, &err), &err);
    CHECK_OK(fed_version_state_restore(out, (fed_span){state.data, state.len},
                                       (fed_span){model.data, model.len}, &err),
             &err);
    restore_past_noise(s, out);
    fed_bytes_fini(&state), fed_bytes_fini(&model);
}

static void check_same(const fed_version_state *a, const fed_version_state *b)
{
    size_t n = fed_task_numbers_of(a->task)->params;
    CHECK_EQ(a->version, b->version);
    CHECK_MEM(a->params, b->params, n * sizeof *a->params);
    CHECK(a->round->clip == b->round->clip);
}

/* Killed before any commit, and after each: the versions are those of the server that lived. */
static void restarts_change_nothing(const wish *w)
{
    fed_version_state lives, dies, next;
    fed_task *task = rig_task(w);
    start(&lives, task), start(&dies, task);
    for (int i = 0; i < 6; i++) {
        if (i % 2) { /* a version was made, and lost with the process */
            restart(&dies, &next);
            advance(&dies, 0);
            fed_version_state_fini(&dies);
            dies = next;
        }
        advance(&lives, 0), advance(&dies, 0);
        check_same(&lives, &dies);
        restart(&dies, &next);
        fed_version_state_fini(&dies);
        dies = next;
    }
    fed_version_state_fini(&lives), fed_version_state_fini(&dies);
    fed_task_free(task);
}

static void test_restarts_change_nothing(void)
{
    restarts_change_nothing(&central);
}

/* A sum that was refused, or lost with the process, is not remembered. */
static void test_restarts_keep_past_noise(void)
{
    static const char *const kinds[] = {"tree", "sqrt", "banded", "blt"};
    for (int i = 0; i < 4; i++) {
        char more[160];
        wish w = central;
        snprintf(more, sizeof more,
                 ",\"epsilon_server\":\"none\",\"matrix\":{\"kind\":\"%s\","
                 "\"separation\":3}",
                 kinds[i]);
        w.mechanism = "matrix", w.more = more, w.rounds = 6;
        restarts_change_nothing(&w);
    }
}

/* Six versions, and no seventh; a state of another version is not put back. */
static void test_past_noise_has_an_end(void)
{
    fed_error err;
    fed_bytes state, model;
    fed_version_state s, other;
    fed_codec_sum sum;
    wish w = central;
    w.mechanism = "matrix", w.rounds = 6;
    w.more = ",\"epsilon_server\":\"none\",\"matrix\":{\"separation\":3}";
    fed_task *task = rig_task(&w);
    start(&s, task);
    for (int i = 0; i < 6; i++)
        advance(&s, 0);
    CHECK_EQ(fed_matrix_stream_round(s.past_noise), 6);
    sum_of(&s, 0, &sum);
    CHECK_FAILS(fed_version_state_advance(&s, &sum, NULL, &err), FED_E_LIMIT, &err,
                "all 6 rounds are drawn");
    fed_codec_sum_fini(&sum);
    fed_bytes_init(&state, SIZE_MAX), fed_bytes_init(&model, SIZE_MAX);
    CHECK_OK(fed_version_state_encode(&s, &state, &err), &err);
    CHECK_OK(fed_task_write_model(task, s.params, &model, &err), &err);
    state.data[0] = 7;
    CHECK_OK(fed_version_state_init(&other, task, &err), &err);
    CHECK_FAILS(fed_version_state_restore(&other, (fed_span){state.data, state.len},
                                          (fed_span){model.data, model.len}, &err),
                FED_E_FORMAT, &err, "matrix: round 7 of 6");
    fed_bytes_fini(&state), fed_bytes_fini(&model);
    fed_version_state_fini(&other), fed_version_state_fini(&s);
    fed_task_free(task);
}

/* The clip follows the bits, and is among what survives. */
static void test_restarts_keep_the_clip(void)
{
    wish w = central;
    w.more =
        ",\"epsilon_server\":\"none\",\"adaptive\":{\"quantile\":0.5,\"bit_sigma\":4}";
    restarts_change_nothing(&w);
    fed_version_state s;
    fed_task *task = rig_task(&w);
    start(&s, task);
    double first = s.round->clip;
    for (int i = 0; i < 6; i++)
        advance(&s, 0); /* every norm is within the clip, so that it falls */
    CHECK(s.round->clip < first);
    fed_version_state_fini(&s);
    fed_task_free(task);
}

/* A cohort that failed after its sum was made, and another on the same version: the second
 * sum has noise of its own. */
static void test_another_sum_has_other_noise(void)
{
    static int64_t bare[2][PARAMS], noisy[2][PARAMS];
    fed_error err;
    fed_version_state s;
    fed_codec_sum sum;
    fed_task *task = rig_task(&central);
    start(&s, task);
    for (uint32_t i = 0; i < 2; i++) {
        sum_of(&s, i, &sum);
        fed_ring_centre(&sum.vectors[0].ring, 0, bare[i], PARAMS);
        CHECK_OK(fed_task_add_noise(task, s.secret, NULL, &sum, &err), &err);
        fed_ring_centre(&sum.vectors[0].ring, 0, noisy[i], PARAMS);
        fed_codec_sum_fini(&sum);
    }
    unsigned same = 0, moved = 0;
    for (size_t i = 0; i < PARAMS; i++) {
        moved += bare[0][i] != bare[1][i];
        same += noisy[0][i] - bare[0][i] == noisy[1][i] - bare[1][i];
    }
    CHECK(moved > 0 && same < PARAMS / 10);
    fed_version_state_fini(&s);
    fed_task_free(task);
}

/* What is stored after a version is of no use for the noise of that version. */
static void test_the_secret_moves_on(void)
{
    fed_error err;
    fed_bytes state;
    fed_version_state s;
    uint8_t old[FED_TASK_SECRET_BYTES];
    fed_task *task = rig_task(&central);
    start(&s, task);
    memcpy(old, s.secret, sizeof old);
    advance(&s, 0);
    CHECK(memcmp(old, s.secret, sizeof old) != 0);
    fed_bytes_init(&state, SIZE_MAX);
    CHECK_OK(fed_version_state_encode(&s, &state, &err), &err);
    bool found[2] = {false, false};
    for (size_t i = 0; i + sizeof old <= state.len; i++) {
        found[0] |= memcmp(state.data + i, old, sizeof old) == 0;
        found[1] |= memcmp(state.data + i, s.secret, sizeof old) == 0;
    }
    CHECK(!found[0] && found[1]);
    fed_bytes_fini(&state);
    fed_version_state_fini(&s);
    fed_task_free(task);
}

/* Neither a server that has no secret nor a state without one makes a version. */
static void test_no_secret_no_version(void)
{
    fed_error err;
    fed_bytes state, model;
    fed_version_state s, other;
    fed_codec_sum sum;
    fed_task *task = rig_task(&central);
    CHECK_OK(fed_version_state_init(&s, task, &err), &err);
    sum_of(&s, 0, &sum);
    CHECK_FAILS(fed_version_state_advance(&s, &sum, NULL, &err), FED_E_INTERNAL, &err,
                "no secret");
    CHECK_EQ(s.version, 0);
    fed_bytes_init(&state, SIZE_MAX), fed_bytes_init(&model, SIZE_MAX);
    CHECK_OK(fed_version_state_encode(&s, &state, &err), &err);
    CHECK_OK(fed_task_write_model(task, s.params, &model, &err), &err);
    CHECK_OK(fed_version_state_init(&other, task, &err), &err);
    CHECK_FAILS(fed_version_state_restore(&other, (fed_span){state.data, state.len},
                                          (fed_span){model.data, model.len}, &err),
                FED_E_FORMAT, &err, "a secret of 0 bytes, not 32");
    fed_bytes_fini(&state), fed_bytes_fini(&model);
    fed_codec_sum_fini(&sum);
    fed_version_state_fini(&other), fed_version_state_fini(&s);
    fed_task_free(task);
}

static fed_status one_version(void *ctx)
{
    fed_version_state s;
    fed_codec_sum sum = {0};
    fed_bytes state;
    uint64_t seed = 1;
    fed_random random = fed_test_random(&seed);
    fed_status status = FED_OK;
    FED_TRY(fed_version_state_init(&s, ctx, NULL));
    fed_bytes_init(&state, SIZE_MAX);
    FED_GO(fed_version_state_draw_secret(&s, &random, 0, NULL));
    FED_GO(fed_codec_sum_init(fed_task_codec(ctx), s.round, &sum, NULL));
    sum.n = 8;
    FED_GO(fed_version_state_advance(&s, &sum, NULL, NULL));
    status = fed_version_state_encode(&s, &state, NULL);
out:
    fed_bytes_fini(&state);
    fed_codec_sum_fini(&sum);
    fed_version_state_fini(&s);
    return status;
}

static void test_torture(void)
{
    wish w = central;
    fed_task *task = rig_task(&w);
    size_t plain = fed_torture(one_version, task);
    CHECK(plain > 8);
    fed_task_free(task);
    w.mechanism = "matrix", w.rounds = 6;
    w.more = ",\"epsilon_server\":\"none\",\"matrix\":{\"separation\":3}";
    task = rig_task(&w);
    CHECK(fed_torture(one_version, task) > plain);
    fed_task_free(task);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_restarts_change_nothing),     CASE(test_restarts_keep_the_clip),
        CASE(test_restarts_keep_past_noise),    CASE(test_past_noise_has_an_end),
        CASE(test_another_sum_has_other_noise), CASE(test_the_secret_moves_on),
        CASE(test_no_secret_no_version),        CASE(test_torture)};
    return fed_run("version_state", cases, sizeof cases / sizeof *cases);
}
