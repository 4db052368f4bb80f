/*
 * embedding: each token becomes its row of a table [vocabulary][units]; backward adds to the
 * rows that were used.
 */
#include "op.h"

#include <math.h>

#include "kernels/vector.h"

enum { VOCABULARY, UNITS }; /* attributes, and in node->n */
enum { TOKENS = 2 };

static const fed_attr attrs[] = {
    {"vocabulary", FED_ATTR_INT, true, 1, 1 << 24, 0, NULL, 0, "number of tokens"},
    {"units", FED_ATTR_INT, true, 1, 1 << 16, 0, NULL, 0, "width of a row"},
};

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    size_t vocabulary = fed_attr_size(node, VOCABULARY),
           units = fed_attr_size(node, UNITS);
    char text[64];
    if (in->rank >= FED_RANK_MAX)
        return fed_fail(err, FED_E_INVALID, "input: %s has no dimension left for units",
                        fed_shape_text(in, text, sizeof text));
    node->n[VOCABULARY] = vocabulary;
    node->n[UNITS] = units;
    node->n[TOKENS] = fed_shape_count(in);
    node->shape = *in;
    node->shape.dim[node->shape.rank++] = units;
    fed_node_add_param(node, "weight", fed_shape2(vocabulary, units), FED_INIT_UNIFORM,
                       sqrt(3.0 / (double)units));
    return FED_OK;
}

static void forward(const fed_call *call)
{
    size_t units = call->node->n[UNITS], n = call->batch * call->node->n[TOKENS];
    for (size_t i = 0; i < n; i++)
        memcpy(call->y + i * units, call->p[0] + (size_t)call->tokens[i] * units,
               units * sizeof(float));
}

static void backward(const fed_call *call)
{
    size_t units = call->node->n[UNITS], n = call->batch * call->node->n[TOKENS];
    if (!call->accumulate)
        memset(call->g[0], 0, call->node->n[VOCABULARY] * units * sizeof(float));
    for (size_t i = 0; i < n; i++)
        fed_vector_add(units, call->dy + i * units,
                       call->g[0] + (size_t)call->tokens[i] * units);
}

const fed_op_row FED_ROW(embedding) = {
    .op = {"embedding", "each token becomes its row of a learned table", FED_OP_LAYER,
           attrs, 2, 1, 1, FED_TARGET_NONE},
    .flags = FED_TAKES_TOKENS,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
