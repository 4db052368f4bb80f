/* Whole federations in memory, with and without masks, killed at any moment. */
#include "round_world.h"

#include <stdio.h>

enum { ROUNDS = 6, MAX_STEPS = 20000 };

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

static void create_task(world *w, const char *secagg)
{
    char plan[1024];
    snprintf(plan, sizeof plan, plan_format, secagg);
    world_create_task(w, plan);
}

static double accuracy(const world *w)
{
    fed_error err;
    fed_evaluation out = {0};
    fed_task_info info = world_info(w);
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
    fed_task_info info = world_info(w);
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
    world_init(&w);
    create_task(&w, secagg);
    unsigned steps = 0;
    while (world_info(&w).head.state == FED_TASK_RUNNING && steps++ < MAX_STEPS) {
        world_step(&w);
    }
    fed_note("%u steps, %llu bytes up, accuracy %.3f", steps,
             (unsigned long long)w.wire_bytes, accuracy(&w));
    check_end(&w);
    *model = world_info(&w).head.model;
    world_fini(&w);
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
    world_init(&w);
    create_task(&w, secagg);
    unsigned steps = 0;
    while (world_info(&w).head.state == FED_TASK_RUNNING && steps++ < MAX_STEPS) {
        uint32_t dice = fed_stream_below(&s, 100);
        if (dice < 2) {
            world_kill_server(&w);
            world_fail_waiting(&w);
            ++*kills;
        } else if (dice < 5) {
            world_kill_device(&w, fed_stream_below(&s, DEVICES));
            ++*kills;
        } else if (w.n_queue) {
            world_deliver(&w, fed_stream_below(&s, (uint32_t)w.n_queue));
        } else {
            world_pass_time(&w);
        }
    }
    CHECK_MSG(world_info(&w).head.version == ROUNDS, "seed %llu: stuck at version %llu",
              (unsigned long long)seed, (unsigned long long)world_info(&w).head.version);
    check_end(&w);
    world_fini(&w);
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
    world_init(&w);
    for (unsigned i = 0; i < DEVICES; i++) {
        change(&w.devices[i]);
        fed_session_free(w.devices[i].session);
        world_start_device(&w, i);
    }
    create_task(&w, secagg);
    for (unsigned steps = 0; steps < 300; steps++) {
        world_step(&w);
    }
    CHECK_EQ(world_info(&w).head.version, 0);
    for (unsigned i = 0; i < DEVICES; i++) {
        fed_session_info info = fed_session_describe(w.devices[i].session);
        CHECK_EQ(info.trained, 0);
        if (info.refused)
            CHECK_MSG(strstr(info.last_refusal, reason), "\"%s\"", info.last_refusal);
    }
    CHECK(fed_session_describe(w.devices[0].session).refused > 0);
    world_fini(&w);
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
    world_init(&w);
    for (unsigned i = 0; i < DEVICES; i++) {
        insist_on_active(&w.devices[i]);
        fed_session_free(w.devices[i].session);
        world_start_device(&w, i);
    }
    create_task(&w, SECAGG_CURIOUS);
    for (unsigned steps = 0; steps < 300; steps++) {
        world_step(&w);
    }
    fed_session_info info = fed_session_describe(w.devices[0].session);
    CHECK_EQ(world_info(&w).head.version, 0);
    CHECK_EQ(info.delivered, 0);
    CHECK_MSG(strstr(info.last_refusal, "insists on active"), "\"%s\"",
              info.last_refusal);
    world_fini(&w);
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
