/* Draws by secret coins, seen from outside: who is let in, who is not, and that neither a
 * name, nor a restart, nor a deadline changes it. */
#include "coordinator_rig.h"

#include <stdio.h>

enum { DEVICES = 9, INVITED = 3, DEADLINE_MS = 60000, FOR_EVER = INT64_MAX / 2 };

static rig r;

static const char *plan_of(const char *sampling, unsigned population)
{
    char fields[256];
    snprintf(fields, sizeof fields,
             "\"privacy\":{\"sampling\":\"%s\",\"population\":%u},", sampling,
             population);
    return rig_plan_with(fields, RIG_ROUNDS);
}

static void open_with(const char *sampling, unsigned population)
{
    rig_open(&r);
    rig_use_enrolment(&r);
    rig_create(&r, plan_of(sampling, population), "t");
}

/* Is this device offered a task? */
static bool offers(size_t exchange)
{
    fed_checkin_answer answer = {0};
    const rig_answer *a = &r.answers[exchange];
    CHECK_EQ(a->status, FED_HTTP_OK);
    CHECK_OK(fed_checkin_answer_get(&answer, (fed_span){a->body.data, a->body.len}, NULL),
             NULL);
    return answer.has_task;
}

static bool comes(unsigned device)
{
    fed_checkin m;
    rig_signed_checkin(device, FOR_EVER, &m);
    return offers(rig_send_checkin(&r, &m));
}

/* All of them, one after the other: whom the task is offered to, and how many those are. */
static unsigned all_come(bool offered[DEVICES])
{
    unsigned n = 0;
    for (unsigned i = 0; i < DEVICES; i++)
        n += offered[i] = comes(i);
    return n;
}

/* Enrol everybody, then see who was drawn. */
static unsigned enrol_all(bool drawn[DEVICES])
{
    all_come(drawn);
    return all_come(drawn);
}

/* ---- who is enrolled ---------------------------------------------------------------------- */

static void test_waits_for_the_population(void)
{
    bool drawn[DEVICES];
    open_with("fixed_size", DEVICES);
    for (unsigned i = 0; i + 1 < DEVICES; i++) {
        CHECK(!comes(i));
        CHECK_EQ(rig_info(&r, 0).enrolled, i + 1);
    }
    for (unsigned i = 0; i + 1 < DEVICES; i++) /* a second time counts once */
        CHECK(!comes(i));
    rig_wait(&r, 100 * DEADLINE_MS);
    CHECK(!comes(0));
    fed_task_info info = rig_info(&r, 0);
    CHECK(info.is_waiting && info.enrolled == DEVICES - 1 && info.draws == 0);
    comes(DEVICES - 1);
    info = rig_info(&r, 0);
    CHECK(!info.is_waiting && info.enrolled == DEVICES && info.draws == 1);
    CHECK_EQ(all_come(drawn), INVITED);
    rig_close(&r);
}

/* No name enters the table, be it right, unless its owner shows that it is enrolled. */
static void test_strangers_are_not_enrolled(void)
{
    fed_checkin m, other;
    fed_error err;
    uint8_t seed[32], key[32];
    fed_certificate forged = {.expires_s = FOR_EVER};
    const uint8_t wrong_enrolment[32] = {10};
    open_with("fixed_size", DEVICES);
    for (unsigned i = 0; i < 50; i++)
        CHECK(!offers(rig_checkin(&r, i, "p", 1024)));
    rig_signed_checkin(0, FOR_EVER, &m);
    rig_signed_checkin(1, FOR_EVER, &other);
    rig_identity(0, seed, key);
    m.examples++; /* after it was signed */
    CHECK(!offers(rig_send_checkin(&r, &m)));
    m.examples--;
    memcpy(m.certificate, other.certificate,
           sizeof m.certificate); /* of another device */
    CHECK_OK(fed_checkin_sign(&m, seed, &err), &err);
    CHECK(!offers(rig_send_checkin(&r, &m)));
    memcpy(other.signature, m.signature, sizeof m.signature); /* another's signature */
    CHECK(!offers(rig_send_checkin(&r, &other)));
    memcpy(forged.device_key, key, sizeof key); /* of another enrolment key */
    CHECK_OK(fed_certificate_sign(&forged, wrong_enrolment, &err), &err);
    fed_certificate_encode(&forged, m.certificate);
    CHECK_OK(fed_checkin_sign(&m, seed, &err), &err);
    CHECK(!offers(rig_send_checkin(&r, &m)));
    rig_signed_checkin(2, 5, &m); /* expired: it is second 5 */
    CHECK(!offers(rig_send_checkin(&r, &m)));
    CHECK_EQ(rig_info(&r, 0).enrolled, 0);
    rig_close(&r);
}

