#include "coordinator_rig.h"

#include <stdio.h>

const uint8_t rig_operator_seed[32] = {2}, rig_server_seed[32] = {1},
              rig_enrolment_seed[32] = {9};

enum { PLAN_MAX = 4096, START_MS = 5000 };

/* ---- the process ------------------------------------------------------------------------ */

static void start(rig *r)
{
    fed_error err;
    fed_journal journal = fed_memory_journal_reader(r->journal);
    CHECK_OK(fed_coordinator_new(&r->coordinator, &r->config, &err), &err);
    CHECK_OK(fed_coordinator_restore(r->coordinator, &journal, r->now, &err), &err);
}

void rig_open(rig *r)
{
    fed_error err;
    memset(r, 0, sizeof *r);
    r->now = START_MS;
    r->random_seed = 9;
    r->config = (fed_coordinator_config){.retry_min_ms = 100,
                                         .retry_max_ms = 1000,
                                         .random = fed_test_random(&r->random_seed)};
    memcpy(r->config.server_seed, rig_server_seed, 32);
    CHECK_OK(fed_ed25519_public(rig_operator_seed, r->config.operator_key, &err), &err);
    CHECK_OK(fed_memory_journal_new(&r->journal, &err), &err);
    start(r);
}

void rig_close(rig *r)
{
    for (size_t i = 0; i < r->exchanges; i++)
        fed_bytes_fini(&r->answers[i].body);
    fed_coordinator_free(r->coordinator);
    fed_memory_journal_free(r->journal);
    fed_task_free(r->task);
}

void rig_restart(rig *r)
{
    fed_coordinator_free(r->coordinator);
    r->random_seed++; /* a new life draws new numbers */
    start(r);
}

static void take_answers(rig *r, fed_outbox *o)
{
    for (size_t i = 0; i < o->n_messages; i++) {
        fed_message *m = &o->messages[i];
        if (m->peer >= r->exchanges) {
            CHECK_MSG(false, "an answer to exchange %llu, which nobody asked",
                      (unsigned long long)m->peer);
            continue;
        }
        rig_answer *a = &r->answers[m->peer];
        a->status = m->status;
        CHECK_MSG(++a->times == 1, "exchange %llu was answered twice",
                  (unsigned long long)m->peer);
        fed_bytes_fini(&a->body);
        a->body = m->body;
        fed_bytes_init(&m->body, 0);
    }
}

fed_status rig_step(rig *r, const fed_event *event, fed_error *err)
{
    fed_outbox o;
    fed_outbox_init(&o);
    fed_status status = fed_coordinator_step(r->coordinator, event, r->now, &o, err);
    if (!status) status = fed_memory_journal_apply(r->journal, &o, err);
    if (!status) take_answers(r, &o);
    r->wake_ms = o.wake_ms;
    fed_outbox_fini(&o);
    return status;
}

size_t rig_ask(rig *r, uint32_t type, const void *body, size_t n)
{
    fed_error err;
    if (!CHECK(r->exchanges < RIG_EXCHANGES)) return 0;
    size_t exchange = r->exchanges++;
    fed_event event = {
        .kind = FED_EVENT_MESSAGE, .peer = exchange, .type = type, .body = {body, n}};
    CHECK_OK(rig_step(r, &event, &err), &err);
    return exchange;
}

unsigned rig_ask_now(rig *r, uint32_t type, const void *body, size_t n)
{
    return rig_status(r, rig_ask(r, type, body, n));
}

unsigned rig_status(const rig *r, size_t exchange)
{
    return r->answers[exchange].status;
}

const char *rig_text(rig *r, size_t exchange)
{
    const char *text = fed_bytes_text(&r->answers[exchange].body);
    return text ? text : "";
}

size_t rig_last(const rig *r)
{
    return r->exchanges - 1;
}

void rig_wait(rig *r, int64_t ms)
{
    fed_error err;
    r->now += ms;
    CHECK_OK(rig_step(r, &(fed_event){.kind = FED_EVENT_TIMER}, &err), &err);
}

