/*
 * When each buffer is alive, and so where it lies. Node i runs forward at time i, the loss at
 * time n, node i backward at time 2n - i. Sizes are in units of 16 floats (64 bytes), so
 * that every buffer starts on a cache line.
 */
#include "memory_plan.h"
#include "program_parts.h"

enum { UNIT = 16 };

typedef struct fed_layout {
    fed_program *p;
    size_t batch, n;
    fed_lifetime *lives;
    size_t **targets; /* where each offset goes */
} fed_layout;

static size_t backward_time(const fed_program *p, size_t node)
{
    return 2 * p->n_nodes - node;
}

static void add(fed_layout *l, size_t floats, size_t first, size_t last, size_t *target)
{
    *target = FED_NOWHERE;
    if (!floats) return;
    l->lives[l->n] = (fed_lifetime){(floats + UNIT - 1) / UNIT, first, last, 0};
    l->targets[l->n++] = target;
}

static size_t room(const fed_layout *l, fed_room_size size)
{
    return size.each * l->batch + size.fixed;
}

/* The last time at which the memory of value `root` is read. */
static size_t last_read(const fed_program *p, size_t root)
{
    size_t last = root;
    for (size_t i = root; i < p->n_nodes; i++) {
        const fed_fact *fact = &p->facts[i];
        if (fact->value_root == root) {
            if (i > last) last = i;
            if (i + 1 == p->n_nodes && last < p->n_nodes) last = p->n_nodes;
            if (fact->needs_grad && p->nodes[i].needs_y && last < backward_time(p, i))
                last = backward_time(p, i);
        }
        for (size_t k = 0; k < p->nodes[i].n_inputs; k++) {
            if (p->facts[p->nodes[i].inputs[k]].value_root != root) continue;
            if (i > last) last = i;
            bool again = fact->needs_grad && p->nodes[i].needs_x >> k & 1;
            if (again && last < backward_time(p, i)) last = backward_time(p, i);
        }
    }
    return last;
}

/* The first time at which the gradient of `root` is written. */
static size_t first_gradient(const fed_program *p, size_t root)
{
    if (p->facts[p->n_nodes - 1].grad_root == root) return p->n_nodes;
    for (size_t i = p->n_nodes - 1; i > root; i--)
        for (size_t k = 0; k < p->nodes[i].n_inputs; k++)
            if (p->facts[i].needs_grad && !p->facts[i].view &&
                p->facts[p->nodes[i].inputs[k]].grad_root == root)
                return backward_time(p, i);
    return backward_time(p, root);
}

static void add_node(fed_layout *l, size_t i)
{
    fed_program *p = l->p;
    const fed_node *node = &p->nodes[i];
    const fed_fact *fact = &p->facts[i];
    fed_slot *slot = &p->slots[i];
    size_t floats = fed_shape_count(&node->shape) * l->batch, back = backward_time(p, i);
    bool borrowed = i == 0 && (p->input.scale == 1 || p->input.kind == FED_INPUT_TOKENS);
    slot->value = slot->grad = FED_NOWHERE;
    if (fact->value_root == i && !borrowed)
        add(l, floats, i, last_read(p, i), &slot->value);
    if (fact->grad_root == i && fact->needs_grad)
        add(l, floats, first_gradient(p, i), back, &slot->grad);
    for (size_t s = 0; s < FED_SAVED_MAX; s++) {
        fed_room_size size = s < node->n_saved ? node->saved[s] : (fed_room_size){0, 0};
        add(l, fact->view ? 0 : room(l, size), i, fact->needs_grad ? back : i,
            &slot->saved[s]);
    }
    add(l, room(l, node->forward_work), i, i, &slot->forward_work);
    add(l, fact->needs_grad ? room(l, node->backward_work) : 0, back, back,
        &slot->backward_work);
    for (size_t k = 0; k < FED_INPUTS_MAX; k++) {
        bool spills = k < node->n_inputs && fact->adds >> k & 1;
        const fed_node *from = &p->nodes[node->inputs[k]];
        add(l, spills ? fed_shape_count(&from->shape) * l->batch : 0, back, back,
            &slot->spill[k]);
    }
}

static void resolve(fed_layout *l, size_t *order)
{
    fed_program *p = l->p;
    size_t units;
    fed_memory_plan(l->lives, l->n, order, &units);
    for (size_t i = 0; i < l->n; i++)
        *l->targets[i] = l->lives[i].offset * UNIT;
    for (size_t i = 1; i < p->n_nodes; i++) {
        p->slots[i].value = p->slots[p->facts[i].value_root].value;
        p->slots[i].grad = p->slots[p->facts[i].grad_root].grad;
    }
    p->activation_floats = units * UNIT;
    p->micro_batch = l->batch;
}

fed_status fed_program_lay_out(fed_program *program, size_t batch, fed_error *err)
{
    enum { PER_NODE = 4 + FED_SAVED_MAX + FED_INPUTS_MAX };
    size_t most = program->n_nodes * PER_NODE;
    fed_layout layout = {.p = program, .batch = batch};
    fed_status status = FED_OK;
    size_t *order = fed_calloc(most, sizeof *order);
    layout.lives = fed_calloc(most, sizeof *layout.lives);
    layout.targets = fed_calloc(most, sizeof *layout.targets);
    if (!order || !layout.lives || !layout.targets) {
        status = fed_fail_nomem(err, most * sizeof *layout.lives);
        goto out;
    }
    for (size_t i = 0; i < program->n_nodes; i++)
        add_node(&layout, i);
    resolve(&layout, order);
out:
    fed_free(layout.targets);
    fed_free(layout.lives);
    fed_free(order);
    return status;
}
