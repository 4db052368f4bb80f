/* Coordinator and sessions, wired to each other in memory: a whole federation without a
 * socket, in which every process can be killed between any two steps. */
#include "harness.h"

#include <stdio.h>

#include "data.h"
#include "round.h"
#include "seeded.h"
#include "session.h"

enum { DEVICES = 4, ROUNDS = 6, QUEUE = 512, MAX_STEPS = 20000 };

/* Four devices are too few to be safe against corrupt ones: these plans assume none. */
#define SECAGG_OFF "{\"enabled\":false}"
#define SECAGG_CURIOUS                                                                   \
    "{\"enabled\":true,\"adversary\":\"curious\",\"corrupt\":0,\"dropout\":0.3}"
#define SECAGG_ACTIVE                                                                    \
    "{\"enabled\":true,\"adversary\":\"active\",\"corrupt\":0,\"dropout\":0.3}"

static const char plan_format[] =
    "{\"format\":\"fed-plan/1\",\"name\":\"t\",\"model\":{\"input\":{\"shape\":[20]},"
    "\"layers\":[{\"op\":\"linear\",\"units\":8,\"activation\":\"relu\"},"
    "{\"op\":\"linear\",\"units\":4}],\"loss\":\"softmax_cross_entropy\"},"
    "\"train\":{\"lr\":0.1,\"batch\":5,\"epochs\":2},"
    "\"update\":{\"select\":\"dense\",\"bits\":8},"
    "\"secagg\":%s,"
    "\"rounds\":{\"count\":6,\"cohort\":3,\"over_select\":1.0,\"deadline_s\":60,"
    "\"phase_s\":10}}";

typedef struct node {
    fed_memory_journal *journal;
    int64_t wake_ms;
} node;

typedef struct letter {
    bool to_server;
    unsigned device;
    uint64_t peer; /* the device's exchange */
    uint32_t type, status;
    fed_bytes body;
} letter;

typedef struct device {
    node node;
    fed_session *session;
    fed_session_config config;
    fed_seeded seeded;
    fed_partition *partition;
    uint32_t client;
    unsigned kills;
} device;

typedef struct world {
    fed_data *data;
    fed_partition *partition;
    device devices[DEVICES];
    node server;
    fed_coordinator *coordinator;
    fed_coordinator_config config;
    fed_seeded seeded;
    letter queue[QUEUE];
    size_t n_queue;
    int64_t now;
    unsigned server_epoch; /* exchanges of an earlier life get no answer */
    uint64_t wire_bytes;
} world;

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

static void start_device(world *w, unsigned i)
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

static void kill_device(world *w, unsigned i)
{
    fed_session_free(w->devices[i].session);
    w->devices[i].kills++;
    start_device(w, i);
}

/* What was under way to or from the server is lost; the devices hear of it. */
static void kill_server(world *w)
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

static void init_world(world *w)
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
        start_device(w, i);
    }
}

static void fini_world(world *w)
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

