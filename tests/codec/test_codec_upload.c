/* Updates that travel as bytes: top_k, sign, float32; and packed vectors over the wire. */
#include "codec_fixture.h"

#include <stdlib.h>

enum { D = 20000, N = 5 };

static fed_codec_config bytes_config(fed_codec_select select, fed_codec_quantise quantise,
                                     unsigned bits)
{
    fed_codec_config c = fixture_config(D, N);
    c.select = select;
    c.fraction = 0.01;
    c.quantise = quantise;
    c.bits = bits;
    c.residual = true;
    c.clip = 3;
    return c;
}

/* A fixture with the uploads of N devices. */
typedef struct cohort {
    fixture f;
    float delta[D], kept[N][D], mean[D];
    fed_bytes uploads[N];
} cohort;

static void cohort_init(cohort *b, const fed_codec_config *c, bool secagg)
{
    fed_error err;
    memset(b, 0, sizeof *b);
    fixture_open(&b->f, c, secagg, 0);
    for (uint64_t i = 0; i < N; i++) {
        fed_codec_update update;
        fed_bytes_init(&b->uploads[i], 1 << 20);
        fixture_update(b->delta, D, i, 1);
        CHECK_OK(fixture_encode(b->f.codec, b->f.round, b->delta,
                                c->residual ? b->kept[i] : NULL, i, &update, &err),
                 &err);
        CHECK_OK(fed_codec_update_write(&update, &b->uploads[i], &err), &err);
        fed_codec_update_fini(&update);
    }
}

static void cohort_fini(cohort *b)
{
    for (int i = 0; i < N; i++)
        fed_bytes_fini(&b->uploads[i]);
    fixture_close(&b->f);
}

static fed_status add(cohort *b, int i, fed_error *err)
{
    fed_span bytes = {b->uploads[i].data, b->uploads[i].len};
    return fed_codec_sum_add_bytes(b->f.codec, b->f.round, &b->f.sum, bytes, err);
}

static void add_all_and_decode(cohort *b, bool backwards)
{
    fed_error err;
    fed_codec_sum_fini(&b->f.sum);
    CHECK_OK(fed_codec_sum_init(b->f.codec, b->f.round, &b->f.sum, &err), &err);
    for (int i = 0; i < N; i++)
        CHECK_OK(add(b, backwards ? N - 1 - i : i, &err), &err);
    fixture_decode(&b->f, b->mean);
}

/* Delivered + kept = what went in, for every way of writing values; and the order in which
 * uploads arrive changes no bit. */
static void test_delivered_and_kept_make_the_update(void)
{
    static cohort b;
    static float truth[D], other[D];
    static const struct {
        fed_codec_select select;
        fed_codec_quantise quantise;
        unsigned bits;
    } rows[] = {
        {FED_CODEC_TOP_K, FED_CODEC_BITS, 8},    {FED_CODEC_TOP_K, FED_CODEC_BITS, 2},
        {FED_CODEC_TOP_K, FED_CODEC_BITS, 16},   {FED_CODEC_TOP_K, FED_CODEC_SIGN, 8},
        {FED_CODEC_TOP_K, FED_CODEC_FLOAT32, 8}, {FED_CODEC_DENSE, FED_CODEC_SIGN, 8},
        {FED_CODEC_DENSE, FED_CODEC_FLOAT32, 8}, {FED_CODEC_RAND_K, FED_CODEC_SIGN, 8}};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        fed_codec_config c = bytes_config(rows[r].select, rows[r].quantise, rows[r].bits);
        cohort_init(&b, &c, false);
        add_all_and_decode(&b, false);
        CHECK_EQ(b.f.outcome.n, N);
        memset(truth, 0, sizeof truth);
        for (uint64_t i = 0; i < N; i++) {
            CHECK(b.uploads[i].len <= fed_codec_upload_bytes(b.f.codec, b.f.round));
            fixture_update(b.delta, D, i, 1);
            for (int j = 0; j < D; j++)
                truth[j] += (b.delta[j] - b.kept[i][j]) / N;
        }
        double far = fixture_distance(b.mean, truth, D);
        CHECK_MSG(far < 1e-5, "row %zu: %g", r, far);
        memcpy(other, b.mean, sizeof other);
        add_all_and_decode(&b, true);
        CHECK_MEM(other, b.mean, sizeof other);
        cohort_fini(&b);
    }
}

