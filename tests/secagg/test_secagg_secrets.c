/*
 * Secrets after a session. An injected allocator looks into each block that is given back,
 * and in the end into all that are still there: none may hold a private key, a seed, an
 * unrevealed share or an unmasked vector.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cohort_driver.h"
#include "device_state.h"

enum { N = 6, NEEDLE = 16, NEEDLES_MAX = 1024, LIVE_MAX = 1 << 16 };

typedef struct block {
    size_t size, slot;
} block;

static struct {
    uint8_t needles[NEEDLES_MAX][NEEDLE];
    const char *names[NEEDLES_MAX];
    size_t n_needles;
    block *live[LIVE_MAX];
    size_t n_live;
    unsigned found;
    const char *what;
    bool on;
} heap;

static void look(const block *b)
{
    const uint8_t *data = (const uint8_t *)(b + 1);
    for (size_t i = 0; heap.on && i + NEEDLE <= b->size; i++)
        for (size_t j = 0; j < heap.n_needles; j++)
            if (data[i] == heap.needles[j][0] &&
                memcmp(data + i, heap.needles[j], NEEDLE) == 0) {
                heap.found++;
                heap.what = heap.names[j];
                return;
            }
}

static void *scan_alloc(void *ctx, size_t size)
{
    (void)ctx;
    block *b = malloc(sizeof *b + size + !size);
    if (!b || heap.n_live == LIVE_MAX) abort();
    b->size = size, b->slot = heap.n_live;
    heap.live[heap.n_live++] = b;
    return b + 1;
}

static void scan_free(void *ctx, void *data)
{
    (void)ctx;
    if (!data) return;
    block *b = (block *)data - 1;
    look(b);
    heap.live[b->slot] = heap.live[--heap.n_live];
    heap.live[b->slot]->slot = b->slot;
    free(b);
}

/* Always to another place, so that the old one is looked at. */
static void *scan_realloc(void *ctx, void *data, size_t size)
{
    void *fresh = scan_alloc(ctx, size);
    if (!data) return fresh;
    block *b = (block *)data - 1;
    memcpy(fresh, data, b->size < size ? b->size : size);
    scan_free(ctx, data);
    return fresh;
}

static const fed_allocator scanner = {scan_alloc, scan_realloc, scan_free, NULL};

static void add_needle(const void *data, const char *name)
{
    if (heap.n_needles == NEEDLES_MAX) abort();
    memcpy(heap.needles[heap.n_needles], data, NEEDLE);
    heap.names[heap.n_needles++] = name;
}

/* ---- One cohort, without the pool (one thread, so that the scanner needs no lock) -------- */

static uint64_t seed = 5;
static fed_secagg_params params;
static fed_secagg_floor lowest = {.adversary = FED_SECAGG_ACTIVE};
static fed_secagg_device_config configs[N];
static fed_secagg_device *devices[N];
static fed_secagg_server *server;
static fed_ring inputs[N][1];

static void add_secrets(const fed_secagg_device *d)
{
    add_needle(d->identity_seed, "identity");
    add_needle(d->identity_seed + 16, "identity");
    add_needle(d->master, "master");
    add_needle(d->secrets.share_secret, "share secret");
    add_needle(d->secrets.mask_secret, "mask secret");
    add_needle(d->secrets.self_seed, "self seed");
    add_needle(d->secrets.self_seed + 16, "self seed");
    add_needle(d->secrets.pick_key, "pick key");
    add_needle(d->secrets.mask_shares_key, "key of shares");
    add_needle(d->secrets.seed_shares_key, "key of shares");
}

static void make_all(void)
{
    fed_error err;
    static fed_random random; /* the server borrows it */
    random = fed_test_random(&seed);
    uint8_t enrolment[32] = {1};
    params = (fed_secagg_params){.threat = {FED_SECAGG_ACTIVE, 0, 340000, false},
                                 .stream = FED_KEYSTREAM_AES256_CTR,
                                 .n_min = 3,
                                 .n_max = N,
                                 .s_min = 2,
                                 .n_vectors = 1,
                                 .vectors = {{"update", 100, 24}}};
    CHECK_OK(fed_ed25519_public(enrolment, params.enrolment_key, &err), &err);
    fed_secagg_server_config config = {&params, &random, NULL};
    CHECK_OK(fed_secagg_server_new(&server, &config, &err), &err);
    for (uint32_t i = 0; i < N; i++) {
        fed_secagg_device_config *d = &configs[i];
        d->params = &params, d->floor = &lowest;
        for (int j = 0; j < 32; j++)
            d->identity_seed[j] = (uint8_t)(7 * i + 31 * j + 3);
        CHECK_OK(fed_ed25519_public(d->identity_seed, d->certificate.device_key, &err),
                 &err);
        d->certificate.expires_s = 100;
        CHECK_OK(fed_certificate_sign(&d->certificate, enrolment, &err), &err);
        CHECK_OK(fed_secagg_device_new(&devices[i], d, &random, i, &err), &err);
        CHECK_OK(fed_ring_init(&inputs[i][0], 24, 100, &err), &err);
        for (size_t e = 0; e < 100; e++) {
            int64_t x = (int64_t)(i * 7919 + e * 104729) % 100003;
            fed_ring_put_i64(&inputs[i][0], e, &x, 1);
        }
        add_secrets(devices[i]);
        add_needle(inputs[i][0].lanes, "unmasked vector");
    }
}

