#include "round_world.h"

#include <stdio.h>

/* ---- examples -------------------------------------------------------------------------- */

static world *the_world; /* the callback's only context is its device */

static fed_status fetch(void *ctx, const uint32_t *rows, size_t n, void *inputs,
                        void *targets)
{
    const device *d = ctx;
    const uint32_t *own;
    uint32_t count = fed_partition_rows(the_world->partition, d->client, &own);
    for (size_t i = 0; i < n; i++) {
        if (rows[i] >= count) return FED_E_INVALID;
        FED_TRY(fed_data_fetch(the_world->data, &own[rows[i]], 1,
                               (float *)inputs + 20 * i, (int32_t *)targets + i));
    }
    return FED_OK;
}

/* ---- making and killing ---------------------------------------------------------------- */

void world_start_device(world *w, unsigned i)
{
    fed_error err;
    device *d = &w->devices[i];
    fed_journal journal = fed_memory_journal_reader(d->node.journal);
    CHECK_OK(fed_session_new(&d->session, &d->config, &err), &err);
    CHECK_OK(fed_session_restore(d->session, &journal, &err), &err);
    d->node.wake_ms = w->now;
}

static void start_server(world *w)
{
    fed_error err;
    fed_journal journal = fed_memory_journal_reader(w->server.journal);
    CHECK_OK(fed_coordinator_new(&w->coordinator, &w->config, &err), &err);
    CHECK_OK(fed_coordinator_restore(w->coordinator, &journal, w->now, &err), &err);
    w->server.wake_ms = w->now;
}

void world_kill_device(world *w, unsigned i)
{
    fed_session_free(w->devices[i].session);
    w->devices[i].kills++;
    world_start_device(w, i);
}

/* What was under way to or from the server is lost; the devices hear of it. */
void world_kill_server(world *w)
{
    fed_coordinator_free(w->coordinator);
    w->server_epoch++;
    w->seeded.seed[0]++; /* a new life draws new numbers */
    start_server(w);
}

static const uint8_t enrolment_seed[32] = {9};

static void enrol(device *d)
{
    fed_error err;
    fed_certificate *c = &d->config.certificate;
    CHECK_OK(fed_ed25519_public(d->config.identity_seed, c->device_key, &err), &err);
    c->expires_s = INT64_MAX;
    CHECK_OK(fed_certificate_sign(c, enrolment_seed, &err), &err);
    CHECK_OK(fed_ed25519_public(enrolment_seed, d->config.enrolment_key, &err), &err);
    d->config.is_enrolled = true;
}

void world_init(world *w)
{
    fed_error err;
    memset(w, 0, sizeof *w);
    the_world = w;
    w->now = 1000;
    CHECK_OK(fed_data_open("synthetic:gaussian?dims=20&classes=4&rows=400",
                           FED_DATA_TRAIN, &w->data, &err),
             &err);
    CHECK_OK(fed_partition_make(w->data, "iid", DEVICES, 1, &w->partition, &err), &err);
    w->config = (fed_coordinator_config){
        .server_seed = {1}, .retry_min_ms = 100, .retry_max_ms = 1000};
    uint8_t operator_seed[32] = {2};
    CHECK_OK(fed_ed25519_public(operator_seed, w->config.operator_key, &err), &err);
    CHECK_OK(fed_ed25519_public(enrolment_seed, w->config.enrolment_key, &err), &err);
    w->config.has_enrolment_key = true;
    memset(w->seeded.seed, 3, sizeof w->seeded.seed);
    w->config.random = fed_seeded_random(&w->seeded);
    CHECK_OK(fed_memory_journal_new(&w->server.journal, &err), &err);
    start_server(w);
    for (unsigned i = 0; i < DEVICES; i++) {
        device *d = &w->devices[i];
        const uint32_t *own;
        d->client = i;
        fed_seeded_device_seed(7, i, d->seeded.seed);
        memcpy(d->config.population, "p", 2);
        memcpy(d->config.operator_key, w->config.operator_key, 32);
        memcpy(d->config.identity_seed, d->seeded.seed, 32);
        memcpy(d->config.device_seed, d->seeded.seed, 32);
        d->config.random = fed_seeded_random(&d->seeded);
        d->config.steps_per_call = 7;
        enrol(d);
        d->config.examples =
            (fed_examples){fed_partition_rows(w->partition, i, &own), fetch, d};
        CHECK_OK(fed_memory_journal_new(&d->node.journal, &err), &err);
        world_start_device(w, i);
    }
}

