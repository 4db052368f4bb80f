/* Check-in: who may train now, on what, and when everybody else should come back. */
#include "coordinator_internal.h"

#include <string.h>

static bool is_eligible(const fed_served_task *t, const fed_checkin *m)
{
    const fed_plan_eligibility *rules = &fed_task_plan(t->task)->eligibility;
    return (int64_t)m->examples >= rules->min_examples &&
           (!rules->charging || m->charging) && (!rules->unmetered || m->unmetered) &&
           (!rules->idle || m->idle);
}

static bool roster_is_open(const fed_served_task *t)
{
    return !t->cohort || t->cohort->phase == FED_PHASE_JOIN;
}

/* Places that nobody holds or was promised. */
static bool has_room(const fed_served_task *t, int64_t now)
{
    uint32_t taken = fed_invitations_outstanding(&t->invitations, now);
    if (t->cohort) taken += t->cohort->n;
    return taken < fed_task_numbers_of(t->task)->invited;
}

/* It would refuse. */
static bool rests(const fed_served_task *t, const fed_checkin *m)
{
    for (unsigned i = 0; i < m->n_rests; i++)
        if (!memcmp(m->rests[i].task, t->id.bytes, sizeof m->rests[i].task))
            return t->head.version < m->rests[i].until;
    return false;
}

/* A device that was invited and comes again (it was restarted) keeps its invitation. */
static bool may_invite(const fed_served_task *t, const fed_checkin *m, bool proven,
                       int64_t now)
{
    if (t->head.state != FED_TASK_RUNNING || !roster_is_open(t) || !is_eligible(t, m) ||
        strcmp(t->document.population, m->population) != 0 || rests(t, m))
        return false;
    const fed_invitation *known = fed_invitations_find(&t->invitations, m->device);
    if (known && known->placed) return false;
    if (fed_task_is_drawn(t->task)) return proven && fed_drawn_has(&t->drawn, m->device);
    return (known && known->until_ms > now) || has_room(t, now);
}

/* The first invitation starts the time in which the cohort should fill; so does the first
 * one after a time in which nobody came. */
static fed_status invite(fed_step *s, fed_served_task *t, const fed_checkin *m)
{
    int64_t deadline = fed_task_plan(t->task)->rounds.deadline_s * 1000;
    if (t->fill_end_ms == FED_NEVER || (!t->cohort && t->fill_end_ms <= s->now))
        t->fill_end_ms = s->now + deadline;
    fed_invitation *invitation = fed_invitations_add(&t->invitations, m->device);
    if (!invitation) return fed_fail_nomem(s->err, sizeof *invitation);
    invitation->until_ms = t->fill_end_ms;
    fed_checkin_answer answer = {.has_task = true, .version = t->head.version};
    memcpy(answer.task, t->id.bytes, sizeof answer.task);
    memcpy(answer.task_blob, t->head.task_blob.bytes, sizeof answer.task_blob);
    memcpy(answer.version_blob, t->head.version_blob.bytes, sizeof answer.version_blob);
    int64_t left = t->fill_end_ms - s->now;
    answer.train_by_ms = left > 0 ? (uint32_t)left : 0;
    fed_bytes body;
    fed_bytes_init(&body, FED_CHECKIN_JSON_MAX);
    FED_TRY(fed_checkin_answer_put(&body, &answer, s->err));
    return fed_step_answer(s, FED_HTTP_OK, &body);
}

/* Pace steering: a device that is not needed comes back after a pause drawn from
 * [retry_min, 2 retry_min): soon enough for the next round, and not all at once. When no task
 * of its population runs, the pause is the longest. */
static fed_status send_away(fed_step *s, const fed_checkin *m)
{
    bool some = false;
    for (size_t i = 0; i < s->c->n_tasks; i++)
        some |= s->c->tasks[i]->head.state == FED_TASK_RUNNING &&
                strcmp(s->c->tasks[i]->document.population, m->population) == 0;
    uint32_t base = some ? s->c->config.retry_min_ms : s->c->config.retry_max_ms;
    uint32_t jitter;
    FED_TRY(fed_random_fill(&s->c->config.random, "retry jitter", s->c->draws++, &jitter,
                            sizeof jitter));
    fed_checkin_answer answer = {.retry_after_ms = base + (base ? jitter % base : 0)};
    fed_bytes body;
    fed_bytes_init(&body, FED_CHECKIN_JSON_MAX);
    FED_TRY(fed_checkin_answer_put(&body, &answer, s->err));
    return fed_step_answer(s, FED_HTTP_OK, &body);
}

fed_status fed_handle_checkin(fed_step *s)
{
    fed_checkin m;
    fed_status status = fed_checkin_get(&m, s->event->body, s->err);
    if (status) return fed_step_refuse_because(s, status);
    bool proven;
    FED_TRY(fed_checkin_prove(s, &m, &proven));
    for (size_t i = 0; i < s->c->n_tasks; i++)
        if (may_invite(s->c->tasks[i], &m, proven, s->now))
            return invite(s, s->c->tasks[i], &m);
    return send_away(s, &m);
}
