/*
 * Convolution as matrix products. The rows of a matrix are the values under each position of
 * the window (im2col), its columns meet the weights [kernel_h][kernel_w][in / groups][out]:
 *
 *   y = rows W + b    dW = rows' dy    drows = dy W', added back to where they came from
 *
 * Rows are made for a few output rows at a time, so that they stay in the second-level
 * cache. A 1 x 1 window copies nothing; one filter per channel goes to depthwise.c.
 */
#include "convolution.h"

#include "activation.h"
#include "kernels/gemm.h"
#include "kernels/transpose.h"
#include "kernels/vector.h"

enum { TILE_FLOATS = 3 << 15 };
/* node->n */
enum { GROUPS, IN, OUT, DEPTH, TILE, POINTWISE, DEPTHWISE };

static void choose_method(fed_node *node)
{
    const fed_window *w = &node->window;
    size_t *n = node->n;
    bool moves = w->stride_h > 1 || w->stride_w > 1 || w->pad_h || w->pad_w;
    n[POINTWISE] = w->kernel_h * w->kernel_w == 1 && !moves;
    n[DEPTHWISE] = n[GROUPS] > 1 && n[IN] == 1 && n[OUT] == 1;
    n[DEPTH] = w->kernel_h * w->kernel_w * n[IN];
    n[TILE] = TILE_FLOATS / (w->out_w * n[DEPTH]);
    if (n[TILE] < 1) n[TILE] = 1;
    size_t tiles = (w->out_h + n[TILE] - 1) / n[TILE];
    n[TILE] = (w->out_h + tiles - 1) / tiles; /* as equal as can be */
    if (n[DEPTHWISE]) {
        node->forward_work.fixed = fed_depthwise_work(w, false);
        node->backward_work.fixed = fed_depthwise_work(w, true);
    }
    if (n[POINTWISE] || n[DEPTHWISE]) return;
    size_t tile = n[TILE] * w->out_w * n[DEPTH];
    node->forward_work.fixed = tile;
    node->backward_work.fixed = tile + n[DEPTH] * w->out_c;
}

fed_status fed_convolution_infer(fed_node *node, const fed_shape *in, fed_error *err)
{
    static const fed_window_attrs at = {FED_CONV_KERNEL, FED_CONV_STRIDE,
                                        FED_CONV_PADDING, FED_CONV_PAD};
    size_t filters = fed_attr_size(node, FED_CONV_FILTERS);
    size_t groups = fed_attr_size(node, FED_CONV_GROUPS);
    FED_TRY(fed_window_infer(node, in, &at, err));
    fed_window *w = &node->window;
    w->out_c = filters;
    if (w->in_c % groups || filters % groups)
        return fed_fail(err, FED_E_INVALID,
                        "groups: %zu does not divide %zu channels and %zu filters",
                        groups, w->in_c, filters);
    node->n[GROUPS] = groups;
    node->n[IN] = w->in_c / groups;
    node->n[OUT] = filters / groups;
    choose_method(node);
    size_t taps = w->kernel_h * w->kernel_w;
    fed_node_add_param(node, "weight",
                       fed_shape4(w->kernel_h, w->kernel_w, node->n[IN], filters),
                       FED_INIT_UNIFORM,
                       fed_init_bound(node, FED_CONV_ACTIVATION, taps * node->n[IN],
                                      taps * node->n[OUT]));
    if (node->attrs[FED_CONV_BIAS].number != 0)
        fed_node_add_param(node, "bias", fed_shape1(filters), FED_INIT_ZERO, 0);
    node->needs_x = 1;
    node->flops =
        2.0 * (double)(w->out_h * w->out_w) * (double)node->n[DEPTH] * (double)filters;
    return FED_OK;
}

/* Where one product of a group finds its rows and its output. */
typedef struct fed_block {
    const fed_call *call;
    size_t group, rows;
    const float *x; /* rows of the matrix */
    size_t x_row;
    size_t y; /* offset of the output */
} fed_block;

static void block_forward(const fed_block *b)
{
    const fed_call *call = b->call;
    const size_t *n = call->node->n, out = call->node->window.out_c;
    size_t column = b->group * n[OUT];
    fed_gemm_run(&(fed_gemm){.m = b->rows,
                             .n = n[OUT],
                             .k = n[DEPTH],
                             .a = b->x,
                             .a_row = b->x_row,
                             .a_col = 1,
                             .b = call->p[0] + column,
                             .b_row = out,
                             .b_col = 1,
                             .c = call->y + b->y + column,
                             .c_row = out,
                             .bias = call->p[1] ? call->p[1] + column : NULL,
                             .relu = call->relu},
                 call->scratch);
}

static void block_weights(const fed_block *b, bool accumulate)
{
    const fed_call *call = b->call;
    const size_t *n = call->node->n, out = call->node->window.out_c;
    size_t column = b->group * n[OUT];
    fed_gemm_run(&(fed_gemm){.m = n[DEPTH],
                             .n = n[OUT],
                             .k = b->rows,
                             .a = b->x,
                             .a_row = 1,
                             .a_col = b->x_row,
                             .b = call->dy + b->y + column,
                             .b_row = out,
                             .b_col = 1,
                             .c = call->g[0] + column,
                             .c_row = out,
                             .accumulate = accumulate},
                 call->scratch);
}

