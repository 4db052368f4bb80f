/*
 * One step: an event for the session, then its records to disk, then its message out. In
 * this order, so that the process may die between any two instructions.
 */
#include <string.h>

#include "client_internal.h"

/* ---- from disk ------------------------------------------------------------------------- */

fed_status fed_client_restore(fed_client *c, fed_error *err)
{
    fed_session *s = NULL;
    fed_journal journal = fed_keep_journal(c->keep);
    FED_TRY(fed_session_new(&s, &c->session_config, err));
    fed_status status = fed_session_restore(s, &journal, err);
    if (status) {
        fed_session_free(s);
        return fed_fail_in(err, status, "state folder");
    }
    c->session = s;
    c->started = false;
    return FED_OK;
}

/* The session may be ahead of the disk, or half-way: only the disk is right. */
static fed_status give_up_session(fed_client *c, int64_t now, fed_status why)
{
    int64_t pause = FED_CLIENT_RETRY_MIN_MS;
    for (uint32_t i = 0; i < c->failures && pause < FED_CLIENT_RETRY_MAX_MS; i++)
        pause *= 2;
    if (pause > FED_CLIENT_RETRY_MAX_MS) pause = FED_CLIENT_RETRY_MAX_MS;
    c->failures++;
    c->retry_ms = now + pause;
    fed_client_forget_request(c);
    fed_session_free(c->session);
    c->session = NULL;
    return why;
}

/* ---- training in small pieces ---------------------------------------------------------- */

/* As many training steps as took about max_step_ms; growing by four at most, so that one
 * quick step does not make the next one long. */
static void adapt_pace(fed_client *c, int64_t ns)
{
    double per_step = (double)ns / (double)c->steps_per_call;
    double fit = (double)c->max_step_ms * 1e6 / (per_step > 1 ? per_step : 1);
    double most = 4.0 * (double)c->steps_per_call;
    if (fit > most) fit = most;
    c->steps_per_call = fit < 1 ? 1 : fit > 1e6 ? 1000000 : (uint64_t)fit;
}

static bool is_training(const fed_client *c)
{
    return fed_session_describe(c->session).state == FED_SESSION_TRAIN;
}

/* ---- one event ------------------------------------------------------------------------- */

static fed_status carry_out(fed_client *c, fed_outbox *o, fed_error *err)
{
    FED_TRY(fed_keep_apply(c->keep, o, err));
    c->wake_ms = o->wake_ms;
    for (size_t i = 0; i < o->n_messages; i++)
        FED_TRY(fed_client_send(c, &o->messages[i], err));
    return FED_OK;
}

static fed_status do_event(fed_client *c, const fed_event *event, int64_t now,
                           fed_error *err)
{
    fed_outbox o;
    bool was_training = is_training(c);
    int64_t began_ns = fed_clock_monotonic_ns();
    fed_outbox_init(&o);
    fed_session_set_steps_per_call(c->session, c->steps_per_call);
    fed_session_set_wall_offset(c->session, fed_clock_wall_ms() - now);
    fed_status status = fed_session_step(c->session, event, now, &o, err);
    if (!status && was_training && is_training(c))
        adapt_pace(c, fed_clock_monotonic_ns() - began_ns);
    if (!status) status = carry_out(c, &o, err);
    fed_outbox_fini(&o);
    return status;
}

/* The answer is moved out first: the step may send the next request. */
static fed_status do_answer(fed_client *c, int64_t now, fed_error *err)
{
    fed_client_request *r = &c->request;
    fed_bytes body = r->answer;
    fed_event event = {.kind = r->status ? FED_EVENT_MESSAGE : FED_EVENT_FAILED,
                       .peer = r->id,
                       .type = r->type,
                       .status = r->status,
                       .body = {body.data, body.len}};
    r->waiting = r->answered = false;
    fed_bytes_init(&r->answer, 0);
    fed_status status = do_event(c, &event, now, err);
    fed_bytes_wipe(&body);
    return status;
}

static fed_status do_next(fed_client *c, int64_t now, fed_error *err)
{
    if (c->request.answered) return do_answer(c, now, err);
    fed_event event = {.kind = FED_EVENT_TIMER};
    if (!c->started) {
        event.kind = FED_EVENT_START;
        c->started = true;
        return do_event(c, &event, now, err);
    }
    return !c->request.waiting && now >= c->wake_ms ? do_event(c, &event, now, err)
                                                    : FED_OK;
}

static int64_t time_to_wait(const fed_client *c, int64_t now)
{
    if (!c->session) return c->retry_ms > now ? c->retry_ms - now : 0;
    if (c->request.answered || !c->started) return 0;
    if (c->request.waiting) return FED_TRANSPORT_IDLE_MS;
    return c->wake_ms > now ? c->wake_ms - now : 0;
}

fed_status fed_client_step(fed_client *c, int64_t now, int64_t *wait_ms, fed_error *err)
{
    fed_status status = FED_OK;
    *wait_ms = FED_CLIENT_RETRY_MIN_MS;
    if (!c->session_config.examples.count)
        return fed_fail(err, FED_E_STATE, "step: there is no dataset yet");
    if (c->own_network) FED_TRY(fed_network_wait(c->network, 0, -1, err));
    if (c->session || now >= c->retry_ms) {
        if (!c->session) status = fed_client_restore(c, err);
        if (!status) status = do_next(c, now, err);
        if (status)
            status = give_up_session(c, now, status);
        else
            c->failures = 0;
    }
    *wait_ms = time_to_wait(c, now);
    return status;
}
