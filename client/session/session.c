/* The frame of a session: its one entry, requests, waiting, giving up. */
#include "session_internal.h"

#include <stdio.h>
#include <string.h>

enum { BODY_MAX = 1 << 30 };

const char *fed_session_state_name(fed_session_state state)
{
    static const char *const names[] = {"wait",  "checkin", "fetch", "train",
                                        "place", "join",    "input", "result"};
    return (unsigned)state < sizeof names / sizeof *names ? names[state] : "unknown";
}

fed_status fed_session_new(fed_session **out, const fed_session_config *config,
                           fed_error *err)
{
    *out = NULL;
    fed_session *s = fed_calloc(1, sizeof *s);
    if (!s) return fed_fail_nomem(err, sizeof *s);
    s->config = *config;
    fed_session_set_steps_per_call(s, config->steps_per_call);
    if (!s->config.max_model_bytes) s->config.max_model_bytes = 1 << 30;
    fed_bytes_init(&s->version_bytes, FED_VERSION_DOCUMENT_MAX);
    fed_bytes_init(&s->update, BODY_MAX);
    fed_bytes_init(&s->party_state, SIZE_MAX);
    fed_bytes_init(&s->residual, SIZE_MAX);
    fed_bytes_init(&s->next_residual, SIZE_MAX);
    fed_bytes_init(&s->ledger_bytes, SIZE_MAX);
    fed_status status = fed_ed25519_public(config->identity_seed, s->device_key, err);
    if (status)
        fed_session_free(s);
    else
        *out = s;
    return status;
}

void fed_session_free(fed_session *s)
{
    if (!s) return;
    fed_secagg_device_free(s->party);
    fed_trainer_free(s->trainer);
    fed_codec_round_free(s->round);
    fed_task_free(s->task);
    fed_bytes_fini(&s->version_bytes);
    fed_bytes_wipe(&s->update);
    fed_bytes_wipe(&s->party_state);
    fed_bytes_wipe(&s->residual);
    fed_bytes_wipe(&s->next_residual);
    fed_ledger_free(s->ledger);
    fed_bytes_fini(&s->ledger_bytes);
    fed_free(s->params);
    fed_wipe_free(s, sizeof *s);
}

void fed_session_set_examples(fed_session *s, const fed_examples *examples)
{
    s->config.examples = *examples;
    if (s->trainer) fed_trainer_forget(s->trainer);
}

void fed_session_set_steps_per_call(fed_session *s, uint64_t steps)
{
    s->config.steps_per_call = steps ? steps : UINT64_MAX;
}

void fed_session_set_wall_offset(fed_session *s, int64_t ms)
{
    s->config.wall_offset_ms = ms;
}

fed_session_info fed_session_describe(const fed_session *s)
{
    fed_session_info info = s->info;
    info.state = s->state;
    info.task = s->task_id;
    info.version = s->accepted_version;
    memcpy(info.device_key, s->device_key, sizeof info.device_key);
    return info;
}

const float *fed_session_model(const fed_session *s, const fed_task **task)
{
    *task = s->has_params ? s->task : NULL;
    return s->has_params ? s->params : NULL;
}

/* ---- requests and waiting -------------------------------------------------------------- */

fed_status fed_turn_ask(fed_turn *t, fed_request type, const void *body, size_t n)
{
    t->s->exchange = ++t->s->exchanges;
    t->s->wake_ms = FED_NEVER;
    return fed_outbox_send(t->outbox, t->s->exchange, type, 0, body, n);
}

fed_status fed_turn_ask_signed(fed_turn *t, fed_request type, fed_span body)
{
    fed_session *s = t->s;
    fed_envelope e = {.type = type, .body = body};
    memcpy(e.sender, s->device_key, sizeof e.sender);
    if (type != FED_REQUEST_PLACE) memcpy(e.cohort, s->cohort, sizeof e.cohort);
    fed_bytes frame;
    fed_bytes_init(&frame, body.len + FED_ENVELOPE_OVERHEAD);
    fed_status status = fed_envelope_seal(&frame, &e, s->config.identity_seed, t->err);
    if (status) {
        fed_bytes_fini(&frame);
        return status;
    }
    s->exchange = ++s->exchanges;
    s->wake_ms = FED_NEVER;
    return fed_outbox_send_taken(t->outbox, s->exchange, type, 0, &frame);
}

fed_status fed_turn_sleep(fed_turn *t, int64_t ms)
{
    t->s->exchange = 0;
    t->s->wake_ms = t->now + ms;
    return FED_OK;
}

