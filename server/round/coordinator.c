/* The frame of the coordinator: making it, its one entry, its answers, what people see. */
#include "coordinator_internal.h"

#include <string.h>

enum { BODY_MAX = 1 << 30 };

fed_status fed_coordinator_new(fed_coordinator **out,
                               const fed_coordinator_config *config, fed_error *err)
{
    *out = NULL;
    fed_coordinator *c = fed_calloc(1, sizeof *c);
    if (!c) return fed_fail_nomem(err, sizeof *c);
    c->config = *config;
    fed_status status = fed_ed25519_public(config->server_seed, c->server_key, err);
    if (status) {
        fed_coordinator_free(c);
        return status;
    }
    *out = c;
    return FED_OK;
}

void fed_served_task_free(fed_served_task *t)
{
    if (!t) return;
    if (t->cohort) fed_cohort_fini(t->cohort);
    fed_free(t->cohort);
    fed_invitations_fini(&t->invitations);
    fed_drawn_fini(&t->drawn);
    fed_version_state_fini(&t->state);
    fed_task_free(t->task);
    fed_free(t);
}

void fed_coordinator_free(fed_coordinator *c)
{
    if (!c) return;
    for (size_t i = 0; i < c->n_tasks; i++)
        fed_served_task_free(c->tasks[i]);
    for (size_t i = 0; i < c->n_ledgers; i++)
        fed_population_ledger_free(c->ledgers[i]);
    for (size_t i = 0; i < FED_COORDINATOR_ENDED_KEPT; i++) {
        if (c->ended[i]) fed_cohort_fini(c->ended[i]);
        fed_free(c->ended[i]);
    }
    for (size_t i = 0; i < c->n_populations; i++)
        fed_enrolled_free(c->populations[i]);
    fed_wipe_free(c, sizeof *c);
}

fed_served_task *fed_served_task_find(fed_coordinator *c, const fed_address *id)
{
    for (size_t i = 0; i < c->n_tasks; i++)
        if (fed_address_equal(&c->tasks[i]->id, id)) return c->tasks[i];
    return NULL;
}

fed_cohort *fed_coordinator_find_cohort(fed_coordinator *c, const uint8_t id[32])
{
    for (size_t i = 0; i < c->n_tasks; i++)
        if (c->tasks[i]->cohort && memcmp(c->tasks[i]->cohort->id, id, 32) == 0)
            return c->tasks[i]->cohort;
    for (size_t i = 0; i < FED_COORDINATOR_ENDED_KEPT; i++)
        if (c->ended[i] && memcmp(c->ended[i]->id, id, 32) == 0) return c->ended[i];
    return NULL;
}

/* ---- answers ------------------------------------------------------------------------- */

fed_status fed_step_answer(fed_step *s, unsigned status, fed_bytes *taken)
{
    return fed_outbox_send_taken(s->outbox, s->event->peer, s->event->type, status,
                                 taken);
}

fed_status fed_step_refuse(fed_step *s, unsigned status, const char *text)
{
    return fed_outbox_send(s->outbox, s->event->peer, s->event->type, status, text,
                           strlen(text));
}

static unsigned http_status_of(fed_status why)
{
    switch (why) {
    case FED_E_FORMAT:
    case FED_E_INVALID:
    case FED_E_UNSUPPORTED:
    case FED_E_NUMERIC:
        return FED_HTTP_BAD_REQUEST;
    case FED_E_AUTH:
    case FED_E_REFUSED:
    case FED_E_BUDGET:
        return FED_HTTP_FORBIDDEN;
    case FED_E_NOT_FOUND:
        return FED_HTTP_NOT_FOUND;
    case FED_E_EXISTS:
    case FED_E_STATE:
        return FED_HTTP_CONFLICT;
    case FED_E_LIMIT:
    case FED_E_AGAIN:
        return FED_HTTP_TOO_MANY;
    default:
        return 0;
    }
}

