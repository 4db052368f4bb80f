/* input, both sides: exact lengths, one view of who is in, uploads that leave no trace. */
#include "cohort_driver.h"
#include "device_state.h"
#include "server_state.h"

static cohort c;

enum { N = 10 };

static void at_input(void)
{
    cohort_init(&c, N, FED_SECAGG_ACTIVE, 51);
    cohort_run_to(&c, FED_SECAGG_INPUT);
}

static fed_status send(uint32_t member, fed_span body, fed_error *err)
{
    return fed_secagg_server_receive(c.server, member, body, NULL, err);
}

static fed_span input_of(uint32_t i)
{
    fed_error err;
    fed_bytes_clear(&c.bodies[i]);
    CHECK_OK(cohort_message(&c, i, &c.bodies[i], &err), &err);
    return (fed_span){c.bodies[i].data, c.bodies[i].len};
}

static void test_upload_is_the_packed_vectors_and_nothing_else(void)
{
    at_input();
    CHECK_EQ(input_of(0).len, FED_SECAGG_HEADER + (37 * 20 + 7) / 8 + 2 + 25);
    cohort_fini(&c);
}

static void test_server_refuses_wrong_lengths_and_padding(void)
{
    at_input();
    fed_error err;
    fed_span body = input_of(0);
    CHECK_FAILS(send(0, (fed_span){body.data, body.len - 1}, &err), FED_E_FORMAT, &err,
                "too short");
    fed_bytes_put(&c.bodies[0], (uint8_t[1 << 16]){0}, 1 << 16);
    body = (fed_span){c.bodies[0].data, c.bodies[0].len};
    CHECK_FAILS(send(0, body, &err), FED_E_FORMAT, &err, "left-over");
    body = input_of(0);
    c.bodies[0].data[FED_SECAGG_HEADER + 92] |= 0xf0; /* 740 bits: four are padding */
    CHECK_FAILS(send(0, body, &err), FED_E_FORMAT, &err, "input update");
    const fed_ring *sum = fed_secagg_server_sum(c.server, 0);
    for (size_t i = 0; i < sum->n; i++)
        CHECK_EQ(fed_ring_get(sum, i), 0);
    CHECK_OK(send(0, input_of(0), &err), &err);
    cohort_fini(&c);
}

static void test_upload_counts_once(void)
{
    at_input();
    fed_error err;
    CHECK_OK(send(0, input_of(0), &err), &err);
    uint64_t once = fed_ring_get(fed_secagg_server_sum(c.server, 0), 3);
    CHECK_OK(send(0, input_of(0), &err), &err);
    CHECK_EQ(fed_ring_get(fed_secagg_server_sum(c.server, 0), 3), once);
    c.bodies[0].data[FED_SECAGG_HEADER] ^= 1;
    CHECK_FAILS(send(0, (fed_span){c.bodies[0].data, c.bodies[0].len}, &err),
                FED_E_EXISTS, &err, "another one");
    cohort_fini(&c);
}

static void test_late_and_early_uploads_are_refused(void)
{
    at_input();
    fed_error err;
    fed_bytes late;
    fed_bytes_init(&late, 4096);
    fed_span body = input_of(9);
    fed_bytes_put(&late, body.data, body.len);
    c.drops[9] = FED_SECAGG_INPUT;
    cohort_step(&c);
    CHECK_FAILS(send(9, (fed_span){late.data, late.len}, &err), FED_E_STATE, &err,
                "late");
    cohort_step(&c);
    CHECK_FAILS(send(9, (fed_span){late.data, late.len}, &err), FED_E_STATE, &err,
                "late");
    fed_bytes_clear(&late);
    fed_secagg_put_header(&late, c.params.cohort, FED_SECAGG_REVEAL);
    CHECK_FAILS(send(9, (fed_span){late.data, late.len}, &err), FED_E_STATE, &err,
                "dropped out before");
    fed_bytes_fini(&late);
    cohort_fini(&c);
}

