/* The coordinator, request by request: who is refused and why, what happens when time passes,
 * and what is there after a restart in each phase. */
#include "coordinator_rig.h"

#include <stdio.h>

static rig r;

static void open_with(const char *rounds)
{
    rig_open(&r);
    rig_create(&r, rig_plan(rounds), "t");
}

#define CHECK_ANSWER(exchange, wanted, part)                                             \
    check_answer((exchange), (wanted), (part), __LINE__)

static void check_answer(size_t exchange, unsigned wanted, const char *part, int line)
{
    unsigned status = rig_status(&r, exchange);
    const char *text = rig_text(&r, exchange);
    fed_check(status == wanted && strstr(text, part), __FILE__, line,
              "answered %u %s, wanted %u with \"%s\"", status, text, wanted, part);
}

static fed_phase answered_phase(size_t exchange)
{
    fed_error err;
    fed_answer a = {0};
    rig_answer *got = &r.answers[exchange];
    CHECK_OK(fed_answer_get(&a, (fed_span){got->body.data, got->body.len}, &err), &err);
    return a.phase;
}

/* ---- creating and stopping ---------------------------------------------------------------- */

static fed_status refuse_everything(void *ctx, const fed_task *task, fed_error *err)
{
    (void)ctx, (void)task;
    return fed_fail(err, FED_E_REFUSED, "not on a %s", "Sunday");
}

static void test_create(void)
{
    fed_task_document doc, changed;
    fed_task *task = NULL;
    static const uint8_t other_seed[32] = {77};
    rig_open(&r);
    rig_document(rig_plan(RIG_ROUNDS), &doc, &task);

    changed = doc, changed.expires_ms = r.now;
    CHECK_ANSWER(rig_send_document(&r, &changed, task, NULL), 403, "expired");
    changed = doc, changed.server_key[0] ^= 1;
    CHECK_ANSWER(rig_send_document(&r, &changed, task, NULL), 403, "another server");
    changed = doc, changed.model.bytes[5] ^= 1;
    CHECK_ANSWER(rig_send_document(&r, &changed, task, NULL), 403, "another address");
    changed = doc, changed.plan.bytes[5] ^= 1;
    CHECK_ANSWER(rig_send_document(&r, &changed, task, NULL), 403, "");
    CHECK_ANSWER(rig_send_document(&r, &doc, task, other_seed), 403, "sign");
    r.config.accept = refuse_everything;
    rig_restart(&r);
    CHECK_ANSWER(rig_send_document(&r, &doc, task, NULL), 403, "not on a Sunday");
    CHECK_EQ(rig_ask_now(&r, FED_REQUEST_TASK_CREATE, "junk", 4), 400);
    CHECK_EQ(rig_ask_now(&r, FED_REQUEST_TASK_CREATE, NULL, 0), 400);

    CHECK_EQ(fed_coordinator_task_count(r.coordinator), 0);
    CHECK_MSG(fed_memory_journal_count(r.journal) == 0, "a refusal left records behind");
    r.config.accept = NULL;
    rig_restart(&r);
    size_t first = rig_send_document(&r, &doc, task, NULL);
    size_t again = rig_send_document(&r, &doc, task, NULL);
    CHECK_EQ(rig_status(&r, first), 200);
    CHECK_EQ(rig_status(&r, again), 200);
    CHECK_EQ(fed_coordinator_task_count(r.coordinator), 1);
    CHECK_MEM(r.answers[first].body.data, r.answers[again].body.data, 32);
    fed_task_free(task);
    rig_close(&r);
}

/* The same plan with secure aggregation on. Static. */
static const char *masked_plan(void)
{
    static char plan[4096];
    static const char off[] = "{\"enabled\":false}",
                      on[] = "{\"adversary\":\"curious\",\"corrupt\":0,\"dropout\":0.3}";
    const char *text = rig_plan("\"count\":3,\"cohort\":3,\"over_select\":1");
    const char *at = strstr(text, off);
    snprintf(plan, sizeof plan, "%.*s%s%s", (int)(at - text), text, on,
             at + sizeof off - 1);
    return plan;
}

