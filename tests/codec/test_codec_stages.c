/* Each stage by itself, against its definition, and every kernel path against plain C. */
#include "codec_fixture.h"

#include <stdlib.h>

#include "codec_kernels.h"
#include "golomb.h"
#include "hadamard.h"
#include "select_largest.h"

/* The matrix of the transform, entry by entry: (-1)^popcount(row & column) / sqrt(p). */
static void transform_by_definition(const double *x, double *y, size_t p)
{
    for (size_t row = 0; row < p; row++) {
        y[row] = 0;
        for (size_t column = 0; column < p; column++)
            y[row] += __builtin_popcountll(row & column) & 1 ? -x[column] : x[column];
        y[row] /= sqrt((double)p);
    }
}

static double sign_of(const uint32_t *signs, size_t i)
{
    return signs[i / 32] >> i % 32 & 1 ? -1 : 1;
}

static void test_rotation_is_what_it_says(void)
{
    static const size_t sizes[] = {1, 2, 3, 5, 16, 17, 31, 33, 64, 100, 777};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t m = sizes[s], p = fed_hadamard_size(m);
        float x[777];
        double y[777], z[777];
        uint32_t signs[64];
        fixture_update(x, m, s, 1);
        fed_hadamard_draw(signs, m, fixture_key(1), s);
        for (size_t i = 0; i < m; i++)
            y[i] = x[i];
        for (size_t i = 0; i < p; i++)
            y[i] *= sign_of(signs, i);
        transform_by_definition(y, z, p);
        memcpy(y, z, p * sizeof *y);
        if (p < m) {
            for (size_t i = 0; i < p; i++)
                y[m - p + i] *= sign_of(signs + (p + 31) / 32, i);
            transform_by_definition(y + m - p, z, p);
            memcpy(y + m - p, z, p * sizeof *y);
        }
        fed_hadamard_forward(x, m, signs, NULL);
        double worst = 0;
        for (size_t i = 0; i < m; i++)
            worst = fmax(worst, fabs(x[i] - y[i]));
        CHECK_MSG(worst < 1e-6, "m = %zu: %g", m, worst);
    }
}

static void test_rotation_keeps_energy_and_undoes(void)
{
    static const size_t sizes[] = {1, 15, 1000, 8192, 65536, 100000, 300001};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t m = sizes[s];
        float *x = malloc(m * sizeof *x), *y = malloc(m * sizeof *y);
        uint32_t *signs = malloc(fed_hadamard_sign_words(m) * sizeof *signs);
        fixture_update(x, m, s, 2);
        memcpy(y, x, m * sizeof *x);
        fed_hadamard_draw(signs, m, fixture_key(1), s);
        fed_hadamard_forward(y, m, signs, NULL);
        CHECK_NEAR(fed_codec_norm(y, m, NULL), 2, 2e-6);
        fed_hadamard_back(y, m, signs, NULL);
        CHECK_MSG(fixture_distance(y, x, m) < 1e-6, "m = %zu", m);
        free(x), free(y), free(signs);
    }
}

/* One hot coordinate anywhere: no rotated one may hold more than 1/p of the energy, twice
 * rotated by chance a little more. */
static void test_rotation_spreads(void)
{
    enum { M = 1500 };
    static float x[M];
    uint32_t signs[64];
    fed_hadamard_draw(signs, M, fixture_key(2), 0);
    for (size_t hot = 0; hot < M; hot += 37) {
        memset(x, 0, sizeof x);
        x[hot] = 1;
        fed_hadamard_forward(x, M, signs, NULL);
        double most = 0;
        for (int i = 0; i < M; i++)
            most = fmax(most, fabs(x[i]));
        CHECK_MSG(most < 5 / sqrt(1024), "hot %zu: %g", hot, most);
    }
}

/* Mean and variance of 2^20 roundings of a few reals: the mean within five standard errors, the
 * variance f(1-f). */
static void test_rounding_is_unbiased(void)
{
    static const float reals[] = {0, 0.5f, -0.5f, 0.1f, -0.1f, 2.75f, -3.001f, 1e-3f};
    enum { DRAWS = 1 << 20 };
    float *x = malloc(DRAWS * sizeof *x);
    int32_t *q = malloc(DRAWS * sizeof *q);
    for (size_t r = 0; r < sizeof reals / sizeof *reals; r++) {
        for (int i = 0; i < DRAWS; i++)
            x[i] = reals[r];
        fed_error err;
        CHECK_OK(fed_codec_round_reals(x, DRAWS, fixture_key(r), 9, q, &err), &err);
        double sum = 0, f = reals[r] - floor(reals[r]);
        int bad = 0;
        for (int i = 0; i < DRAWS; i++) {
            sum += q[i];
            bad += q[i] != floor(reals[r]) && q[i] != floor(reals[r]) + 1;
        }
        double error = sqrt(f * (1 - f) / DRAWS);
        CHECK_EQ(bad, 0);
        CHECK_MSG(fabs(sum / DRAWS - reals[r]) <= 5 * error + 1e-7, "%g: mean %g",
                  (double)reals[r], sum / DRAWS);
    }
    free(x), free(q);
}

