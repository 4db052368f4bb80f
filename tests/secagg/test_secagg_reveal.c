/* reveal, both sides: one share of each, never both; wrong shares are found out. */
#include "cohort_driver.h"
#include "device_state.h"
#include "server_state.h"

static cohort c;

enum { N = 10 };

static void at_reveal(void)
{
    cohort_init(&c, N, FED_SECAGG_ACTIVE, 71);
    c.drops[9] = FED_SECAGG_INPUT;
    cohort_run_to(&c, FED_SECAGG_REVEAL);
}

static fed_span reveal_of(uint32_t i)
{
    fed_error err;
    fed_bytes_clear(&c.bodies[i]);
    CHECK_OK(cohort_message(&c, i, &c.bodies[i], &err), &err);
    return (fed_span){c.bodies[i].data, c.bodies[i].len};
}

static fed_status send(uint32_t i, fed_span body, fed_error *err)
{
    return fed_secagg_server_receive(c.server, i, body, NULL, err);
}

static void test_one_share_of_each_and_never_both(void)
{
    at_reveal();
    fed_span body = reveal_of(0);
    CHECK_EQ(body.len,
             FED_SECAGG_HEADER + fed_map_bytes(N - 1) + (N - 1) * FED_SHAMIR_SHARE);
    const uint8_t *at = body.data + FED_SECAGG_HEADER + fed_map_bytes(N - 1);
    for (uint32_t i = 0; i < N - 1; i++, at += FED_SHAMIR_SHARE) {
        const fed_secagg_peer *p = &c.devices[0]->peers[i];
        bool survived = p->index != 9;
        CHECK_MEM(at, p->shares + (survived ? FED_SHAMIR_SHARE : 0), FED_SHAMIR_SHARE);
    }
    cohort_fini(&c);
}

/* Asked again with another U3, the device leaves; what it can still say is nothing. */
static void test_no_second_reveal_with_another_set(void)
{
    at_reveal();
    fed_error err;
    reveal_of(0);
    fed_bytes other;
    fed_bytes_init(&other, 4096);
    CHECK_OK(fed_secagg_server_answer(c.server, 0, FED_SECAGG_INPUT, &other, &err), &err);
    other.data[FED_SECAGG_HEADER] ^= 0x10; /* member 4 "dropped out" after all */
    CHECK_FAILS(
        fed_secagg_device_receive(c.devices[0], (fed_span){other.data, other.len}, &err),
        FED_E_REFUSED, &err, "differs from the one");
    CHECK_FAILS(cohort_message(&c, 0, &c.bodies[0], &err), FED_E_STATE, &err, "aborted");
    fed_bytes_fini(&other);
    cohort_fini(&c);
}

static void test_the_same_reveal_may_be_asked_for_again(void)
{
    at_reveal();
    uint8_t first[600];
    fed_span body = reveal_of(0);
    CHECK(body.len <= sizeof first);
    memcpy(first, body.data, body.len);
    cohort_restart_device(&c, 0);
    body = reveal_of(0);
    CHECK_MEM(body.data, first, body.len);
    cohort_fini(&c);
}

static void test_server_refuses_short_long_and_non_canonical_shares(void)
{
    at_reveal();
    fed_error err;
    fed_span body = reveal_of(0);
    CHECK_FAILS(send(0, (fed_span){body.data, body.len - 1}, &err), FED_E_FORMAT, &err,
                "too short");
    fed_bytes_put_u8(&c.bodies[0], 0);
    CHECK_FAILS(send(0, (fed_span){c.bodies[0].data, c.bodies[0].len}, &err),
                FED_E_FORMAT, &err, "left-over");
    body = reveal_of(0);
    c.bodies[0].data[body.len - 1] |= 0x80;
    CHECK_FAILS(send(0, body, &err), FED_E_FORMAT, &err, "not canonical");
    body = reveal_of(0);
    c.bodies[0].data[FED_SECAGG_HEADER + 1] |= 0x80;
    CHECK_FAILS(send(0, body, &err), FED_E_FORMAT, &err, "bits beyond");
    CHECK_OK(send(0, reveal_of(0), &err), &err);
    cohort_fini(&c);
}

/* One holder sends another dealer's share (or the same one twice): the sum is still right,
 * and it is named, because the polynomial that it differs from was verified. */
static void foreign(cohort *x, uint32_t member, fed_secagg_phase phase, fed_bytes *body)
{
    (void)x;
    if (phase != FED_SECAGG_REVEAL || member != 0) return;
    uint8_t *at = body->data + FED_SECAGG_HEADER + fed_map_bytes(N - 1);
    memcpy(at, at + FED_SHAMIR_SHARE, FED_SHAMIR_SHARE);
}

