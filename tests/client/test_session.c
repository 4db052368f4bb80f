/* A session against answers that are hostile, wrong, late or missing: each is refused with its
 * reason, nothing is run that is not signed, and the device goes on living. */
#include "harness.h"

#include <stdio.h>

#include "scripted_server.h"
#include "session.h"

enum { STEPS = 400 };

static const char *plan_changes; /* of the scripts that are made; NULL: none */

static bool make_script(fed_script *s, fed_lie lie, uint64_t version)
{
    fed_error err;
    return CHECK_OK(fed_script_init_changed(s, lie, version, plan_changes, &err), &err);
}

typedef struct device {
    fed_session *session;
    fed_memory_journal *journal;
    fed_session_config config;
    uint64_t seed;
    int64_t now, wake_ms;
    bool waiting;
    uint64_t peer;
    uint32_t type;
    fed_bytes request;
    uint32_t asked[16]; /* requests so far, by type */
} device;

static void start_session(device *d)
{
    fed_error err;
    fed_journal journal = fed_memory_journal_reader(d->journal);
    CHECK_OK(fed_session_new(&d->session, &d->config, &err), &err);
    CHECK_OK(fed_session_restore(d->session, &journal, &err), &err);
    d->waiting = false;
}

static void device_init(device *d, const fed_script *s)
{
    fed_error err;
    *d = (device){.seed = 9, .now = 5000000, .wake_ms = 5000000};
    d->config =
        (fed_session_config){.population = "test",
                             .identity_seed = {3},
                             .device_seed = {4},
                             .max_model_bytes = 1 << 20,
                             .random = fed_test_random(&d->seed),
                             .examples = {FED_SCRIPT_ROWS, fed_script_fetch, NULL}};
    memcpy(d->config.operator_key, s->operator_key, 32);
    fed_bytes_init(&d->request, 1 << 20);
    CHECK_OK(fed_memory_journal_new(&d->journal, &err), &err);
    start_session(d);
}

static void device_fini(device *d)
{
    fed_session_free(d->session);
    fed_memory_journal_free(d->journal);
    fed_bytes_fini(&d->request);
}

static void step(device *d, const fed_event *event)
{
    fed_error err;
    fed_outbox o;
    fed_outbox_init(&o);
    d->waiting = d->waiting && event->kind == FED_EVENT_TIMER;
    CHECK_OK(fed_session_step(d->session, event, d->now, &o, &err), &err);
    CHECK_OK(fed_memory_journal_apply(d->journal, &o, &err), &err);
    CHECK(o.n_messages <= 1);
    if (o.n_messages) {
        d->waiting = true;
        d->peer = o.messages[0].peer;
        d->type = o.messages[0].type;
        d->asked[d->type & 15]++;
        fed_bytes_clear(&d->request);
        fed_bytes_put(&d->request, o.messages[0].body.data, o.messages[0].body.len);
    }
    d->wake_ms = o.wake_ms;
    fed_outbox_fini(&o);
}

static void answer(device *d, uint32_t status, const void *data, size_t n)
{
    step(d, &(fed_event){.kind = status ? FED_EVENT_MESSAGE : FED_EVENT_FAILED,
                         .peer = d->peer,
                         .type = d->type,
                         .status = status,
                         .body = {data, n}});
}

static void answer_truly(device *d, fed_script *s)
{
    fed_bytes out;
    fed_bytes_init(&out, 1 << 20);
    uint32_t status =
        fed_script_answer(s, d->type, (fed_span){d->request.data, d->request.len}, &out);
    answer(d, status, out.data, out.len);
    fed_bytes_fini(&out);
}

/* Until a request of `type` is under way: everything before it is answered truly. */
static bool run_to_request(device *d, fed_script *s, fed_request type)
{
    for (int i = 0; i < STEPS; i++) {
        if (d->waiting && d->type == (uint32_t)type) return true;
        if (d->waiting) {
            answer_truly(d, s);
        } else {
            if (d->wake_ms > d->now) d->now = d->wake_ms;
            step(d, &(fed_event){.kind = FED_EVENT_TIMER});
        }
    }
    return CHECK_MSG(false, "request %d never came", type);
}

