/*
 * Depthwise convolution: channel c of the output sees channel c of the input alone. Weights
 * are [kernel_h][kernel_w][1][channels], so every loop runs over contiguous channels.
 *
 * The rows under the window are copied between zeros, in a ring that stays in the first-level
 * cache: then every position sees every tap, and neighbouring positions share each load of a
 * weight. dx of stride 1 is the same sweep over dy with the weights from last to first; other
 * strides gather, so that no zeros between the values of dy are multiplied.
 */
#include "convolution.h"

#include "kernels/simd.h"

/* Vectors of channels, and neighbouring positions or taps, that are worked on at a time: their
 * sums stay in registers. */
enum { VECTORS = 2, PLACES = 5, TAPS = 4 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- rows between zeros ---------------------------------------------------------------- */

/* As many rows of an image as the kernel has, between zeros; padded row r lies in slot
 * r % kernel_h. */
typedef struct fed_ring {
    float *rows;
    size_t row, slots;         /* floats of a row; rows */
    size_t top, left;          /* rows, and floats, of zeros before the image */
    size_t image_h, image_row; /* rows of the image, floats of one */
    size_t kept;               /* how many of them any window sees */
    size_t next;               /* the first row that is not there yet */
} fed_ring;

/* Positions of a padded row: what forward reads of x, and what dx of stride 1 reads of dy. */
static size_t padded_input(const fed_window *w)
{
    return (w->out_w - 1) * w->stride_w + w->kernel_w;
}

static size_t padded_output(const fed_window *w)
{
    return w->in_w + w->kernel_w - 1;
}

static bool dense(const fed_window *w)
{
    return w->stride_h == 1 && w->stride_w == 1;
}

size_t fed_depthwise_work(const fed_window *w, bool back)
{
    size_t width = padded_input(w);
    if (back && dense(w) && padded_output(w) > width) width = padded_output(w);
    return w->kernel_h * width * w->in_c;
}

static fed_ring clear_ring(const fed_ring *ring)
{
    memset(ring->rows, 0, ring->slots * ring->row * sizeof(float));
    return *ring;
}

static fed_ring input_ring(const fed_call *call)
{
    const fed_window *w = &call->node->window;
    size_t n = w->in_c, row = padded_input(w) * n, left = w->pad_w * n;
    return clear_ring(&(fed_ring){call->work, row, w->kernel_h, w->pad_h, left, w->in_h,
                                  w->in_w * n, least(w->in_w * n, row - left), 0});
}

static fed_ring output_ring(const fed_call *call)
{
    const fed_window *w = &call->node->window;
    size_t n = w->in_c, row = padded_output(w) * n;
    size_t left = (w->kernel_w - 1 - w->pad_w) * n;
    return clear_ring(&(fed_ring){call->work, row, w->kernel_h,
                                  w->kernel_h - 1 - w->pad_h, left, w->out_h,
                                  w->out_w * n, least(w->out_w * n, row - left), 0});
}

static size_t next_slot(const fed_ring *r, size_t slot)
{
    return slot + 1 == r->slots ? 0 : slot + 1;
}

/* Asks for a later row of this image or the next one: the copy would wait for every line. */
static void copy_row(const fed_ring *r, const float *from, float *to)
{
    enum { ROWS_AHEAD = 4, LINE = 16 };
    for (size_t i = 0; i < r->kept; i += LINE)
        __builtin_prefetch(from + ROWS_AHEAD * r->image_row + i);
    memcpy(to, from, r->kept * sizeof *to);
}

/* Bring the padded rows below `end` in. */
static void roll(fed_ring *r, const float *image, size_t end)
{
    for (; r->next < end; r->next++) {
        float *to = r->rows + r->next % r->slots * r->row + r->left;
        size_t y = r->next - r->top; /* wraps above the image */
        if (y < r->image_h)
            copy_row(r, image + y * r->image_row, to);
        else
            memset(to, 0, r->kept * sizeof *to);
    }
}

/* ---- sweeps: forward, and dx of stride 1 ----------------------------------------------- */

typedef struct fed_sweep {
    fed_ring ring;
    size_t down, across; /* padded rows, and floats, from one position to the next */
    const float *tap;    /* the first */
    ptrdiff_t tap_step;
    const float *bias;
    float *to;
    size_t to_h, to_w, kernel_w, channels;
    bool relu;
} fed_sweep;

/* `n` neighbouring positions from `x` on, `vectors` vectors of channels from `c` on, the last of
 * them under a mask; the window's first row lies in `slot`. */
static inline __attribute__((always_inline)) void
sweep_places(const fed_sweep *s, size_t slot, size_t x, float *to, size_t c,
             size_t vectors, size_t n, fed_mask mask)
{
    const size_t across = s->across, channels = s->channels;
    const fed_mask full = vec_mask(FED_LANES);
    const float *rows = s->ring.rows + x * across + c;
    const float *tap = s->tap + c;
    fed_vec sum[PLACES][VECTORS];
    FED_UNROLL
    for (size_t v = 0; v < vectors; v++) {
        fed_mask m = v + 1 == vectors ? mask : full;
        fed_vec bias =
            s->bias ? vec_load_part(s->bias + c + v * FED_LANES, m) : vec_set(0);
        FED_UNROLL
        for (size_t p = 0; p < n; p++)
            sum[p][v] = bias;
    }
    for (size_t k = s->ring.slots; k; k--, slot = next_slot(&s->ring, slot)) {
        const float *from = rows + slot * s->ring.row;
        for (size_t t = s->kernel_w; t; t--, from += channels, tap += s->tap_step)
            FED_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            const size_t at = v * FED_LANES;
            const bool part = v + 1 == vectors;
            fed_vec weight = part ? vec_load_part(tap + at, mask) : vec_load(tap + at);
            FED_UNROLL
            for (size_t p = 0; p < n; p++) {
                const float *here = from + p * across + at;
                fed_vec value = part ? vec_load_part(here, mask) : vec_load(here);
                sum[p][v] = vec_fma(value, weight, sum[p][v]);
            }
        }
    }
    FED_UNROLL
    for (size_t p = 0; p < n; p++) {
        FED_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            if (s->relu) sum[p][v] = vec_max(vec_set(0), sum[p][v]);
            vec_store_part(to + (x + p) * channels + c + v * FED_LANES,
                           v + 1 == vectors ? mask : full, sum[p][v]);
        }
    }
}

