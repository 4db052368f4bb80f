/* pick, both sides: who holds whose shares is the devices' choice, and stays checked. */
#include "cohort_driver.h"
#include "device_state.h"
#include "server_state.h"

static cohort c;

/* All joined and told; nobody has picked. `n` members, corrupt and drop-out 5 %. */
static void at_pick(uint32_t n)
{
    cohort_init_with(&c, n, (fed_secagg_threat){FED_SECAGG_ACTIVE, 50000, 50000, false},
                     31);
    cohort_run_to(&c, FED_SECAGG_PICK);
}

static void all_pick(void)
{
    fed_error err;
    for (uint32_t i = 0; i < c.n; i++) {
        fed_bytes_clear(&c.bodies[i]);
        CHECK_OK(cohort_message(&c, i, &c.bodies[i], &err), &err);
        CHECK_OK(fed_secagg_server_receive(c.server, i,
                                           (fed_span){c.bodies[i].data, c.bodies[i].len},
                                           NULL, &err),
                 &err);
    }
    CHECK_OK(fed_secagg_server_close(c.server, NULL, &err), &err);
}

static fed_status tell(uint32_t device, fed_error *err)
{
    fed_bytes *b = &c.bodies[device];
    fed_bytes_clear(b);
    CHECK_OK(fed_secagg_server_answer(c.server, device, FED_SECAGG_PICK, b, err), err);
    return fed_secagg_device_receive(c.devices[device], (fed_span){b->data, b->len}, err);
}

static void test_picks_are_k_different_others(void)
{
    at_pick(30);
    all_pick();
    uint32_t k = c.server->session.graph.k, counts[30] = {0};
    CHECK(k < 29);
    for (uint32_t i = 0; i < 30; i++)
        for (uint32_t j = 0; j < k; j++)
            counts[c.server->members[i].picks[j]]++;
    for (uint32_t i = 0; i < 30; i++)
        CHECK(counts[i] >=
              1); /* nobody is left out, nor is the choice the same for all */
    CHECK(memcmp(c.server->members[0].picks, c.server->members[1].picks, 4 * k) != 0);
    cohort_fini(&c);
}

static fed_status send_picks(uint32_t member, const uint16_t *picks, uint32_t k,
                             fed_error *err)
{
    fed_bytes b;
    fed_bytes_init(&b, 4096);
    fed_secagg_put_header(&b, c.params.cohort, FED_SECAGG_PICK);
    for (uint32_t i = 0; i < k; i++)
        fed_bytes_put_u16(&b, picks[i]);
    fed_status status =
        fed_secagg_server_receive(c.server, member, (fed_span){b.data, b.len}, NULL, err);
    fed_bytes_fini(&b);
    return status;
}

static void test_server_refuses_picks_that_are_no_choice(void)
{
    at_pick(30);
    fed_error err;
    uint32_t k = c.server->session.graph.k;
    uint16_t picks[30];
    for (uint16_t i = 0; i < 30; i++)
        picks[i] = (uint16_t)(i + 1);
    CHECK_FAILS(send_picks(0, picks, k + 1, &err), FED_E_FORMAT, &err, "left-over");
    CHECK_FAILS(send_picks(0, picks, k - 1, &err), FED_E_FORMAT, &err, "too short");
    CHECK_FAILS(send_picks(1, picks, k, &err), FED_E_FORMAT, &err,
                "1 is not"); /* itself */
    picks[1] = picks[0];
    CHECK_FAILS(send_picks(0, picks, k, &err), FED_E_FORMAT, &err, "ascending");
    picks[0] = 0, picks[1] = 1, picks[k - 1] = 30;
    CHECK_FAILS(send_picks(2, picks, k, &err), FED_E_FORMAT, &err, "30 is not");
    picks[k - 1] = 29, picks[0] = 0;
    CHECK_FAILS(send_picks(30, picks, k, &err), FED_E_STATE, &err, "no member 30");
    cohort_fini(&c);
}