/* Until something was refused, lost or delivered. */
static fed_session_info run_to_end(device *d, fed_script *s)
{
    for (int i = 0; i < STEPS; i++) {
        fed_session_info info = fed_session_describe(d->session);
        if (info.refused || info.lost || info.delivered) break;
        if (d->waiting) {
            answer_truly(d, s);
        } else {
            if (d->wake_ms > d->now) d->now = d->wake_ms;
            step(d, &(fed_event){.kind = FED_EVENT_TIMER});
        }
    }
    return fed_session_describe(d->session);
}

/* ---- eligibility.min_separation_s --------------------------------------------------------- */

/* From one input to the next it rests, by the wall clock, restarts or not; a clock that is set
 * back makes the pause begin anew. */
static void test_rests_between_participations(void)
{
    enum { PAUSE_MS = 3600 * 1000 };
    fed_error err;
    device d;
    fed_script s;
    CHECK_OK(fed_script_init_changed(&s, FED_LIE_NONE, 0,
                                     "eligibility.min_separation_s=3600", &err),
             &err);
    device_init(&d, &s);
    run_to_request(&d, &s, FED_REQUEST_INPUT);
    int64_t spent = d.now;
    CHECK_EQ(run_to_end(&d, &s).delivered, 1);
    uint32_t asked = d.asked[FED_REQUEST_CHECKIN];
    for (int64_t at = d.now; at < spent + PAUSE_MS; at += PAUSE_MS / 7) {
        d.now = at;
        step(&d, &(fed_event){.kind = FED_EVENT_TIMER});
        CHECK_EQ(d.asked[FED_REQUEST_CHECKIN], asked);
        CHECK_EQ(d.wake_ms, spent + PAUSE_MS);
    }
    fed_session_free(d.session);
    start_session(&d);
    step(&d, &(fed_event){.kind = FED_EVENT_START});
    CHECK_EQ(d.asked[FED_REQUEST_CHECKIN], asked);
    d.config.wall_offset_ms = -PAUSE_MS; /* set back, and started once more */
    fed_session_free(d.session);
    start_session(&d);
    step(&d, &(fed_event){.kind = FED_EVENT_START});
    CHECK_EQ(d.wake_ms, d.now + PAUSE_MS);
    d.now = d.wake_ms;
    step(&d, &(fed_event){.kind = FED_EVENT_TIMER});
    CHECK_EQ(d.asked[FED_REQUEST_CHECKIN], asked + 1);
    device_fini(&d);
    fed_script_fini(&s);
}

/* The plan of a new task says so too: then its offer is refused, however it came. */
static void test_rests_before_another_task(void)
{
    fed_error err;
    device d;
    fed_script first, second;
    make_script(&first, FED_LIE_NONE, 0);
    device_init(&d, &first);
    CHECK_EQ(run_to_end(&d, &first).delivered, 1);
    CHECK_OK(fed_script_init_changed(&second, FED_LIE_NONE, 1,
                                     "eligibility.min_separation_s=3600", &err),
             &err);
    for (int i = 0; i < STEPS && !fed_session_describe(d.session).refused; i++) {
        if (d.waiting)
            answer_truly(&d, &second);
        else
            step(&d, &(fed_event){.kind = FED_EVENT_TIMER});
        if (!d.waiting && d.wake_ms > d.now) d.now = d.wake_ms;
    }
    CHECK(strstr(fed_session_describe(d.session).last_refusal, "too early"));
    device_fini(&d);
    fed_script_fini(&first);
    fed_script_fini(&second);
}

/* ---- lies about the task ------------------------------------------------------------------ */

static void test_truth(void)
{
    fed_script s;
    device d;
    if (!make_script(&s, FED_LIE_NONE, 0)) return;
    device_init(&d, &s);
    fed_session_info info = run_to_end(&d, &s);
    CHECK_EQ(info.delivered, 1);
    CHECK_EQ(info.refused, 0);
    CHECK(info.last_loss > 0 && info.last_loss < 1.2);
    device_fini(&d);
    fed_script_fini(&s);
}

