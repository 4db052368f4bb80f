/*
 * matmul: C = A B for each of a stack of matrices, [..][m][k] times [..][k][n], or [..][n][k]
 * when b is transposed.
 *
 *   dA = dC B'    dB = A' dC    and with B transposed    dA = dC B    dB = dC' A
 */
#include "op.h"

#include "kernels/gemm.h"

enum { TRANSPOSE_B };
enum { STACK, M, N, K };

static const fed_attr attrs[] = {
    {"transpose_b", FED_ATTR_BOOL, false, 0, 1, 0, NULL, 0,
     "the second input lies turned"},
};

static fed_status infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    char text[2][64];
    size_t rank = in[0].rank;
    bool turned = node->attrs[TRANSPOSE_B].number != 0, fits = rank >= 2;
    fits = fits && in[1].rank == rank;
    for (size_t i = 0; fits && i + 2 < rank; i++)
        fits = in[0].dim[i] == in[1].dim[i];
    if (!fits || in[0].dim[rank - 1] != in[1].dim[turned ? rank - 1 : rank - 2])
        return fed_fail(err, FED_E_INVALID, "inputs: %s and %s do not multiply%s",
                        fed_shape_text(&in[0], text[0], 64),
                        fed_shape_text(&in[1], text[1], 64),
                        turned ? " (b transposed)" : "");
    node->n[M] = in[0].dim[rank - 2];
    node->n[K] = in[0].dim[rank - 1];
    node->n[N] = in[1].dim[turned ? rank - 2 : rank - 1];
    node->n[STACK] = fed_shape_count(&in[0]) / node->n[M] / node->n[K];
    node->shape = in[0];
    node->shape.dim[rank - 1] = node->n[N];
    node->needs_x = 3;
    node->flops = 2.0 * (double)fed_shape_count(&node->shape) * (double)node->n[K];
    return FED_OK;
}

static void forward(const fed_call *call)
{
    const size_t *n = call->node->n;
    bool turned = call->node->attrs[TRANSPOSE_B].number != 0;
    for (size_t i = 0; i < call->batch * n[STACK]; i++)
        fed_gemm_run(&(fed_gemm){.m = n[M],
                                 .n = n[N],
                                 .k = n[K],
                                 .a = call->x[0] + i * n[M] * n[K],
                                 .a_row = n[K],
                                 .a_col = 1,
                                 .b = call->x[1] + i * n[K] * n[N],
                                 .b_row = turned ? 1 : n[N],
                                 .b_col = turned ? n[K] : 1,
                                 .c = call->y + i * n[M] * n[N],
                                 .c_row = n[N]},
                     call->scratch);
}

static void backward_a(const fed_call *call, size_t i, bool turned)
{
    const size_t *n = call->node->n;
    fed_gemm_run(&(fed_gemm){.m = n[M],
                             .n = n[K],
                             .k = n[N],
                             .a = call->dy + i * n[M] * n[N],
                             .a_row = n[N],
                             .a_col = 1,
                             .b = call->x[1] + i * n[K] * n[N],
                             .b_row = turned ? n[K] : 1,
                             .b_col = turned ? 1 : n[N],
                             .c = call->dx[0] + i * n[M] * n[K],
                             .c_row = n[K]},
                 call->scratch);
}

static void backward_b(const fed_call *call, size_t i, bool turned)
{
    const size_t *n = call->node->n;
    const float *a = call->x[0] + i * n[M] * n[K], *dy = call->dy + i * n[M] * n[N];
    fed_gemm_run(&(fed_gemm){.m = turned ? n[N] : n[K],
                             .n = turned ? n[K] : n[N],
                             .k = n[M],
                             .a = turned ? dy : a,
                             .a_row = 1,
                             .a_col = turned ? n[N] : n[K],
                             .b = turned ? a : dy,
                             .b_row = turned ? n[K] : n[N],
                             .b_col = 1,
                             .c = call->dx[1] + i * n[K] * n[N],
                             .c_row = turned ? n[K] : n[N]},
                 call->scratch);
}

static void backward(const fed_call *call)
{
    bool turned = call->node->attrs[TRANSPOSE_B].number != 0;
    for (size_t i = 0; i < call->batch * call->node->n[STACK]; i++) {
        if (call->dx[0]) backward_a(call, i, turned);
        if (call->dx[1]) backward_b(call, i, turned);
    }
}

const fed_op_row FED_ROW(matmul) = {
    .op = {"matmul", "product of two stacks of matrices", FED_OP_LAYER, attrs, 1, 2, 2,
           FED_TARGET_NONE},
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
