/* What the operator asks: a task is created, a task is stopped. Only the operator's
 * signature counts; the server cannot make a task of its own. */
#include "coordinator_internal.h"

#include <string.h>

enum { DOMAIN = 10, STATEMENT = DOMAIN + FED_ADDRESS_BYTES };

fed_status fed_task_create_put(fed_bytes *out, fed_span document, fed_span plan,
                               fed_error *err)
{
    fed_bytes_put_block(out, document.data, document.len);
    fed_bytes_put_block(out, plan.data, plan.len);
    return out->status
               ? fed_fail(err, out->status, "task: does not fit %zu bytes", out->max)
               : FED_OK;
}

static void stop_statement(uint8_t out[STATEMENT], const fed_address *task)
{
    memcpy(out, "fed-stop/1", DOMAIN);
    memcpy(out + DOMAIN, task->bytes, sizeof task->bytes);
}

fed_status fed_task_stop_put(fed_bytes *out, const fed_address *task,
                             const uint8_t operator_seed[32], fed_error *err)
{
    uint8_t statement[STATEMENT], signature[FED_ED25519_SIGNATURE];
    stop_statement(statement, task);
    FED_TRY(fed_ed25519_sign(operator_seed, statement, sizeof statement, signature, err));
    fed_bytes_put(out, task->bytes, sizeof task->bytes);
    fed_bytes_put(out, signature, sizeof signature);
    return out->status ? fed_fail(err, out->status, "stop: does not fit") : FED_OK;
}

fed_status fed_served_task_new(fed_served_task **out, const fed_task_document *document,
                               const fed_address *id, fed_span plan, fed_error *err)
{
    *out = NULL;
    FED_TRY(fed_address_check(&document->plan, plan.data, plan.len, err));
    fed_served_task *t = fed_calloc(1, sizeof *t);
    if (!t) return fed_fail_nomem(err, sizeof *t);
    t->id = *id;
    t->document = *document;
    t->fill_end_ms = FED_NEVER;
    fed_status status =
        fed_task_parse(&t->task, plan, FED_PLAN_RESOLVED, document->seed, err);
    if (!status) status = fed_version_state_init(&t->state, t->task, err);
    if (status)
        fed_served_task_free(t);
    else
        *out = t;
    return status;
}

static fed_status store_parts(fed_step *s, fed_served_task *t, fed_span document,
                              fed_span plan)
{
    char key[FED_KEY_MAX];
    fed_key_task(key, &t->id, "document");
    FED_TRY(fed_outbox_store(s->outbox, key, document.data, document.len));
    fed_key_task(key, &t->id, "plan");
    FED_TRY(fed_outbox_store(s->outbox, key, plan.data, plan.len));
    FED_TRY(fed_address_of(document.data, document.len, &t->head.task_blob, s->err));
    fed_key_blob(key, &t->head.task_blob);
    FED_TRY(fed_outbox_store(s->outbox, key, document.data, document.len));
    fed_key_blob(key, &t->document.plan);
    FED_TRY(fed_outbox_store(s->outbox, key, plan.data, plan.len));
    t->head.state = FED_TASK_RUNNING;
    FED_TRY(fed_store_version(s, t, NULL));
    if (fed_address_equal(&t->head.model, &t->document.model)) return FED_OK;
    return fed_fail(s->err, FED_E_REFUSED,
                    "task: the initial model that the seed gives has another address");
}

static fed_status check_document(fed_step *s, const fed_task_document *document)
{
    if (memcmp(document->server_key, s->c->server_key, 32) != 0)
        return fed_fail(s->err, FED_E_REFUSED,
                        "task: signed for the key of another server");
    if (document->expires_ms <= s->now + s->c->config.wall_offset_ms)
        return fed_fail(s->err, FED_E_REFUSED, "task: expires_ms: it has expired");
    if (s->c->n_tasks == FED_COORDINATOR_TASKS_MAX)
        return fed_fail(s->err, FED_E_LIMIT, "task: %d tasks are here, no more fit",
                        FED_COORDINATOR_TASKS_MAX);
    return FED_OK;
}