void world_fini(world *w)
{
    for (unsigned i = 0; i < DEVICES; i++) {
        fed_session_free(w->devices[i].session);
        fed_memory_journal_free(w->devices[i].node.journal);
    }
    for (size_t i = 0; i < w->n_queue; i++)
        fed_bytes_fini(&w->queue[i].body);
    fed_coordinator_free(w->coordinator);
    fed_memory_journal_free(w->server.journal);
    fed_partition_free(w->partition);
    fed_data_free(w->data);
}

/* ---- steps ----------------------------------------------------------------------------- */

/* An input may be sent again, but only the same bytes. */
static void count_input(world *w, const letter *l)
{
    uint8_t hash[32];
    if (!l->to_server || l->type != FED_REQUEST_INPUT) return;
    CHECK_OK(fed_sha256(l->body.data, l->body.len, hash, NULL), NULL);
    if (memcmp(hash, w->last_input[l->device], sizeof hash) == 0) return;
    memcpy(w->last_input[l->device], hash, sizeof hash);
    w->n_inputs[l->device]++;
}

static void post(world *w, letter l)
{
    count_input(w, &l);
    if (CHECK(w->n_queue < QUEUE)) w->queue[w->n_queue++] = l;
}

/* An exchange of the server: which life, which device, which of its requests. */
static uint64_t exchange_of(const world *w, unsigned number, uint64_t peer)
{
    return (uint64_t)w->server_epoch << 48 | (uint64_t)number << 40 | peer;
}

static void step_device(world *w, unsigned i, const fed_event *event)
{
    fed_error err;
    fed_outbox o;
    device *d = &w->devices[i];
    fed_outbox_init(&o);
    CHECK_OK(fed_session_step(d->session, event, w->now, &o, &err), &err);
    CHECK_OK(fed_memory_journal_apply(d->node.journal, &o, &err), &err);
    for (size_t k = 0; k < o.n_messages; k++) {
        fed_message *m = &o.messages[k];
        w->wire_bytes += m->body.len;
        d->asked = m->peer;
        post(w, (letter){true, i, m->peer, m->type, m->status, m->body});
        fed_bytes_init(&m->body, 0);
    }
    d->node.wake_ms = o.wake_ms;
    fed_outbox_fini(&o);
}

static void step_server(world *w, const fed_event *event)
{
    fed_error err;
    fed_outbox o;
    fed_outbox_init(&o);
    CHECK_OK(fed_coordinator_step(w->coordinator, event, w->now, &o, &err), &err);
    CHECK_OK(fed_memory_journal_apply(w->server.journal, &o, &err), &err);
    for (size_t k = 0; k < o.n_messages; k++) {
        fed_message *m = &o.messages[k];
        if (m->peer >> 48 != w->server_epoch) continue;
        post(w, (letter){false, (unsigned)(m->peer >> 40 & 255), m->peer & 0xffffffffff,
                         m->type, m->status, m->body});
        fed_bytes_init(&m->body, 0);
    }
    w->server.wake_ms = o.wake_ms;
    fed_outbox_fini(&o);
}

/* Blobs come from the journal, as the HTTP shell serves them. */
static void serve_blob(world *w, const letter *l)
{
    char key[FED_KEY_MAX];
    fed_address address;
    memcpy(address.bytes, l->body.data, sizeof address.bytes);
    fed_key_blob(key, &address);
    letter back = {false, l->device, l->peer, l->type, 200, {0}};
    fed_bytes_init(&back.body, SIZE_MAX);
    fed_journal j = fed_memory_journal_reader(w->server.journal);
    if (j.get(j.ctx, key, &back.body, NULL)) back.status = 404;
    post(w, back);
}

void world_deliver(world *w, size_t which)
{
    letter l = w->queue[which];
    memmove(w->queue + which, w->queue + which + 1,
            (--w->n_queue - which) * sizeof *w->queue);
    fed_event event = {.kind = FED_EVENT_MESSAGE,
                       .type = l.type,
                       .status = l.status,
                       .peer = l.peer,
                       .body = {l.body.data, l.body.len}};
    if (l.to_server && l.type == FED_REQUEST_BLOB) {
        serve_blob(w, &l);
    } else if (l.to_server) {
        event.peer = exchange_of(w, l.device, l.peer);
        step_server(w, &event);
    } else {
        step_device(w, l.device, &event);
    }
    fed_bytes_fini(&l.body);
}