/* Each device masks: uploads of equal inputs are unlike, and unlike the input. */
static void test_uploads_say_nothing_by_themselves(void)
{
    at_input();
    for (uint32_t v = 0; v < COHORT_VECTORS; v++)
        memcpy(c.inputs[1][v].lanes, c.inputs[0][v].lanes,
               c.inputs[0][v].n * fed_ring_lane_bytes(c.inputs[0][v].bits));
    fed_span a = input_of(0), b = input_of(1);
    size_t same = 0;
    for (size_t i = FED_SECAGG_HEADER; i < a.len; i++)
        same += a.data[i] == b.data[i];
    CHECK_MSG(same < 8, "%zu bytes of %zu are the same", same, a.len - FED_SECAGG_HEADER);
    cohort_fini(&c);
}

static void test_device_refuses_vectors_of_another_shape(void)
{
    at_input();
    fed_error err;
    c.inputs[0][1].n = 2;
    CHECK_FAILS(cohort_message(&c, 0, &c.bodies[0], &err), FED_E_INVALID, &err,
                "vector weight has 2");
    c.inputs[0][1].n = 1;
    CHECK_EQ(fed_secagg_device_phase(c.devices[0]), FED_SECAGG_INPUT);
    cohort_fini(&c);
}

/* The same bytes again, before and after a restart of the device. */
static void test_input_repeats_byte_for_byte(void)
{
    at_input();
    fed_bytes first;
    fed_bytes_init(&first, 4096);
    fed_span body = input_of(4);
    fed_bytes_put(&first, body.data, body.len);
    body = input_of(4);
    CHECK_MEM(body.data, first.data, first.len);
    cohort_restart_device(&c, 4);
    body = input_of(4);
    CHECK_MEM(body.data, first.data, first.len);
    fed_bytes_fini(&first);
    cohort_fini(&c);
}

/* ---- What the server may say about U3 ------------------------------------------------ */

static void (*change)(uint8_t *map);

static void change_map(cohort *x, uint32_t member, fed_secagg_phase phase,
                       fed_bytes *body)
{
    (void)x;
    if (phase == FED_SECAGG_INPUT && member == 0) change(body->data + FED_SECAGG_HEADER);
}

static void check_refused(void (*how)(uint8_t *map), const char *part)
{
    at_input();
    c.drops[9] = 0;
    change = how;
    c.to_device = change_map;
    cohort_step(&c);
    CHECK_EQ(c.last[0], FED_E_REFUSED);
    CHECK_MSG(strstr(fed_secagg_device_reason(c.devices[0]), part) != NULL, "%s",
              fed_secagg_device_reason(c.devices[0]));
    cohort_fini(&c);
}

static void drop_self(uint8_t *map)
{
    map[0] &= 0xfe;
}

static void drop_most(uint8_t *map)
{
    map[0] = 0x07, map[1] = 0;
}

/* "A late upload listed as dropped" is the same attack seen from the one who uploaded. */
static void test_device_notices_that_its_upload_is_listed_as_dropped(void)
{
    check_refused(drop_self, "U3: this device is listed as gone");
}

static void test_device_notices_that_too_few_holders_are_left(void)
{
    check_refused(drop_most, "holders, at least");
}

static void test_device_notices_survivors_that_never_shared(void)
{
    at_input();
    c.devices[0]->u2[1] &= 1; /* it was told that member 9 dropped out */
    c.devices[0]->session.graph.t -= 1;
    c.to_device = NULL;
    cohort_step(&c);
    CHECK_EQ(c.last[0], FED_E_REFUSED);
    CHECK(strstr(fed_secagg_device_reason(c.devices[0]), "not in U2"));
    cohort_fini(&c);
}