static void test_lies(void)
{
    static const char *const reasons[FED_LIE_COUNT] = {
        [FED_LIE_OPERATOR] = "signature",
        [FED_LIE_OTHER_TASK] = "not the one that was offered",
        [FED_LIE_POPULATION] = "population others",
        [FED_LIE_EXPIRED] = "expired",
        [FED_LIE_MODEL_LENGTH] = "8589934592 bytes, at most 1048576",
        [FED_LIE_PLAN_FIELD] = "extra",
        [FED_LIE_PLAN_AUTHOR] = "missing",
        [FED_LIE_PLAN_TEXT] = "",
        [FED_LIE_SERVER_KEY] = "signature",
        [FED_LIE_VERSION] = "1, not the 0 that was offered",
        [FED_LIE_VERSION_TASK] = "another task",
        [FED_LIE_ROUND] = "",
        [FED_LIE_MODEL_SHAPE] = "",
        [FED_LIE_TASK_BYTES] = "",
        [FED_LIE_PLAN_BYTES] = "",
        [FED_LIE_VERSION_BYTES] = "",
        [FED_LIE_MODEL_BYTES] = "",
        [FED_LIE_MODEL_CUT] = ""};
    for (fed_lie lie = FED_LIE_OPERATOR; lie < FED_LIE_COUNT; lie++) {
        fed_script s;
        device d;
        const fed_task *task;
        if (!make_script(&s, lie, 0)) continue;
        device_init(&d, &s);
        fed_session_info info = run_to_end(&d, &s);
        CHECK_MSG(info.refused == 1, "lie %d: refused %llu", lie,
                  (unsigned long long)info.refused);
        CHECK_MSG(info.last_refusal[0] && strstr(info.last_refusal, reasons[lie]),
                  "lie %d: \"%s\", wanted \"%s\"", lie, info.last_refusal, reasons[lie]);
        CHECK_MSG(info.trained == 0 && !fed_session_model(d.session, &task),
                  "lie %d: it was used", lie);
        CHECK_EQ(info.state, FED_SESSION_WAIT);
        CHECK_MSG(d.wake_ms > d.now, "lie %d: no pause after it", lie);
        run_to_request(&d, &s, FED_REQUEST_CHECKIN); /* it lives */
        device_fini(&d);
        fed_script_fini(&s);
    }
}

/* A task that is refused again and again costs little: the pauses grow to minutes. */
static void test_refused_again(void)
{
    fed_script s;
    device d;
    if (!make_script(&s, FED_LIE_MODEL_CUT, 0)) return;
    device_init(&d, &s);
    int64_t began = d.now;
    for (int i = 0; d.now - began < 3600000; i++) {
        if (d.waiting) {
            answer_truly(&d, &s);
        } else {
            if (d.wake_ms > d.now) d.now = d.wake_ms;
            step(&d, &(fed_event){.kind = FED_EVENT_TIMER});
        }
    }
    uint64_t refused = fed_session_describe(d.session).refused;
    fed_note("%llu times in an hour", (unsigned long long)refused);
    CHECK(refused >= 15 && refused <= 60);
    device_fini(&d);
    fed_script_fini(&s);
}

/* ---- versions ------------------------------------------------------------------------------ */

static void offer_again(device *d, fed_lie lie, uint64_t version, const char *reason)
{
    fed_script s;
    if (!make_script(&s, lie, version)) return;
    fed_session_info before = fed_session_describe(d->session);
    for (int i = 0; i < 30; i++) {
        if (d->waiting)
            answer_truly(d, &s);
        else
            d->now = d->wake_ms, step(d, &(fed_event){.kind = FED_EVENT_TIMER});
        if (fed_session_describe(d->session).refused > before.refused) break;
    }
    fed_session_info info = fed_session_describe(d->session);
    CHECK_EQ(info.refused, before.refused + 1);
    CHECK_EQ(info.trained, before.trained);
    CHECK_MSG(strstr(info.last_refusal, reason), "\"%s\"", info.last_refusal);
    fed_script_fini(&s);
}

/* An older version, or one whose model is spent, is not trained on, also after a restart. */
static void test_versions(void)
{
    fed_script s;
    device d;
    if (!make_script(&s, FED_LIE_NONE, 3)) return;
    device_init(&d, &s);
    CHECK_EQ(run_to_end(&d, &s).delivered, 1);
    offer_again(&d, FED_LIE_NONE, 2, "2 is older than 3");
    offer_again(&d, FED_LIE_NONE, 3, "spent");
    fed_session_free(d.session);
    start_session(&d);
    d.wake_ms = d.now;
    offer_again(&d, FED_LIE_NONE, 2, "2 is older than 3");
    offer_again(&d, FED_LIE_NONE, 3, "spent");
    fed_script_fini(&s);
    fed_script newer;
    CHECK(make_script(&newer, FED_LIE_NONE, 4));
    for (int i = 0; i < STEPS && !fed_session_describe(d.session).delivered; i++) {
        if (d.waiting)
            answer_truly(&d, &newer);
        else
            d.now = d.wake_ms, step(&d, &(fed_event){.kind = FED_EVENT_TIMER});
    }
    CHECK_EQ(fed_session_describe(d.session).delivered, 1);
    device_fini(&d);
    fed_script_fini(&newer);
}

