/* Fetch: the signed task, its plan, the signed version, its round, its model or the difference
 * to it; what is at hand already is not fetched again. Each blob is checked against the
 * address that a signed document gave it before anything looks inside. */
#include "session_internal.h"

#include <string.h>

/* The difference that leads from the model at hand to the offered version, or NULL. */
static const fed_version_difference *difference_from_here(const fed_session *s)
{
    const fed_version_document *v = &s->version;
    if (!s->has_params || s->accepted_version >= v->version) return NULL;
    uint64_t back = v->version - s->accepted_version;
    return back <= v->n_differences ? &v->differences[back - 1] : NULL;
}

static const fed_address *wanted(fed_session *s, fed_address *from_offer)
{
    switch (s->fetching) {
    case FED_FETCH_TASK:
        memcpy(from_offer->bytes, s->offer.task_blob, FED_ADDRESS_BYTES);
        return from_offer;
    case FED_FETCH_PLAN:
        return &s->document.plan;
    case FED_FETCH_VERSION:
        memcpy(from_offer->bytes, s->offer.version_blob, FED_ADDRESS_BYTES);
        return from_offer;
    case FED_FETCH_ROUND:
        return &s->version.round_address;
    case FED_FETCH_DIFFERENCE:
        return &difference_from_here(s)->address;
    default:
        return &s->version.model;
    }
}

/* What the plan promises to a device, and what this one insists on. */
static fed_status check_promise(const fed_session *s, fed_error *err)
{
    const fed_session_floor *floor = &s->config.floor;
    uint64_t most = fed_task_privacy(s->task)->max_participations;
    double output, server;
    fed_task_privacy_budgets(s->task, &output, &server);
    if (floor->epsilon > 0 && server > floor->epsilon)
        return fed_fail(err, FED_E_REFUSED,
                        "floor: privacy.epsilon_server: %g, this device allows %g",
                        server, floor->epsilon);
    if (floor->max_participations && (!most || most > floor->max_participations))
        return fed_fail(
            err, FED_E_REFUSED,
            "floor: privacy.max_participations: %llu, this device allows %llu",
            (unsigned long long)most, (unsigned long long)floor->max_participations);
    return FED_OK;
}

/* The device's own floor, which no server and no operator can lower. */
static fed_status check_floor(const fed_session *s, fed_error *err)
{
    const fed_plan *plan = fed_task_plan(s->task);
    if (s->config.floor.secagg && !plan->secagg.enabled)
        return fed_fail(err, FED_E_REFUSED,
                        "floor: secagg.enabled: false, this device insists on it");
    if (s->config.floor.privacy && !fed_task_privacy(s->task))
        return fed_fail(err, FED_E_REFUSED,
                        "floor: privacy.mechanism: \"none\", this device insists on one");
    if (plan->secagg.enabled && !s->config.is_enrolled)
        return fed_fail(err, FED_E_REFUSED,
                        "secagg.enabled: this device has no certificate: enrol it");
    return fed_task_privacy(s->task) ? check_promise(s, err) : FED_OK;
}

static bool same_task(const fed_session *s)
{
    return s->task && check_floor(s, NULL) == FED_OK &&
           memcmp(s->offer.task, s->task_id.bytes, FED_ADDRESS_BYTES) == 0;
}

fed_status fed_turn_fetch(fed_turn *t)
{
    fed_session *s = t->s;
    fed_address address;
    if (s->fetching == FED_FETCH_TASK && same_task(s)) s->fetching = FED_FETCH_VERSION;
    const fed_address *address_wanted = wanted(s, &address);
    return fed_turn_ask(t, FED_REQUEST_BLOB, address_wanted->bytes, FED_ADDRESS_BYTES);
}

/* ---- task and plan -------------------------------------------------------------------- */

/* The document is kept (in version_bytes) until the plan is there. */
static fed_status take_task(fed_turn *t, fed_span blob)
{
    fed_session *s = t->s;
    fed_task_document document;
    fed_address id;
    FED_TRY(fed_task_document_open(blob, s->config.operator_key, &document, &id, t->err));
    if (memcmp(id.bytes, s->offer.task, sizeof id.bytes) != 0)
        return fed_fail(t->err, FED_E_AUTH, "task: not the one that was offered");
    if (strcmp(document.population, s->config.population) != 0)
        return fed_fail(t->err, FED_E_REFUSED,
                        "task: for population %s, this device is %s", document.population,
                        s->config.population);
    if (document.expires_ms <= t->now + s->config.wall_offset_ms)
        return fed_fail(t->err, FED_E_REFUSED, "task: it has expired");
    if (document.model_length > s->config.max_model_bytes)
        return fed_fail(t->err, FED_E_LIMIT, "task: a model of %llu bytes, at most %llu",
                        (unsigned long long)document.model_length,
                        (unsigned long long)s->config.max_model_bytes);
    s->document = document;
    fed_bytes_clear(&s->version_bytes);
    fed_bytes_put(&s->version_bytes, blob.data, blob.len);
    s->fetching = FED_FETCH_PLAN;
    return s->version_bytes.status;
}

