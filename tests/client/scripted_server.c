#include "scripted_server.h"

#include <stdio.h>
#include <string.h>

enum { TASK, PLAN, VERSION, MODEL, DIFFERENCE };

static const char plan_text[] =
    "{\"format\":\"fed-plan/1\",\"name\":\"script\",\"model\":{\"input\":{\"shape\":[6]},"
    "\"layers\":[{\"op\":\"linear\",\"units\":3}],\"loss\":\"softmax_cross_entropy\"},"
    "\"train\":{\"lr\":0.1,\"batch\":5,\"epochs\":4},"
    "\"update\":{\"select\":\"dense\",\"bits\":8},\"secagg\":{\"enabled\":false},"
    "\"rounds\":{\"count\":6,\"cohort\":3,\"over_select\":1.0}}";

fed_status fed_script_fetch(void *ctx, const uint32_t *rows, size_t n, void *inputs,
                            void *targets)
{
    float *x = inputs;
    int32_t *y = targets;
    (void)ctx;
    for (size_t i = 0; i < n; i++) {
        y[i] = (int32_t)(rows[i] % FED_SCRIPT_CLASSES);
        for (int k = 0; k < FED_SCRIPT_FEATURES; k++)
            x[i * FED_SCRIPT_FEATURES + (size_t)k] =
                k % FED_SCRIPT_CLASSES == y[i] ? 1 : -0.1f * (float)(rows[i] % 7);
    }
    return FED_OK;
}

/* ---- blobs ------------------------------------------------------------------------------ */

static fed_status put_blob(fed_script *s, int which, const fed_bytes *bytes,
                           fed_error *err)
{
    fed_bytes_put(&s->blobs[which], bytes->data, bytes->len);
    FED_TRY(s->blobs[which].status);
    return fed_address_of(bytes->data, bytes->len, &s->addresses[which], err);
}

static fed_status make_plan(fed_script *s, const fed_task *task, fed_error *err)
{
    fed_span resolved = fed_task_numbers_of(task)->resolved;
    fed_bytes text;
    fed_bytes_init(&text, 1 << 20);
    if (s->lie == FED_LIE_PLAN_FIELD) {
        fed_bytes_put_text(&text, "{\"extra\":1,");
        fed_bytes_put(&text, resolved.data + 1, resolved.len - 1);
    } else if (s->lie == FED_LIE_PLAN_AUTHOR) {
        fed_bytes_put_text(&text, plan_text);
    } else if (s->lie == FED_LIE_PLAN_TEXT) {
        fed_bytes_put_text(&text, "once upon a time");
    } else {
        fed_bytes_put(&text, resolved.data, resolved.len);
    }
    fed_status status = put_blob(s, PLAN, &text, err);
    fed_bytes_fini(&text);
    return status;
}

static fed_status make_model(fed_script *s, const fed_task *task, fed_error *err)
{
    fed_bytes file;
    float params[64] = {0};
    fed_bytes_init(&file, 1 << 20);
    fed_task_init_params(task, params);
    params[0] += (float)s->version; /* every version has a model of its own */
    fed_status status = fed_task_write_model(task, params, &file, err);
    if (s->lie == FED_LIE_MODEL_SHAPE) fed_bytes_put_text(&file, "more");
    if (!status) status = put_blob(s, MODEL, &file, err);
    fed_bytes_fini(&file);
    return status;
}

static fed_status lie_about_difference(fed_script *s, fed_bytes *out, fed_error *err)
{
    static const uint8_t zeros[1 << 20];
    if (s->lie == FED_LIE_DIFFERENCE_TEXT) fed_bytes_put_text(out, "no difference");
    if (s->lie == FED_LIE_DIFFERENCE_BOMB)
        return fed_blob_compress((fed_span){zeros, sizeof zeros}, 1, out, err);
    return FED_OK;
}

/* From the version before to this one. */
static fed_status make_difference(fed_script *s, const fed_task *task, fed_error *err)
{
    fed_bytes bytes;
    float from[64] = {0}, to[64] = {0};
    if (!s->version) return FED_OK;
    fed_task_init_params(task, from);
    fed_task_init_params(task, to);
    from[0] += (float)(s->version - 1);
    to[0] += (float)s->version + (s->lie == FED_LIE_DIFFERENCE_WRONG);
    fed_bytes_init(&bytes, 1 << 21);
    fed_status status = lie_about_difference(s, &bytes, err);
    if (!status && !bytes.len)
        status = fed_task_write_difference(task, from, to, &bytes, err);
    if (!status) status = put_blob(s, DIFFERENCE, &bytes, err);
    fed_bytes_fini(&bytes);
    return status;
}

