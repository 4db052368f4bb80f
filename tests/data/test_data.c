/* SPECs and synthetic sets, through the door of the room. */
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"
#include "data.h"

static void test_spec(void)
{
    fed_error err = {FED_OK, ""};
    fed_data_spec spec;
    CHECK_OK(fed_data_spec_parse(&spec, "csv:/a%20b/c%3f.csv?label=x%26y&test=0.2&seed=7",
                                 &err),
             &err);
    CHECK_STR(spec.kind, "csv");
    CHECK_STR(spec.path, "/a b/c?.csv");
    CHECK_EQ(spec.n_options, 3);
    CHECK_STR(fed_data_spec_option(&spec, "label"), "x&y");
    CHECK_STR(fed_data_spec_option(&spec, "test"), "0.2");
    CHECK(fed_data_spec_option(&spec, "tes") == NULL);
    uint64_t n = 0;
    CHECK_OK(fed_data_spec_number(&spec, "seed", 0, 9, 1, &n, &err), &err);
    CHECK_EQ(n, 7);
    CHECK_OK(fed_data_spec_number(&spec, "clients", 0, 9, 4, &n, &err), &err);
    CHECK_EQ(n, 4);
    CHECK_FAILS(fed_data_spec_number(&spec, "seed", 0, 6, 1, &n, &err), FED_E_INVALID,
                &err, "seed=7 is not a whole number between 0 and 6");
    fed_data_spec copy = spec; /* plain memory */
    CHECK_STR(fed_data_spec_option(&copy, "label"), "x&y");
    CHECK_OK(fed_data_spec_parse(&spec, "csv:a?drop=b=c:d,e", &err), &err);
    CHECK_STR(fed_data_spec_option(&spec, "drop"), "b=c:d,e");
}

static fed_data *open_set(const char *spec, fed_data_part part)
{
    fed_data *ds = NULL;
    fed_error err = {FED_OK, ""};
    CHECK_OK(fed_data_open(spec, part, &ds, &err), &err);
    return ds;
}

/* FNV-1a over the bytes that a fetch gives. */
static uint64_t digest(const fed_data *ds, uint32_t rows)
{
    const fed_data_info *info = fed_data_describe(ds);
    size_t bytes = ((size_t)info->input_len + info->target_len) * 4;
    uint8_t *row = malloc(bytes);
    uint64_t h = 14695981039346656037u;
    for (uint32_t r = 0; r < rows; r++) {
        CHECK_EQ(fed_data_fetch(ds, &r, 1, row, row + (size_t)info->input_len * 4),
                 FED_OK);
        for (size_t i = 0; i < bytes; i += 4) {
            uint32_t word;
            memcpy(&word, row + i, 4);
            h = (h ^ word) * 1099511628211u;
        }
    }
    free(row);
    return h;
}

/* Digests seen on x86-64 (gcc 12, clang 14) and on aarch64: every machine must draw the
 * same. */
static void test_synthetic_everywhere(void)
{
    static const struct {
        const char *spec;
        uint64_t digest;
    } known[] = {
        {"synthetic:digits?rows=100", 0x3364cd3093e1ecfc},
        {"synthetic:gaussian?rows=100", 0xb708405107965ca5},
        {"synthetic:linear?rows=100", 0x5d035fdd19898ed0},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        fed_data *ds = open_set(known[i].spec, FED_DATA_TRAIN);
        if (!ds) return;
        CHECK_MSG(digest(ds, 100) == known[i].digest, "%s: digest 0x%016llx",
                  known[i].spec, (unsigned long long)digest(ds, 100));
        fed_data_free(ds);
    }
}

static void test_synthetic_seeds(void)
{
    fed_data *ds = open_set("synthetic:digits?rows=50", FED_DATA_TRAIN);
    fed_data *longer =
        open_set("synthetic:digits?rows=80&clients=4&seed=9", FED_DATA_TRAIN);
    fed_data *other = open_set("synthetic:digits?rows=50&data_seed=2", FED_DATA_TRAIN);
    fed_data *test = open_set("synthetic:digits?test_rows=50", FED_DATA_TEST);
    uint64_t h = digest(ds, 50);
    CHECK(h ==
          digest(longer, 50)); /* more rows, or another partition: the same first rows */
    CHECK(h != digest(other, 50) && h != digest(test, 50));
    fed_data_free(ds);
    fed_data_free(longer);
    fed_data_free(other);
    fed_data_free(test);
}

/* The least-squares slope of each feature finds the weights: the noise is all that is
 * left. */
