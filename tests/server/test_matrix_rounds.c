/* Federations whose noise is correlated over rounds: who takes part how often and how far
 * apart, what both books hold, what is left in the store, whoever dies when. */
#include "world_books.h"

#include <math.h>
#include <stdio.h>

enum { MAX_STEPS = 20000, APART = 2, MOST = 3, ROUNDS = 6 };

typedef struct wish {
    const char *kind;
    int rounds, most;
    double epsilon;
} wish;

static const wish usual = {"banded", ROUNDS, MOST, 20};

static const char *plan_of(const wish *w)
{
    static char text[1536];
    snprintf(
        text, sizeof text,
        "{\"format\":\"fed-plan/1\",\"name\":\"t\",\"model\":{\"input\":{\"shape\":[20]},"
        "\"layers\":[{\"op\":\"linear\",\"units\":4}],\"loss\":\"softmax_cross_entropy\"}"
        ","
        "\"train\":{\"lr\":0.1,\"batch\":5},\"update\":{\"bits\":8,\"clip\":1},"
        "\"secagg\":{\"enabled\":false},"
        "\"privacy\":{\"mechanism\":\"matrix\",\"epsilon_server\":\"none\","
        "\"noise_multiplier\":1,\"epsilon\":%g,\"delta\":1e-3,\"population\":4,"
        "\"max_participations\":%d,\"matrix\":{\"kind\":\"%s\",\"separation\":%d}},"
        "\"rounds\":{\"count\":%d,\"cohort\":2,\"over_select\":1.0,\"min_survivors\":1,"
        "\"deadline_s\":60,\"phase_s\":10}}",
        w->epsilon, w->most, w->kind, APART, w->rounds);
    return text;
}

/* ---- looking into the journals ------------------------------------------------------------ */

/* Whole runs that the server, or a device, was charged for; nothing else is in a ledger here. */
static uint64_t runs_charged(fed_memory_journal *journal, const char *prefix)
{
    CHECK_EQ(charges(journal, prefix, FED_LEDGER_SEEN), 0);
    return charges(journal, prefix, FED_LEDGER_OUTPUT);
}

static fed_status count_noise(void *arg, const char *key, fed_span value, fed_error *err)
{
    (void)value, (void)err;
    *(unsigned *)arg += strstr(key, "/noise/") != NULL;
    return FED_OK;
}

static unsigned places_stored(const world *w)
{
    unsigned n = 0;
    fed_journal j = fed_memory_journal_reader(w->server.journal);
    CHECK_OK(j.scan(j.ctx, "task/", count_noise, &n, NULL), NULL);
    return n;
}

/* How often each device took part in the task at hand, and that it did so far enough apart. */
static void check_turns(const world *w, unsigned taken[DEVICES])
{
    fed_task_info info = world_info(w);
    fed_journal j = fed_memory_journal_reader(w->server.journal);
    uint64_t last[DEVICES] = {0};
    memset(taken, 0, DEVICES * sizeof *taken);
    for (uint64_t v = 1; v <= info.head.version; v++) {
        char key[FED_KEY_MAX];
        fed_bytes value;
        fed_roster roster;
        fed_bytes_init(&value, SIZE_MAX);
        fed_key_trace(key, &info.id, v);
        CHECK_OK(j.get(j.ctx, key, &value, NULL), NULL);
        CHECK_OK(fed_roster_get(&roster, (fed_span){value.data, value.len}, NULL), NULL);
        for (uint32_t m = 0; m < roster.n; m++)
            for (unsigned i = 0; i < DEVICES; i++) {
                fed_session_info who = fed_session_describe(w->devices[i].session);
                if (memcmp(who.device_key, roster.members[m].device, 32)) continue;
                if (!roster.members[m].survived) continue;
                CHECK_MSG(!taken[i] || v >= last[i] + APART, "device %u: %d, %d", i,
                          (int)last[i], (int)v);
                CHECK(++taken[i] <= MOST);
                last[i] = v;
            }
        fed_roster_fini(&roster);
        fed_bytes_fini(&value);
    }
}