static void test_certificates_expire(void)
{
    fed_checkin m;
    open_with("fixed_size", DEVICES);
    for (unsigned i = 0; i + 2 < DEVICES; i++)
        comes(i);
    rig_signed_checkin(7, 100, &m);
    rig_send_checkin(&r, &m);
    CHECK_EQ(rig_info(&r, 0).enrolled, DEVICES - 1);
    rig_wait(&r, 200000);
    comes(8); /* now it is again one too few */
    CHECK(rig_info(&r, 0).is_waiting);
    CHECK_EQ(rig_info(&r, 0).enrolled, DEVICES - 1);
    rig_restart(&r);
    CHECK_EQ(rig_info(&r, 0).enrolled, DEVICES - 1);
    rig_signed_checkin(7, 1000, &m); /* renewed */
    rig_send_checkin(&r, &m);
    CHECK(!rig_info(&r, 0).is_waiting);
    rig_signed_checkin(7, 2000, &m); /* and again */
    rig_send_checkin(&r, &m);
    rig_signed_checkin(7, 1500, &m); /* an older one shortens nothing */
    rig_send_checkin(&r, &m);
    rig_restart(&r);
    fed_task_info info = rig_info(&r, 0);
    CHECK_EQ(info.enrolled, DEVICES);
    rig_close(&r);
}

/* Without a task that draws, nobody is written down. */
static void test_no_table_without_need(void)
{
    rig_open(&r);
    rig_use_enrolment(&r);
    rig_create(&r, rig_plan(RIG_ROUNDS), "t");
    size_t records = fed_memory_journal_count(r.journal);
    CHECK(comes(0));
    CHECK_EQ(rig_info(&r, 0).enrolled, 0);
    CHECK_EQ(fed_memory_journal_count(r.journal), records);
    rig_close(&r);
}

static void test_another_enrolment_key(void)
{
    bool drawn[DEVICES];
    open_with("fixed_size", DEVICES);
    enrol_all(drawn);
    r.config.enrolment_key[0] ^= 1;
    rig_restart(&r);
    CHECK_EQ(rig_info(&r, 0).enrolled, 0);
    r.config.enrolment_key[0] ^= 1;
    rig_restart(&r);
    CHECK_EQ(rig_info(&r, 0).enrolled, DEVICES);
    rig_close(&r);
}

static void test_refused_without_a_key(void)
{
    fed_task_document doc;
    fed_task *task = NULL;
    rig_open(&r);
    rig_document(plan_of("poisson", DEVICES), &doc, &task);
    size_t exchange = rig_send_document(&r, &doc, task, NULL);
    CHECK_EQ(rig_status(&r, exchange), FED_HTTP_FORBIDDEN);
    CHECK(strstr(rig_text(&r, exchange), "privacy.sampling"));
    fed_task_free(task);
    rig_close(&r);
}

/* ---- who is let in ------------------------------------------------------------------------ */

