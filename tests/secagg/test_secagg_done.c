/* The end: what is told, what is left behind. */
#include "cohort_driver.h"
#include "device_state.h"
#include "server_state.h"

static cohort c;

static void start(void)
{
    cohort_init(&c, 5, FED_SECAGG_ACTIVE, 81);
}

static void test_all_are_told_and_nothing_more_is_asked(void)
{
    start();
    fed_error err;
    cohort_run(&c);
    CHECK(cohort_sum_is_right(&c));
    for (uint32_t i = 0; i < 5; i++) {
        CHECK_EQ(fed_secagg_device_phase(c.devices[i]), FED_SECAGG_DONE);
        CHECK_FAILS(cohort_message(&c, i, &c.bodies[i], &err), FED_E_STATE, &err, "done");
    }
    CHECK_FAILS(fed_secagg_server_close(c.server, NULL, &err), FED_E_STATE, &err, "over");
    CHECK_FAILS(fed_secagg_server_abort(c.server, "x", NULL, &err), FED_E_STATE, &err,
                "over");
    cohort_fini(&c);
}

static void test_device_forgets_its_secrets(void)
{
    start();
    cohort_run(&c);
    static const uint8_t zeros[sizeof(fed_secagg_secrets)];
    const fed_secagg_device *d = c.devices[0];
    CHECK_MEM(d->master, zeros, sizeof d->master);
    CHECK_MEM(&d->secrets, zeros, sizeof d->secrets);
    CHECK(!d->peers && !d->log.data);
    cohort_fini(&c);
}

static void test_device_insists_on_the_word_committed(void)
{
    start();
    fed_error err;
    cohort_run_to(&c, FED_SECAGG_REVEAL);
    fed_bytes b;
    fed_bytes_init(&b, 100);
    fed_secagg_put_header(&b, c.params.cohort, FED_SECAGG_REVEAL | FED_SECAGG_ANSWER);
    fed_bytes_put_u8(&b, 2);
    CHECK_FAILS(fed_secagg_device_receive(c.devices[0], (fed_span){b.data, b.len}, &err),
                FED_E_FORMAT, &err, "committed");
    CHECK_EQ(fed_secagg_device_phase(c.devices[0]), FED_SECAGG_REVEAL);
    fed_bytes_fini(&b);
    cohort_fini(&c);
}

/* Its vector counts, though it was gone when the others confirmed and revealed. */
static void test_a_survivor_that_was_away_hears_of_the_end(void)
{
    cohort_init_with(&c, 5, (fed_secagg_threat){FED_SECAGG_ACTIVE, 0, 340000, false}, 82);
    fed_error err;
    c.drops[3] = FED_SECAGG_CONFIRM;
    c.drops[4] = 0;
    cohort_run(&c);
    CHECK_MSG(cohort_sum_is_right(&c), "%s", fed_secagg_server_reason(c.server));
    CHECK_EQ(fed_secagg_device_phase(c.devices[3]), FED_SECAGG_CONFIRM);
    fed_bytes_clear(&c.bodies[3]);
    CHECK_OK(fed_secagg_server_answer(c.server, 3, FED_SECAGG_REVEAL, &c.bodies[3], &err),
             &err);
    fed_span body = {c.bodies[3].data, c.bodies[3].len};
    CHECK_OK(fed_secagg_device_receive(c.devices[3], body, &err), &err);
    CHECK_EQ(fed_secagg_device_phase(c.devices[3]), FED_SECAGG_DONE);
    cohort_fini(&c);
}

static void test_server_knows_who_was_in_the_sum(void)
{
    start();
    c.drops[2] = FED_SECAGG_INPUT;
    cohort_run(&c);
    uint32_t count;
    const uint8_t *u3 = fed_secagg_server_survivors(c.server, &count);
    CHECK_EQ(count, 4);
    CHECK(!fed_map_has(u3, 2) && fed_map_has(u3, 4));
    CHECK_MEM(fed_secagg_server_update_id(c.server, 4), c.configs[4].update_id, 16);
    cohort_fini(&c);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_all_are_told_and_nothing_more_is_asked),
                                     CASE(test_device_forgets_its_secrets),
                                     CASE(test_device_insists_on_the_word_committed),
                                     CASE(test_a_survivor_that_was_away_hears_of_the_end),
                                     CASE(test_server_knows_who_was_in_the_sum)};
    return fed_run("secagg_done", cases, sizeof cases / sizeof *cases);
}