static void deliver(device *d, fed_lie lie, uint64_t version)
{
    fed_script s;
    uint64_t before = fed_session_describe(d->session).delivered;
    if (!make_script(&s, lie, version)) return;
    for (int i = 0; i < STEPS && fed_session_describe(d->session).delivered == before;
         i++) {
        if (d->waiting)
            answer_truly(d, &s);
        else
            d->now = d->wake_ms, step(d, &(fed_event){.kind = FED_EVENT_TIMER});
    }
    fed_session_info info = fed_session_describe(d->session);
    CHECK_MSG(info.delivered == before + 1, "not delivered: %s", info.last_refusal);
    fed_script_fini(&s);
}

#define MATRIX                                                                           \
    "update.clip=1 rounds.count=9 privacy.mechanism=matrix "                             \
    "privacy.epsilon_server=none privacy.noise_multiplier=4 privacy.epsilon=20 "         \
    "privacy.delta=1e-3 privacy.population=10 privacy.max_participations=2 "

/* Until which version the device said, when it checked in, that it rests. */
static uint64_t rests_until(device *d)
{
    fed_checkin m = {.n_rests = 0};
    fed_script s;
    if (!make_script(&s, FED_LIE_NONE, 1)) return 0;
    if (run_to_request(d, &s, FED_REQUEST_CHECKIN))
        CHECK_OK(fed_checkin_get(&m, (fed_span){d->request.data, d->request.len}, NULL),
                 NULL);
    fed_script_fini(&s);
    return m.n_rests == 1 ? m.rests[0].until : 0;
}

/* Correlated noise: versions lie apart, whatever a server signs, restarts or not. */
static void test_versions_apart(void)
{
    fed_script s;
    device d;
    plan_changes = MATRIX "privacy.matrix.separation=3";
    if (!make_script(&s, FED_LIE_NONE, 1)) return;
    device_init(&d, &s);
    CHECK_EQ(run_to_end(&d, &s).delivered, 1);
    CHECK_EQ(rests_until(&d), 4);
    offer_again(&d, FED_LIE_NONE, 0, "0 is older than 1");
    for (int restarted = 0; restarted < 2; restarted++) {
        offer_again(&d, FED_LIE_NONE, 2, "separation: 3: version 2 is too early");
        offer_again(&d, FED_LIE_NONE, 3, "may take part again from 4 on");
        offer_again(&d, FED_LIE_NONE, 9, "version: 9 of a task of 9 rounds");
        offer_again(&d, FED_LIE_NONE, UINT64_C(1) << 40, "of a task of 9 rounds");
        fed_session_free(d.session);
        start_session(&d);
        d.wake_ms = d.now;
    }
    deliver(&d, FED_LIE_NONE, 4);
    CHECK_EQ(rests_until(&d), INT64_MAX);
    offer_again(&d, FED_LIE_NONE, 8, "took part 2 times in the task, of 2");
    fed_session_info info = fed_session_describe(d.session);
    CHECK_EQ(info.participations, 2);
    CHECK(info.epsilon > 0 && info.epsilon < 20);
    device_fini(&d);
    fed_script_fini(&s);
    plan_changes = NULL;
}

/* The same model under a new task would be a second sum over the same update. What the new
 * task has beyond it is welcome, also to a device that was killed in between. */
static void test_model_under_a_new_task(void)
{
    fed_script s;
    device d;
    if (!make_script(&s, FED_LIE_NONE, 3)) return;
    device_init(&d, &s);
    deliver(&d, FED_LIE_NONE, 3);
    for (int life = 0; life < 2; life++) {
        offer_again(&d, FED_LIE_NEW_TASK, 3, "spent");
        fed_session_free(d.session);
        start_session(&d);
        d.wake_ms = d.now;
    }
    deliver(&d, FED_LIE_NEW_TASK, 1);
    device_fini(&d);
    fed_script_fini(&s);
}

/* ---- differences --------------------------------------------------------------------------- */

