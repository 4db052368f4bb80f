/*
 * Secure aggregation. References are limits measured in the same run: OpenSSL's AES-256-CTR
 * without anything added, and the bare rounds of AES-256 on 512-bit registers. Unmasking
 * runs with all its checks, on two threads.
 */
#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "mask.h"
#include "mask_vaes.h"
#include "secagg.h"
#include "server_state.h"
#include "shamir.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { ENTRIES = 1 << 20, PAIRS = 100, LANE = 4, UPLOAD_BITS = 20 };

static uint32_t acc[ENTRIES];
static fed_mask masks[PAIRS];
static fed_pool *pool;

static void must(fed_status status, const fed_error *err)
{
    if (status == FED_OK) return;
    fprintf(stderr, "bench_secagg: %s\n", err->text);
    exit(1);
}

static void *must_have(void *p)
{
    if (!p) exit(1);
    return p;
}

/* ---- Masks ------------------------------------------------------------------------------ */

static void masks_evp(void *ctx)
{
    fed_error err;
    (void)ctx;
    must(fed_mask_apply_evp(acc, LANE, ENTRIES, masks, PAIRS, FED_KEYSTREAM_AES256_CTR,
                            NULL, &err),
         &err);
}

static void masks_best(void *ctx)
{
    fed_error err;
    (void)ctx;
    must(fed_mask_apply(acc, LANE, ENTRIES, masks, PAIRS, FED_KEYSTREAM_AES256_CTR, NULL,
                        &err),
         &err);
}

/* As `openssl speed -evp aes-256-ctr`: one buffer of 16 KiB, over and over. */
static void evp_ceiling(void *ctx)
{
    static uint8_t buffer[16384];
    static const uint8_t zero[32];
    (void)ctx;
    EVP_CIPHER_CTX *c = must_have(EVP_CIPHER_CTX_new());
    EVP_EncryptInit_ex(c, EVP_aes_256_ctr(), NULL, zero, zero);
    for (size_t done = 0; done < (size_t)PAIRS * ENTRIES * LANE; done += sizeof buffer) {
        int n;
        EVP_EncryptUpdate(c, buffer, &n, buffer, sizeof buffer);
    }
    EVP_CIPHER_CTX_free(c);
    fed_bench_use(buffer);
}

#if defined(__x86_64__)
/* Rounds only: no counters, no memory. */
__attribute__((target("avx512f,vaes"))) static void vaes_ceiling(void *ctx)
{
    __m512i keys[15], x[8];
    (void)ctx;
    for (int r = 0; r < 15; r++)
        keys[r] = _mm512_set1_epi64(r * 0x9e3779b97f4a7c15ll);
    for (int j = 0; j < 8; j++)
        x[j] = _mm512_set1_epi64(j);
    for (size_t done = 0; done < (size_t)PAIRS * ENTRIES * LANE; done += 512) {
        for (int r = 1; r < 14; r++)
            for (int j = 0; j < 8; j++)
                x[j] = _mm512_aesenc_epi128(x[j], keys[r]);
        for (int j = 0; j < 8; j++)
            x[j] = _mm512_aesenclast_epi128(x[j], keys[14]);
    }
    for (int j = 1; j < 8; j++)
        x[0] = _mm512_xor_si512(x[0], x[j]);
    fed_bench_use(x);
}
#endif

static void bench_masks(fed_bench *b)
{
    for (int i = 0; i < PAIRS; i++)
        memset(masks[i].key, i + 1, sizeof masks[i].key), masks[i].subtract = i % 2;
    fed_bench_case c = {.name = "masks, OpenSSL, 100 pairs",
                        .unit = "G entries/s",
                        .work = (double)PAIRS * ENTRIES / 1e9,
                        .ours = masks_evp,
                        .reference = evp_ceiling,
                        .reference_name = "OpenSSL AES-256-CTR alone",
                        .target = {FED_BENCH_RATIO_AT_LEAST, 0.85}};
    fed_bench_run(b, &c);
#if defined(__x86_64__)
    if (!fed_mask_is_fused()) return;
    c.name = "masks, fused VAES, 100 pairs";
    c.ours = masks_best;
    c.reference = vaes_ceiling;
    c.reference_name = "bare VAES rounds";
    c.target.value = 0.8;
    fed_bench_run(b, &c);
#endif
}

/* ---- Shamir ------------------------------------------------------------------------------- */

typedef struct sharing {
    uint32_t n, t;
    uint32_t *points;
    uint8_t *shares;
    const uint8_t **at;
} sharing;

static void share(void *ctx)
{
    static const uint8_t secret[32] = {1}, key[32] = {2};
    sharing *s = ctx;
    fed_error err;
    must(fed_shamir_share(secret, key, s->t, s->points, s->n, s->shares, &err), &err);
}

/* The set of points is new each time: nothing is cached. */
static void restore(void *ctx)
{
    sharing *s = ctx;
    fed_error err;
    uint8_t secret[32];
    fed_shamir_weights w;
    fed_shamir_weights_init(&w);
    must(fed_shamir_weights_set(&w, s->points, s->t, &err), &err);
    must(fed_shamir_recover(&w, s->at, secret, &err), &err);
    fed_shamir_weights_fini(&w);
}

