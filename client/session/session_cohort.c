/*
 * Deliver: place, then the phases of a cohort. Without secure aggregation these are join and
 * input; with it the device's party (secagg room) writes the message of each phase and reads
 * each answer. Until the input leaves, the update may try another cohort; once it has left,
 * it belongs to this one for ever.
 */
#include "session_internal.h"

#include <string.h>

/* A peer's text, fit for a log: printable, without quotes. */
static void printable(char *out, size_t size, fed_span text)
{
    size_t n = text.len < size - 1 ? text.len : size - 1;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = text.data[i];
        out[i] = c < 0x20 || c > 0x7e || c == '"' ? '.' : (char)c;
    }
    out[n] = 0;
}

static fed_status enter_cohort(fed_turn *t);

/* ---- place ----------------------------------------------------------------------------- */

fed_status fed_turn_place(fed_turn *t)
{
    fed_session *s = t->s;
    fed_place m = {.version = s->accepted_version};
    memcpy(m.task, s->task_id.bytes, sizeof m.task);
    memcpy(m.round, s->round_key, sizeof m.round);
    memcpy(m.update_id, s->update_id, sizeof m.update_id);
    fed_bytes body;
    fed_bytes_init(&body, FED_PLACE_BYTES);
    fed_place_put(&body, &m);
    s->state = FED_SESSION_PLACE;
    fed_status status = body.status;
    if (!status)
        status =
            fed_turn_ask_signed(t, FED_REQUEST_PLACE, (fed_span){body.data, body.len});
    fed_bytes_fini(&body);
    return status;
}

fed_status fed_turn_place_answer(fed_turn *t, const fed_event *event)
{
    fed_session *s = t->s;
    fed_placed placed;
    if (event->status == FED_HTTP_TOO_MANY || event->status >= FED_HTTP_INTERNAL)
        return fed_turn_back_off(t);
    if (event->status != FED_HTTP_OK) {
        char text[160];
        printable(text, sizeof text, event->body);
        return fed_turn_drop(t, text);
    }
    if (fed_placed_get(&placed, event->body, t->err)) return fed_turn_back_off(t);
    s->failures = 0;
    s->attempts++;
    memcpy(s->cohort, placed.cohort, sizeof s->cohort);
    return enter_cohort(t);
}

/* ---- the party -------------------------------------------------------------------------- */

fed_status fed_session_make_party(fed_session *s, int64_t now, fed_span state,
                                  fed_error *err)
{
    fed_secagg_params params;
    fed_secagg_device_config config = {.params = &params,
                                       .floor = &s->config.floor.cohort,
                                       .certificate = s->config.certificate,
                                       .now_s = (now + s->config.wall_offset_ms) / 1000};
    fed_secagg_device_free(s->party);
    s->party = NULL;
    FED_TRY(fed_task_secagg_params(s->task, s->round, s->cohort, s->config.enrolment_key,
                                   &params, err));
    memcpy(config.identity_seed, s->config.identity_seed, sizeof config.identity_seed);
    memcpy(config.update_id, s->update_id, sizeof config.update_id);
    fed_status status = state.len
                            ? fed_secagg_device_restore(&s->party, &config, state, err)
                            : fed_secagg_device_new(&s->party, &config, &s->config.random,
                                                    s->draws++, err);
    fed_wipe(config.identity_seed, sizeof config.identity_seed);
    return status;
}

static fed_status leave_party(fed_turn *t)
{
    if (!t->s->party) return FED_OK;
    fed_secagg_device_free(t->s->party);
    t->s->party = NULL;
    return fed_turn_store_party(t);
}

/* The cohort is over, or wrong, before anything left the device: another may take it. */
static fed_status try_another(fed_turn *t)
{
    fed_session *s = t->s;
    s->state = FED_SESSION_PLACE;
    FED_TRY(leave_party(t));
    if (s->attempts >= FED_SESSION_COHORTS_MAX)
        return fed_turn_drop(t, "no cohort took the update");
    FED_TRY(fed_turn_store_progress(t));
    return fed_turn_back_off(t);
}

/* The same after it left: the update is spent, whatever became of it. */
static fed_status give_up(fed_turn *t, const char *why)
{
    if (!t->s->spent) {
        fed_log(FED_LOG_INFO, "cohort_left", "reason=\"%.200s\"", why);
        return try_another(t);
    }
    FED_TRY(leave_party(t));
    return fed_turn_drop(t, why);
}