static fed_status make_task(fed_script *s, fed_error *err)
{
    fed_bytes text;
    uint8_t signer[32];
    fed_task_document *d = &s->document;
    memcpy(signer, s->operator_seed, 32);
    if (s->lie == FED_LIE_OPERATOR) signer[5] ^= 1;
    *d = (fed_task_document){.name = "script", .seed = {5}, .expires_ms = INT64_MAX};
    snprintf(d->population, sizeof d->population, "%s",
             s->lie == FED_LIE_POPULATION ? "others" : "test");
    if (s->lie == FED_LIE_NEW_TASK) snprintf(d->name, sizeof d->name, "again");
    if (s->lie == FED_LIE_EXPIRED) d->expires_ms = 1000000;
    d->plan = s->addresses[PLAN];
    d->plan_length = s->blobs[PLAN].len;
    d->model = (fed_address){{9}}; /* the initial model, which nobody fetches */
    d->model_length =
        s->lie == FED_LIE_MODEL_LENGTH ? UINT64_C(1) << 33 : s->blobs[MODEL].len;
    fed_bytes_init(&text, FED_TASK_DOCUMENT_MAX);
    FED_TRY(fed_ed25519_public(s->server_seed, d->server_key, err));
    FED_TRY(fed_task_document_address(d, &s->task_id, err));
    fed_status status = fed_task_document_sign(d, signer, &text, err);
    if (!status) status = put_blob(s, TASK, &text, err);
    fed_bytes_fini(&text);
    return status;
}

static fed_status make_version(fed_script *s, const fed_task *task, fed_error *err)
{
    fed_bytes round, text;
    fed_codec_round *state = NULL;
    uint8_t signer[32];
    memcpy(signer, s->server_seed, 32);
    if (s->lie == FED_LIE_SERVER_KEY) signer[5] ^= 1;
    fed_version_document d = {.task = s->task_id,
                              .version = s->version + (s->lie == FED_LIE_VERSION),
                              .model = s->addresses[MODEL]};
    if (d.version) d.parent.bytes[0] = 1;
    if (s->version) {
        d.n_differences = 1;
        d.differences[0].address = s->addresses[DIFFERENCE];
        d.differences[0].length = s->blobs[DIFFERENCE].len;
    }
    if (s->lie == FED_LIE_VERSION_TASK) d.task.bytes[0] ^= 1;
    FED_TRY(fed_codec_round_first(fed_task_codec(task), s->version, &state, err));
    fed_bytes_init(&round, FED_ROUND_INLINE_MAX);
    fed_bytes_init(&text, FED_VERSION_DOCUMENT_MAX);
    fed_status status = fed_task_write_round(task, state, &round, err);
    if (s->lie == FED_LIE_ROUND) fed_bytes_put_text(&round, "left over");
    d.round = (fed_span){round.data, round.len};
    d.round_length = round.len;
    if (!status) status = fed_version_document_sign(&d, signer, &text, err);
    if (!status) status = put_blob(s, VERSION, &text, err);
    fed_codec_round_free(state);
    fed_bytes_fini(&round);
    fed_bytes_fini(&text);
    return status;
}

/* What is served is not what was named. */
static void spoil(fed_script *s)
{
    static const struct {
        fed_lie lie;
        int blob;
    } spoilt[] = {{FED_LIE_TASK_BYTES, TASK},
                  {FED_LIE_PLAN_BYTES, PLAN},
                  {FED_LIE_VERSION_BYTES, VERSION},
                  {FED_LIE_MODEL_BYTES, MODEL},
                  {FED_LIE_DIFFERENCE_BYTES, DIFFERENCE}};
    for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++)
        if (spoilt[i].lie == s->lie && s->blobs[spoilt[i].blob].len)
            s->blobs[spoilt[i].blob].data[20] ^= 1;
    if (s->lie == FED_LIE_MODEL_CUT) s->blobs[MODEL].len--;
}

enum { CHANGES_MAX = 16 };