fed_status fed_turn_back_off(fed_turn *t)
{
    uint32_t jitter;
    int64_t pause = FED_SESSION_BACKOFF_MIN_MS;
    for (uint32_t i = 0; i < t->s->failures && pause < FED_SESSION_BACKOFF_MAX_MS; i++)
        pause *= 2;
    if (pause > FED_SESSION_BACKOFF_MAX_MS) pause = FED_SESSION_BACKOFF_MAX_MS;
    t->s->failures++;
    FED_TRY(fed_random_fill(&t->s->config.random, "back-off jitter", t->s->draws++,
                            &jitter, sizeof jitter));
    return fed_turn_sleep(t, pause / 2 + jitter % (uint32_t)pause);
}

fed_status fed_turn_rest(fed_turn *t, int64_t ms)
{
    t->s->state = FED_SESSION_WAIT;
    return fed_turn_sleep(t, ms);
}

bool fed_session_is_own_failure(fed_status why)
{
    return why == FED_E_NOMEM || why == FED_E_CRYPTO || why == FED_E_INTERNAL;
}

fed_status fed_turn_refuse(fed_turn *t, fed_status why)
{
    if (fed_session_is_own_failure(why)) return why;
    t->s->info.refused++;
    snprintf(t->s->info.last_refusal, sizeof t->s->info.last_refusal, "%.190s",
             t->err->text);
    fed_log(FED_LOG_WARN, "offer_refused", "reason=\"%.300s\"", t->err->text);
    t->s->state = FED_SESSION_WAIT;
    t->s->failures =
        t->s->refusals++; /* a good check-in does not make the offer better */
    return fed_turn_back_off(t);
}

fed_status fed_turn_drop(fed_turn *t, const char *why)
{
    t->s->info.lost++;
    snprintf(t->s->info.last_refusal, sizeof t->s->info.last_refusal, "%.190s", why);
    fed_log(FED_LOG_INFO, "update_dropped", "version=%llu reason=\"%.200s\"",
            (unsigned long long)t->s->accepted_version, why);
    FED_TRY(fed_turn_erase_update(t));
    return fed_turn_rest(t, 0);
}

/* ---- the one entry ------------------------------------------------------------------- */

/* The timer: begin, or repeat, what the state is about. */
static fed_status act(fed_turn *t)
{
    switch (t->s->state) {
    case FED_SESSION_WAIT:
    case FED_SESSION_CHECKIN:
        return fed_turn_checkin(t);
    case FED_SESSION_FETCH:
        return fed_turn_fetch(t);
    case FED_SESSION_TRAIN:
        return fed_turn_train(t);
    case FED_SESSION_PLACE:
        return fed_turn_place(t);
    case FED_SESSION_JOIN:
    case FED_SESSION_INPUT:
    case FED_SESSION_RESULT:
        return fed_turn_inbox(t);
    }
    return fed_fail(t->err, FED_E_INTERNAL, "session: state %d", t->s->state);
}

static fed_status answer(fed_turn *t, const fed_event *event)
{
    t->s->exchange = 0;
    switch (t->s->state) {
    case FED_SESSION_CHECKIN:
        return fed_turn_checkin_answer(t, event);
    case FED_SESSION_FETCH:
        return fed_turn_fetch_answer(t, event);
    case FED_SESSION_PLACE:
        return fed_turn_place_answer(t, event);
    case FED_SESSION_JOIN:
    case FED_SESSION_INPUT:
    case FED_SESSION_RESULT:
        return fed_turn_cohort_answer(t, event);
    default:
        return FED_OK;
    }
}

static fed_status dispatch(fed_turn *t, const fed_event *event)
{
    fed_session *s = t->s;
    if (s->party_state.len) return fed_turn_revive_party(t);
    switch (event->kind) {
    case FED_EVENT_START:
        return act(t);
    case FED_EVENT_TIMER:
        return !s->exchange && t->now >= s->wake_ms ? act(t) : FED_OK;
    case FED_EVENT_MESSAGE:
        return event->peer == s->exchange && s->exchange ? answer(t, event) : FED_OK;
    case FED_EVENT_FAILED:
        return event->peer == s->exchange && s->exchange ? fed_turn_back_off(t) : FED_OK;
    case FED_EVENT_STORED:
        return FED_OK;
    }
    return FED_OK;
}

fed_status fed_session_step(fed_session *s, const fed_event *event, int64_t now,
                            fed_outbox *outbox, fed_error *err)
{
    fed_error own;
    fed_turn t = {s, now, outbox, err ? err : &own};
    t.err->text[0] = 0;
    FED_TRY(dispatch(&t, event));
    if (!s->exchange) fed_outbox_wake(outbox, s->wake_ms);
    return outbox->status ? fed_fail(t.err, outbox->status, "outbox: %s",
                                     fed_status_name(outbox->status))
                          : FED_OK;
}