/* One charge for the whole run; every input that left counts as a participation. */
static void check_books(const world *w)
{
    CHECK_EQ(runs_charged(w->server.journal, "ledger/p/"),
             world_info(w).head.version > 0);
    for (unsigned i = 0; i < DEVICES; i++) {
        fed_session_info info = fed_session_describe(w->devices[i].session);
        CHECK_EQ(runs_charged(w->devices[i].node.journal, "session/ledger"),
                 w->n_inputs[i] > 0);
        CHECK_EQ(info.participations, w->n_inputs[i]);
        CHECK(w->n_inputs[i] <= MOST);
    }
}

static void run(world *w, unsigned steps)
{
    while (world_info(w).head.state == FED_TASK_RUNNING && steps--)
        world_step(w);
}

/* ---- a run --------------------------------------------------------------------------------- */

/* Open nodes of a tree; all versions; the last, with two bands. */
static unsigned places_needed(int kind, unsigned version)
{
    if (kind == 2) return version > 0;
    return kind ? version : (unsigned)__builtin_popcount(version);
}

/* Six rounds of two: each of four devices takes part three times, in turns. */
static void test_turns(void)
{
    static const char *const kinds[] = {"tree", "sqrt", "banded", "blt"};
    static world w;
    for (int kind = 0; kind < 4; kind++) {
        unsigned taken[DEVICES], most = 0;
        double epsilon = 0;
        wish plan = usual;
        plan.kind = kinds[kind];
        world_init(&w);
        world_create_task(&w, plan_of(&plan));
        for (unsigned i = 0; world_info(&w).head.state == FED_TASK_RUNNING; i++) {
            if (!CHECK(i < MAX_STEPS)) break;
            world_step(&w);
            fed_task_info info = world_info(&w);
            unsigned places = places_stored(&w);
            most = places > most ? places : most;
            if (info.head.state == FED_TASK_RUNNING)
                CHECK_EQ(places, places_needed(kind, (unsigned)info.head.version));
            if (info.head.version == 1) epsilon = info.privacy.epsilon_output;
            if (info.head.version >= 1) CHECK(info.privacy.epsilon_output == epsilon);
        }
        fed_task_info info = world_info(&w);
        CHECK_EQ(info.head.state, FED_TASK_DONE);
        CHECK(epsilon > 0 && isinf(info.privacy.epsilon_server));
        check_turns(&w, taken);
        check_books(&w);
        for (unsigned i = 0; i < DEVICES; i++)
            CHECK_EQ(taken[i], MOST);
        CHECK(most > 0);
        CHECK_EQ(places_stored(&w), 0); /* no later noise needs any */
        fed_note("%s: epsilon %.3f for all rounds; at most %u places stored", kinds[kind],
                 epsilon, most);
        world_kill_server(&w); /* of what is done nothing is missing */
        CHECK_EQ(world_info(&w).head.state, FED_TASK_DONE);
        world_fini(&w);
    }
}

/* A device that may not take part is not even invited: it says so when it checks in. */
static void test_nobody_is_invited_in_vain(void)
{
    static world w;
    world_init(&w);
    world_create_task(&w, plan_of(&usual));
    run(&w, MAX_STEPS);
    for (unsigned i = 0; i < DEVICES; i++)
        CHECK_EQ(fed_session_describe(w.devices[i].session).refused, 0);
    CHECK(w.now < 60 * 1000); /* no round waited for its deadline */
    world_fini(&w);
}

/* ---- kills --------------------------------------------------------------------------------- */

static void run_with_kills(const char *kind, uint64_t seed, unsigned *kills,
                           uint64_t *versions)
{
    static world w;
    uint8_t key[32];
    unsigned taken[DEVICES];
    fed_stream s;
    wish plan = usual;
    plan.kind = kind;
    fed_seed_from_u64(key, seed);
    fed_stream_init(&s, key, FED_PURPOSE_TEST, 2);
    world_init(&w);
    world_create_task(&w, plan_of(&plan));
    for (unsigned i = 0; i < 3000 && world_info(&w).head.state == FED_TASK_RUNNING; i++) {
        uint32_t dice = fed_stream_below(&s, 100);
        if (dice < 3)
            world_kill_server(&w), world_fail_waiting(&w), ++*kills;
        else if (dice < 7)
            world_kill_device(&w, fed_stream_below(&s, DEVICES)), ++*kills;
        else if (w.n_queue)
            world_deliver(&w, fed_stream_below(&s, (uint32_t)w.n_queue));
        else
            world_pass_time(&w);
        CHECK_EQ(runs_charged(w.server.journal, "ledger/p/"),
                 world_info(&w).head.version > 0);
    }
    *versions += world_info(&w).head.version;
    check_turns(&w, taken);
    check_books(&w);
    world_fini(&w);
}

