/* Aborting, from either side: with a reason, for good, and without secrets. */
#include "cohort_driver.h"
#include "device_state.h"
#include "server_state.h"

static cohort c;

static void start(void)
{
    cohort_init(&c, 5, FED_SECAGG_ACTIVE, 91);
}

static void test_devices_are_told_why(void)
{
    start();
    fed_error err;
    cohort_run_to(&c, FED_SECAGG_INPUT);
    CHECK_OK(fed_secagg_server_abort(c.server, "out of time\n", &c.journal, &err), &err);
    for (uint32_t i = 0; i < 5; i++) {
        fed_bytes_clear(&c.bodies[i]);
        CHECK_OK(
            fed_secagg_server_answer(c.server, i, FED_SECAGG_SHARE, &c.bodies[i], &err),
            &err);
        CHECK_OK(fed_secagg_device_receive(
                     c.devices[i], (fed_span){c.bodies[i].data, c.bodies[i].len}, &err),
                 &err);
        CHECK_EQ(fed_secagg_device_phase(c.devices[i]), FED_SECAGG_ABORTED);
        CHECK_STR(fed_secagg_device_reason(c.devices[i]),
                  "the server aborted: out of time?");
    }
    cohort_restart_server(&c);
    CHECK_STR(fed_secagg_server_reason(c.server), "out of time\n");
    cohort_fini(&c);
}

static void test_nothing_is_taken_any_more(void)
{
    start();
    fed_error err;
    cohort_run_to(&c, FED_SECAGG_INPUT);
    fed_bytes_clear(&c.bodies[0]);
    CHECK_OK(cohort_message(&c, 0, &c.bodies[0], &err), &err);
    CHECK_OK(fed_secagg_server_abort(c.server, "shutdown", NULL, &err), &err);
    fed_span body = {c.bodies[0].data, c.bodies[0].len};
    CHECK_FAILS(fed_secagg_server_receive(c.server, 0, body, NULL, &err), FED_E_STATE,
                &err, "aborted: shutdown");
    CHECK_FAILS(fed_secagg_server_close(c.server, NULL, &err), FED_E_STATE, &err, "over");
    cohort_fini(&c);
}

static void test_a_device_that_left_stays_away_after_a_restart(void)
{
    start();
    fed_error err;
    cohort_run_to(&c, FED_SECAGG_INPUT);
    fed_secagg_device_abort(c.devices[1], "battery");
    cohort_restart_device(&c, 1);
    CHECK_EQ(fed_secagg_device_phase(c.devices[1]), FED_SECAGG_ABORTED);
    CHECK_STR(fed_secagg_device_reason(c.devices[1]), "battery");
    CHECK_FAILS(cohort_message(&c, 1, &c.bodies[1], &err), FED_E_STATE, &err, "battery");
    static const uint8_t zeros[sizeof(fed_secagg_secrets)];
    CHECK_MEM(&c.devices[1]->secrets, zeros, sizeof zeros);
    cohort_fini(&c);
}

static void test_too_few_members_left_end_the_cohort(void)
{
    for (int phase = FED_SECAGG_PICK; phase <= FED_SECAGG_INPUT; phase++) {
        start();
        c.params.s_min = 4, c.floor.s_min = 4;
        cohort_make(&c);
        c.drops[0] = c.drops[1] = (fed_secagg_phase)phase;
        cohort_run(&c);
        CHECK_EQ(fed_secagg_server_phase(c.server), FED_SECAGG_ABORTED);
        CHECK_MSG(strstr(fed_secagg_server_reason(c.server), "3 of 5 members") != NULL,
                  "%s", fed_secagg_server_reason(c.server));
        cohort_fini(&c);
    }
}

static void test_infeasible_fractions_end_the_cohort_with_the_reason(void)
{
    cohort_init_with(&c, 10,
                     (fed_secagg_threat){FED_SECAGG_ACTIVE, 330000, 330000, false}, 92);
    cohort_run(&c);
    CHECK_EQ(fed_secagg_server_phase(c.server), FED_SECAGG_ABORTED);
    CHECK_MSG(strstr(fed_secagg_server_reason(c.server), "may be corrupt") != NULL, "%s",
              fed_secagg_server_reason(c.server));
    cohort_fini(&c);
}

static void test_state_of_another_cohort_or_broken_is_refused(void)
{
    start();
    fed_error err;
    fed_bytes state;
    fed_secagg_device *d;
    fed_bytes_init(&state, 1 << 24);
    cohort_run_to(&c, FED_SECAGG_INPUT);
    CHECK_OK(fed_secagg_device_encode(c.devices[0], &state, &err), &err);
    for (size_t n = 0; n < state.len; n += 7)
        CHECK_FAILS(
            fed_secagg_device_restore(&d, &c.configs[0], (fed_span){state.data, n}, &err),
            FED_E_FORMAT, &err, "state");
    CHECK(fed_secagg_device_restore(&d, &c.configs[1], (fed_span){state.data, state.len},
                                    &err) != FED_OK);
    c.params.model_version++;
    CHECK_FAILS(fed_secagg_device_restore(&d, &c.configs[0],
                                          (fed_span){state.data, state.len}, &err),
                FED_E_REFUSED, &err, "another cohort or plan");
    fed_bytes_wipe(&state);
    cohort_fini(&c);
}

static void test_broken_records_are_refused(void)
{
    start();
    fed_error err;
    cohort_run(&c);
    for (size_t n = 1; n < c.journal.len; n += 1 + n / 40) {
        fed_secagg_server *s = NULL;
        fed_random random = fed_test_random(&c.seed);
        fed_secagg_server_config config = {&c.params, &random, NULL};
        CHECK_OK(fed_secagg_server_new(&s, &config, &err), &err);
        fed_status status =
            fed_secagg_server_replay(s, (fed_span){c.journal.data, n}, &err);
        CHECK(status == FED_OK || status == FED_E_FORMAT || status == FED_E_STATE);
        fed_secagg_server_free(s);
    }
    cohort_fini(&c);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_devices_are_told_why),
        CASE(test_nothing_is_taken_any_more),
        CASE(test_a_device_that_left_stays_away_after_a_restart),
        CASE(test_too_few_members_left_end_the_cohort),
        CASE(test_infeasible_fractions_end_the_cohort_with_the_reason),
        CASE(test_state_of_another_cohort_or_broken_is_refused),
        CASE(test_broken_records_are_refused)};
    return fed_run("secagg_aborted", cases, sizeof cases / sizeof *cases);
}
