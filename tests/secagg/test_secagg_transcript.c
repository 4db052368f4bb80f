/*
 * What the server could compute from all it saw. A test keeps every byte that reaches the
 * server and tries: secrets in plain sight, both kinds of shares of one member, and every
 * combination of uploads with every mask that the server can know. It finds the sum over the
 * survivors, and nothing else.
 */
#include <stdlib.h>

#include "cohort_driver.h"
#include "device_state.h"
#include "masking.h"
#include "server_state.h"

enum { N = 9, DROPPED = 2 };

static cohort c;
static fed_bytes seen;
static fed_secagg_secrets secrets[N];
static uint8_t masters[N][32];
static fed_ring uploads[N];

/* Everything that reaches the server; uploads of the first vector are kept apart too. */
static void watch(cohort *x, fed_span body, bool to_server)
{
    (void)x;
    if (to_server) fed_bytes_put(&seen, body.data, body.len);
}

static void keep_upload(cohort *x, uint32_t member, fed_secagg_phase phase,
                        fed_bytes *body)
{
    fed_error err;
    (void)x;
    if (phase != FED_SECAGG_INPUT) return;
    fed_ring *y = &uploads[member];
    size_t bytes = fed_ring_packed_bytes(20, 37);
    fed_ring_fini(y);
    CHECK_OK(fed_ring_init(y, 20, 37, &err), &err);
    CHECK_OK(fed_ring_unpack(y, (fed_span){body->data + FED_SECAGG_HEADER, bytes}, &err),
             &err);
}

static void run(fed_secagg_adversary adversary)
{
    cohort_init(&c, N, adversary, 17);
    fed_bytes_init(&seen, 1 << 24);
    for (uint32_t i = 0; i < N; i++) {
        secrets[i] = c.devices[i]->secrets;
        memcpy(masters[i], c.devices[i]->master, 32);
    }
    c.on_body = watch;
    c.to_server = keep_upload;
    c.drops[DROPPED] = FED_SECAGG_INPUT;
    cohort_run(&c);
    CHECK_MSG(cohort_sum_is_right(&c), "%s", fed_secagg_server_reason(c.server));
}

static void finish(void)
{
    for (uint32_t i = 0; i < N; i++)
        fed_ring_fini(&uploads[i]);
    fed_bytes_fini(&seen);
    cohort_fini(&c);
}

static bool was_seen(const void *data, size_t n)
{
    for (size_t i = 0; i + n <= seen.len; i++)
        if (memcmp(seen.data + i, data, n) == 0) return true;
    return false;
}

static void check_no_secret_in_plain_sight(void)
{
    for (uint32_t i = 0; i < N; i++) {
        uint8_t plain[93];
        CHECK(!was_seen(masters[i], 16));
        for (size_t at = 0; at + 16 <= sizeof secrets[i]; at += 16)
            CHECK(!was_seen((const uint8_t *)&secrets[i] + at, 16));
        fed_ring_pack(&c.inputs[i][0], plain);
        CHECK(!was_seen(plain, 16));
        CHECK(!was_seen(c.configs[i].identity_seed, 32));
    }
    CHECK(was_seen(c.configs[0].certificate.device_key, 32)); /* the search does find */
}

/* For each member the server got shares of one secret only. */
static void check_one_kind_of_share(void)
{
    const fed_secagg_server *s = c.server;
    uint32_t k = s->session.graph.k, points[N];
    for (uint32_t i = 0; i < N; i++) {
        uint8_t mask[N * FED_SHAMIR_SHARE], seed[N * FED_SHAMIR_SHARE];
        fed_error err;
        for (uint32_t j = 0; j < k; j++)
            points[j] = s->members[i].picks[j] + 1;
        CHECK_OK(fed_shamir_share(secrets[i].mask_secret, secrets[i].mask_shares_key,
                                  s->session.graph.t, points, k, mask, &err),
                 &err);
        CHECK_OK(fed_shamir_share(secrets[i].self_seed, secrets[i].seed_shares_key,
                                  s->session.graph.t, points, k, seed, &err),
                 &err);
        uint32_t masks = 0, seeds = 0;
        for (uint32_t j = 0; j < k; j++) {
            masks += was_seen(mask + j * FED_SHAMIR_SHARE, FED_SHAMIR_SHARE);
            seeds += was_seen(seed + j * FED_SHAMIR_SHARE, FED_SHAMIR_SHARE);
        }
        CHECK_EQ(i == DROPPED ? seeds : masks, 0);
        CHECK((i == DROPPED ? masks : seeds) >= s->session.graph.t);
    }
}