static void test_only_those_drawn(void)
{
    bool drawn[DEVICES];
    uint8_t cohort[32];
    open_with("fixed_size", DEVICES);
    CHECK_EQ(enrol_all(drawn), INVITED);
    for (unsigned i = 0; i < DEVICES; i++) {
        CHECK(!offers(rig_checkin(&r, i, "p", 1024))); /* in a name that is not proven */
        size_t exchange = rig_place(&r, i, 1);
        CHECK_EQ(rig_status(&r, exchange), drawn[i] ? FED_HTTP_OK : FED_HTTP_CONFLICT);
        if (drawn[i])
            rig_cohort(&r, exchange, cohort);
        else
            CHECK(strstr(rig_text(&r, exchange), "not drawn"));
    }
    for (unsigned i = 0; i < DEVICES; i++)
        if (!drawn[i])
            CHECK_EQ(rig_status(&r, rig_join(&r, i, 1, cohort)), FED_HTTP_NOT_FOUND);
    CHECK_EQ(rig_info(&r, 0).placed, INVITED);
    rig_close(&r);
}

/* Whoever is not needed hears the same, be it drawn by somebody else's coin or not. */
static void test_answers_look_alike(void)
{
    bool drawn[DEVICES];
    open_with("fixed_size", DEVICES);
    enrol_all(drawn);
    for (unsigned i = 0; i < DEVICES; i++) {
        size_t exchange = rig_checkin(&r, i, "p", 1024);
        CHECK(strstr(rig_text(&r, exchange), "{\"retry_after_ms\":1"));
        CHECK_EQ(strlen(rig_text(&r, exchange)), sizeof "{\"retry_after_ms\":100}" - 1);
    }
    rig_close(&r);
}

/* Time passes, too few come: the same devices are asked again, and nobody else. */
static void test_nobody_is_replaced(void)
{
    bool drawn[DEVICES], again[DEVICES];
    open_with("fixed_size", DEVICES);
    enrol_all(drawn);
    unsigned first = 0;
    while (!drawn[first])
        first++;
    for (unsigned i = 1; i < FED_DRAW_PATIENCE; i++) {
        if (i == 3) rig_cohort(&r, rig_place(&r, first, 1), (uint8_t[32]){0});
        rig_wait(&r, DEADLINE_MS);
        CHECK_EQ(rig_info(&r, 0).fillings, i);
        CHECK_EQ(rig_info(&r, 0).draws, 1);
        all_come(again);
        if (i >= 3) again[first] = true; /* it has come back, and is not asked again */
        CHECK_MEM(again, drawn, sizeof drawn);
    }
    rig_wait(&r, DEADLINE_MS); /* patience is at an end */
    fed_task_info info = rig_info(&r, 0);
    CHECK_EQ(info.draws, 2);
    CHECK_EQ(info.fillings, 0);
    CHECK_EQ(info.placed, 0);
    CHECK_EQ(all_come(again), INVITED);
    rig_close(&r);
}

/* A cohort that was aborted after inputs had come is followed by another draw. */
static void test_abort_draws_again(void)
{
    bool drawn[DEVICES];
    uint8_t cohort[32];
    open_with("fixed_size", DEVICES);
    enrol_all(drawn);
    for (unsigned i = 0; i < DEVICES; i++)
        if (drawn[i]) rig_cohort(&r, rig_place(&r, i, 1), cohort);
    for (unsigned i = 0; i < DEVICES; i++)
        if (drawn[i]) rig_join(&r, i, 1, cohort);
    CHECK_EQ(rig_info(&r, 0).phase, FED_PHASE_INPUT); /* all who were drawn are here */
    unsigned first = 0;
    while (!drawn[first])
        first++;
    rig_input(&r, first, cohort);
    rig_wait(&r, 10000);
    CHECK_EQ(rig_info(&r, 0).phase, FED_PHASE_PLACE);
    CHECK_EQ(rig_info(&r, 0).draws, 2);
    CHECK(!comes(first)); /* drawn again or not, it has spent this version */
    rig_close(&r);
}

/* Plays one round with all who are drawn. */
static void play_round(const bool drawn[DEVICES], uint8_t update)
{
    uint8_t cohort[32] = {0};
    for (unsigned i = 0; i < DEVICES; i++)
        if (drawn[i]) rig_cohort(&r, rig_place(&r, i, update), cohort);
    for (unsigned i = 0; i < DEVICES; i++)
        if (drawn[i]) rig_join(&r, i, update, cohort);
    for (unsigned i = 0; i < DEVICES; i++)
        if (drawn[i]) rig_input(&r, i, cohort);
}