/* One U3, ever: also when the server came back from an older journal and says otherwise. */
static void test_device_refuses_another_set_from_a_rolled_back_server(void)
{
    at_input();
    fed_error err;
    size_t before = c.journal.len;
    cohort_step(&c);
    CHECK_EQ(fed_secagg_device_phase(c.devices[0]), FED_SECAGG_CONFIRM);
    c.journal.len = before;
    fed_secagg_server *s = NULL;
    fed_random random = fed_test_random(&c.seed);
    fed_secagg_server_config config = {&c.params, &random, NULL};
    CHECK_OK(fed_secagg_server_new(&s, &config, &err), &err);
    CHECK_OK(fed_secagg_server_replay(s, (fed_span){c.journal.data, before}, &err), &err);
    CHECK_EQ(fed_secagg_server_phase(s), FED_SECAGG_INPUT);
    fed_secagg_server_free(c.server);
    c.server = s;
    for (uint32_t i = 0; i < N - 1; i++) { /* it never gets the last one's upload */
        c.devices[i]->phase = FED_SECAGG_INPUT;
        CHECK(!fed_secagg_server_has(s, i));
        CHECK_OK(send(i, input_of(i), &err), &err);
        c.devices[i]->phase = FED_SECAGG_CONFIRM;
    }
    CHECK_OK(fed_secagg_server_close(s, NULL, &err), &err);
    fed_bytes_clear(&c.bodies[0]);
    CHECK_OK(fed_secagg_server_answer(s, 0, FED_SECAGG_INPUT, &c.bodies[0], &err), &err);
    fed_span other = {c.bodies[0].data, c.bodies[0].len};
    CHECK_FAILS(fed_secagg_device_receive(c.devices[0], other, &err), FED_E_REFUSED, &err,
                "answer to input: differs");
    CHECK_EQ(fed_secagg_device_phase(c.devices[0]), FED_SECAGG_ABORTED);
    cohort_fini(&c);
}

/* A server that was killed while uploads came in asks for those it has not stored. */
static void test_killed_server_asks_again(void)
{
    at_input();
    fed_error err;
    for (uint32_t i = 0; i < 5; i++)
        CHECK_OK(fed_secagg_server_receive(c.server, i, input_of(i), &c.journal, &err),
                 &err);
    cohort_restart_server(&c);
    for (uint32_t i = 0; i < N; i++)
        CHECK(!fed_secagg_server_has(c.server, i) &&
              fed_secagg_server_expects(c.server, i));
    cohort_run(&c);
    CHECK(cohort_sum_is_right(&c));
    cohort_fini(&c);
}

/* An answer that was lost: the device sends its input again to a server that has come back. */
static void test_input_again_after_the_sums_were_stored(void)
{
    at_input();
    fed_error err;
    fed_bytes kept;
    fed_bytes_init(&kept, 4096);
    fed_span body = input_of(2);
    fed_bytes_put(&kept, body.data, body.len);
    cohort_step(&c);
    cohort_restart_server(&c);
    CHECK_OK(send(2, (fed_span){kept.data, kept.len}, &err), &err);
    cohort_run(&c);
    CHECK(cohort_sum_is_right(&c));
    fed_bytes_fini(&kept);
    cohort_fini(&c);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_upload_is_the_packed_vectors_and_nothing_else),
        CASE(test_server_refuses_wrong_lengths_and_padding),
        CASE(test_upload_counts_once),
        CASE(test_late_and_early_uploads_are_refused),
        CASE(test_uploads_say_nothing_by_themselves),
        CASE(test_device_refuses_vectors_of_another_shape),
        CASE(test_input_repeats_byte_for_byte),
        CASE(test_device_notices_that_its_upload_is_listed_as_dropped),
        CASE(test_device_notices_that_too_few_holders_are_left),
        CASE(test_device_notices_survivors_that_never_shared),
        CASE(test_device_refuses_another_set_from_a_rolled_back_server),
        CASE(test_killed_server_asks_again),
        CASE(test_input_again_after_the_sums_were_stored)};
    return fed_run("secagg_input", cases, sizeof cases / sizeof *cases);
}
