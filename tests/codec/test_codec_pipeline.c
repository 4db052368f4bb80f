/* The two halves together: what goes in at the devices comes out as the mean. */
#include "codec_fixture.h"

#include <stdlib.h>

#include "crypto.h"

enum { D = 5000, N = 7 };

/* Encode N updates, add them, decode; compare with the mean of what each decodes to alone.
 * Returns the relative distance. */
static double sum_against_sum_of_decodes(const fed_codec_config *config)
{
    static float delta[D], alone[D], expected[D], mean[D];
    fixture all, single;
    memset(expected, 0, sizeof expected);
    fixture_open(&all, config, true, 3);
    for (uint64_t i = 0; i < N; i++) {
        fixture_update(delta, D, i, 0.7);
        fed_codec_input in = {.delta = delta, .weight = 1, .key = fixture_key(i)};
        fixture_open(&single, config, true, 3);
        (void)fixture_add(&all, &in);
        (void)fixture_add(&single, &in);
        fixture_decode(&single, alone);
        for (int j = 0; j < D; j++)
            expected[j] += alone[j] / N;
        fixture_close(&single);
    }
    fixture_decode(&all, mean);
    CHECK_EQ(all.outcome.n, N);
    fixture_close(&all);
    return fixture_distance(mean, expected, D);
}

static void test_sum_is_sum_of_decodes(void)
{
    for (int select = FED_CODEC_DENSE; select <= FED_CODEC_RAND_K; select++)
        for (unsigned bits = 1; bits <= 16; bits += 3)
            for (int rotate = 0; rotate < 2; rotate++) {
                fed_codec_config c = fixture_config(D, N);
                c.select = (fed_codec_select)select;
                c.fraction = 0.2;
                c.block = 32;
                c.bits = bits;
                c.rotate = rotate ? FED_CODEC_HADAMARD : FED_CODEC_PLAIN;
                double far = sum_against_sum_of_decodes(&c);
                CHECK_MSG(far < 2e-6, "select %d, %u bits, rotate %d: %g", select, bits,
                          rotate, far);
            }
    fed_codec_config grid = fixture_config(D, N);
    grid.quantise = FED_CODEC_GRID;
    grid.grid = 1000;
    grid.ring_bits = 20;
    CHECK(sum_against_sum_of_decodes(&grid) < 2e-6);
}

static void test_mean_is_near_true_mean(void)
{
    static const struct {
        unsigned bits;
        double most;
    } rows[] = {{16, 1e-3}, {8, 0.03}, {4, 0.3}};
    static float delta[D], truth[D], mean[D];
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        fed_codec_config c = fixture_config(D, N);
        c.bits = rows[r].bits;
        c.tail = 5;
        fixture f;
        fixture_open(&f, &c, true, 0);
        memset(truth, 0, sizeof truth);
        for (uint64_t i = 0; i < N; i++) {
            fixture_update(delta, D, 7, 0.9);
            for (int j = 0; j < D; j++)
                truth[j] += delta[j] / N;
            fed_codec_input in = {.delta = delta, .weight = 1, .key = fixture_key(i)};
            CHECK_EQ(fixture_add(&f, &in).saturated, 0);
        }
        fixture_decode(&f, mean);
        double far = fixture_distance(mean, truth, D);
        CHECK_MSG(far < rows[r].most, "%u bits: %g", rows[r].bits, far);
        fixture_close(&f);
    }
}

/* Uniform numbers straight from the stream: the same on every machine. */
static void uniform_update(float *x, size_t d)
{
    fed_stream s;
    fed_stream_init(&s, fixture_key(5), FED_PURPOSE_TEST, 5);
    for (size_t i = 0; i < d; i++)
        x[i] = (fed_stream_uniform(&s) - 0.5f) * 0.1f;
}