/* Shares of mask secrets of those who stay are never revealed. */
static void add_held_shares(void)
{
    for (uint32_t i = 0; i < N; i++)
        for (uint32_t j = 0; j < devices[i]->n_peers; j++)
            if (devices[i]->peers[j].index != 1)
                add_needle(devices[i]->peers[j].shares, "unrevealed share");
}

static void step(fed_bytes body[N])
{
    fed_error err;
    fed_secagg_phase phase = fed_secagg_server_phase(server);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t member;
        fed_bytes_clear(&body[i]);
        if (i == 1 && phase >= FED_SECAGG_INPUT) continue; /* drops out */
        if (phase == FED_SECAGG_INPUT)
            CHECK_OK(fed_secagg_device_input(devices[i], inputs[i], NULL, &body[i], &err),
                     &err);
        else
            CHECK_OK(fed_secagg_device_message(devices[i], &body[i], &err), &err);
        fed_span span = {body[i].data, body[i].len};
        if (phase == FED_SECAGG_JOIN)
            CHECK_OK(fed_secagg_server_join(server, span, 1, &member, NULL, &err), &err);
        else
            CHECK_OK(fed_secagg_server_receive(server, i, span, NULL, &err), &err);
    }
    CHECK_OK(fed_secagg_server_close(server, NULL, &err), &err);
    for (uint32_t i = 0; i < N; i++) {
        if (!body[i].len) continue;
        fed_bytes_clear(&body[i]);
        CHECK_OK(fed_secagg_server_answer(server, i, phase, &body[i], &err), &err);
        CHECK_OK(fed_secagg_device_receive(devices[i],
                                           (fed_span){body[i].data, body[i].len}, &err),
                 &err);
    }
    if (phase == FED_SECAGG_SHARE) add_held_shares();
}

static void test_no_secret_is_left_in_the_heap(void)
{
    fed_bytes body[N];
    fed_memory_set_allocator(&scanner);
    heap.on = true;
    for (uint32_t i = 0; i < N; i++)
        fed_bytes_init(&body[i], 1 << 20);
    make_all();
    while (fed_secagg_server_phase(server) < FED_SECAGG_DONE)
        step(body);
    CHECK_EQ(fed_secagg_server_phase(server), FED_SECAGG_DONE);
    for (uint32_t i = 0; i < N; i++) {
        fed_secagg_device_free(devices[i]);
        fed_ring_fini(&inputs[i][0]);
        fed_bytes_fini(&body[i]);
    }
    for (size_t i = 0; i < heap.n_live; i++)
        look(heap.live[i]);
    fed_secagg_server_free(server);
    CHECK_MSG(heap.found == 0, "%u blocks with secrets, the last with %s", heap.found,
              heap.what ? heap.what : "");
    CHECK_EQ(heap.n_live, 0);
    fed_note("%zu needles", heap.n_needles);
    /* and the scanner does see */
    uint8_t *spoiled = fed_malloc(64);
    if (spoiled) memcpy(spoiled + 9, heap.needles[3], NEEDLE);
    fed_free(spoiled);
    CHECK_EQ(heap.found, 1);
    fed_memory_set_allocator(NULL);
}

/* Leaving early wipes as well. */
static void test_abort_wipes(void)
{
    fed_bytes body[N];
    heap.n_needles = 0, heap.found = 0;
    fed_memory_set_allocator(&scanner);
    for (uint32_t i = 0; i < N; i++)
        fed_bytes_init(&body[i], 1 << 20);
    make_all();
    while (fed_secagg_server_phase(server) < FED_SECAGG_INPUT)
        step(body);
    for (uint32_t i = 0; i < N; i++) {
        add_needle(configs[i].identity_seed, "identity");
        fed_secagg_device_abort(devices[i], "test");
        static const uint8_t zeros[sizeof devices[i]->secrets];
        CHECK_MEM(&devices[i]->secrets, zeros, sizeof zeros);
        fed_secagg_device_free(devices[i]);
        fed_ring_fini(&inputs[i][0]);
        fed_bytes_fini(&body[i]);
    }
    fed_secagg_server_free(server);
    CHECK_MSG(heap.found == 0, "%u blocks with %s", heap.found,
              heap.what ? heap.what : "");
    fed_memory_set_allocator(NULL);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_no_secret_is_left_in_the_heap),
                                     CASE(test_abort_wipes)};
    return fed_run("secagg_secrets", cases, sizeof cases / sizeof *cases);
}