static void test_linear_is_linear(void)
{
    enum { ROWS = 2000 };
    fed_data *ds = open_set("synthetic:linear?rows=2000&dims=1", FED_DATA_TRAIN);
    double sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0;
    for (uint32_t r = 0; ds && r < ROWS; r++) {
        float x, y;
        CHECK_EQ(fed_data_fetch(ds, &r, 1, &x, &y), FED_OK);
        sx += x, sy += y, sxx += (double)x * x, sxy += (double)x * y,
            syy += (double)y * y;
    }
    double cxx = sxx - sx * sx / ROWS, cxy = sxy - sx * sy / ROWS,
           cyy = syy - sy * sy / ROWS;
    CHECK_NEAR(cxx / ROWS, 1, 0.1);
    CHECK_NEAR((cyy - cxy * cxy / cxx) / ROWS, 0.01, 0.001);
    fed_data_free(ds);
}

/* ---- digits can be learnt ---------------------------------------------------------- */

typedef struct pictures {
    uint32_t n;
    float *x; /* n x 784, in 0..1 */
    int32_t *y;
} pictures;

static pictures load_pictures(fed_data_part part)
{
    fed_data *ds = open_set("synthetic:digits?rows=6000&test_rows=1500", part);
    pictures p = {fed_data_describe(ds)->rows, NULL, NULL};
    uint32_t *rows = malloc(p.n * sizeof *rows);
    p.x = malloc((size_t)p.n * 784 * sizeof *p.x);
    p.y = malloc(p.n * sizeof *p.y);
    for (uint32_t i = 0; i < p.n; i++)
        rows[i] = i;
    CHECK_EQ(fed_data_fetch(ds, rows, p.n, p.x, p.y), FED_OK);
    for (size_t i = 0; i < (size_t)p.n * 784; i++)
        p.x[i] /= 255;
    free(rows);
    fed_data_free(ds);
    return p;
}

static void score(const float *w, const float *x, float out[10])
{
    for (int k = 0; k < 10; k++) {
        out[k] = w[k * 785 + 784];
        for (int i = 0; i < 784; i++)
            out[k] += w[k * 785 + i] * x[i];
    }
}

static void learn_one(float *w, const float *x, int32_t y)
{
    float out[10], sum = 0;
    score(w, x, out);
    for (int k = 0; k < 10; k++)
        sum += out[k] = expf(out[k]);
    for (int k = 0; k < 10; k++) {
        float step = 0.01f * (out[k] / sum - (k == y));
        for (int i = 0; i < 784; i++)
            w[k * 785 + i] -= step * x[i];
        w[k * 785 + 784] -= step;
    }
}

/* A linear model gets most of them and not all: worth learning, worth more than a
 * line. */
static void test_digits_can_be_learnt(void)
{
    static float w[10 * 785];
    pictures train = load_pictures(FED_DATA_TRAIN), test = load_pictures(FED_DATA_TEST);
    for (uint32_t step = 0; step < 5 * train.n; step++)
        learn_one(w, train.x + (size_t)(step % train.n) * 784, train.y[step % train.n]);
    uint32_t right = 0;
    for (uint32_t i = 0; i < test.n; i++) {
        float out[10];
        int best = 0;
        score(w, test.x + (size_t)i * 784, out);
        for (int k = 1; k < 10; k++)
            best = out[k] > out[best] ? k : best;
        right += best == test.y[i];
    }
    double accuracy = (double)right / test.n;
    fed_note("logistic regression reads %.1f %% of unseen digits", 100 * accuracy);
    CHECK(accuracy > 0.82 && accuracy < 0.97);
    free(train.x);
    free(train.y);
    free(test.x);
    free(test.y);
}

static void test_fetch_allocates_nothing(void)
{
    fed_data *ds = open_set("synthetic:digits?rows=10", FED_DATA_TRAIN);
    static float x[10 * 784];
    int32_t y[10];
    const uint32_t rows[10] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    if (!ds) return;
    fed_count_allocations_start();
    fed_status status = fed_data_fetch(ds, rows, 10, x, y);
    CHECK_EQ(fed_count_allocations_stop(), 0);
    CHECK_EQ(status, FED_OK);
    fed_data_free(ds);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_spec),
        CASE(test_synthetic_everywhere),
        CASE(test_synthetic_seeds),
        CASE(test_linear_is_linear),
        CASE(test_digits_can_be_learnt),
        CASE(test_fetch_allocates_nothing),
    };
    return fed_run("data", cases, sizeof cases / sizeof *cases);
}
