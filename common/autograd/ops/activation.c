/*
 * Elementwise activations: y = f(x), dx = dy f'. Those whose derivative follows from y
 * work in place, so that a layer and its activation share one buffer.
 */
#include "activation.h"

#include "kernels/fast_math.h"

const char *const fed_activation_choices[] = {"none",       "relu", "relu6", "leaky_relu",
                                              "sigmoid",    "tanh", "gelu",  "silu",
                                              "hard_swish", NULL};

static fed_status infer(fed_node *node, const fed_shape *in)
{
    node->shape = *in;
    node->n[0] = fed_shape_count(in);
    node->flops = (double)node->n[0];
    return FED_OK;
}

/* The derivative is a function of the output. */
static fed_status infer_from_y(fed_node *node, const fed_shape *in, fed_error *err)
{
    (void)err;
    node->needs_y = true;
    return infer(node, in);
}

static fed_status infer_from_x(fed_node *node, const fed_shape *in, fed_error *err)
{
    (void)err;
    node->needs_x = 1;
    return infer(node, in);
}

/* 0.5 x (1 + erf(x / sqrt 2)), Hendrycks, Gimpel 2016, and its derivative. */
static inline float gelu(float x)
{
    return 0.5f * x * (1.0f + fed_erf(x * 0.70710678f));
}
static inline float gelu_slope(float x)
{
    float density = 0.39894228f * fed_exp(-0.5f * x * x);
    return fed_madd(x, density, 0.5f * (1.0f + fed_erf(x * 0.70710678f)));
}

/* x sigmoid(x), Elfwing et al. 2018. */
static inline float silu_slope(float x)
{
    float s = fed_sigmoid(x);
    return s * (1.0f + x * (1.0f - s));
}

/* x clamp(x + 3, 0, 6) / 6, Howard et al. 2019. */
static inline float hard_swish(float x)
{
    float gate = x + 3.0f;
    gate = gate < 0 ? 0 : gate;
    gate = gate > 6.0f ? 6.0f : gate;
    return x * gate * (1.0f / 6.0f);
}
static inline float hard_swish_slope(float x)
{
    float inner = (2.0f * x + 3.0f) * (1.0f / 6.0f);
    inner = x < -3.0f ? 0 : inner;
    return x > 3.0f ? 1 : inner;
}

static inline float relu6(float x)
{
    float y = x < 0 ? 0 : x;
    return y > 6.0f ? 6.0f : y;
}

#define ACTIVATION(name, summary, infer_rule, attributes, n_attributes, value, slope)    \
    static void name##_forward(const fed_call *call)                                     \
    {                                                                                    \
        const float *from = call->x[0];                                                  \
        const float alpha = (float)call->node->attrs[0].number;                          \
        float *to = call->y;                                                             \
        (void)alpha;                                                                     \
        for (size_t i = 0, n = call->batch * call->node->n[0]; i < n; i++) {             \
            float x = from[i];                                                           \
            to[i] = (value);                                                             \
        }                                                                                \
    }                                                                                    \
    static void name##_backward(const fed_call *call)                                    \
    {                                                                                    \
        const float *from = call->node->needs_y ? call->y : call->x[0];                  \
        const float *dy = call->dy;                                                      \
        const float alpha = (float)call->node->attrs[0].number;                          \
        float *dx = call->dx[0];                                                         \
        (void)alpha;                                                                     \
        for (size_t i = 0, n = call->batch * call->node->n[0]; i < n; i++) {             \
            float x = from[i];                                                           \
            dx[i] = dy[i] * (slope);                                                     \
        }                                                                                \
    }                                                                                    \
    const fed_op_row FED_ROW(name) = {                                                   \
        .op = {#name, summary, FED_OP_LAYER, attributes, n_attributes, 1, 1,             \
               FED_TARGET_NONE},                                                         \
        .flags = FED_IN_PLACE,                                                           \
        .infer = infer_rule,                                                             \
        .forward = name##_forward,                                                       \
        .backward = name##_backward,                                                     \
    };

static const fed_attr leaky[] = {
    {"alpha", FED_ATTR_DOUBLE, false, 0, 1, 0.01, NULL, 0, "slope below 0"},
};

/* In a slope "x" stands for the output y when the rule is infer_from_y. */
ACTIVATION(relu, "max(0, x)", infer_from_y, NULL, 0, x<0 ? 0 : x, x> 0 ? 1.0f : 0.0f)
ACTIVATION(relu6, "min(max(0, x), 6)", infer_from_y, NULL, 0, relu6(x),
           (x > 0 ? 1.0f : 0.0f) * (x < 6.0f ? 1.0f : 0.0f))
ACTIVATION(leaky_relu, "x, or alpha x below 0", infer_from_y, leaky, 1,
           x<0 ? alpha * x : x, x> 0 ? 1.0f : alpha)
ACTIVATION(sigmoid, "1 / (1 + exp(-x))", infer_from_y, NULL, 0, fed_sigmoid(x),
           x *(1.0f - x))
ACTIVATION(tanh, "hyperbolic tangent", infer_from_y, NULL, 0, fed_tanh(x), 1.0f - x * x)
ACTIVATION(gelu, "x Phi(x), with the error function", infer_from_x, NULL, 0, gelu(x),
           gelu_slope(x))
ACTIVATION(silu, "x sigmoid(x)", infer_from_x, NULL, 0, x *fed_sigmoid(x), silu_slope(x))
ACTIVATION(hard_swish, "x clamp(x + 3, 0, 6) / 6", infer_from_x, NULL, 0, hard_swish(x),
           hard_swish_slope(x))