static void test_server_refuses_a_second_choice(void)
{
    at_pick(30);
    fed_error err;
    uint16_t picks[30];
    uint32_t k = c.server->session.graph.k;
    for (uint16_t i = 0; i < 30; i++)
        picks[i] = (uint16_t)(i + 1);
    CHECK_OK(send_picks(0, picks, k, &err), &err);
    CHECK_OK(send_picks(0, picks, k, &err), &err);
    CHECK_FAILS(send_picks(0, picks + 1, k, &err), FED_E_EXISTS, &err, "another one");
    cohort_fini(&c);
}

/* The server's devices all pick one victim: more than chance allows, so it leaves. */
static void test_device_notices_that_too_many_picked_it(void)
{
    at_pick(100);
    all_pick();
    fed_error err;
    uint32_t k = c.server->session.graph.k, in_max = c.server->session.graph.in_max;
    CHECK(in_max < 70);
    for (uint32_t i = 1; i <= in_max + 5; i++) {
        uint32_t *picks = c.server->members[i].picks;
        if (fed_server_place_of(picks, k, 0) < 0) picks[0] = 0;
    }
    CHECK_OK(fed_server_find_pickers(c.server, &err), &err);
    CHECK_FAILS(tell(0, &err), FED_E_REFUSED, &err, "members picked this one, at most");
    cohort_fini(&c);
}

/* However many pick it, a device gives shares to its own k only. */
static void test_shares_go_to_the_devices_own_choice_only(void)
{
    at_pick(30);
    all_pick();
    fed_error err;
    uint32_t k = c.server->session.graph.k;
    CHECK_OK(tell(0, &err), &err);
    CHECK(c.devices[0]->n_peers > k);
    fed_bytes_clear(&c.bodies[0]);
    CHECK_OK(cohort_message(&c, 0, &c.bodies[0], &err), &err);
    CHECK_EQ(c.bodies[0].len, FED_SECAGG_HEADER + (size_t)k * FED_SECAGG_SEALED);
    cohort_fini(&c);
}

static void test_device_notices_a_withheld_bundle(void)
{
    at_pick(30);
    all_pick();
    fed_error err;
    uint32_t *picks = c.server->members[0].picks, other = 1;
    while (fed_server_place_of(picks, c.server->session.graph.k, other) >= 0)
        other++;
    picks[0] = other; /* another one's in its place */
    CHECK_FAILS(tell(0, &err), FED_E_REFUSED, &err, "is missing");
    CHECK_EQ(fed_secagg_device_phase(c.devices[0]), FED_SECAGG_ABORTED);
    cohort_fini(&c);
}

static void test_device_notices_a_bundle_not_under_the_root(void)
{
    at_pick(30);
    all_pick();
    fed_error err;
    uint32_t picked = c.server->members[0].picks[0];
    c.server->members[picked].signed_bundle[FED_SECAGG_BUNDLE - 1] ^= 1;
    CHECK_FAILS(tell(0, &err), FED_E_AUTH, &err, "bundle of member");
    cohort_fini(&c);
}