fed_status fed_step_refuse_because(fed_step *s, fed_status why)
{
    unsigned status = http_status_of(why);
    if (!status) return why;
    return fed_step_refuse(s, status, s->err->text);
}

/* ---- cohort messages ----------------------------------------------------------------- */

static fed_status handle_envelope(fed_step *s)
{
    fed_envelope e;
    fed_status status =
        fed_envelope_open(&e, s->event->body.data, s->event->body.len, BODY_MAX, s->err);
    if (status) return fed_step_refuse_because(s, status);
    if ((uint32_t)e.type != s->event->type)
        return fed_step_refuse(s, FED_HTTP_BAD_REQUEST,
                               "message: another type than the path says");
    if (e.type == FED_REQUEST_PLACE) return fed_handle_place(s, &e);
    fed_cohort *cohort = fed_coordinator_find_cohort(s->c, e.cohort);
    if (!cohort) return fed_step_refuse(s, FED_HTTP_NOT_FOUND, "cohort: not known");
    if (e.type == FED_REQUEST_JOIN) return fed_handle_join(s, cohort, &e);
    if (e.type == FED_REQUEST_INPUT) return fed_handle_input(s, cohort, &e);
    return fed_handle_phase(s, cohort, &e);
}

static fed_status handle_message(fed_step *s)
{
    switch (s->event->type) {
    case FED_REQUEST_CHECKIN:
        return fed_handle_checkin(s);
    case FED_REQUEST_INBOX:
        return fed_handle_inbox(s);
    case FED_REQUEST_TASK_CREATE:
        return fed_handle_task_create(s);
    case FED_REQUEST_TASK_STOP:
        return fed_handle_task_stop(s);
    case FED_REQUEST_BLOB:
        return fed_step_refuse(s, FED_HTTP_NOT_FOUND, "blob: served elsewhere");
    default:
        return handle_envelope(s);
    }
}

fed_status fed_coordinator_step(fed_coordinator *c, const fed_event *event, int64_t now,
                                fed_outbox *outbox, fed_error *err)
{
    fed_error own;
    fed_step s = {c, event, now, outbox, err ? err : &own};
    s.err->text[0] = 0;
    c->last_ms = now;
    if (event->kind == FED_EVENT_MESSAGE) FED_TRY(handle_message(&s));
    FED_TRY(fed_coordinator_advance(&s));
    return outbox->status ? fed_fail(s.err, outbox->status, "outbox: %s",
                                     fed_status_name(outbox->status))
                          : FED_OK;
}

/* ---- what people see ----------------------------------------------------------------- */

size_t fed_coordinator_task_count(const fed_coordinator *c)
{
    return c->n_tasks;
}

static void tell_draws(const fed_coordinator *c, const fed_served_task *t,
                       fed_task_info *out)
{
    const fed_enrolled *e = fed_coordinator_enrolled(c, t->document.population);
    out->is_waiting = t->is_waiting;
    out->enrolled = e ? e->n : 0;
    out->draws = t->drawn.version == t->head.version ? t->drawn.attempt : 0;
    out->fillings = t->fillings;
}

void fed_coordinator_task_info(const fed_coordinator *c, size_t index, fed_task_info *out)
{
    const fed_served_task *t = c->tasks[index];
    *out = (fed_task_info){.id = t->id,
                           .document = &t->document,
                           .task = t->task,
                           .head = t->head,
                           .invited =
                               fed_invitations_outstanding(&t->invitations, c->last_ms),
                           .phase = FED_PHASE_PLACE,
                           .last_members = t->last_members,
                           .last_survivors = t->last_survivors,
                           .privacy = fed_population_ledger_tell(t->ledger, t->task)};
    tell_draws(c, t, out);
    if (!t->cohort) return;
    out->phase = t->cohort->phase;
    out->placed = t->cohort->n;
    out->joined = t->cohort->n_joined;
    out->submitted = t->cohort->n_submitted;
}

const float *fed_coordinator_params(const fed_coordinator *c, size_t index)
{
    return c->tasks[index]->state.params;
}
