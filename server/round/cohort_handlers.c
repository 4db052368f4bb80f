/* Place, join, input and inbox: a request about a cohort becomes a change of the cohort and,
 * now or later, an answer. */
#include "coordinator_internal.h"

#include <string.h>

/* What the party must find again goes into the journal before any answer. */
static fed_status store_log(fed_step *s, fed_cohort *c)
{
    char key[FED_KEY_MAX];
    if (!c->log.len || c->phase == FED_PHASE_JOIN) return FED_OK;
    fed_key_cohort_log(key, c->id, c->logged++);
    return fed_outbox_store_taken(s->outbox, key, &c->log);
}

/* The answer as bytes: empty when the member has to wait or to send again. */
static fed_status answer_body(fed_step *s, const fed_cohort *c, const fed_member *m,
                              fed_phase after, fed_bytes *body, unsigned *status)
{
    fed_answer answer;
    fed_bytes payload;
    fed_bytes_init(&payload, FED_ANSWER_PAYLOAD_MAX);
    fed_bytes_init(body, SIZE_MAX);
    fed_status result =
        fed_cohort_answer(c, m, after, s->now, &answer, &payload, status, s->err);
    if (!result && *status != FED_HTTP_ACCEPTED && *status != FED_HTTP_CONFLICT)
        fed_answer_put(body, &answer);
    fed_bytes_fini(&payload);
    return result;
}

/* Tell a member what it should see, or remember that it waits. */
static fed_status reply(fed_step *s, fed_cohort *c, fed_member *m, fed_phase after)
{
    unsigned status;
    fed_bytes body;
    FED_TRY(store_log(s, c));
    FED_TRY(answer_body(s, c, m, after, &body, &status));
    if (status == FED_HTTP_ACCEPTED) {
        m->is_waiting = true;
        m->waiting = s->event->peer;
        m->after = after;
        return FED_OK;
    }
    if (status == FED_HTTP_CONFLICT)
        return fed_step_refuse(s, status, "resend: the message is not here");
    return fed_step_answer(s, status, &body);
}

static fed_status announce_to(fed_step *s, fed_cohort *c, fed_member *m)
{
    unsigned status;
    fed_bytes body;
    if (!m->is_waiting) return FED_OK;
    FED_TRY(answer_body(s, c, m, m->after, &body, &status));
    if (status == FED_HTTP_ACCEPTED) return FED_OK;
    m->is_waiting = false;
    return fed_outbox_send_taken(s->outbox, m->waiting, FED_REQUEST_INBOX, status, &body);
}

fed_status fed_cohort_announce(fed_step *s, fed_cohort *c)
{
    char key[FED_KEY_MAX];
    fed_roster roster;
    fed_bytes value;
    FED_TRY(fed_cohort_record(c, &roster, s->err));
    fed_bytes_init(&value, SIZE_MAX);
    fed_roster_put(&value, &roster);
    fed_roster_fini(&roster);
    fed_key_cohort(key, c->id);
    FED_TRY(fed_outbox_store_taken(s->outbox, key, &value));
    FED_TRY(store_log(s, c));
    for (uint32_t i = 0; i < c->n; i++)
        FED_TRY(announce_to(s, c, &c->members[i]));
    return FED_OK;
}

static fed_status open_cohort(fed_step *s, fed_served_task *t)
{
    uint8_t id[FED_COHORT_ID_BYTES];
    const fed_plan *plan = fed_task_plan(t->task);
    FED_TRY(
        fed_random_fill(&s->c->config.random, "cohort id", s->c->draws++, id, sizeof id));
    fed_cohort *c = fed_calloc(1, sizeof *c);
    if (!c) return fed_fail_nomem(s->err, sizeof *c);
    fed_status status = fed_cohort_init(c, id, &t->id, t->head.version,
                                        fed_task_numbers_of(t->task)->invited,
                                        (uint32_t)(plan->rounds.phase_s * 1000), s->err);
    if (!status && plan->secagg.enabled)
        status = fed_cohort_start_party(s->c, t, c, s->err);
    if (status) {
        fed_cohort_fini(c);
        fed_free(c);
        return status;
    }
    t->cohort = c;
    return FED_OK;
}

fed_status fed_cohort_start_party(fed_coordinator *coordinator, fed_served_task *t,
                                  fed_cohort *c, fed_error *err)
{
    fed_secagg_params params;
    fed_secagg_server_config config = {.params = &params,
                                       .random = &coordinator->config.random,
                                       .parallel = coordinator->config.parallel};
    FED_TRY(fed_task_secagg_params(t->task, t->state.round, c->id,
                                   coordinator->config.enrolment_key, &params, err));
    return fed_cohort_use_secagg(c, &config, err);
}

