/*
 * Depthwise convolution: channel c of the output sees channel c of the input alone. Weights
 * are [kernel_h][kernel_w][1][channels], so every loop runs over contiguous channels, one
 * vector at a time, with its sums in registers.
 */
#include "convolution.h"

#include "kernels/simd.h"

/* A vector of channels, the same for input, weights and output. */
typedef struct fed_lane {
    const fed_window *w;
    size_t channel;
    fed_mask mask;
} fed_lane;

static fed_lane lane_at(const fed_window *w, size_t channel)
{
    return (fed_lane){w, channel, vec_mask(w->in_c - channel)};
}

static fed_vec load(const fed_lane *l, const float *p)
{
    return vec_load_part(p + l->channel, l->mask);
}

/* Output position (i, j): bias plus the taps inside the image. */
static fed_vec gather(const fed_lane *l, const float *image, const float *weight,
                      size_t i, size_t j, fed_vec sum)
{
    const fed_window *w = l->w;
    size_t top, bottom, left, right;
    fed_window_taps(i, w->stride_h, w->pad_h, w->kernel_h, w->in_h, &top, &bottom);
    fed_window_taps(j, w->stride_w, w->pad_w, w->kernel_w, w->in_w, &left, &right);
    for (size_t k = top; k < bottom; k++) {
        size_t y = i * w->stride_h + k - w->pad_h, x = j * w->stride_w + left - w->pad_w;
        const float *from = image + (y * w->in_w + x) * w->in_c;
        const float *taps = weight + (k * w->kernel_w + left) * w->in_c;
        for (size_t t = left; t < right; t++, from += w->in_c, taps += w->in_c)
            sum = vec_fma(load(l, from), load(l, taps), sum);
    }
    return sum;
}

void fed_depthwise_forward(const fed_call *call)
{
    const fed_window *w = &call->node->window;
    fed_vec zero = vec_set(0);
    for (size_t image = 0; image < call->batch; image++) {
        const float *x = call->x[0] + image * w->in_h * w->in_w * w->in_c;
        float *y = call->y + image * w->out_h * w->out_w * w->in_c;
        for (size_t c = 0; c < w->in_c; c += FED_LANES) {
            fed_lane l = lane_at(w, c);
            fed_vec bias = call->p[1] ? load(&l, call->p[1]) : zero;
            for (size_t i = 0; i < w->out_h; i++)
                for (size_t j = 0; j < w->out_w; j++) {
                    fed_vec sum = gather(&l, x, call->p[0], i, j, bias);
                    if (call->relu) sum = vec_max(zero, sum);
                    vec_store_part(y + (i * w->out_w + j) * w->in_c + c, l.mask, sum);
                }
        }
    }
}

/* dx: spread each dy over the taps it came from. */
static void scatter(const fed_lane *l, const float *weight, size_t i, size_t j,
                    fed_vec dy, float *image)
{
    const fed_window *w = l->w;
    size_t top, bottom, left, right;
    fed_window_taps(i, w->stride_h, w->pad_h, w->kernel_h, w->in_h, &top, &bottom);
    fed_window_taps(j, w->stride_w, w->pad_w, w->kernel_w, w->in_w, &left, &right);
    for (size_t k = top; k < bottom; k++) {
        size_t y = i * w->stride_h + k - w->pad_h, x = j * w->stride_w + left - w->pad_w;
        float *to = image + (y * w->in_w + x) * w->in_c;
        const float *taps = weight + (k * w->kernel_w + left) * w->in_c;
        for (size_t t = left; t < right; t++, to += w->in_c, taps += w->in_c)
            vec_store_part(to + l->channel, l->mask,
                           vec_fma(dy, load(l, taps), load(l, to)));
    }
}

static void inputs_backward(const fed_call *call)
{
    const fed_window *w = &call->node->window;
    memset(call->dx[0], 0, call->batch * w->in_h * w->in_w * w->in_c * sizeof(float));
    for (size_t image = 0; image < call->batch; image++) {
        const float *dy = call->dy + image * w->out_h * w->out_w * w->in_c;
        float *dx = call->dx[0] + image * w->in_h * w->in_w * w->in_c;
        for (size_t c = 0; c < w->in_c; c += FED_LANES) {
            fed_lane l = lane_at(w, c);
            for (size_t i = 0; i < w->out_h; i++)
                for (size_t j = 0; j < w->out_w; j++)
                    scatter(&l, call->p[0], i, j,
                            load(&l, dy + (i * w->out_w + j) * w->in_c), dx);
        }
    }
}

/* dW of one tap: the sum of x dy over all positions where the tap lies inside. */
static fed_vec tap_sum(const fed_call *call, const fed_lane *l, size_t k, size_t t,
                       fed_vec sum)
{
    const fed_window *w = l->w;
    for (size_t image = 0; image < call->batch; image++)
        for (size_t i = 0; i < w->out_h; i++) {
            size_t y = i * w->stride_h + k;
            if (y < w->pad_h || y >= w->in_h + w->pad_h) continue;
            const float *row =
                call->x[0] + (image * w->in_h + y - w->pad_h) * w->in_w * w->in_c;
            const float *dy = call->dy + (image * w->out_h + i) * w->out_w * w->in_c;
            for (size_t j = 0; j < w->out_w; j++) {
                size_t x = j * w->stride_w + t;
                if (x < w->pad_w || x >= w->in_w + w->pad_w) continue;
                sum = vec_fma(load(l, row + (x - w->pad_w) * w->in_c),
                              load(l, dy + j * w->in_c), sum);
            }
        }
    return sum;
}

static void weights_backward(const fed_call *call)
{
    const fed_window *w = &call->node->window;
    for (size_t c = 0; c < w->in_c; c += FED_LANES) {
        fed_lane l = lane_at(w, c);
        for (size_t k = 0; k < w->kernel_h; k++)
            for (size_t t = 0; t < w->kernel_w; t++) {
                float *g = call->g[0] + (k * w->kernel_w + t) * w->in_c;
                fed_vec sum = call->accumulate ? load(&l, g) : vec_set(0);
                vec_store_part(g + c, l.mask, tap_sum(call, &l, k, t, sum));
            }
    }
}

void fed_depthwise_backward(const fed_call *call)
{
    if (call->g[0]) weights_backward(call);
    if (call->dx[0]) inputs_backward(call);
}
