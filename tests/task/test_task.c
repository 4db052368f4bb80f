/* Plans made concrete: the numbers that follow, both halves of the pipeline, refusals. */
#include "harness.h"

#include <math.h>
#include <stdio.h>

#include "changed_plan.h"
#include "data.h"
#include "model.h"
#include "task.h"

enum { TEXT_MAX = 1 << 16 };

static const uint8_t seed[32] = {7};

static const char small[] =
    "{\"format\":\"fed-plan/1\",\"name\":\"small\",\"model\":{\"input\":{\"shape\":[20]},"
    "\"layers\":[{\"op\":\"linear\",\"units\":8,\"activation\":\"relu\"},"
    "{\"op\":\"linear\",\"units\":4}],\"loss\":\"softmax_cross_entropy\"},"
    "\"train\":{\"lr\":0.5,\"batch\":8,\"epochs\":3},"
    "\"update\":{\"select\":\"dense\",\"bits\":12,\"clip\":1},"
    "\"secagg\":{\"enabled\":false},"
    "\"rounds\":{\"count\":10,\"cohort\":5,\"over_select\":1.3}}";

enum { SMALL_PARAMS = 20 * 8 + 8 + 8 * 4 + 4 };

/* The small plan with space-separated changes: the caller's. */
static fed_status change(const char *assignments, fed_bytes *text, fed_error *err)
{
    return changed_plan(small, assignments, text, err);
}

static fed_status try_task(const char *assignments, fed_task **task, fed_error *err)
{
    fed_bytes text;
    *task = NULL;
    fed_status status = change(assignments, &text, err);
    if (!status)
        status = fed_task_parse(task, (fed_span){text.data, text.len}, FED_PLAN_AUTHOR,
                                seed, err);
    fed_bytes_fini(&text);
    return status;
}

static fed_task *make(const char *assignments)
{
    fed_error err;
    fed_task *task;
    CHECK_OK(try_task(assignments, &task, &err), &err);
    return task;
}

/* ---- from version to version --------------------------------------------------------------- */

static void test_difference(void)
{
    fed_error err;
    fed_bytes diff;
    static float from[SMALL_PARAMS], to[SMALL_PARAMS], carry[SMALL_PARAMS];
    fed_task *task = make(""), *plain = make("download.fraction_bits=none");
    fed_bytes_init(&diff, TEXT_MAX);
    fed_task_init_params(task, from);
    memcpy(to, from, sizeof to);
    for (int i = 0; i < SMALL_PARAMS; i++)
        to[i] += 0.01f * (float)(i % 7);
    fed_task_round_params(task, to, carry);
    CHECK(carry[1] != 0 && fabsf(carry[1]) < 0.00013f);
    /* a version that would be the one before gets an address of its own */
    static float still[SMALL_PARAMS], left[SMALL_PARAMS];
    memcpy(still, from, sizeof still);
    left[5] = 0.0001f;
    fed_task_publish_params(task, still, left, from);
    CHECK(still[5] == from[5] + ldexpf(1, -12) && left[5] < 0);
    CHECK_OK(fed_task_write_difference(task, from, to, &diff, &err), &err);
    fed_span packed = {diff.data, diff.len};
    CHECK_FAILS(fed_task_apply_difference(plain, from, packed, &err), FED_E_STATE, &err,
                "no grid");
    CHECK_FAILS(fed_task_write_difference(plain, from, to, &diff, &err), FED_E_STATE,
                &err, "no grid");
    CHECK_OK(fed_task_apply_difference(task, from, packed, &err), &err);
    CHECK_MEM(from, to, sizeof to);
    for (size_t n = 0; n < packed.len; n++)
        CHECK_FAILS(
            fed_task_apply_difference(task, from, (fed_span){packed.data, n}, &err),
            FED_E_FORMAT, &err, "");
    CHECK_MEM(from, to, sizeof to);
    to[3] += 1e-6f;
    CHECK_FAILS(fed_task_write_difference(task, from, to, &diff, &err), FED_E_NUMERIC,
                &err, "2^-12");
    fed_task_round_params(plain, to, NULL);
    CHECK(to[3] != from[3]); /* without a grid nothing moves */
    static const uint8_t zeros[1 << 16];
    fed_bytes_clear(&diff);
    CHECK_OK(fed_blob_compress((fed_span){zeros, 40000}, 3, &diff, &err), &err);
    CHECK_FAILS(
        fed_task_apply_difference(task, from, (fed_span){diff.data, diff.len}, &err),
        FED_E_FORMAT, &err, "more than the bytes allowed");
    fed_bytes_fini(&diff);
    fed_task_free(task);
    fed_task_free(plain);
}