/* The next thing that happens by itself: a timer. */
void world_pass_time(world *w)
{
    fed_event timer = {.kind = FED_EVENT_TIMER};
    int64_t next = w->server.wake_ms;
    for (unsigned i = 0; i < DEVICES; i++)
        if (w->devices[i].node.wake_ms < next) next = w->devices[i].node.wake_ms;
    if (next == FED_NEVER) next = w->now + 1000;
    if (next > w->now) w->now = next;
    if (w->server.wake_ms <= w->now) step_server(w, &timer);
    for (unsigned i = 0; i < DEVICES; i++)
        if (w->devices[i].node.wake_ms <= w->now) step_device(w, i, &timer);
}

/* A device whose request the dead server will never answer is told so by its shell. */
void world_fail_waiting(world *w)
{
    for (unsigned i = 0; i < DEVICES; i++)
        step_device(w, i,
                    &(fed_event){.kind = FED_EVENT_FAILED, .peer = w->devices[i].asked});
}

/* The operator is device 200: its answer is taken from the letters at once. */
enum { OPERATOR = 200 };

static unsigned take_answer(world *w)
{
    for (size_t i = 0; i < w->n_queue; i++) {
        letter l = w->queue[i];
        if (l.device != OPERATOR) continue;
        memmove(w->queue + i, w->queue + i + 1, (--w->n_queue - i) * sizeof l);
        snprintf(w->answer, sizeof w->answer, "%.*s", (int)l.body.len,
                 (const char *)l.body.data);
        fed_bytes_fini(&l.body);
        return l.status;
    }
    return 0;
}

/* What an operator does: the initial model, and the addresses of everything. */
static void fill_document(const world *w, const fed_task *task, fed_task_document *doc)
{
    fed_error err;
    fed_bytes model;
    const fed_task_numbers *numbers = fed_task_numbers_of(task);
    float *params = fed_calloc(numbers->params, sizeof *params);
    fed_bytes_init(&model, SIZE_MAX);
    fed_task_init_params(task, params);
    CHECK_OK(fed_task_write_model(task, params, &model, &err), &err);
    CHECK_OK(fed_address_of(model.data, model.len, &doc->model, &err), &err);
    memcpy(doc->plan.bytes, numbers->plan_address, sizeof doc->plan.bytes);
    doc->plan_length = numbers->resolved.len, doc->model_length = model.len;
    CHECK_OK(fed_ed25519_public(w->config.server_seed, doc->server_key, &err), &err);
    fed_bytes_fini(&model);
    fed_free(params);
}

unsigned world_create(world *w, const char *plan)
{
    fed_error err;
    fed_task *task = NULL;
    fed_bytes document, body;
    fed_task_document doc = {
        .population = "p", .name = "t", .seed = {5}, .expires_ms = INT64_MAX};
    uint8_t operator_seed[32] = {2};
    doc.seed[1] = (uint8_t)fed_coordinator_task_count(w->coordinator);
    fed_span text = {(const uint8_t *)plan, strlen(plan)};
    if (!CHECK_OK(fed_task_parse(&task, text, FED_PLAN_AUTHOR, doc.seed, &err), &err))
        return 0;
    fill_document(w, task, &doc);
    fed_bytes_init(&document, 4096), fed_bytes_init(&body, 1 << 20);
    CHECK_OK(fed_task_document_sign(&doc, operator_seed, &document, &err), &err);
    CHECK_OK(fed_task_create_put(&body, (fed_span){document.data, document.len},
                                 fed_task_numbers_of(task)->resolved, &err),
             &err);
    step_server(w, &(fed_event){.kind = FED_EVENT_MESSAGE,
                                .peer = exchange_of(w, OPERATOR, 1),
                                .type = FED_REQUEST_TASK_CREATE,
                                .body = {body.data, body.len}});
    fed_bytes_fini(&document), fed_bytes_fini(&body);
    fed_task_free(task);
    return take_answer(w);
}

void world_create_task(world *w, const char *plan)
{
    unsigned status = world_create(w, plan);
    CHECK_MSG(status == 200, "%u: %s", status, w->answer);
}

fed_task_info world_info(const world *w)
{
    fed_task_info info = {0};
    size_t n = fed_coordinator_task_count(w->coordinator);
    if (CHECK(n > 0)) fed_coordinator_task_info(w->coordinator, n - 1, &info);
    return info;
}

void world_step(world *w)
{
    if (w->n_queue)
        world_deliver(w, 0);
    else
        world_pass_time(w);
}
