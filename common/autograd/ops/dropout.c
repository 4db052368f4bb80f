/*
 * dropout (Srivastava et al. 2014): in training each value is dropped with probability `rate`
 * and the others are divided by 1 - rate; otherwise the layer is not there. The draws come
 * from the stream that is passed in, 16 bits each, in the order of the values.
 */
#include "op.h"

enum { RATE };
enum { DRAWS = 128 };

static const fed_attr attrs[] = {
    {"rate", FED_ATTR_DOUBLE, false, 0, 0.99, 0.5, NULL, 0,
     "probability of being dropped"},
};

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    (void)err;
    node->shape = *in;
    node->n[0] = fed_shape_count(in);
    node->saved[0] = fed_each(node->n[0]);
    node->n_saved = 1;
    return FED_OK;
}

static void draw_factors(fed_stream *stream, double rate, size_t n, float *factor)
{
    uint8_t raw[2 * DRAWS];
    uint32_t bound = (uint32_t)(rate * 65536 + 0.5);
    float keep = (float)(65536.0 / (65536.0 - bound));
    for (size_t at = 0; at < n; at += DRAWS) {
        size_t count = n - at < DRAWS ? n - at : DRAWS;
        fed_stream_fill(stream, raw, 2 * count);
        for (size_t i = 0; i < count; i++) {
            uint32_t drawn = raw[2 * i] | (uint32_t)raw[2 * i + 1] << 8;
            factor[at + i] = drawn < bound ? 0 : keep;
        }
    }
}

static void forward(const fed_call *call)
{
    size_t n = call->batch * call->node->n[0];
    if (!call->train) {
        if (call->y != call->x[0]) memcpy(call->y, call->x[0], n * sizeof(float));
        return;
    }
    draw_factors(call->stream, call->node->attrs[RATE].number, n, call->saved[0]);
    for (size_t i = 0; i < n; i++)
        call->y[i] = call->x[0][i] * call->saved[0][i];
}

static void backward(const fed_call *call)
{
    for (size_t i = 0, n = call->batch * call->node->n[0]; i < n; i++)
        call->dx[0][i] = call->dy[i] * call->saved[0][i];
}

const fed_op_row FED_ROW(dropout) = {
    .op = {"dropout", "drops values at random while training", FED_OP_LAYER, attrs, 1, 1,
           1, FED_TARGET_NONE},
    .flags = FED_IN_PLACE | FED_TRAIN_ONLY,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