static bool has_draw_record(void)
{
    char key[FED_KEY_MAX];
    fed_bytes value;
    fed_journal journal = fed_memory_journal_reader(r.journal);
    fed_key_task(key, &r.task_id, "draw");
    fed_bytes_init(&value, SIZE_MAX);
    bool found = journal.get(journal.ctx, key, &value, NULL) == FED_OK;
    fed_bytes_fini(&value);
    return found;
}

static void test_rounds(void)
{
    bool drawn[3][DEVICES];
    open_with("fixed_size", DEVICES);
    for (unsigned round = 0; round < 3; round++) {
        CHECK_EQ(enrol_all(drawn[round]), INVITED);
        CHECK(has_draw_record());
        play_round(drawn[round], (uint8_t)(round + 1));
        CHECK_EQ(rig_info(&r, 0).head.version, round + 1);
    }
    CHECK(memcmp(drawn[0], drawn[1], sizeof drawn[0]) ||
          memcmp(drawn[1], drawn[2], sizeof drawn[0]));
    CHECK_EQ(rig_info(&r, 0).head.state, FED_TASK_DONE);
    CHECK(!has_draw_record()); /* nothing is kept of a draw whose round is over */
    rig_close(&r);
}

/* A Poisson cohort is as large as it happens to be, and closes when all of it is there. */
static void test_poisson_rounds(void)
{
    bool drawn[DEVICES];
    open_with("poisson", DEVICES);
    for (unsigned round = 0; round < 3; round++) {
        unsigned n = enrol_all(drawn);
        CHECK(n >= 2 && n <= INVITED);
        play_round(drawn, (uint8_t)(round + 1));
        CHECK_EQ(rig_info(&r, 0).last_members, n);
    }
    rig_close(&r);
}

static void test_stopped_task_forgets(void)
{
    bool drawn[DEVICES];
    open_with("fixed_size", DEVICES);
    enrol_all(drawn);
    CHECK(has_draw_record());
    CHECK_EQ(rig_status(&r, rig_stop(&r, &r.task_id, rig_operator_seed)), FED_HTTP_OK);
    CHECK(!has_draw_record());
    CHECK_EQ(all_come(drawn), 0);
    rig_close(&r);
}

/* ---- restarts ------------------------------------------------------------------------------ */

/* The draw is durable before anybody hears of it: whoever is killed when, it stands. */
static void test_restart_keeps_the_draw(void)
{
    bool drawn[DEVICES], again[DEVICES];
    uint8_t cohort[32];
    open_with("fixed_size", DEVICES);
    for (unsigned i = 0; i < DEVICES; i++)
        comes(i); /* the last one makes the draw, in the step that answers it */
    rig_restart(&r);
    all_come(drawn);
    for (unsigned life = 0; life < 4; life++) {
        rig_restart(&r);
        CHECK_EQ(rig_info(&r, 0).draws, 1);
        all_come(again);
        CHECK_MEM(again, drawn, sizeof drawn);
    }
    for (unsigned i = 0; i < DEVICES; i++)
        if (drawn[i]) rig_cohort(&r, rig_place(&r, i, 1), cohort);
    rig_restart(&r);
    play_round(drawn, 1);
    CHECK_EQ(rig_info(&r, 0).head.version, 1);
    all_come(drawn);
    rig_restart(&r);
    all_come(again);
    CHECK_MEM(again, drawn, sizeof drawn);
    rig_close(&r);
}