/* What is not to be had again ends the cohort for this device, as any wrong answer would. */
fed_status fed_turn_revive_party(fed_turn *t)
{
    fed_session *s = t->s;
    fed_bytes state = s->party_state;
    fed_bytes_init(&s->party_state, SIZE_MAX);
    fed_status status =
        fed_session_make_party(s, t->now, (fed_span){state.data, state.len}, t->err);
    fed_bytes_wipe(&state);
    if (status == FED_E_NOMEM || status == FED_E_CRYPTO) return status;
    if (status) return give_up(t, t->err->text);
    return fed_turn_inbox(t);
}

/* ---- messages out ----------------------------------------------------------------------- */

/* From here on it is spent: the flag, the ledger's charge, and the residual as if delivered,
 * go to disk before the bytes go anywhere. */
static fed_status mark_spent(fed_turn *t)
{
    fed_session *s = t->s;
    if (s->spent) return FED_OK;
    FED_TRY(fed_turn_charge(t));
    s->spent = true;
    s->spent_models[s->n_spent++ % FED_SESSION_SPENT_KEPT] = s->version.model;
    s->spent_ms = t->now + s->config.wall_offset_ms;
    if (s->next_residual.len) {
        fed_bytes old = s->residual;
        s->residual = s->next_residual;
        s->next_residual = old;
        fed_bytes_clear(&s->next_residual);
        s->residual_version = s->accepted_version;
        FED_TRY(fed_turn_store_residual(t));
    }
    return FED_OK;
}

static fed_status write_masked_input(fed_turn *t, fed_bytes *body)
{
    fed_session *s = t->s;
    fed_ring rings[FED_CODEC_VECTORS_MAX];
    size_t n;
    FED_TRY(fed_task_update_rings(
        s->task, s->round, (fed_span){s->update.data, s->update.len}, rings, &n, t->err));
    fed_status status =
        fed_secagg_device_input(s->party, rings, s->config.parallel, body, t->err);
    while (n)
        fed_ring_fini(&rings[--n]);
    return status;
}

static fed_status write_join(fed_turn *t, fed_bytes *body)
{
    fed_session *s = t->s;
    fed_bytes bundle;
    fed_bytes_init(&bundle, FED_JOIN_BUNDLE_MAX);
    fed_status status = FED_OK;
    if (s->party) status = fed_secagg_device_message(s->party, &bundle, t->err);
    fed_join m = {.bundle = {bundle.data, bundle.len}};
    memcpy(m.update_id, s->update_id, sizeof m.update_id);
    if (!status) fed_join_put(body, &m);
    fed_bytes_fini(&bundle);
    return status;
}

/* The message of the present phase, the same bytes however often it is made. */
static fed_status write_message(fed_turn *t, fed_bytes *body)
{
    fed_session *s = t->s;
    if (s->phase == FED_PHASE_JOIN) return write_join(t, body);
    if (s->phase == FED_PHASE_INPUT && s->party) return write_masked_input(t, body);
    if (s->party) return fed_secagg_device_message(s->party, body, t->err);
    fed_bytes_put(body, s->update.data, s->update.len);
    return body->status;
}

/* What it would cost does not fit: nothing has left, and nothing will. */
static fed_status stay_away(fed_turn *t)
{
    FED_TRY(leave_party(t));
    return fed_turn_drop(t, t->err->text);
}

static fed_status send_message(fed_turn *t)
{
    fed_session *s = t->s;
    fed_bytes body;
    s->state = s->phase < FED_PHASE_INPUT   ? FED_SESSION_JOIN
               : s->phase > FED_PHASE_INPUT ? FED_SESSION_RESULT
                                            : FED_SESSION_INPUT;
    if (s->phase == FED_PHASE_INPUT) {
        fed_status status = mark_spent(t);
        if (status == FED_E_BUDGET || status == FED_E_REFUSED) return stay_away(t);
        FED_TRY(status);
    }
    FED_TRY(fed_turn_store_progress(t));
    fed_bytes_init(&body, SIZE_MAX);
    fed_request type = (fed_request)(FED_REQUEST_JOIN + s->phase - FED_PHASE_JOIN);
    fed_status status = write_message(t, &body);
    if (!status) status = body.status;
    if (!status) status = fed_turn_ask_signed(t, type, (fed_span){body.data, body.len});
    fed_bytes_wipe(&body);
    return status;
}

