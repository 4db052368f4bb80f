/*
 * Attention heads: the input [steps][(heads + 2 kv_heads) size] holds, for each step, the queries
 * of all heads, then the keys, then the values of all key-value heads; the output is
 * [steps][heads size]. Several heads may share a key-value head: with one it is multi-query
 * attention (Shazeer 2019).
 */
#ifndef FED_HEADS_H
#define FED_HEADS_H

#include "op.h"

/** The first attributes of both attention operators, and node->n. */
enum { FED_HEADS, FED_KV_HEADS, FED_CAUSAL };
enum { FED_ATT_STEPS, FED_ATT_HEADS, FED_ATT_SHARING, FED_ATT_SIZE, FED_ATT_ROW };

#define FED_HEAD_ATTRS                                                                   \
    {"heads", FED_ATTR_INT, true, 1, 1024, 0, NULL, 0, "query heads"},                   \
        {"kv_heads",                                                                     \
         FED_ATTR_INT,                                                                   \
         false,                                                                          \
         0,                                                                              \
         1024,                                                                           \
         0,                                                                              \
         NULL,                                                                           \
         0,                                                                              \
         "key and value heads; 0: as many as query heads"},                              \
    {                                                                                    \
        "causal", FED_ATTR_BOOL, false, 0, 1, 0, NULL, 0, "a step sees no later one"     \
    }

/** One head of one example. */
typedef struct fed_head {
    const float *q, *k, *v;  /* `row` apart from step to step */
    size_t q_at, k_at, v_at; /* the same places as offsets into the input */
    size_t y_at;             /* into the output, whose rows are heads * size apart */
    size_t row, y_row;
    bool first_of_group; /* the first head that uses its key-value head */
} fed_head;

static inline fed_status fed_heads_infer(fed_node *node, const fed_shape *in,
                                         fed_error *err)
{
    size_t heads = fed_attr_size(node, FED_HEADS), kv = fed_attr_size(node, FED_KV_HEADS);
    char text[64];
    if (!kv) kv = heads;
    if (in->rank != 2)
        return fed_fail(err, FED_E_INVALID, "input: %s is not steps x values",
                        fed_shape_text(in, text, sizeof text));
    if (heads % kv)
        return fed_fail(err, FED_E_INVALID, "kv_heads: %zu does not divide %zu heads", kv,
                        heads);
    if (in->dim[1] % (heads + 2 * kv))
        return fed_fail(err, FED_E_INVALID,
                        "heads: %zu values of the input are no multiple of %zu heads and "
                        "twice %zu kv_heads",
                        in->dim[1], heads, kv);
    node->n[FED_ATT_STEPS] = in->dim[0];
    node->n[FED_ATT_HEADS] = heads;
    node->n[FED_ATT_SHARING] = heads / kv;
    node->n[FED_ATT_SIZE] = in->dim[1] / (heads + 2 * kv);
    node->n[FED_ATT_ROW] = in->dim[1];
    node->shape = fed_shape2(in->dim[0], heads * node->n[FED_ATT_SIZE]);
    node->needs_x = 1;
    return FED_OK;
}

static inline fed_head fed_head_at(const fed_call *call, size_t example, size_t head)
{
    const size_t *n = call->node->n, size = n[FED_ATT_SIZE], heads = n[FED_ATT_HEADS];
    size_t shared = head / n[FED_ATT_SHARING], kv = heads / n[FED_ATT_SHARING];
    fed_head h = {.row = n[FED_ATT_ROW], .y_row = heads * size};
    size_t start = example * n[FED_ATT_STEPS] * h.row;
    h.q_at = start + head * size;
    h.k_at = start + (heads + shared) * size;
    h.v_at = h.k_at + kv * size;
    h.y_at = example * n[FED_ATT_STEPS] * h.y_row + head * size;
    h.q = call->x[0] + h.q_at, h.k = call->x[0] + h.k_at, h.v = call->x[0] + h.v_at;
    h.first_of_group = head % n[FED_ATT_SHARING] == 0;
    return h;
}

#endif