/* ---- numbers ------------------------------------------------------------------------------ */

/* The numbers agree with the things that they are of. */
static void check_numbers(const fed_task *task)
{
    fed_error err;
    fed_bytes model;
    fed_address address;
    const fed_task_numbers *n = fed_task_numbers_of(task);
    float *params = fed_calloc(n->params, sizeof *params);
    fed_bytes_init(&model, SIZE_MAX);
    fed_task_init_params(task, params);
    CHECK_OK(fed_task_write_model(task, params, &model, &err), &err);
    CHECK_EQ(n->model_bytes, model.len);
    CHECK_OK(fed_address_of(n->resolved.data, n->resolved.len, &address, &err), &err);
    CHECK_MEM(n->plan_address, address.bytes, 32);
    CHECK(n->upload_bytes > n->update_bytes);
    CHECK(n->download_bytes > n->params && n->whole_download_bytes > n->model_bytes);
    CHECK(n->first_download_bytes > n->whole_download_bytes + n->resolved.len);
    CHECK(n->min_survivors >= 1 && n->min_survivors <= n->invited);
    CHECK(n->train_flops > 0 && n->train_arena_bytes > n->infer_arena_bytes / 1000);
    fed_bytes_fini(&model);
    fed_free(params);
}

static void check_plan_file(const char *name, size_t params, uint32_t invited)
{
    char path[512];
    fed_error err;
    fed_bytes text;
    fed_task *task = NULL, *again = NULL;
    snprintf(path, sizeof path, "%s/%s", PLANS_FOLDER, name);
    fed_bytes_init(&text, TEXT_MAX);
    FILE *f = fopen(path, "rb");
    if (!CHECK_MSG(f, "%s", path)) return;
    uint8_t *to = fed_bytes_extend(&text, TEXT_MAX);
    text.len = fread(to, 1, TEXT_MAX, f);
    fclose(f);
    fed_span span = {text.data, text.len};
    if (CHECK_OK(fed_task_parse(&task, span, FED_PLAN_AUTHOR, seed, &err), &err)) {
        const fed_task_numbers *n = fed_task_numbers_of(task);
        CHECK_MSG(n->params == params, "%s: %zu parameters", name, n->params);
        CHECK_MSG(n->invited == invited, "%s: %u invited", name, n->invited);
        check_numbers(task);
        CHECK_OK(fed_task_parse(&again, n->resolved, FED_PLAN_RESOLVED, seed, &err),
                 &err);
        if (again)
            CHECK_MEM(fed_task_numbers_of(again)->plan_address, n->plan_address, 32);
    }
    fed_task_free(task);
    fed_task_free(again);
    fed_bytes_fini(&text);
}

/* Parameters by hand: inputs × units + units, layer by layer. */
static void test_plans(void)
{
    check_plan_file("mnist-lr.json", 784 * 10 + 10, 10);
    check_plan_file("mnist-demo.json", 784 * 100 + 100 + 100 * 10 + 10, 20);
    check_plan_file("mnist-mlp.json", 784 * 200 + 200 + 200 * 200 + 200 + 200 * 10 + 10,
                    20);
    check_plan_file("mnist-cnn.json",
                    5 * 5 * 1 * 32 + 32 + 5 * 5 * 32 * 64 + 64 + 7 * 7 * 64 * 512 + 512 +
                        512 * 10 + 10,
                    10);
    check_plan_file("har-mlp.json", 91 * 256 + 256 + 256 * 18 + 18, 40);
}

static void test_small_numbers(void)
{
    fed_task *task = make("");
    const fed_task_numbers *n = fed_task_numbers_of(task);
    CHECK_EQ(n->params, SMALL_PARAMS);
    CHECK_EQ(n->invited, 7); /* ceil(5 · 1.3) */
    CHECK_EQ(n->min_survivors, 1);
    CHECK_EQ(fed_task_steps(task, 0), 0);
    CHECK_EQ(fed_task_steps(task, 1), 3);
    CHECK_EQ(fed_task_steps(task, 8), 3);
    CHECK_EQ(fed_task_steps(task, 9), 6);
    CHECK_EQ(fed_task_weight(task, 1000), 1);
    CHECK_EQ(fed_task_input_bytes(task), 80);
    CHECK_EQ(fed_task_target_bytes(task), 4);
    CHECK_MEM(fed_task_seed(task), seed, 32);
    check_numbers(task);
    fed_task_free(task);

    task = make("rounds.min_survivors=3 update.weight=examples update.max_weight=50");
    CHECK_EQ(fed_task_numbers_of(task)->min_survivors, 3);
    CHECK_EQ(fed_task_weight(task, 0), 1);
    CHECK_EQ(fed_task_weight(task, 20), 20);
    CHECK_EQ(fed_task_weight(task, 51), 50);
    fed_task_free(task);
}