static void test_rounding_depends_on_key_and_stream_alone(void)
{
    enum { M = 10000 };
    static float x[M];
    static int32_t a[M], b[M];
    fed_error err;
    for (int i = 0; i < M; i++)
        x[i] = 0.5f;
    CHECK_OK(fed_codec_round_reals(x, M, fixture_key(1), 1, a, &err), &err);
    CHECK_OK(fed_codec_round_reals(x, 4100, fixture_key(1), 1, b, &err), &err);
    CHECK_MEM(a, b, 4100 * sizeof *a);
    CHECK_OK(fed_codec_round_reals(x, M, fixture_key(1), 2, b, &err), &err);
    int same = 0;
    for (int i = 0; i < M; i++)
        same += a[i] == b[i];
    CHECK(same > 4700 && same < 5300);
}

static void test_rounding_takes_any_float(void)
{
    const float wild[] = {NAN, -NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-45f, -0.0f};
    int32_t q[8];
    fed_error err;
    CHECK_OK(fed_codec_round_reals(wild, 8, fixture_key(1), 1, q, &err), &err);
    CHECK_EQ(q[2], 1 << 30);
    CHECK_EQ(q[3], -(1 << 30));
    CHECK_EQ(q[7], 0);
}

static void test_clip(void)
{
    enum { M = 9001 };
    static float x[M], before[M];
    fed_codec_report report = {0};
    fixture_update(x, M, 5, 3);
    memcpy(before, x, sizeof x);
    CHECK_EQ(fed_codec_clip(x, M, 4, &report, NULL), 1);
    CHECK(!report.clipped && !report.non_finite);
    CHECK_MEM(x, before, sizeof x);
    CHECK_NEAR(fed_codec_clip(x, M, 1.5, &report, NULL), 0.5, 1e-6);
    CHECK(report.clipped);
    CHECK_NEAR(report.norm, 3, 1e-5);
    CHECK_NEAR(fed_codec_norm(x, M, NULL), 1.5, 1e-6);
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int b = 0; b < 3; b++) {
        x[17] = bad[b];
        CHECK_EQ(fed_codec_clip(x, M, 1.5, &report, NULL), 0);
        CHECK(report.non_finite && fed_codec_norm(x, M, NULL) == 0);
        memcpy(x, before, sizeof x);
    }
}

typedef struct ranked {
    uint32_t key, index;
} ranked;

static int by_key_then_index(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->key != y->key) return x->key > y->key ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static int by_index(const void *a, const void *b)
{
    return *(const uint32_t *)a < *(const uint32_t *)b ? -1 : 1;
}

/* Against sorting: random keys, many ties, all equal, and sorted data that misleads a sample. */
static void test_selection_is_exact(void)
{
    enum { M = 70000 };
    uint32_t *keys = malloc(M * 4), *got = malloc(M * 4), *want = malloc(M * 4);
    ranked *sorted = malloc(M * sizeof *sorted);
    static const size_t ks[] = {1, 7, 700, 7000, 35000, M};
    fed_error err;
    for (int kind = 0; kind < 4; kind++)
        for (size_t t = 0; t < sizeof ks / sizeof *ks; t++) {
            fed_stream s;
            fed_stream_init(&s, fixture_key(kind), FED_PURPOSE_TEST, t);
            for (uint32_t i = 0; i < M; i++) {
                uint32_t r = fed_stream_u32(&s);
                keys[i] = kind == 0   ? r
                          : kind == 1 ? r % 50
                          : kind == 2 ? 12345
                                      : (i % 17 == 5 ? r : r % 100);
                sorted[i] = (ranked){keys[i] & FED_KEY_MAGNITUDE, i};
            }
            qsort(sorted, M, sizeof *sorted, by_key_then_index);
            for (size_t i = 0; i < ks[t]; i++)
                want[i] = sorted[i].index;
            qsort(want, ks[t], 4, by_index);
            CHECK_OK(fed_select_largest(keys, FED_KEY_MAGNITUDE, M, ks[t], got, &err),
                     &err);
            CHECK_MEM(got, want, ks[t] * 4);
            uint32_t kth = 0;
            CHECK_OK(fed_select_kth(keys, FED_KEY_MAGNITUDE, M, ks[t], &kth, &err), &err);
            CHECK_EQ(kth, sorted[ks[t] - 1].key);
        }
    free(keys), free(got), free(want), free(sorted);
}