static void post(world *w, letter l)
{
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

static void deliver(world *w, size_t which)
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
static void pass_time(world *w)
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
static void fail_waiting(world *w)
{
    for (unsigned i = 0; i < DEVICES; i++)
        for (uint64_t peer = 1; peer < 4000; peer++)
            step_device(w, i, &(fed_event){.kind = FED_EVENT_FAILED, .peer = peer});
}

static void create_task(world *w, const char *secagg)
{
    char plan_text[1024];
    int plan_length = snprintf(plan_text, sizeof plan_text, plan_format, secagg);
    fed_error err;
    fed_task *task = NULL;
    fed_task_document doc = {
        .population = "p", .name = "t", .seed = {5}, .expires_ms = INT64_MAX};
    uint8_t operator_seed[32] = {2};
    fed_span text = {(const uint8_t *)plan_text, (size_t)plan_length};
    CHECK_OK(fed_task_parse(&task, text, FED_PLAN_AUTHOR, doc.seed, &err), &err);
    fed_span plan = fed_task_numbers_of(task)->resolved;
    float *params = fed_calloc(fed_task_numbers_of(task)->params, sizeof *params);
    fed_bytes model, document, body;
    fed_bytes_init(&model, SIZE_MAX), fed_bytes_init(&document, 4096);
    fed_bytes_init(&body, 1 << 20);
    fed_task_init_params(task, params);
    CHECK_OK(fed_task_write_model(task, params, &model, &err), &err);
    CHECK_OK(fed_address_of(model.data, model.len, &doc.model, &err), &err);
    CHECK_OK(fed_address_of(plan.data, plan.len, &doc.plan, &err), &err);
    doc.plan_length = plan.len, doc.model_length = model.len;
    CHECK_OK(fed_ed25519_public(w->config.server_seed, doc.server_key, &err), &err);
    CHECK_OK(fed_task_document_sign(&doc, operator_seed, &document, &err), &err);
    fed_span signed_bytes = {document.data, document.len};
    CHECK_OK(fed_task_create_put(&body, signed_bytes, plan, &err), &err);
    fed_event event = {.kind = FED_EVENT_MESSAGE,
                       .peer = exchange_of(w, 200, 1),
                       .type = FED_REQUEST_TASK_CREATE,
                       .body = {body.data, body.len}};
    step_server(w, &event);
    if (CHECK_EQ(w->n_queue, 1)) {
        CHECK_MSG(w->queue[0].status == 200, "%.*s", (int)w->queue[0].body.len,
                  (char *)w->queue[0].body.data);
        fed_bytes_fini(&w->queue[--w->n_queue].body);
    }
    fed_bytes_fini(&model), fed_bytes_fini(&document), fed_bytes_fini(&body);
    fed_free(params);
    fed_task_free(task);
}

static fed_task_info info_of(const world *w)
{
    fed_task_info info = {0};
    if (CHECK_EQ(fed_coordinator_task_count(w->coordinator), 1))
        fed_coordinator_task_info(w->coordinator, 0, &info);
    return info;
}

static double accuracy(const world *w)
{
    fed_error err;
    fed_evaluation out = {0};
    fed_task_info info = info_of(w);
    device all = {0};
    uint32_t total = 0;
    (void)all;
    for (unsigned i = 0; i < DEVICES; i++) {
        fed_evaluation part;
        CHECK_OK(fed_evaluate_examples(info.task,
                                       fed_coordinator_params(w->coordinator, 0),
                                       &w->devices[i].config.examples, NULL, &part, &err),
                 &err);
        out.correct += part.correct;
        total += (uint32_t)part.counted;
    }
    return total ? (double)out.correct / total : 0;
}

/* The trace must hold each version once, each device at most once in it. */
static fed_status check_trace(void *arg, const char *key, fed_span value, fed_error *err)
{
    fed_roster roster;
    (void)key;
    FED_TRY(fed_roster_get(&roster, value, err));
    ++*(unsigned *)arg;
    for (uint32_t i = 0; i < roster.n; i++)
        for (uint32_t k = 0; k < i; k++) {
            CHECK(memcmp(roster.members[i].device, roster.members[k].device, 32) != 0);
            CHECK(memcmp(roster.members[i].update_id, roster.members[k].update_id, 16));
        }
    fed_roster_fini(&roster);
    return FED_OK;
}

static void check_end(world *w)
{
    fed_error err;
    char prefix[FED_KEY_MAX];
    unsigned versions = 0;
    fed_task_info info = info_of(w);
    CHECK_EQ(info.head.state, FED_TASK_DONE);
    CHECK_EQ(info.head.version, ROUNDS);
    fed_journal j = fed_memory_journal_reader(w->server.journal);
    fed_key_task(prefix, &info.id, "trace/");
    CHECK_OK(j.scan(j.ctx, prefix, check_trace, &versions, &err), &err);
    CHECK_EQ(versions, ROUNDS);
    CHECK_MSG(accuracy(w) > 0.8, "accuracy %.3f", accuracy(w));
}

/* ---- cases ----------------------------------------------------------------------------- */

static void run_federation(const char *secagg, fed_address *model)
{
    static world w;
    init_world(&w);
    create_task(&w, secagg);
    unsigned steps = 0;
    while (info_of(&w).head.state == FED_TASK_RUNNING && steps++ < MAX_STEPS) {
        if (w.n_queue)
            deliver(&w, 0);
        else
            pass_time(&w);
    }
    fed_note("%u steps, %llu bytes up, accuracy %.3f", steps,
             (unsigned long long)w.wire_bytes, accuracy(&w));
    check_end(&w);
    *model = info_of(&w).head.model;
    fini_world(&w);
}

static void test_federation(void)
{
    fed_address off;
    run_federation(SECAGG_OFF, &off);
}

/* At random moments the server or a device dies; letters arrive in any order. */
static void run_with_kills(const char *secagg, uint64_t seed, unsigned *kills)
{
    static world w;
    uint8_t key[32];
    fed_stream s;
    fed_seed_from_u64(key, seed);
    fed_stream_init(&s, key, FED_PURPOSE_TEST, 1);
    init_world(&w);
    create_task(&w, secagg);
    unsigned steps = 0;
    while (info_of(&w).head.state == FED_TASK_RUNNING && steps++ < MAX_STEPS) {
        uint32_t dice = fed_stream_below(&s, 100);
        if (dice < 2) {
            kill_server(&w);
            fail_waiting(&w);
            ++*kills;
        } else if (dice < 5) {
            kill_device(&w, fed_stream_below(&s, DEVICES));
            ++*kills;
        } else if (w.n_queue) {
            deliver(&w, fed_stream_below(&s, (uint32_t)w.n_queue));
        } else {
            pass_time(&w);
        }
    }
    CHECK_MSG(info_of(&w).head.version == ROUNDS, "seed %llu: stuck at version %llu",
              (unsigned long long)seed, (unsigned long long)info_of(&w).head.version);
    check_end(&w);
    fini_world(&w);
}

static void kill_many(const char *secagg, uint64_t runs)
{
    unsigned kills = 0;
    for (uint64_t seed = 1; seed <= runs; seed++)
        run_with_kills(secagg, seed, &kills);
    fed_note("%u kills", kills);
}

static void test_kills(void)
{
    kill_many(SECAGG_OFF, 40);
}

static void test_kills_with_masks(void)
{
    kill_many(SECAGG_CURIOUS, 15);
    kill_many(SECAGG_ACTIVE, 15);
}

static void test_federation_with_masks(void)
{
    fed_address curious, active;
    run_federation(SECAGG_CURIOUS, &curious);
    run_federation(SECAGG_ACTIVE, &active);
}

/* What the operator signed and the device does not accept is refused by each device. */
static void refused_by_devices(const char *secagg, void (*change)(device *d),
                               const char *reason)
{
    static world w;
    init_world(&w);
    for (unsigned i = 0; i < DEVICES; i++) {
        change(&w.devices[i]);
        fed_session_free(w.devices[i].session);
        start_device(&w, i);
    }
    create_task(&w, secagg);
    for (unsigned steps = 0; steps < 300; steps++) {
        if (w.n_queue)
            deliver(&w, 0);
        else
            pass_time(&w);
    }
    CHECK_EQ(info_of(&w).head.version, 0);
    for (unsigned i = 0; i < DEVICES; i++) {
        fed_session_info info = fed_session_describe(w.devices[i].session);
        CHECK_EQ(info.trained, 0);
        if (info.refused)
            CHECK_MSG(strstr(info.last_refusal, reason), "\"%s\"", info.last_refusal);
    }
    CHECK(fed_session_describe(w.devices[0].session).refused > 0);
    fini_world(&w);
}

static void insist_on_secagg(device *d)
{
    d->config.floor.secagg = true;
}

static void insist_on_active(device *d)
{
    d->config.floor.cohort.adversary = FED_SECAGG_ACTIVE;
}

static void lose_certificate(device *d)
{
    d->config.is_enrolled = false;
}

static void test_device_refuses_a_plan_without_masks(void)
{
    refused_by_devices(SECAGG_OFF, insist_on_secagg, "this device insists on it");
}

static void test_device_without_certificate_refuses_masks(void)
{
    refused_by_devices(SECAGG_ACTIVE, lose_certificate, "no certificate");
}

/* The floor of the cohort is checked before anything of the update leaves the device. */
static void test_device_that_insists_on_active_leaves_curious(void)
{
    static world w;
    init_world(&w);
    for (unsigned i = 0; i < DEVICES; i++) {
        insist_on_active(&w.devices[i]);
        fed_session_free(w.devices[i].session);
        start_device(&w, i);
    }
    create_task(&w, SECAGG_CURIOUS);
    for (unsigned steps = 0; steps < 300; steps++) {
        if (w.n_queue)
            deliver(&w, 0);
        else
            pass_time(&w);
    }
    fed_session_info info = fed_session_describe(w.devices[0].session);
    CHECK_EQ(info_of(&w).head.version, 0);
    CHECK_EQ(info.delivered, 0);
    CHECK_MSG(strstr(info.last_refusal, "insists on active"), "\"%s\"",
              info.last_refusal);
    fini_world(&w);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_federation),
        CASE(test_federation_with_masks),
        CASE(test_kills),
        CASE(test_kills_with_masks),
        CASE(test_device_refuses_a_plan_without_masks),
        CASE(test_device_without_certificate_refuses_masks),
        CASE(test_device_that_insists_on_active_leaves_curious)};
    return fed_run("round", cases, sizeof cases / sizeof *cases);
}
