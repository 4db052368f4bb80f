/* The fused kernel against OpenSSL word for word; tiles, threads and signs do not matter. */
#include "harness.h"
#include "secagg.h"
#include "mask.h"
#include "mask_vaes.h"

enum { MASKS = 5, ENTRIES = 40000 };

static const unsigned lanes[] = {2, 4, 8};

static void make_masks(fed_mask masks[MASKS], uint64_t version)
{
    fed_stream s;
    uint8_t key[32];
    fed_seed_from_u64(key, 3);
    fed_stream_init(&s, key, FED_PURPOSE_TEST, version);
    for (int i = 0; i < MASKS; i++) {
        fed_stream_fill(&s, masks[i].key, sizeof masks[i].key);
        masks[i].subtract = i % 2;
    }
}

/* NIST SP 800-38A F.5.5 gives AES-256-CTR for a counter that does not start at zero; with
 * counter 0 the stream is AES of 0, 1, ...: FIPS 197 C.3's key on the zero block. */
static void test_known_stream(void)
{
    fed_error err;
    fed_keystream *s;
    uint8_t key[32], want[64], got[64];
    for (int i = 0; i < 32; i++)
        key[i] = (uint8_t)i;
    CHECK_OK(fed_keystream_new(&s, FED_KEYSTREAM_AES256_CTR, &err), &err);
    CHECK_OK(fed_keystream_start(s, key, NULL, &err), &err);
    CHECK_OK(fed_keystream_fill(s, want, sizeof want, &err), &err);
    fed_keystream_free(s);
    /* AES-256(key 000102..1f, 0^16) */
    static const uint8_t first[16] = {0xf2, 0x90, 0x00, 0xb6, 0x2a, 0x49, 0x9f, 0xd0,
                                      0xa9, 0xf3, 0x9a, 0x6a, 0xdd, 0x2e, 0x77, 0x80};
    CHECK_MEM(want, first, sizeof first);
    if (!fed_mask_vaes_available()) {
        fed_skip("this processor has no VAES on 512-bit registers");
        return;
    }
    uint8_t schedule[FED_VAES_SCHEDULE];
    memset(got, 0, sizeof got);
    fed_mask_vaes_schedule(key, schedule);
    fed_mask_vaes_add(schedule, 0, 8, false, got, sizeof got);
    CHECK_MEM(got, want, sizeof want);
}

static void test_fused_equals_openssl(void)
{
    if (!fed_mask_vaes_available()) {
        fed_skip("this processor has no VAES on 512-bit registers");
        return;
    }
    static uint64_t a[ENTRIES], b[ENTRIES];
    fed_mask masks[MASKS];
    fed_error err;
    make_masks(masks, 1);
    for (int l = 0; l < 3; l++)
        for (size_t n = 1; n <= ENTRIES; n += n < 300 ? 1 : 4999) {
            memset(a, 0x5a, sizeof a);
            memset(b, 0x5a, sizeof b);
            CHECK_OK(fed_mask_apply(a, lanes[l], n, masks, MASKS,
                                    FED_KEYSTREAM_AES256_CTR, NULL, &err),
                     &err);
            CHECK_OK(fed_mask_apply_evp(b, lanes[l], n, masks, MASKS,
                                        FED_KEYSTREAM_AES256_CTR, NULL, &err),
                     &err);
            if (memcmp(a, b, sizeof a) != 0) CHECK_MEM(a, b, sizeof a);
        }
}

/* Counters beyond 2^32 blocks: the carry into the next word. */
static void test_fused_counts_past_32_bits(void)
{
    if (!fed_mask_vaes_available()) {
        fed_skip("this processor has no VAES on 512-bit registers");
        return;
    }
    fed_error err;
    fed_keystream *s;
    fed_mask masks[MASKS];
    uint8_t want[2048], got[2048] = {0}, schedule[FED_VAES_SCHEDULE];
    make_masks(masks, 2);
    uint64_t block = (UINT64_C(1) << 32) - 7;
    CHECK_OK(fed_keystream_new(&s, FED_KEYSTREAM_AES256_CTR, &err), &err);
    CHECK_OK(fed_keystream_start(s, masks[0].key, NULL, &err), &err);
    CHECK_OK(fed_keystream_seek(s, block, &err), &err);
    CHECK_OK(fed_keystream_fill(s, want, sizeof want, &err), &err);
    fed_keystream_free(s);
    fed_mask_vaes_schedule(masks[0].key, schedule);
    fed_mask_vaes_add(schedule, block, 8, false, got, sizeof got);
    CHECK_MEM(got, want, sizeof want);
}