/* With masks the floor is what the plan tolerates to lose. */
static void test_floor_with_secagg(void)
{
    fed_task *task =
        make("secagg={\"enabled\":true,\"adversary\":\"curious\",\"corrupt\":"
             "0,\"dropout\":0.3} rounds.cohort=20 rounds.over_select=1.25");
    if (task) CHECK_EQ(fed_task_numbers_of(task)->invited, 25);
    if (task) CHECK_EQ(fed_task_numbers_of(task)->min_survivors, 18); /* ceil(0.7·25) */
    fed_task_free(task);
}

static double lr_at(const char *schedule, uint64_t version)
{
    char text[256];
    snprintf(text, sizeof text, "train.lr=0.8 rounds.count=10 %s", schedule);
    fed_task *task = make(text);
    double lr = task ? fed_task_optimizer(task, version).lr : NAN;
    fed_task_free(task);
    return lr;
}

static void test_schedules(void)
{
    CHECK_NEAR(lr_at("train.schedule=constant", 7), 0.8, 1e-12);
    CHECK_NEAR(lr_at("train.schedule=constant train.warmup_rounds=3", 0), 0.2, 1e-12);
    CHECK_NEAR(lr_at("train.schedule=constant train.warmup_rounds=3", 2), 0.6, 1e-12);
    CHECK_NEAR(lr_at("train.schedule=constant train.warmup_rounds=3", 3), 0.8, 1e-12);
    CHECK_NEAR(lr_at("train.schedule=linear train.lr_end=0.5", 5), 0.6, 1e-12);
    CHECK_NEAR(lr_at("train.schedule=linear train.lr_end=0.5", 10), 0.4, 1e-12);
    CHECK_NEAR(lr_at("train.schedule=cosine train.lr_end=0", 5), 0.4, 1e-12);
    CHECK_NEAR(lr_at("train.schedule=cosine train.lr_end=0", 99), 0, 1e-12);
    CHECK_NEAR(lr_at("train.schedule=step train.lr_decay=0.5 train.decay_rounds=2", 5),
               0.2, 1e-12);
}

static void test_optimizer(void)
{
    fed_task *task = make("train.optimizer=adam train.beta1=0.8 train.weight_decay=0.01 "
                          "train.clip_grad=2 train.prox_mu=0.1");
    fed_optimizer_config c = fed_task_optimizer(task, 0);
    CHECK_EQ(c.kind, FED_ADAM);
    CHECK_NEAR(c.beta1, 0.8, 1e-12);
    CHECK_NEAR(c.weight_decay, 0.01, 1e-12);
    CHECK_NEAR(c.clip_norm, 2, 1e-12);
    CHECK_NEAR(c.proximal, 0.1, 1e-12);
    fed_task_free(task);
}

/* ---- refusals ----------------------------------------------------------------------------- */