static int by_magnitude(const void *a, const void *b)
{
    float x = fabsf(*(const float *)a), y = fabsf(*(const float *)b);
    return x > y ? -1 : x < y;
}

/* Top-k sends exactly the k largest: energy of the mean of one device against sorting. */
static void test_top_k_sends_the_largest(void)
{
    static cohort b;
    fed_error err;
    fed_codec_config c = bytes_config(FED_CODEC_TOP_K, FED_CODEC_FLOAT32, 8);
    cohort_init(&b, &c, false);
    CHECK_OK(add(&b, 0, &err), &err);
    fixture_decode(&b.f, b.mean);
    CHECK_EQ(b.f.outcome.travelled, D / 100);
    fixture_update(b.delta, D, 0, 1);
    size_t sent = 0, wrong = 0;
    for (int j = 0; j < D; j++) {
        sent += b.mean[j] != 0;
        wrong += b.mean[j] != 0 && fabsf(b.mean[j] - b.delta[j]) > 1e-7f;
    }
    CHECK_EQ(sent, D / 100);
    CHECK_EQ(wrong, 0);
    qsort(b.delta, D, sizeof *b.delta, by_magnitude);
    CHECK_NEAR(fed_codec_norm(b.mean, D, NULL), fed_codec_norm(b.delta, D / 100, NULL),
               1e-7);
    cohort_fini(&b);
}

/* All energy in one coordinate, clipped: the largest scale there is must be accepted. */
static void test_the_longest_update_is_accepted(void)
{
    static const double clips[] = {1, 3, 0.1, 1e-7, 12345.678};
    static const fed_codec_quantise quantisers[] = {FED_CODEC_BITS, FED_CODEC_SIGN,
                                                    FED_CODEC_FLOAT32};
    static cohort b;
    fed_error err;
    for (size_t i = 0; i < sizeof clips / sizeof *clips * 3 * 15; i++) {
        unsigned bits = 2 + (unsigned)(i / 15);
        fed_codec_update update;
        fed_codec_config c = bytes_config(FED_CODEC_TOP_K, quantisers[i % 3], bits);
        c.fraction = 1.0 / D;
        c.clip = clips[i / 3 % 5];
        fixture_open(&b.f, &c, false, 0);
        memset(b.delta, 0, sizeof b.delta);
        b.delta[77] = -3e5f / (float)(1 + i);
        CHECK_OK(
            fixture_encode(b.f.codec, b.f.round, b.delta, b.kept[0], i, &update, &err),
            &err);
        fed_span upload = {update.upload.data, update.upload.len};
        CHECK_OK(fed_codec_sum_add_bytes(b.f.codec, b.f.round, &b.f.sum, upload, &err),
                 &err);
        fixture_decode(&b.f, b.mean);
        CHECK_NEAR(b.mean[77] / fmin(c.clip, -(double)b.delta[77]), -1, 2e-6);
        fed_codec_update_fini(&update);
        fixture_close(&b.f);
    }
}

static void test_sizes(void)
{
    static cohort b;
    fed_codec_config c = bytes_config(FED_CODEC_TOP_K, FED_CODEC_SIGN, 8);
    cohort_init(&b, &c, false);
    CHECK_MSG(4.0 * D / (double)b.uploads[0].len > 320, "top_k 1 %%, sign: %zu bytes",
              b.uploads[0].len);
    cohort_fini(&b);
    c = bytes_config(FED_CODEC_TOP_K, FED_CODEC_BITS, 6);
    cohort_init(&b, &c, false);
    CHECK_MSG(4.0 * D / (double)b.uploads[0].len > 200, "top_k 1 %%, 6 bits: %zu bytes",
              b.uploads[0].len);
    cohort_fini(&b);
}

static void check_refused(cohort *b, size_t len, const char *text)
{
    fed_error err;
    int64_t before = 0, after = 0;
    for (int j = 0; j < D; j++)
        before += b->f.sum.exact[j] * (j + 1);
    size_t whole = b->uploads[0].len;
    b->uploads[0].len = len;
    CHECK_FAILS(add(b, 0, &err), FED_E_FORMAT, &err, text);
    b->uploads[0].len = whole;
    for (int j = 0; j < D; j++)
        after += b->f.sum.exact[j] * (j + 1);
    CHECK(before == after && b->f.sum.n == 1);
}

