/* Private federations: what the server's and the devices' ledgers hold, whoever
 * dies when, and how it ends. */
#include "world_books.h"

#include <math.h>
#include <stdio.h>

enum { MAX_STEPS = 20000 };

typedef struct wish {
    const char *adversary;
    int rounds, participations;
    double epsilon;
    bool is_central; /* the server adds the noise, instead of the devices their shares */
} wish;

static const char *plan_of(const wish *w)
{
    static char text[1536];
    snprintf(
        text, sizeof text,
        "{\"format\":\"fed-plan/1\",\"name\":\"t\",\"model\":{\"input\":{\"shape\":[20]},"
        "\"layers\":[{\"op\":\"linear\",\"units\":8,\"activation\":\"relu\"},"
        "{\"op\":\"linear\",\"units\":4}],\"loss\":\"softmax_cross_entropy\"},"
        "\"train\":{\"lr\":0.1,\"batch\":5},\"update\":{\"bits\":8,\"clip\":1},"
        "\"secagg\":{\"adversary\":\"%s\",\"corrupt\":0,\"dropout\":0.3},"
        "\"privacy\":{\"mechanism\":%s,\"noise_multiplier\":2,"
        "\"epsilon\":%g,\"delta\":1e-3,\"population\":4,\"max_participations\":%d},"
        "\"rounds\":{\"count\":%d,\"cohort\":3,\"over_select\":1.0,\"deadline_s\":60,"
        "\"phase_s\":10}}",
        w->adversary,
        w->is_central ? "\"central_gaussian\",\"epsilon_server\":\"none\""
                      : "\"distributed_gaussian\"",
        w->epsilon, w->participations, w->rounds);
    return text;
}

static const char without_noise[] =
    "{\"format\":\"fed-plan/1\",\"name\":\"t\",\"model\":{\"input\":{\"shape\":[20]},"
    "\"layers\":[{\"op\":\"linear\",\"units\":4}],\"loss\":\"softmax_cross_entropy\"},"
    "\"train\":{\"lr\":0.1},\"secagg\":{\"enabled\":false},"
    "\"rounds\":{\"count\":9,\"cohort\":3,\"over_select\":1.0}}";

/* ---- looking into the journals ------------------------------------------------------------ */

static uint64_t seen(const world *w)
{
    return charges(w->server.journal, "ledger/p/", FED_LEDGER_SEEN);
}

static uint64_t released(const world *w)
{
    return charges(w->server.journal, "ledger/p/", FED_LEDGER_OUTPUT);
}

/* A device was charged for each input that left it, once, and for nothing else: against the
 * server, unless that is trusted with the sum. */
static void check_devices(const world *w, const wish *plan)
{
    fed_ledger_view view = plan->is_central ? FED_LEDGER_OUTPUT : FED_LEDGER_SEEN;
    fed_ledger_view other = plan->is_central ? FED_LEDGER_SEEN : FED_LEDGER_OUTPUT;
    for (unsigned i = 0; i < DEVICES; i++) {
        fed_memory_journal *journal = w->devices[i].node.journal;
        CHECK_EQ(charges(journal, "session/ledger", view), w->n_inputs[i]);
        CHECK_EQ(charges(journal, "session/ledger", other), 0);
    }
}

static void run(world *w, unsigned steps)
{
    while (world_info(w).head.state == FED_TASK_RUNNING && steps--)
        world_step(w);
}

/* ---- how it ends -------------------------------------------------------------------------- */

/* Three rounds fit, of ten: the task ends by itself, and neither a restart nor a new task of
 * the same population changes that. */
