/* confirm, both sides: nobody reveals before t holders have signed the very same view. */
#include "cohort_driver.h"
#include "device_state.h"
#include "server_state.h"

static cohort c;

enum { N = 10 };

static void at_confirm(uint32_t n)
{
    cohort_init(&c, n, FED_SECAGG_ACTIVE, 61);
    cohort_run_to(&c, FED_SECAGG_CONFIRM);
}

static fed_status confirm(uint32_t i, fed_error *err)
{
    fed_bytes_clear(&c.bodies[i]);
    CHECK_OK(cohort_message(&c, i, &c.bodies[i], err), err);
    return fed_secagg_server_receive(
        c.server, i, (fed_span){c.bodies[i].data, c.bodies[i].len}, NULL, err);
}

static void test_server_refuses_a_signature_over_another_view(void)
{
    at_confirm(N);
    fed_error err;
    c.devices[0]->u3[1] ^= 2;
    CHECK_FAILS(confirm(0, &err), FED_E_AUTH, &err, "confirm of member 0");
    CHECK_OK(confirm(1, &err), &err);
    cohort_fini(&c);
}

static void test_server_refuses_a_signature_by_another_identity(void)
{
    at_confirm(N);
    fed_error err;
    memcpy(c.devices[0]->identity_seed, c.configs[1].identity_seed, 32);
    CHECK_FAILS(confirm(0, &err), FED_E_AUTH, &err, "confirm of member 0");
    cohort_fini(&c);
}

static void test_server_refuses_wrong_lengths(void)
{
    at_confirm(N);
    fed_error err;
    fed_bytes *b = &c.bodies[0];
    fed_bytes_clear(b);
    CHECK_OK(cohort_message(&c, 0, b, &err), &err);
    fed_span cut = {b->data, b->len - 1};
    CHECK_FAILS(fed_secagg_server_receive(c.server, 0, cut, NULL, &err), FED_E_FORMAT,
                &err, "too short");
    fed_bytes_put_u8(b, 1);
    fed_span longer = {b->data, b->len};
    CHECK_FAILS(fed_secagg_server_receive(c.server, 0, longer, NULL, &err), FED_E_FORMAT,
                &err, "left-over");
    cohort_fini(&c);
}

/* The answer that a lying server would give to `device`: the signatures that its holders
 * made over whatever each of them was told. */
static fed_status tell_raw(uint32_t device, fed_error *err)
{
    fed_bytes out, sig;
    uint32_t k = c.server->session.graph.k;
    const uint32_t *picks = c.server->members[device].picks;
    fed_bytes_init(&out, 1 << 20), fed_bytes_init(&sig, 4096);
    fed_secagg_put_header(&out, c.params.cohort, FED_SECAGG_CONFIRM | FED_SECAGG_ANSWER);
    size_t map = out.len;
    memset(fed_bytes_extend(&out, fed_map_bytes(k)), 0, fed_map_bytes(k));
    for (uint32_t j = 0; j < k; j++) {
        if (fed_secagg_device_phase(c.devices[picks[j]]) != FED_SECAGG_CONFIRM) continue;
        fed_bytes_clear(&sig);
        CHECK_OK(cohort_message(&c, picks[j], &sig, err), err);
        fed_map_add(out.data + map, j);
        fed_bytes_put(&out, sig.data + FED_SECAGG_HEADER, FED_ED25519_SIGNATURE);
    }
    fed_status status =
        fed_secagg_device_receive(c.devices[device], (fed_span){out.data, out.len}, err);
    fed_bytes_fini(&out), fed_bytes_fini(&sig);
    return status;
}

/* Which device is told what: half of them another U3, U2, or other parameters. */
static void check_split(void (*lie)(fed_secagg_device *d))
{
    at_confirm(20);
    for (uint32_t i = 0; i < 20; i += 2)
        lie(c.devices[i]);
    uint32_t k = c.server->session.graph.k, t = c.server->session.graph.t;
    CHECK(k == 17 && t == 13);
    for (uint32_t i = 0; i < 20; i++) {
        fed_error err;
        CHECK_FAILS(tell_raw(i, &err), FED_E_REFUSED, &err, "signed the same view");
        CHECK_EQ(fed_secagg_device_phase(c.devices[i]), FED_SECAGG_ABORTED);
        CHECK_FAILS(cohort_message(&c, i, &c.bodies[i], &err), FED_E_STATE, &err,
                    "aborted");
    }
    cohort_fini(&c);
}