/* A step that was not stored did not happen: then another draw is as good. */
static void test_killed_before_the_draw_is_stored(void)
{
    fed_error err;
    fed_outbox o;
    fed_checkin m;
    fed_bytes body;
    open_with("fixed_size", DEVICES);
    for (unsigned i = 0; i + 1 < DEVICES; i++)
        comes(i);
    rig_signed_checkin(DEVICES - 1, FOR_EVER, &m);
    fed_bytes_init(&body, FED_CHECKIN_JSON_MAX);
    CHECK_OK(fed_checkin_put(&body, &m, &err), &err);
    fed_event event = {.kind = FED_EVENT_MESSAGE,
                       .type = FED_REQUEST_CHECKIN,
                       .body = {body.data, body.len}};
    fed_outbox_init(&o);
    CHECK_OK(fed_coordinator_step(r.coordinator, &event, r.now, &o, &err), &err);
    CHECK_EQ(rig_info(&r, 0).draws, 1);
    CHECK_EQ(o.n_records, 2); /* the device and the draw, in one transaction */
    fed_outbox_fini(&o);
    fed_bytes_fini(&body);
    rig_restart(&r);
    CHECK_EQ(rig_info(&r, 0).enrolled, DEVICES - 1);
    CHECK_EQ(rig_info(&r, 0).draws, 0);
    rig_close(&r);
}

/* ---- out of memory ------------------------------------------------------------------------- */

typedef struct life {
    fed_coordinator_config config;
    fed_memory_journal *start; /* a drawn task, and all devices but one */
    fed_bytes checkin;
} life;

static fed_status copy_record(void *arg, const char *key, fed_span value, fed_error *err)
{
    (void)err;
    return fed_outbox_store(arg, key, value.data, value.len);
}

static fed_status live(void *ctx)
{
    life *l = ctx;
    fed_error err;
    fed_coordinator *c = NULL;
    fed_memory_journal *journal = NULL;
    fed_outbox o;
    fed_journal from = fed_memory_journal_reader(l->start);
    fed_event event = {.kind = FED_EVENT_MESSAGE,
                       .type = FED_REQUEST_CHECKIN,
                       .body = {l->checkin.data, l->checkin.len}};
    fed_outbox_init(&o);
    fed_status status = fed_memory_journal_new(&journal, &err);
    if (!status) status = from.scan(from.ctx, "", copy_record, &o, &err);
    if (!status) status = fed_memory_journal_apply(journal, &o, &err);
    fed_outbox_clear(&o);
    for (int i = 0; !status && i < 2; i++) { /* draw; then find the draw again */
        fed_journal reader = fed_memory_journal_reader(journal);
        status = fed_coordinator_new(&c, &l->config, &err);
        if (!status) status = fed_coordinator_restore(c, &reader, r.now, &err);
        if (!status) status = fed_coordinator_step(c, &event, r.now, &o, &err);
        if (!status) status = fed_memory_journal_apply(journal, &o, &err);
        fed_outbox_clear(&o);
        fed_coordinator_free(c);
        c = NULL;
    }
    fed_outbox_fini(&o);
    if (journal) fed_memory_journal_free(journal);
    return status;
}

static void test_torture(void)
{
    life l;
    fed_checkin m;
    fed_error err;
    open_with("poisson", DEVICES);
    for (unsigned i = 0; i + 1 < DEVICES; i++)
        comes(i);
    rig_signed_checkin(DEVICES - 1, FOR_EVER, &m);
    fed_bytes_init(&l.checkin, FED_CHECKIN_JSON_MAX);
    CHECK_OK(fed_checkin_put(&l.checkin, &m, &err), &err);
    l.config = r.config;
    l.start = r.journal;
    fed_note("%zu allocations", fed_torture(live, &l));
    fed_bytes_fini(&l.checkin);
    rig_close(&r);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_waits_for_the_population),
                                     CASE(test_strangers_are_not_enrolled),
                                     CASE(test_certificates_expire),
                                     CASE(test_no_table_without_need),
                                     CASE(test_another_enrolment_key),
                                     CASE(test_refused_without_a_key),
                                     CASE(test_only_those_drawn),
                                     CASE(test_answers_look_alike),
                                     CASE(test_nobody_is_replaced),
                                     CASE(test_abort_draws_again),
                                     CASE(test_rounds),
                                     CASE(test_poisson_rounds),
                                     CASE(test_stopped_task_forgets),
                                     CASE(test_restart_keeps_the_draw),
                                     CASE(test_killed_before_the_draw_is_stored),
                                     CASE(test_torture)};
    return fed_run("draws", cases, sizeof cases / sizeof *cases);
}