fed_status fed_session_set_task(fed_session *s, const fed_task_document *document,
                                const fed_address *id, fed_span plan, fed_error *err)
{
    fed_task *task = NULL;
    FED_TRY(fed_address_check(&document->plan, plan.data, plan.len, err));
    FED_TRY(fed_task_parse(&task, plan, FED_PLAN_RESOLVED, document->seed, err));
    size_t n = fed_task_numbers_of(task)->params;
    float *params = fed_calloc(n, sizeof *params);
    if (!params) {
        fed_task_free(task);
        return fed_fail_nomem(err, n * sizeof *params);
    }
    fed_trainer_free(s->trainer);
    s->trainer = NULL;
    fed_codec_round_free(s->round);
    s->round = NULL;
    fed_task_free(s->task);
    fed_free(s->params);
    s->task = task;
    s->params = params;
    s->has_params = s->has_accepted = false;
    s->document = *document;
    s->task_id = *id;
    s->accepted_version = 0;
    fed_bytes_wipe(&s->residual);
    s->residual_version = 0;
    return FED_OK;
}

static fed_status take_plan(fed_turn *t, fed_span blob)
{
    fed_session *s = t->s;
    fed_address id;
    memcpy(id.bytes, s->offer.task, sizeof id.bytes);
    fed_span document = {s->version_bytes.data, s->version_bytes.len};
    FED_TRY(fed_session_set_task(s, &s->document, &id, blob, t->err));
    FED_TRY(check_floor(s, t->err));
    FED_TRY(fed_turn_store_task(t, document, blob));
    FED_TRY(fed_turn_store_progress(t)); /* no version of it is accepted yet */
    s->fetching = FED_FETCH_VERSION;
    return FED_OK;
}

/* ---- version, round and model --------------------------------------------------------- */

bool fed_session_has_spent(const fed_session *s, const fed_address *model,
                           uint64_t version)
{
    uint32_t kept =
        s->n_spent < FED_SESSION_SPENT_KEPT ? s->n_spent : FED_SESSION_SPENT_KEPT;
    for (uint32_t i = 0; i < kept; i++)
        if (fed_address_equal(&s->spent_models[i], model)) return true;
    return s->has_accepted && version < s->accepted_version;
}

/* The model in s->params is that of the version document. */
static fed_status accept_model(fed_turn *t)
{
    fed_session *s = t->s;
    s->has_params = s->has_accepted = true;
    s->accepted_version = s->version.version;
    s->params_address = s->version.model;
    s->fetching = FED_FETCH_NOTHING;
    return fed_turn_store_model(t);
}

static fed_status take_round(fed_turn *t, fed_span blob)
{
    fed_session *s = t->s;
    fed_codec_round *round = NULL;
    FED_TRY(fed_task_read_round(s->task, blob, s->version.version, &round, t->err));
    fed_codec_round_free(s->round);
    s->round = round;
    if (s->has_params && fed_address_equal(&s->params_address, &s->version.model))
        return accept_model(t);
    const fed_version_difference *difference = difference_from_here(s);
    bool pays = difference && difference->length < s->document.model_length;
    s->fetching = pays ? FED_FETCH_DIFFERENCE : FED_FETCH_MODEL;
    return FED_OK;
}

static fed_status take_version(fed_turn *t, fed_span blob)
{
    fed_session *s = t->s;
    fed_bytes_clear(&s->version_bytes);
    fed_bytes_put(&s->version_bytes, blob.data, blob.len);
    FED_TRY(s->version_bytes.status);
    fed_span kept = {s->version_bytes.data, s->version_bytes.len};
    FED_TRY(
        fed_version_document_open(kept, &s->document, &s->task_id, &s->version, t->err));
    memcpy(s->round_key, s->offer.version_blob, sizeof s->round_key);
    if (s->version.version != s->offer.version)
        return fed_fail(
            t->err, FED_E_AUTH, "version: %llu, not the %llu that was offered",
            (unsigned long long)s->version.version, (unsigned long long)s->offer.version);
    if (s->has_accepted && s->version.version < s->accepted_version)
        return fed_fail(t->err, FED_E_REFUSED, "version: %llu is older than %llu",
                        (unsigned long long)s->version.version,
                        (unsigned long long)s->accepted_version);
    if (fed_session_has_spent(s, &s->version.model, s->version.version))
        return fed_fail(t->err, FED_E_REFUSED, "version: this model is spent");
    if (fed_session_rest_left(s, t->now))
        return fed_fail(t->err, FED_E_REFUSED,
                        "eligibility.min_separation_s: %lld, it is too early to take "
                        "part again",
                        (long long)fed_task_plan(s->task)->eligibility.min_separation_s);
    FED_TRY(fed_session_check_ledger(s, s->version.version, t->err));
    s->fetching = FED_FETCH_ROUND;
    if (s->version.round_length > FED_ROUND_INLINE_MAX) return FED_OK;
    return take_round(t, s->version.round);
}

