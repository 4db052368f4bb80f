/*
 * The codec at the size of McMahan's MNIST CNN, on one core. The references are what the work
 * costs at least, or what a plain version of it costs: copying the vector, one rotation
 * of the vector padded to a power of two, counting all keys, the entropy of the indices.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "codec.h"
#include "golomb.h"
#include "select_largest.h"

enum { D = 1663370, PADDED = 1 << 21, PACKED = 1 << 20 };

static float delta[D], scratch[PADDED], mean[D];
static uint32_t indices[D];
static uint8_t packed[PACKED * 8];
static const uint8_t key[32] = {1, 2, 3};

static void must(fed_status status, const fed_error *err)
{
    if (status == FED_OK) return;
    fprintf(stderr, "bench_codec: %s\n", err->text);
    exit(1);
}

/* Heavy-tailed, as updates are. */
static void fill_delta(void)
{
    uint8_t seed[FED_SEED_BYTES];
    fed_stream s;
    fed_seed_from_u64(seed, 7);
    fed_stream_init(&s, seed, FED_PURPOSE_TEST, 0);
    for (int i = 0; i < D; i++)
        delta[i] =
            (float)(fed_stream_normal(&s) * exp(0.8 * fed_stream_normal(&s)) * 3e-4);
}

/* A codec with a round, and the sum of one update. */
typedef struct setup {
    fed_codec *codec;
    fed_codec_round *round;
    fed_codec_sum sum;
} setup;

static fed_codec_config config_for(uint32_t n_max, unsigned bits)
{
    fed_codec_config c;
    fed_codec_config_init(&c);
    c.d = D;
    c.n_max = n_max;
    c.bits = bits;
    return c;
}

static void encode(void *ctx)
{
    const setup *s = ctx;
    fed_error err;
    fed_codec_update update;
    fed_codec_input in = {.delta = delta, .weight = 1, .key = key};
    must(fed_codec_encode(s->codec, s->round, &in, &update, &err), &err);
    fed_bench_use(&update);
    fed_codec_update_fini(&update);
}

static void encode_and_pack(void *ctx)
{
    const setup *s = ctx;
    fed_error err;
    fed_codec_update update;
    fed_codec_input in = {.delta = delta, .weight = 1, .key = key};
    must(fed_codec_encode(s->codec, s->round, &in, &update, &err), &err);
    fed_ring_pack(&update.vectors[0].ring, packed);
    fed_bench_use(packed);
    fed_codec_update_fini(&update);
}

static void decode(void *ctx)
{
    const setup *s = ctx;
    fed_error err;
    fed_codec_outcome outcome;
    must(fed_codec_decode(s->codec, s->round, &s->sum, (fed_codec_divisor){0}, mean,
                          &outcome, NULL, &err),
         &err);
    fed_bench_use(mean);
}

static void setup_init(setup *s, const fed_codec_config *c, bool secagg)
{
    fed_error err;
    fed_codec_update update;
    fed_codec_input in = {.delta = delta, .weight = 1, .key = key};
    must(fed_codec_new(&s->codec, c, secagg, &err), &err);
    must(fed_codec_round_first(s->codec, 0, &s->round, &err), &err);
    must(fed_codec_sum_init(s->codec, s->round, &s->sum, &err), &err);
    if (!fed_codec_is_linear(s->codec)) return;
    must(fed_codec_encode(s->codec, s->round, &in, &update, &err), &err);
    must(fed_codec_sum_add(s->codec, &s->sum, &update, &err), &err);
    fed_codec_update_fini(&update);
}

static void setup_fini(setup *s)
{
    fed_codec_sum_fini(&s->sum);
    fed_codec_round_free(s->round);
    fed_codec_free(s->codec);
}

/* One plain transform of the vector padded with zeros, level by level. */
static void plain_rotation(void *ctx)
{
    (void)ctx;
    memcpy(scratch, delta, sizeof delta);
    memset(scratch + D, 0, sizeof scratch - sizeof delta);
    for (size_t h = 1; h < PADDED; h *= 2)
        for (size_t i = 0; i < PADDED; i += 2 * h)
            for (size_t j = i; j < i + h; j++) {
                float a = scratch[j], b = scratch[j + h];
                scratch[j] = a + b, scratch[j + h] = a - b;
            }
    fed_bench_use(scratch);
}

/* Two counting passes over all keys, and a third to collect: the prototype's selection. */
static void plain_selection(void *ctx)
{
    static uint32_t counts[1 << 16];
    size_t k = *(const size_t *)ctx, left = k, n = 0;
    memset(counts, 0, sizeof counts);
    memcpy(scratch, delta, sizeof delta);
    const uint32_t *keys = (const uint32_t *)(const void *)scratch;
    for (size_t i = 0; i < D; i++)
        counts[(keys[i] & 0x7fffffff) >> 15]++;
    uint32_t high = 65535;
    while (counts[high] < left)
        left -= counts[high--];
    for (size_t i = 0; i < D; i++)
        if ((keys[i] & 0x7fffffff) >> 15 >= high) indices[n++] = (uint32_t)i;
    fed_bench_use(indices);
}