/* ---- operators -------------------------------------------------------------------------- */

const char *rig_plan_with(const char *fields, const char *rounds)
{
    static char text[PLAN_MAX];
    snprintf(
        text, sizeof text,
        "{\"format\":\"fed-plan/1\",\"name\":\"rig\",\"model\":{\"input\":{\"shape\":"
        "[3]},\"layers\":[{\"op\":\"linear\",\"units\":2}],\"loss\":"
        "\"softmax_cross_entropy\"},\"train\":{\"lr\":0.1,\"batch\":4},"
        "\"update\":{\"select\":\"dense\",\"bits\":8,\"clip\":1},"
        "\"secagg\":{\"enabled\":false},%s\"rounds\":{%s}}",
        fields, rounds);
    return text;
}

const char *rig_plan(const char *rounds)
{
    return rig_plan_with("", rounds);
}

void rig_document(const char *plan, fed_task_document *doc, fed_task **task)
{
    fed_error err;
    fed_bytes model;
    *doc = (fed_task_document){
        .population = "p", .name = "t", .seed = {5}, .expires_ms = INT64_MAX / 2};
    CHECK_OK(fed_ed25519_public(rig_server_seed, doc->server_key, &err), &err);
    fed_span text = {(const uint8_t *)plan, strlen(plan)};
    if (!CHECK_OK(fed_task_parse(task, text, FED_PLAN_AUTHOR, doc->seed, &err), &err))
        return;
    const fed_task_numbers *n = fed_task_numbers_of(*task);
    float *params = fed_calloc(n->params, sizeof *params);
    fed_bytes_init(&model, SIZE_MAX);
    fed_task_init_params(*task, params);
    CHECK_OK(fed_task_write_model(*task, params, &model, &err), &err);
    CHECK_OK(fed_address_of(model.data, model.len, &doc->model, &err), &err);
    memcpy(doc->plan.bytes, n->plan_address, sizeof doc->plan.bytes);
    doc->plan_length = n->resolved.len;
    doc->model_length = model.len;
    fed_bytes_fini(&model);
    fed_free(params);
}

size_t rig_send_document(rig *r, const fed_task_document *doc, const fed_task *task,
                         const uint8_t *operator_seed)
{
    fed_error err;
    fed_bytes document, body;
    fed_bytes_init(&document, FED_TASK_DOCUMENT_MAX);
    fed_bytes_init(&body, 1 << 20);
    CHECK_OK(fed_task_document_sign(
                 doc, operator_seed ? operator_seed : rig_operator_seed, &document, &err),
             &err);
    CHECK_OK(fed_task_create_put(&body, (fed_span){document.data, document.len},
                                 fed_task_numbers_of(task)->resolved, &err),
             &err);
    size_t exchange = rig_ask(r, FED_REQUEST_TASK_CREATE, body.data, body.len);
    fed_bytes_fini(&document);
    fed_bytes_fini(&body);
    return exchange;
}

void rig_create(rig *r, const char *plan, const char *name)
{
    fed_error err;
    fed_task_document doc;
    fed_task *task = NULL;
    rig_document(plan, &doc, &task);
    snprintf(doc.name, sizeof doc.name, "%s", name);
    CHECK_OK(fed_task_document_address(&doc, &r->task_id, &err), &err);
    size_t exchange = rig_send_document(r, &doc, task, NULL);
    CHECK_MSG(rig_status(r, exchange) == FED_HTTP_OK, "%s", rig_text(r, exchange));
    fed_task_free(r->task);
    r->task = task;
}

size_t rig_stop(rig *r, const fed_address *task, const uint8_t operator_seed[32])
{
    fed_error err;
    fed_bytes body;
    fed_bytes_init(&body, 256);
    CHECK_OK(fed_task_stop_put(&body, task, operator_seed, &err), &err);
    size_t exchange = rig_ask(r, FED_REQUEST_TASK_STOP, body.data, body.len);
    fed_bytes_fini(&body);
    return exchange;
}

