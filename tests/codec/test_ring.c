/* Vectors over Z_2^B: adding, centring, packing exactly B bits. */
#include "codec.h"
#include "harness.h"

enum { N = 203 };

static fed_stream stream_of(uint64_t seed)
{
    uint8_t key[FED_SEED_BYTES];
    fed_stream s;
    fed_seed_from_u64(key, seed);
    fed_stream_init(&s, key, FED_PURPOSE_TEST, 0);
    return s;
}

/* Random lanes, the bits above B random too: they must not matter. */
static fed_ring random_ring(unsigned bits, size_t n, fed_stream *s)
{
    fed_ring r;
    fed_error err;
    CHECK_OK(fed_ring_init(&r, bits, n, &err), &err);
    fed_stream_fill(s, r.lanes, n * fed_ring_lane_bytes(bits));
    return r;
}

static uint64_t low(uint64_t v, unsigned bits)
{
    return bits == 64 ? v : v & ((UINT64_C(1) << bits) - 1);
}

/* Entry i of a bit string, bit by bit: the definition. */
static uint64_t entry_by_definition(const uint8_t *packed, unsigned bits, size_t i)
{
    uint64_t v = 0;
    for (unsigned b = 0; b < bits; b++) {
        size_t at = i * bits + b;
        v |= (uint64_t)(packed[at / 8] >> at % 8 & 1) << b;
    }
    return v;
}

static void test_pack_is_exact_for_every_width(void)
{
    uint8_t packed[N * 8];
    fed_error err;
    fed_stream s = stream_of(1);
    for (unsigned bits = 1; bits <= 64; bits++)
        for (size_t n = 0; n <= N; n += n < 20 ? 1 : 61) {
            fed_ring a = random_ring(bits, n, &s), b;
            size_t bytes = fed_ring_packed_bytes(bits, n);
            CHECK_EQ(bytes, (n * bits + 7) / 8);
            fed_ring_pack(&a, packed);
            CHECK_OK(fed_ring_init(&b, bits, n, &err), &err);
            CHECK_OK(fed_ring_unpack(&b, (fed_span){packed, bytes}, &err), &err);
            size_t wrong = 0;
            for (size_t i = 0; i < n; i++)
                wrong += fed_ring_get(&a, i) != fed_ring_get(&b, i) ||
                         entry_by_definition(packed, bits, i) != fed_ring_get(&a, i);
            CHECK_MSG(wrong == 0, "%u bits, %zu entries: %zu wrong", bits, n, wrong);
            fed_ring_fini(&a);
            fed_ring_fini(&b);
        }
}

static void test_sums_are_exact_mod_2_to_b(void)
{
    uint8_t packed[N * 8];
    int64_t centred[N];
    fed_error err;
    fed_stream s = stream_of(2);
    for (unsigned bits = 1; bits <= 64; bits++) {
        fed_ring a = random_ring(bits, N, &s), b = random_ring(bits, N, &s), c;
        CHECK_OK(fed_ring_init(&c, bits, N, &err), &err);
        fed_ring_pack(&a, packed);
        CHECK_OK(fed_ring_unpack(&c, (fed_span){packed, (N * bits + 7) / 8}, &err), &err);
        fed_ring_pack(&b, packed);
        CHECK_OK(fed_ring_add_packed(&c, (fed_span){packed, (N * bits + 7) / 8}, &err),
                 &err);
        CHECK_OK(fed_ring_add(&a, &b, &err), &err);
        fed_ring_centre(&a, 0, centred, N);
        size_t wrong = 0;
        for (size_t i = 0; i < N; i++) {
            uint64_t v = fed_ring_get(&a, i);
            wrong += v != fed_ring_get(&c, i) || low((uint64_t)centred[i], bits) != v;
            if (bits < 64)
                wrong += centred[i] < -(INT64_C(1) << (bits - 1)) ||
                         centred[i] >= INT64_C(1) << (bits - 1);
        }
        CHECK_MSG(wrong == 0, "%u bits: %zu wrong", bits, wrong);
        fed_ring_fini(&a), fed_ring_fini(&b), fed_ring_fini(&c);
    }
}