/* A row of positions in pieces of as equal a size as can be. */
static inline __attribute__((always_inline)) void
sweep_row(const fed_sweep *s, size_t slot, float *to, size_t c, size_t vectors)
{
    fed_mask mask = vec_mask(s->channels - c - (vectors - 1) * FED_LANES);
    size_t pieces = (s->to_w + PLACES - 1) / PLACES;
    for (size_t x = 0, n; x < s->to_w; x += n, pieces--) {
        n = (s->to_w - x + pieces - 1) / pieces;
        switch (n) {
        case 1:
            sweep_places(s, slot, x, to, c, vectors, 1, mask);
            break;
        case 2:
            sweep_places(s, slot, x, to, c, vectors, 2, mask);
            break;
        case 3:
            sweep_places(s, slot, x, to, c, vectors, 3, mask);
            break;
        case 4:
            sweep_places(s, slot, x, to, c, vectors, 4, mask);
            break;
        default:
            sweep_places(s, slot, x, to, c, vectors, PLACES, mask);
        }
    }
}

static void sweep_images(const fed_call *call, fed_sweep *s, const float *from, float *to)
{
    for (size_t image = 0; image < call->batch; image++) {
        s->ring.next = 0;
        for (size_t y = 0; y < s->to_h; y++, to += s->to_w * s->channels) {
            size_t first = y * s->down;
            roll(&s->ring, from, first + s->ring.slots);
            for (size_t c = 0; c < s->channels; c += VECTORS * FED_LANES)
                if (s->channels - c <= FED_LANES)
                    sweep_row(s, first % s->ring.slots, to, c, 1);
                else
                    sweep_row(s, first % s->ring.slots, to, c, VECTORS);
        }
        from += s->ring.image_h * s->ring.image_row;
    }
}

