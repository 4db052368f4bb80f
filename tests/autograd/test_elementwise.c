/* Gradient checks: activations, softmax, sums, products, copies. */
#include "gradient_check.h"

#include <stdio.h>

static double relu(double x)
{
    return x < 0 ? 0 : x;
}
static double relu6(double x)
{
    return fmin(relu(x), 6);
}
static double leaky_relu(double x)
{
    return x < 0 ? 0.25 * x : x;
}
static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}
static double gelu(double x)
{
    return 0.5 * x * erfc(-x / sqrt(2));
}
static double silu(double x)
{
    return x * sigmoid(x);
}
static double hard_swish(double x)
{
    return x * fmin(fmax(x + 3, 0), 6) / 6;
}

/* The activation under test, behind a linear layer of nine units that widens the range. */
static double (*activation)(double);

static void activated(const reference *r)
{
    size_t in = r->in.dim[0], out = r->out.dim[0];
    for (size_t i = 0; i < r->batch; i++)
        for (size_t j = 0; j < out; j++) {
            double sum = r->p[1][j];
            for (size_t k = 0; k < in; k++)
                sum += r->x[i * in + k] * r->p[0][k * out + j];
            r->y[i * out + j] = activation(sum);
        }
}

static void activated_alone(const reference *r)
{
    for (size_t i = 0; i < r->batch * fed_shape_count(&r->in); i++)
        r->y[i] = activation(r->x[i]);
}

/* As an attribute, as a layer behind another (in place), and alone (not in place). */
static void test_activations(void)
{
    static const struct {
        const char *name;
        double (*f)(double);
    } all[] = {{"relu", relu},
               {"relu6", relu6},
               {"leaky_relu", leaky_relu},
               {"sigmoid", sigmoid},
               {"tanh", tanh},
               {"gelu", gelu},
               {"silu", silu},
               {"hard_swish", hard_swish}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char layers[128];
        bool leaky = strcmp(all[i].name, "leaky_relu") == 0;
        const char *alpha = leaky ? " alpha=0.25" : "";
        gradient_case c = {.layers = layers, .in = {1, {12}}, .compute = activated};
        activation = all[i].f;
        snprintf(layers, sizeof layers, "linear units=19 activation=%s", all[i].name);
        if (!leaky) check_gradients(&c);
        snprintf(layers, sizeof layers, "linear units=9 | %s%s", all[i].name, alpha);
        check_gradients(&c);
        c.compute = activated_alone;
        snprintf(layers, sizeof layers, "%s%s", all[i].name, alpha);
        check_gradients(&c);
    }
}

static void softmax(const reference *r)
{
    size_t n = r->in.dim[r->in.rank - 1];
    for (size_t i = 0; i < r->batch * fed_shape_count(&r->in) / n; i++) {
        double sum = 0;
        for (size_t j = 0; j < n; j++)
            sum += exp(r->x[i * n + j]);
        for (size_t j = 0; j < n; j++)
            r->y[i * n + j] = exp(r->x[i * n + j]) / sum;
    }
}