static fed_status enter_cohort(fed_turn *t)
{
    fed_session *s = t->s;
    s->phase = FED_PHASE_JOIN;
    s->resends = 0;
    if (fed_task_plan(s->task)->secagg.enabled) {
        fed_status status =
            fed_session_make_party(s, t->now, (fed_span){NULL, 0}, t->err);
        if (status == FED_E_REFUSED || status == FED_E_INVALID || status == FED_E_AUTH)
            return fed_turn_drop(t, t->err->text);
        FED_TRY(status);
        FED_TRY(fed_turn_store_party(t));
    }
    return send_message(t);
}

fed_status fed_turn_inbox(fed_turn *t)
{
    fed_inbox_query q = {.after = t->s->phase};
    memcpy(q.cohort, t->s->cohort, sizeof q.cohort);
    memcpy(q.sender, t->s->device_key, sizeof q.sender);
    fed_bytes body;
    fed_bytes_init(&body, FED_INBOX_QUERY_BYTES);
    fed_inbox_query_put(&body, &q);
    fed_status status = body.status;
    if (!status) status = fed_turn_ask(t, FED_REQUEST_INBOX, body.data, body.len);
    fed_bytes_fini(&body);
    return status;
}

/* ---- what the cohort answers ----------------------------------------------------------- */

static fed_status delivered(fed_turn *t)
{
    fed_session *s = t->s;
    s->info.delivered++;
    fed_log(FED_LOG_INFO, "update_delivered", "version=%llu",
            (unsigned long long)s->accepted_version);
    FED_TRY(leave_party(t));
    FED_TRY(fed_turn_erase_update(t));
    return fed_turn_rest(t, 0);
}

/* The party reads the answer and says what comes next; its state is stored first. */
static fed_status party_answer(fed_turn *t, const fed_answer *m)
{
    fed_session *s = t->s;
    fed_status status = fed_secagg_device_receive(s->party, m->payload, t->err);
    if (status == FED_E_NOMEM) return status;
    if (status == FED_E_FORMAT) return fed_turn_back_off(t);
    if (status || fed_secagg_device_phase(s->party) == FED_SECAGG_ABORTED)
        return give_up(t, status ? t->err->text : fed_secagg_device_reason(s->party));
    FED_TRY(fed_turn_store_party(t));
    s->phase = (fed_phase)fed_secagg_device_phase(s->party);
    if (s->phase == FED_PHASE_DONE) return delivered(t);
    return send_message(t);
}

/* 409: the server did not keep the message. The same bytes go again, soon, then slower. */
static fed_status resend(fed_turn *t)
{
    enum { AT_ONCE = 3 };
    if (t->s->resends++ < AT_ONCE) return send_message(t);
    t->s->resends = 0;
    return fed_turn_back_off(t);
}

static fed_status gone(fed_turn *t, const fed_event *event)
{
    char text[160];
    fed_answer m;
    fed_span reason = event->body;
    if (event->status == FED_HTTP_GONE && fed_answer_get(&m, event->body, NULL) == FED_OK)
        reason = m.payload;
    printable(text, sizeof text, reason);
    return give_up(t, text);
}

static fed_status next_phase(fed_turn *t, const fed_event *event)
{
    fed_session *s = t->s;
    fed_answer m;
    if (fed_answer_get(&m, event->body, t->err)) return fed_turn_back_off(t);
    s->failures = s->resends = 0;
    if (m.phase == FED_PHASE_DONE)
        return s->spent ? delivered(t) : give_up(t, "done without this device's input");
    if (s->party) return party_answer(t, &m);
    if (m.phase != FED_PHASE_INPUT || s->phase != FED_PHASE_JOIN)
        return give_up(t, "the cohort is in an unexpected phase");
    s->phase = FED_PHASE_INPUT;
    return send_message(t);
}

fed_status fed_turn_cohort_answer(fed_turn *t, const fed_event *event)
{
    unsigned status = event->status;
    if (t->s->state == FED_SESSION_INPUT) t->s->state = FED_SESSION_RESULT;
    if (status == FED_HTTP_ACCEPTED) return fed_turn_inbox(t);
    if (status == FED_HTTP_OK) return next_phase(t, event);
    if (status == FED_HTTP_CONFLICT) return resend(t);
    if (status == FED_HTTP_TOO_MANY || status >= FED_HTTP_INTERNAL)
        return fed_turn_back_off(t);
    if (status >= FED_HTTP_BAD_REQUEST) return gone(t, event);
    return fed_turn_back_off(t);
}
