/* share, both sides: sealed for one receiver, by one sender, in one cohort. */
#include "cohort_driver.h"
#include "device_state.h"
#include "server_state.h"

static cohort c;

enum { N = 10 };

static void start(cohort_tamper to_device)
{
    cohort_init(&c, N, FED_SECAGG_ACTIVE, 41);
    c.to_device = to_device;
}

static uint8_t *sealed_at(fed_bytes *body, uint32_t i)
{
    return body->data + FED_SECAGG_HEADER + fed_map_bytes(N) +
           (size_t)i * FED_SECAGG_SEALED;
}

/* The server returns to device 0 what device 0 itself sealed. */
static void reflect(cohort *x, uint32_t member, fed_secagg_phase phase, fed_bytes *body)
{
    if (member || phase != FED_SECAGG_SHARE) return;
    const fed_secagg_member *m = &x->server->members[0];
    for (uint32_t i = 0; i < x->server->session.graph.k; i++)
        memcpy(sealed_at(body, i), m->sealed + i * FED_SECAGG_SEALED, FED_SECAGG_SEALED);
}

static void test_reflected_shares_do_not_open(void)
{
    start(reflect);
    cohort_run_to(&c, FED_SECAGG_INPUT);
    CHECK_EQ(fed_secagg_device_unreadable(c.devices[0]), N - 1);
    CHECK_EQ(fed_secagg_device_unreadable(c.devices[1]), 0);
    cohort_run(&c); /* the others' shares are enough; nothing was learnt */
    CHECK(cohort_sum_is_right(&c));
    cohort_fini(&c);
}

static void swap_two(cohort *x, uint32_t member, fed_secagg_phase phase, fed_bytes *body)
{
    uint8_t keep[FED_SECAGG_SEALED];
    (void)x;
    if (member || phase != FED_SECAGG_SHARE) return;
    memcpy(keep, sealed_at(body, 2), sizeof keep);
    memcpy(sealed_at(body, 2), sealed_at(body, 5), sizeof keep);
    memcpy(sealed_at(body, 5), keep, sizeof keep);
}

static void test_swapped_shares_do_not_open(void)
{
    start(swap_two);
    cohort_run_to(&c, FED_SECAGG_INPUT);
    CHECK_EQ(fed_secagg_device_unreadable(c.devices[0]), 2);
    cohort_run(&c);
    CHECK(cohort_sum_is_right(&c));
    cohort_fini(&c);
}

/* What was sealed in one cohort does not open in another, not even with the same keys. */
static void test_shares_of_another_cohort_do_not_open(void)
{
    fed_error err;
    uint8_t a[32] = {1}, b[32] = {2}, public_a[32], public_b[32];
    uint8_t shares[FED_SECAGG_SHARES] = {7}, sealed[FED_SECAGG_SEALED];
    fed_secagg_session s = {.cohort = {1}, .hash = {2}}, other = s;
    CHECK_OK(fed_x25519_public(a, public_a, &err), &err);
    CHECK_OK(fed_x25519_public(b, public_b, &err), &err);
    CHECK_OK(fed_secagg_seal_shares(&(fed_secagg_channel){&s, a, public_b, 3, 4}, shares,
                                    sealed, &err),
             &err);
    CHECK_OK(fed_secagg_open_shares(&(fed_secagg_channel){&s, b, public_a, 3, 4}, sealed,
                                    shares, &err),
             &err);
    CHECK_EQ(shares[0], 7);
    CHECK_FAILS(fed_secagg_open_shares(&(fed_secagg_channel){&s, b, public_a, 4, 3},
                                       sealed, shares, &err),
                FED_E_AUTH, &err, NULL);
    CHECK_FAILS(fed_secagg_open_shares(&(fed_secagg_channel){&s, b, public_a, 3, 5},
                                       sealed, shares, &err),
                FED_E_AUTH, &err, NULL);
    other.cohort[0] = 9;
    CHECK_FAILS(fed_secagg_open_shares(&(fed_secagg_channel){&other, b, public_a, 3, 4},
                                       sealed, shares, &err),
                FED_E_AUTH, &err, NULL);
    other = s, other.hash[0] = 9;
    CHECK_FAILS(fed_secagg_open_shares(&(fed_secagg_channel){&other, b, public_a, 3, 4},
                                       sealed, shares, &err),
                FED_E_AUTH, &err, NULL);
    CHECK_EQ(shares[0], 0); /* wiped */
}

static void without_self(cohort *x, uint32_t member, fed_secagg_phase phase,
                         fed_bytes *body)
{
    (void)x;
    if (phase == FED_SECAGG_SHARE && member == 0) body->data[FED_SECAGG_HEADER] &= 0xfe;
}

