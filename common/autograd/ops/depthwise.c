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

/* One axis of a window, seen from the side that is written. */
typedef struct fed_axis_walk {
    size_t stride, pad, kernel, places; /* places: of the side that is read */
    size_t position, phase,
        quotient; /* backward: position + pad, divided by the stride */
} fed_axis_walk;

/* Forward: from an output to the inputs under the window, whose places grow with the tap. */
static inline fed_reach reach_input(const fed_axis_walk *a)
{
    fed_reach r = {.step = 1};
    fed_window_taps(a->position, a->stride, a->pad, a->kernel, a->places, &r.first,
                    &r.last);
    r.at = a->position * a->stride + r.first - a->pad;
    return r;
}

/* Backward: from an input to the outputs that saw it, whose places fall with the tap. */
static inline fed_reach reach_output(const fed_axis_walk *a)
{
    fed_reach r = {a->phase, a->kernel, a->stride, a->quotient};
    size_t bound = a->position + a->pad + 1; /* no output before the first */
    if (r.last > bound) r.last = bound;
    if (r.at >= a->places) {
        r.first += (r.at - a->places + 1) * a->stride;
        r.at = a->places - 1;
    }
    return r;
}

static inline void walk_on(fed_axis_walk *a)
{
    a->position++;
    if (++a->phase == a->stride) a->phase = 0, a->quotient++;
}

/* What one pass gathers from where. */
typedef struct fed_gather {
    const float *from, *weight, *bias;
    float *to;
    size_t channels;
    size_t to_h, to_w;
    fed_axis_walk down, across; /* at their starts */
    bool back, relu;
} fed_gather;

