/*
 * max_pool2d, max_pool1d: the greatest value under each window; padding never wins. Forward
 * keeps the number of the winning tap (the first of equals), as a float so that the loops
 * over channels need one width of lane only; backward sends dy there.
 */
#include "pooling.h"

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    FED_TRY(fed_pool_infer(node, in, err));
    node->saved[0] = fed_each(fed_shape_count(&node->shape));
    node->n_saved = 1;
    return FED_OK;
}

static void keep_greater(size_t n, float tap, const float *restrict x, float *restrict y,
                         float *restrict winner)
{
    for (size_t c = 0; c < n; c++) {
        bool wins = !(x[c] <= y[c]); /* a NaN wins, and so is seen */
        winner[c] = wins ? tap : winner[c];
        y[c] = wins ? x[c] : y[c];
    }
}

static void window_forward(const fed_window *w, const float *x, size_t i, size_t j,
                           float *y, float *winner)
{
    fed_pool_at at = fed_pool_place(w, i, j);
    bool first = true;
    for (size_t k = at.top; k < at.bottom; k++)
        for (size_t t = at.left; t < at.right; t++) {
            const float *from = x + (at.origin + k * w->in_w + t) * w->in_c;
            float tap = (float)(k * w->kernel_w + t);
            if (first) {
                memcpy(y, from, w->in_c * sizeof *y);
                for (size_t c = 0; c < w->in_c; c++)
                    winner[c] = tap;
                first = false;
            } else {
                keep_greater(w->in_c, tap, from, y, winner);
            }
        }
}

static void forward(const fed_call *call)
{
    const fed_window *w = &call->node->window;
    size_t in = w->in_h * w->in_w * w->in_c, at = 0;
    for (size_t image = 0; image < call->batch; image++)
        for (size_t i = 0; i < w->out_h; i++)
            for (size_t j = 0; j < w->out_w; j++, at += w->in_c)
                window_forward(w, call->x[0] + image * in, i, j, call->y + at,
                               call->saved[0] + at);
}

static void give(size_t n, float tap, const float *restrict dy,
                 const float *restrict winner, float *restrict dx, bool add)
{
    if (add)
        for (size_t c = 0; c < n; c++)
            dx[c] += winner[c] == tap ? dy[c] : 0;
    else
        for (size_t c = 0; c < n; c++)
            dx[c] = winner[c] == tap ? dy[c] : 0;
}

static void window_backward(const fed_window *w, const float *dy, const float *winner,
                            size_t i, size_t j, float *dx, bool add)
{
    fed_pool_at at = fed_pool_place(w, i, j);
    for (size_t k = at.top; k < at.bottom; k++)
        for (size_t t = at.left; t < at.right; t++)
            give(w->in_c, (float)(k * w->kernel_w + t), dy, winner,
                 dx + (at.origin + k * w->in_w + t) * w->in_c, add);
}

/* Windows that neither overlap nor leave a gap write every place once. */
static bool tiles_exactly(const fed_window *w)
{
    return w->stride_h == w->kernel_h && w->stride_w == w->kernel_w &&
           w->in_h == w->out_h * w->kernel_h && w->in_w == w->out_w * w->kernel_w;
}

static void backward(const fed_call *call)
{
    const fed_window *w = &call->node->window;
    size_t in = w->in_h * w->in_w * w->in_c, at = 0;
    bool add = !tiles_exactly(w);
    if (add) memset(call->dx[0], 0, call->batch * in * sizeof(float));
    for (size_t image = 0; image < call->batch; image++)
        for (size_t i = 0; i < w->out_h; i++)
            for (size_t j = 0; j < w->out_w; j++, at += w->in_c)
                window_backward(w, call->dy + at, call->saved[0] + at, i, j,
                                call->dx[0] + image * in, add);
}

static const fed_attr attrs_2d[] = {FED_POOL_ATTRS(2)};
static const fed_attr attrs_1d[] = {FED_POOL_ATTRS(1)};

const fed_op_row FED_ROW(max_pool2d) = {
    .op = {"max_pool2d", "greatest value under each window", FED_OP_LAYER, attrs_2d, 4, 1,
           1, FED_TARGET_NONE},
    .infer = infer,
    .forward = forward,
    .backward = backward,
};

const fed_op_row FED_ROW(max_pool1d) = {
    .op = {"max_pool1d", "greatest value under each window of a sequence", FED_OP_LAYER,
           attrs_1d, 4, 1, 1, FED_TARGET_NONE},
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
