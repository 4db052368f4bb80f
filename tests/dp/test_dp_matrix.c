/* Strategies against their tables, brute force, and the stream's exactness. */
#include "harness.h"

#include <stdlib.h>

#include "csv_rows.h"
#include "dp.h"

static double relative(double a, double b)
{
    return fabs(a - b) / fmax(fabs(b), 1e-300);
}

static void test_tree_rows(void)
{
    csv_rows csv;
    int rows = 0;
    if (!csv_open(&csv, "tree_reference.csv")) return;
    while (csv_next(&csv)) {
        double found = NAN;
        fed_error err;
        uint32_t separation = (uint32_t)csv_number(&csv, "min_separation_tfp") + 1;
        CHECK_OK(fed_tree_sensitivity_squared(
                     (uint32_t)csv_number(&csv, "total_steps"), separation,
                     (uint32_t)csv_number(&csv, "max_participation"), &found, &err),
                 &err);
        CHECK_MSG(found == csv_number(&csv, "sens_sq"), "steps %s k %s b %u: %g, not %s",
                  csv_text(&csv, "total_steps"), csv_text(&csv, "max_participation"),
                  separation, found, csv_text(&csv, "sens_sq"));
        rows++;
    }
    fed_note("%d rows", rows);
}

/* "bands=4" or "theta=a|b;omega=c|d". */
static void read_list(const char *text, const char *name, double *out, uint32_t *n)
{
    const char *at = strstr(text, name);
    for (*n = 0; at && *n < FED_BLT_MAX && *at && *at != ';';) {
        char *end;
        at += *n ? 1 : strlen(name);
        out[(*n)++] = strtod(at, &end);
        at = end;
    }
}

static fed_matrix_config row_config(const csv_rows *csv)
{
    fed_matrix_config c = {0};
    const char *strategy = csv_text(csv, "strategy"), *params = csv_text(csv, "params");
    double bands[FED_BLT_MAX];
    uint32_t n = 0;
    c.steps = (uint32_t)csv_number(csv, "n");
    c.separation = (uint32_t)csv_number(csv, "min_sep_b");
    c.participations = (uint32_t)csv_number(csv, "max_part_k");
    if (!strncmp(strategy, "sqrt", 4)) c.kind = FED_MATRIX_SQRT;
    if (!strncmp(strategy, "banded", 6)) {
        c.kind = FED_MATRIX_BANDED;
        read_list(params, "bands=", bands, &n);
        c.bands = n ? (uint32_t)bands[0] : 0;
    }
    if (!strncmp(strategy, "blt", 3)) {
        c.kind = FED_MATRIX_BLT;
        read_list(params, "theta=", c.theta, &c.buffers);
        read_list(params, "omega=", c.omega, &n);
    }
    return c;
}

static void test_strategy_rows(void)
{
    csv_rows csv;
    int rows = 0;
    double worst = 0;
    if (!csv_open(&csv, "mf_reference.csv")) return;
    while (csv_next(&csv)) {
        fed_matrix_config c = row_config(&csv);
        fed_matrix *m = NULL;
        fed_error err;
        CHECK_OK(fed_matrix_new(&m, &c, &err), &err);
        if (!m) continue;
        double sensitivity = fed_matrix_sensitivity_squared(m);
        double error = fed_matrix_error_squared(m);
        double off = fmax(relative(sensitivity, csv_number(&csv, "sens_sq")),
                          relative(error, csv_number(&csv, "max_err_rownorm_sq")));
        off =
            fmax(off, relative(sqrt(sensitivity * error), csv_number(&csv, "max_loss")));
        CHECK_MSG(off < 1e-9, "%s %s n %u: off by %g", csv_text(&csv, "strategy"),
                  csv_text(&csv, "params"), c.steps, off);
        worst = fmax(worst, off), rows++;
        fed_matrix_free(m);
    }
    fed_note("%d rows, largest relative difference %.2g", rows, worst);
}