static void test_budget_ends_the_task(void)
{
    static world w;
    wish plan = {"curious", 10, 10, 5, false};
    world_init(&w);
    world_create_task(&w, plan_of(&plan));
    fed_task_info info = world_info(&w);
    CHECK(info.privacy.is_private && info.privacy.epsilon_output == 0 &&
          info.privacy.epsilon_server == 0);
    CHECK(info.privacy.budget_output == 5 && info.privacy.budget_server == 5);
    run(&w, MAX_STEPS);
    info = world_info(&w);
    CHECK_EQ(info.head.state, FED_TASK_SPENT);
    CHECK_STR(fed_task_state_name(info.head.state), "budget_spent");
    CHECK(info.head.version > 1 && info.head.version < 10);
    CHECK_EQ(released(&w), info.head.version);
    CHECK_EQ(seen(&w), info.head.version);
    CHECK(info.privacy.epsilon_output > 0 && info.privacy.epsilon_output <= 5);
    CHECK(info.privacy.epsilon_server >= info.privacy.epsilon_output &&
          info.privacy.epsilon_server <= 5);
    fed_note("%llu rounds of 10: epsilon %.3f and %.3f of 5",
             (unsigned long long)info.head.version, info.privacy.epsilon_output,
             info.privacy.epsilon_server);
    check_devices(&w, &plan);
    world_kill_server(&w);
    world_fail_waiting(&w);
    for (int i = 0; i < 200; i++)
        world_step(&w);
    CHECK_EQ(world_info(&w).head.state, FED_TASK_SPENT);
    CHECK_EQ(world_info(&w).head.version, info.head.version);
    CHECK_EQ(seen(&w), info.head.version);
    plan.rounds = 9;
    CHECK_EQ(world_create(&w, plan_of(&plan)), 403);
    CHECK_MSG(strstr(w.answer, "the budget is 5"), "%s", w.answer);
    plan.epsilon = 50;
    CHECK_EQ(world_create(&w, plan_of(&plan)), 403);
    CHECK_MSG(strstr(w.answer, "never loosened"), "%s", w.answer);
    CHECK_EQ(world_create(&w, without_noise), 403);
    CHECK_MSG(strstr(w.answer, "was promised epsilon 5"), "%s", w.answer);
    world_fini(&w);
}

/* Noise in one task is worth nothing beside another one without, on either side. */
static void test_no_task_without_noise_beside(void)
{
    static world w;
    wish plan = {"curious", 3, 10, 20, false};
    world_init(&w);
    world_create_task(&w, without_noise);
    CHECK_EQ(world_create(&w, plan_of(&plan)), 403);
    CHECK_MSG(strstr(w.answer, "runs without any; stop it first"), "%s", w.answer);
    world_fini(&w);
    world_init(&w);
    world_create_task(&w, plan_of(&plan));
    run(&w, MAX_STEPS);
    CHECK_EQ(world_info(&w).head.state, FED_TASK_DONE);
    fed_coordinator_free(w.coordinator); /* a server that forgets everything */
    fed_memory_journal_free(w.server.journal);
    CHECK_OK(fed_memory_journal_new(&w.server.journal, NULL), NULL);
    CHECK_OK(fed_coordinator_new(&w.coordinator, &w.config, NULL), NULL);
    world_fail_waiting(&w);
    uint64_t trained = fed_session_describe(w.devices[0].session).trained;
    world_create_task(&w, without_noise);
    for (int i = 0; i < 800; i++)
        world_step(&w);
    fed_session_info info = fed_session_describe(w.devices[0].session);
    CHECK_EQ(info.trained, trained);
    CHECK_MSG(strstr(info.last_refusal, "was promised epsilon 20"), "\"%s\"",
              info.last_refusal);
    world_fini(&w);
}

/* A device takes part as often as it was promised, and then does not even train. */
static void participations_end(wish plan)
{
    static world w;
    world_init(&w);
    world_create_task(&w, plan_of(&plan));
    run(&w, 600);
    CHECK_EQ(world_info(&w).head.state, FED_TASK_RUNNING);
    CHECK_EQ(world_info(&w).head.version, 2); /* 3 + 3 of 4 times 2 */
    check_devices(&w, &plan);
    unsigned refused = 0;
    for (unsigned i = 0; i < DEVICES; i++) {
        fed_session_info info = fed_session_describe(w.devices[i].session);
        CHECK(info.participations <= 2 && info.trained <= 2);
        if (!info.refused) continue;
        refused++;
        CHECK_EQ(info.participations, 2);
        CHECK(info.epsilon > 0);
        CHECK_MSG(strstr(info.last_refusal, "took part 2 times, of 2"), "%s",
                  info.last_refusal);
    }
    CHECK(refused > 0);
    world_fini(&w);
}