fed_task_info rig_info(const rig *r, size_t index)
{
    fed_task_info info = {0};
    if (CHECK(index < fed_coordinator_task_count(r->coordinator)))
        fed_coordinator_task_info(r->coordinator, index, &info);
    return info;
}

/* ---- devices ---------------------------------------------------------------------------- */

void rig_identity(unsigned device, uint8_t seed[32], uint8_t key[32])
{
    fed_error err;
    memset(seed, 0, 32);
    seed[0] = (uint8_t)device;
    seed[1] = (uint8_t)(device >> 8);
    seed[2] = 0x77;
    CHECK_OK(fed_ed25519_public(seed, key, &err), &err);
}

void rig_seal(fed_bytes *out, fed_request type, unsigned device, const uint8_t cohort[32],
              fed_span body)
{
    fed_error err;
    uint8_t seed[32];
    fed_envelope e = {.type = type, .body = body};
    rig_identity(device, seed, e.sender);
    if (cohort) memcpy(e.cohort, cohort, sizeof e.cohort);
    fed_bytes_init(out, 1 << 24);
    CHECK_OK(fed_envelope_seal(out, &e, seed, &err), &err);
}

static size_t ask_sealed(rig *r, fed_request type, unsigned device,
                         const uint8_t cohort[32], fed_span body)
{
    fed_bytes message;
    rig_seal(&message, type, device, cohort, body);
    size_t exchange = rig_ask(r, type, message.data, message.len);
    fed_bytes_fini(&message);
    return exchange;
}

size_t rig_checkin(rig *r, unsigned device, const char *population, uint32_t examples)
{
    uint8_t seed[32];
    fed_checkin m = {.examples = examples, .charging = true, .unmetered = true};
    snprintf(m.population, sizeof m.population, "%s", population);
    rig_identity(device, seed, m.device);
    return rig_send_checkin(r, &m);
}

void rig_use_enrolment(rig *r)
{
    fed_error err;
    CHECK_OK(fed_ed25519_public(rig_enrolment_seed, r->config.enrolment_key, &err), &err);
    r->config.has_enrolment_key = true;
    rig_restart(r);
}

void rig_signed_checkin(unsigned device, int64_t expires_s, fed_checkin *m)
{
    fed_error err;
    uint8_t seed[32];
    fed_certificate certificate = {.expires_s = expires_s};
    *m = (fed_checkin){.population = "p", .examples = 1024};
    rig_identity(device, seed, m->device);
    memcpy(certificate.device_key, m->device, sizeof m->device);
    CHECK_OK(fed_certificate_sign(&certificate, rig_enrolment_seed, &err), &err);
    fed_certificate_encode(&certificate, m->certificate);
    CHECK_OK(fed_checkin_sign(m, seed, &err), &err);
}

size_t rig_send_checkin(rig *r, const fed_checkin *m)
{
    fed_error err;
    fed_bytes body;
    fed_bytes_init(&body, FED_CHECKIN_JSON_MAX);
    CHECK_OK(fed_checkin_put(&body, m, &err), &err);
    size_t exchange = rig_ask(r, FED_REQUEST_CHECKIN, body.data, body.len);
    fed_bytes_fini(&body);
    return exchange;
}

size_t rig_place_as(rig *r, unsigned device, const fed_place *place)
{
    fed_bytes body;
    fed_bytes_init(&body, FED_PLACE_BYTES);
    fed_place_put(&body, place);
    size_t exchange =
        ask_sealed(r, FED_REQUEST_PLACE, device, NULL, (fed_span){body.data, body.len});
    fed_bytes_fini(&body);
    return exchange;
}

size_t rig_place(rig *r, unsigned device, uint8_t update)
{
    fed_task_info info = rig_info(r, 0);
    fed_place m = {.version = info.head.version, .update_id = {update}};
    memcpy(m.task, info.id.bytes, sizeof m.task);
    memcpy(m.round, info.head.version_blob.bytes, sizeof m.round);
    return rig_place_as(r, device, &m);
}

