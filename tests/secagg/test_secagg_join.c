/* join, both sides: identities, parameters, the graph's numbers, and who lies about them. */
#include "cohort_driver.h"
#include "device_state.h"
#include "server_state.h"

static cohort c;

static void start(uint32_t n)
{
    cohort_init(&c, n, FED_SECAGG_ACTIVE, 21);
}

static fed_status join(uint32_t device, fed_bytes *body, fed_error *err)
{
    uint32_t member;
    fed_bytes_clear(body);
    CHECK_OK(cohort_message(&c, device, body, err), err);
    return fed_secagg_server_join(c.server, (fed_span){body->data, body->len}, 1800000000,
                                  &member, NULL, err);
}

/* ---- What devices may try ------------------------------------------------------------- */

static void test_server_takes_the_same_message_again(void)
{
    start(5);
    fed_error err;
    uint32_t member = 99;
    CHECK_OK(join(0, &c.bodies[0], &err), &err);
    CHECK_OK(join(1, &c.bodies[1], &err), &err);
    CHECK_OK(fed_secagg_server_join(c.server,
                                    (fed_span){c.bodies[0].data, c.bodies[0].len},
                                    1800000000, &member, NULL, &err),
             &err);
    CHECK_EQ(member, 0);
    CHECK_EQ(fed_secagg_server_members(c.server), 2);
    cohort_fini(&c);
}

static void test_server_refuses_duplicate_identity(void)
{
    start(5);
    fed_error err;
    CHECK_OK(join(0, &c.bodies[0], &err), &err);
    c.configs[1] = c.configs[0]; /* the same device, with other one-time keys */
    cohort_make(&c);
    CHECK_OK(join(0, &c.bodies[0], &err), &err);
    CHECK_FAILS(join(1, &c.bodies[1], &err), FED_E_EXISTS, &err, "of member 0");
    cohort_fini(&c);
}

static void test_server_refuses_duplicate_key(void)
{
    start(5);
    fed_error err;
    memcpy(&c.devices[1]->secrets, &c.devices[0]->secrets, sizeof c.devices[0]->secrets);
    CHECK_OK(join(0, &c.bodies[0], &err), &err);
    CHECK_FAILS(join(1, &c.bodies[1], &err), FED_E_EXISTS, &err, "key of member 0");
    cohort_fini(&c);
}

static void test_server_refuses_low_order_key(void)
{
    start(5);
    fed_error err;
    fed_bytes body;
    fed_secagg_bundle own;
    uint32_t member;
    fed_bytes_init(&body, 4096);
    CHECK_OK(fed_device_own_bundle(c.devices[0], &own, &err), &err);
    memset(own.mask_key, 0, sizeof own.mask_key);
    CHECK_OK(fed_secagg_bundle_write(&body, c.params.cohort, &own,
                                     c.configs[0].identity_seed, &err),
             &err);
    CHECK_FAILS(fed_secagg_server_join(c.server, (fed_span){body.data, body.len},
                                       1800000000, &member, NULL, &err),
                FED_E_CRYPTO, &err, "join");
    fed_bytes_fini(&body);
    cohort_fini(&c);
}

static void test_server_refuses_signature_by_another_identity(void)
{
    start(5);
    fed_error err;
    memcpy(c.devices[0]->identity_seed, c.configs[1].identity_seed, 32);
    CHECK_FAILS(join(0, &c.bodies[0], &err), FED_E_AUTH, &err, "signature");
    cohort_fini(&c);
}

static void test_server_refuses_foreign_certificate(void)
{
    start(5);
    fed_error err;
    uint8_t other[32] = {9};
    CHECK_OK(fed_certificate_sign(&c.configs[0].certificate, other, &err), &err);
    cohort_make(&c);
    CHECK_FAILS(join(0, &c.bodies[0], &err), FED_E_AUTH, &err, "certificate");
    cohort_fini(&c);
}