static void test_participations_end(void)
{
    participations_end((wish){"curious", 10, 2, 20, false});
    participations_end((wish){"curious", 10, 2, 20, true});
}

/* ---- kills -------------------------------------------------------------------------------- */

static void run_with_kills(wish plan, uint64_t seed, unsigned *kills)
{
    static world w;
    uint8_t key[32];
    fed_stream s;
    fed_seed_from_u64(key, seed);
    fed_stream_init(&s, key, FED_PURPOSE_TEST, 2);
    world_init(&w);
    world_create_task(&w, plan_of(&plan));
    for (unsigned i = 0; i < MAX_STEPS && world_info(&w).head.state == FED_TASK_RUNNING;
         i++) {
        uint32_t dice = fed_stream_below(&s, 100);
        if (dice < 2)
            world_kill_server(&w), world_fail_waiting(&w), ++*kills;
        else if (dice < 5)
            world_kill_device(&w, fed_stream_below(&s, DEVICES)), ++*kills;
        else if (w.n_queue)
            world_deliver(&w, fed_stream_below(&s, (uint32_t)w.n_queue));
        else
            world_pass_time(&w);
        fed_task_info info = world_info(&w);
        bool is_seen = info.phase > FED_PHASE_INPUT && info.phase < FED_PHASE_DONE;
        if (!plan.is_central) CHECK(seen(&w) >= info.head.version + is_seen);
        CHECK_EQ(released(&w), info.head.version);
    }
    fed_task_info info = world_info(&w);
    CHECK_MSG(info.head.state == FED_TASK_SPENT || info.head.state == FED_TASK_DONE,
              "seed %llu: %s", (unsigned long long)seed,
              fed_task_state_name(info.head.state));
    CHECK(info.privacy.epsilon_output <= 8);
    if (plan.is_central) CHECK(isinf(info.privacy.epsilon_server) && seen(&w) == 0);
    if (!plan.is_central) CHECK(info.privacy.epsilon_server <= 8);
    check_devices(&w, &plan);
    world_fini(&w);
}

static void test_kills(void)
{
    unsigned kills = 0;
    for (uint64_t seed = 1; seed <= 18; seed++) {
        const char *adversary = seed % 2 ? "curious" : "active";
        run_with_kills((wish){adversary, 6, 20, 8, seed > 12}, seed, &kills);
    }
    fed_note("%u kills", kills);
}

/* ---- a cohort that fails after its sum was fixed ------------------------------------------- */

static void lose_reveals(world *w)
{
    for (size_t i = 0; i < w->n_queue; i++)
        while (i < w->n_queue && w->queue[i].to_server &&
               w->queue[i].type == FED_REQUEST_REVEAL) {
            fed_bytes_fini(&w->queue[i].body);
            w->queue[i] = w->queue[--w->n_queue];
        }
}

/* Charged, and not refunded; the next cohort is charged again. */
static void test_abort_is_not_refunded(void)
{
    static world w;
    wish plan = {"curious", 10, 10, 5, false};
    world_init(&w);
    world_create_task(&w, plan_of(&plan));
    while (seen(&w) < 1)
        world_step(&w);
    CHECK_EQ(released(&w), 0);
    while (world_info(&w).phase != FED_PHASE_PLACE)
        lose_reveals(&w), world_step(&w);
    CHECK_EQ(world_info(&w).head.version, 0);
    CHECK_EQ(seen(&w), 1);
    CHECK_EQ(released(&w), 0);
    CHECK(world_info(&w).privacy.epsilon_server > 0 &&
          world_info(&w).privacy.epsilon_output == 0);
    world_kill_server(&w);
    world_fail_waiting(&w);
    CHECK(world_info(&w).privacy.epsilon_server > 0 &&
          world_info(&w).privacy.epsilon_output == 0);
    CHECK_EQ(seen(&w), 1);
    world_fini(&w);
}

/* ---- ledgers that cannot be believed -------------------------------------------------------- */

