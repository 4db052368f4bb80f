/*
 * Depthwise convolution: channel c of the output sees channel c of the input alone. Weights
 * are [kernel_h][kernel_w][1][channels], so every loop runs over contiguous channels: a few
 * vectors of them at a time, whose sums stay in registers and do not wait for each other.
 * Both directions gather: every output is written once.
 */
#include "convolution.h"

#include "kernels/simd.h"

enum { VECTORS = 4 }; /* of channels, worked on at a time */

/* The taps of one axis that reach a position, and the first place that they reach. */
typedef struct fed_reach {
    size_t first, last, step; /* taps first, first + step, ... below last */
    size_t at;                /* place of the first tap */
} fed_reach;

/* Forward: from an output to the inputs under the window, whose places grow with the tap. */
static fed_reach reach_input(size_t out, size_t stride, size_t pad, size_t kernel,
                             size_t in)
{
    fed_reach r = {.step = 1};
    fed_window_taps(out, stride, pad, kernel, in, &r.first, &r.last);
    r.at = out * stride + r.first - pad;
    return r;
}

/* Backward: from an input to the outputs that saw it, whose places fall with the tap. */
static fed_reach reach_output(size_t in, size_t stride, size_t pad, size_t kernel,
                              size_t out)
{
    fed_reach r = {.first = (in + pad) % stride, .last = kernel, .step = stride};
    r.at = (in + pad) / stride;
    if (r.last > in + pad + 1) r.last = in + pad + 1; /* no output before the first */
    if (r.at >= out) r.first += (r.at - out + 1) * stride, r.at = out - 1;
    return r;
}

/* What one pass gathers from where. */
typedef struct fed_gather {
    const float *from, *weight, *bias;
    float *to;
    size_t channels, kernel_w;
    size_t from_w;
    bool back, relu;
} fed_gather;

/* One position, `vectors` vectors of channels from `c` on. */
static inline __attribute__((always_inline)) void
gather(const fed_gather *g, const fed_reach *h, const fed_reach *w, size_t to, size_t c,
       size_t vectors, fed_mask mask)
{
    fed_vec sum[VECTORS];
    FED_UNROLL
    for (size_t v = 0; v < vectors; v++)
        sum[v] = !g->bias           ? vec_set(0)
                 : v + 1 == vectors ? vec_load_part(g->bias + c + v * FED_LANES, mask)
                                    : vec_load(g->bias + c + v * FED_LANES);
    for (size_t k = h->first, i = h->at; k < h->last;
         k += h->step, i += g->back ? -1 : 1) {
        const float *from = g->from + (i * g->from_w + w->at) * g->channels + c;
        const float *tap = g->weight + (k * g->kernel_w + w->first) * g->channels + c;
        for (size_t t = w->first; t < w->last; t += w->step) {
            FED_UNROLL
            for (size_t v = 0; v + 1 < vectors; v++)
                sum[v] = vec_fma(vec_load(from + v * FED_LANES),
                                 vec_load(tap + v * FED_LANES), sum[v]);
            size_t end = (vectors - 1) * FED_LANES;
            sum[vectors - 1] = vec_fma(vec_load_part(from + end, mask),
                                       vec_load_part(tap + end, mask), sum[vectors - 1]);
            tap += w->step * g->channels;
            from = g->back ? from - g->channels : from + g->channels;
        }
    }
    float *y = g->to + to * g->channels + c;
    FED_UNROLL
    for (size_t v = 0; v < vectors; v++) {
        if (g->relu) sum[v] = vec_max(vec_set(0), sum[v]);
        vec_store_part(y + v * FED_LANES, v + 1 == vectors ? mask : vec_mask(FED_LANES),
                       sum[v]);
    }
}

/* All channels of one position. */
static void gather_position(const fed_gather *g, const fed_reach *h, const fed_reach *w,
                            size_t to)
{
    for (size_t c = 0; c < g->channels; c += VECTORS * FED_LANES) {
        size_t left = (g->channels - c + FED_LANES - 1) / FED_LANES;
        if (left > VECTORS) left = VECTORS;
        fed_mask mask = vec_mask(g->channels - c - (left - 1) * FED_LANES);
        switch (left) {
        case 1:
            gather(g, h, w, to, c, 1, mask);
            break;
        case 2:
            gather(g, h, w, to, c, 2, mask);
            break;
        case 3:
            gather(g, h, w, to, c, 3, mask);
            break;
        default:
            gather(g, h, w, to, c, VECTORS, mask);
        }
    }
}