/* Change byte `at` for the length of one refusal. */
static void check_spoilt(cohort *b, size_t at, uint8_t to, const char *text)
{
    uint8_t was = b->uploads[0].data[at];
    b->uploads[0].data[at] = to;
    check_refused(b, b->uploads[0].len, text);
    b->uploads[0].data[at] = was;
}

static void test_hostile_uploads_are_refused(void)
{
    static cohort b;
    fed_error err;
    fed_codec_config c = bytes_config(FED_CODEC_TOP_K, FED_CODEC_BITS, 8);
    cohort_init(&b, &c, false);
    CHECK_OK(add(&b, 1, &err), &err);
    size_t len = b.uploads[0].len, index_bytes = fed_load_u32(b.uploads[0].data + 14);
    for (size_t n = 0; n < len; n += 1 + n / 5)
        check_refused(&b, n, "upload");
    fed_bytes_put_u8(&b.uploads[0], 0);
    check_refused(&b, len + 1, "upload.values");
    b.uploads[0].len = len;
    check_spoilt(&b, 0, 2, "format 2");
    check_spoilt(&b, 1, 1, "upload.norm");
    check_spoilt(&b, 2, 0, "upload.weight: 0");
    check_spoilt(&b, 3, 1, "upload.weight: 257");
    check_spoilt(&b, 10, 0xff, "upload.scale");
    check_spoilt(&b, 10, 0x01, "its norm is");
    check_spoilt(&b, 16, 0x7f, "upload.indices");
    check_spoilt(&b, 14, (uint8_t)(index_bytes + 1), "");
    check_spoilt(&b, 18 + index_bytes, 0x80, "below -127");
    memset(b.uploads[0].data + 18, 0xff, index_bytes);
    check_refused(&b, len, "indices");
    cohort_fini(&b);
}

static void test_hostile_floats_are_refused(void)
{
    static cohort b;
    fed_error err;
    fed_codec_config c = bytes_config(FED_CODEC_DENSE, FED_CODEC_FLOAT32, 8);
    cohort_init(&b, &c, false);
    CHECK_OK(add(&b, 1, &err), &err);
    check_spoilt(&b, 6, 1, "upload.scale: 1");
    static const uint32_t bad[] = {0x7fc00000, 0x7f800000, 0xff800000, 0x7f7fffff,
                                   0x40800000};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fed_store_u32(b.uploads[0].data + 14 + 400, bad[i]);
        check_refused(&b, b.uploads[0].len, "beyond the clip");
    }
    for (size_t j = 0; j < D; j++)
        fed_store_u32(b.uploads[0].data + 14 + 4 * j, 0x3f800000);
    check_refused(&b, b.uploads[0].len, "its norm is");
    cohort_fini(&b);
}

static void test_packed_vectors_over_the_wire(void)
{
    static cohort b;
    static float direct[D];
    fed_error err;
    fed_codec_config c = bytes_config(FED_CODEC_VOTED, FED_CODEC_BITS, 4);
    c.clip_auto = true;
    cohort_init(&b, &c, true);
    CHECK_EQ(b.uploads[0].len, fed_codec_upload_bytes(b.f.codec, b.f.round));
    add_all_and_decode(&b, true);
    memcpy(direct, b.mean, sizeof direct);
    add_all_and_decode(&b, false);
    CHECK_MEM(direct, b.mean, sizeof direct);
    CHECK_FAILS(add(&b, 0, &err), FED_E_LIMIT, &err, "n_max = 5");
    b.f.sum.n = 1;
    uint64_t before = fed_ring_get(&b.f.sum.vectors[0].ring, 0);
    b.uploads[0].len--;
    CHECK_FAILS(add(&b, 0, &err), FED_E_FORMAT, &err, "upload:");
    b.uploads[0].len++;
    b.uploads[0].data[b.uploads[0].len - 1] = 0xff; /* norms: 96 bits, none to spare */
    CHECK_OK(add(&b, 0, &err), &err);
    CHECK(fed_ring_get(&b.f.sum.vectors[0].ring, 0) != before || before == 0);
    cohort_fini(&b);
}

