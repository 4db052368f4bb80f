/* Gradient checks: linear, convolution, pooling, views. */
#include "gradient_check.h"

#include <stdio.h>

/* y = x W + b over the last dimension. */
static void linear(const reference *r)
{
    size_t in = r->in.dim[r->in.rank - 1], out = r->out.dim[r->out.rank - 1];
    size_t rows = r->batch * fed_shape_count(&r->in) / in;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < out; j++) {
            double sum = r->attrs[1].number != 0 ? r->p[1][j] : 0;
            for (size_t k = 0; k < in; k++)
                sum += r->x[i * in + k] * r->p[0][k * out + j];
            bool relu = strcmp(r->attrs[2].text, "relu") == 0;
            r->y[i * out + j] = relu && sum < 0 ? 0 : sum;
        }
}

static void test_linear(void)
{
    static const gradient_case cases[] = {
        {.layers = "linear units=3", .in = {1, {5}}, .compute = linear},
        {.layers = "linear units=1", .in = {1, {1}}, .compute = linear},
        {.layers = "linear units=17 bias=0", .in = {1, {33}}, .compute = linear},
        {.layers = "linear units=40 activation=relu", .in = {1, {9}}, .compute = linear},
        {.layers = "linear units=7", .in = {2, {14, 6}}, .compute = linear},
        {.layers = "linear units=35 activation=relu",
         .in = {3, {3, 5, 4}},
         .compute = linear},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_gradients(&cases[i]);
}

/* A window over one or two dimensions, straight from the definition. */
typedef struct sliding {
    size_t h, w, c, out_h, out_w;
    long kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
} sliding;

static long item(const fed_attr_value *v, size_t i)
{
    return (long)v->items[i < v->n_items ? i : v->n_items - 1];
}

/* What "same" puts in front: half of what is missing, rounded down. */
static long same_pad(size_t in, long kernel, long stride)
{
    long out = ((long)in + stride - 1) / stride;
    long missing = (out - 1) * stride + kernel - (long)in;
    return missing > 0 ? missing / 2 : 0;
}

static sliding slide(const reference *r, size_t kernel, size_t stride, size_t padding)
{
    bool flat = r->in.rank == 2;
    const fed_attr_value *a = r->attrs;
    const fed_attr_value *s = a[stride].n_items ? &a[stride] : &a[kernel];
    sliding w = {.h = flat ? 1 : r->in.dim[0],
                 .w = r->in.dim[r->in.rank - 2],
                 .c = r->in.dim[r->in.rank - 1],
                 .out_h = flat ? 1 : r->out.dim[0],
                 .out_w = r->out.dim[r->out.rank - 2],
                 .kernel_h = 1,
                 .stride_h = 1};
    w.kernel_w = item(&a[kernel], 1), w.stride_w = item(s, 1);
    if (!flat) w.kernel_h = item(&a[kernel], 0), w.stride_h = item(s, 0);
    if (strcmp(a[padding].text, "same") == 0) {
        w.pad_w = same_pad(w.w, w.kernel_w, w.stride_w);
        w.pad_h = same_pad(w.h, w.kernel_h, w.stride_h);
    } else if (a[padding + 1].n_items) {
        w.pad_w = item(&a[padding + 1], 1);
        w.pad_h = flat ? 0 : item(&a[padding + 1], 0);
    }
    return w;
}

/* Index of the input under tap (k, t) at output (i, j), channel 0; -1 on the padding. */
static long under(const sliding *w, size_t image, size_t i, size_t j, long k, long t)
{
    long y = (long)i * w->stride_h + k - w->pad_h,
         x = (long)j * w->stride_w + t - w->pad_w;
    if (y < 0 || x < 0 || y >= (long)w->h || x >= (long)w->w) return -1;
    return (((long)image * (long)w->h + y) * (long)w->w + x) * (long)w->c;
}

static double convolve_at(const reference *r, const sliding *w, size_t image, size_t i,
                          size_t j, size_t f)
{
    size_t filters = r->out.dim[r->out.rank - 1], groups = (size_t)r->attrs[5].number;
    size_t in = w->c / groups, group = f / (filters / groups);
    double sum = r->attrs[6].number != 0 ? r->p[1][f] : 0;
    for (long k = 0; k < w->kernel_h; k++)
        for (long t = 0; t < w->kernel_w; t++) {
            long at = under(w, image, i, j, k, t);
            for (size_t c = 0; c < in && at >= 0; c++)
                sum += r->x[(size_t)at + group * in + c] *
                       r->p[0][((size_t)(k * w->kernel_w + t) * in + c) * filters + f];
        }
    return sum;
}

static void convolution(const reference *r)
{
    sliding w = slide(r, 1, 2, 3);
    size_t filters = r->out.dim[r->out.rank - 1], at = 0;
    bool relu = strcmp(r->attrs[7].text, "relu") == 0;
    for (size_t image = 0; image < r->batch; image++)
        for (size_t i = 0; i < w.out_h; i++)
            for (size_t j = 0; j < w.out_w; j++)
                for (size_t f = 0; f < filters; f++) {
                    double y = convolve_at(r, &w, image, i, j, f);
                    r->y[at++] = relu && y < 0 ? 0 : y;
                }
}

/* Every kernel, stride, padding and group size with every other, where they fit. */
static void test_conv2d(void)
{
    static const char *const kernels[] = {"1", "2", "3", "2,3"};
    static const char *const strides[] = {"1", "2", "2,1"};
    static const char *const paddings[] = {"padding=valid", "padding=same", "pad=1",
                                           "pad=0,1"};
    static const char *const groups[] = {"filters=3 groups=1", "filters=6 groups=2",
                                         "filters=4 groups=4 activation=relu",
                                         "filters=8 groups=4 bias=0"};
    for (size_t i = 0; i < 4 * 3 * 4 * 4; i++) {
        char layers[200];
        const char *kernel = kernels[i % 4], *padding = paddings[i / 12 % 4];
        if (strcmp(kernel, "1") == 0 && strstr(padding, "pad=")) continue;
        snprintf(layers, sizeof layers, "conv2d kernel=%s stride=%s %s %s", kernel,
                 strides[i / 4 % 3], padding, groups[i / 48]);
        gradient_case c = {
            .layers = layers, .in = {3, {4, 5, 4}}, .compute = convolution};
        check_gradients(&c);
    }
}

static void test_conv2d_wide(void)
{
    static const gradient_case cases[] = {
        {.layers = "conv2d filters=33 kernel=3 padding=same",
         .in = {3, {5, 4, 2}},
         .compute = convolution},
        {.layers = "conv2d filters=18 groups=18 kernel=3 pad=1 stride=2",
         .in = {3, {6, 5, 18}},
         .compute = convolution},
        {.layers = "conv2d filters=50 groups=50 kernel=3 pad=1",
         .in = {3, {4, 7, 50}},
         .compute = convolution},
        {.layers = "conv2d filters=5 groups=5 kernel=2,6 padding=same activation=relu",
         .in = {3, {3, 11, 5}},
         .compute = convolution},
        {.layers = "conv2d filters=20 groups=20 kernel=2,5 stride=3,1",
         .in = {3, {7, 6, 20}},
         .compute = convolution},
        {.layers = "conv2d filters=2 kernel=1",
         .in = {3, {5, 5, 19}},
         .compute = convolution},
        {.layers = "conv2d filters=3 kernel=4,3 stride=2 pad=2,1",
         .in = {3, {7, 6, 1}},
         .compute = convolution},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_gradients(&cases[i]);
}

static void test_conv1d(void)
{
    static const gradient_case cases[] = {
        {.layers = "conv1d filters=3 kernel=3",
         .in = {2, {7, 2}},
         .compute = convolution},
        {.layers = "conv1d filters=4 kernel=4 stride=2 padding=same groups=2",
         .in = {2, {9, 4}},
         .compute = convolution},
        {.layers = "conv1d filters=6 kernel=5 pad=2 groups=6 bias=0 activation=relu",
         .in = {2, {8, 6}},
         .compute = convolution},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_gradients(&cases[i]);
}

static void pool(const reference *r, bool greatest)
{
    sliding w = slide(r, 0, 1, 2);
    size_t at = 0;
    for (size_t image = 0; image < r->batch; image++)
        for (size_t place = 0; place < w.out_h * w.out_w; place++)
            for (size_t c = 0; c < w.c; c++) {
                double best = -INFINITY, sum = 0, n = 0;
                for (long tap = 0; tap < w.kernel_h * w.kernel_w; tap++) {
                    long from = under(&w, image, place / w.out_w, place % w.out_w,
                                      tap / w.kernel_w, tap % w.kernel_w);
                    if (from < 0) continue;
                    best = fmax(best, r->x[(size_t)from + c]);
                    sum += r->x[(size_t)from + c], n++;
                }
                r->y[at++] = greatest ? best : sum / n;
            }
}

static void max_pool(const reference *r)
{
    pool(r, true);
}

static void test_max_pool(void)
{
    static const gradient_case cases[] = {
        {.layers = "max_pool2d size=2", .in = {3, {4, 6, 3}}, .compute = max_pool},
        {.layers = "max_pool2d size=3 stride=2 pad=1",
         .in = {3, {5, 6, 17}},
         .compute = max_pool},
        {.layers = "max_pool2d size=3,2 stride=1 padding=same",
         .in = {3, {4, 4, 2}},
         .compute = max_pool},
        {.layers = "max_pool2d size=2", .in = {3, {5, 5, 4}}, .compute = max_pool},
        {.layers = "max_pool1d size=3 stride=2", .in = {2, {8, 5}}, .compute = max_pool},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_gradients(&cases[i]);
}

static void avg_pool(const reference *r)
{
    pool(r, false);
}

static void global_avg(const reference *r)
{
    size_t c = r->out.dim[0], n = fed_shape_count(&r->in) / c;
    for (size_t i = 0; i < r->batch * c; i++) {
        double sum = 0;
        for (size_t k = 0; k < n; k++)
            sum += r->x[(i / c * n + k) * c + i % c];
        r->y[i] = sum / (double)n;
    }
}

static void global_max(const reference *r)
{
    size_t c = r->out.dim[0], n = fed_shape_count(&r->in) / c;
    for (size_t i = 0; i < r->batch * c; i++) {
        r->y[i] = -INFINITY;
        for (size_t k = 0; k < n; k++)
            r->y[i] = fmax(r->y[i], r->x[(i / c * n + k) * c + i % c]);
    }
}

static void test_other_pools(void)
{
    static const gradient_case cases[] = {
        {.layers = "avg_pool2d size=2", .in = {3, {4, 6, 3}}, .compute = avg_pool},
        {.layers = "avg_pool2d size=3 stride=2 pad=1",
         .in = {3, {5, 6, 17}},
         .compute = avg_pool},
        {.layers = "avg_pool2d size=2,3 stride=1 padding=same",
         .in = {3, {3, 4, 2}},
         .compute = avg_pool},
        {.layers = "avg_pool1d size=3 stride=2 padding=same",
         .in = {2, {8, 5}},
         .compute = avg_pool},
        {.layers = "global_avg_pool", .in = {3, {3, 4, 5}}, .compute = global_avg},
        {.layers = "global_avg_pool", .in = {2, {7, 19}}, .compute = global_avg},
        {.layers = "global_max_pool", .in = {3, {3, 4, 5}}, .compute = global_max},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_gradients(&cases[i]);
}

/* C = A B for two slices of the input. */
static void matmul(const reference *r)
{
    size_t m = r->out.dim[1], n = r->out.dim[2], k = r->in.dim[1] / (m + n);
    size_t stack = r->out.dim[0], each = r->in.dim[1];
    for (size_t s = 0; s < r->batch * stack; s++)
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++) {
                const double *a = r->x + s * each, *b = a + m * k;
                double sum = 0;
                for (size_t l = 0; l < k; l++)
                    sum += a[i * k + l] * b[l * n + j];
                r->y[(s * m + i) * n + j] = sum;
            }
}

static void matmul_turned(const reference *r)
{
    size_t m = r->out.dim[1], n = r->out.dim[2], k = r->in.dim[1] / (m + n);
    size_t stack = r->out.dim[0], each = r->in.dim[1];
    for (size_t s = 0; s < r->batch * stack; s++)
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++) {
                const double *a = r->x + s * each, *b = a + m * k;
                double sum = 0;
                for (size_t l = 0; l < k; l++)
                    sum += a[i * k + l] * b[j * k + l];
                r->y[(s * m + i) * n + j] = sum;
            }
}

static void test_matmul(void)
{
    static const gradient_case cases[] = {
        {.layers = "slice start=0 length=12 @a | reshape shape=2,3,4 @x |"
                   "slice start=12 length=20 <input @b | reshape shape=2,4,5 @y |"
                   "matmul <x <y",
         .in = {2, {2, 32}},
         .compute = matmul},
        {.layers = "slice start=0 length=12 @a | reshape shape=2,3,4 @x |"
                   "slice start=12 length=20 <input @b | reshape shape=2,5,4 @y |"
                   "matmul transpose_b=1 <x <y",
         .in = {2, {2, 32}},
         .compute = matmul_turned},
        {.layers = "slice start=0 length=80 @a | reshape shape=1,40,2 @x |"
                   "slice start=80 length=76 <input @b | reshape shape=1,38,2 @y |"
                   "matmul transpose_b=1 <x <y",
         .in = {2, {1, 156}},
         .compute = matmul_turned},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_gradients(&cases[i]);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_linear),      CASE(test_conv2d),
                                     CASE(test_conv2d_wide), CASE(test_conv1d),
                                     CASE(test_max_pool),    CASE(test_other_pools),
                                     CASE(test_matmul)};
    return fed_run("products", cases, sizeof cases / sizeof *cases);
}