static void bench_shamir(fed_bench *b, uint32_t n, uint32_t t, double share_ms,
                         double restore_ms)
{
    static char names[4][48];
    static int used;
    sharing s = {n, t, must_have(calloc(n, 4)), must_have(calloc(n, FED_SHAMIR_SHARE)),
                 must_have(calloc(n, sizeof(void *)))};
    for (uint32_t i = 0; i < n; i++)
        s.points[i] = i + 1, s.at[i] = s.shares + (size_t)i * FED_SHAMIR_SHARE;
    fed_bench_case c = {.unit = "ms", .ctx = &s};
    c.name = names[used];
    snprintf(names[used++], sizeof names[0], "Shamir share n=%u t=%u", n, t);
    c.ours = share;
    c.target = (fed_bench_target){FED_BENCH_OURS_AT_MOST, share_ms};
    fed_bench_run(b, &c);
    share(&s);
    c.name = names[used];
    snprintf(names[used++], sizeof names[0], "Shamir restore n=%u t=%u", n, t);
    c.ours = restore;
    c.target.value = restore_ms;
    fed_bench_run(b, &c);
    free(s.points), free(s.shares), free((void *)s.at);
}

/* ---- Unmasking: a server whose cohort has just revealed, made without its devices ----------- */

typedef struct fates {
    uint32_t n, k, t, tenths, length; /* of each ten members `tenths` drop out */
} fates;

static void fill(void *out, size_t n, uint64_t version)
{
    uint8_t key[32] = {5};
    fed_stream s;
    fed_stream_init(&s, key, FED_PURPOSE_TEST, version);
    fed_stream_fill(&s, out, n);
}

static void make_member(fed_secagg_server *s, uint32_t i, const fates *f,
                        uint8_t (*secrets)[2][32])
{
    fed_error err;
    fed_secagg_member *m = &s->members[i];
    fill(secrets[i], sizeof secrets[i], i);
    must(fed_x25519_public(secrets[i][0], m->bundle.mask_key, &err), &err);
    must(fed_secagg_commit(s->params.cohort, secrets[i][1], m->bundle.commitment, &err),
         &err);
    m->sent = FED_SECAGG_REVEAL;
    m->picks = must_have(fed_calloc(f->k, sizeof *m->picks));
    uint32_t at = 0, wrap = i + f->k >= f->n ? i + f->k - f->n + 1 : 0;
    for (uint32_t j = 0; j < wrap; j++)
        m->picks[at++] = j;
    for (uint32_t j = i + 1; at < f->k; j++)
        m->picks[at++] = j;
}

/* Each holder that stays reveals the one share of each dealer. */
static void make_reveals(fed_secagg_server *s, const fates *f, uint8_t (*secrets)[2][32])
{
    fed_error err;
    static const uint8_t key[32] = {3};
    size_t each = (size_t)f->k * FED_SHAMIR_SHARE;
    uint32_t *points = must_have(malloc(4 * f->k));
    uint8_t *shares = must_have(malloc(each * f->n));
    for (uint32_t i = 0; i < f->n; i++) {
        for (uint32_t j = 0; j < f->k; j++)
            points[j] = s->members[i].picks[j] + 1;
        must(fed_shamir_share(secrets[i][fed_map_has(s->u3, i)], key, f->t, points, f->k,
                              shares + each * i, &err),
             &err);
    }
    for (uint32_t i = 0; i < f->n; i++) {
        if (!fed_map_has(s->u3, i)) continue;
        fed_secagg_member *m = &s->members[i];
        size_t map = fed_map_bytes(m->n_pickers);
        m->reveal_len = map + (size_t)m->n_pickers * FED_SHAMIR_SHARE;
        m->reveal = must_have(fed_calloc(1, m->reveal_len));
        for (uint32_t j = 0; j < m->n_pickers; j++) {
            uint32_t dealer = m->pickers[j];
            int64_t place = fed_server_place_of(s->members[dealer].picks, f->k, i);
            fed_map_add(m->reveal, j);
            memcpy(m->reveal + map + (size_t)j * FED_SHAMIR_SHARE,
                   shares + each * dealer + (size_t)place * FED_SHAMIR_SHARE,
                   FED_SHAMIR_SHARE);
        }
    }
    free(points), free(shares);
}

static fed_secagg_server *make_server(const fates *f)
{
    fed_error err;
    fed_secagg_server *s;
    fed_secagg_params params = {.threat = {FED_SECAGG_CURIOUS, 0, 0, false},
                                .stream = FED_KEYSTREAM_AES256_CTR,
                                .n_min = 3,
                                .n_max = f->n,
                                .s_min = 2,
                                .n_vectors = 1,
                                .vectors = {{"update", f->length, UPLOAD_BITS}}};
    uint8_t(*secrets)[2][32] = must_have(calloc(f->n, sizeof *secrets));
    fed_secagg_server_config config = {&params, NULL, fed_pool_parallel(pool)};
    must(fed_secagg_server_new(&s, &config, &err), &err);
    s->n = f->n;
    s->session.graph = (fed_secagg_graph){f->n, f->k, f->t, f->k};
    for (uint32_t i = 0; i < f->n; i++)
        make_member(s, i, f, secrets);
    must(fed_server_find_pickers(s, &err), &err);
    s->u2 = must_have(fed_calloc(1, fed_map_bytes(f->n)));
    s->u3 = must_have(fed_calloc(1, fed_map_bytes(f->n)));
    for (uint32_t i = 0; i < f->n; i++) {
        fed_map_add(s->u2, i);
        if (i % 10 >= f->tenths) fed_map_add(s->u3, i);
    }
    make_reveals(s, f, secrets);
    free(secrets);
    return s;
}

