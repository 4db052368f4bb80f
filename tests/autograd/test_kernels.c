/* Kernels against plain loops: the matrix product of every shape and layout, ordered sums,
 * finiteness, transposition through the product, and what layers draw or round. */
#include "harness.h"

#include <stdio.h>

#include "kernels/gemm.h"
#include "kernels/fast_math.h"
#include "ops/op.h"
#include "small_model.h"

static float values[3][200 * 200], scratch[FED_GEMM_SCRATCH];

/* One product on one path; a_turned and b_turned say how the operands lie. */
static void check_product(const fed_path *path, size_t m, size_t n, size_t k,
                          unsigned how)
{
    bool a_turned = how & 1, b_turned = how & 2, accumulate = how & 4, rest = how & 8;
    float bias[200];
    fed_gemm g = {.m = m,
                  .n = n,
                  .k = k,
                  .a = values[0],
                  .a_row = a_turned ? 1 : k,
                  .a_col = a_turned ? m : 1,
                  .b = values[1],
                  .b_row = b_turned ? 1 : n,
                  .b_col = b_turned ? k : 1,
                  .c = values[2],
                  .c_row = n + 1,
                  .accumulate = accumulate,
                  .bias = rest ? bias : NULL,
                  .relu = rest};
    for (size_t i = 0; i < n; i++)
        bias[i] = (float)i / (float)n - 0.5f;
    for (size_t i = 0; i < m * (n + 1); i++)
        values[2][i] = 0.25f;
    path->gemm(&g, scratch);
    double worst = 0;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = (accumulate ? 0.25 : 0) + (rest ? (double)bias[j] : 0);
            for (size_t l = 0; l < k; l++)
                sum += (double)g.a[i * g.a_row + l * g.a_col] *
                       (double)g.b[l * g.b_row + j * g.b_col];
            if (rest && sum < 0) sum = 0;
            worst = fmax(worst, fabs(sum - (double)g.c[i * g.c_row + j]));
        }
    CHECK_MSG(worst <= 1e-5 * sqrt((double)k + 1),
              "%zu x %zu x %zu, layout %u on %s: off by %g", m, n, k, how,
              fed_kernel_name(path->kernel), worst);
    for (size_t i = 0; i + 1 < m; i++) /* what lies between the rows stays */
        CHECK(values[2][i * g.c_row + n] == 0.25f);
}

static void test_products(void)
{
    static const size_t m[] = {1, 2, 5, 11, 12, 13, 25, 33, 70},
                        n[] = {1, 7, 16, 17, 31, 32, 40};
    static const size_t k[] = {0, 1, 3, 64};
    uint32_t state = 1;
    for (size_t i = 0; i < 200 * 200; i++)
        values[0][i] = test_noise(&state), values[1][i] = test_noise(&state);
    for (int kernel = 0; kernel <= FED_KERNEL_AVX512; kernel++) {
        const fed_path *path = fed_path_find((fed_kernel)kernel);
        for (size_t i = 0; path && i < 9 * 7 * 4 * 16; i++)
            check_product(path, m[i % 9], n[i / 9 % 7], k[i / 63 % 4],
                          (unsigned)(i / 252));
        if (!path) continue;
        check_product(path, 30, 25, 1100, 0); /* several blocks of k */
        check_product(path, 30, 25, 1100, 14);
        check_product(path, 60, 150, 200, 0); /* packed */
    }
}

static void test_sums_and_finiteness(void)
{
    float x[100];
    for (int kernel = 0; kernel <= FED_KERNEL_AVX512; kernel++) {
        const fed_path *path = fed_path_find((fed_kernel)kernel);
        for (size_t n = 1; path && n <= 100; n++) {
            double squares = 0;
            for (size_t i = 0; i < n; i++)
                x[i] = (float)i - 7, squares += (double)x[i] * (double)x[i];
            CHECK_NEAR(path->sum_squares(n, x), squares, 1e-9);
            CHECK(path->all_finite(n, x));
            x[n - 1] = INFINITY;
            CHECK(!path->all_finite(n, x));
            x[n - 1] = 0, x[n / 2] = NAN;
            CHECK(!path->all_finite(n, x));
        }
    }
}