static void test_secagg_needs_a_key(void)
{
    fed_task_document doc;
    fed_task *task = NULL;
    rig_open(&r);
    rig_document(masked_plan(), &doc, &task);
    CHECK_ANSWER(rig_send_document(&r, &doc, task, NULL), 403, "enrolment key");
    fed_task_free(task);
    rig_close(&r);
}

static void test_many_tasks(void)
{
    rig_open(&r);
    for (int i = 0; i < FED_COORDINATOR_TASKS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i);
        rig_create(&r, rig_plan(RIG_ROUNDS), name);
    }
    fed_task_document doc;
    fed_task *task = NULL;
    rig_document(rig_plan(RIG_ROUNDS), &doc, &task);
    CHECK_ANSWER(rig_send_document(&r, &doc, task, NULL), 429, "no more fit");
    rig_restart(&r);
    CHECK_EQ(fed_coordinator_task_count(r.coordinator), FED_COORDINATOR_TASKS_MAX);
    fed_task_free(task);
    rig_close(&r);
}

static void test_stop(void)
{
    static const uint8_t other_seed[32] = {77};
    fed_address unknown = {{1}};
    open_with(RIG_ROUNDS);
    CHECK_EQ(rig_status(&r, rig_stop(&r, &r.task_id, other_seed)), 403);
    CHECK_ANSWER(rig_stop(&r, &unknown, rig_operator_seed), 404, "not known");
    CHECK_EQ(rig_ask_now(&r, FED_REQUEST_TASK_STOP, "x", 1), 400);
    CHECK_EQ(rig_info(&r, 0).head.state, FED_TASK_RUNNING);

    uint8_t cohort[32];
    rig_cohort(&r, rig_place(&r, 0, 1), cohort);
    size_t waiting = rig_join(&r, 0, 1, cohort);
    CHECK_EQ(rig_status(&r, waiting), 0);
    CHECK_EQ(rig_status(&r, rig_stop(&r, &r.task_id, rig_operator_seed)), 200);
    CHECK_EQ(rig_status(&r, waiting), 410);
    CHECK_EQ(rig_info(&r, 0).head.state, FED_TASK_STOPPED);
    CHECK_ANSWER(rig_place(&r, 1, 1), 409, "stopped");
    rig_restart(&r);
    CHECK_EQ(rig_info(&r, 0).head.state, FED_TASK_STOPPED);
    CHECK_EQ(rig_status(&r, rig_stop(&r, &r.task_id, rig_operator_seed)), 200);
    rig_close(&r);
}

static void test_expiry(void)
{
    fed_task_document doc;
    fed_task *task = NULL;
    rig_open(&r);
    rig_document(rig_plan(RIG_ROUNDS), &doc, &task);
    doc.expires_ms = r.now + 5000;
    CHECK_EQ(rig_status(&r, rig_send_document(&r, &doc, task, NULL)), 200);
    CHECK_MSG(r.wake_ms == doc.expires_ms, "it must wake up to end the task");
    rig_wait(&r, 4999);
    CHECK_EQ(rig_info(&r, 0).head.state, FED_TASK_RUNNING);
    rig_wait(&r, 1);
    CHECK_EQ(rig_info(&r, 0).head.state, FED_TASK_EXPIRED);
    fed_task_free(task);
    rig_close(&r);
}

/* ---- check-in ----------------------------------------------------------------------------- */

static bool was_invited(size_t exchange)
{
    fed_error err;
    fed_checkin_answer a = {0};
    rig_answer *got = &r.answers[exchange];
    CHECK_EQ(got->status, 200);
    CHECK_OK(fed_checkin_answer_get(&a, (fed_span){got->body.data, got->body.len}, &err),
             &err);
    if (a.has_task) CHECK_MSG(a.train_by_ms > 0, "invited with no time left");
    return a.has_task;
}