/* A place is for an update of exactly the present version and round. */
static fed_status check_place(fed_step *s, const fed_place *m, fed_served_task **task)
{
    fed_address id;
    memcpy(id.bytes, m->task, sizeof id.bytes);
    fed_served_task *t = *task = fed_served_task_find(s->c, &id);
    if (!t) return fed_fail(s->err, FED_E_NOT_FOUND, "place: task not known");
    if (t->head.state != FED_TASK_RUNNING)
        return fed_fail(s->err, FED_E_STATE, "place: the task is %s",
                        fed_task_state_name(t->head.state));
    if (m->version != t->head.version ||
        memcmp(m->round, t->round_address.bytes, sizeof m->round) != 0)
        return fed_fail(s->err, FED_E_STATE,
                        "place: an update of version %llu, the present one is %llu",
                        (unsigned long long)m->version,
                        (unsigned long long)t->head.version);
    return FED_OK;
}

fed_status fed_handle_place(fed_step *s, const fed_envelope *e)
{
    fed_place m;
    fed_served_task *t;
    fed_status status = fed_place_get(&m, e->body, s->err);
    if (status == FED_OK) status = check_place(s, &m, &t);
    if (status == FED_OK && !fed_served_task_admits(t, e->sender))
        status = fed_fail(s->err, FED_E_STATE,
                          "place: this device was not drawn for this round");
    if (status) return fed_step_refuse_because(s, status);
    if (!t->cohort) FED_TRY(open_cohort(s, t));
    status = fed_cohort_place(t->cohort, e->sender, m.update_id, s->err);
    if (status == FED_E_STATE) status = FED_E_AGAIN; /* another cohort may follow */
    if (status) return fed_step_refuse_because(s, status);
    fed_invitation *invitation = fed_invitations_add(&t->invitations, e->sender);
    if (!invitation) return fed_fail_nomem(s->err, sizeof *invitation);
    invitation->placed = true;
    if (t->fill_end_ms == FED_NEVER)
        t->fill_end_ms = s->now + fed_task_plan(t->task)->rounds.deadline_s * 1000;
    fed_placed answer = {.join_by_ms = t->cohort->phase_ms};
    memcpy(answer.cohort, t->cohort->id, sizeof answer.cohort);
    fed_bytes body;
    fed_bytes_init(&body, FED_PLACED_BYTES);
    fed_placed_put(&body, &answer);
    return fed_step_answer(s, FED_HTTP_OK, &body);
}

fed_status fed_handle_join(fed_step *s, fed_cohort *c, const fed_envelope *e)
{
    fed_join m;
    fed_status status = fed_join_get(&m, e->body, s->err);
    if (status) return fed_step_refuse_because(s, status);
    int64_t wall_s = (s->now + s->c->config.wall_offset_ms) / 1000;
    status = fed_cohort_join(c, e->sender, m.update_id, m.bundle, wall_s, s->err);
    if (status == FED_E_STATE) return fed_step_refuse(s, FED_HTTP_GONE, s->err->text);
    if (status) return fed_step_refuse_because(s, status);
    return reply(s, c, fed_cohort_find(c, e->sender), FED_PHASE_JOIN);
}

fed_status fed_handle_input(fed_step *s, fed_cohort *c, const fed_envelope *e)
{
    fed_member *m = fed_cohort_find(c, e->sender);
    if (!m)
        return fed_step_refuse(s, FED_HTTP_GONE, "input: not a member of this cohort");
    if (c->phase < FED_PHASE_INPUT)
        return fed_step_refuse(s, FED_HTTP_BAD_REQUEST,
                               "input: the cohort is in an earlier phase");
    if (c->phase == FED_PHASE_INPUT) {
        fed_served_task *t = fed_served_task_find(s->c, &c->task);
        fed_status status =
            fed_cohort_input(c, t->task, t->state.round, e->sender, e->body, s->err);
        if (status) return fed_step_refuse_because(s, status);
    }
    return reply(s, c, m, FED_PHASE_INPUT);
}

/* Pick, share, confirm, reveal. What comes too late is answered as an inbox would be. */
fed_status fed_handle_phase(fed_step *s, fed_cohort *c, const fed_envelope *e)
{
    fed_phase phase = (fed_phase)(e->type - FED_REQUEST_JOIN + FED_PHASE_JOIN);
    fed_member *m = fed_cohort_find(c, e->sender);
    if (!m) return fed_step_refuse(s, FED_HTTP_GONE, "not a member of this cohort");
    if (c->party && c->phase == phase) {
        fed_status status = fed_cohort_receive(c, m, phase, e->body, s->err);
        if (status) return fed_step_refuse_because(s, status);
    } else if (c->phase < phase) {
        return fed_step_refuse(s, FED_HTTP_BAD_REQUEST,
                               "the cohort is in an earlier phase");
    }
    return reply(s, c, m, phase);
}

fed_status fed_handle_inbox(fed_step *s)
{
    fed_inbox_query q;
    fed_status status = fed_inbox_query_get(&q, s->event->body, s->err);
    if (status) return fed_step_refuse_because(s, status);
    fed_cohort *c = fed_coordinator_find_cohort(s->c, q.cohort);
    fed_member *m = c ? fed_cohort_find(c, q.sender) : NULL;
    if (!m) return fed_step_refuse(s, FED_HTTP_NOT_FOUND, "cohort: not known");
    return reply(s, c, m, q.after);
}
