/* One plan, from the operator's key to the last model, with real processes over HTTP. */
#include "federation.h"
#include "harness.h"

#include <signal.h>

static const char plan[] =
    "{\"format\":\"fed-plan/1\",\"name\":\"e2e\",\"model\":{\"input\":{\"shape\":[20]},"
    "\"layers\":[{\"op\":\"linear\",\"units\":8,\"activation\":\"relu\"},"
    "{\"op\":\"linear\",\"units\":4}],\"loss\":\"softmax_cross_entropy\"},"
    "\"train\":{\"lr\":0.1,\"batch\":5,\"epochs\":2},"
    "\"update\":{\"select\":\"dense\",\"bits\":8},"
    "\"secagg\":{\"enabled\":false},"
    "\"rounds\":{\"count\":6,\"cohort\":3,\"over_select\":1.0,\"deadline_s\":30,"
    "\"phase_s\":10}}";

/* Of a linear model, `rounds` rounds with three devices in each; `rest` says what differs. */
#define SMALL_PLAN(rounds, rest)                                                         \
    "{\"format\":\"fed-plan/1\",\"name\":\"e2e\",\"model\":{\"input\":{\"shape\":[20]}," \
    "\"layers\":[{\"op\":\"linear\",\"units\":4}],\"loss\":\"softmax_cross_entropy\"},"  \
    "\"train\":{\"lr\":0.1,\"batch\":5}," rest ",\"rounds\":{\"count\":" rounds          \
    ",\"cohort\":3,\"over_select\":1.0,\"deadline_s\":30,\"phase_s\":10}}"

static void test_one_plan(void)
{
    fed_federation f = {.plan = plan,
                        .data = "synthetic:gaussian?dims=20&classes=4&rows=400",
                        .partition = "iid",
                        .devices = 4};
    int code = -1;
    if (fed_federation_begin(&f) && fed_federation_create_task(&f)) {
        for (unsigned i = 0; i < f.devices; i++)
            CHECK(fed_federation_start_device(&f, i));
        CHECK(fed_federation_wait(&f, 60000));
        CHECK_EQ(fed_federation_number(&f, "version"), 6);
        kill(f.clients[0], SIGTERM);
        if (CHECK(fed_process_wait(f.clients[0], 5000, &code))) f.clients[0] = 0;
        CHECK_EQ(code, 0);
        fed_federation_check_trace(&f, 6);
    }
    fed_federation_end(&f);
}

/* The same with all devices in one process, one thread, one network. */
static void test_together(void)
{
    fed_federation f = {.plan = plan,
                        .data = "synthetic:gaussian?dims=20&classes=4&rows=400",
                        .partition = "iid",
                        .devices = 12};
    int code = -1;
    if (fed_federation_begin(&f) && fed_federation_create_task(&f)) {
        CHECK(fed_federation_start_together(&f));
        CHECK(fed_federation_wait(&f, 60000));
        kill(f.clients[0], SIGINT);
        if (CHECK(fed_process_wait(f.clients[0], 5000, &code))) f.clients[0] = 0;
        CHECK_EQ(code, 0);
        fed_federation_check_trace(&f, 6);
    }
    fed_federation_end(&f);
}

/* Which version is the last one shows when the operator stops the task: it is evaluated then,
 * however rarely the plan asks for it. */
static void test_last_is_evaluated(void)
{
    fed_federation f = {
        .plan = SMALL_PLAN("1000", "\"secagg\":{\"enabled\":false},"
                                   "\"evaluate\":{\"on\":\"holdout\",\"every\":1000}"),
        .data = "synthetic:gaussian?dims=20&classes=4&rows=400",
        .holdout = "synthetic:gaussian?dims=20&classes=4&rows=200",
        .partition = "iid",
        .devices = 4};
    if (fed_federation_begin(&f) && fed_federation_create_task(&f)) {
        CHECK(fed_federation_start_together(&f));
        for (int i = 0; i < 1200 && fed_federation_number(&f, "version") < 2; i++)
            fed_process_sleep(50);
        CHECK(fed_federation_stop_task(&f));
        long long last = fed_federation_number(&f, "version");
        CHECK(last >= 2);
        for (int i = 0; i < 600; i++) {
            if (fed_federation_number(&f, "evaluated_version") == last) break;
            fed_process_sleep(50);
        }
        CHECK_EQ(fed_federation_number(&f, "evaluated_version"), last);
    }
    fed_federation_end(&f);
}

/* ---- fedsim repeats it ------------------------------------------------------------------ */

/* With repeatable randomness, fedsim repeats what the processes did, bit for bit. */
static void play_and_replay(const char *text, unsigned versions, bool enrolled)
{
    fed_federation f = {.plan = text,
                        .data = "synthetic:gaussian?dims=20&classes=4&rows=400",
                        .partition = "iid",
                        .devices = 5,
                        .seed = 3,
                        .enrolled = enrolled};
    if (fed_federation_begin(&f) && fed_federation_create_task(&f)) {
        for (unsigned i = 0; i < f.devices; i++)
            CHECK(fed_federation_start_device(&f, i));
        CHECK(fed_federation_wait(&f, 60000));
        CHECK_EQ(fed_federation_number(&f, "version"), versions);
        fed_federation_check_replay(&f);
    }
    fed_federation_end(&f);
}