static void test_checkin(void)
{
    rig_open(&r);
    CHECK(!was_invited(rig_checkin(&r, 0, "p", 100)));
    rig_create(&r,
               rig_plan_with("\"eligibility\":{\"min_examples\":10,\"charging\":true},",
                             RIG_ROUNDS),
               "t");
    CHECK(!was_invited(rig_checkin(&r, 0, "q", 100)));
    CHECK(!was_invited(rig_checkin(&r, 0, "p", 8)));
    for (unsigned i = 0; i < 3; i++)
        CHECK(was_invited(rig_checkin(&r, i, "p", 100)));
    CHECK_EQ(rig_info(&r, 0).invited, 3);
    CHECK(!was_invited(rig_checkin(&r, 3, "p", 100)));
    CHECK_MSG(was_invited(rig_checkin(&r, 1, "p", 100)), "it came again after a restart");
    CHECK_EQ(rig_ask_now(&r, FED_REQUEST_CHECKIN, "{}", 2), 400);
    CHECK_EQ(rig_ask_now(&r, FED_REQUEST_CHECKIN, "{", 1), 400);
    rig_close(&r);
}

/* All who were asked have gone: when their time is up, others are asked. */
static void test_nobody_comes(void)
{
    open_with(RIG_ROUNDS);
    for (unsigned i = 0; i < 3; i++)
        CHECK(was_invited(rig_checkin(&r, i, "p", 1)));
    CHECK(!was_invited(rig_checkin(&r, 9, "p", 1)));
    rig_wait(&r, 60001);
    CHECK_EQ(rig_info(&r, 0).invited, 0);
    for (unsigned i = 10; i < 13; i++)
        CHECK(was_invited(rig_checkin(&r, i, "p", 1)));
    CHECK(!was_invited(rig_checkin(&r, 14, "p", 1)));
    rig_close(&r);
}

/* ---- a cohort's refusals ------------------------------------------------------------------ */

static fed_place present_place(void)
{
    fed_task_info info = rig_info(&r, 0);
    fed_place m = {.version = info.head.version, .update_id = {1}};
    memcpy(m.task, info.id.bytes, sizeof m.task);
    memcpy(m.round, info.head.version_blob.bytes, sizeof m.round);
    return m;
}

static void test_place_refusals(void)
{
    open_with(RIG_ROUNDS);
    fed_place m = present_place(), bad = m;
    bad.version = 7;
    CHECK_ANSWER(rig_place_as(&r, 0, &bad), 409, "version 7");
    bad = m, bad.round[3] ^= 1;
    CHECK_ANSWER(rig_place_as(&r, 0, &bad), 409, "version 0");
    bad = m, bad.task[3] ^= 1;
    CHECK_ANSWER(rig_place_as(&r, 0, &bad), 404, "not known");
    CHECK_EQ(rig_status(&r, rig_place(&r, 0, 1)), 200);
    CHECK_EQ(rig_status(&r, rig_place(&r, 0, 1)), 200);
    CHECK_EQ(rig_info(&r, 0).placed, 1);
    CHECK_ANSWER(rig_place(&r, 0, 2), 409, "another update");
    CHECK_EQ(rig_status(&r, rig_place(&r, 1, 1)), 200);
    CHECK_EQ(rig_status(&r, rig_place(&r, 2, 1)), 200);
    CHECK_ANSWER(rig_place(&r, 3, 1), 429, "all 3 places");
    rig_close(&r);
}

/* A frame that someone else signed, that was changed, or that is none. */
static void test_envelopes(void)
{
    fed_bytes body, message;
    open_with(RIG_ROUNDS);
    fed_place m = present_place();
    fed_bytes_init(&body, FED_PLACE_BYTES);
    fed_place_put(&body, &m);
    rig_seal(&message, FED_REQUEST_PLACE, 0, NULL, (fed_span){body.data, body.len});
    for (size_t at = 0; at < message.len; at += 7) {
        message.data[at] ^= 4;
        unsigned status = rig_ask_now(&r, FED_REQUEST_PLACE, message.data, message.len);
        CHECK_MSG(status == 400 || status == 403 || status == 429, "byte %zu: %u", at,
                  status);
        message.data[at] ^= 4;
    }
    for (size_t n = 0; n < message.len; n += 5)
        CHECK_EQ(rig_ask_now(&r, FED_REQUEST_PLACE, message.data, n), 400);
    CHECK_ANSWER(rig_ask(&r, FED_REQUEST_JOIN, message.data, message.len), 400, "type");
    CHECK_EQ(rig_info(&r, 0).placed, 0);
    CHECK_EQ(rig_ask_now(&r, FED_REQUEST_PLACE, message.data, message.len), 200);
    CHECK_EQ(rig_ask_now(&r, FED_REQUEST_BLOB, "x", 1), 404);
    CHECK_EQ(rig_ask_now(&r, 99, message.data, message.len), 400);
    fed_bytes_fini(&body);
    fed_bytes_fini(&message);
    rig_close(&r);
}