static void test_signed_numbers_survive(void)
{
    static const int64_t x[] = {0, 1, -1, 3, -4, 511, -512};
    int64_t back[7];
    fed_ring r;
    fed_error err;
    CHECK_OK(fed_ring_init(&r, 10, 7, &err), &err);
    fed_ring_put_i64(&r, 0, x, 7);
    fed_ring_centre(&r, 0, back, 7);
    CHECK_MEM(back, x, sizeof x);
    fed_ring_fini(&r);
}

/* ceil(log2(2 n max + 1)), by hand; the third is codec.md's example (n = 65, 4 bits). */
static void test_widths(void)
{
    CHECK_EQ(fed_codec_ring_bits(1, 1), 2);
    CHECK_EQ(fed_codec_ring_bits(65, 7), 10);
    CHECK_EQ(fed_codec_ring_bits_unsigned(65, 15), 10);
    CHECK_EQ(fed_codec_ring_bits_unsigned(65, 1), 7);
    CHECK_EQ(fed_codec_ring_bits_unsigned(1, 1), 1);
    CHECK_EQ(fed_codec_ring_bits_unsigned(127, 1), 7);
    CHECK_EQ(fed_codec_ring_bits_unsigned(128, 1), 8);
    CHECK_EQ(fed_codec_ring_bits(1, UINT64_MAX / 2), 64);
    CHECK_EQ(fed_codec_ring_bits(2, UINT64_MAX / 2), 0);
    CHECK_EQ(fed_codec_ring_bits(1, UINT64_MAX), 0);
}

static void test_bad_bytes_are_refused(void)
{
    uint8_t packed[32] = {0};
    fed_ring r, other;
    fed_error err;
    CHECK_OK(fed_ring_init(&r, 7, 9, &err), &err); /* 63 bits: one padding bit */
    CHECK_FAILS(fed_ring_unpack(&r, (fed_span){packed, 7}, &err), FED_E_FORMAT, &err,
                "7 bytes");
    CHECK_FAILS(fed_ring_unpack(&r, (fed_span){packed, 9}, &err), FED_E_FORMAT, &err,
                "9 bytes");
    CHECK_FAILS(fed_ring_unpack(&r, (fed_span){NULL, 0}, &err), FED_E_FORMAT, &err,
                "0 bytes");
    packed[7] = 0x80;
    CHECK_FAILS(fed_ring_unpack(&r, (fed_span){packed, 8}, &err), FED_E_FORMAT, &err,
                "padding");
    packed[7] = 0x7f;
    CHECK_OK(fed_ring_add_packed(&r, (fed_span){packed, 8}, &err), &err);
    packed[7] = 0xff;
    CHECK_FAILS(fed_ring_add_packed(&r, (fed_span){packed, 8}, &err), FED_E_FORMAT, &err,
                "padding");
    CHECK_EQ(fed_ring_get(&r, 8), 0x7f); /* unchanged by the refusal */
    CHECK_OK(fed_ring_init(&other, 8, 9, &err), &err);
    CHECK_FAILS(fed_ring_add(&r, &other, &err), FED_E_INVALID, &err, "7 bits");
    fed_ring_fini(&r);
    fed_ring_fini(&other);
    CHECK_FAILS(fed_ring_init(&r, 0, 9, &err), FED_E_INVALID, &err, "1..64");
    CHECK_FAILS(fed_ring_init(&r, 65, 9, &err), FED_E_INVALID, &err, "1..64");
    CHECK_EQ(fed_ring_packed_bytes(64, SIZE_MAX / 2), SIZE_MAX);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_pack_is_exact_for_every_width),
                                     CASE(test_sums_are_exact_mod_2_to_b),
                                     CASE(test_signed_numbers_survive), CASE(test_widths),
                                     CASE(test_bad_bytes_are_refused)};
    return fed_run("ring", cases, sizeof cases / sizeof *cases);
}
