/*
 * Magnitudes of float32 order like their bits, so the k-th largest is found by counting: one
 * pass over the upper 16 bits of the keys finds the bucket that holds it, one over the lower
 * 15 bits of that bucket finds the key. When k is small, a bound that a sample suggests
 * thins the keys out first, in one fast pass; if it lets fewer than k through, which the exact
 * count shows, all keys are counted after all. So the result is exact in any case.
 */
#include "select_largest.h"

#include <string.h>

#include "codec_kernels.h"

enum { HIGH_BITS = 16, LOW_BITS = 15, SAMPLE = 4096, THIN_FROM = 1 << 16 };

/* The keys that still matter: all (list is NULL) or those listed. */
typedef struct candidates {
    const void *keys;
    uint32_t mask;
    const uint32_t *list;
    size_t n;
} candidates;

static inline uint32_t key_of(const candidates *c, size_t i)
{
    uint32_t key;
    size_t at = c->list ? c->list[i] : i;
    memcpy(&key, (const uint8_t *)c->keys + 4 * at, sizeof key);
    return key & c->mask;
}

/* From the top, the bucket in which the running count reaches `k`; k becomes the rank
 * inside it. */
static uint32_t bucket_of(const uint32_t *counts, uint32_t buckets, size_t *k)
{
    uint32_t b = buckets - 1;
    while (counts[b] < *k)
        *k -= counts[b--];
    return b;
}

static uint32_t kth_of(const candidates *c, size_t k, uint32_t *counts)
{
    memset(counts, 0, sizeof *counts << HIGH_BITS);
    for (size_t i = 0; i < c->n; i++)
        counts[key_of(c, i) >> LOW_BITS]++;
    uint32_t high = bucket_of(counts, 1u << HIGH_BITS, &k);
    memset(counts, 0, sizeof *counts << LOW_BITS);
    for (size_t i = 0; i < c->n; i++)
        if (key_of(c, i) >> LOW_BITS == high)
            counts[key_of(c, i) & ((1u << LOW_BITS) - 1)]++;
    return high << LOW_BITS | bucket_of(counts, 1u << LOW_BITS, &k);
}

/* A bound that about 1.25 k of the keys reach, and almost never fewer than k. */
static uint32_t sampled_bound(const candidates *all, size_t k, uint32_t *counts)
{
    uint32_t sample[SAMPLE];
    size_t stride = all->n / SAMPLE, expected = k / stride + 1, slack = 8;
    for (size_t i = 0; i < SAMPLE; i++)
        sample[i] = key_of(all, i * stride + i % stride);
    while (slack * slack < 12 * expected)
        slack++;
    candidates few = {sample, all->mask, NULL, SAMPLE};
    size_t rank = expected + expected / 4 + slack;
    return kth_of(&few, rank < SAMPLE ? rank : SAMPLE, counts);
}

/* Thin `c` out into `list` (room for n + 1) if that is worth it. */
static void thin_out(candidates *c, size_t k, uint32_t *counts, uint32_t *list)
{
    if (c->n < THIN_FROM || k > c->n / 8) return;
    uint32_t bound = sampled_bound(c, k, counts);
    size_t hits = fed_codec_kernels_active()->filter(c->keys, c->mask, c->n, bound, list);
    if (hits < k) return;
    c->list = list;
    c->n = hits;
}

typedef struct selection {
    uint32_t *counts, *list;
} selection;

static fed_status selection_init(selection *s, size_t n, fed_error *err)
{
    s->counts = fed_malloc(sizeof *s->counts << HIGH_BITS);
    s->list = fed_malloc((n + 1) * sizeof *s->list);
    if (s->counts && s->list) return FED_OK;
    return fed_fail_nomem(err, (n + 1) * sizeof *s->list);
}

static void selection_fini(selection *s)
{
    fed_free(s->counts);
    fed_free(s->list);
}

fed_status fed_select_largest(const void *keys, uint32_t mask, size_t n, size_t k,
                              uint32_t *indices, fed_error *err)
{
    if (!k) return FED_OK;
    selection s;
    fed_status status = selection_init(&s, n, err);
    if (!status) {
        candidates c = {keys, mask, NULL, n};
        thin_out(&c, k, s.counts, s.list);
        uint32_t kth = kth_of(&c, k, s.counts);
        size_t above = 0, taken = 0;
        for (size_t i = 0; i < c.n; i++)
            above += key_of(&c, i) > kth;
        size_t ties = k - above;
        for (size_t i = 0; i < c.n && taken < k; i++) {
            uint32_t key = key_of(&c, i);
            if (key < kth || (key == kth && !ties)) continue;
            ties -= key == kth;
            indices[taken++] = c.list ? c.list[i] : (uint32_t)i;
        }
    }
    selection_fini(&s);
    return status;
}

fed_status fed_select_kth(const void *keys, uint32_t mask, size_t n, size_t k,
                          uint32_t *kth, fed_error *err)
{
    selection s;
    fed_status status = selection_init(&s, n, err);
    if (!status) {
        candidates c = {keys, mask, NULL, n};
        thin_out(&c, k, s.counts, s.list);
        *kth = kth_of(&c, k, s.counts);
    }
    selection_fini(&s);
    return status;
}