static void test_join_refusals(void)
{
    uint8_t cohort[32], unknown[32] = {1};
    fed_bytes body;
    open_with(RIG_ROUNDS);
    rig_cohort(&r, rig_place(&r, 0, 1), cohort);
    CHECK_ANSWER(rig_join(&r, 0, 1, unknown), 404, "not known");
    CHECK_ANSWER(rig_join(&r, 1, 1, cohort), 404, "no place");
    CHECK_ANSWER(rig_join(&r, 0, 2, cohort), 400, "another update");
    fed_join keys = {.update_id = {1}, .bundle = {(const uint8_t *)"keys", 4}};
    fed_bytes_init(&body, 256);
    fed_join_put(&body, &keys);
    fed_bytes message;
    rig_seal(&message, FED_REQUEST_JOIN, 0, cohort, (fed_span){body.data, body.len});
    CHECK_ANSWER(rig_ask(&r, FED_REQUEST_JOIN, message.data, message.len), 400,
                 "without secure aggregation");
    fed_bytes_fini(&body);
    fed_bytes_fini(&message);
    CHECK_ANSWER(rig_inbox(&r, 1, cohort, FED_PHASE_JOIN), 404, "");
    CHECK_EQ(rig_ask_now(&r, FED_REQUEST_INBOX, "x", 1), 400);
    CHECK_ANSWER(rig_input(&r, 0, cohort), 400, "earlier phase");
    CHECK_EQ(rig_info(&r, 0).joined, 0);
    rig_close(&r);
}

static void fill(uint8_t cohort[32])
{
    for (unsigned i = 0; i < 3; i++)
        rig_cohort(&r, rig_place(&r, i, 1), cohort);
    for (unsigned i = 0; i < 3; i++)
        rig_join(&r, i, 1, cohort);
    CHECK_EQ(rig_info(&r, 0).phase, FED_PHASE_INPUT);
}

static void test_input_refusals(void)
{
    uint8_t cohort[32];
    open_with(RIG_ROUNDS);
    fill(cohort);
    CHECK_ANSWER(rig_place(&r, 3, 1), 429, "phase input");
    CHECK_ANSWER(rig_join(&r, 3, 1, cohort), 404, "no place");
    CHECK_ANSWER(rig_input(&r, 3, cohort), 410, "not a member");
    CHECK_ANSWER(rig_input_bytes(&r, 0, cohort, (fed_span){(const uint8_t *)"abc", 3}),
                 400, "bytes");
    CHECK_EQ(rig_info(&r, 0).submitted, 0);
    CHECK_EQ(rig_status(&r, rig_input(&r, 0, cohort)), 0);
    CHECK_EQ(rig_status(&r, rig_input(&r, 0, cohort)), 0);
    CHECK_MSG(rig_info(&r, 0).submitted == 1, "one device's input counts once");
    rig_close(&r);
}

/* ---- rounds ------------------------------------------------------------------------------- */

static void test_round(void)
{
    uint8_t cohort[32];
    open_with(RIG_ROUNDS);
    size_t joins[3], inputs[3];
    for (unsigned i = 0; i < 3; i++)
        rig_cohort(&r, rig_place(&r, i, 1), cohort);
    for (unsigned i = 0; i < 3; i++)
        joins[i] = rig_join(&r, i, 1, cohort);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(answered_phase(joins[i]), FED_PHASE_INPUT);
    fed_address before = rig_info(&r, 0).head.model;
    for (unsigned i = 0; i < 3; i++)
        inputs[i] = rig_input(&r, i, cohort);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(rig_status(&r, inputs[i]), 200);
        CHECK_EQ(answered_phase(inputs[i]), FED_PHASE_DONE);
    }
    fed_task_info info = rig_info(&r, 0);
    CHECK_EQ(info.head.version, 1);
    CHECK_EQ(info.last_survivors, 3);
    CHECK(info.head.upload_bytes > 0);
    CHECK(!fed_address_equal(&before, &info.head.model));
    CHECK_MSG(rig_status(&r, rig_input(&r, 0, cohort)) == 200,
              "asked again, it hears the same");
    rig_round(&r, 2);
    rig_round(&r, 3);
    CHECK_EQ(rig_info(&r, 0).head.version, 3);
    CHECK_EQ(rig_info(&r, 0).head.state, FED_TASK_DONE);
    CHECK_ANSWER(rig_place(&r, 0, 4), 409, "done");
    rig_close(&r);
}