static void other_u3(fed_secagg_device *d)
{
    d->u3[2] ^= 8;
}

static void other_u2(fed_secagg_device *d)
{
    d->u2[2] ^= 8;
}

static void other_roster(fed_secagg_device *d)
{
    d->session.root[0] ^= 1;
    fed_error err;
    CHECK_OK(fed_secagg_session_seal(&d->session, &err), &err);
}

static void other_parameters(fed_secagg_device *d)
{
    d->session.params_hash[0] ^= 1;
    fed_error err;
    CHECK_OK(fed_secagg_session_seal(&d->session, &err), &err);
}

static void test_split_survivors_are_noticed(void)
{
    check_split(other_u3);
}

static void test_split_sharers_are_noticed(void)
{
    check_split(other_u2);
}

static void test_split_rosters_are_noticed(void)
{
    check_split(other_roster);
}

static void test_split_parameters_are_noticed(void)
{
    check_split(other_parameters);
}

/* Signatures may be missing down to t, not below; one holder's does not count twice. */
static void test_t_signatures_are_enough_and_fewer_are_not(void)
{
    at_confirm(20);
    fed_error err;
    uint32_t k = c.server->session.graph.k, t = c.server->session.graph.t;
    const uint32_t *picks = c.server->members[0].picks;
    for (uint32_t j = 0; j < t; j++)
        CHECK_OK(confirm(picks[j], &err), &err);
    CHECK_OK(confirm(0, &err), &err);
    CHECK_OK(fed_secagg_server_close(c.server, NULL, &err), &err);
    fed_bytes *b = &c.bodies[0];
    fed_bytes_clear(b);
    CHECK_OK(fed_secagg_server_answer(c.server, 0, FED_SECAGG_CONFIRM, b, &err), &err);
    size_t at = FED_SECAGG_HEADER + fed_map_bytes(k);
    CHECK_EQ(b->len, at + t * FED_ED25519_SIGNATURE);
    uint8_t keep[FED_ED25519_SIGNATURE];
    memcpy(keep, b->data + at, sizeof keep);
    memcpy(b->data + at, b->data + at + sizeof keep, sizeof keep); /* another's, again */
    fed_secagg_device *d = c.devices[0];
    fed_bytes state;
    fed_bytes_init(&state, 1 << 24);
    CHECK_OK(fed_secagg_device_encode(d, &state, &err), &err);
    fed_span body = {b->data, b->len};
    CHECK_FAILS(fed_secagg_device_receive(d, body, &err), FED_E_REFUSED, &err,
                "12 of 17 holders");
    fed_secagg_device_free(d);
    CHECK_OK(fed_secagg_device_restore(&c.devices[0], &c.configs[0],
                                       (fed_span){state.data, state.len}, &err),
             &err);
    memcpy(b->data + at, keep, sizeof keep);
    CHECK_OK(fed_secagg_device_receive(c.devices[0], body, &err), &err);
    CHECK_EQ(fed_secagg_device_phase(c.devices[0]), FED_SECAGG_REVEAL);
    fed_bytes_wipe(&state);
    cohort_fini(&c);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_server_refuses_a_signature_over_another_view),
        CASE(test_server_refuses_a_signature_by_another_identity),
        CASE(test_server_refuses_wrong_lengths),
        CASE(test_split_survivors_are_noticed),
        CASE(test_split_sharers_are_noticed),
        CASE(test_split_rosters_are_noticed),
        CASE(test_split_parameters_are_noticed),
        CASE(test_t_signatures_are_enough_and_fewer_are_not)};
    return fed_run("secagg_confirm", cases, sizeof cases / sizeof *cases);
}