/* A server that puts its own under the root. All join, then `change` is done to the roster before the root is made. */
static void with_roster(uint32_t n, void (*change)(fed_secagg_server *s))
{
    fed_error err;
    uint32_t member;
    cohort_init_with(&c, n, (fed_secagg_threat){FED_SECAGG_ACTIVE, 50000, 200000, false},
                     31);
    for (uint32_t i = 0; i < n; i++) {
        CHECK_OK(cohort_message(&c, i, &c.bodies[i], &err), &err);
        CHECK_OK(fed_secagg_server_join(c.server,
                                        (fed_span){c.bodies[i].data, c.bodies[i].len},
                                        1800000000, &member, NULL, &err),
                 &err);
    }
    change(c.server);
    CHECK_OK(fed_secagg_server_close(c.server, NULL, &err), &err);
    for (uint32_t i = 0; i < n; i++) {
        fed_bytes_clear(&c.bodies[i]);
        CHECK_OK(
            fed_secagg_server_answer(c.server, i, FED_SECAGG_JOIN, &c.bodies[i], &err),
            &err);
        fed_span body = {c.bodies[i].data, c.bodies[i].len};
        c.last[i] = fed_secagg_device_receive(c.devices[i], body, &c.why[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        fed_bytes_clear(&c.bodies[i]);
        if (c.last[i]) continue;
        CHECK_OK(cohort_message(&c, i, &c.bodies[i], &err), &err);
        CHECK_OK(fed_secagg_server_receive(c.server, i,
                                           (fed_span){c.bodies[i].data, c.bodies[i].len},
                                           NULL, &err),
                 &err);
    }
    CHECK_OK(fed_secagg_server_close(c.server, NULL, &err), &err);
}

static void duplicate_identity(fed_secagg_server *s)
{
    memcpy(s->members[2].signed_bundle, s->members[1].signed_bundle, FED_SECAGG_BUNDLE);
}

/* Member 1's bundle in member 2's place: member 2 leaves at once, and whoever picked that
 * place sees that it is not whom the roster says. */
static void test_device_notices_duplicate_identities(void)
{
    fed_error err;
    with_roster(5, duplicate_identity);
    CHECK_EQ(fed_secagg_device_phase(c.devices[2]), FED_SECAGG_ABORTED);
    CHECK_FAILS(tell(0, &err), FED_E_REFUSED, &err,
                "bundle of member 2: of another identity");
    cohort_fini(&c);
}

/* The server has no certificate, so it signs one itself. */
static void insert_own(fed_secagg_server *s)
{
    fed_error err;
    fed_bytes b;
    uint8_t seed[32] = {77};
    fed_secagg_bundle own = s->members[2].bundle;
    fed_bytes_init(&b, FED_SECAGG_BUNDLE);
    CHECK_OK(fed_ed25519_public(seed, own.certificate.device_key, &err), &err);
    CHECK_OK(fed_certificate_sign(&own.certificate, seed, &err), &err);
    CHECK_OK(fed_secagg_bundle_write(&b, s->params.cohort, &own, seed, &err), &err);
    memcpy(s->members[2].signed_bundle, b.data, FED_SECAGG_BUNDLE);
    fed_bytes_fini(&b);
}

static void test_device_notices_an_inserted_identity(void)
{
    fed_error err;
    with_roster(5, insert_own);
    CHECK_FAILS(tell(0, &err), FED_E_AUTH, &err, "bundle of member 2: certificate");
    cohort_fini(&c);
}

/* A certified accomplice that re-uses an honest member's public key (or this device's). */
static void copy_key(fed_secagg_server *s)
{
    fed_error err;
    fed_bytes b;
    fed_secagg_bundle evil = s->members[2].bundle;
    fed_bytes_init(&b, FED_SECAGG_BUNDLE);
    memcpy(evil.mask_key, s->members[0].bundle.mask_key, sizeof evil.mask_key);
    CHECK_OK(fed_secagg_bundle_write(&b, s->params.cohort, &evil,
                                     c.configs[2].identity_seed, &err),
             &err);
    memcpy(s->members[2].signed_bundle, b.data, FED_SECAGG_BUNDLE);
    fed_bytes_fini(&b);
}

static void test_device_notices_its_own_key_at_another_member(void)
{
    fed_error err;
    with_roster(5, copy_key);
    CHECK_FAILS(tell(0, &err), FED_E_REFUSED, &err, "member 2 has this device's");
    CHECK_FAILS(tell(1, &err), FED_E_REFUSED, &err, "members 0 and 2 have one");
    cohort_fini(&c);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_picks_are_k_different_others),
        CASE(test_server_refuses_picks_that_are_no_choice),
        CASE(test_server_refuses_a_second_choice),
        CASE(test_device_notices_that_too_many_picked_it),
        CASE(test_shares_go_to_the_devices_own_choice_only),
        CASE(test_device_notices_a_withheld_bundle),
        CASE(test_device_notices_a_bundle_not_under_the_root),
        CASE(test_device_notices_duplicate_identities),
        CASE(test_device_notices_an_inserted_identity),
        CASE(test_device_notices_its_own_key_at_another_member)};
    return fed_run("secagg_pick", cases, sizeof cases / sizeof *cases);
}