static void test_equals_the_definition(void)
{
    static uint32_t got[ENTRIES], want[ENTRIES], one[ENTRIES];
    static const fed_keystream_kind kinds[] = {FED_KEYSTREAM_AES256_CTR,
                                               FED_KEYSTREAM_CHACHA20};
    fed_mask masks[MASKS];
    fed_error err;
    make_masks(masks, 3);
    for (int k = 0; k < 2; k++) {
        memset(got, 0, sizeof got);
        memset(want, 0, sizeof want);
        CHECK_OK(fed_mask_apply(got, 4, ENTRIES, masks, MASKS, kinds[k], NULL, &err),
                 &err);
        for (int m = 0; m < MASKS; m++) {
            CHECK_OK(fed_mask_expand(masks[m].key, 4, ENTRIES, kinds[k], one, &err),
                     &err);
            for (int i = 0; i < ENTRIES; i++)
                want[i] += masks[m].subtract ? 0 - one[i] : one[i];
        }
        CHECK_MEM(got, want, sizeof got);
    }
}

static void test_threads_change_nothing(void)
{
    static uint16_t a[ENTRIES], b[ENTRIES];
    fed_mask masks[MASKS];
    fed_error err;
    fed_pool *pool;
    make_masks(masks, 4);
    CHECK_OK(fed_pool_new(&pool, 4, &err), &err);
    const fed_parallel *p = fed_pool_parallel(pool);
    CHECK_OK(
        fed_mask_apply(a, 2, ENTRIES, masks, MASKS, FED_KEYSTREAM_AES256_CTR, NULL, &err),
        &err);
    CHECK_OK(
        fed_mask_apply(b, 2, ENTRIES, masks, MASKS, FED_KEYSTREAM_AES256_CTR, p, &err),
        &err);
    CHECK_MEM(a, b, sizeof a);
    CHECK_OK(fed_mask_apply_evp(a, 2, ENTRIES, masks, MASKS, FED_KEYSTREAM_CHACHA20, NULL,
                                &err),
             &err);
    CHECK_OK(
        fed_mask_apply_evp(b, 2, ENTRIES, masks, MASKS, FED_KEYSTREAM_CHACHA20, p, &err),
        &err);
    CHECK_MEM(a, b, sizeof a);
    fed_pool_free(pool);
}

static void test_what_one_adds_the_other_takes_away(void)
{
    static uint64_t a[ENTRIES], zero[ENTRIES];
    fed_mask masks[2];
    fed_error err;
    memset(masks, 7, sizeof masks);
    masks[0].subtract = false, masks[1].subtract = true;
    for (int l = 0; l < 3; l++) {
        CHECK_OK(fed_mask_apply(a, lanes[l], ENTRIES, masks, 2, FED_KEYSTREAM_AES256_CTR,
                                NULL, &err),
                 &err);
        CHECK_MEM(a, zero, sizeof a);
    }
}

static fed_status apply_both(void *ctx)
{
    static uint32_t a[1000];
    fed_error err;
    fed_status status;
    FED_GO(fed_mask_apply(a, 4, 1000, ctx, MASKS, FED_KEYSTREAM_AES256_CTR, NULL, &err));
    FED_GO(
        fed_mask_apply_evp(a, 4, 1000, ctx, MASKS, FED_KEYSTREAM_AES256_CTR, NULL, &err));
out:
    return status;
}

static void test_survives_failing_allocations(void)
{
    fed_mask masks[MASKS];
    make_masks(masks, 5);
    CHECK(fed_torture(apply_both, masks) >= 3);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_known_stream),
                                     CASE(test_fused_equals_openssl),
                                     CASE(test_fused_counts_past_32_bits),
                                     CASE(test_equals_the_definition),
                                     CASE(test_threads_change_nothing),
                                     CASE(test_what_one_adds_the_other_takes_away),
                                     CASE(test_survives_failing_allocations)};
    return fed_run("secagg_mask", cases, sizeof cases / sizeof *cases);
}
