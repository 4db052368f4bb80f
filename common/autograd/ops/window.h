/* Windows that slide over height and width: their attributes, their shape rule, and the
 * copies between an image and the rows of a matrix. */
#ifndef FED_WINDOW_H
#define FED_WINDOW_H

#include "op.h"

#define fed_padding_choices FED_IN_PATH(fed_padding_choices)
extern const char *const fed_padding_choices[];

/** "valid": no padding; "same": zeros around, so that stride 1 keeps the size (of an odd
 *  number of zeros the greater half lies behind); `pad` gives the numbers instead. */
#define FED_ATTR_PADDING                                                                 \
    {                                                                                    \
        "padding", FED_ATTR_ENUM, false, 0, 0, 0, fed_padding_choices, 0,                \
            "valid: none; same: output is input / stride, rounded up"                    \
    }
#define FED_ATTR_PAD(items)                                                              \
    {                                                                                    \
        "pad", FED_ATTR_INTS, false, 0, 1024, -1, NULL, items,                           \
            "zeros on both sides, instead of padding"                                    \
    }

/** Where the attributes of a window stand in an operator's table. */
typedef struct fed_window_attrs {
    size_t kernel, stride, padding, pad;
} fed_window_attrs;

#define fed_window_infer     FED_IN_PATH(fed_window_infer)
#define fed_window_to_rows   FED_IN_PATH(fed_window_to_rows)
#define fed_window_from_rows FED_IN_PATH(fed_window_from_rows)

/** Fill node->window (out_c becomes in_c) from `in`: height, width, channels, or steps,
 *  channels, which counts as height 1. An empty stride means that of the kernel. */
fed_status fed_window_infer(fed_node *node, const fed_shape *in,
                            const fed_window_attrs *at, fed_error *err);

/** For the output rows [from, to) of one image: the values under each position of the window,
 *  channels [channel, channel + channels), as one row of kernel_h kernel_w channels values;
 *  zeros where the window lies on the padding. */
void fed_window_to_rows(const fed_window *w, const float *image, size_t channel,
                        size_t channels, size_t from, size_t to, float *rows);
/** The reverse: add each row to the places of the image that it came from. */
void fed_window_from_rows(const fed_window *w, const float *rows, size_t channel,
                          size_t channels, size_t from, size_t to, float *image);

/** The taps [first, last) of a window of `kernel` at output position `out` that lie inside an
 *  axis of `in` values. */
static inline void fed_window_taps(size_t out, size_t stride, size_t pad, size_t kernel,
                                   size_t in, size_t *first, size_t *last)
{
    size_t start = out * stride;
    *first = start < pad ? pad - start : 0;
    *last =
        start + kernel > in + pad ? (in + pad > start ? in + pad - start : 0) : kernel;
    if (*first > *last) *first = *last;
}

#endif
