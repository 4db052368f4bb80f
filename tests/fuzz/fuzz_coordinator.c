/*
 * Arbitrary requests to a coordinator with one running task. Nothing may crash it, a step may
 * not fail, and each request is answered at most once. The input is a list of
 *
 *     u8 what | u8 device | u8 length | bytes
 *
 * and `what` is either a request's type with the bytes as they are, or one of the moves that
 * a device makes, well signed, with the bytes inside: so that the fuzzer gets behind the
 * signatures. Each input is a life of its own, so that it can be replayed.
 */
#include <stdlib.h>
#include <string.h>

#include "round.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    DEVICES = 4,
    EXCHANGES_MAX = 4096,
    PHASE_REQUESTS = FED_REQUEST_REVEAL - FED_REQUEST_JOIN + 1
};

/* What the fuzzer may choose from, beside plain requests. */
enum move {
    MOVE_RAW,     /* bytes as they are, of any type */
    MOVE_SIGNED,  /* any bytes in a signed frame of any type, to the open cohort */
    MOVE_PLACE,   /* a good place */
    MOVE_JOIN,    /* a good join */
    MOVE_INBOX,   /* a good question */
    MOVE_WAIT,    /* time passes */
    MOVE_RESTART, /* a new life from the journal */
    MOVES
};

static const char plan_text[] =
    "{\"format\":\"fed-plan/1\",\"name\":\"f\",\"model\":{\"input\":{\"shape\":[3]},"
    "\"layers\":[{\"op\":\"linear\",\"units\":2}],\"loss\":\"softmax_cross_entropy\"},"
    "\"train\":{\"lr\":0.1,\"batch\":4},\"update\":{\"select\":\"dense\",\"bits\":8,"
    "\"clip\":1,\"rotate\":\"none\"},\"secagg\":{\"enabled\":false},"
    "\"rounds\":{\"count\":1000000,\"cohort\":2,\"over_select\":1.5,\"min_survivors\":2,"
    "\"deadline_s\":5,\"phase_s\":2}}";

static struct {
    fed_coordinator_config config;
    fed_coordinator *coordinator;
    fed_memory_journal *journal;
    uint64_t draws;
    int64_t now;
    uint8_t seeds[DEVICES][32], keys[DEVICES][32];
    uint8_t cohort[32]; /* the newest that a place was given in */
    uint8_t answered[EXCHANGES_MAX];
    size_t exchanges;
} life;

static void must(fed_status status)
{
    if (status) abort();
}

static fed_status draw(void *ctx, const char *purpose, uint64_t index, void *out,
                       size_t n)
{
    (void)ctx, (void)purpose, (void)index;
    memset(out, 0, n);
    life.draws++;
    memcpy(out, &life.draws, n < sizeof life.draws ? n : sizeof life.draws);
    return FED_OK;
}

static void take(fed_outbox *o)
{
    for (size_t i = 0; i < o->n_messages; i++) {
        const fed_message *m = &o->messages[i];
        if (m->peer >= life.exchanges || life.answered[m->peer]++) abort();
        if (m->type == FED_REQUEST_PLACE && m->status == FED_HTTP_OK)
            memcpy(life.cohort, m->body.data, sizeof life.cohort);
    }
}

static void step(const fed_event *event)
{
    fed_error err;
    fed_outbox o;
    fed_outbox_init(&o);
    must(fed_coordinator_step(life.coordinator, event, life.now, &o, &err));
    must(fed_memory_journal_apply(life.journal, &o, &err));
    take(&o);
    fed_outbox_fini(&o);
}

static void ask(uint32_t type, const void *data, size_t n)
{
    if (life.exchanges == EXCHANGES_MAX) return;
    step(&(fed_event){.kind = FED_EVENT_MESSAGE,
                      .peer = life.exchanges++,
                      .type = type,
                      .body = {data, n}});
}

static void ask_signed(fed_request type, unsigned device, const uint8_t *cohort,
                       fed_span body)
{
    fed_bytes message;
    fed_envelope e = {.type = type, .body = body};
    if (cohort) memcpy(e.cohort, cohort, sizeof e.cohort);
    memcpy(e.sender, life.keys[device], sizeof e.sender);
    fed_bytes_init(&message, 1 << 20);
    must(fed_envelope_seal(&message, &e, life.seeds[device], NULL));
    ask(type, message.data, message.len);
    fed_bytes_fini(&message);
}

/* ---- a life ------------------------------------------------------------------------------- */

static void start(void)
{
    fed_error err;
    fed_journal journal = fed_memory_journal_reader(life.journal);
    must(fed_coordinator_new(&life.coordinator, &life.config, &err));
    must(fed_coordinator_restore(life.coordinator, &journal, life.now, &err));
}

static void describe_model(const fed_task *task, fed_task_document *doc)
{
    fed_bytes model;
    size_t n = fed_task_numbers_of(task)->params;
    float *params = calloc(n, sizeof *params);
    if (!params) abort();
    fed_bytes_init(&model, SIZE_MAX);
    fed_task_init_params(task, params);
    must(fed_task_write_model(task, params, &model, NULL));
    must(fed_address_of(model.data, model.len, &doc->model, NULL));
    doc->model_length = model.len;
    fed_bytes_fini(&model);
    free(params);
}

