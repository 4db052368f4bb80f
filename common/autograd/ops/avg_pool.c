/* avg_pool2d, avg_pool1d: the mean under each window; what lies on the padding does not
 * count. */
#include "pooling.h"

#include "kernels/vector.h"

static float weight_of(const fed_pool_at *at)
{
    return 1.0f / (float)((at->bottom - at->top) * (at->right - at->left));
}

static void forward(const fed_call *call)
{
    const fed_window *w = &call->node->window;
    size_t in = w->in_h * w->in_w * w->in_c;
    float *y = call->y;
    for (size_t image = 0; image < call->batch; image++)
        for (size_t i = 0; i < w->out_h; i++)
            for (size_t j = 0; j < w->out_w; j++, y += w->in_c) {
                fed_pool_at at = fed_pool_place(w, i, j);
                const float *x = call->x[0] + image * in;
                memset(y, 0, w->in_c * sizeof *y);
                for (size_t k = at.top; k < at.bottom; k++)
                    for (size_t t = at.left; t < at.right; t++)
                        fed_vector_add(w->in_c,
                                       x + (at.origin + k * w->in_w + t) * w->in_c, y);
                fed_vector_scale(w->in_c, weight_of(&at), y, y);
            }
}

static void backward(const fed_call *call)
{
    const fed_window *w = &call->node->window;
    size_t in = w->in_h * w->in_w * w->in_c;
    const float *dy = call->dy;
    memset(call->dx[0], 0, call->batch * in * sizeof(float));
    for (size_t image = 0; image < call->batch; image++)
        for (size_t i = 0; i < w->out_h; i++)
            for (size_t j = 0; j < w->out_w; j++, dy += w->in_c) {
                fed_pool_at at = fed_pool_place(w, i, j);
                float *dx = call->dx[0] + image * in;
                for (size_t k = at.top; k < at.bottom; k++)
                    for (size_t t = at.left; t < at.right; t++)
                        fed_vector_axpy(w->in_c, weight_of(&at), dy,
                                        dx + (at.origin + k * w->in_w + t) * w->in_c);
            }
}

static const fed_attr attrs_2d[] = {FED_POOL_ATTRS(2)};
static const fed_attr attrs_1d[] = {FED_POOL_ATTRS(1)};

const fed_op_row FED_ROW(avg_pool2d) = {
    .op = {"avg_pool2d", "mean under each window", FED_OP_LAYER, attrs_2d, 4, 1, 1,
           FED_TARGET_NONE},
    .infer = fed_pool_infer,
    .forward = forward,
    .backward = backward,
};

const fed_op_row FED_ROW(avg_pool1d) = {
    .op = {"avg_pool1d", "mean under each window of a sequence", FED_OP_LAYER, attrs_1d,
           4, 1, 1, FED_TARGET_NONE},
    .infer = fed_pool_infer,
    .forward = forward,
    .backward = backward,
};