static void device_for(device *d, uint64_t version)
{
    fed_script s;
    if (!make_script(&s, FED_LIE_NONE, version)) return;
    device_init(d, &s);
    fed_script_fini(&s);
    deliver(d, FED_LIE_NONE, version);
}

/* The device loads one model whole, and from then on differences, also after a restart; one
 * that missed a version for which there is no difference loads the model again. */
static void test_differences(void)
{
    device d;
    const fed_task *task;
    device_for(&d, 3);
    float before = fed_session_model(d.session, &task)[0];
    deliver(&d, FED_LIE_NONE, 4);
    CHECK_EQ(fed_session_describe(d.session).rebuilt, 1);
    CHECK_EQ(fed_session_describe(d.session).loaded, 1);
    CHECK(fed_session_model(d.session, &task)[0] == before + 1);
    fed_session_free(d.session);
    start_session(&d);
    d.wake_ms = d.now;
    const float *kept = fed_session_model(d.session, &task);
    CHECK(kept && kept[0] == before + 1); /* it can be used before the server is asked */
    deliver(&d, FED_LIE_NONE, 5);
    CHECK_EQ(fed_session_describe(d.session).rebuilt, 1);
    deliver(&d, FED_LIE_NONE, 6);
    deliver(&d, FED_LIE_NONE, 8);
    fed_session_info info = fed_session_describe(d.session);
    CHECK_EQ(info.rebuilt, 2);
    CHECK_EQ(info.fell_back, 0); /* there was nothing to fall back from */
    CHECK_EQ(info.refused, 0);
    CHECK(fed_session_model(d.session, &task)[0] == before + 5);
    device_fini(&d);
}

/* A difference that is away, damaged, or signed and wrong costs its bytes and nothing else. */
static void test_bad_differences(void)
{
    for (int lie = FED_LIE_DIFFERENCE_GONE; lie < FED_LIE_END; lie++) {
        device d;
        const fed_task *task;
        device_for(&d, 3);
        float before = fed_session_model(d.session, &task)[0];
        deliver(&d, (fed_lie)lie, 4);
        fed_session_info info = fed_session_describe(d.session);
        CHECK_MSG(info.fell_back == 1 && !info.rebuilt && !info.refused, "lie %d", lie);
        CHECK(fed_session_model(d.session, &task)[0] == before + 1);
        device_fini(&d);
    }
}

/* Killed at every request on the way to version 4: the device never trains on anything but the
 * model of version 4, and holds version 3 or 4 whenever it is looked at. */
static void test_killed_while_it_rebuilds(void)
{
    for (int kill_at = 0; kill_at < 12; kill_at++) {
        fed_script s;
        device d;
        const fed_task *task;
        device_for(&d, 3);
        float before = fed_session_model(d.session, &task)[0];
        if (!make_script(&s, FED_LIE_NONE, 4)) return;
        for (int i = 0; i < kill_at; i++) {
            if (d.waiting)
                answer_truly(&d, &s);
            else
                d.now = d.wake_ms, step(&d, &(fed_event){.kind = FED_EVENT_TIMER});
        }
        fed_session_free(d.session);
        start_session(&d);
        d.wake_ms = d.now;
        const float *kept = fed_session_model(d.session, &task);
        CHECK(kept && (kept[0] == before || kept[0] == before + 1));
        fed_script_fini(&s);
        if (d.asked[FED_REQUEST_INPUT] < 2) /* else it is delivered, and spent */
            deliver(&d, FED_LIE_NONE, 4);
        CHECK(fed_session_model(d.session, &task)[0] == before + 1);
        device_fini(&d);
    }
}

/* ---- answers of every kind, at every request --------------------------------------------- */

typedef struct odd_answer {
    uint32_t status; /* 0: none came */
    const char *body;
} odd_answer;

static const odd_answer odd_answers[] = {
    {0, ""},
    {200, ""},
    {200, "{}"},
    {200, "null"},
    {200, "{\"retry_after_ms\":-1}"},
    {200, "{\"retry_after_ms\":99999999999}"},
    {200, "{\"task\":\"zz\"}"},
    {200, "[[[[[[[[[[[[[[[["},
    {200, "\xff\xfe\x00\x01"},
    {200, "FEDM and then nothing that it should be, but long enough to look like it"},
    {202, ""},
    {204, ""},
    {301, ""},
    {400, "you are wrong"},
    {401, ""},
    {403, "\"quoted\"\n\x1b[31m"},
    {404, ""},
    {409, "resend"},
    {410, "gone"},
    {410, ""},
    {413, ""},
    {418, "teapot"},
    {429, "{}"},
    {500, "oops"},
    {503, ""},
    {999, "?"}};

