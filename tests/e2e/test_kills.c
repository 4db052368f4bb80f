/*
 * kill -9 of the server in the middle of a cohort, and of devices in training and uploading,
 * at random moments, many times. Afterwards: the federation came to its end, each version was
 * made once, no update was counted twice, no process refused what it found on disk, and a
 * simulation in which nobody was ever killed arrives at the same model, bit for bit.
 */
#include "federation.h"
#include "harness.h"

#include <stdlib.h>
#include <unistd.h>

/* Killing goes on for a while, on a slow machine until there were enough; and what follows
 * may take its time. */
enum { KILLING_MS = 20000, ENOUGH_MS = 240000, END_MS = 600000 };

/* A model of 100,000 parameters, so that training and uploading take a while. */
#define PLAN(secagg, rounds)                                                             \
    "{\"format\":\"fed-plan/"                                                            \
    "1\",\"name\":\"kills\",\"model\":{\"input\":{\"shape\":[128]},"                     \
    "\"layers\":[{\"op\":\"linear\",\"units\":700,\"activation\":\"relu\"},"             \
    "{\"op\":\"linear\",\"units\":10}],\"loss\":\"softmax_cross_entropy\"},"             \
    "\"train\":{\"lr\":0.02,\"batch\":10,\"epochs\":3},"                                 \
    "\"update\":{\"select\":\"dense\",\"bits\":8},"                                      \
    "\"secagg\":{" secagg "},"                                                           \
    "\"rounds\":{\"count\":" #rounds ",\"cohort\":3,\"over_select\":1.4,"                \
    "\"deadline_s\":4,\"phase_s\":2}}"

/* How much is done to a federation, and how little of it would show nothing. */
typedef struct trial {
    const char *plan;
    bool masks;
    unsigned rounds, pause_max_ms, server_kills, device_kills;
} trial;

typedef struct toll {
    unsigned server, devices, ended;
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
    bool killed = t->server >= how->server_kills && t->devices >= how->device_kills;
    return elapsed_ms >= (killed ? KILLING_MS : ENOUGH_MS);
}

static void run_with_kills(fed_federation *f, const trial *how, fed_stream *s)
{
    toll t = {0};
    int64_t start = fed_clock_monotonic_ms(), look = 0;
    long long version = 0;
    while (version < how->rounds &&
           !is_enough(how, &t, fed_clock_monotonic_ms() - start)) {
        fed_process_sleep(fed_stream_below(s, how->pause_max_ms));
        kill_one(f, s, &t);
        if (fed_clock_monotonic_ms() < look) continue;
        long long now = fed_federation_number(f, "version");
        CHECK_MSG(now < 0 || now >= version, "version %lld after %lld", now, version);
        if (now > version) version = now;
        look = fed_clock_monotonic_ms() + 2000;
    }
    fed_note("killed: the server %u times, devices %u times; version %lld by then",
             t.server, t.devices, version);
    CHECK(t.server >= how->server_kills && t.devices >= how->device_kills);
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
        CHECK(fed_federation_wait(&f, END_MS));
        CHECK_EQ(fed_federation_number(&f, "version"), how->rounds);
        fed_federation_check_replay(&f);
        fed_federation_check_trace(&f, how->rounds);
    }
    fed_federation_end(&f);
}

static void test_plain(void)
{
    static const trial t = {.plan = PLAN("\"enabled\":false", 150),
                            .rounds = 150,
                            .pause_max_ms = 250,
                            .server_kills = 15,
                            .device_kills = 45};
    try_kills(&t);
}

/* Under masks a cohort is lost when too many of it die, so fewer are killed; and a mask that
 * was used for two sums would show in the model. */
static void test_masked(void)
{
    static const trial t = {.plan = PLAN("\"enabled\":true,\"adversary\":\"active\","
                                         "\"corrupt\":0.0,\"dropout\":0.2",
                                         80),
                            .masks = true,
                            .rounds = 80,
                            .pause_max_ms = 400,
                            .server_kills = 8,
                            .device_kills = 25};
    try_kills(&t);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_plain), CASE(test_masked)};
    return fed_run("kills", cases, sizeof cases / sizeof *cases);
}