static void test_foreign_share_is_corrected_and_its_holder_named(void)
{
    cohort_init(&c, N, FED_SECAGG_ACTIVE, 72);
    c.to_server = foreign;
    cohort_run(&c);
    CHECK_MSG(cohort_sum_is_right(&c), "%s", fed_secagg_server_reason(c.server));
    uint32_t count;
    const fed_secagg_suspect *s = fed_secagg_server_suspects(c.server, &count);
    CHECK_EQ(count, 1);
    CHECK(count == 1 && s[0].holder == 0 && s[0].dealer == 1);
    cohort_fini(&c);
}

/* More wrong shares than can be corrected: nobody is named, the cohort ends. */
static void many_foreign(cohort *x, uint32_t member, fed_secagg_phase phase,
                         fed_bytes *body)
{
    (void)x;
    if (phase != FED_SECAGG_REVEAL || member == 5 || member > 7) return;
    body->data[FED_SECAGG_HEADER + fed_map_bytes(N - 1) + FED_SHAMIR_SHARE * 4] ^= 1;
}

static void test_too_many_wrong_shares_end_the_cohort_without_a_name(void)
{
    cohort_init(&c, N, FED_SECAGG_ACTIVE, 73);
    c.to_server = many_foreign;
    cohort_run(&c);
    CHECK_EQ(fed_secagg_server_phase(c.server), FED_SECAGG_ABORTED);
    CHECK_MSG(strstr(fed_secagg_server_reason(c.server), "dealer or holders") != NULL,
              "%s", fed_secagg_server_reason(c.server));
    uint32_t count;
    fed_secagg_server_suspects(c.server, &count);
    CHECK_EQ(count, 0);
    cohort_fini(&c);
}

/* A dealer that shares out another secret than the one it is bound to: verified unmasking
 * stops the cohort instead of releasing a wrong sum. */
static void test_wrong_key_of_a_dealer_is_noticed(void)
{
    cohort_init(&c, N, FED_SECAGG_ACTIVE, 74);
    cohort_run_to(&c, FED_SECAGG_SHARE);
    c.devices[4]->secrets.self_seed[0] ^= 1;
    cohort_run(&c);
    CHECK_EQ(fed_secagg_server_phase(c.server), FED_SECAGG_ABORTED);
    CHECK_MSG(strstr(fed_secagg_server_reason(c.server), "member 4's self-mask seed") !=
                  NULL,
              "%s", fed_secagg_server_reason(c.server));
    cohort_fini(&c);
}

static void test_wrong_mask_secret_of_a_dropped_dealer_is_noticed(void)
{
    cohort_init(&c, N, FED_SECAGG_ACTIVE, 75);
    cohort_run_to(&c, FED_SECAGG_SHARE);
    c.devices[4]->secrets.mask_secret[5] ^= 1;
    c.drops[4] = FED_SECAGG_INPUT;
    cohort_run(&c);
    CHECK_EQ(fed_secagg_server_phase(c.server), FED_SECAGG_ABORTED);
    CHECK(strstr(fed_secagg_server_reason(c.server), "member 4's mask secret"));
    cohort_fini(&c);
}

static void test_too_few_reveals_end_the_cohort(void)
{
    cohort_init(&c, N, FED_SECAGG_ACTIVE, 76);
    uint32_t t = 5; /* 9 holders, threshold 5 */
    for (uint32_t i = 0; i < N - t; i++)
        c.drops[i] = FED_SECAGG_REVEAL;
    cohort_run(&c);
    CHECK_EQ(fed_secagg_server_phase(c.server), FED_SECAGG_ABORTED);
    CHECK_MSG(strstr(fed_secagg_server_reason(c.server), "fewer than 5 shares") != NULL,
              "%s", fed_secagg_server_reason(c.server));
    cohort_fini(&c);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_one_share_of_each_and_never_both),
        CASE(test_no_second_reveal_with_another_set),
        CASE(test_the_same_reveal_may_be_asked_for_again),
        CASE(test_server_refuses_short_long_and_non_canonical_shares),
        CASE(test_foreign_share_is_corrected_and_its_holder_named),
        CASE(test_too_many_wrong_shares_end_the_cohort_without_a_name),
        CASE(test_wrong_key_of_a_dealer_is_noticed),
        CASE(test_wrong_mask_secret_of_a_dropped_dealer_is_noticed),
        CASE(test_too_few_reveals_end_the_cohort)};
    return fed_run("secagg_reveal", cases, sizeof cases / sizeof *cases);
}