/* Two of three came in time, and two are enough. */
static void test_late_input(void)
{
    uint8_t cohort[32];
    open_with(RIG_ROUNDS);
    fill(cohort);
    size_t first = rig_input(&r, 0, cohort);
    rig_input(&r, 1, cohort);
    rig_wait(&r, 9999);
    CHECK_EQ(rig_status(&r, first), 0);
    rig_wait(&r, 1);
    CHECK_EQ(rig_status(&r, first), 200);
    CHECK_EQ(rig_info(&r, 0).head.version, 1);
    CHECK_EQ(rig_info(&r, 0).last_survivors, 2);
    CHECK_EQ(rig_status(&r, rig_inbox(&r, 2, cohort, FED_PHASE_JOIN)), 410);
    rig_close(&r);
}

static void test_abort(void)
{
    uint8_t cohort[32], other[32];
    open_with(RIG_ROUNDS);
    fill(cohort);
    size_t first = rig_input(&r, 0, cohort);
    rig_wait(&r, 10000);
    CHECK_ANSWER(first, 410, "");
    CHECK_EQ(answered_phase(first), FED_PHASE_ABORTED);
    CHECK_EQ(rig_info(&r, 0).head.version, 0);
    CHECK_EQ(rig_status(&r, rig_inbox(&r, 1, cohort, FED_PHASE_JOIN)), 410);
    CHECK_MSG(!was_invited(rig_checkin(&r, 0, "p", 1)),
              "its update of this version has left it");
    CHECK(was_invited(rig_checkin(&r, 1, "p", 1)));
    rig_cohort(&r, rig_place(&r, 4, 1), other);
    CHECK(memcmp(cohort, other, 32) != 0);
    rig_close(&r);
}

/* Time to fill is over and one of two has joined: the places of those who never came go to
 * others, and the cohort goes on. */
static void test_absent_members(void)
{
    uint8_t cohort[32], same[32];
    open_with(RIG_ROUNDS);
    for (unsigned i = 0; i < 3; i++)
        rig_cohort(&r, rig_place(&r, i, 1), cohort);
    size_t waiting = rig_join(&r, 0, 1, cohort);
    CHECK_ANSWER(rig_place(&r, 3, 1), 429, "all 3 places");
    rig_wait(&r, 60000);
    CHECK_EQ(rig_status(&r, waiting), 0);
    CHECK_EQ(rig_info(&r, 0).placed, 1);
    CHECK_MSG(was_invited(rig_checkin(&r, 7, "p", 1)), "there is room again");
    CHECK_ANSWER(rig_join(&r, 1, 1, cohort), 404, "no place");
    rig_cohort(&r, rig_place(&r, 3, 1), same);
    rig_cohort(&r, rig_place(&r, 1, 1), same);
    CHECK_MEM(same, cohort, 32);
    rig_join(&r, 3, 1, cohort);
    rig_wait(&r, 60000);
    CHECK_MSG(rig_info(&r, 0).phase == FED_PHASE_INPUT, "two are enough");
    CHECK_EQ(answered_phase(waiting), FED_PHASE_INPUT);
    CHECK_ANSWER(rig_join(&r, 1, 1, cohort), 404, "no place");
    rig_close(&r);
}

/* ---- secure aggregation ------------------------------------------------------------------- */

static void open_masked(void)
{
    rig_open(&r);
    rig_use_enrolment(&r);
    rig_create(&r, masked_plan(), "masked");
}

