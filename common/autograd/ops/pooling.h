/* The attributes and the shape rule of pooling. */
#ifndef FED_POOLING_H
#define FED_POOLING_H

#include "window.h"

enum { FED_POOL_SIZE, FED_POOL_STRIDE, FED_POOL_PADDING, FED_POOL_PAD };

#define FED_POOL_ATTRS(items)                                                            \
    {"size", FED_ATTR_INTS, true, 1, 1024, 0, NULL, items, "of the window"},             \
        {"stride", FED_ATTR_INTS, false, 1, 1024, 0, NULL, items, "default: the size"},  \
        FED_ATTR_PADDING, FED_ATTR_PAD(items)

#define fed_pool_infer FED_IN_PATH(fed_pool_infer)

/** For sequences and images alike, by the rank of the input. */
fed_status fed_pool_infer(fed_node *node, const fed_shape *in, fed_error *err);

/** A window at an output position: its taps inside the image. */
typedef struct fed_pool_at {
    size_t top, bottom, left, right;
    size_t origin; /* of tap (0, 0), in positions; may wrap below 0 */
} fed_pool_at;

static inline fed_pool_at fed_pool_place(const fed_window *w, size_t i, size_t j)
{
    fed_pool_at at;
    fed_window_taps(i, w->stride_h, w->pad_h, w->kernel_h, w->in_h, &at.top, &at.bottom);
    fed_window_taps(j, w->stride_w, w->pad_w, w->kernel_w, w->in_w, &at.left, &at.right);
    at.origin = (i * w->stride_h - w->pad_h) * w->in_w + j * w->stride_w - w->pad_w;
    return at;
}

#endif
