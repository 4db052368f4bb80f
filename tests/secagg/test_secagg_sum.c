/* With masks or without, the sum is the same: all sizes, all phases, all restarts. */
#include <stdlib.h>

#include "cohort_driver.h"

static cohort c;

static void check_run(uint32_t n, fed_secagg_adversary adversary, uint32_t drop_every)
{
    cohort_init(&c, n, adversary, n);
    for (uint32_t i = 0; drop_every && i < n; i += drop_every)
        c.drops[i] = FED_SECAGG_PICK + (i / drop_every) % 5;
    cohort_run(&c);
    CHECK_MSG(cohort_sum_is_right(&c), "n %u %s: %s", n,
              fed_secagg_adversary_name(adversary), fed_secagg_server_reason(c.server));
    for (uint32_t i = 0; i < n; i++)
        if (!c.drops[i])
            CHECK_MSG(fed_secagg_device_phase(c.devices[i]) == FED_SECAGG_DONE,
                      "device %u: %s", i, fed_secagg_device_reason(c.devices[i]));
    cohort_fini(&c);
}

static void test_3_members(void)
{
    check_run(3, FED_SECAGG_ACTIVE, 0);
    check_run(3, FED_SECAGG_CURIOUS, 0);
}

static void test_20_members(void)
{
    check_run(20, FED_SECAGG_ACTIVE, 0);
    check_run(20, FED_SECAGG_ACTIVE, 7);
    check_run(20, FED_SECAGG_CURIOUS, 0);
    check_run(20, FED_SECAGG_SEMI_MALICIOUS, 7);
}

static void test_200_members_with_drop_outs(void)
{
    check_run(200, FED_SECAGG_ACTIVE, 11);
    check_run(200, FED_SECAGG_CURIOUS, 11);
}

static void test_1000_members_with_drop_outs(void)
{
    check_run(1000, FED_SECAGG_CURIOUS, 11);
}

static void test_1000_members_active(void)
{
    if (!getenv("FED_EXHAUSTIVE")) {
        fed_skip("minutes of signatures; set FED_EXHAUSTIVE=1");
        return;
    }
    check_run(1000, FED_SECAGG_ACTIVE, 11);
}

/* What noise in shares asks for: all hold shares of all. */
static void test_complete_graph(void)
{
    for (int mode = FED_SECAGG_CURIOUS; mode <= FED_SECAGG_ACTIVE; mode++) {
        fed_secagg_threat threat = {(fed_secagg_adversary)mode, 50000, 200000, true};
        cohort_init_with(&c, 40, threat, 7);
        for (uint32_t i = 0; i < c.n; i += 7)
            c.drops[i] = FED_SECAGG_PICK + (i / 7) % 5;
        cohort_run(&c);
        CHECK_MSG(cohort_sum_is_right(&c), "%s", fed_secagg_server_reason(c.server));
        cohort_fini(&c);
    }
}

static void test_everything_restarts_between_phases(void)
{
    for (int mode = FED_SECAGG_CURIOUS; mode <= FED_SECAGG_SEMI_MALICIOUS; mode++) {
        cohort_init(&c, 12, (fed_secagg_adversary)mode, 5);
        c.restart = true;
        c.drops[3] = FED_SECAGG_INPUT;
        cohort_run(&c);
        CHECK_MSG(cohort_sum_is_right(&c), "%s", fed_secagg_server_reason(c.server));
        cohort_fini(&c);
    }
}

static void test_chacha20(void)
{
    cohort_init(&c, 8, FED_SECAGG_ACTIVE, 6);
    c.params.stream = FED_KEYSTREAM_CHACHA20;
    cohort_make(&c);
    cohort_run(&c);
    CHECK_MSG(cohort_sum_is_right(&c), "%s", fed_secagg_server_reason(c.server));
    cohort_fini(&c);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_3_members),
                                     CASE(test_20_members),
                                     CASE(test_200_members_with_drop_outs),
                                     CASE(test_1000_members_with_drop_outs),
                                     CASE(test_1000_members_active),
                                     CASE(test_everything_restarts_between_phases),
                                     CASE(test_chacha20),
                                     CASE(test_complete_graph)};
    return fed_run("secagg_sum", cases, sizeof cases / sizeof *cases);
}
