#include "window.h"

#include "kernels/vector.h"

const char *const fed_padding_choices[] = {"valid", "same", NULL};

typedef struct fed_axis {
    const char *name;
    size_t in, kernel, stride, pad, out;
} fed_axis;

/* One axis: output = (in + padding - kernel) / stride + 1. */
static fed_status infer_axis(fed_axis *a, bool same, bool given, fed_error *err)
{
    size_t total = 2 * a->pad;
    if (same && !given) {
        size_t out = (a->in + a->stride - 1) / a->stride;
        size_t span = (out - 1) * a->stride + a->kernel;
        total = span > a->in ? span - a->in : 0;
        a->pad = total / 2;
    }
    if (a->pad >= a->kernel)
        return fed_fail(err, FED_E_INVALID, "pad: %zu is not below the kernel, %zu",
                        a->pad, a->kernel);
    if (a->kernel > a->in + total)
        return fed_fail(err, FED_E_INVALID,
                        "kernel: %zu is above the %s of the input, %zu", a->kernel,
                        a->name, a->in + total);
    a->out = (a->in + total - a->kernel) / a->stride + 1;
    return FED_OK;
}

fed_status fed_window_infer(fed_node *node, const fed_shape *in,
                            const fed_window_attrs *at, fed_error *err)
{
    bool flat = in->rank == 2; /* steps, channels */
    bool same = fed_attr_is(node, at->padding, "same");
    bool given = node->attrs[at->pad].n_items > 0;
    size_t stride = node->attrs[at->stride].n_items ? at->stride : at->kernel;
    fed_axis h = {"height", 1, 1, 1, 0, 1};
    fed_axis w = {flat ? "length" : "width", in->dim[in->rank - 2], 0, 0, 0, 0};
    if (same && given)
        return fed_fail(err, FED_E_INVALID, "pad: not together with padding \"same\"");
    w.kernel = fed_attr_item(node, at->kernel, 1);
    w.stride = fed_attr_item(node, stride, 1);
    w.pad = given ? fed_attr_item(node, at->pad, 1) : 0;
    FED_TRY(infer_axis(&w, same, given, err));
    if (!flat) {
        h.in = in->dim[0];
        h.kernel = fed_attr_item(node, at->kernel, 0);
        h.stride = fed_attr_item(node, stride, 0);
        h.pad = given ? fed_attr_item(node, at->pad, 0) : 0;
        FED_TRY(infer_axis(&h, same, given, err));
    }
    size_t channels = in->dim[in->rank - 1];
    node->window = (fed_window){h.in,     w.in,     channels, h.out,    w.out, channels,
                                h.kernel, w.kernel, h.stride, w.stride, h.pad, w.pad};
    return FED_OK;
}

/* Short runs are the rule here, too short for a call of memcpy or memset. */
static inline void copy_run(size_t n, const float *from, float *to)
{
    for (; n > FED_LANES; n -= FED_LANES, from += FED_LANES, to += FED_LANES)
        vec_store(to, vec_load(from));
    vec_store_part(to, vec_mask(n), vec_load_part(from, vec_mask(n)));
}

static inline void clear_run(size_t n, float *to)
{
    for (; n >= FED_LANES; n -= FED_LANES, to += FED_LANES)
        vec_store(to, vec_set(0));
    if (n) vec_store_part(to, vec_mask(n), vec_set(0));
}

/* One row of the kernel at one position: `taps` x `channels` values, of which [first, last)
 * lie inside the image, where they are `in_c` apart. */
static inline float *copy_taps(const fed_window *w, const float *from, size_t channels,
                               size_t first, size_t last, float *to)
{
    clear_run(first * channels, to);
    to += first * channels;
    if (channels == w->in_c) {
        copy_run((last - first) * channels, from, to);
        to += (last - first) * channels;
    } else {
        for (size_t t = first; t < last; t++, from += w->in_c, to += channels)
            copy_run(channels, from, to);
    }
    clear_run((w->kernel_w - last) * channels, to);
    return to + (w->kernel_w - last) * channels;
}

void fed_window_to_rows(const fed_window *w, const float *image, size_t channel,
                        size_t channels, size_t from, size_t to, float *rows)
{
    for (size_t i = from; i < to; i++) {
        size_t top, bottom;
        fed_window_taps(i, w->stride_h, w->pad_h, w->kernel_h, w->in_h, &top, &bottom);
        for (size_t j = 0; j < w->out_w; j++) {
            size_t left, right;
            fed_window_taps(j, w->stride_w, w->pad_w, w->kernel_w, w->in_w, &left,
                            &right);
            for (size_t k = 0; k < w->kernel_h; k++) {
                bool inside = k >= top && k < bottom;
                size_t y = i * w->stride_h + k - w->pad_h;
                size_t x = j * w->stride_w + left - w->pad_w;
                rows = copy_taps(
                    w, inside ? image + (y * w->in_w + x) * w->in_c + channel : image,
                    channels, inside ? left : 0, inside ? right : 0, rows);
            }
        }
    }
}

void fed_window_from_rows(const fed_window *w, const float *rows, size_t channel,
                          size_t channels, size_t from, size_t to, float *image)
{
    for (size_t i = from; i < to; i++) {
        size_t top, bottom;
        fed_window_taps(i, w->stride_h, w->pad_h, w->kernel_h, w->in_h, &top, &bottom);
        for (size_t j = 0; j < w->out_w; j++) {
            size_t left, right, row = w->kernel_w * channels;
            fed_window_taps(j, w->stride_w, w->pad_w, w->kernel_w, w->in_w, &left,
                            &right);
            for (size_t k = top; k < bottom && left < right; k++) {
                size_t y = i * w->stride_h + k - w->pad_h;
                size_t x = j * w->stride_w + left - w->pad_w;
                const float *r = rows + k * row + left * channels;
                float *at = image + (y * w->in_w + x) * w->in_c + channel;
                if (channels == w->in_c)
                    fed_vector_add((right - left) * channels, r, at);
                else
                    for (size_t t = left; t < right; t++, r += channels, at += w->in_c)
                        fed_vector_add(channels, r, at);
            }
            rows += w->kernel_h * row;
        }
    }
}