static void test_kills(void)
{
    static const char *const kinds[] = {"tree", "sqrt", "banded", "blt"};
    unsigned kills = 0;
    uint64_t versions = 0;
    for (uint64_t seed = 1; seed <= 16; seed++)
        run_with_kills(kinds[seed % 4], seed, &kills, &versions);
    CHECK(kills > 100 && versions > 16 * 4);
    fed_note("%u kills, %llu versions of %d", kills, (unsigned long long)versions,
             16 * ROUNDS);
}

/* Killed after each step of a run in turn: the server, and the devices in turn. */
static unsigned run_with_one_kill(unsigned at, unsigned who)
{
    static world w;
    unsigned taken[DEVICES], steps = 0;
    wish plan = usual;
    plan.kind = at % 2 ? "banded" : "tree";
    world_init(&w);
    world_create_task(&w, plan_of(&plan));
    for (; steps < 2000 && world_info(&w).head.state == FED_TASK_RUNNING; steps++) {
        if (steps == at && who == DEVICES) world_kill_server(&w), world_fail_waiting(&w);
        if (steps == at && who < DEVICES) world_kill_device(&w, who);
        world_step(&w);
    }
    CHECK_MSG(world_info(&w).head.state == FED_TASK_DONE, "killed %u at step %u", who,
              at);
    check_turns(&w, taken);
    check_books(&w);
    CHECK_EQ(places_stored(&w), 0);
    world_fini(&w);
    return steps;
}

static void test_one_kill_anywhere(void)
{
    unsigned all = run_with_one_kill(UINT32_MAX, 0);
    for (unsigned at = 0; at < all; at++)
        for (unsigned who = at % 3; who <= DEVICES; who += 3)
            run_with_one_kill(at, who);
    fed_note("a run of %u steps", all);
}

/* ---- a server that forgets ----------------------------------------------------------------- */

/* It loses everything, and serves the same task from the beginning: devices know better, and
 * they know it after a restart. */
static void test_versions_do_not_come_back(void)
{
    static world w;
    world_init(&w);
    world_create_task(&w, plan_of(&usual));
    while (world_info(&w).head.version < 4)
        world_step(&w);
    unsigned before[DEVICES];
    memcpy(before, w.n_inputs, sizeof before);
    fed_coordinator_free(w.coordinator);
    fed_memory_journal_free(w.server.journal);
    CHECK_OK(fed_memory_journal_new(&w.server.journal, NULL), NULL);
    CHECK_OK(fed_coordinator_new(&w.coordinator, &w.config, NULL), NULL);
    world_create_task(&w, plan_of(&usual));
    for (unsigned i = 0; i < DEVICES; i++)
        world_kill_device(&w, i);
    world_fail_waiting(&w);
    for (int i = 0; i < 2000; i++)
        world_step(&w);
    CHECK_EQ(world_info(&w).head.version, 0);
    CHECK_MEM(before, w.n_inputs, sizeof before);
    check_books(&w);
    world_fini(&w);
}

/* A server that does not listen to what devices say of their rounds. */
static void make_deaf(world *w)
{
    for (size_t i = 0; i < w->n_queue; i++) {
        fed_checkin m;
        letter *l = &w->queue[i];
        if (!l->to_server || l->type != FED_REQUEST_CHECKIN) continue;
        CHECK_OK(fed_checkin_get(&m, (fed_span){l->body.data, l->body.len}, NULL), NULL);
        if (!m.n_rests) continue;
        m.n_rests = 0, m.is_signed = false;
        fed_bytes_clear(&l->body);
        CHECK_OK(fed_checkin_put(&l->body, &m, NULL), NULL);
    }
}

/* The same, invited all the same, and the devices had another task meanwhile: all that they
 * remember are their rounds. */