/* The join body of a device, with the keys of `whose`: the caller's. */
static void join_body(unsigned whose, const uint8_t cohort[32], fed_bytes *out)
{
    fed_error err;
    fed_codec_round *round = NULL;
    fed_secagg_params params;
    fed_secagg_floor floor = {.adversary = FED_SECAGG_CURIOUS};
    fed_secagg_device_config config = {.params = &params, .floor = &floor, .now_s = 5};
    fed_secagg_device *device = NULL;
    fed_bytes bundle;
    fed_task_info info = rig_info(&r, 0);
    rig_identity(whose, config.identity_seed, config.certificate.device_key);
    config.certificate.expires_s = INT64_MAX;
    CHECK_OK(fed_certificate_sign(&config.certificate, rig_enrolment_seed, &err), &err);
    CHECK_OK(fed_codec_round_first(fed_task_codec(info.task), 0, &round, &err), &err);
    CHECK_OK(fed_task_secagg_params(info.task, round, cohort, r.config.enrolment_key,
                                    &params, &err),
             &err);
    CHECK_OK(fed_secagg_device_new(&device, &config, &r.config.random, whose, &err),
             &err);
    fed_bytes_init(&bundle, 1 << 16);
    CHECK_OK(fed_secagg_device_message(device, &bundle, &err), &err);
    fed_join m = {.update_id = {1}, .bundle = {bundle.data, bundle.len}};
    fed_bytes_init(out, 1 << 16);
    fed_join_put(out, &m);
    fed_bytes_fini(&bundle);
    fed_secagg_device_free(device);
    fed_codec_round_free(round);
}

static size_t join_with_keys_of(unsigned device, unsigned whose, const uint8_t cohort[32])
{
    fed_bytes body, message;
    join_body(whose, cohort, &body);
    rig_seal(&message, FED_REQUEST_JOIN, device, cohort, (fed_span){body.data, body.len});
    size_t exchange = rig_ask(&r, FED_REQUEST_JOIN, message.data, message.len);
    fed_bytes_fini(&body);
    fed_bytes_fini(&message);
    return exchange;
}

/* Another member's keys do not get into the cohort under one's own name: neither now, nor as
 * a member that is there and is not. */
static void test_borrowed_keys(void)
{
    uint8_t cohort[32];
    open_masked();
    for (unsigned i = 0; i < 3; i++)
        rig_cohort(&r, rig_place(&r, i, 1), cohort);
    CHECK_ANSWER(join_with_keys_of(0, 1, cohort), 403, "another identity");
    CHECK_ANSWER(join_with_keys_of(0, 7, cohort), 403, "another identity");
    CHECK_ANSWER(rig_join(&r, 0, 1, cohort), 400, "join: 0 bytes");
    size_t joins[3];
    for (unsigned i = 0; i < 3; i++)
        joins[i] = join_with_keys_of(i, i, cohort);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(answered_phase(joins[i]), FED_PHASE_SHARE);
    rig_close(&r);
}

/* ---- restarts ----------------------------------------------------------------------------- */

static void test_restart_in_join(void)
{
    uint8_t cohort[32], other[32];
    open_with(RIG_ROUNDS);
    rig_cohort(&r, rig_place(&r, 0, 1), cohort);
    rig_join(&r, 0, 1, cohort);
    rig_restart(&r);
    CHECK_ANSWER(rig_inbox(&r, 0, cohort, FED_PHASE_JOIN), 404, "not known");
    rig_cohort(&r, rig_place(&r, 0, 1), other);
    CHECK(memcmp(cohort, other, 32) != 0);
    rig_close(&r);
}

static void test_restart_in_input(void)
{
    uint8_t cohort[32];
    open_with(RIG_ROUNDS);
    fill(cohort);
    rig_input(&r, 0, cohort);
    rig_restart(&r);
    CHECK_EQ(rig_info(&r, 0).phase, FED_PHASE_INPUT);
    CHECK_ANSWER(rig_inbox(&r, 0, cohort, FED_PHASE_INPUT), 409, "resend");
    for (unsigned i = 0; i < 3; i++)
        rig_input(&r, i, cohort);
    CHECK_EQ(rig_info(&r, 0).head.version, 1);
    CHECK_EQ(rig_info(&r, 0).last_survivors, 3);
    rig_close(&r);
}