/* One position, `vectors` vectors of channels from `c` on. */
static inline __attribute__((always_inline)) void
gather(const fed_gather *g, const fed_reach *h, const fed_reach *w, float *to, size_t c,
       size_t vectors, fed_mask mask)
{
    const size_t from_w = g->across.places, kernel_w = g->across.kernel;
    fed_vec sum[VECTORS];
    FED_UNROLL
    for (size_t v = 0; v < vectors; v++)
        sum[v] = !g->bias           ? vec_set(0)
                 : v + 1 == vectors ? vec_load_part(g->bias + c + v * FED_LANES, mask)
                                    : vec_load(g->bias + c + v * FED_LANES);
    for (size_t k = h->first, i = h->at; k < h->last;
         k += h->step, i += g->back ? -1 : 1) {
        const float *from = g->from + (i * from_w + w->at) * g->channels + c;
        const float *tap = g->weight + (k * kernel_w + w->first) * g->channels + c;
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
    FED_UNROLL
    for (size_t v = 0; v < vectors; v++) {
        if (g->relu) sum[v] = vec_max(vec_set(0), sum[v]);
        vec_store_part(to + c + v * FED_LANES,
                       v + 1 == vectors ? mask : vec_mask(FED_LANES), sum[v]);
    }
}

/* Some channels of one row of positions. */
static inline __attribute__((always_inline)) void
gather_row(const fed_gather *g, const fed_reach *h, float *to, size_t c, size_t vectors)
{
    fed_mask mask = vec_mask(g->channels - c - (vectors - 1) * FED_LANES);
    fed_axis_walk across = g->across;
    for (size_t x = 0; x < g->to_w; x++, to += g->channels, walk_on(&across)) {
        fed_reach w = g->back ? reach_output(&across) : reach_input(&across);
        gather(g, h, &w, to, c, vectors, mask);
    }
}

static void gather_image(const fed_gather *g)
{
    fed_axis_walk down = g->down;
    float *to = g->to;
    for (size_t y = 0; y < g->to_h; y++, to += g->to_w * g->channels, walk_on(&down)) {
        fed_reach h = g->back ? reach_output(&down) : reach_input(&down);
        for (size_t c = 0; c < g->channels; c += VECTORS * FED_LANES) {
            size_t left = (g->channels - c + FED_LANES - 1) / FED_LANES;
            if (left == 1)
                gather_row(g, &h, to, c, 1);
            else if (left == 2)
                gather_row(g, &h, to, c, 2);
            else if (left == 3)
                gather_row(g, &h, to, c, 3);
            else
                gather_row(g, &h, to, c, VECTORS);
        }
    }
}

static fed_axis_walk start_walk(size_t stride, size_t pad, size_t kernel, size_t places)
{
    return (fed_axis_walk){stride, pad, kernel, places, 0, pad % stride, pad / stride};
}

void fed_depthwise_forward(const fed_call *call)
{
    const fed_window *w = &call->node->window;
    fed_gather g = {.from = call->x[0],
                    .weight = call->p[0],
                    .bias = call->p[1],
                    .to = call->y,
                    .channels = w->in_c,
                    .to_h = w->out_h,
                    .to_w = w->out_w,
                    .down = start_walk(w->stride_h, w->pad_h, w->kernel_h, w->in_h),
                    .across = start_walk(w->stride_w, w->pad_w, w->kernel_w, w->in_w),
                    .relu = call->relu};
    for (size_t image = 0; image < call->batch; image++) {
        gather_image(&g);
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
                    .to_h = w->in_h,
                    .to_w = w->in_w,
                    .down = start_walk(w->stride_h, w->pad_h, w->kernel_h, w->out_h),
                    .across = start_walk(w->stride_w, w->pad_w, w->kernel_w, w->out_w),
                    .back = true};
    for (size_t image = 0; image < call->batch; image++) {
        gather_image(&g);
        g.from += w->out_h * w->out_w * w->in_c;
        g.to += w->in_h * w->in_w * w->in_c;
    }
}

/* The outputs [first, last) of an axis for which tap `t` lies inside the input. */
static void outputs_of_tap(size_t t, size_t stride, size_t pad, size_t in, size_t out,
                           size_t *first, size_t *last)
{
    *first = t < pad ? (pad - t + stride - 1) / stride : 0;
    *last = in + pad > t ? (in + pad - t + stride - 1) / stride : 0;
    if (*last > out) *last = out;
}

/* dW of tap (k, t) for some channels: the sum of x dy over one image. */
static inline __attribute__((always_inline)) void
sum_tap(const fed_call *call, size_t image, size_t k, size_t t, size_t c, size_t vectors)
{
    const fed_window *w = &call->node->window;
    const size_t n = w->in_c, step = w->stride_w * n;
    const fed_mask mask = vec_mask(n - c - (vectors - 1) * FED_LANES);
    const fed_mask full = vec_mask(FED_LANES);
    float *g = call->g[0] + (k * w->kernel_w + t) * n + c;
    bool add = call->accumulate || image;
    size_t top, bottom, left, right;
    fed_vec sum[VECTORS];
    outputs_of_tap(k, w->stride_h, w->pad_h, w->in_h, w->out_h, &top, &bottom);
    outputs_of_tap(t, w->stride_w, w->pad_w, w->in_w, w->out_w, &left, &right);
    FED_UNROLL
    for (size_t v = 0; v < vectors; v++)
        sum[v] = add ? vec_load_part(g + v * FED_LANES, v + 1 == vectors ? mask : full)
                     : vec_set(0);
    for (size_t i = top; i < bottom; i++) {
        size_t y = i * w->stride_h + k - w->pad_h, x = left * w->stride_w + t - w->pad_w;
        const float *from = call->x[0] + ((image * w->in_h + y) * w->in_w + x) * n + c;
        const float *dy = call->dy + ((image * w->out_h + i) * w->out_w + left) * n + c;
        for (size_t j = left; j < right; j++, from += step, dy += n)
            FED_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            size_t at = v * FED_LANES;
            sum[v] = v + 1 == vectors
                         ? vec_fma(vec_load_part(from + at, mask),
                                   vec_load_part(dy + at, mask), sum[v])
                         : vec_fma(vec_load(from + at), vec_load(dy + at), sum[v]);
        }
    }
    FED_UNROLL
    for (size_t v = 0; v < vectors; v++)
        vec_store_part(g + v * FED_LANES, v + 1 == vectors ? mask : full, sum[v]);
}

/* One image at a time, so that it stays in the cache while all taps pass over it. */
static void weights_backward(const fed_call *call, size_t image)
{
    const fed_window *w = &call->node->window;
    for (size_t c = 0; c < w->in_c; c += VECTORS * FED_LANES) {
        size_t left = (w->in_c - c + FED_LANES - 1) / FED_LANES;
        for (size_t tap = 0; tap < w->kernel_h * w->kernel_w; tap++) {
            size_t k = tap / w->kernel_w, t = tap % w->kernel_w;
            if (left == 1)
                sum_tap(call, image, k, t, c, 1);
            else if (left == 2)
                sum_tap(call, image, k, t, c, 2);
            else if (left == 3)
                sum_tap(call, image, k, t, c, 3);
            else
                sum_tap(call, image, k, t, c, VECTORS);
        }
    }
}

void fed_depthwise_backward(const fed_call *call)
{
    for (size_t image = 0; image < call->batch && call->g[0]; image++)
        weights_backward(call, image);
    if (call->dx[0]) inputs_backward(call);
}
