/*
 * batch_norm (Ioffe, Szegedy 2015): mean 0 and variance 1 of each channel over the batch and
 * all positions, then a scale and a bias. In training the statistics are the batch's (of each
 * micro-batch by itself) and running averages follow them; otherwise, and in a frozen layer,
 * the running averages are used. With h = (x - mean) r:
 *
 *   dx = scale r (dy - mean(dy) - h mean(dy h)), or scale r dy with running averages
 */
#include "op.h"

#include "kernels/fast_math.h"

enum { MOMENTUM, EPSILON };
enum { POSITIONS, CHANNELS };
enum { SCALE, BIAS, MEAN, VARIANCE };
enum { KEPT_MEAN, KEPT_R, KEPT_VARIANCE }; /* rows of saved[0] */

static const fed_attr attrs[] = {
    {"momentum", FED_ATTR_DOUBLE, false, 0, 1, 0.1, NULL, 0,
     "share of the batch in averages"},
    {"epsilon", FED_ATTR_DOUBLE, false, 1e-12, 1, 1e-5, NULL, 0, "keeps the root from 0"},
};

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    (void)err;
    size_t channels = in->dim[in->rank - 1];
    node->shape = *in;
    node->n[CHANNELS] = channels;
    node->n[POSITIONS] = fed_shape_count(in) / channels;
    node->saved[0] = (fed_room_size){0, 3 * channels};
    node->n_saved = 1;
    node->forward_work.fixed = node->backward_work.fixed = 2 * channels;
    node->needs_x = 1;
    node->flops = 8.0 * (double)fed_shape_count(in);
    fed_node_add_param(node, "scale", fed_shape1(channels), FED_INIT_ONE, 0);
    fed_node_add_param(node, "bias", fed_shape1(channels), FED_INIT_ZERO, 0);
    fed_node_add_param(node, "mean", fed_shape1(channels), FED_INIT_ZERO, 0);
    fed_node_add_param(node, "variance", fed_shape1(channels), FED_INIT_ONE, 0);
    node->params[MEAN].statistic = node->params[VARIANCE].statistic = true;
    return FED_OK;
}

static bool uses_batch(const fed_call *call)
{
    return call->train && !call->node->frozen;
}

/* Two passes: the mean first, then squares of what is left, which cannot cancel. */
static void batch_statistics(const fed_call *call, float *mean, float *variance)
{
    size_t n = call->node->n[CHANNELS], rows = call->batch * call->node->n[POSITIONS];
    float *compensated = call->work;
    memset(mean, 0, n * sizeof *mean);
    memset(variance, 0, n * sizeof *variance);
    memset(compensated, 0, n * sizeof *compensated);
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < n; c++)
            mean[c] += call->x[0][i * n + c];
    for (size_t c = 0; c < n; c++)
        mean[c] /= (float)rows;
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < n; c++) {
            float d = call->x[0][i * n + c] - mean[c];
            variance[c] = fed_madd(d, d, variance[c]);
            compensated[c] += d;
        }
    for (size_t c = 0; c < n; c++) {
        float left = compensated[c] / (float)rows; /* rounding of the mean */
        mean[c] += left;
        variance[c] = variance[c] / (float)rows - left * left;
    }
}

static void forward(const fed_call *call)
{
    size_t n = call->node->n[CHANNELS], rows = call->batch * call->node->n[POSITIONS];
    float *mean = call->saved[0] + KEPT_MEAN * n, *r = call->saved[0] + KEPT_R * n;
    float *variance = call->saved[0] + KEPT_VARIANCE * n, *gain = call->work + n;
    float epsilon = (float)call->node->attrs[EPSILON].number;
    if (uses_batch(call)) {
        batch_statistics(call, mean, variance);
    } else {
        memcpy(mean, call->p[MEAN], n * sizeof *mean);
        memcpy(variance, call->p[VARIANCE], n * sizeof *variance);
    }
    for (size_t c = 0; c < n; c++) {
        r[c] = 1.0f / __builtin_sqrtf(variance[c] + epsilon);
        gain[c] = r[c] * call->p[SCALE][c];
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < n; c++)
            call->y[i * n + c] =
                fed_madd(call->x[0][i * n + c] - mean[c], gain[c], call->p[BIAS][c]);
}

/* The sums over all rows of dy and of dy h. */
static void sums(const fed_call *call, float *of_dy, float *of_dy_h)
{
    size_t n = call->node->n[CHANNELS], rows = call->batch * call->node->n[POSITIONS];
    const float *mean = call->saved[0] + KEPT_MEAN * n, *r = call->saved[0] + KEPT_R * n;
    memset(of_dy, 0, n * sizeof *of_dy);
    memset(of_dy_h, 0, n * sizeof *of_dy_h);
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < n; c++) {
            float dy = call->dy[i * n + c];
            of_dy[c] += dy;
            of_dy_h[c] = fed_madd(dy, call->x[0][i * n + c] - mean[c], of_dy_h[c]);
        }
    for (size_t c = 0; c < n; c++)
        of_dy_h[c] *= r[c];
}

static void give_params(const fed_call *call, const float *of_dy, const float *of_dy_h)
{
    for (size_t c = 0; c < call->node->n[CHANNELS]; c++) {
        call->g[SCALE][c] = of_dy_h[c] + (call->accumulate ? call->g[SCALE][c] : 0);
        call->g[BIAS][c] = of_dy[c] + (call->accumulate ? call->g[BIAS][c] : 0);
    }
}

static void backward(const fed_call *call)
{
    size_t n = call->node->n[CHANNELS], rows = call->batch * call->node->n[POSITIONS];
    const float *mean = call->saved[0] + KEPT_MEAN * n, *r = call->saved[0] + KEPT_R * n;
    float *of_dy = call->work, *of_dy_h = call->work + n;
    sums(call, of_dy, of_dy_h);
    if (call->g[SCALE]) give_params(call, of_dy, of_dy_h);
    if (!call->dx[0]) return;
    float share = uses_batch(call) ? 1.0f / (float)rows : 0;
    for (size_t c = 0; c < n; c++)
        of_dy[c] *= share, of_dy_h[c] *= share * r[c];
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < n; c++) {
            size_t at = i * n + c;
            float left =
                call->dy[at] - of_dy[c] - (call->x[0][at] - mean[c]) * of_dy_h[c];
            call->dx[0][at] = call->p[SCALE][c] * r[c] * left;
        }
}

/* Running averages; the variance without bias, as usual. */
static void after(const fed_call *call, float *const *params)
{
    size_t n = call->node->n[CHANNELS], rows = call->batch * call->node->n[POSITIONS];
    const float *mean = call->saved[0] + KEPT_MEAN * n;
    const float *variance = call->saved[0] + KEPT_VARIANCE * n;
    float share = (float)call->node->attrs[MOMENTUM].number;
    float unbias = rows > 1 ? (float)rows / (float)(rows - 1) : 1;
    for (size_t c = 0; c < n; c++) {
        params[MEAN][c] += share * (mean[c] - params[MEAN][c]);
        params[VARIANCE][c] += share * (variance[c] * unbias - params[VARIANCE][c]);
    }
}

const fed_op_row FED_ROW(batch_norm) = {
    .op = {"batch_norm", "mean 0 and variance 1 of each channel over the batch",
           FED_OP_LAYER, attrs, 2, 1, 1, FED_TARGET_NONE},
    .flags = FED_MIXES_BATCH,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .after = after,
};