/* k of n indices drawn at random; returns how many. */
static size_t draw_indices(uint32_t *indices, size_t n, double p, uint64_t seed)
{
    fed_stream s;
    size_t k = 0;
    fed_stream_init(&s, fixture_key(seed), FED_PURPOSE_TEST, 0);
    for (size_t i = 0; i < n; i++)
        if (fed_stream_uniform_double(&s) < p) indices[k++] = (uint32_t)i;
    return k;
}

static void test_golomb_inverts_near_entropy(void)
{
    enum { M = 400000 };
    static const double shares[] = {0.0003, 0.001, 0.003, 0.0075, 0.01, 0.015, 0.03,
                                    0.05,   0.1,   0.15,  0.2,    0.3,  0.45};
    uint32_t *indices = malloc(M * 4), *back = malloc(M * 4);
    fed_error err;
    for (size_t t = 0; t < sizeof shares / sizeof *shares; t++) {
        size_t k = draw_indices(indices, M, shares[t], t);
        fed_bytes code;
        fed_bytes_init(&code, 1 << 20);
        CHECK_OK(fed_golomb_encode(indices, k, M, &code, &err), &err);
        CHECK(code.len <= fed_golomb_bytes_max(k, M));
        CHECK_OK(fed_golomb_decode((fed_span){code.data, code.len}, k, M, back, &err),
                 &err);
        CHECK_MEM(back, indices, k * 4);
        double p = (double)k / M, bits = code.len * 8.0 / (double)k;
        double entropy = -(p * log2(p) + (1 - p) * log2(1 - p)) / p;
        /* a draw differs from its mean: up to 1 % when it is small */
        double allowed = 1.01 + (k < 1000 ? 0.03 : 2 / sqrt((double)k) / 8);
        CHECK_MSG(bits <= entropy * allowed, "p = %g: %.3f bits, entropy %.3f", p, bits,
                  entropy);
        if (shares[t] == 0.01)
            CHECK_MSG(bits <= 8.16, "p = 0.01: %.3f bits, target 8.16", bits);
        fed_bytes_fini(&code);
    }
    free(indices), free(back);
}

/* The code's expected length for independent draws, in closed form, for shares up to 0.17:
 * within 1 % of the entropy. */
static void test_golomb_expected_length(void)
{
    double worst = 0;
    for (size_t k = 100; k <= 170000; k += 1 + k / 50) {
        double p = (double)k / 1e6, q = 1 - p;
        uint32_t m = fed_golomb_parameter(k, 1000000), width = 0;
        while (m > 1u << width)
            width++;
        double cut = (double)((1u << width) - m), qm = pow(q, m);
        double shorter = width ? (1 - pow(q, cut)) / (1 - qm) : 0;
        double bits = 1 / (1 - qm) + width - shorter;
        double entropy = -(p * log2(p) + q * log2(q)) / p;
        worst = fmax(worst, bits / entropy);
    }
    fed_note("golomb: worst expected length is %.4f of the entropy", worst);
    CHECK(worst <= 1.01);
}

static void test_golomb_refuses(void)
{
    uint32_t indices[3] = {5, 9, 999}, back[4];
    fed_error err;
    fed_bytes code;
    fed_bytes_init(&code, 100);
    CHECK_OK(fed_golomb_encode(indices, 3, 1000, &code, &err), &err);
    fed_span all = {code.data, code.len};
    CHECK_FAILS(fed_golomb_decode(all, 4, 1000, back, &err), FED_E_FORMAT, &err, "");
    CHECK_FAILS(
        fed_golomb_decode((fed_span){code.data, code.len - 1}, 3, 1000, back, &err),
        FED_E_FORMAT, &err, "cut short");
    fed_bytes_put_u8(&code, 0);
    CHECK_FAILS(fed_golomb_decode((fed_span){code.data, code.len}, 3, 1000, back, &err),
                FED_E_FORMAT, &err, "left over");
    uint8_t ones[40];
    memset(ones, 0xff, sizeof ones);
    CHECK_FAILS(fed_golomb_decode((fed_span){ones, 40}, 3, 1000, back, &err),
                FED_E_FORMAT, &err, "too long");
    CHECK_FAILS(fed_golomb_decode((fed_span){NULL, 0}, 1, 1000, back, &err), FED_E_FORMAT,
                &err, "cut short");
    uint32_t equal[2] = {4, 4}, beyond[1] = {1000};
    CHECK_FAILS(fed_golomb_encode(equal, 2, 1000, &code, &err), FED_E_INVALID, &err,
                "indices[1]");
    CHECK_FAILS(fed_golomb_encode(beyond, 1, 1000, &code, &err), FED_E_INVALID, &err,
                "1000");
    uint32_t one[1] = {0};
    fed_bytes_clear(&code);
    CHECK_OK(fed_golomb_encode(one, 1, 2, &code, &err), &err); /* one zero bit */
    code.data[0] = 0x04;
    CHECK_FAILS(fed_golomb_decode((fed_span){code.data, 1}, 1, 2, back, &err),
                FED_E_FORMAT, &err, "padding");
    fed_bytes_fini(&code);
}