static void bench_unmask(fed_bench *b, uint32_t n, bool complete, unsigned percent,
                         double target)
{
    static char names[16][64];
    static int used;
    fed_error err;
    fed_secagg_graph g = {n, n - 1, n - 1 - n / 3, n - 1};
    fed_secagg_threat threat = {FED_SECAGG_ACTIVE, 50000, 300000, false};
    if (!complete) must(fed_secagg_graph_choose(&threat, n, &g, &err), &err);
    fates f = {n, g.k, g.t, percent / 10, 100000};
    char *name = names[used++];
    snprintf(name, sizeof names[0], "unmask n=%u k=%u, %u %% dropped", n, g.k, percent);
    if (!fed_bench_wanted(b, name)) return;
    fed_secagg_server *s = make_server(&f);
    int64_t start = fed_clock_monotonic_ns();
    must(fed_unmask_sums(s, &err), &err);
    double seconds = (double)(fed_clock_monotonic_ns() - start) / 1e9;
    if (s->reason[0]) fprintf(stderr, "bench_secagg: %s\n", s->reason);
    fed_bench_figure figure = {
        .name = name, .unit = "s", .ours = seconds, .reference = NAN};
    if (target > 0) figure.target = (fed_bench_target){FED_BENCH_OURS_AT_MOST, target};
    fed_bench_add(b, &figure);
    fed_secagg_server_free(s);
}

/* ---- Uploads ----------------------------------------------------------------------------------- */

static uint8_t *packed;
static fed_ring total;

static void add_upload(void *ctx)
{
    fed_error err;
    (void)ctx;
    size_t bytes = fed_ring_packed_bytes(UPLOAD_BITS, ENTRIES);
    must(fed_ring_add_packed(&total, (fed_span){packed, bytes}, &err), &err);
}

static void bench_uploads(fed_bench *b)
{
    fed_error err;
    must(fed_ring_init(&total, UPLOAD_BITS, ENTRIES, &err), &err);
    size_t bytes = fed_ring_packed_bytes(UPLOAD_BITS, ENTRIES);
    packed = must_have(calloc(1, bytes));
    fill(packed, bytes, 1);
    fed_bench_run(b, &(fed_bench_case){.name = "add one upload of 2^20 x 20 bits",
                                       .unit = "ms",
                                       .ours = add_upload,
                                       .target = {FED_BENCH_OURS_AT_MOST, 0.6}});
    fed_ring_fini(&total);
    free(packed);
}

/* What a device sends beyond the packed vectors, per holder; members pick each other evenly. */
static void bench_bytes(fed_bench *b, uint32_t n)
{
    static char names[2][64];
    static int used;
    fed_error err;
    fed_secagg_graph g;
    fed_secagg_threat threat = {FED_SECAGG_ACTIVE, 50000, 200000, false};
    must(fed_secagg_graph_choose(&threat, n, &g, &err), &err);
    double bytes = (double)fed_secagg_device_bytes(&g, FED_SECAGG_ACTIVE);
    char *name = names[used++];
    snprintf(name, sizeof names[0], "bytes sent beyond input, n=%u k=%u", n, g.k);
    fed_bench_add(
        b, &(fed_bench_figure){.name = name,
                               .unit = "B",
                               .ours = bytes,
                               .reference = 120.0 * g.k + 64.0 * g.k,
                               .reference_name = "120 B k + 64 B per picked bundle",
                               .target = {FED_BENCH_RATIO_AT_MOST, 1}});
}

int main(int argc, char **argv)
{
    fed_error err;
    fed_bench *b = fed_bench_start("secagg", argc, argv);
    must(fed_pool_new(&pool, 2, &err), &err);
    bench_masks(b);
    bench_shamir(b, 100, 60, 0.06, 0.02);
    bench_shamir(b, 500, 300, 1.2, 0.3);
    static const unsigned percents[] = {0, 10, 30};
    for (int i = 0; i < 3; i++) {
        bench_unmask(b, 100, true, percents[i], 0);
        bench_unmask(b, 500, true, percents[i], percents[i] == 30 ? 1.7 : 0);
        bench_unmask(b, 500, false, percents[i], 0);
        bench_unmask(b, 1000, false, percents[i], 0);
    }
    bench_uploads(b);
    bench_bytes(b, 100);
    bench_bytes(b, 1000);
    fed_pool_free(pool);
    return fed_bench_finish(b);
}