static void refuses(world *w, unsigned i, const char *why)
{
    world_kill_device(w, i);
    for (int k = 0; k < 400; k++)
        world_step(w);
    fed_session_info info = fed_session_describe(w->devices[i].session);
    CHECK_EQ(info.trained, 0);
    CHECK(info.refused > 0);
    CHECK_MSG(strstr(info.last_refusal, why), "\"%s\"", info.last_refusal);
}

static void test_device_with_a_broken_ledger(void)
{
    static world w;
    fed_bytes old, new;
    wish plan = {"curious", 400, 400, 1000, false};
    world_init(&w);
    world_create_task(&w, plan_of(&plan));
    while (w.n_inputs[0] < 1)
        world_step(&w);
    read_value(w.devices[0].node.journal, "session/ledger", &old);
    while (w.n_inputs[0] < 2 || fed_session_describe(w.devices[0].session).state)
        world_step(&w);
    read_value(w.devices[0].node.journal, "session/ledger", &new);
    new.data[new.len - 100] ^= 1;
    write_value(w.devices[0].node.journal, "session/ledger", &new);
    refuses(&w, 0, "breaks the chain");
    write_value(w.devices[0].node.journal, "session/ledger", &old);
    refuses(&w, 0, "does not end where this device left it");
    write_value(w.devices[0].node.journal, "session/ledger", NULL);
    refuses(&w, 0, "does not end where this device left it");
    world_fini(&w);
}

static void test_server_with_a_broken_ledger(void)
{
    static world w;
    fed_bytes good, bad;
    wish plan = {"curious", 400, 400, 1000, false};
    world_init(&w);
    world_create_task(&w, plan_of(&plan));
    while (released(&w) < 2)
        world_step(&w);
    read_value(w.server.journal, "ledger/p/00000002", &good);
    read_value(w.server.journal, "ledger/p/00000002", &bad);
    bad.data[40] ^= 1;
    write_value(w.server.journal, "ledger/p/00000002", &bad);
    fails_to_start(&w, "breaks the chain");
    write_value(w.server.journal, "ledger/p/00000002", NULL);
    fails_to_start(&w, "record 2 is missing");
    write_value(w.server.journal, "ledger/p/00000002", &good);
    world_kill_server(&w);
    CHECK_EQ(world_info(&w).head.state, FED_TASK_RUNNING);
    world_fini(&w);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void test_torture(void)
{
    static world w;
    wish plan = {"curious", 400, 400, 1000, false};
    world_init(&w);
    world_create_task(&w, plan_of(&plan));
    while (released(&w) < 2)
        world_step(&w);
    CHECK(fed_torture(restart_device, &w) > 20);
    CHECK(fed_torture(restart_server, &w) > 20);
    while (fed_session_describe(w.devices[0].session).state != FED_SESSION_RESULT)
        world_step(&w);
    CHECK(fed_torture(resume_device, &w) > 20);
    world_fini(&w);
}

/* ---- floors ---------------------------------------------------------------------------------- */

static void test_device_floors(void)
{
    static const char *const why[] = {"privacy.epsilon_server: 8, this device allows 7",
                                      "max_participations: 20, this device allows 19"};
    static world w;
    wish plan = {"curious", 6, 20, 8, false};
    for (int i = 0; i < 2; i++) {
        world_init(&w);
        w.devices[0].config.floor.privacy = true;
        if (i == 0) w.devices[0].config.floor.epsilon = 7;
        if (i == 1) w.devices[0].config.floor.max_participations = 19;
        world_create_task(&w, plan_of(&plan));
        refuses(&w, 0, why[i]);
        CHECK(fed_session_describe(w.devices[1].session).trained > 0);
        world_fini(&w);
    }
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_budget_ends_the_task),
                                     CASE(test_no_task_without_noise_beside),
                                     CASE(test_participations_end),
                                     CASE(test_kills),
                                     CASE(test_abort_is_not_refunded),
                                     CASE(test_device_with_a_broken_ledger),
                                     CASE(test_server_with_a_broken_ledger),
                                     CASE(test_torture),
                                     CASE(test_device_floors)};
    return fed_run("private_rounds", cases, sizeof cases / sizeof *cases);
}