/* Every pattern of participations, by counting in binary. */
static double brute_force(const fed_matrix *m, const fed_matrix_config *c)
{
    double best = 0;
    for (uint32_t pattern = 1; pattern < 1u << c->steps; pattern++) {
        uint32_t count = 0, last = 0;
        bool allowed = true;
        double sum = 0;
        for (uint32_t t = 0; t < c->steps; t++) {
            if (!(pattern >> t & 1)) continue;
            allowed = allowed && (!count || t - last >= c->separation);
            count++, last = t;
        }
        if (!allowed || count > c->participations) continue;
        for (uint32_t t = 0; t < c->steps; t++) {
            double entry = 0;
            for (uint32_t j = 0; j <= t; j++)
                if (pattern >> j & 1) entry += fed_matrix_coefficient(m, t - j);
            sum += entry * entry;
        }
        best = fmax(best, sum);
    }
    return best;
}

/* A few buffers come close to the square root: its total error for one participation, and for
 * a few. */
static void test_blt_follows_the_root(void)
{
    static const uint32_t steps[] = {10, 100, 2000};
    for (int i = 0; i < 3; i++)
        for (uint32_t buffers = 2; buffers <= FED_BLT_MAX; buffers += 2) {
            fed_error err;
            fed_matrix *root, *blt;
            fed_matrix_config c = {.kind = FED_MATRIX_SQRT,
                                   .steps = steps[i],
                                   .separation = steps[i] / 4,
                                   .participations = 4,
                                   .buffers = buffers,
                                   .grid_bits = 16};
            CHECK_OK(fed_matrix_new(&root, &c, &err), &err);
            c.kind = FED_MATRIX_BLT;
            fed_matrix_fit_blt(&c);
            CHECK_OK(fed_matrix_new(&blt, &c, &err), &err);
            CHECK_NEAR(fed_matrix_coefficient(blt, 1), 0.5, 1e-4);
            double ratio = sqrt(
                fed_matrix_sensitivity_squared(blt) * fed_matrix_error_squared(blt) /
                fed_matrix_sensitivity_squared(root) / fed_matrix_error_squared(root));
            fed_note("%u rounds, %u buffers: %.4f of the root's error", steps[i], buffers,
                     ratio);
            CHECK(ratio < (buffers == 2 ? 1.2 : 1.05));
            fed_matrix_free(root);
            fed_matrix_free(blt);
        }
}

static void test_sensitivity_by_brute_force(void)
{
    for (uint32_t b = 1; b <= 4; b++)
        for (uint32_t k = 1; k <= 3; k++) {
            fed_matrix_config c = {.kind = FED_MATRIX_BANDED,
                                   .steps = 10,
                                   .separation = b,
                                   .participations = k,
                                   .bands = 6,
                                   .grid_bits = 8};
            fed_matrix *m = NULL;
            fed_error err;
            CHECK_OK(fed_matrix_new(&m, &c, &err), &err);
            if (m)
                CHECK_NEAR(fed_matrix_sensitivity_squared(m), brute_force(m, &c), 1e-9);
            fed_matrix_free(m);
        }
}

/* Post-processing, exactly: draw the same z with x added before (through Cx) or after, and the
 * releases agree in every bit. Ties (halves) are frequent on a coarse grid. */
static void test_stream_is_post_processing(void)
{
    enum { STEPS = 40, DIM = 64, GRID = 2 };
    fed_matrix_config c = {.kind = FED_MATRIX_SQRT,
                           .steps = STEPS,
                           .separation = 1,
                           .participations = 1,
                           .grid_bits = GRID};
    static int64_t x[STEPS][DIM], released[STEPS][DIM], z[STEPS][DIM];
    uint8_t key[32] = {7};
    fed_noise noise;
    fed_matrix *m = NULL;
    fed_matrix_stream *s = NULL;
    fed_sampler *sampler = NULL;
    fed_error err;
    CHECK_OK(fed_matrix_new(&m, &c, &err), &err);
    CHECK_OK(fed_matrix_stream_new(&s, m, DIM, 1.5, FED_SAMPLER_GAUSSIAN_EXACT, &err),
             &err);
    CHECK_OK(
        fed_sampler_new(&sampler, FED_SAMPLER_GAUSSIAN_EXACT, 1.5 * (1 << GRID), &err),
        &err);
    CHECK_OK(fed_noise_init(&noise, key, &err), &err);
    for (int t = 0; t < STEPS; t++) {
        CHECK_OK(fed_matrix_stream_next(s, &noise, released[t], &err), &err);
        for (int i = 0; i < DIM; i++) {
            x[t][i] = (t * 31 + i * 17) % 23 - 11;
            released[t][i] += x[t][i];
        }
    }
    CHECK_FAILS(fed_matrix_stream_next(s, &noise, z[0], &err), FED_E_LIMIT, &err,
                "rounds");
    fed_noise_fini(&noise);
    CHECK_OK(fed_noise_init(&noise, key, &err), &err);
    int different = 0, halves = 0;
    for (int t = 0; t < STEPS; t++) {
        CHECK_OK(fed_sampler_fill(sampler, &noise, z[t], DIM, &err), &err);
        for (int i = 0; i < DIM; i++) {
            int64_t y = z[t][i] + x[t][i] * (1 << GRID);
            for (int j = 1; j <= t; j++) {
                int64_t coef =
                    (int64_t)(fed_matrix_coefficient(m, (uint32_t)j) * (1 << GRID));
                y += coef * (x[t - j][i] - released[t - j][i]);
            }
            halves += (y & ((1 << GRID) - 1)) == 1 << (GRID - 1);
            different += released[t][i] != (int64_t)floor((double)y / (1 << GRID) + 0.5);
        }
    }
    CHECK_EQ(different, 0);
    CHECK(halves > 100);
    fed_noise_fini(&noise);
    fed_sampler_free(sampler);
    fed_matrix_stream_free(s);
    fed_matrix_free(m);
}

