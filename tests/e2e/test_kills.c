/*
 * kill -9 of the server in the middle of a cohort, and of devices in training and uploading,
 * at random moments, many times. Afterwards: the federation had gone on, each version was
 * made once, no update was counted twice, no process refused what it found on disk, and a
 * simulation in which nobody was ever killed arrives at the same model, bit for bit.
 */
#include "federation.h"
#include "harness.h"

#include <stdlib.h>
#include <unistd.h>

/* Killing goes on for a while, on a slow machine until there was enough of it. The plans have
 * more rounds than any machine gets through; the operator stops them. */
enum { KILLING_MS = 20000, ENOUGH_MS = 600000, ROUNDS = 1000000 };

/* A model of 100,000 parameters, so that training and uploading take a while. */
#define PLAN(secagg)                                                                     \
    "{\"format\":\"fed-plan/"                                                            \
    "1\",\"name\":\"kills\",\"model\":{\"input\":{\"shape\":[128]},"                     \
    "\"layers\":[{\"op\":\"linear\",\"units\":700,\"activation\":\"relu\"},"             \
    "{\"op\":\"linear\",\"units\":10}],\"loss\":\"softmax_cross_entropy\"},"             \
    "\"train\":{\"lr\":0.02,\"batch\":10,\"epochs\":3},"                                 \
    "\"update\":{\"select\":\"dense\",\"bits\":8},"                                      \
    "\"secagg\":{" secagg "},"                                                           \
    "\"rounds\":{\"count\":1000000,\"cohort\":3,\"over_select\":1.4,"                    \
    "\"deadline_s\":4,\"phase_s\":2}}"

/* How much is done to a federation, and how little of it would show nothing. */
typedef struct trial {
    const char *plan;
    bool masks;
    unsigned pause_max_ms, server_kills, device_kills, versions;
} trial;

typedef struct toll {
    unsigned server, devices;
    long long version; /* that was seen last */
} toll;

/* A child that ended by itself, before it was killed, did not like what it found. */
static void expect_alive(pid_t pid, const char *who)
{
    int code = 0;
    if (fed_process_wait(pid, 0, &code)) CHECK_MSG(false, "%s ended with %d", who, code);
}

static void kill_one(fed_federation *f, fed_stream *s, toll *t)
{
    unsigned who = fed_stream_below(s, f->devices + 2);
    if (who >= f->devices) {
        expect_alive(f->server, "fedserver");
        fed_process_kill(f->server);
        CHECK(fed_federation_start_server(f));
        t->server++;
    } else {
        expect_alive(f->clients[who], "fedclient");
        fed_process_kill(f->clients[who]);
        CHECK(fed_federation_start_device(f, who));
        t->devices++;
    }
}

static bool is_enough(const trial *how, const toll *t, int64_t elapsed_ms)
{
    bool enough = t->server >= how->server_kills && t->devices >= how->device_kills &&
                  t->version >= how->versions;
    return elapsed_ms >= (enough ? KILLING_MS : ENOUGH_MS);
}

/* Versions only grow; a server that is just starting does not tell. */
static void look(fed_federation *f, toll *t)
{
    long long now = fed_federation_number(f, "version");
    CHECK_MSG(now < 0 || now >= t->version, "version %lld after %lld", now, t->version);
    if (now > t->version) t->version = now;
}

static void run_with_kills(fed_federation *f, const trial *how, fed_stream *s)
{
    toll t = {0};
    int64_t start = fed_clock_monotonic_ms(), next_look = 0;
    while (!is_enough(how, &t, fed_clock_monotonic_ms() - start)) {
        fed_process_sleep(fed_stream_below(s, how->pause_max_ms));
        kill_one(f, s, &t);
        if (fed_clock_monotonic_ms() < next_look) continue;
        look(f, &t);
        next_look = fed_clock_monotonic_ms() + 2000;
    }
    fed_note("killed: the server %u times, devices %u times; version %lld by then",
             t.server, t.devices, t.version);
    CHECK(t.server >= how->server_kills && t.devices >= how->device_kills);
    CHECK(t.version >= how->versions);
}

static void try_kills(const trial *how)
{
    fed_federation f = {.plan = how->plan,
                        .data = "synthetic:gaussian?dims=128&classes=10&rows=2000",
                        .partition = "iid",
                        .devices = 6,
                        .seed = 11,
                        .enrolled = how->masks};
    uint8_t key[32];
    fed_stream s;
    const char *seed = getenv("FED_SEED");
    uint64_t number = seed ? strtoull(seed, NULL, 10) : (uint64_t)getpid();
    fed_note("seed %llu (FED_SEED)", (unsigned long long)number);
    fed_seed_from_u64(key, number);
    fed_stream_init(&s, key, FED_PURPOSE_TEST, 2);
    if (fed_federation_begin(&f) && fed_federation_create_task(&f)) {
        for (unsigned i = 0; i < f.devices; i++)
            CHECK(fed_federation_start_device(&f, i));
        run_with_kills(&f, how, &s);
        CHECK(fed_federation_stop_task(&f));
        long long versions = fed_federation_number(&f, "version");
        CHECK(versions > 0 && versions < ROUNDS);
        fed_federation_check_replay(&f);
        fed_federation_check_trace(&f, (unsigned)versions);
    }
    fed_federation_end(&f);
}

static void test_plain(void)
{
    static const trial t = {.plan = PLAN("\"enabled\":false"),
                            .pause_max_ms = 250,
                            .server_kills = 15,
                            .device_kills = 45,
                            .versions = 50};
    try_kills(&t);
}

/* Under masks a cohort is lost when too many of it die, so fewer are killed; and a mask that
 * was used for two sums would show in the model. */
static void test_masked(void)
{
    static const trial t = {.plan = PLAN("\"enabled\":true,\"adversary\":\"active\","
                                         "\"corrupt\":0.0,\"dropout\":0.2"),
                            .masks = true,
                            .pause_max_ms = 400,
                            .server_kills = 8,
                            .device_kills = 25,
                            .versions = 20};
    try_kills(&t);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_plain), CASE(test_masked)};
    return fed_run("kills", cases, sizeof cases / sizeof *cases);
}