void rig_cohort(rig *r, size_t exchange, uint8_t cohort[32])
{
    fed_error err;
    fed_placed placed = {.join_by_ms = 0};
    const rig_answer *a = &r->answers[exchange];
    CHECK_EQ(a->status, FED_HTTP_OK);
    CHECK_OK(fed_placed_get(&placed, (fed_span){a->body.data, a->body.len}, &err), &err);
    memcpy(cohort, placed.cohort, 32);
}

size_t rig_join(rig *r, unsigned device, uint8_t update, const uint8_t cohort[32])
{
    fed_bytes body;
    fed_join m = {.update_id = {update}};
    fed_bytes_init(&body, 256);
    fed_join_put(&body, &m);
    size_t exchange =
        ask_sealed(r, FED_REQUEST_JOIN, device, cohort, (fed_span){body.data, body.len});
    fed_bytes_fini(&body);
    return exchange;
}

/* The public state of the present version, out of its document, as a device reads it. */
static void read_round(const rig *r, fed_codec_round **out)
{
    fed_error err;
    char key[FED_KEY_MAX];
    fed_bytes blob;
    fed_version_document doc;
    fed_task_info info = rig_info(r, 0);
    fed_journal journal = fed_memory_journal_reader(r->journal);
    fed_key_blob(key, &info.head.version_blob);
    fed_bytes_init(&blob, SIZE_MAX);
    CHECK_OK(journal.get(journal.ctx, key, &blob, &err), &err);
    CHECK_OK(fed_version_document_open((fed_span){blob.data, blob.len}, info.document,
                                       &info.id, &doc, &err),
             &err);
    CHECK_EQ(doc.version, info.head.version);
    CHECK_OK(fed_task_read_round(info.task, doc.round, doc.version, out, &err), &err);
    fed_bytes_fini(&blob);
}

void rig_update(const rig *r, unsigned device, fed_bytes *out)
{
    fed_error err;
    fed_codec_round *round = NULL;
    fed_task_info info = rig_info(r, 0);
    size_t n = fed_task_numbers_of(info.task)->params;
    float *delta = fed_calloc(n, sizeof *delta);
    uint8_t key[32] = {(uint8_t)device, 3};
    for (size_t i = 0; i < n; i++)
        delta[i] = 0.01f * (float)(i + device + 1);
    read_round(r, &round);
    fed_task_update update = {.delta = delta, .examples = 4, .key = key};
    fed_bytes_init(out, SIZE_MAX);
    CHECK_OK(fed_task_encode(info.task, round, &update, NULL, out, NULL, &err), &err);
    fed_codec_round_free(round);
    fed_free(delta);
}

size_t rig_input_bytes(rig *r, unsigned device, const uint8_t cohort[32], fed_span bytes)
{
    return ask_sealed(r, FED_REQUEST_INPUT, device, cohort, bytes);
}

size_t rig_input(rig *r, unsigned device, const uint8_t cohort[32])
{
    fed_bytes update;
    rig_update(r, device, &update);
    size_t exchange =
        rig_input_bytes(r, device, cohort, (fed_span){update.data, update.len});
    fed_bytes_fini(&update);
    return exchange;
}

size_t rig_inbox(rig *r, unsigned device, const uint8_t cohort[32], fed_phase after)
{
    uint8_t seed[32];
    fed_bytes body;
    fed_inbox_query q = {.after = after};
    rig_identity(device, seed, q.sender);
    memcpy(q.cohort, cohort, sizeof q.cohort);
    fed_bytes_init(&body, FED_INBOX_QUERY_BYTES);
    fed_inbox_query_put(&body, &q);
    size_t exchange = rig_ask(r, FED_REQUEST_INBOX, body.data, body.len);
    fed_bytes_fini(&body);
    return exchange;
}

void rig_round(rig *r, uint8_t update)
{
    uint8_t cohort[32];
    for (unsigned i = 0; i < 3; i++)
        rig_cohort(r, rig_place(r, i, update), cohort);
    for (unsigned i = 0; i < 3; i++)
        rig_join(r, i, update, cohort);
    for (unsigned i = 0; i < 3; i++)
        rig_input(r, i, cohort);
}
