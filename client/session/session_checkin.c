/* Check-in: say what this device is, hear whether it is needed. */
#include "session_internal.h"

#include <string.h>

/* How many rows a device has is nobody's business: it says the power of two below. */
static uint32_t rounded_down(uint32_t n)
{
    uint32_t power = 1;
    if (!n) return 0;
    while (power <= n / 2)
        power *= 2;
    return power;
}

_Static_assert((int)FED_CHECKIN_CERTIFICATE == (int)FED_CERTIFICATE_BYTES,
               "a check-in holds a certificate of enrolment");

/* An enrolled device shows that it is the one it says: a draw by secret coins is over such
 * devices only, and nobody else may ask whether one of them was drawn. */
static fed_status sign(const fed_session *s, fed_checkin *m, fed_error *err)
{
    if (!s->config.is_enrolled) return FED_OK;
    fed_certificate_encode(&s->config.certificate, m->certificate);
    return fed_checkin_sign(m, s->config.identity_seed, err);
}

/* eligibility.min_separation_s, by the wall clock, which goes on while the device is off. When
 * somebody has set that clock back, the time begins anew: it is never shortened. */
int64_t fed_session_rest_left(fed_session *s, int64_t now)
{
    int64_t wall = now + s->config.wall_offset_ms;
    if (!s->task || !s->n_spent) return 0;
    int64_t pause = fed_task_plan(s->task)->eligibility.min_separation_s * 1000;
    if (wall < s->spent_ms) s->spent_ms = wall;
    return wall - s->spent_ms < pause ? pause - (wall - s->spent_ms) : 0;
}

/* The newest of its tasks in which rounds must lie apart: an invitation to a round that is too
 * early would be in vain. The server knows when this device took part. */
static void tell_rests(const fed_session *s, fed_checkin *m)
{
    uint32_t first =
        s->n_rounds > FED_CHECKIN_TASKS_MAX ? s->n_rounds - FED_CHECKIN_TASKS_MAX : 0;
    for (uint32_t i = first; i < s->n_rounds; i++) {
        fed_rest *rest = &m->rests[m->n_rests++];
        memcpy(rest->task, s->rounds[i].task.bytes, sizeof rest->task);
        rest->until = s->rounds[i].next;
    }
}

fed_status fed_turn_checkin(fed_turn *t)
{
    fed_session *s = t->s;
    int64_t left = fed_session_rest_left(s, t->now);
    if (left) return fed_turn_rest(t, left);
    fed_conditions conditions = {true, true, true};
    if (s->config.conditions) conditions = s->config.conditions(s->config.conditions_ctx);
    fed_checkin m = {.examples = rounded_down(s->config.examples.count),
                     .charging = conditions.charging,
                     .unmetered = conditions.unmetered,
                     .idle = conditions.idle};
    memcpy(m.population, s->config.population, sizeof m.population);
    memcpy(m.device, s->device_key, sizeof m.device);
    if (s->has_params) {
        memcpy(m.held[0].task, s->task_id.bytes, sizeof m.held[0].task);
        m.held[0].version = s->accepted_version;
        m.n_held = 1;
    }
    tell_rests(s, &m);
    fed_bytes body;
    fed_bytes_init(&body, FED_CHECKIN_JSON_MAX);
    fed_status status = sign(s, &m, t->err);
    if (!status) status = fed_checkin_put(&body, &m, t->err);
    s->state = FED_SESSION_CHECKIN;
    if (!status) status = fed_turn_ask(t, FED_REQUEST_CHECKIN, body.data, body.len);
    fed_bytes_fini(&body);
    return status;
}

fed_status fed_turn_checkin_answer(fed_turn *t, const fed_event *event)
{
    fed_session *s = t->s;
    if (event->status != FED_HTTP_OK) return fed_turn_back_off(t);
    fed_status status = fed_checkin_answer_get(&s->offer, event->body, t->err);
    if (status) return fed_turn_refuse(t, status);
    s->failures = 0;
    if (!s->offer.has_task) return fed_turn_rest(t, s->offer.retry_after_ms);
    s->state = FED_SESSION_FETCH;
    s->fetching = FED_FETCH_TASK;
    return fed_turn_fetch(t);
}
