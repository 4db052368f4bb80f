/* Gradient checks: embedding, recurrent layers, attention. */
#include "gradient_check.h"

static void embedding(const reference *r)
{
    size_t units = (size_t)r->attrs[1].number;
    for (size_t i = 0; i < r->batch * fed_shape_count(&r->out); i++)
        r->y[i] = r->p[0][(size_t)r->tokens[i / units] * units + i % units];
}

static void test_embedding(void)
{
    static const gradient_case cases[] = {
        {.layers = "embedding vocabulary=5 units=3",
         .in = {1, {4}},
         .compute = embedding,
         .vocabulary = 5},
        {.layers = "embedding vocabulary=9 units=20",
         .in = {2, {2, 3}},
         .compute = embedding,
         .vocabulary = 9},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_gradients(&cases[i]);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* Gate column j at one step: x Wx + h Wh + b; `from_h` receives the part of h alone. */
static double gate(const reference *r, const double *x, const double *h, size_t width,
                   size_t j, double *from_h)
{
    size_t in = r->in.dim[1], units = (size_t)r->attrs[0].number;
    double sum = r->p[2][j], inner = 0;
    for (size_t k = 0; k < in; k++)
        sum += x[k] * r->p[0][k * width + j];
    for (size_t k = 0; k < units; k++)
        inner += h[k] * r->p[1][k * width + j];
    *from_h = inner;
    return sum;
}

static void lstm_step(const reference *r, const double *x, double *h, double *c)
{
    size_t n = (size_t)r->attrs[0].number;
    double a[4], inner, next[16];
    for (size_t j = 0; j < n; j++) {
        for (size_t g = 0; g < 4; g++) {
            a[g] = gate(r, x, h, 4 * n, g * n + j, &inner);
            a[g] += inner;
        }
        c[j] = sigmoid(a[1]) * c[j] + sigmoid(a[0]) * tanh(a[2]);
        next[j] = sigmoid(a[3]) * tanh(c[j]);
    }
    memcpy(h, next, n * sizeof *h);
}

static void gru_step(const reference *r, const double *x, double *h, double *unused)
{
    size_t n = (size_t)r->attrs[0].number;
    double next[16], inner;
    (void)unused;
    for (size_t j = 0; j < n; j++) {
        double reset = gate(r, x, h, 3 * n, j, &inner) + inner;
        double keep = gate(r, x, h, 3 * n, n + j, &inner) + inner;
        double new = gate(r, x, h, 3 * n, 2 * n + j, &inner);
        new = tanh(new + sigmoid(reset) * (inner + r->p[3][j]));
        next[j] = (1 - sigmoid(keep)) * new + sigmoid(keep) * h[j];
    }
    memcpy(h, next, n * sizeof *h);
}

static void recurrent(const reference *r,
                      void (*step)(const reference *, const double *, double *, double *))
{
    size_t steps = r->in.dim[0], in = r->in.dim[1], n = (size_t)r->attrs[0].number;
    bool all = r->attrs[1].number != 0;
    for (size_t e = 0; e < r->batch; e++) {
        double h[16] = {0}, c[16] = {0};
        for (size_t t = 0; t < steps; t++) {
            step(r, r->x + (e * steps + t) * in, h, c);
            memcpy(r->y + (all ? e * steps + t : e) * n, h, n * sizeof *h);
        }
    }
}
static void lstm(const reference *r)
{
    recurrent(r, lstm_step);
}
static void gru(const reference *r)
{
    recurrent(r, gru_step);
}

static void test_recurrent(void)
{
    static const gradient_case cases[] = {
        {.layers = "lstm units=3", .in = {2, {4, 2}}, .compute = lstm},
        {.layers = "lstm units=5 sequence=0", .in = {2, {3, 4}}, .compute = lstm},
        {.layers = "lstm units=1", .in = {2, {1, 1}}, .compute = lstm},
        {.layers = "gru units=3", .in = {2, {4, 2}}, .compute = gru},
        {.layers = "gru units=5 sequence=0", .in = {2, {3, 4}}, .compute = gru},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_gradients(&cases[i]);
}

static double feature(double x)
{
    return x > 0 ? x + 1 : exp(x);
}

/* The weight that query step i of a head gives to step j, before division by their sum. */
static double affinity(const reference *r, bool linear, const double *q, const double *k,
                       size_t size, size_t i, size_t j)
{
    size_t window = linear ? 0 : (size_t)r->attrs[3].number;
    double sum = 0;
    if (r->attrs[2].number != 0 && j > i) return 0;
    if (window && (j + window <= i || i + window <= j)) return 0;
    for (size_t c = 0; c < size; c++)
        sum += linear ? feature(q[c]) * feature(k[c]) : q[c] * k[c];
    return linear ? sum : exp(sum / sqrt((double)size));
}

static void head(const reference *r, bool linear, size_t e, size_t at)
{
    size_t heads = (size_t)r->attrs[0].number, kv = (size_t)r->attrs[1].number;
    if (!kv) kv = heads;
    size_t steps = r->in.dim[0], row = r->in.dim[1], size = row / (heads + 2 * kv);
    const double *x = r->x + e * steps * row, *q = x + at * size;
    const double *k = x + (heads + at / (heads / kv)) * size, *v = k + kv * size;
    for (size_t i = 0; i < steps; i++) {
        double total = linear ? 1e-6 : 0, *y = r->y + (e * steps + i) * heads * size;
        for (size_t c = 0; c < size; c++)
            y[at * size + c] = 0;
        for (size_t j = 0; j < steps; j++) {
            double a = affinity(r, linear, q + i * row, k + j * row, size, i, j);
            total += a;
            for (size_t c = 0; c < size; c++)
                y[at * size + c] += a * v[j * row + c];
        }
        for (size_t c = 0; c < size; c++)
            y[at * size + c] /= total;
    }
}

static void attend(const reference *r, bool linear)
{
    for (size_t e = 0; e < r->batch; e++)
        for (size_t at = 0; at < (size_t)r->attrs[0].number; at++)
            head(r, linear, e, at);
}
static void attention(const reference *r)
{
    attend(r, false);
}
static void linear_attention(const reference *r)
{
    attend(r, true);
}

static void test_attention(void)
{
    static const gradient_case cases[] = {
        {.layers = "attention heads=1", .in = {2, {4, 6}}, .compute = attention},
        {.layers = "attention heads=2 causal=1",
         .in = {2, {5, 18}},
         .compute = attention},
        {.layers = "attention heads=4 kv_heads=1",
         .in = {2, {3, 12}},
         .compute = attention},
        {.layers = "attention heads=4 kv_heads=2 causal=1 window=2",
         .in = {2, {6, 16}},
         .compute = attention},
        {.layers = "attention heads=1 window=3", .in = {2, {7, 3}}, .compute = attention},
        {.layers = "linear_attention heads=1",
         .in = {2, {4, 6}},
         .compute = linear_attention},
        {.layers = "linear_attention heads=4 kv_heads=2 causal=1",
         .in = {2, {5, 16}},
         .compute = linear_attention},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_gradients(&cases[i]);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_embedding), CASE(test_recurrent),
                                     CASE(test_attention)};
    return fed_run("sequences", cases, sizeof cases / sizeof *cases);
}