/* Whatever comes, the session lives, waits before it asks again, and with true answers from
 * then on delivers an update: this one or the next. */
static void try_answer(fed_request type, const odd_answer *odd)
{
    fed_script s;
    device d;
    if (!make_script(&s, FED_LIE_NONE, 0)) return;
    device_init(&d, &s);
    if (run_to_request(&d, &s, type)) {
        uint32_t inputs = d.asked[FED_REQUEST_INPUT];
        answer(&d, odd->status, odd->body, strlen(odd->body));
        bool moved = !d.waiting || d.type != (uint32_t)type || odd->status == 409;
        CHECK_MSG(moved, "request %d, answer %u \"%s\": asked again at once", type,
                  odd->status, odd->body);
        if (type == FED_REQUEST_JOIN)
            CHECK_MSG(d.asked[FED_REQUEST_INPUT] == inputs,
                      "answer %u \"%s\" to a join let the update out", odd->status,
                      odd->body);
        fed_session_info info = fed_session_describe(d.session);
        for (const char *c = info.last_refusal; *c; c++)
            CHECK(*c >= 0x20 && *c < 0x7f && *c != 0x1b);
    }
    fed_script_fini(&s);
    if (make_script(&s, FED_LIE_NONE, 1)) { /* the federation went on */
        for (int i = 0; i < STEPS && !fed_session_describe(d.session).delivered; i++) {
            if (d.waiting)
                answer_truly(&d, &s);
            else
                d.now = d.wake_ms, step(&d, &(fed_event){.kind = FED_EVENT_TIMER});
        }
        CHECK_MSG(fed_session_describe(d.session).delivered == 1,
                  "request %d, answer %u \"%s\": nothing delivered afterwards", type,
                  odd->status, odd->body);
        fed_script_fini(&s);
    }
    device_fini(&d);
}

static void test_odd_answers(void)
{
    static const fed_request types[] = {FED_REQUEST_CHECKIN, FED_REQUEST_BLOB,
                                        FED_REQUEST_PLACE, FED_REQUEST_JOIN,
                                        FED_REQUEST_INPUT};
    unsigned n = 0;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (size_t i = 0; i < sizeof odd_answers / sizeof *odd_answers; i++, n++)
            try_answer(types[t], &odd_answers[i]);
    fed_note("%u answers", n);
}

/* An answer to an earlier request, or to none, changes nothing. */
static void test_stray_answers(void)
{
    fed_script s;
    device d;
    if (!make_script(&s, FED_LIE_NONE, 0)) return;
    device_init(&d, &s);
    run_to_request(&d, &s, FED_REQUEST_PLACE);
    fed_session_info before = fed_session_describe(d.session);
    for (uint64_t peer = 0; peer < 20; peer++) {
        fed_outbox o;
        if (peer == d.peer) continue;
        fed_outbox_init(&o);
        fed_event stray = {
            .kind = FED_EVENT_MESSAGE, .peer = peer, .status = 404, .type = d.type};
        CHECK_EQ(fed_session_step(d.session, &stray, d.now, &o, NULL), FED_OK);
        CHECK(o.n_messages == 0 && o.n_records == 0);
        fed_outbox_fini(&o);
    }
    CHECK_EQ(fed_session_describe(d.session).state, before.state);
    CHECK_EQ(run_to_end(&d, &s).delivered, 1);
    device_fini(&d);
    fed_script_fini(&s);
}

/* ---- spent ----------------------------------------------------------------------------------- */