/* Errors of the approximations, over their whole range. */
static void test_fast_math(void)
{
    double of_exp = 0, of_tanh = 0, of_erf = 0, of_ln = 0;
    for (double x = -87; x < 88; x += 0.00137) {
        float f = (float)x;
        of_exp = fmax(of_exp, fabs((double)fed_exp(f) / exp((double)f) - 1));
        of_tanh = fmax(of_tanh, fabs((double)fed_tanh(f) - tanh((double)f)));
        of_erf = fmax(of_erf, fabs((double)fed_erf(f / 20) - erf((double)(f / 20))));
        of_ln = fmax(of_ln, fabs(fed_ln(exp(x)) - x) / (1 + fabs(x)));
    }
    fed_note("exp %.2g, tanh %.2g, erf %.2g, ln %.2g", of_exp, of_tanh, of_erf, of_ln);
    CHECK(of_exp < 3e-7);
    CHECK(of_tanh < 3e-7);
    CHECK(of_erf < 6e-7);
    CHECK(of_ln < 1e-14);
    CHECK(isnan(fed_exp(NAN)));
    CHECK(isnan(fed_ln((double)NAN)));
    CHECK(fed_exp(-1e30f) < 1e-37f && fed_exp(1e30f) > 1e38f);
}

/* The output of one layer on 1000 values, on every path. */
static void layer_output(const char *layers, const float *x, bool train, float *y)
{
    small_model m = {.layers = layers,
                     .input = {{1, {1000}}, FED_INPUT_FEATURES, 1},
                     .loss = "mean_squared_error"};
    fed_error err = {0};
    fed_compile_options options = {.max_batch = 1, .input_gradient = true};
    fed_optimizer_config config = {.kind = FED_SGD, .lr = 0.1};
    static const float zero[1000];
    fed_batch batch = {1, x, NULL, NULL, zero};
    if (CHECK_OK(make_small_model(&m, &options, &config, &err), &err)) {
        if (!train) {
            CHECK_OK(fed_runner_infer(m.runner, m.params, &batch, y, &err), &err);
        } else {
            CHECK_OK(
                fed_runner_backward(m.runner, m.params, &batch, &m.dropout, NULL, &err),
                &err);
            memcpy(y, fed_runner_input_gradient(m.runner), sizeof zero);
        }
    }
    free_small_model(&m);
}

/* The gradient of the mean square of a dropped value is 2 factor^2 x / n. */
static void test_dropout(void)
{
    static float x[1000], y[1000];
    size_t dropped = 0;
    for (size_t i = 0; i < 1000; i++)
        x[i] = 1;
    layer_output("dropout rate=0.25", x, false, y);
    CHECK_MEM(x, y, sizeof x);
    layer_output("dropout rate=0.25", x, true, y);
    for (size_t i = 0; i < 1000; i++) {
        dropped += y[i] == 0;
        if (y[i] != 0) CHECK_NEAR(y[i], 2 / (0.75 * 0.75) / 1000, 1e-6);
    }
    CHECK_NEAR(dropped, 250, 5 * sqrt(1000 * 0.25 * 0.75));
}

/* Values land on the grid, nearest first, and the gradient passes as it is. */
static void test_fake_quantize(void)
{
    static float x[1000], y[1000], d[1000];
    for (size_t i = 0; i < 1000; i++)
        x[i] = (float)i / 500 - 1;
    x[0] = -2; /* the greatest magnitude: a grid of 2 / 7 */
    layer_output("fake_quantize bits=4", x, false, y);
    layer_output("fake_quantize bits=4", x, true, d);
    for (size_t i = 0; i < 1000; i++) {
        CHECK_NEAR(y[i] * 7 / 2, nearbyint((double)x[i] * 7 / 2), 1e-5);
        CHECK_NEAR(d[i], 2 * y[i] / 1000, 1e-6);
    }
}

/* All paths hold the same operators in the same order. */
static void test_paths_agree_on_the_table(void)
{
    const fed_path *plain = fed_path_find(FED_KERNEL_SCALAR);
    for (int kernel = 1; kernel <= FED_KERNEL_AVX512; kernel++) {
        const fed_path *path = fed_path_find((fed_kernel)kernel);
        size_t i = 0;
        for (; path && plain->rows[i] && path->rows[i]; i++)
            CHECK_STR(plain->rows[i]->op.name, path->rows[i]->op.name);
        if (path) CHECK(!plain->rows[i] && !path->rows[i]);
    }
}

/* The documentation lists every operator that a plan may name. */
static void test_documentation_is_complete(void)
{
    static char text[1 << 16];
    FILE *file = fopen(DOCS_DIR "/operators.md", "r");
    if (!CHECK(file != NULL)) return;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    for (size_t i = 0; i < fed_op_count(); i++) {
        char row[80];
        snprintf(row, sizeof row, "| `%s` |", fed_op_at(i)->name);
        CHECK_MSG(strstr(text, row) != NULL, "docs/operators.md misses %s", row);
    }
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_products),
                                     CASE(test_sums_and_finiteness),
                                     CASE(test_fast_math),
                                     CASE(test_dropout),
                                     CASE(test_fake_quantize),
                                     CASE(test_paths_agree_on_the_table),
                                     CASE(test_documentation_is_complete)};
    return fed_run("kernels", cases, sizeof cases / sizeof *cases);
}
