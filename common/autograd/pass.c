/* One piece of a batch through the kernels, forward and backward. */
#include "runner_parts.h"

static float *place(const fed_runner *run, size_t offset)
{
    return offset == FED_NOWHERE ? NULL : run->activations + offset;
}

/* The input of the graph: the caller's rows, or their scaled copy. */
static const float *value_of(const fed_piece *piece, size_t node)
{
    const fed_program *p = piece->run->program;
    size_t at = p->slots[node].value;
    if (at != FED_NOWHERE) return piece->run->activations + at;
    if (p->input.kind == FED_INPUT_TOKENS) return NULL;
    return piece->batch->features + piece->from * fed_shape_count(&p->input.shape);
}

static fed_call prepare(const fed_piece *piece, size_t i)
{
    const fed_program *p = piece->run->program;
    const fed_node *node = &p->nodes[i];
    fed_call call = {.node = node,
                     .batch = piece->count,
                     .train = piece->train,
                     .accumulate = piece->accumulate,
                     .relu = p->facts[i].applies_relu,
                     .scratch = piece->run->scratch,
                     .stream = piece->dropout};
    if (node->row->flags & FED_TAKES_TOKENS)
        call.tokens =
            piece->batch->tokens + piece->from * fed_shape_count(&p->input.shape);
    for (size_t k = 0; k < node->n_inputs; k++)
        call.x[k] = value_of(piece, node->inputs[k]);
    for (size_t k = 0; k < node->n_params; k++)
        call.p[k] = piece->params + node->params[k].offset;
    for (size_t k = 0; k < node->n_saved; k++)
        call.saved[k] = place(piece->run, p->slots[i].saved[k]);
    call.y = place(piece->run, p->slots[i].value);
    call.work = place(piece->run, p->slots[i].forward_work);
    return call;
}

void fed_piece_forward(const fed_piece *piece)
{
    const fed_program *p = piece->run->program;
    if (p->slots[0].value != FED_NOWHERE) {
        size_t each = fed_shape_count(&p->input.shape);
        p->path->scale(piece->count * each, p->input.scale,
                       piece->batch->features + piece->from * each,
                       place(piece->run, p->slots[0].value));
    }
    for (size_t i = 1; i < p->n_nodes; i++) {
        if (p->facts[i].skips_forward) continue;
        fed_call call = prepare(piece, i);
        p->nodes[i].row->forward(&call);
    }
}

const float *fed_piece_output(const fed_piece *piece)
{
    return value_of(piece, piece->run->program->n_nodes - 1);
}

void fed_piece_loss(const fed_piece *piece, bool want_gradient, double scale,
                    fed_loss_call *out)
{
    const fed_program *p = piece->run->program;
    const fed_batch *batch = piece->batch;
    size_t rows = fed_program_rows(p), each = fed_shape_count(&p->output);
    *out = (fed_loss_call){.node = &p->loss,
                           .batch = piece->count,
                           .rows = rows,
                           .width = each / rows,
                           .scale = scale,
                           .y = fed_piece_output(piece)};
    if (batch->classes) out->classes = batch->classes + piece->from * rows;
    if (batch->values) out->values = batch->values + piece->from * each;
    if (want_gradient) out->dy = place(piece->run, p->slots[p->n_nodes - 1].grad);
    p->loss.row->loss(out);
}

static void call_backward(const fed_piece *piece, size_t i)
{
    const fed_program *p = piece->run->program;
    const fed_node *node = &p->nodes[i];
    const fed_slot *slot = &p->slots[i];
    fed_call call = prepare(piece, i);
    call.work = place(piece->run, slot->backward_work);
    call.dy = place(piece->run, slot->grad);
    for (size_t k = 0; k < node->n_params; k++)
        if (!node->frozen && !node->params[k].statistic)
            call.g[k] = piece->gradient + node->params[k].offset;
    if (piece->step && fed_node_takes_step(node, piece->count)) {
        call.step = piece->step;
        call.g[0] = piece->moving + node->params[0].offset;
    }
    for (size_t k = 0; k < node->n_inputs; k++) {
        if (!p->facts[node->inputs[k]].needs_grad) continue;
        bool adds = p->facts[i].adds >> k & 1;
        call.dx[k] =
            place(piece->run, adds ? slot->spill[k] : p->slots[node->inputs[k]].grad);
    }
    node->row->backward(&call);
    for (size_t k = 0; k < node->n_inputs; k++)
        if (p->facts[i].adds >> k & 1)
            p->path->add(piece->count * fed_shape_count(&p->nodes[node->inputs[k]].shape),
                         call.dx[k], place(piece->run, p->slots[node->inputs[k]].grad));
}

void fed_piece_backward(const fed_piece *piece)
{
    const fed_program *p = piece->run->program;
    for (size_t i = p->n_nodes - 1; i > 0; i--)
        if (p->facts[i].needs_grad && !p->facts[i].view) call_backward(piece, i);
}

void fed_piece_after(const fed_piece *piece, float *params)
{
    const fed_program *p = piece->run->program;
    for (size_t i = 1; i < p->n_nodes; i++) {
        const fed_node *node = &p->nodes[i];
        if (!node->row->after || node->frozen) continue;
        float *places[FED_PARAMS_MAX] = {NULL};
        for (size_t k = 0; k < node->n_params; k++)
            places[k] = params + node->params[k].offset;
        fed_call call = prepare(piece, i);
        node->row->after(&call, places);
    }
}
