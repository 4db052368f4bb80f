/* The shape rule of pooling: channels stay, height and width shrink. */
#include "pooling.h"

fed_status fed_pool_infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    static const fed_window_attrs at = {FED_POOL_SIZE, FED_POOL_STRIDE, FED_POOL_PADDING,
                                        FED_POOL_PAD};
    bool flat = strstr(node->row->op.name, "1d") != NULL;
    char text[64];
    if (in->rank != (flat ? 2u : 3u))
        return fed_fail(err, FED_E_INVALID, "input: %s is not %s",
                        fed_shape_text(in, text, sizeof text),
                        flat ? "steps x channels" : "height x width x channels");
    FED_TRY(fed_window_infer(node, in, &at, err));
    const fed_window *w = &node->window;
    node->shape =
        flat ? fed_shape2(w->out_w, w->out_c) : fed_shape3(w->out_h, w->out_w, w->out_c);
    node->flops = (double)(fed_shape_count(&node->shape) * w->kernel_h * w->kernel_w);
    return FED_OK;
}