/* Vectors of another B, as a device would send them that has read another plan. */
static void test_other_widths_are_refused(void)
{
    static cohort b;
    fed_error err;
    fed_codec_config c = bytes_config(FED_CODEC_VOTED, FED_CODEC_BITS, 4);
    for (unsigned bits = 1; bits <= 8; bits++) {
        fed_codec *other;
        fed_codec_update update;
        fed_bytes upload;
        cohort_init(&b, &c, true);
        fed_codec_config o = c;
        o.bits = bits;
        CHECK_OK(fed_codec_new(&other, &o, true, &err), &err);
        fed_bytes_init(&upload, 1 << 20);
        static float delta[D];
        CHECK_OK(fixture_encode(other, b.f.round, delta, NULL, 1, &update, &err), &err);
        CHECK_OK(fed_codec_update_write(&update, &upload, &err), &err);
        fed_span bytes = {upload.data, upload.len};
        fed_status status =
            fed_codec_sum_add_bytes(b.f.codec, b.f.round, &b.f.sum, bytes, &err);
        CHECK_EQ(status, bits == 4 ? FED_OK : FED_E_FORMAT);
        CHECK_EQ(b.f.sum.n, bits == 4);
        if (status) CHECK_MSG(strstr(err.text, "bytes"), "%s", err.text);
        fed_codec_update_fini(&update);
        fed_bytes_fini(&upload);
        fed_codec_free(other);
        cohort_fini(&b);
    }
}

typedef struct scenario {
    const fed_codec *codec;
    const fed_codec_round *round;
    const float *delta;
    float *kept;
    fed_codec_sum *sum;
    fed_span upload;
} scenario;

static fed_status torture_encode(void *ctx)
{
    scenario *s = ctx;
    fed_codec_update update;
    fed_bytes out;
    fed_bytes_init(&out, 1 << 20);
    fed_status status =
        fixture_encode(s->codec, s->round, s->delta, s->kept, 1, &update, NULL);
    if (!status) status = fed_codec_update_write(&update, &out, NULL);
    fed_codec_update_fini(&update);
    fed_bytes_fini(&out);
    return status;
}

static fed_status torture_server(void *ctx)
{
    scenario *s = ctx;
    static float mean[D];
    fed_codec_sum sum;
    fed_codec_outcome outcome;
    fed_codec_memory memory = {0};
    fed_codec_round *next = NULL;
    FED_TRY(fed_codec_sum_init(s->codec, s->round, &sum, NULL));
    fed_status status;
    FED_GO(fed_codec_memory_init(s->codec, &memory, NULL));
    FED_GO(fed_codec_sum_add_bytes(s->codec, s->round, &sum, s->upload, NULL));
    FED_GO(fed_codec_decode(s->codec, s->round, &sum, (fed_codec_divisor){0}, mean,
                            &outcome, NULL, NULL));
    FED_GO(fed_codec_round_next(s->codec, s->round, &sum, &memory, 1, 0, &next, NULL));
out:
    fed_codec_round_free(next);
    fed_codec_memory_fini(&memory);
    fed_codec_sum_fini(&sum);
    return status;
}

static void test_torture(void)
{
    static cohort b;
    static const fed_codec_select selects[] = {FED_CODEC_TOP_K, FED_CODEC_VOTED};
    for (int i = 0; i < 2; i++) {
        fed_codec_config c = bytes_config(selects[i], FED_CODEC_BITS, 8);
        cohort_init(&b, &c, false);
        scenario s = {b.f.codec, b.f.round, b.delta,
                      b.kept[0], &b.f.sum,  {b.uploads[0].data, b.uploads[0].len}};
        CHECK(fed_torture(torture_encode, &s) > 3);
        CHECK(fed_torture(torture_server, &s) > 3);
        cohort_fini(&b);
    }
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_delivered_and_kept_make_the_update),
                                     CASE(test_top_k_sends_the_largest),
                                     CASE(test_the_longest_update_is_accepted),
                                     CASE(test_sizes),
                                     CASE(test_hostile_uploads_are_refused),
                                     CASE(test_hostile_floats_are_refused),
                                     CASE(test_packed_vectors_over_the_wire),
                                     CASE(test_other_widths_are_refused),
                                     CASE(test_torture)};
    return fed_run("codec_upload", cases, sizeof cases / sizeof *cases);
}