/* What the plan asks of this server in particular. */
static fed_status check_task(fed_step *s, const fed_served_task *t)
{
    const fed_task *task = t->task;
    const fed_coordinator_config *config = &s->c->config;
    if (fed_task_plan(task)->secagg.enabled && !config->has_enrolment_key)
        return fed_fail(s->err, FED_E_REFUSED,
                        "task: secagg.enabled, but this server has no enrolment key "
                        "(fedserver --enrolment-key)");
    if (fed_task_is_drawn(task) && !config->has_enrolment_key)
        return fed_fail(s->err, FED_E_REFUSED,
                        "task: privacy.sampling draws among enrolled devices, but this "
                        "server has no enrolment key (fedserver --enrolment-key)");
    FED_TRY(fed_check_new_task(s, t));
    return config->accept ? config->accept(config->accept_ctx, task, s->err) : FED_OK;
}

static fed_status answer_id(fed_step *s, const fed_address *id)
{
    return fed_outbox_send(s->outbox, s->event->peer, s->event->type, FED_HTTP_OK,
                           id->bytes, sizeof id->bytes);
}

/* A refusal must leave nothing behind in this step's records. */
static fed_status add_task(fed_step *s, fed_served_task *t, fed_span document,
                           fed_span plan)
{
    fed_enrolled *enrolled;
    fed_status status = store_parts(s, t, document, plan);
    if (!status && fed_task_is_drawn(t->task))
        status = fed_coordinator_open_enrolled(s->c, t->document.population, &enrolled,
                                               s->err);
    if (!status) status = fed_open_ledger(s, t);
    if (status) {
        fed_outbox_clear(s->outbox);
        fed_served_task_free(t);
        return fed_step_refuse_because(s, status);
    }
    s->c->tasks[s->c->n_tasks++] = t;
    fed_log(FED_LOG_INFO, "task_created", "task=%s population=%s", t->document.name,
            t->document.population);
    return answer_id(s, &t->id);
}

fed_status fed_handle_task_create(fed_step *s)
{
    fed_reader r;
    fed_task_document document;
    fed_address id;
    fed_served_task *t = NULL;
    fed_reader_init(&r, s->event->body.data, s->event->body.len);
    fed_span signed_bytes = fed_reader_block(&r, FED_TASK_DOCUMENT_MAX);
    fed_span plan = fed_reader_block(&r, FED_PLAN_MAX_BYTES);
    if (fed_reader_finish(&r))
        return fed_step_refuse(s, FED_HTTP_BAD_REQUEST, "task: the body does not parse");
    fed_status status = fed_task_document_open(signed_bytes, s->c->config.operator_key,
                                               &document, &id, s->err);
    if (!status && fed_served_task_find(s->c, &id)) return answer_id(s, &id);
    if (!status) status = check_document(s, &document);
    if (!status) status = fed_served_task_new(&t, &document, &id, plan, s->err);
    if (!status) status = check_task(s, t);
    if (!status)
        status = fed_version_state_draw_secret(&t->state, &s->c->config.random,
                                               s->c->n_tasks, s->err);
    if (status) {
        fed_served_task_free(t);
        return fed_step_refuse_because(s, status);
    }
    return add_task(s, t, signed_bytes, plan);
}

fed_status fed_handle_task_stop(fed_step *s)
{
    fed_reader r;
    fed_address id;
    uint8_t statement[STATEMENT];
    fed_reader_init(&r, s->event->body.data, s->event->body.len);
    fed_reader_copy(&r, id.bytes, sizeof id.bytes);
    fed_span signature = fed_reader_take(&r, FED_ED25519_SIGNATURE);
    if (fed_reader_finish(&r))
        return fed_step_refuse(s, FED_HTTP_BAD_REQUEST, "stop: the body does not parse");
    stop_statement(statement, &id);
    fed_status status = fed_ed25519_verify(s->c->config.operator_key, statement,
                                           sizeof statement, signature.data, s->err);
    if (status) return fed_step_refuse_because(s, status);
    fed_served_task *t = fed_served_task_find(s->c, &id);
    if (!t) return fed_step_refuse(s, FED_HTTP_NOT_FOUND, "stop: task not known");
    if (t->head.state == FED_TASK_RUNNING) FED_TRY(fed_task_end(s, t, FED_TASK_STOPPED));
    return answer_id(s, &id);
}