static void test_server_refuses_expired_certificate(void)
{
    start(5);
    fed_error err;
    c.configs[0].certificate.expires_s = 1800000000;
    CHECK_OK(fed_certificate_sign(&c.configs[0].certificate, c.enrolment_seed, &err),
             &err);
    cohort_make(&c);
    CHECK_FAILS(join(0, &c.bodies[0], &err), FED_E_AUTH, &err, "expired");
    cohort_fini(&c);
}

static void test_server_refuses_other_parameters(void)
{
    start(5);
    fed_error err;
    c.devices[0]->params_hash[0] ^= 1;
    CHECK_FAILS(join(0, &c.bodies[0], &err), FED_E_REFUSED, &err, "other parameters");
    c.devices[1]->params.cohort[0] ^= 1;
    CHECK_FAILS(join(1, &c.bodies[1], &err), FED_E_REFUSED, &err, "another cohort");
    cohort_fini(&c);
}

static void test_server_refuses_every_wrong_length(void)
{
    start(5);
    fed_error err;
    uint32_t member;
    CHECK_OK(cohort_message(&c, 0, &c.bodies[0], &err), &err);
    fed_bytes_put_u8(&c.bodies[0], 0);
    for (size_t n = 0; n <= c.bodies[0].len; n++) {
        if (n == FED_SECAGG_BUNDLE) continue;
        fed_status status = fed_secagg_server_join(
            c.server, (fed_span){c.bodies[0].data, n}, 1800000000, &member, NULL, &err);
        CHECK_FAILS(status, FED_E_FORMAT, &err, "join");
    }
    cohort_fini(&c);
}

static void test_server_refuses_more_than_n_max_and_late_ones(void)
{
    start(4);
    fed_error err;
    c.params.n_max = 3;
    cohort_make(&c);
    for (uint32_t i = 0; i < 3; i++)
        CHECK_OK(join(i, &c.bodies[i], &err), &err);
    CHECK_FAILS(join(3, &c.bodies[3], &err), FED_E_LIMIT, &err, "3 members");
    CHECK_OK(fed_secagg_server_close(c.server, NULL, &err), &err);
    CHECK_FAILS(join(3, &c.bodies[3], &err), FED_E_STATE, &err, "late");
    cohort_fini(&c);
}

static void test_cohort_that_stays_too_small_aborts(void)
{
    start(5);
    fed_error err;
    CHECK_OK(join(0, &c.bodies[0], &err), &err);
    CHECK_OK(fed_secagg_server_close(c.server, NULL, &err), &err);
    CHECK_EQ(fed_secagg_server_phase(c.server), FED_SECAGG_ABORTED);
    CHECK(strstr(fed_secagg_server_reason(c.server), "1 members, at least 3"));
    cohort_fini(&c);
}

/* ---- What the server may try ------------------------------------------------------------- */

/* Everybody has joined; the answer for device 0 is in bodies[0]. */
static void joined(uint32_t n)
{
    fed_error err;
    start(n);
    for (uint32_t i = 0; i < n; i++)
        CHECK_OK(join(i, &c.bodies[i], &err), &err);
    CHECK_OK(fed_secagg_server_close(c.server, NULL, &err), &err);
}

static fed_status tell(uint32_t device, fed_error *err)
{
    fed_bytes *b = &c.bodies[device];
    fed_bytes_clear(b);
    CHECK_OK(fed_secagg_server_answer(c.server, device, FED_SECAGG_JOIN, b, err), err);
    return fed_secagg_device_receive(c.devices[device], (fed_span){b->data, b->len}, err);
}

static void check_left(uint32_t device, const char *part)
{
    CHECK_EQ(fed_secagg_device_phase(c.devices[device]), FED_SECAGG_ABORTED);
    CHECK_MSG(strstr(fed_secagg_device_reason(c.devices[device]), part) != NULL, "%s",
              fed_secagg_device_reason(c.devices[device]));
}

static void test_device_notices_lowered_threshold(void)
{
    joined(20);
    fed_error err;
    c.server->session.graph.t = c.server->session.graph.k / 2;
    CHECK_FAILS(tell(0, &err), FED_E_REFUSED, &err, "not secure");
    check_left(0, "not secure");
    cohort_fini(&c);
}