static void test_devices_know_better(void)
{
    static world w;
    fed_outbox o;
    world_init(&w);
    world_create_task(&w, plan_of(&usual));
    while (world_info(&w).head.version < 4)
        world_step(&w);
    unsigned before[DEVICES], refused = 0;
    memcpy(before, w.n_inputs, sizeof before);
    fed_coordinator_free(w.coordinator);
    fed_memory_journal_free(w.server.journal);
    CHECK_OK(fed_memory_journal_new(&w.server.journal, NULL), NULL);
    CHECK_OK(fed_coordinator_new(&w.coordinator, &w.config, NULL), NULL);
    world_create_task(&w, plan_of(&usual));
    for (unsigned i = 0; i < DEVICES; i++) {
        fed_outbox_init(&o);
        CHECK_OK(fed_outbox_erase(&o, "session/task"), NULL);
        CHECK_OK(fed_memory_journal_apply(w.devices[i].node.journal, &o, NULL), NULL);
        fed_outbox_fini(&o);
        world_kill_device(&w, i);
    }
    world_fail_waiting(&w);
    for (int i = 0; i < 2000; i++)
        make_deaf(&w), world_step(&w);
    CHECK_EQ(world_info(&w).head.version, 0);
    CHECK_MEM(before, w.n_inputs, sizeof before);
    for (unsigned i = 0; i < DEVICES; i++) {
        fed_session_info info = fed_session_describe(w.devices[i].session);
        CHECK_EQ(info.trained, 0);
        if (!info.refused) continue;
        refused++;
        CHECK_MSG(strstr(info.last_refusal, "separation: 2: version 0 is too early"),
                  "%s", info.last_refusal);
    }
    CHECK(refused > 1);
    world_fini(&w);
}

/* What a device that is offered a version says, whatever the check-in was. */
static void refuses(world *w, unsigned i, const char *why)
{
    world_kill_device(w, i);
    world_fail_waiting(w);
    for (int k = 0; k < 600 && !fed_session_describe(w->devices[i].session).refused; k++)
        world_step(w);
    fed_session_info info = fed_session_describe(w->devices[i].session);
    CHECK(info.refused > 0 && info.trained == 0);
    CHECK_MSG(strstr(info.last_refusal, why), "\"%s\"", info.last_refusal);
}

/* A byte of device 0's record of its rounds. */
static void change(world *w, size_t at, uint8_t value)
{
    fed_bytes b;
    read_value(w->devices[0].node.journal, "session/rounds", &b);
    b.data[at] = value;
    write_value(w->devices[0].node.journal, "session/rounds", &b);
}

/* Without its record, or with one that the ledger does not know, a device does nothing. */
static void test_record_of_rounds_is_lost(void)
{
    static world w;
    for (int i = 0; i < 3; i++) {
        world_init(&w);
        world_create_task(&w, plan_of(&usual));
        while (!w.n_inputs[0] || fed_session_describe(w.devices[0].session).state)
            world_step(&w);
        if (i == 0)
            write_value(w.devices[0].node.journal, "session/rounds", NULL);
        else
            change(&w, i == 1 ? 0 : 5, 9);
        refuses(&w, 0, i ? "session/rounds" : "the record of its rounds is lost");
        world_fini(&w);
    }
}

/* Invited all the same (here: its entry tells of an earlier version), it refuses by the plan. */
static void test_refusals_of_a_device(void)
{
    static world w;
    wish plan = usual;
    plan.most = 1;
    world_init(&w);
    world_create_task(&w, plan_of(&plan));
    while (!w.n_inputs[0] || fed_session_describe(w.devices[0].session).state)
        world_step(&w);
    /* u8 version, u32 entries, 32 bytes task, u32 taken, u64 next */
    for (size_t at = 41; at < 49; at++)
        change(&w, at, at == 41);
    refuses(&w, 0,
            "privacy.max_participations: this device took part 1 times in the task");
    world_fini(&w);
}

/* ---- budgets ------------------------------------------------------------------------------- */