static fed_status take_model(fed_turn *t, fed_span blob)
{
    fed_session *s = t->s;
    s->has_params = false;
    FED_TRY(fed_task_read_model(s->task, blob, s->params, t->err));
    s->info.loaded++;
    return accept_model(t);
}

/* ---- a model from a difference -------------------------------------------------------- */

static fed_status check_rebuilt(const fed_session *s, const float *params, fed_error *err)
{
    fed_bytes file;
    fed_bytes_init(&file, SIZE_MAX);
    fed_status status = fed_task_write_model(s->task, params, &file, err);
    if (!status) status = fed_address_check(&s->version.model, file.data, file.len, err);
    fed_bytes_fini(&file);
    return status;
}

/* The model at hand stays what it is until the new one has proved right. */
static fed_status take_difference(fed_turn *t, fed_span blob)
{
    fed_session *s = t->s;
    size_t bytes = fed_task_numbers_of(s->task)->params * sizeof(float);
    float *rebuilt = fed_malloc(bytes);
    if (!rebuilt) return fed_fail_nomem(t->err, bytes);
    memcpy(rebuilt, s->params, bytes);
    fed_status status = fed_task_apply_difference(s->task, rebuilt, blob, t->err);
    if (!status) status = check_rebuilt(s, rebuilt, t->err);
    if (!status) memcpy(s->params, rebuilt, bytes);
    fed_free(rebuilt);
    FED_TRY(status);
    s->info.rebuilt++;
    return accept_model(t);
}

/* The way round: nothing is lost but bytes. */
static void fall_back(fed_turn *t, const char *why)
{
    t->s->info.fell_back++;
    fed_log(FED_LOG_WARN, "difference_failed", "from=%llu to=%llu reason=\"%.200s\"",
            (unsigned long long)t->s->accepted_version,
            (unsigned long long)t->s->version.version, why);
    t->s->fetching = FED_FETCH_MODEL;
}

/* ---- answers -------------------------------------------------------------------------- */

static fed_status take(fed_turn *t, fed_span blob)
{
    fed_address address;
    const fed_address *expected = wanted(t->s, &address);
    FED_TRY(fed_address_check(expected, blob.data, blob.len, t->err));
    switch (t->s->fetching) {
    case FED_FETCH_TASK:
        return take_task(t, blob);
    case FED_FETCH_PLAN:
        return take_plan(t, blob);
    case FED_FETCH_VERSION:
        return take_version(t, blob);
    case FED_FETCH_ROUND:
        return take_round(t, blob);
    case FED_FETCH_DIFFERENCE:
        return take_difference(t, blob);
    default:
        return take_model(t, blob);
    }
}

fed_status fed_turn_fetch_answer(fed_turn *t, const fed_event *event)
{
    fed_session *s = t->s;
    bool away = event->status == FED_HTTP_NOT_FOUND || event->status == FED_HTTP_GONE;
    bool is_difference = s->fetching == FED_FETCH_DIFFERENCE;
    if (away && is_difference) {
        fall_back(t, "it is not there any more");
        return fed_turn_fetch(t);
    }
    if (away) { /* the federation has moved on */
        s->state = FED_SESSION_WAIT;
        return fed_turn_back_off(t);
    }
    if (event->status != FED_HTTP_OK) return fed_turn_back_off(t);
    fed_status status = take(t, event->body);
    if (status && is_difference && !fed_session_is_own_failure(status)) {
        fall_back(t, t->err->text);
        return fed_turn_fetch(t);
    }
    if (status) return fed_turn_refuse(t, status);
    s->failures = 0;
    if (s->fetching != FED_FETCH_NOTHING) return fed_turn_fetch(t);
    s->state = FED_SESSION_TRAIN;
    FED_TRY(fed_turn_store_progress(t));
    return fed_turn_sleep(t, 0);
}