/* Prefix sums of the tree's noise have the variance of as many nodes as t has ones. */
static void test_tree_stream(void)
{
    enum { STEPS = 16, DIM = 20000 };
    fed_matrix_config c = {
        .kind = FED_MATRIX_TREE, .steps = STEPS, .separation = 16, .participations = 1};
    static int64_t e[DIM], prefix[DIM];
    uint8_t key[32] = {9};
    fed_noise noise;
    fed_matrix *m = NULL;
    fed_matrix_stream *s = NULL;
    fed_error err;
    CHECK_OK(fed_matrix_new(&m, &c, &err), &err);
    CHECK_OK(fed_matrix_stream_new(&s, m, DIM, 20, FED_SAMPLER_GAUSSIAN_FAST, &err),
             &err);
    CHECK_OK(fed_noise_init(&noise, key, &err), &err);
    for (int t = 1; t <= STEPS && m && s; t++) {
        double variance = 0;
        int ones = __builtin_popcount((unsigned)t);
        CHECK_OK(fed_matrix_stream_next(s, &noise, e, &err), &err);
        for (int i = 0; i < DIM; i++) {
            prefix[i] += e[i];
            variance += (double)prefix[i] * (double)prefix[i] / DIM;
        }
        CHECK_NEAR(variance, 400.0 * ones, 400.0 * ones * 6 * sqrt(2.0 / DIM));
    }
    CHECK_EQ(fed_matrix_error_squared(m), 4);
    fed_integer_release r = fed_matrix_release(m, 20, 3, DIM);
    CHECK_NEAR(r.delta2, 3 * sqrt(5), 1e-12); /* one participation: five nodes */
    CHECK_EQ(r.sigma_local, 20);
    CHECK_EQ(r.dim, 2 * STEPS * (uint64_t)DIM);
    fed_noise_fini(&noise);
    fed_matrix_stream_free(s);
    fed_matrix_free(m);
}

static void test_refusals(void)
{
    fed_matrix_config c = {.kind = FED_MATRIX_BLT,
                           .steps = 8,
                           .separation = 1,
                           .participations = 1,
                           .buffers = 1,
                           .theta = {0.5},
                           .omega = {2}};
    fed_matrix *m;
    fed_error err;
    CHECK_FAILS(fed_matrix_new(&m, &c, &err), FED_E_REFUSED, &err, "coefficient 1 is 2");
    c.theta[0] = 1;
    CHECK_FAILS(fed_matrix_new(&m, &c, &err), FED_E_INVALID, &err, "theta");
    c.kind = FED_MATRIX_BANDED;
    CHECK_FAILS(fed_matrix_new(&m, &c, &err), FED_E_INVALID, &err, "bands");
    c.steps = 0;
    CHECK_FAILS(fed_matrix_new(&m, &c, &err), FED_E_INVALID, &err, "steps");
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_tree_rows),
        CASE(test_strategy_rows),
        CASE(test_tree_stream),
        CASE(test_blt_follows_the_root),
        CASE(test_sensitivity_by_brute_force),
        CASE(test_refusals),
        CASE(test_stream_is_post_processing),
    };
    return fed_run("dp_matrix", cases, sizeof cases / sizeof *cases);
}