static void test_device_notices_thinner_graph(void)
{
    joined(20);
    fed_error err;
    c.server->session.graph.k = 4, c.server->session.graph.t = 3;
    CHECK_FAILS(tell(0, &err), FED_E_REFUSED, &err, "not secure");
    cohort_fini(&c);
}

/* A safe graph, and still not the one on which shares of noise are counted. */
static void test_device_insists_on_the_complete_graph(void)
{
    start(40);
    fed_error err;
    uint8_t sparse[32], complete[32];
    CHECK_OK(fed_secagg_params_hash(&c.params, sparse, &err), &err);
    c.params.threat.complete = true;
    CHECK_OK(fed_secagg_params_hash(&c.params, complete, &err), &err);
    CHECK(memcmp(sparse, complete, sizeof sparse) != 0);
    cohort_fini(&c);
    joined(40);
    CHECK(c.server->session.graph.k < 39);
    c.devices[0]->params.threat.complete = true;
    CHECK_FAILS(tell(0, &err), FED_E_REFUSED, &err, "complete graph is wanted");
    CHECK_OK(tell(1, &err), &err);
    cohort_fini(&c);
}

static void test_device_insists_on_its_floors(void)
{
    joined(20);
    fed_error err;
    c.devices[0]->floor.n_min = 21;
    CHECK_FAILS(tell(0, &err), FED_E_REFUSED, &err, "20 members, wanted 21");
    c.devices[1]->floor.k_min = 18;
    CHECK_FAILS(tell(1, &err), FED_E_REFUSED, &err, "insists on 18");
    c.devices[2]->floor.threshold_ppm = 900000;
    CHECK_FAILS(tell(2, &err), FED_E_REFUSED, &err, "insists on 900000");
    CHECK_OK(tell(3, &err), &err);
    cohort_fini(&c);
}

