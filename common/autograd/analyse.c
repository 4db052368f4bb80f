/*
 * What the compiler finds out about each node before it places any buffer: who needs a
 * gradient, which outputs may lie in their input's memory, what fuses.
 */
#include "program_parts.h"

static bool is_view(const fed_program *p, const fed_node *node)
{
    if (!node->row) return false;
    if (node->row->flags & FED_VIEW) return true;
    return node->row->flags & FED_TRAIN_ONLY && !fed_program_trains(p);
}

static void count_consumers(fed_program *p)
{
    for (size_t i = 1; i < p->n_nodes; i++)
        for (size_t k = 0; k < p->nodes[i].n_inputs; k++)
            p->facts[p->nodes[i].inputs[k]].consumers++;
    p->facts[p->n_nodes - 1].consumers++; /* the loss, or whoever asks for the output */
}

static bool has_trainable(const fed_node *node)
{
    for (size_t i = 0; i < node->n_params; i++)
        if (!node->params[i].statistic && !node->frozen) return true;
    return false;
}

/* A gradient is needed where a parameter lies at or before the node. */
static void spread_need(fed_program *p)
{
    if (!fed_program_trains(p)) return;
    p->facts[0].needs_grad =
        p->options.input_gradient && p->input.kind == FED_INPUT_FEATURES;
    for (size_t i = 1; i < p->n_nodes; i++) {
        fed_fact *fact = &p->facts[i];
        fact->needs_grad = has_trainable(&p->nodes[i]);
        for (size_t k = 0; k < p->nodes[i].n_inputs; k++)
            fact->needs_grad |= p->facts[p->nodes[i].inputs[k]].needs_grad;
    }
}

/* May the value of node j be overwritten by its only consumer? Not when backward reads it,
 * here or anywhere along the chain of nodes that share its memory. */
static bool value_is_free(const fed_program *p, size_t j)
{
    for (;;) {
        const fed_fact *fact = &p->facts[j];
        if (j == 0 || fact->consumers != 1) return false;
        if (fact->needs_grad && p->nodes[j].needs_y) return false;
        if (fact->value_root == j) return true;
        j = p->nodes[j].inputs[0];
    }
}

/* Is node j's gradient wanted and, with all views of it, fed by one consumer alone? */
static bool grad_is_free(const fed_program *p, size_t j)
{
    if (!p->facts[j].needs_grad) return false;
    while (p->facts[j].consumers == 1 && p->facts[j].view)
        j = p->nodes[j].inputs[0];
    return p->facts[j].consumers == 1;
}

static void share_memory(fed_program *p)
{
    for (size_t i = 0; i < p->n_nodes; i++) {
        const fed_node *node = &p->nodes[i];
        fed_fact *fact = &p->facts[i];
        fact->value_root = fact->grad_root = i;
        if (i == 0) continue;
        size_t from = node->inputs[0];
        fact->view = is_view(p, node);
        bool in_place = node->row->flags & FED_IN_PLACE;
        bool reads_x = fact->needs_grad && node->needs_x & 1;
        if (fact->view || (in_place && !reads_x && value_is_free(p, from)))
            fact->value_root = p->facts[from].value_root;
        if (fact->view || (in_place && grad_is_free(p, from)))
            fact->grad_root = p->facts[from].grad_root;
        fact->skips_forward = fact->view;
    }
}

/* A rectifier right behind a product is applied while the product is stored. */
static void fuse_rectifiers(fed_program *p)
{
    for (size_t i = 1; i < p->n_nodes; i++) {
        size_t from = p->nodes[i].inputs[0];
        if (strcmp(p->nodes[i].row->op.name, "relu") != 0 || from == 0 ||
            p->facts[i].value_root != from ||
            !(p->nodes[from].row->flags & FED_TAKES_RELU))
            continue;
        p->facts[from].applies_relu = true;
        p->facts[i].skips_forward = true;
    }
}

/* In the order of the backward pass: the first to write a gradient overwrites, others add. */
static void mark_additions(fed_program *p)
{
    p->slots[p->facts[p->n_nodes - 1].grad_root].grad = 0; /* "written", by the loss */
    for (size_t i = p->n_nodes - 1; i > 0; i--) {
        fed_fact *fact = &p->facts[i];
        if (!fact->needs_grad || fact->view) continue;
        for (size_t k = 0; k < p->nodes[i].n_inputs; k++) {
            const fed_fact *from = &p->facts[p->nodes[i].inputs[k]];
            if (!from->needs_grad || from->grad_root == fact->grad_root) continue;
            if (p->slots[from->grad_root].grad != FED_NOWHERE) fact->adds |= 1u << k;
            p->slots[from->grad_root].grad = 0;
        }
    }
}

void fed_program_analyse(fed_program *p)
{
    for (size_t i = 0; i < p->n_nodes; i++)
        p->slots[i].grad = FED_NOWHERE;
    count_consumers(p);
    spread_need(p);
    share_memory(p);
    fuse_rectifiers(p);
    mark_additions(p);
}
