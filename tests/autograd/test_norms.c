/* Gradient checks: normalisation. */
#include "gradient_check.h"

/* y over one set of values that share mean and variance; `at` lists their places. */
static void normalise(const reference *r, const size_t *at, size_t n, bool centred,
                      double epsilon)
{
    size_t channels = r->in.dim[r->in.rank - 1];
    double mean = 0, variance = 0;
    for (size_t i = 0; i < n && centred; i++)
        mean += r->x[at[i]] / (double)n;
    for (size_t i = 0; i < n; i++)
        variance += (r->x[at[i]] - mean) * (r->x[at[i]] - mean) / (double)n;
    for (size_t i = 0; i < n; i++) {
        size_t c = at[i] % channels;
        r->y[at[i]] = (r->x[at[i]] - mean) / sqrt(variance + epsilon) * r->p[0][c] +
                      (centred ? r->p[1][c] : 0);
    }
}

static void by_row(const reference *r, bool centred)
{
    size_t at[64], n = r->in.dim[r->in.rank - 1];
    for (size_t i = 0; i < r->batch * fed_shape_count(&r->in) / n; i++) {
        for (size_t j = 0; j < n; j++)
            at[j] = i * n + j;
        normalise(r, at, n, centred, r->attrs[0].number);
    }
}
static void layer_norm(const reference *r)
{
    by_row(r, true);
}
static void rms_norm(const reference *r)
{
    by_row(r, false);
}

static void group_norm(const reference *r)
{
    size_t at[256], each = fed_shape_count(&r->in), channels = r->in.dim[r->in.rank - 1];
    size_t groups = (size_t)r->attrs[0].number, width = channels / groups;
    for (size_t e = 0; e < r->batch; e++)
        for (size_t g = 0; g < groups; g++) {
            size_t n = 0;
            for (size_t i = 0; i < each; i++)
                if (i % channels / width == g) at[n++] = e * each + i;
            normalise(r, at, n, true, r->attrs[1].number);
        }
}

static void batch_norm(const reference *r)
{
    size_t at[256], channels = r->in.dim[r->in.rank - 1];
    for (size_t c = 0; c < channels; c++) {
        size_t n = 0;
        for (size_t i = 0; i < r->batch * fed_shape_count(&r->in); i++)
            if (i % channels == c) at[n++] = i;
        normalise(r, at, n, true, r->attrs[1].number);
    }
}

static void test_norms(void)
{
    static const gradient_case cases[] = {
        {.layers = "layer_norm", .in = {1, {7}}, .compute = layer_norm},
        {.layers = "layer_norm epsilon=0.1", .in = {2, {3, 20}}, .compute = layer_norm},
        {.layers = "rms_norm", .in = {2, {3, 20}}, .compute = rms_norm},
        {.layers = "group_norm groups=1", .in = {2, {3, 4}}, .compute = group_norm},
        {.layers = "group_norm groups=3", .in = {3, {2, 4, 6}}, .compute = group_norm},
        {.layers = "batch_norm",
         .in = {1, {5}},
         .compute = batch_norm,
         .batch_pieces = 1},
        {.layers = "batch_norm epsilon=0.01",
         .in = {3, {2, 3, 4}},
         .compute = batch_norm,
         .batch_pieces = 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_gradients(&cases[i]);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_norms)};
    return fed_run("norms", cases, sizeof cases / sizeof *cases);
}
