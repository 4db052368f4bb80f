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

/* With repeatable randomness, fedsim repeats what the processes did, bit for bit. */
static void test_replay(void)
{
    fed_federation f = {.plan = plan,
                        .data = "synthetic:gaussian?dims=20&classes=4&rows=400",
                        .partition = "iid",
                        .devices = 5,
                        .seed = 3};
    if (fed_federation_begin(&f) && fed_federation_create_task(&f)) {
        for (unsigned i = 0; i < f.devices; i++)
            CHECK(fed_federation_start_device(&f, i));
        CHECK(fed_federation_wait(&f, 60000));
        fed_federation_check_replay(&f);
    }
    fed_federation_end(&f);
}

/* Noise in shares under an active server: what it cost is told by the server, and fedsim
 * repeats all of it, noise included. */
static void test_private(void)
{
    fed_federation f = {
        .plan =
            "{\"format\":\"fed-plan/1\",\"name\":\"e2e\",\"model\":{\"input\":{\"shape\":"
            "[20]},\"layers\":[{\"op\":\"linear\",\"units\":4}],\"loss\":"
            "\"softmax_cross_entropy\"},\"train\":{\"lr\":0.1,\"batch\":5},"
            "\"update\":{\"bits\":8,\"clip\":1},\"secagg\":{\"corrupt\":0,\"dropout\":0."
            "3},"
            "\"privacy\":{\"mechanism\":\"distributed_gaussian\",\"epsilon\":6,"
            "\"delta\":1e-3,\"population\":5,\"max_participations\":4},"
            "\"rounds\":{\"count\":4,\"cohort\":3,\"over_select\":1.0,\"deadline_s\":30,"
            "\"phase_s\":10}}",
        .data = "synthetic:gaussian?dims=20&classes=4&rows=400",
        .partition = "iid",
        .devices = 5,
        .seed = 3,
        .enrolled = true};
    if (fed_federation_begin(&f) && fed_federation_create_task(&f)) {
        for (unsigned i = 0; i < f.devices; i++)
            CHECK(fed_federation_start_device(&f, i));
        CHECK(fed_federation_wait(&f, 60000));
        CHECK_EQ(fed_federation_number(&f, "version"), 4);
        fed_federation_check_replay(&f);
    }
    fed_federation_end(&f);
}

/* Whoever takes part was drawn, among devices that enrolled with a token each. */
static void test_drawn(void)
{
    fed_federation f = {
        .plan =
            "{\"format\":\"fed-plan/1\",\"name\":\"e2e\",\"model\":{\"input\":{\"shape\":"
            "[20]},\"layers\":[{\"op\":\"linear\",\"units\":4}],\"loss\":"
            "\"softmax_cross_entropy\"},\"train\":{\"lr\":0.1,\"batch\":5},"
            "\"update\":{\"bits\":8},\"secagg\":{\"corrupt\":0,\"dropout\":0.3},"
            "\"privacy\":{\"sampling\":\"fixed_size\",\"population\":5},"
            "\"rounds\":{\"count\":4,\"cohort\":3,\"over_select\":1.0,\"deadline_s\":30,"
            "\"phase_s\":10}}",
        .data = "synthetic:gaussian?dims=20&classes=4&rows=400",
        .partition = "iid",
        .devices = 5,
        .seed = 3,
        .enrolled = true};
    if (fed_federation_begin(&f) && fed_federation_create_task(&f)) {
        for (unsigned i = 0; i < f.devices; i++)
            CHECK(fed_federation_start_device(&f, i));
        CHECK(fed_federation_wait(&f, 60000));
        CHECK_EQ(fed_federation_number(&f, "version"), 4);
        fed_federation_check_replay(&f);
    }
    fed_federation_end(&f);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_one_plan), CASE(test_together),
                                     CASE(test_replay), CASE(test_private),
                                     CASE(test_drawn)};
    return fed_run("federation", cases, sizeof cases / sizeof *cases);
}