static void test_refusals(void)
{
    static const struct {
        const char *change;
        fed_status status;
        const char *text;
    } rows[] = {
        {"strategy.name=scaffold", FED_E_UNSUPPORTED, "strategy.name"},
        {"strategy.name=krum", FED_E_UNSUPPORTED, "strategy.name"},
        {"strategy.name=fednova", FED_E_UNSUPPORTED, "strategy.name"},
        {"evaluate.on=devices", FED_E_UNSUPPORTED, "evaluate.on"},
        {"model.init="
         "\"00000000000000000000000000000000000000000000000000000000000000aa\"",
         FED_E_UNSUPPORTED, "model.init"},
        {"eligibility.tags=[\"a\"]", FED_E_UNSUPPORTED, "eligibility.tags"},
        {"eligibility.min_battery=0.5", FED_E_UNSUPPORTED, "eligibility.min_battery"},
        {"model.layers.1.op=conv2d model.layers.1.filters=3 model.layers.1.kernel=3",
         FED_E_INVALID, "model"},
        {"train.freeze=[\"nobody\"]", FED_E_INVALID, "nobody"},
        {"train.memory_bytes=4096", FED_E_LIMIT, "4096"},
        {"train.batch=0", FED_E_INVALID, "train.batch"},
        {"secagg.enabled=true secagg.corrupt=0.3 secagg.dropout=0.3", FED_E_REFUSED,
         "secagg"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fed_error err = {0};
        fed_task *task = NULL;
        fed_status status = try_task(rows[i].change, &task, &err);
        CHECK_MSG(status == rows[i].status && strstr(err.text, rows[i].text),
                  "%s: %s: %s", rows[i].change, fed_status_name(status), err.text);
        CHECK(!task);
        fed_task_free(task);
    }
}

/* ---- parameters --------------------------------------------------------------------------- */

static void test_parameters(void)
{
    fed_error err;
    fed_bytes file;
    float a[SMALL_PARAMS], b[SMALL_PARAMS];
    fed_task *task = make(""), *other = NULL;
    static const uint8_t other_seed[32] = {8};
    fed_span text = {(const uint8_t *)small, sizeof small - 1};
    CHECK_OK(fed_task_parse(&other, text, FED_PLAN_AUTHOR, other_seed, &err), &err);
    fed_task_init_params(task, a);
    fed_task_init_params(task, b);
    CHECK_MEM(a, b, sizeof a);
    fed_task_init_params(other, b);
    CHECK_MSG(memcmp(a, b, sizeof a) != 0, "another seed gives other weights");
    fed_bytes_init(&file, 1 << 20);
    CHECK_OK(fed_task_write_model(task, a, &file, &err), &err);
    CHECK_OK(fed_task_read_model(task, (fed_span){file.data, file.len}, b, &err), &err);
    CHECK_MEM(a, b, sizeof a);
    CHECK_FAILS(fed_task_read_model(task, (fed_span){file.data, file.len - 1}, b, &err),
                FED_E_FORMAT, &err, "");
    fed_task *wider = make("model.layers.0.units=9");
    float c[SMALL_PARAMS + 25];
    CHECK_FAILS(fed_task_read_model(wider, (fed_span){file.data, file.len}, c, &err),
                FED_E_FORMAT, &err, "");
    a[3] = NAN;
    CHECK_FAILS(fed_task_write_model(task, a, &file, &err), FED_E_NUMERIC, &err, "");
    fed_bytes_fini(&file);
    fed_task_free(task);
    fed_task_free(other);
    fed_task_free(wider);
}

/* ---- both halves -------------------------------------------------------------------------- */

static void draw_update(float *x, unsigned device)
{
    fed_stream s;
    uint8_t key[32] = {(uint8_t)device};
    fed_stream_init(&s, key, FED_PURPOSE_TEST, 0);
    for (size_t i = 0; i < SMALL_PARAMS; i++)
        x[i] = 0.05f * (fed_stream_uniform(&s) - 0.5f); /* below the clip norm */
}

/* Three devices' updates through upload and sum: their mean, up to the rounding of 12 bits. */
static void check_pipeline(const char *assignments, double tolerance)
{
    enum { DEVICES = 3 };
    fed_error err;
    fed_codec_round *round = NULL;
    fed_codec_sum sum = {0};
    fed_codec_outcome outcome;
    float delta[SMALL_PARAMS], mean[SMALL_PARAMS];
    double wanted[SMALL_PARAMS] = {0};
    fed_task *task = make(assignments);
    const fed_codec *codec = fed_task_codec(task);
    CHECK_OK(fed_codec_round_first(codec, 0, &round, &err), &err);
    CHECK_OK(fed_codec_sum_init(codec, round, &sum, &err), &err);
    for (unsigned d = 0; d < DEVICES; d++) {
        fed_bytes upload;
        uint8_t key[32] = {(uint8_t)(d + 1), 9};
        draw_update(delta, d);
        fed_task_update update = {.delta = delta, .examples = 5, .key = key};
        fed_bytes_init(&upload, 1 << 20);
        CHECK_OK(fed_task_encode(task, round, &update, NULL, &upload, NULL, &err), &err);
        CHECK_EQ(upload.len, fed_task_numbers_of(task)->update_bytes);
        fed_span bytes = {upload.data, upload.len};
        CHECK_OK(fed_codec_sum_add_bytes(codec, round, &sum, bytes, &err), &err);
        fed_bytes_fini(&upload);
        for (size_t i = 0; i < SMALL_PARAMS; i++)
            wanted[i] += (double)delta[i] / DEVICES;
    }
    CHECK_OK(fed_task_decode(task, round, &sum, mean, &outcome, NULL, &err), &err);
    CHECK_EQ(outcome.n, DEVICES);
    for (size_t i = 0; i < SMALL_PARAMS; i++)
        CHECK_NEAR(mean[i], wanted[i], tolerance);
    fed_codec_sum_fini(&sum);
    fed_codec_round_free(round);
    fed_task_free(task);
}

static void test_pipeline(void)
{
    check_pipeline("", 2e-3);
    check_pipeline("update.rotate=none", 2e-3);
    check_pipeline("update.bits=16", 2e-4);
    check_pipeline("update.bits=float32", 1e-6);
}

static void test_round_blob(void)
{
    fed_error err;
    fed_bytes blob;
    fed_codec_round *round = NULL, *back = NULL;
    fed_task *task = make("");
    CHECK_OK(fed_codec_round_first(fed_task_codec(task), 0, &round, &err), &err);
    fed_bytes_init(&blob, 1 << 20);
    CHECK_OK(fed_task_write_round(task, round, &blob, &err), &err);
    fed_span span = {blob.data, blob.len};
    CHECK_OK(fed_task_read_round(task, span, 0, &back, &err), &err);
    fed_codec_round_free(back);
    CHECK_FAILS(fed_task_read_round(task, span, 1, &back, &err), FED_E_FORMAT, &err,
                "of version 0, wanted 1");
    CHECK(!back);
    CHECK_FAILS(
        fed_task_read_round(task, (fed_span){blob.data, blob.len - 1}, 0, &back, &err),
        FED_E_FORMAT, &err, "");
    fed_bytes_fini(&blob);
    fed_codec_round_free(round);
    fed_task_free(task);
}

/* ---- evaluation --------------------------------------------------------------------------- */

static fed_status fetch(void *ctx, const uint32_t *rows, size_t n, void *inputs,
                        void *targets)
{
    return fed_data_fetch(ctx, rows, n, inputs, targets);
}

/* All weights zero: every class is as likely, so the loss is ln 4; and any number of threads
 * gives the same bits. */
static void test_evaluation(void)
{
    fed_error err;
    fed_data *data = NULL;
    fed_pool *pool = NULL;
    fed_evaluation one, many;
    float params[SMALL_PARAMS] = {0};
    fed_task *task = make("");
    CHECK_OK(fed_data_open("synthetic:gaussian?dims=20&classes=4&rows=3000",
                           FED_DATA_TRAIN, &data, &err),
             &err);
    fed_examples examples = {fed_data_describe(data)->rows, fetch, data};
    CHECK_OK(fed_evaluate_examples(task, params, &examples, NULL, &one, &err), &err);
    CHECK_EQ(one.counted, examples.count);
    CHECK_NEAR(one.loss_sum / (double)one.counted, log(4), 1e-6);
    fed_task_init_params(task, params);
    CHECK_OK(fed_pool_new(&pool, 3, &err), &err);
    CHECK_OK(fed_evaluate_examples(task, params, &examples, NULL, &one, &err), &err);
    CHECK_OK(fed_evaluate_examples(task, params, &examples, fed_pool_parallel(pool),
                                   &many, &err),
             &err);
    CHECK_MEM(&one.loss_sum, &many.loss_sum, sizeof one.loss_sum);
    CHECK_EQ(one.correct, many.correct);
    examples.count = 0;
    CHECK_OK(fed_evaluate_examples(task, params, &examples, NULL, &one, &err), &err);
    CHECK_EQ(one.counted, 0);
    fed_pool_free(pool);
    fed_data_free(data);
    fed_task_free(task);
}

/* ---- a failing allocation ----------------------------------------------------------------- */

static fed_status make_once(void *ctx)
{
    fed_error err;
    fed_task *task = NULL;
    const fed_bytes *text = ctx;
    fed_status status = fed_task_parse(&task, (fed_span){text->data, text->len},
                                       FED_PLAN_AUTHOR, seed, &err);
    fed_task_free(task);
    return status;
}

static void test_torture(void)
{
    fed_error err;
    fed_bytes text;
    CHECK_OK(change("", &text, &err), &err);
    fed_note("%zu allocations", fed_torture(make_once, &text));
    fed_bytes_fini(&text);
    CHECK_OK(
        change("update.select=voted update.fraction=0.5 update.block=4", &text, &err),
        &err);
    fed_note("%zu allocations with votes", fed_torture(make_once, &text));
    fed_bytes_fini(&text);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_plans),      CASE(test_small_numbers), CASE(test_floor_with_secagg),
        CASE(test_schedules),  CASE(test_optimizer),     CASE(test_refusals),
        CASE(test_difference), CASE(test_parameters),    CASE(test_pipeline),
        CASE(test_round_blob), CASE(test_evaluation),    CASE(test_torture)};
    return fed_run("task", cases, sizeof cases / sizeof *cases);
}
