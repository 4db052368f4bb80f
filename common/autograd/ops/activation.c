/*
 * Elementwise activations: y = f(x), dx = dy f'. Those whose derivative follows from y
 * work in place, so that a layer and its activation share one buffer.
 */
#include "activation.h"

#include "kernels/fast_math.h"

const char *const fed_activation_choices[] = {"none", "relu", NULL};

static fed_status infer_from_y(fed_node *node, const fed_shape *in, fed_error *err)
{
    (void)err;
    node->shape = *in;
    node->needs_y = true;
    node->n[0] = fed_shape_count(in);
    node->flops = (double)node->n[0];
    return FED_OK;
}

#define ACTIVATION(name, summary, infer_rule, value, slope)                              \
    static void name##_forward(const fed_call *call)                                     \
    {                                                                                    \
        const float *from = call->x[0];                                                  \
        float *to = call->y;                                                             \
        for (size_t i = 0, n = call->batch * call->node->n[0]; i < n; i++) {             \
            float x = from[i];                                                           \
            to[i] = (value);                                                             \
        }                                                                                \
    }                                                                                    \
    static void name##_backward(const fed_call *call)                                    \
    {                                                                                    \
        const float *from = call->node->needs_y ? call->y : call->x[0];                  \
        const float *dy = call->dy;                                                      \
        float *dx = call->dx[0];                                                         \
        for (size_t i = 0, n = call->batch * call->node->n[0]; i < n; i++) {             \
            float x = from[i];                                                           \
            dx[i] = dy[i] * (slope);                                                     \
        }                                                                                \
    }                                                                                    \
    const fed_op_row FED_ROW(name) = {                                                   \
        .op = {#name, summary, FED_OP_LAYER, NULL, 0, 1, 1, FED_TARGET_NONE},            \
        .flags = FED_IN_PLACE,                                                           \
        .infer = infer_rule,                                                             \
        .forward = name##_forward,                                                       \
        .backward = name##_backward,                                                     \
    };

/* In a slope "x" stands for the output y when the rule is infer_from_y. */
ACTIVATION(relu, "max(0, x)", infer_from_y, x<0 ? 0 : x, x> 0 ? 1.0f : 0.0f)
