/*
 * Masks on or off, the model is the same, bit for bit: whole federations of 3, 20, 200 and
 * 1,000 members at fidelity `protocol`, with devices that drop before training, before each of
 * their requests and after their input, against one in which nobody masks anything.
 */
#include "sim_federation.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct setting {
    uint32_t members;
    const char *adversary; /* its name, and what it may do */
    bool drops;
} setting;

static const fed_faults none = {{0}, 0, 0, 0};
static const fed_faults drops = {{0.02, 0.02, 0.03, 0.05, 0.05}, 0, 0, 0};

static void try_masks(const setting *s)
{
    static history plain, masked, sum; /* large */
    char rounds[128], secagg[128];
    unsigned versions = s->members < 200 ? 2 : 1; /* large cohorts take a while */
    snprintf(rounds, sizeof rounds,
             "\"count\":%u,\"cohort\":%u,\"over_select\":%s,\"min_survivors\":%u",
             versions, s->members, s->drops ? "1.2" : "1.0",
             s->drops ? s->members / 2 : s->members);
    snprintf(secagg, sizeof secagg, "\"enabled\":true,%s", s->adversary);
    federation f = {.update = "\"select\":\"dense\",\"bits\":8",
                    .rounds = rounds,
                    .faults = s->drops ? drops : none,
                    .seed = s->members,
                    .clients = 2 * s->members + 10,
                    .rows = 20 * (2 * s->members + 10),
                    .threads = 2,
                    .is_protocol = true};
    federation_run(&f, &plain);
    f.secagg = secagg;
    federation_run(&f, &masked);
    f.is_protocol = false;
    federation_run(&f, &sum);
    CHECK_EQ(plain.n, versions);
    CHECK_EQ(masked.n, plain.n);
    CHECK_MEM(masked.models, plain.models, sizeof plain.models[0] * (plain.n + 1));
    CHECK_MEM(sum.models, plain.models, sizeof plain.models[0] * (plain.n + 1));
    CHECK(memcmp(plain.models[0], plain.models[versions], 32) != 0);
    CHECK_EQ(masked.total.survivors, plain.total.survivors);
    unsigned dropped = 0, phases = 0;
    for (int i = 0; i < FED_FATES; i++) {
        dropped += masked.total.dropped[i];
        phases += masked.total.dropped[i] > 0;
    }
    CHECK(s->drops ? dropped > 0 : dropped == 0);
    if (s->members >= 200 && s->drops) CHECK_EQ(phases, FED_FATES);
    fed_note("%u members, {%s}: %u survivors in %u versions, %u dropped in %u phases, "
             "%llu bytes up with masks, %llu without",
             s->members, s->adversary, masked.total.survivors, versions, dropped, phases,
             (unsigned long long)masked.total.upload_bytes,
             (unsigned long long)plain.total.upload_bytes);
}

#define CURIOUS "\"adversary\":\"curious\",\"dropout\":0.2"
#define ACTIVE  "\"adversary\":\"active\",\"dropout\":0.2"

static void test_three(void)
{
    try_masks(&(setting){3, CURIOUS, false});
    try_masks(&(setting){3, ACTIVE, false});
}

static void test_twenty(void)
{
    try_masks(&(setting){20, CURIOUS, true});
    try_masks(&(setting){20, ACTIVE, true});
}

static void test_two_hundred(void)
{
    try_masks(&(setting){200, CURIOUS, true});
    try_masks(&(setting){200, ACTIVE, true});
}

static void test_thousand(void)
{
    if (!getenv("FED_EXHAUSTIVE")) {
        fed_skip("a cohort of 1,000 takes a while; set FED_EXHAUSTIVE=1");
        return;
    }
    try_masks(&(setting){1000, CURIOUS, true});
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_three), CASE(test_twenty),
                                     CASE(test_two_hundred), CASE(test_thousand)};
    return fed_run("masks", cases, sizeof cases / sizeof *cases);
}