void fed_depthwise_forward(const fed_call *call)
{
    const fed_window *w = &call->node->window;
    fed_sweep s = {.ring = input_ring(call),
                   .down = w->stride_h,
                   .across = w->stride_w * w->in_c,
                   .tap = call->p[0],
                   .tap_step = (ptrdiff_t)w->in_c,
                   .bias = call->p[1],
                   .to_h = w->out_h,
                   .to_w = w->out_w,
                   .kernel_w = w->kernel_w,
                   .channels = w->in_c,
                   .relu = call->relu};
    sweep_images(call, &s, call->x[0], call->y);
}

static void sweep_backward(const fed_call *call)
{
    const fed_window *w = &call->node->window;
    fed_sweep s = {.ring = output_ring(call),
                   .down = 1,
                   .across = w->in_c,
                   .tap = call->p[0] + (w->kernel_h * w->kernel_w - 1) * w->in_c,
                   .tap_step = -(ptrdiff_t)w->in_c,
                   .to_h = w->in_h,
                   .to_w = w->in_w,
                   .kernel_w = w->kernel_w,
                   .channels = w->in_c};
    sweep_images(call, &s, call->dy, call->dx[0]);
}

/* ---- dx of other strides --------------------------------------------------------------- */

/* The taps of one axis that reach an input, and the output that the first of them leads to. */
typedef struct fed_reach {
    size_t first, last; /* taps first, first + stride, ... below last */
    size_t at;          /* falls with the tap */
} fed_reach;

static fed_reach reach(size_t input, size_t stride, size_t pad, size_t kernel, size_t out)
{
    fed_reach r = {(input + pad) % stride, kernel, (input + pad) / stride};
    size_t bound = input + pad + 1; /* no output before the first */
    if (r.last > bound) r.last = bound;
    if (r.at >= out) {
        r.first += (r.at - out + 1) * stride;
        r.at = out - 1;
    }
    return r;
}

/* One position, some channels. */
static void gather(const fed_call *call, const float *dy, const fed_reach *h,
                   const fed_reach *across, float *to, size_t c)
{
    const fed_window *w = &call->node->window;
    const fed_mask mask = vec_mask(w->in_c - c);
    fed_vec sum = vec_set(0);
    for (size_t k = h->first, i = h->at; k < h->last; k += w->stride_h, i--) {
        size_t j = across->at;
        for (size_t t = across->first; t < across->last; t += w->stride_w, j--) {
            const float *from = dy + (i * w->out_w + j) * w->in_c + c;
            const float *tap = call->p[0] + (k * w->kernel_w + t) * w->in_c + c;
            sum = vec_fma(vec_load_part(from, mask), vec_load_part(tap, mask), sum);
        }
    }
    vec_store_part(to + c, mask, sum);
}

static void gather_backward(const fed_call *call)
{
    const fed_window *w = &call->node->window;
    float *to = call->dx[0];
    for (size_t image = 0; image < call->batch; image++) {
        const float *dy = call->dy + image * w->out_h * w->out_w * w->in_c;
        for (size_t y = 0; y < w->in_h; y++) {
            fed_reach h = reach(y, w->stride_h, w->pad_h, w->kernel_h, w->out_h);
            for (size_t x = 0; x < w->in_w; x++, to += w->in_c) {
                fed_reach across = reach(x, w->stride_w, w->pad_w, w->kernel_w, w->out_w);
                for (size_t c = 0; c < w->in_c; c += FED_LANES)
                    gather(call, dy, &h, &across, to, c);
            }
        }
    }
}

/* ---- dW -------------------------------------------------------------------------------- */