static void test_replay(void)
{
    play_and_replay(plan, 6, false);
}

#define MASKED "\"secagg\":{\"corrupt\":0,\"dropout\":0.3}"

/* Votes in the same sums decide what travels next, and the rest waits on the devices' disks. */
static void test_voted(void)
{
    play_and_replay(SMALL_PLAN("6",
                               MASKED ",\"update\":{\"select\":\"voted\",\"fraction\":"
                                      "0.25,\"block\":8,\"bits\":4}"),
                    6, true);
}

/* Of each device its own largest coordinates, which no mask could hide. */
static void test_top_k(void)
{
    play_and_replay(SMALL_PLAN("6",
                               "\"secagg\":{\"enabled\":false},\"update\":{\"select\":"
                               "\"top_k\",\"fraction\":0.1,\"bits\":\"sign\"}"),
                    6, false);
}

/* Noise in shares under an active server: what it cost is told by the server, and fedsim
 * repeats all of it, noise included. */
static void test_private(void)
{
    play_and_replay(
        SMALL_PLAN("4",
                   MASKED ",\"update\":{\"bits\":8,\"clip\":1},\"privacy\":{"
                          "\"mechanism\":\"distributed_gaussian\",\"epsilon\":6,"
                          "\"delta\":1e-3,\"population\":5,\"max_participations\":4}"),
        4, true);
}

/* Whoever takes part was drawn, among devices that enrolled with a token each. */
static void test_drawn(void)
{
    play_and_replay(SMALL_PLAN("4",
                               MASKED ",\"update\":{\"bits\":8},\"privacy\":{"
                                      "\"sampling\":\"fixed_size\",\"population\":5}"),
                    4, true);
}

/* ---- noise that is correlated over rounds ------------------------------------------------- */

static const char correlated[] =
    "{\"format\":\"fed-plan/1\",\"name\":\"e2e\",\"model\":{\"input\":{\"shape\":[20]},"
    "\"layers\":[{\"op\":\"linear\",\"units\":4}],\"loss\":\"softmax_cross_entropy\"},"
    "\"train\":{\"lr\":0.1,\"batch\":5},\"update\":{\"bits\":8,\"clip\":1},"
    "\"secagg\":{\"enabled\":false},"
    "\"privacy\":{\"mechanism\":\"matrix\",\"epsilon\":8,\"epsilon_server\":\"none\","
    "\"delta\":1e-3,\"population\":12,\"max_participations\":3,"
    "\"matrix\":{\"kind\":\"banded\",\"bands\":4,\"separation\":3}},"
    "\"rounds\":{\"count\":8,\"cohort\":2,\"over_select\":1.0,\"deadline_s\":5,"
    "\"phase_s\":5}}";

/* Server and devices are killed on the way; they go on with the noise, and with the turns, that
 * they had. */
static void test_correlated_noise(void)
{
    fed_federation f = {.plan = correlated,
                        .data = "synthetic:gaussian?dims=20&classes=4&rows=400",
                        .partition = "iid",
                        .devices = 12};
    long long taken = 0;
    if (fed_federation_begin(&f) && fed_federation_create_task(&f)) {
        for (unsigned i = 0; i < f.devices; i++)
            CHECK(fed_federation_start_device(&f, i));
        for (unsigned kill = 0; kill < 3; kill++) {
            int64_t end = fed_clock_monotonic_ms() + 30000;
            while (fed_federation_number(&f, "version") < 1 + 2 * (long long)kill &&
                   CHECK(fed_clock_monotonic_ms() < end))
                fed_process_sleep(50);
            fed_process_kill(f.server);
            CHECK(fed_federation_start_server(&f));
            fed_process_kill(f.clients[kill]);
            CHECK(fed_federation_start_device(&f, kill));
        }
        for (int i = 0; i < 600 && fed_federation_number(&f, "version") < 0; i++)
            fed_process_sleep(50); /* it is just starting */
        CHECK(fed_federation_wait(&f, 60000));
        CHECK_EQ(fed_federation_number(&f, "version"), 8);
        fed_process_sleep(1000); /* until they have said so */
        for (unsigned i = 0; i < f.devices; i++) {
            long long n = fed_federation_device_number(&f, i, "participations");
            CHECK_MSG(n >= 0 && n <= 3, "device %u: %lld", i, n);
            taken += n;
        }
        CHECK_MSG(taken >= 16, "%lld", taken);
        fed_note("%lld participations for 8 versions of two", taken);
        fed_federation_check_trace(&f, 8);
    }
    fed_federation_end(&f);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_one_plan), CASE(test_together), CASE(test_last_is_evaluated),
        CASE(test_replay),   CASE(test_voted),    CASE(test_top_k),
        CASE(test_private),  CASE(test_drawn),    CASE(test_correlated_noise)};
    return fed_run("federation", cases, sizeof cases / sizeof *cases);
}