static void test_device_notices_that_it_is_listed_as_gone(void)
{
    start(without_self);
    cohort_run_to(&c, FED_SECAGG_INPUT);
    CHECK_EQ(c.last[0], FED_E_REFUSED);
    CHECK(strstr(fed_secagg_device_reason(c.devices[0]),
                 "U2: this device is listed as gone"));
    cohort_fini(&c);
}

static void almost_nobody(cohort *x, uint32_t member, fed_secagg_phase phase,
                          fed_bytes *body)
{
    (void)x;
    if (phase != FED_SECAGG_SHARE || member) return;
    body->data[FED_SECAGG_HEADER] = 0x03; /* members 0 and 1 */
    body->data[FED_SECAGG_HEADER + 1] = 0;
}

static void test_device_notices_that_too_few_holders_are_left(void)
{
    start(almost_nobody);
    cohort_run_to(&c, FED_SECAGG_INPUT);
    CHECK_EQ(c.last[0], FED_E_REFUSED);
    CHECK(strstr(fed_secagg_device_reason(c.devices[0]), "holders, at least"));
    cohort_fini(&c);
}

static void test_device_insists_on_survivors(void)
{
    start(almost_nobody);
    c.params.s_min = 4;
    c.floor.s_min = 4;
    cohort_make(&c);
    cohort_run_to(&c, FED_SECAGG_INPUT);
    CHECK(strstr(fed_secagg_device_reason(c.devices[0]), "2 members, at least 4"));
    cohort_fini(&c);
}

static void bits_beyond(cohort *x, uint32_t member, fed_secagg_phase phase,
                        fed_bytes *body)
{
    (void)x, (void)member;
    if (phase == FED_SECAGG_SHARE) body->data[FED_SECAGG_HEADER + 1] |= 0x80;
}

static void test_device_refuses_bits_beyond_the_members(void)
{
    start(bits_beyond);
    cohort_run_to(&c, FED_SECAGG_INPUT);
    CHECK_EQ(c.last[0], FED_E_FORMAT);
    CHECK_EQ(fed_secagg_device_phase(c.devices[0]), FED_SECAGG_SHARE);
    cohort_fini(&c);
}

static void test_server_refuses_a_wrong_length(void)
{
    start(NULL);
    fed_error err;
    cohort_run_to(&c, FED_SECAGG_SHARE);
    fed_bytes *b = &c.bodies[0];
    fed_bytes_clear(b);
    CHECK_OK(cohort_message(&c, 0, b, &err), &err);
    CHECK_FAILS(fed_secagg_server_receive(c.server, 0, (fed_span){b->data, b->len - 1},
                                          NULL, &err),
                FED_E_FORMAT, &err, "too short");
    fed_bytes_put_u8(b, 0);
    CHECK_FAILS(
        fed_secagg_server_receive(c.server, 0, (fed_span){b->data, b->len}, NULL, &err),
        FED_E_FORMAT, &err, "left-over");
    cohort_fini(&c);
}

/* A member that sends garbage instead of shares harms nobody but itself. */
static void garbage(cohort *x, uint32_t member, fed_secagg_phase phase, fed_bytes *body)
{
    (void)x;
    if (phase == FED_SECAGG_SHARE && member == 3)
        memset(body->data + FED_SECAGG_HEADER, 0xee, body->len - FED_SECAGG_HEADER);
}

static void test_garbage_shares_are_counted_and_end_in_a_named_abort(void)
{
    start(NULL);
    c.to_server = garbage;
    cohort_run(&c);
    CHECK_EQ(fed_secagg_server_phase(c.server), FED_SECAGG_ABORTED);
    CHECK_MSG(strstr(fed_secagg_server_reason(c.server), "shares of member 3's") != NULL,
              "%s", fed_secagg_server_reason(c.server));
    cohort_fini(&c);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_reflected_shares_do_not_open),
        CASE(test_swapped_shares_do_not_open),
        CASE(test_shares_of_another_cohort_do_not_open),
        CASE(test_device_notices_that_it_is_listed_as_gone),
        CASE(test_device_notices_that_too_few_holders_are_left),
        CASE(test_device_insists_on_survivors),
        CASE(test_device_refuses_bits_beyond_the_members),
        CASE(test_server_refuses_a_wrong_length),
        CASE(test_garbage_shares_are_counted_and_end_in_a_named_abort)};
    return fed_run("secagg_share", cases, sizeof cases / sizeof *cases);
}