/* All masks that the server knows, taken off what member i uploaded. */
static void strip(uint32_t i, fed_ring *y)
{
    fed_error err;
    fed_secagg_params one = c.params;
    fed_mask_source sources[2] = {
        {.seed = secrets[i].self_seed, .index = i, .subtract = true}};
    fed_x25519_key *gone = NULL;
    size_t count = 1;
    CHECK_OK(fed_x25519_key_new(&gone, secrets[DROPPED].mask_secret, &err), &err);
    if (fed_server_place_of(c.server->members[i].picks, c.server->session.graph.k,
                            DROPPED) >= 0 ||
        fed_server_place_of(c.server->members[i].pickers, c.server->members[i].n_pickers,
                            DROPPED) >= 0)
        sources[count++] = (fed_mask_source){.key = gone,
                                             .peer = c.server->members[i].bundle.mask_key,
                                             .index = DROPPED,
                                             .other = i,
                                             .subtract = i < DROPPED};
    one.n_vectors = 1;
    CHECK_OK(fed_masking_apply(&one, &c.server->session, sources, count, y, NULL, &err),
             &err);
    fed_x25519_key_free(gone);
}

static bool equals(const fed_ring *a, const fed_ring *b)
{
    for (size_t i = 0; i < a->n; i++)
        if (fed_ring_get(a, i) != fed_ring_get(b, i)) return false;
    return true;
}

/* Every subset of the survivors: only all of them together give a sum of inputs; and no
 * other subset's entries agree with its sum more often than chance has it. */
static void check_only_the_whole_set_adds_up(void)
{
    fed_error err;
    unsigned revealed = 0, agreeing = 0;
    for (uint32_t i = 0; i < N; i++)
        if (i != DROPPED) strip(i, &uploads[i]);
    for (uint32_t set = 1; set < 1u << N; set++) {
        fed_ring y = {0}, x = {0};
        if (set >> DROPPED & 1) continue;
        CHECK_OK(fed_ring_init(&y, 20, 37, &err), &err);
        CHECK_OK(fed_ring_init(&x, 20, 37, &err), &err);
        for (uint32_t i = 0; i < N; i++) {
            if (!(set >> i & 1)) continue;
            CHECK_OK(fed_ring_add(&y, &uploads[i], &err), &err);
            CHECK_OK(fed_ring_add(&x, &c.inputs[i][0], &err), &err);
        }
        bool whole = set == (((1u << N) - 1) & ~(1u << DROPPED));
        CHECK_EQ(equals(&y, &x), whole);
        for (size_t e = 0; !whole && e < y.n; e++)
            agreeing += fed_ring_get(&y, e) == fed_ring_get(&x, e);
        revealed += whole;
        fed_ring_fini(&y), fed_ring_fini(&x);
    }
    CHECK_EQ(revealed, 1);
    CHECK_MSG(agreeing < 5, "%u entries of 9435 agree by chance, expected 0.01",
              agreeing);
}

static void test_active(void)
{
    run(FED_SECAGG_ACTIVE);
    check_no_secret_in_plain_sight();
    check_one_kind_of_share();
    check_only_the_whole_set_adds_up();
    finish();
}

static void test_circulant(void)
{
    run(FED_SECAGG_SEMI_MALICIOUS);
    check_no_secret_in_plain_sight();
    check_one_kind_of_share();
    check_only_the_whole_set_adds_up();
    finish();
}

/* Two worlds with equal sums and equal secrets: the server sees different uploads, but what
 * it can make of them, the sum, is the same. */
static void test_two_worlds_with_one_sum(void)
{
    uint64_t first[37];
    run(FED_SECAGG_ACTIVE);
    for (size_t e = 0; e < 37; e++)
        first[e] = fed_ring_get(fed_secagg_server_sum(c.server, 0), e);
    finish();
    cohort_init(&c, N, FED_SECAGG_ACTIVE, 17);
    c.drops[DROPPED] = FED_SECAGG_INPUT;
    fed_ring swap = c.inputs[0][0];
    c.inputs[0][0] = c.inputs[1][0], c.inputs[1][0] = swap;
    cohort_run(&c);
    for (size_t e = 0; e < 37; e++)
        CHECK_EQ(fed_ring_get(fed_secagg_server_sum(c.server, 0), e), first[e]);
    cohort_fini(&c);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_active), CASE(test_circulant),
                                     CASE(test_two_worlds_with_one_sum)};
    return fed_run("secagg_transcript", cases, sizeof cases / sizeof *cases);
}