/* drows = dy W' with W' turned beforehand ([out][depth]), or as it lies when `turned` is
 * NULL. */
static void block_inputs(const fed_block *b, const float *turned, float *rows, size_t row)
{
    const fed_call *call = b->call;
    const size_t *n = call->node->n, out = call->node->window.out_c;
    size_t column = b->group * n[OUT];
    fed_gemm_run(
        &(fed_gemm){.m = b->rows,
                    .n = n[DEPTH],
                    .k = n[OUT],
                    .a = call->dy + b->y + column,
                    .a_row = out,
                    .a_col = 1,
                    .b = turned ? turned + column * n[DEPTH] : call->p[0] + column,
                    .b_row = turned ? n[DEPTH] : 1,
                    .b_col = turned ? 1 : out,
                    .c = rows,
                    .c_row = row},
        call->scratch);
}

static fed_block pointwise_block(const fed_call *call, size_t group)
{
    const fed_window *w = &call->node->window;
    return (fed_block){call,
                       group,
                       call->batch * w->out_h * w->out_w,
                       call->x[0] + group * call->node->n[IN],
                       w->in_c,
                       0};
}

/* The next tile behind (image, group, row), made of rows in `call->work`. */
static fed_block tile_block(const fed_call *call, size_t image, size_t group, size_t from,
                            size_t to)
{
    const fed_window *w = &call->node->window;
    const size_t *n = call->node->n;
    fed_window_to_rows(w, call->x[0] + image * w->in_h * w->in_w * w->in_c, group * n[IN],
                       n[IN], from, to, call->work);
    return (fed_block){
        call,       group,    (to - from) * w->out_w,
        call->work, n[DEPTH], (image * w->out_h + from) * w->out_w * w->out_c};
}

static size_t tile_end(const fed_node *node, size_t from)
{
    size_t to = from + node->n[TILE];
    return to < node->window.out_h ? to : node->window.out_h;
}

void fed_convolution_forward(const fed_call *call)
{
    const fed_node *node = call->node;
    if (node->n[DEPTHWISE]) {
        fed_depthwise_forward(call);
        return;
    }
    for (size_t group = 0; group < node->n[GROUPS]; group++) {
        if (node->n[POINTWISE]) {
            fed_block b = pointwise_block(call, group);
            block_forward(&b);
            continue;
        }
        for (size_t image = 0; image < call->batch; image++)
            for (size_t from = 0, to; from < node->window.out_h; from = to) {
                to = tile_end(node, from);
                fed_block b = tile_block(call, image, group, from, to);
                block_forward(&b);
            }
    }
}

static void pointwise_backward(const fed_call *call)
{
    for (size_t group = 0; group < call->node->n[GROUPS]; group++) {
        fed_block b = pointwise_block(call, group);
        if (call->g[0]) block_weights(&b, call->accumulate);
        if (call->dx[0])
            block_inputs(&b, NULL, call->dx[0] + group * call->node->n[IN], b.x_row);
    }
}

static void image_backward(const fed_call *call, size_t image, size_t group,
                           const float *turned)
{
    const fed_node *node = call->node;
    const fed_window *w = &node->window;
    for (size_t from = 0, to; from < w->out_h; from = to) {
        to = tile_end(node, from);
        fed_block b = tile_block(call, image, group, from, to);
        if (call->g[0]) block_weights(&b, call->accumulate || image || from);
        if (!call->dx[0]) continue;
        block_inputs(&b, turned, call->work, node->n[DEPTH]);
        fed_window_from_rows(w, call->work, group * node->n[IN], node->n[IN], from, to,
                             call->dx[0] + image * w->in_h * w->in_w * w->in_c);
    }
}

static void tiled_backward(const fed_call *call)
{
    const fed_node *node = call->node;
    const fed_window *w = &node->window;
    float *turned = call->work + node->n[TILE] * w->out_w * node->n[DEPTH];
    if (call->dx[0]) {
        fed_transpose(node->n[DEPTH], w->out_c, call->p[0], w->out_c, turned,
                      node->n[DEPTH]);
        memset(call->dx[0], 0, call->batch * w->in_h * w->in_w * w->in_c * sizeof(float));
    }
    for (size_t group = 0; group < node->n[GROUPS]; group++)
        for (size_t image = 0; image < call->batch; image++)
            image_backward(call, image, group, turned);
}

void fed_convolution_backward(const fed_call *call)
{
    const fed_window *w = &call->node->window;
    if (call->g[1])
        fed_matrix_sum_rows(call->batch * w->out_h * w->out_w, w->out_c, call->dy,
                            call->g[1], call->accumulate);
    if (call->node->n[DEPTHWISE])
        fed_depthwise_backward(call);
    else if (call->node->n[POINTWISE])
        pointwise_backward(call);
    else
        tiled_backward(call);
}