static void test_restart_after_commit(void)
{
    uint8_t cohort[32];
    open_with(RIG_ROUNDS);
    fill(cohort);
    for (unsigned i = 0; i < 3; i++)
        rig_input(&r, i, cohort);
    fed_address model = rig_info(&r, 0).head.model;
    rig_restart(&r);
    CHECK_EQ(rig_info(&r, 0).head.version, 1);
    CHECK_EQ(rig_info(&r, 0).last_survivors, 3);
    CHECK_MEM(model.bytes, rig_info(&r, 0).head.model.bytes, 32);
    size_t asked = rig_inbox(&r, 1, cohort, FED_PHASE_INPUT);
    CHECK_EQ(answered_phase(asked), FED_PHASE_DONE);
    CHECK_MSG(rig_status(&r, rig_input(&r, 1, cohort)) == 200, "counted already");
    CHECK_EQ(rig_info(&r, 0).head.version, 1);
    rig_close(&r);
}

/* As many ended cohorts as are kept, and one that runs: a start puts all of them back. */
static void test_restart_after_many_cohorts(void)
{
    enum { MANY = FED_COORDINATOR_ENDED_KEPT + 3 };
    uint8_t cohort[32];
    open_with("\"count\":100,\"cohort\":2,\"over_select\":1.5,\"deadline_s\":60,"
              "\"phase_s\":10");
    for (uint8_t i = 1; i <= MANY; i++)
        rig_round(&r, i);
    CHECK_EQ(rig_info(&r, 0).head.version, MANY);
    for (int life = 0; life < 8; life++) { /* cohort ids are drawn: try several orders */
        fill(cohort);
        rig_restart(&r);
        CHECK_EQ(rig_info(&r, 0).phase, FED_PHASE_INPUT);
        for (unsigned i = 0; i < 3; i++)
            rig_input(&r, i, cohort);
        CHECK_EQ(rig_info(&r, 0).head.version, MANY + life + 1);
    }
    rig_close(&r);
}

/* Two tasks with one plan and one seed begin with one model; the blob stays while either
 * names it. */
static void test_shared_model(void)
{
    rig_open(&r);
    rig_create(&r, rig_plan("\"count\":10,\"cohort\":2,\"over_select\":1.5"), "one");
    rig_create(&r, rig_plan("\"count\":10,\"cohort\":2,\"over_select\":1.5"), "two");
    fed_address model = rig_info(&r, 1).head.model;
    CHECK_MEM(model.bytes, rig_info(&r, 0).head.model.bytes, 32);
    for (uint8_t i = 1; i <= FED_VERSIONS_KEPT + 2; i++)
        rig_round(&r, i);
    CHECK_EQ(rig_info(&r, 0).head.version, FED_VERSIONS_KEPT + 2);
    rig_restart(&r);
    CHECK_EQ(fed_coordinator_task_count(r.coordinator), 2);
    rig_close(&r);
}

/* ---- a failing allocation ----------------------------------------------------------------- */

/* Requests recorded in one life, played to a coordinator that loses one allocation. */
typedef struct recording {
    fed_coordinator_config config;
    uint64_t random_seed;
    struct {
        uint32_t type;
        fed_bytes body;
    } steps[64];
    size_t n;
} recording;

static void record(recording *k, uint32_t type, const void *data, size_t n)
{
    k->steps[k->n].type = type;
    fed_bytes_init(&k->steps[k->n].body, SIZE_MAX);
    fed_bytes_put(&k->steps[k->n++].body, data, n);
}

static fed_status play(fed_coordinator *c, const recording *k,
                       fed_memory_journal *journal, fed_error *err)
{
    fed_status status = FED_OK;
    for (size_t i = 0; !status && i < k->n; i++) {
        fed_outbox o;
        fed_event event = {.kind = FED_EVENT_MESSAGE,
                           .peer = i,
                           .type = k->steps[i].type,
                           .body = {k->steps[i].body.data, k->steps[i].body.len}};
        fed_outbox_init(&o);
        status = fed_coordinator_step(c, &event, 5000, &o, err);
        if (!status) status = fed_memory_journal_apply(journal, &o, err);
        fed_outbox_fini(&o);
    }
    return status;
}