static void test_softmax(void)
{
    static const gradient_case cases[] = {
        {.layers = "softmax", .in = {1, {7}}, .compute = softmax},
        {.layers = "softmax", .in = {3, {2, 3, 21}}, .compute = softmax},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_gradients(&cases[i]);
}

/* Position of an output element in an input of shape (a, b, c), where 1 repeats. */
static size_t repeated(size_t at, const fed_shape *out, size_t a, size_t b, size_t c)
{
    size_t k = at % out->dim[2], j = at / out->dim[2] % out->dim[1];
    size_t i = at / out->dim[2] / out->dim[1] % out->dim[0],
           e = at / fed_shape_count(out);
    return ((e * a + (a > 1 ? i : 0)) * b + (b > 1 ? j : 0)) * c + (c > 1 ? k : 0);
}

/* input [2][3][4] against its slice [1][3][1] of channel 2 at the second height. */
static void combine(const reference *r, bool product)
{
    for (size_t i = 0; i < r->batch * 24; i++) {
        size_t small = repeated(i, &r->out, 1, 3, 1), e = small / 3, j = small % 3;
        double other = r->x[e * 24 + 12 + j * 4 + 2];
        r->y[i] = product ? r->x[i] * other : r->x[i] + other;
    }
}
static void add_repeated(const reference *r)
{
    combine(r, false);
}
static void mul_repeated(const reference *r)
{
    combine(r, true);
}
static void square(const reference *r)
{
    for (size_t i = 0; i < r->batch * fed_shape_count(&r->in); i++)
        r->y[i] = r->x[i] * r->x[i];
}
static void triple(const reference *r)
{
    for (size_t i = 0; i < r->batch * fed_shape_count(&r->in); i++)
        r->y[i] = 3 * r->x[i];
}
/* x + tanh(x): the branch works in place of nothing that the sum still reads. */
static void residual(const reference *r)
{
    for (size_t i = 0; i < r->batch * fed_shape_count(&r->in); i++)
        r->y[i] = 1 / (1 + exp(-r->x[i])) + tanh(1 / (1 + exp(-r->x[i])));
}

static void test_add_and_mul(void)
{
    static const char cut[] =
        "slice axis=0 start=1 length=1 @a | slice start=2 length=1 @b |";
    char sum[200], product[200];
    snprintf(sum, sizeof sum, "%s add <input <b", cut);
    snprintf(product, sizeof product, "%s mul <b <input", cut);
    const gradient_case cases[] = {
        {.layers = sum, .in = {3, {2, 3, 4}}, .compute = add_repeated},
        {.layers = product, .in = {3, {2, 3, 4}}, .compute = mul_repeated},
        {.layers = "mul <input <input", .in = {2, {3, 5}}, .compute = square},
        {.layers = "add <input <input @two | add <two <input",
         .in = {1, {6}},
         .compute = triple},
        {.layers = "sigmoid @s | tanh @t | add <s <t",
         .in = {1, {6}},
         .compute = residual},
        {.layers = "sigmoid @s | flatten @f | tanh @t | reshape shape=2,3 @u | add <u <s",
         .in = {2, {2, 3}},
         .compute = residual},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_gradients(&cases[i]);
}

/* Rows 1..2 of [3][4], then all of it again, behind each other: [5][4]. */
static void cut_and_join(const reference *r)
{
    for (size_t e = 0; e < r->batch; e++)
        for (size_t i = 0; i < 20; i++)
            r->y[e * 20 + i] = r->x[e * 12 + (i < 8 ? i + 4 : i - 8)];
}
static void turn(const reference *r)
{
    for (size_t e = 0; e < r->batch; e++)
        for (size_t i = 0; i < 24; i++) /* [2][3][4] to [4][2][3] */
            r->y[e * 24 + i] = r->x[e * 24 + i % 6 / 3 * 12 + i % 3 * 4 + i / 6];
}
static void same(const reference *r)
{
    memcpy(r->y, r->x, r->batch * fed_shape_count(&r->in) * sizeof(double));
}

static void test_copies(void)
{
    static const gradient_case cases[] = {
        {.layers = "slice axis=-2 start=1 length=2 @part | concat axis=0 <part <input",
         .in = {2, {3, 4}},
         .compute = cut_and_join},
        {.layers = "transpose order=2,0,1", .in = {3, {2, 3, 4}}, .compute = turn},
        {.layers = "reshape shape=4,3 | flatten", .in = {2, {3, 4}}, .compute = same},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_gradients(&cases[i]);
}

static void masked(const reference *r)
{
    size_t n = fed_shape_count(&r->in);
    for (size_t i = 0; i < r->batch * n; i++)
        r->y[i] = r->x[i] * r->p[0][i % n];
}
static void shifted(const reference *r)
{
    size_t n = fed_shape_count(&r->in);
    for (size_t i = 0; i < r->batch * n; i++)
        r->y[i] = r->x[i] + r->p[0][i % n];
}

static void test_tables(void)
{
    static const gradient_case cases[] = {
        {.layers = "mask_multiply", .in = {2, {3, 7}}, .compute = masked},
        {.layers = "positional_embedding", .in = {2, {3, 7}}, .compute = shifted},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_gradients(&cases[i]);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_activations), CASE(test_softmax),
                                     CASE(test_add_and_mul), CASE(test_copies),
                                     CASE(test_tables)};
    return fed_run("elementwise", cases, sizeof cases / sizeof *cases);
}