void fed_depthwise_forward(const fed_call *call)
{
    const fed_window *w = &call->node->window;
    fed_gather g = {.from = call->x[0],
                    .weight = call->p[0],
                    .bias = call->p[1],
                    .to = call->y,
                    .channels = w->in_c,
                    .kernel_w = w->kernel_w,
                    .from_w = w->in_w,
                    .relu = call->relu};
    for (size_t image = 0; image < call->batch; image++) {
        for (size_t i = 0; i < w->out_h; i++) {
            fed_reach h = reach_input(i, w->stride_h, w->pad_h, w->kernel_h, w->in_h);
            for (size_t j = 0; j < w->out_w; j++) {
                fed_reach across =
                    reach_input(j, w->stride_w, w->pad_w, w->kernel_w, w->in_w);
                gather_position(&g, &h, &across, i * w->out_w + j);
            }
        }
        g.from += w->in_h * w->in_w * w->in_c;
        g.to += w->out_h * w->out_w * w->in_c;
    }
}

static void inputs_backward(const fed_call *call)
{
    const fed_window *w = &call->node->window;
    fed_gather g = {.from = call->dy,
                    .weight = call->p[0],
                    .to = call->dx[0],
                    .channels = w->in_c,
                    .kernel_w = w->kernel_w,
                    .from_w = w->out_w,
                    .back = true};
    for (size_t image = 0; image < call->batch; image++) {
        for (size_t y = 0; y < w->in_h; y++) {
            fed_reach h = reach_output(y, w->stride_h, w->pad_h, w->kernel_h, w->out_h);
            for (size_t x = 0; x < w->in_w; x++) {
                fed_reach across =
                    reach_output(x, w->stride_w, w->pad_w, w->kernel_w, w->out_w);
                gather_position(&g, &h, &across, y * w->in_w + x);
            }
        }
        g.from += w->out_h * w->out_w * w->in_c;
        g.to += w->in_h * w->in_w * w->in_c;
    }
}

/* One row of taps, [t, t + taps), for one vector of channels of one image. */
typedef struct fed_taps {
    const fed_call *call;
    size_t image, c, k, t;
    fed_mask mask;
} fed_taps;

/* dW of these taps: the sums of x dy over the positions where each tap lies inside. */
static inline __attribute__((always_inline)) void sum_taps(const fed_taps *p, size_t taps)
{
    const fed_call *call = p->call;
    const fed_window *w = &call->node->window;
    float *g = call->g[0] + (p->k * w->kernel_w + p->t) * w->in_c + p->c;
    fed_vec sum[VECTORS];
    FED_UNROLL
    for (size_t s = 0; s < taps; s++)
        sum[s] = call->accumulate || p->image ? vec_load_part(g + s * w->in_c, p->mask)
                                              : vec_set(0);
    for (size_t i = 0; i < w->out_h; i++) {
        size_t y = i * w->stride_h + p->k; /* shifted by the padding */
        if (y < w->pad_h || y >= w->in_h + w->pad_h) continue;
        const float *x =
            call->x[0] + (p->image * w->in_h + y - w->pad_h) * w->in_w * w->in_c;
        const float *dy = call->dy + (p->image * w->out_h + i) * w->out_w * w->in_c + p->c;
        for (size_t j = 0; j < w->out_w; j++) {
            size_t at = j * w->stride_w + p->t;
            fed_vec d = vec_load_part(dy + j * w->in_c, p->mask);
            const float *from = x + (at - w->pad_w) * w->in_c + p->c;
            bool inside = at >= w->pad_w && at + taps <= w->in_w + w->pad_w;
            FED_UNROLL
            for (size_t s = 0; s < taps; s++) {
                if (!inside && (at + s < w->pad_w || at + s >= w->in_w + w->pad_w))
                    continue;
                sum[s] = vec_fma(vec_load_part(from + s * w->in_c, p->mask), d, sum[s]);
            }
        }
    }
    FED_UNROLL
    for (size_t s = 0; s < taps; s++)
        vec_store_part(g + s * w->in_c, p->mask, sum[s]);
}

static void image_weights(const fed_call *call, size_t image)
{
    const fed_window *w = &call->node->window;
    for (size_t c = 0; c < w->in_c; c += FED_LANES)
        for (size_t k = 0; k < w->kernel_h; k++)
            for (size_t t = 0; t < w->kernel_w; t += VECTORS) {
                fed_taps p = {call, image, c, k, t, vec_mask(w->in_c - c)};
                switch (w->kernel_w - t) {
                case 1:
                    sum_taps(&p, 1);
                    break;
                case 2:
                    sum_taps(&p, 2);
                    break;
                case 3:
                    sum_taps(&p, 3);
                    break;
                default:
                    sum_taps(&p, VECTORS);
                }
            }
}

void fed_depthwise_backward(const fed_call *call)
{
    for (size_t image = 0; image < call->batch && call->g[0]; image++)
        image_weights(call, image); /* one that stays in the cache */
    if (call->dx[0]) inputs_backward(call);
}