static fed_status live_once(void *ctx)
{
    recording *k = ctx;
    fed_error err;
    fed_memory_journal *journal = NULL;
    fed_coordinator *c = NULL;
    k->random_seed = 9;
    fed_status status = fed_memory_journal_new(&journal, &err);
    if (!status) status = fed_coordinator_new(&c, &k->config, &err);
    if (!status) status = play(c, k, journal, &err);
    fed_coordinator_free(c);
    c = NULL;
    if (!status) status = fed_coordinator_new(&c, &k->config, &err);
    if (!status) {
        fed_journal reader = fed_memory_journal_reader(journal);
        status = fed_coordinator_restore(c, &reader, 5000, &err);
    }
    fed_coordinator_free(c);
    if (journal) fed_memory_journal_free(journal);
    return status;
}

/* The whole life of a task with one round; draws are named, so the cohort has the same id in
 * every life, and the recorded messages fit. */
static void record_life(recording *k)
{
    uint8_t cohort[32];
    fed_bytes message;
    fed_error err;
    open_with("\"count\":1,\"cohort\":1,\"over_select\":2");
    fed_bytes document, body;
    fed_task_document doc = *rig_info(&r, 0).document;
    fed_bytes_init(&document, FED_TASK_DOCUMENT_MAX);
    fed_bytes_init(&body, 1 << 20);
    CHECK_OK(fed_task_document_sign(&doc, rig_operator_seed, &document, &err), &err);
    CHECK_OK(fed_task_create_put(&body, (fed_span){document.data, document.len},
                                 fed_task_numbers_of(r.task)->resolved, &err),
             &err);
    record(k, FED_REQUEST_TASK_CREATE, body.data, body.len);
    fed_bytes_fini(&document);
    fed_bytes_fini(&body);
    for (unsigned i = 0; i < 2; i++) {
        fed_place place = present_place();
        fed_bytes_init(&body, 4096);
        fed_place_put(&body, &place);
        rig_seal(&message, FED_REQUEST_PLACE, i, NULL, (fed_span){body.data, body.len});
        record(k, FED_REQUEST_PLACE, message.data, message.len);
        rig_cohort(&r, rig_ask(&r, FED_REQUEST_PLACE, message.data, message.len), cohort);
        fed_bytes_fini(&message);
        fed_bytes_fini(&body);
    }
    for (unsigned i = 0; i < 2; i++) {
        fed_join join = {.update_id = {1}};
        fed_bytes_init(&body, 4096);
        fed_join_put(&body, &join);
        rig_seal(&message, FED_REQUEST_JOIN, i, cohort, (fed_span){body.data, body.len});
        record(k, FED_REQUEST_JOIN, message.data, message.len);
        fed_bytes_fini(&message);
        fed_bytes_fini(&body);
    }
    for (unsigned i = 0; i < 2; i++) {
        rig_update(&r, i, &body);
        rig_seal(&message, FED_REQUEST_INPUT, i, cohort, (fed_span){body.data, body.len});
        record(k, FED_REQUEST_INPUT, message.data, message.len);
        fed_bytes_fini(&message);
        fed_bytes_fini(&body);
    }
    rig_close(&r);
}

static void test_torture(void)
{
    static recording k;
    record_life(&k);
    k.config = r.config;
    k.config.random = fed_test_random(&k.random_seed);
    fed_note("%zu allocations", fed_torture(live_once, &k));
    for (size_t i = 0; i < k.n; i++)
        fed_bytes_fini(&k.steps[i].body);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_create),
                                     CASE(test_secagg_needs_a_key),
                                     CASE(test_many_tasks),
                                     CASE(test_stop),
                                     CASE(test_expiry),
                                     CASE(test_checkin),
                                     CASE(test_nobody_comes),
                                     CASE(test_place_refusals),
                                     CASE(test_envelopes),
                                     CASE(test_join_refusals),
                                     CASE(test_input_refusals),
                                     CASE(test_round),
                                     CASE(test_late_input),
                                     CASE(test_abort),
                                     CASE(test_absent_members),
                                     CASE(test_borrowed_keys),
                                     CASE(test_restart_in_join),
                                     CASE(test_restart_in_input),
                                     CASE(test_restart_after_commit),
                                     CASE(test_restart_after_many_cohorts),
                                     CASE(test_shared_model),
                                     CASE(test_torture)};
    return fed_run("coordinator", cases, sizeof cases / sizeof *cases);
}