static void bench_encode(fed_bench *b)
{
    setup s;
    fed_codec_config c = config_for(65, 4);
    setup_init(&s, &c, true);
    fed_bench_run(b, &(fed_bench_case){.name = "rotate + quantise 1.66 M, all stages",
                                       .unit = "ms",
                                       .ours = encode,
                                       .ctx = &s,
                                       .reference = plain_rotation,
                                       .reference_name = "plain rotation of 2^21 alone",
                                       .target = {FED_BENCH_OURS_AT_MOST, 8}});
    fed_bench_run(b, &(fed_bench_case){.name = "the same and packed at 10 bits",
                                       .unit = "ms",
                                       .ours = encode_and_pack,
                                       .ctx = &s,
                                       .reference = plain_rotation,
                                       .reference_name = "plain rotation of 2^21 alone"});
    fed_bench_run(b, &(fed_bench_case){.name = "decode a sum of 1.66 M",
                                       .unit = "ms",
                                       .ours = decode,
                                       .ctx = &s,
                                       .reference = plain_rotation,
                                       .reference_name = "plain rotation of 2^21 alone"});
    setup_fini(&s);
}

static void bench_voted(fed_bench *b)
{
    setup s;
    fed_codec_config c = config_for(65, 4);
    c.select = FED_CODEC_VOTED;
    c.fraction = 0.05;
    setup_init(&s, &c, true);
    fed_bench_run(b, &(fed_bench_case){.name = "voted 5 %, encode with votes",
                                       .unit = "ms",
                                       .ours = encode,
                                       .ctx = &s,
                                       .reference = plain_rotation,
                                       .reference_name = "plain rotation of 2^21 alone"});
    fed_bench_add(b,
                  &(fed_bench_figure){
                      .name = "voted 5 %, 64-blocks, 4 bit, n_max = 65",
                      .unit = "x smaller",
                      .ours = 4.0 * D / (double)fed_codec_upload_bytes(s.codec, s.round),
                      .reference = 1,
                      .reference_name = "float32",
                      .target = {FED_BENCH_OURS_AT_LEAST, 40}});
    setup_fini(&s);
}

static void bench_top_k(fed_bench *b)
{
    setup s;
    fed_error err;
    fed_codec_config c = config_for(65, 8);
    c.select = FED_CODEC_TOP_K;
    c.fraction = 0.01;
    setup_init(&s, &c, false);
    size_t k = D / 100;
    fed_bench_run(b, &(fed_bench_case){.name = "top-k 1 % of 1.66 M, select + encode",
                                       .unit = "ms",
                                       .ours = encode,
                                       .ctx = &s,
                                       .reference = plain_selection,
                                       .reference_ctx = &k,
                                       .reference_name = "counting all keys alone",
                                       .target = {FED_BENCH_OURS_AT_MOST, 3}});
    setup_fini(&s);
    fed_bytes code;
    fed_bytes_init(&code, 1 << 20);
    must(fed_select_largest(delta, FED_KEY_MAGNITUDE, D, k, indices, &err), &err);
    must(fed_golomb_encode(indices, k, D, &code, &err), &err);
    double p = (double)k / D;
    fed_bench_add(
        b, &(fed_bench_figure){.name = "index cost, top-k 1 %",
                               .unit = "bit",
                               .ours = 8.0 * (double)code.len / (double)k,
                               .reference = -(p * log2(p) + (1 - p) * log2(1 - p)) / p,
                               .reference_name = "entropy",
                               .target = {FED_BENCH_OURS_AT_MOST, 8.16}});
    fed_bytes_fini(&code);
}

static void pack(void *ctx)
{
    fed_ring_pack(ctx, packed);
    fed_bench_use(packed);
}

static void add_packed(void *ctx)
{
    fed_error err;
    fed_ring *ring = ctx;
    fed_span bytes = {packed, fed_ring_packed_bytes(ring->bits, ring->n)};
    must(fed_ring_add_packed(ring, bytes, &err), &err);
    fed_bench_use(ring->lanes);
}

static void add_lanes(void *ctx)
{
    fed_ring *ring = ctx;
    const uint8_t *from = packed;
    uint8_t *to = ring->lanes;
    size_t n = ring->n * fed_ring_lane_bytes(ring->bits);
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(to[i] + from[i]);
    fed_bench_use(to);
}

static void bench_ring(fed_bench *b, unsigned bits, const char *pack_name,
                       const char *add_name)
{
    fed_ring ring;
    fed_error err;
    must(fed_ring_init(&ring, bits, PACKED, &err), &err);
    fed_bench_run(b, &(fed_bench_case){.name = pack_name,
                                       .unit = "ms",
                                       .ours = pack,
                                       .ctx = &ring,
                                       .reference = add_lanes,
                                       .reference_name = "adding whole lanes"});
    fed_bench_run(b, &(fed_bench_case){.name = add_name,
                                       .unit = "ms",
                                       .ours = add_packed,
                                       .ctx = &ring,
                                       .reference = add_lanes,
                                       .reference_name = "adding whole lanes",
                                       .target = {FED_BENCH_OURS_AT_MOST, 0.6}});
    fed_ring_fini(&ring);
}

int main(int argc, char **argv)
{
    fed_bench *b = fed_bench_start("codec", argc, argv);
    fill_delta();
    bench_encode(b);
    bench_voted(b);
    bench_top_k(b);
    bench_ring(b, 10, "pack 2^20 entries, B = 10", "add 2^20 packed entries, B = 10");
    bench_ring(b, 20, "pack 2^20 entries, B = 20", "add 2^20 packed entries, B = 20");
    return fed_bench_finish(b);
}