static void test_device_refuses_parameters_below_its_floor(void)
{
    start(5);
    fed_error err;
    fed_random random = fed_test_random(&c.seed);
    fed_secagg_device *d;
    const struct {
        fed_secagg_floor floor;
        const char *part;
    } all[] = {{{.corrupt_ppm = 60000}, "corrupt"},
               {{.n_min = 6}, "n_max"},
               {{.s_min = 3}, "s_min"},
               {{.bits_min = 12}, "bits"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        c.floor = all[i].floor;
        CHECK_FAILS(fed_secagg_device_new(&d, &c.configs[0], &random, 0, &err),
                    FED_E_REFUSED, &err, all[i].part);
    }
    c.floor = (fed_secagg_floor){.adversary = FED_SECAGG_ACTIVE};
    c.params.threat.adversary = FED_SECAGG_CURIOUS;
    CHECK_FAILS(fed_secagg_device_new(&d, &c.configs[0], &random, 0, &err), FED_E_REFUSED,
                &err, "insists on active");
    cohort_fini(&c);
}

static void test_device_checks_its_own_place_under_the_root(void)
{
    joined(5);
    fed_error err;
    c.server->members[0].signed_bundle[60] ^= 1; /* what the server says it signed */
    c.server->phase = FED_SECAGG_JOIN;
    CHECK_OK(fed_server_join_close(c.server, (const uint8_t[32]){0}, &err), &err);
    c.server->phase = FED_SECAGG_PICK;
    CHECK_FAILS(tell(0, &err), FED_E_AUTH, &err, "own bundle");
    cohort_fini(&c);
}

/* One corrupt identity in several places would count as several corrupt members. */
static void test_device_notices_an_identity_with_two_places(void)
{
    joined(5);
    fed_error err;
    c.server->members[3].bundle = c.server->members[1].bundle;
    CHECK_FAILS(tell(0, &err), FED_E_REFUSED, &err, "one identity has two places");
    CHECK_FAILS(tell(3, &err), FED_E_REFUSED, &err, "this device's place");
    cohort_fini(&c);
}

static void test_device_refuses_an_answer_of_another_cohort(void)
{
    joined(5);
    fed_error err;
    c.server->params.cohort[0] ^= 1;
    CHECK_FAILS(tell(0, &err), FED_E_REFUSED, &err, "another cohort");
    cohort_fini(&c);
}

static void test_device_refuses_a_second_roster(void)
{
    joined(5);
    fed_error err;
    CHECK_OK(tell(0, &err), &err);
    CHECK_OK(tell(0, &err), &err); /* the same again */
    c.server->session.root[0] ^= 1;
    CHECK_FAILS(tell(0, &err), FED_E_REFUSED, &err, "differs from the one");
    check_left(0, "differs");
    cohort_fini(&c);
}

/* A broken transmission is no reason to leave: ask again. */
static void test_device_stays_when_an_answer_is_cut_short(void)
{
    joined(5);
    fed_error err;
    fed_bytes *b = &c.bodies[0];
    fed_bytes_clear(b);
    CHECK_OK(fed_secagg_server_answer(c.server, 0, FED_SECAGG_JOIN, b, &err), &err);
    for (size_t n = 0; n < b->len; n++)
        CHECK_FAILS(fed_secagg_device_receive(c.devices[0], (fed_span){b->data, n}, &err),
                    FED_E_FORMAT, &err, NULL);
    fed_bytes_put_u8(b, 0);
    CHECK_FAILS(
        fed_secagg_device_receive(c.devices[0], (fed_span){b->data, b->len}, &err),
        FED_E_FORMAT, &err, "left-over");
    CHECK_EQ(fed_secagg_device_phase(c.devices[0]), FED_SECAGG_JOIN);
    CHECK_OK(tell(0, &err), &err);
    cohort_fini(&c);
}

/* What is asked for after an abort is an update under fresh keys, and other bytes. */
static void test_another_cohort_means_other_keys(void)
{
    fed_error err;
    fed_bytes a, b;
    fed_bytes_init(&a, 4096), fed_bytes_init(&b, 4096);
    start(5);
    CHECK_OK(cohort_message(&c, 0, &a, &err), &err);
    c.params.cohort[0] ^= 1; /* even with the same randomness */
    cohort_make(&c);
    CHECK_OK(cohort_message(&c, 0, &b, &err), &err);
    size_t keys = FED_SECAGG_HEADER + 32 + 16 + FED_CERTIFICATE_BYTES;
    for (int i = 0; i < 3; i++)
        CHECK(memcmp(a.data + keys + 32 * i, b.data + keys + 32 * i, 32) != 0);
    fed_bytes_fini(&a), fed_bytes_fini(&b);
    cohort_fini(&c);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_server_takes_the_same_message_again),
        CASE(test_server_refuses_duplicate_identity),
        CASE(test_server_refuses_duplicate_key),
        CASE(test_server_refuses_low_order_key),
        CASE(test_server_refuses_signature_by_another_identity),
        CASE(test_server_refuses_foreign_certificate),
        CASE(test_server_refuses_expired_certificate),
        CASE(test_server_refuses_other_parameters),
        CASE(test_server_refuses_every_wrong_length),
        CASE(test_server_refuses_more_than_n_max_and_late_ones),
        CASE(test_cohort_that_stays_too_small_aborts),
        CASE(test_device_notices_lowered_threshold),
        CASE(test_device_notices_thinner_graph),
        CASE(test_device_insists_on_the_complete_graph),
        CASE(test_device_insists_on_its_floors),
        CASE(test_device_refuses_parameters_below_its_floor),
        CASE(test_device_checks_its_own_place_under_the_root),
        CASE(test_device_notices_an_identity_with_two_places),
        CASE(test_device_refuses_an_answer_of_another_cohort),
        CASE(test_device_refuses_a_second_roster),
        CASE(test_device_stays_when_an_answer_is_cut_short),
        CASE(test_another_cohort_means_other_keys)};
    return fed_run("secagg_join", cases, sizeof cases / sizeof *cases);
}