/* What does not fit is refused before anything begins; a second run composes with the first. */
static void test_budgets(void)
{
    static world w;
    wish plan = usual;
    world_init(&w);
    plan.epsilon = 1;
    CHECK_EQ(world_create(&w, plan_of(&plan)), 403);
    CHECK_MSG(strstr(w.answer, "epsilon_output is 0") &&
                  strstr(w.answer, "the budget is 1"),
              "%s", w.answer);
    plan.epsilon = 20;
    plan.rounds = 2;
    world_create_task(&w, plan_of(&plan));
    run(&w, MAX_STEPS);
    double one = world_info(&w).privacy.epsilon_output;
    world_create_task(&w, plan_of(&plan));
    run(&w, MAX_STEPS);
    CHECK_EQ(world_info(&w).head.state, FED_TASK_DONE);
    double two = world_info(&w).privacy.epsilon_output;
    CHECK_EQ(runs_charged(w.server.journal, "ledger/p/"), 2);
    CHECK(two > one && two < 2 * one);
    fed_note("epsilon %.3f for one run, %.3f for two", one, two);
    for (unsigned i = 0; i < DEVICES; i++) {
        CHECK_EQ(runs_charged(w.devices[i].node.journal, "session/ledger"), 2);
        CHECK_EQ(fed_session_describe(w.devices[i].session).participations, 2);
    }
    world_fini(&w);
}

/* Participations add up over tasks: the population was promised three. */
static void test_participations_over_tasks(void)
{
    static world w;
    world_init(&w);
    world_create_task(&w, plan_of(&usual));
    run(&w, MAX_STEPS);
    world_create_task(&w, plan_of(&usual));
    for (int i = 0; i < 800; i++)
        world_step(&w);
    CHECK_EQ(world_info(&w).head.version, 0);
    for (unsigned i = 0; i < DEVICES; i++) {
        fed_session_info info = fed_session_describe(w.devices[i].session);
        CHECK_EQ(info.participations, MOST);
        if (!info.refused) continue;
        CHECK_MSG(strstr(info.last_refusal, "took part 3 times, of 3"), "%s",
                  info.last_refusal);
    }
    world_fini(&w);
}

/* ---- a store that was changed ---------------------------------------------------------------- */

static void put_place(world *w, const char *key, const fed_bytes *value, const char *why)
{
    fed_bytes copy;
    fed_bytes_init(&copy, SIZE_MAX);
    if (value) fed_bytes_put(&copy, value->data, value->len);
    write_value(w->server.journal, key, value ? &copy : NULL);
    if (why) fails_to_start(w, why);
}

static void test_changed_store(void)
{
    static world w;
    char key[FED_KEY_MAX];
    fed_bytes place;
    wish plan = usual;
    plan.kind = "sqrt";
    world_init(&w);
    world_create_task(&w, plan_of(&plan));
    while (world_info(&w).head.version < 3)
        world_step(&w);
    CHECK_EQ(places_stored(&w), 3);
    fed_task_info info = world_info(&w);
    fed_key_noise(key, &info.id, 1);
    read_value(w.server.journal, key, &place);
    put_place(&w, key, NULL, "it is missing");
    place.data[0] ^= 3;
    put_place(&w, key, &place, "of another round");
    place.data[0] ^= 3;
    place.len--;
    put_place(&w, key, &place, "of another length");
    place.len++;
    put_place(&w, key, &place, NULL);
    world_kill_server(&w);
    world_fail_waiting(&w);
    run(&w, MAX_STEPS);
    CHECK_EQ(world_info(&w).head.state, FED_TASK_DONE);
    fed_bytes_fini(&place);
    world_fini(&w);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void test_torture(void)
{
    static world w;
    world_init(&w);
    world_create_task(&w, plan_of(&usual));
    while (world_info(&w).head.version < 2 || !w.n_inputs[0])
        world_step(&w);
    CHECK(fed_torture(restart_server, &w) > 20);
    CHECK(fed_torture(restart_device, &w) > 20);
    CHECK(fed_torture(resume_device, &w) > 20);
    world_fini(&w);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_turns),
                                     CASE(test_nobody_is_invited_in_vain),
                                     CASE(test_kills),
                                     CASE(test_one_kill_anywhere),
                                     CASE(test_versions_do_not_come_back),
                                     CASE(test_devices_know_better),
                                     CASE(test_record_of_rounds_is_lost),
                                     CASE(test_refusals_of_a_device),
                                     CASE(test_budgets),
                                     CASE(test_participations_over_tasks),
                                     CASE(test_changed_store),
                                     CASE(test_torture)};
    return fed_run("matrix_rounds", cases, sizeof cases / sizeof *cases);
}