/* SHA-256 over what one device uploads, what stays with it, and what the server decodes. */
static void digest_of(const fed_codec_config *c, const fed_parallel *parallel,
                      char hex[65])
{
    size_t d = c->d;
    float *delta = malloc(d * 4), *kept = malloc(d * 4), *mean = malloc(d * 4);
    fixture f;
    fed_codec_update update;
    fed_digest digest;
    fed_error err;
    fed_bytes upload;
    uint8_t raw[32];
    fed_bytes_init(&upload, 1 << 24);
    uniform_update(delta, d);
    fixture_open(&f, c, false, 7);
    fed_codec_input in = {.delta = delta,
                          .residual_out = kept,
                          .weight = 1,
                          .key = fixture_key(6),
                          .parallel = parallel};
    CHECK_OK(fed_codec_encode(f.codec, f.round, &in, &update, &err), &err);
    CHECK_OK(fed_codec_update_write(&update, &upload, &err), &err);
    fed_span bytes = {upload.data, upload.len};
    CHECK_OK(fed_codec_sum_add_bytes(f.codec, f.round, &f.sum, bytes, &err), &err);
    CHECK_OK(fed_codec_decode(f.codec, f.round, &f.sum, (fed_codec_divisor){0}, mean,
                              &f.outcome, parallel, &err),
             &err);
    CHECK_OK(fed_digest_init(&digest, &err), &err);
    fed_digest_update(&digest, upload.data, upload.len);
    for (size_t i = 0; i < 2 * d; i++) {
        uint32_t bits;
        uint8_t little[4];
        memcpy(&bits, i < d ? kept + i : mean + i - d, sizeof bits);
        fed_store_u32(little, bits);
        fed_digest_update(&digest, little, sizeof little);
    }
    CHECK_OK(fed_digest_final(&digest, raw, &err), &err);
    fed_hex_encode(hex, raw, sizeof raw);
    fed_digest_fini(&digest);
    fed_codec_update_fini(&update);
    fixture_close(&f);
    fed_bytes_fini(&upload);
    free(delta), free(kept), free(mean);
}

static fed_codec_config known_config(fed_codec_select select, unsigned bits, size_t d)
{
    fed_codec_config c = fixture_config(d, N);
    c.select = select;
    c.bits = bits;
    c.fraction = 0.05;
    c.residual = true;
    c.clip_auto = true;
    return c;
}

/* Bits that must not change between processors, kernel paths, compilers or releases. Made by
 * this implementation; plain C, AVX2 and AVX-512, gcc and clang agreed on them. The suite runs
 * once for each kernel path. */
static void test_known_bits(void)
{
    static const struct {
        fed_codec_select select;
        unsigned bits;
        size_t d;
        const char *sha256;
    } rows[] = {
        {FED_CODEC_DENSE, 4, 100003,
         "05d8d0649b2b3d4b04c90881733c18eb6fb3ece82f77d907443891516af1c1a8"},
        {FED_CODEC_DENSE, 16, 4096,
         "48eb0a37f41f95b2eec2542d10623ec5878288fbf51b2aecfc49b66ac0c9151e"},
        {FED_CODEC_VOTED, 4, 100003,
         "9275f9323e9b1d1ed159202bdf2244530209a51c0882a21e5976a18dfa4bca09"},
        {FED_CODEC_RAND_K, 1, 100003,
         "53f2b471beccd532716590f78bd31dc41446cfc2e922595ff2857cee71df53af"},
        {FED_CODEC_TOP_K, 6, 100003,
         "c6f8f8538f06b8677ca39231c2fb9f7587f9ab28fdfd179d1712545252f2cae2"},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        char hex[65];
        fed_codec_config c = known_config(rows[r].select, rows[r].bits, rows[r].d);
        digest_of(&c, NULL, hex);
        CHECK_STR(hex, rows[r].sha256);
    }
}

static void test_threads_change_nothing(void)
{
    fed_pool *pool = NULL;
    fed_error err;
    CHECK_OK(fed_pool_new(&pool, 3, &err), &err);
    for (int select = FED_CODEC_DENSE; select <= FED_CODEC_TOP_K; select++) {
        char one[65], many[65];
        fed_codec_config c = known_config((fed_codec_select)select, 5, 300007);
        digest_of(&c, NULL, one);
        digest_of(&c, fed_pool_parallel(pool), many);
        CHECK_STR(one, many);
    }
    fed_pool_free(pool);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_sum_is_sum_of_decodes), CASE(test_mean_is_near_true_mean),
        CASE(test_known_bits), CASE(test_threads_change_nothing)};
    return fed_run("codec_pipeline", cases, sizeof cases / sizeof *cases);
}