/* Add x dy over one row of outputs to dW of `taps` neighbouring taps. */
static inline __attribute__((always_inline)) void
sum_taps(const fed_window *w, const float *x, const float *dy, float *g, size_t vectors,
         size_t taps, fed_mask mask)
{
    const size_t n = w->in_c, across = w->stride_w * n;
    const fed_mask full = vec_mask(FED_LANES);
    fed_vec sum[TAPS][VECTORS];
    FED_UNROLL
    for (size_t t = 0; t < taps; t++) {
        FED_UNROLL
        for (size_t v = 0; v < vectors; v++)
            sum[t][v] =
                vec_load_part(g + t * n + v * FED_LANES, v + 1 == vectors ? mask : full);
    }
    for (size_t j = w->out_w; j; j--, x += across, dy += n)
        FED_UNROLL
    for (size_t v = 0; v < vectors; v++) {
        const size_t at = v * FED_LANES;
        const bool part = v + 1 == vectors;
        fed_vec d = part ? vec_load_part(dy + at, mask) : vec_load(dy + at);
        FED_UNROLL
        for (size_t t = 0; t < taps; t++) {
            const float *here = x + t * n + at;
            fed_vec value = part ? vec_load_part(here, mask) : vec_load(here);
            sum[t][v] = vec_fma(value, d, sum[t][v]);
        }
    }
    FED_UNROLL
    for (size_t t = 0; t < taps; t++) {
        FED_UNROLL
        for (size_t v = 0; v < vectors; v++)
            vec_store_part(g + t * n + v * FED_LANES, v + 1 == vectors ? mask : full,
                           sum[t][v]);
    }
}

/* Some channels of one row of the kernel, in pieces of as equal a size as can be. */
static inline __attribute__((always_inline)) void sum_row(const fed_window *w,
                                                          const float *x, const float *dy,
                                                          float *g, size_t c,
                                                          size_t vectors)
{
    fed_mask mask = vec_mask(w->in_c - c - (vectors - 1) * FED_LANES);
    size_t pieces = (w->kernel_w + TAPS - 1) / TAPS;
    x += c, dy += c, g += c;
    for (size_t t = 0, n; t < w->kernel_w; t += n, pieces--) {
        n = (w->kernel_w - t + pieces - 1) / pieces;
        const float *from = x + t * w->in_c;
        float *to = g + t * w->in_c;
        if (n == 1)
            sum_taps(w, from, dy, to, vectors, 1, mask);
        else if (n == 2)
            sum_taps(w, from, dy, to, vectors, 2, mask);
        else if (n == 3)
            sum_taps(w, from, dy, to, vectors, 3, mask);
        else
            sum_taps(w, from, dy, to, vectors, TAPS, mask);
    }
}

/* What one row of outputs adds to dW; the window's first row lies in `slot`. */
static void sum_window(const fed_call *call, const fed_ring *ring, size_t slot,
                       const float *dy)
{
    const fed_window *w = &call->node->window;
    float *g = call->g[0];
    for (size_t k = ring->slots; k; k--, slot = next_slot(ring, slot)) {
        const float *x = ring->rows + slot * ring->row;
        for (size_t c = 0; c < w->in_c; c += VECTORS * FED_LANES)
            if (w->in_c - c <= FED_LANES)
                sum_row(w, x, dy, g, c, 1);
            else
                sum_row(w, x, dy, g, c, VECTORS);
        g += w->kernel_w * w->in_c;
    }
}

static void weights_backward(const fed_call *call)
{
    const fed_window *w = &call->node->window;
    fed_ring ring = input_ring(call);
    const float *x = call->x[0], *dy = call->dy;
    if (!call->accumulate)
        memset(call->g[0], 0, w->kernel_h * w->kernel_w * w->in_c * sizeof(float));
    for (size_t image = 0; image < call->batch; image++) {
        ring.next = 0;
        for (size_t y = 0; y < w->out_h; y++, dy += w->out_w * w->in_c) {
            size_t first = y * w->stride_h;
            roll(&ring, x, first + ring.slots);
            sum_window(call, &ring, first % ring.slots, dy);
        }
        x += w->in_h * w->in_w * w->in_c;
    }
}

void fed_depthwise_backward(const fed_call *call)
{
    if (call->g[0]) weights_backward(call);
    if (!call->dx[0]) return;
    if (dense(&call->node->window))
        sweep_backward(call);
    else
        gather_backward(call);
}