/* All kernels of a path on one input of n entries; out receives everything. */
typedef struct kernel_output {
    double energy;
    float combined[4096], scaled[4096], flipped[4096], transformed[4096],
        dequantised[4096];
    int32_t rounded[4096];
    uint32_t hits[4097];
    size_t saturated, found;
} kernel_output;

static void run_kernels(const fed_codec_kernels *k, size_t n, kernel_output *out)
{
    static float x[4096], y[4096];
    static uint32_t words[4096];
    static int64_t wide[4096];
    fixture_update(x, n, n, 50);
    fixture_update(y, n, n + 1, 20);
    fed_stream s;
    fed_stream_init(&s, fixture_key(n), FED_PURPOSE_TEST, 1);
    fed_stream_fill(&s, words, sizeof words);
    fed_stream_fill(&s, wide, sizeof wide);
    memset(out, 0, sizeof *out);
    out->energy = k->energy(x, n);
    k->combine(out->combined, x, y, 0.7f, 3, n);
    memcpy(out->scaled, x, sizeof x);
    k->scale(out->scaled, 0.3f, n);
    memcpy(out->flipped, x, sizeof x);
    k->flip(out->flipped, words, 1.7f, n);
    memcpy(out->transformed, x, sizeof x);
    k->hadamard16(out->transformed, n / 16 * 16);
    if (n == 4096) {
        k->butterflies(out->transformed, 16, 3, 0, 16);
        k->butterflies(out->transformed, 32, 2, 0, 32);
        k->butterflies(out->transformed, 2048, 1, 64, 2048);
        k->butterflies(out->transformed, 512, 3, 0, 512);
    }
    out->saturated =
        k->round(x, 2.5f, (fed_round_range){7.5f, 0.5f}, words, out->rounded, n);
    k->dequantise(out->dequantised, wide, 1e-9, n);
    out->found = k->filter(x, FED_KEY_MAGNITUDE, n, 0x3f800000, out->hits);
    memset(out->hits + out->found, 0, (4097 - out->found) * sizeof *out->hits);
}

static void test_every_path_gives_the_same_bits(void)
{
    static const size_t sizes[] = {1, 15, 16, 17, 31, 32, 33, 100, 1000, 4095, 4096};
    static kernel_output plain, fast;
    unsigned paths = 0;
    for (int path = FED_KERNEL_NEON; path <= FED_KERNEL_AVX512; path++) {
        if (!fed_kernel_available((fed_kernel)path)) continue;
        paths++;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            run_kernels(fed_codec_kernels_of(FED_KERNEL_SCALAR), sizes[i], &plain);
            run_kernels(fed_codec_kernels_of((fed_kernel)path), sizes[i], &fast);
            CHECK_MSG(memcmp(&plain, &fast, sizeof plain) == 0, "%s differs at n = %zu",
                      fed_kernel_name((fed_kernel)path), sizes[i]);
        }
    }
    fed_note("%u paths besides plain C", paths);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_rotation_is_what_it_says),
                                     CASE(test_rotation_keeps_energy_and_undoes),
                                     CASE(test_rotation_spreads),
                                     CASE(test_rounding_is_unbiased),
                                     CASE(test_rounding_depends_on_key_and_stream_alone),
                                     CASE(test_rounding_takes_any_float),
                                     CASE(test_clip),
                                     CASE(test_selection_is_exact),
                                     CASE(test_golomb_inverts_near_entropy),
                                     CASE(test_golomb_expected_length),
                                     CASE(test_golomb_refuses),
                                     CASE(test_every_path_gives_the_same_bits)};
    return fed_run("codec_stages", cases, sizeof cases / sizeof *cases);
}