/* Once the input was sent, a restart sends the same bytes to the same cohort, or none. */
static void test_same_bytes(void)
{
    fed_script s;
    device d;
    fed_bytes first;
    if (!make_script(&s, FED_LIE_NONE, 0)) return;
    device_init(&d, &s);
    run_to_request(&d, &s, FED_REQUEST_INPUT);
    fed_bytes_init(&first, 1 << 20);
    fed_bytes_put(&first, d.request.data, d.request.len);
    for (int life = 0; life < 3; life++) {
        fed_session_free(d.session);
        start_session(&d);
        step(&d, &(fed_event){.kind = FED_EVENT_START});
        CHECK_EQ(d.type, FED_REQUEST_INBOX);
        answer(&d, FED_HTTP_CONFLICT, "resend", 6);
        CHECK_EQ(d.type, FED_REQUEST_INPUT);
        CHECK_EQ(d.request.len, first.len);
        CHECK_MEM(d.request.data, first.data, first.len);
    }
    answer(&d, FED_HTTP_NOT_FOUND, "", 0);
    fed_session_info info = fed_session_describe(d.session);
    CHECK_EQ(info.lost, 1);
    CHECK_EQ(d.asked[FED_REQUEST_PLACE], 1); /* it went to no other cohort */
    fed_bytes_fini(&first);
    device_fini(&d);
    fed_script_fini(&s);
}

/* ---- allocations ------------------------------------------------------------------------------ */

typedef struct torture {
    fed_script scripts[2]; /* of two versions */
    device device;
} torture;

/* A whole round; a step that fails leaves a session that can be freed. */
static fed_status deliver_once(fed_session *session, fed_script *script, int64_t *now)
{
    fed_status status = FED_OK;
    fed_event event = {.kind = FED_EVENT_START};
    fed_bytes body;
    fed_bytes_init(&body, 1 << 20);
    uint64_t before = fed_session_describe(session).delivered;
    for (int i = 0; !status && i < STEPS; i++) {
        fed_outbox o;
        fed_outbox_init(&o);
        status = fed_session_step(session, &event, *now, &o, NULL);
        fed_bytes_clear(&body);
        event = (fed_event){.kind = FED_EVENT_TIMER};
        if (!status && o.n_messages) {
            const fed_message *m = &o.messages[0];
            event.kind = FED_EVENT_MESSAGE;
            event.peer = m->peer;
            event.type = m->type;
            event.status = fed_script_answer(
                script, m->type, (fed_span){m->body.data, m->body.len}, &body);
            if (body.status || event.status == FED_HTTP_INTERNAL) status = FED_E_NOMEM;
            event.body = (fed_span){body.data, body.len};
        } else if (!status) {
            *now = o.wake_ms;
        }
        fed_outbox_fini(&o);
        fed_session_info info = fed_session_describe(session);
        if (!status && info.delivered > before) break;
        CHECK(!info.refused);   /* no memory is no reason to refuse what is offered, */
        CHECK(!info.fell_back); /* nor to load a model that can be rebuilt */
    }
    fed_bytes_fini(&body);
    return status;
}

static fed_status scenario(void *ctx)
{
    torture *t = ctx;
    fed_session *session = NULL;
    int64_t now = t->device.now;
    fed_status status = fed_session_new(&session, &t->device.config, NULL);
    for (int i = 0; !status && i < 2; i++)
        status = deliver_once(session, &t->scripts[i], &now);
    if (!status) CHECK_EQ(fed_session_describe(session).rebuilt, 1);
    fed_session_free(session);
    return status;
}

static void torture_two_versions(size_t at_least)
{
    static torture t;
    if (!make_script(&t.scripts[0], FED_LIE_NONE, 0)) return;
    if (!make_script(&t.scripts[1], FED_LIE_NONE, 1)) return;
    device_init(&t.device, &t.scripts[0]);
    size_t n = fed_torture(scenario, &t);
    fed_note("%zu allocations", n);
    CHECK(n > at_least);
    device_fini(&t.device);
    fed_script_fini(&t.scripts[0]);
    fed_script_fini(&t.scripts[1]);
}

/* Without privacy; and with books, and with what correlated noise wants to be kept. */
static void test_torture(void)
{
    torture_two_versions(50);
    plan_changes = MATRIX "privacy.matrix.separation=1";
    torture_two_versions(220);
    plan_changes = NULL;
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_truth),
                                     CASE(test_rests_between_participations),
                                     CASE(test_rests_before_another_task),
                                     CASE(test_lies),
                                     CASE(test_refused_again),
                                     CASE(test_versions),
                                     CASE(test_versions_apart),
                                     CASE(test_model_under_a_new_task),
                                     CASE(test_differences),
                                     CASE(test_bad_differences),
                                     CASE(test_killed_while_it_rebuilds),
                                     CASE(test_odd_answers),
                                     CASE(test_stray_answers),
                                     CASE(test_same_bytes),
                                     CASE(test_torture)};
    return fed_run("session", cases, sizeof cases / sizeof *cases);
}