/* The plan with changes, parted by spaces; NULL: as it is. */
static fed_status parse_plan(const char *changes, const uint8_t seed[32], fed_task **task,
                             fed_error *err)
{
    char words[512] = "", *rest = NULL;
    const char *change[CHANGES_MAX];
    size_t n = 0;
    fed_bytes text;
    if (changes) snprintf(words, sizeof words, "%s", changes);
    for (char *w = strtok_r(words, " ", &rest); w && n < CHANGES_MAX;
         w = strtok_r(NULL, " ", &rest))
        change[n++] = w;
    fed_bytes_init(&text, 1 << 16);
    fed_bytes_put_text(&text, plan_text);
    fed_status status = fed_plan_set_all(&text, change, n, err);
    if (!status)
        status = fed_task_parse(task, (fed_span){text.data, text.len}, FED_PLAN_AUTHOR,
                                seed, err);
    fed_bytes_fini(&text);
    return status;
}

fed_status fed_script_init(fed_script *s, fed_lie lie, uint64_t version, fed_error *err)
{
    return fed_script_init_changed(s, lie, version, NULL, err);
}

fed_status fed_script_init_changed(fed_script *s, fed_lie lie, uint64_t version,
                                   const char *changes, fed_error *err)
{
    fed_task *task = NULL;
    uint8_t seed[32] = {5};
    *s = (fed_script){
        .operator_seed = {1}, .server_seed = {2}, .lie = lie, .version = version};
    for (int i = 0; i < FED_SCRIPT_BLOBS; i++)
        fed_bytes_init(&s->blobs[i], 1 << 20);
    FED_TRY(fed_ed25519_public(s->operator_seed, s->operator_key, err));
    FED_TRY(parse_plan(changes, seed, &task, err));
    fed_status status = make_plan(s, task, err);
    if (!status) status = make_model(s, task, err);
    if (!status) status = make_difference(s, task, err);
    if (!status) status = make_task(s, err);
    if (!status) status = make_version(s, task, err);
    if (!status) spoil(s);
    fed_task_free(task);
    return status;
}

void fed_script_fini(fed_script *s)
{
    for (int i = 0; i < FED_SCRIPT_BLOBS; i++)
        fed_bytes_fini(&s->blobs[i]);
}

/* ---- answers ----------------------------------------------------------------------------- */

static uint32_t answer_checkin(const fed_script *s, fed_bytes *out)
{
    fed_checkin_answer a = {
        .has_task = true, .version = s->version, .train_by_ms = 60000};
    memcpy(a.task, s->task_id.bytes, 32);
    if (s->lie == FED_LIE_OTHER_TASK) a.task[0] ^= 1;
    memcpy(a.task_blob, s->addresses[TASK].bytes, 32);
    memcpy(a.version_blob, s->addresses[VERSION].bytes, 32);
    return fed_checkin_answer_put(out, &a, NULL) ? FED_HTTP_INTERNAL : FED_HTTP_OK;
}

static uint32_t answer_blob(const fed_script *s, fed_span body, fed_bytes *out)
{
    for (int i = 0; i < FED_SCRIPT_BLOBS; i++) {
        if (body.len != 32 || memcmp(body.data, s->addresses[i].bytes, 32) != 0) continue;
        if (i == DIFFERENCE && s->lie == FED_LIE_DIFFERENCE_GONE) break;
        fed_bytes_put(out, s->blobs[i].data, s->blobs[i].len);
        return FED_HTTP_OK;
    }
    return FED_HTTP_NOT_FOUND;
}

static uint32_t answer_phase(fed_phase phase, fed_bytes *out)
{
    fed_answer a = {.phase = phase, .members = 1, .phase_ms = 1000, .version = 1};
    fed_answer_put(out, &a);
    return FED_HTTP_OK;
}

uint32_t fed_script_answer(fed_script *s, uint32_t type, fed_span body, fed_bytes *out)
{
    fed_placed placed = {.cohort = {7}, .join_by_ms = 1000};
    s->requests++;
    switch ((fed_request)type) {
    case FED_REQUEST_CHECKIN:
        return answer_checkin(s, out);
    case FED_REQUEST_BLOB:
        return answer_blob(s, body, out);
    case FED_REQUEST_PLACE:
        fed_placed_put(out, &placed);
        return FED_HTTP_OK;
    case FED_REQUEST_JOIN:
        return answer_phase(FED_PHASE_INPUT, out);
    case FED_REQUEST_INPUT:
    case FED_REQUEST_INBOX:
        return answer_phase(FED_PHASE_DONE, out);
    default:
        return FED_HTTP_NOT_FOUND;
    }
}
