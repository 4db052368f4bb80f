/* Deliver: place, join, input, result. Until the input leaves, the update may try another
 * cohort; once it has left, it belongs to this one for ever. */
#include "session_internal.h"

#include <string.h>

static bool is_gone(unsigned status)
{
    return status == FED_HTTP_NOT_FOUND || status == FED_HTTP_GONE;
}

static fed_status drop_with_text(fed_turn *t, const fed_event *event)
{
    char text[160];
    size_t n = event->body.len < sizeof text - 1 ? event->body.len : sizeof text - 1;
    if (n) memcpy(text, event->body.data, n);
    text[n] = 0;
    for (size_t i = 0; i < n; i++) /* a peer's text may go to a log */
        if ((unsigned char)text[i] < 0x20 || text[i] == '"') text[i] = '.';
    return fed_turn_drop(t, text);
}

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
    if (event->status != FED_HTTP_OK) return drop_with_text(t, event);
    if (fed_placed_get(&placed, event->body, t->err)) return fed_turn_back_off(t);
    s->failures = 0;
    s->attempts++;
    memcpy(s->cohort, placed.cohort, sizeof s->cohort);
    return fed_turn_join(t);
}

/* ---- join ------------------------------------------------------------------------------ */

fed_status fed_turn_join(fed_turn *t)
{
    fed_session *s = t->s;
    fed_join m = {.bundle = {NULL, 0}};
    memcpy(m.update_id, s->update_id, sizeof m.update_id);
    fed_bytes body;
    fed_bytes_init(&body, FED_JOIN_BUNDLE_MAX);
    fed_join_put(&body, &m);
    s->state = FED_SESSION_JOIN;
    fed_status status = body.status;
    if (!status)
        status =
            fed_turn_ask_signed(t, FED_REQUEST_JOIN, (fed_span){body.data, body.len});
    fed_bytes_fini(&body);
    return status;
}

/* The cohort is over before anything left the device: another may take the update. */
static fed_status try_another(fed_turn *t)
{
    fed_session *s = t->s;
    s->state = FED_SESSION_PLACE;
    if (s->attempts >= FED_SESSION_COHORTS_MAX)
        return fed_turn_drop(t, "no cohort took the update");
    return fed_turn_back_off(t);
}

/* ---- input ----------------------------------------------------------------------------- */

/* From here on it is spent: the flag, and the residual as if delivered, go to disk before
 * the bytes go anywhere. */
static fed_status mark_spent(fed_turn *t)
{
    fed_session *s = t->s;
    if (s->spent) return FED_OK;
    s->spent = true;
    s->spent_models[s->n_spent++ % FED_SESSION_SPENT_KEPT] = s->version.model;
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

fed_status fed_turn_input(fed_turn *t)
{
    fed_session *s = t->s;
    FED_TRY(mark_spent(t));
    s->state = FED_SESSION_INPUT;
    FED_TRY(fed_turn_store_progress(t));
    return fed_turn_ask_signed(t, FED_REQUEST_INPUT,
                               (fed_span){s->update.data, s->update.len});
}

fed_status fed_turn_inbox(fed_turn *t, fed_phase after)
{
    fed_inbox_query q = {.after = after};
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
    FED_TRY(fed_turn_erase_update(t));
    return fed_turn_rest(t, 0);
}

static fed_status join_answer(fed_turn *t, const fed_event *event)
{
    fed_answer m;
    if (event->status == FED_HTTP_ACCEPTED) return fed_turn_inbox(t, FED_PHASE_JOIN);
    if (is_gone(event->status) || event->status == FED_HTTP_CONFLICT)
        return try_another(t);
    if (event->status != FED_HTTP_OK) return fed_turn_back_off(t);
    if (fed_answer_get(&m, event->body, t->err)) return fed_turn_back_off(t);
    t->s->failures = 0;
    if (m.phase == FED_PHASE_INPUT) return fed_turn_input(t);
    return try_another(t);
}

static fed_status input_answer(fed_turn *t, const fed_event *event)
{
    fed_answer m;
    t->s->state = FED_SESSION_RESULT;
    if (event->status == FED_HTTP_ACCEPTED) return fed_turn_inbox(t, FED_PHASE_INPUT);
    if (event->status == FED_HTTP_CONFLICT) return fed_turn_input(t); /* resend */
    if (event->status == FED_HTTP_NOT_FOUND)
        return fed_turn_drop(t, "the server no longer knows the cohort");
    if (event->status == FED_HTTP_GONE &&
        fed_answer_get(&m, event->body, NULL) == FED_OK) {
        fed_event reason = {.body = m.payload};
        return drop_with_text(t, &reason);
    }
    if (event->status >= FED_HTTP_BAD_REQUEST && event->status < FED_HTTP_INTERNAL &&
        event->status != FED_HTTP_TOO_MANY)
        return drop_with_text(t, event);
    if (event->status != FED_HTTP_OK) return fed_turn_back_off(t);
    if (fed_answer_get(&m, event->body, t->err)) return fed_turn_back_off(t);
    t->s->failures = 0;
    if (m.phase == FED_PHASE_DONE) return delivered(t);
    return fed_turn_drop(t, "the cohort ended in an unexpected phase");
}

fed_status fed_turn_cohort_answer(fed_turn *t, const fed_event *event)
{
    return t->s->state == FED_SESSION_JOIN ? join_answer(t, event)
                                           : input_answer(t, event);
}