static void create_task(const uint8_t operator_seed[32])
{
    fed_task *task = NULL;
    fed_bytes document, body;
    fed_task_document doc = {.population = "p", .name = "t", .expires_ms = INT64_MAX / 2};
    fed_span text = {(const uint8_t *)plan_text, sizeof plan_text - 1};
    must(fed_task_parse(&task, text, FED_PLAN_AUTHOR, doc.seed, NULL));
    fed_span plan = fed_task_numbers_of(task)->resolved;
    describe_model(task, &doc);
    must(fed_address_of(plan.data, plan.len, &doc.plan, NULL));
    doc.plan_length = plan.len;
    must(fed_ed25519_public(life.config.server_seed, doc.server_key, NULL));
    fed_bytes_init(&document, FED_TASK_DOCUMENT_MAX);
    fed_bytes_init(&body, 1 << 20);
    must(fed_task_document_sign(&doc, operator_seed, &document, NULL));
    must(fed_task_create_put(&body, (fed_span){document.data, document.len}, plan, NULL));
    ask(FED_REQUEST_TASK_CREATE, body.data, body.len);
    if (fed_coordinator_task_count(life.coordinator) != 1) abort();
    fed_bytes_fini(&document);
    fed_bytes_fini(&body);
    fed_task_free(task);
}

static void begin_life(void)
{
    static const uint8_t operator_seed[32] = {2};
    memset(&life, 0, sizeof life);
    life.config = (fed_coordinator_config){.server_seed = {1},
                                           .retry_min_ms = 10,
                                           .retry_max_ms = 20,
                                           .random = {draw, NULL}};
    must(fed_ed25519_public(operator_seed, life.config.operator_key, NULL));
    must(fed_memory_journal_new(&life.journal, NULL));
    for (unsigned i = 0; i < DEVICES; i++) {
        life.seeds[i][0] = (uint8_t)(i + 1);
        must(fed_ed25519_public(life.seeds[i], life.keys[i], NULL));
    }
    start();
    create_task(operator_seed);
}

static void end_life(void)
{
    fed_coordinator_free(life.coordinator);
    fed_memory_journal_free(life.journal);
}

/* ---- moves -------------------------------------------------------------------------------- */

static void place(unsigned device, uint8_t update)
{
    fed_bytes body;
    fed_task_info info;
    fed_coordinator_task_info(life.coordinator, 0, &info);
    fed_place m = {.version = info.head.version, .update_id = {update}};
    memcpy(m.task, info.id.bytes, sizeof m.task);
    memcpy(m.round, info.head.version_blob.bytes, sizeof m.round);
    fed_bytes_init(&body, FED_PLACE_BYTES);
    fed_place_put(&body, &m);
    ask_signed(FED_REQUEST_PLACE, device, NULL, (fed_span){body.data, body.len});
    fed_bytes_fini(&body);
}

static void join(unsigned device, uint8_t update)
{
    fed_bytes body;
    fed_bytes_init(&body, 64);
    fed_join_put(&body, &(fed_join){.update_id = {update}});
    ask_signed(FED_REQUEST_JOIN, device, life.cohort, (fed_span){body.data, body.len});
    fed_bytes_fini(&body);
}

static void inbox(unsigned device, uint8_t after)
{
    fed_bytes body;
    fed_inbox_query q = {.after = (fed_phase)(after % (FED_PHASE_ABORTED + 1))};
    memcpy(q.cohort, life.cohort, sizeof q.cohort);
    memcpy(q.sender, life.keys[device], sizeof q.sender);
    fed_bytes_init(&body, FED_INBOX_QUERY_BYTES);
    fed_inbox_query_put(&body, &q);
    ask(FED_REQUEST_INBOX, body.data, body.len);
    fed_bytes_fini(&body);
}

static void restart(void)
{
    fed_coordinator_free(life.coordinator);
    life.coordinator = NULL;
    start();
}

static const uint8_t types[] = {
    FED_REQUEST_CHECKIN, FED_REQUEST_PLACE,       FED_REQUEST_INBOX,
    FED_REQUEST_JOIN,    FED_REQUEST_PICK,        FED_REQUEST_SHARE,
    FED_REQUEST_INPUT,   FED_REQUEST_CONFIRM,     FED_REQUEST_REVEAL,
    FED_REQUEST_BLOB,    FED_REQUEST_TASK_CREATE, FED_REQUEST_TASK_STOP};

static void move(uint8_t what, uint8_t who, fed_span bytes)
{
    unsigned device = who % DEVICES;
    uint8_t first = bytes.len ? bytes.data[0] : 1;
    uint8_t pick = (uint8_t)(what / MOVES);
    switch ((enum move)(what % MOVES)) {
    case MOVE_RAW:
        ask(types[pick % sizeof types], bytes.data, bytes.len);
        break;
    case MOVE_SIGNED:
        ask_signed((fed_request)(FED_REQUEST_JOIN + pick % PHASE_REQUESTS), device,
                   life.cohort, bytes);
        break;
    case MOVE_PLACE:
        place(device, first);
        break;
    case MOVE_JOIN:
        join(device, first);
        break;
    case MOVE_INBOX:
        inbox(device, first);
        break;
    case MOVE_WAIT:
        life.now += 100 * (int64_t)first;
        step(&(fed_event){.kind = FED_EVENT_TIMER});
        break;
    case MOVE_RESTART:
        restart();
        break;
    case MOVES:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_reader r;
    begin_life();
    fed_reader_init(&r, data, size);
    while (fed_reader_left(&r)) {
        uint8_t what = fed_reader_u8(&r), who = fed_reader_u8(&r);
        fed_span bytes = fed_reader_take(&r, fed_reader_u8(&r));
        if (r.failed) break;
        move(what, who, bytes);
    }
    end_life();
    return 0;
}
