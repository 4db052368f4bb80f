/*
 * Building a graph: every layer is checked and its shape inferred at once, so an error names
 * the layer that is wrong and not one that suffers from it.
 */
#include "graph.h"

#include <math.h>
#include <stdio.h>

#include "graph_parts.h"
#include "ops/table.h"

extern const fed_op_row *const fed_op_rows_scalar[];

static const fed_op_row *find_row(const char *name)
{
    for (size_t i = 0; fed_op_rows_scalar[i]; i++)
        if (strcmp(fed_op_rows_scalar[i]->op.name, name) == 0)
            return fed_op_rows_scalar[i];
    return NULL;
}

static fed_status check_shape(const char *what, const fed_shape *shape, fed_error *err)
{
    if (shape->rank < 1 || shape->rank > FED_RANK_MAX)
        return fed_fail(err, FED_E_INVALID, "%s: %zu dimensions, 1 to %d are allowed",
                        what, shape->rank, FED_RANK_MAX);
    size_t count = fed_shape_count(shape);
    if (count < 1 || count > FED_ELEMENTS_MAX)
        return fed_fail(err, FED_E_INVALID, "%s: %zu elements, 1 to %zu are allowed",
                        what, count, FED_ELEMENTS_MAX);
    return FED_OK;
}

fed_status fed_graph_new(fed_graph **out, const fed_input *input, fed_error *err)
{
    FED_TRY(check_shape("input.shape", &input->shape, err));
    if (!isfinite(input->scale))
        return fed_fail(err, FED_E_INVALID, "input.scale: %g is no finite number",
                        (double)input->scale);
    fed_graph *graph = fed_calloc(1, sizeof *graph);
    if (!graph) return fed_fail_nomem(err, sizeof *graph);
    graph->nodes = fed_calloc(8, sizeof *graph->nodes);
    if (!graph->nodes) {
        fed_free(graph);
        return fed_fail_nomem(err, 8 * sizeof *graph->nodes);
    }
    graph->cap_nodes = 8;
    graph->n_nodes = 1;
    graph->input = *input;
    if (graph->input.scale == 0) graph->input.scale = 1;
    graph->nodes[0].shape = input->shape;
    *out = graph;
    return FED_OK;
}

void fed_graph_free(fed_graph *graph)
{
    if (!graph) return;
    fed_free(graph->nodes);
    fed_free(graph->layers);
    fed_free(graph);
}

size_t fed_graph_layer_count(const fed_graph *graph)
{
    return graph->n_layers;
}

fed_shape fed_graph_output_shape(const fed_graph *graph)
{
    return graph->nodes[graph->n_nodes - 1].shape;
}

static const fed_layer *find_layer(const fed_graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_layers; i++)
        if (strcmp(graph->layers[i].name, name) == 0) return &graph->layers[i];
    return NULL;
}

/* Room for two more nodes and one more layer, before anything is changed. */
static fed_status reserve(fed_graph *graph, fed_error *err)
{
    if (graph->n_layers >= FED_LAYERS_MAX)
        return fed_fail(err, FED_E_LIMIT, "more than %d layers", FED_LAYERS_MAX);
    if (graph->n_nodes + 2 > graph->cap_nodes) {
        size_t cap = 2 * graph->cap_nodes;
        void *grown = fed_realloc(graph->nodes, cap, sizeof *graph->nodes);
        if (!grown) return fed_fail_nomem(err, cap * sizeof *graph->nodes);
        graph->nodes = grown, graph->cap_nodes = cap;
    }
    if (graph->n_layers == graph->cap_layers) {
        size_t cap = graph->cap_layers ? 2 * graph->cap_layers : 8;
        void *grown = fed_realloc(graph->layers, cap, sizeof *graph->layers);
        if (!grown) return fed_fail_nomem(err, cap * sizeof *graph->layers);
        graph->layers = grown, graph->cap_layers = cap;
    }
    return FED_OK;
}

static fed_status name_layer(const fed_graph *graph, fed_layer *layer, const char *name,
                             fed_error *err)
{
    if (!name) {
        snprintf(layer->name, sizeof layer->name, "%s%zu", layer->op, graph->n_layers);
    } else {
        size_t n = strlen(name);
        if (n < 1 || n >= sizeof layer->name)
            return fed_fail(err, FED_E_INVALID,
                            "name: %zu characters, 1 to %zu are allowed", n,
                            sizeof layer->name - 1);
        memcpy(layer->name, name, n + 1);
    }
    if (strcmp(layer->name, "input") == 0 || find_layer(graph, layer->name))
        return fed_fail(err, FED_E_EXISTS, "name: \"%s\" is used before", layer->name);
    return FED_OK;
}

static fed_status connect(const fed_graph *graph, fed_node *node,
                          const char *const *inputs, size_t n, fed_error *err)
{
    const fed_op *op = &node->row->op;
    node->n_inputs = n ? n : 1;
    if (node->n_inputs < op->min_inputs || node->n_inputs > op->max_inputs)
        return fed_fail(err, FED_E_INVALID, "from: %zu inputs, %zu to %zu are allowed",
                        node->n_inputs, op->min_inputs, op->max_inputs);
    node->inputs[0] = graph->n_nodes - 1;
    for (size_t i = 0; i < n; i++) {
        const fed_layer *from = find_layer(graph, inputs[i]);
        if (!from && strcmp(inputs[i], "input") != 0)
            return fed_fail(err, FED_E_NOT_FOUND,
                            "from: no layer before it is named \"%s\"", inputs[i]);
        node->inputs[i] = from ? from->last : 0;
    }
    bool tokens = graph->input.kind == FED_INPUT_TOKENS;
    for (size_t i = 0; i < node->n_inputs; i++) {
        bool reads_tokens = tokens && node->inputs[i] == 0;
        if (reads_tokens && !(node->row->flags & FED_TAKES_TOKENS))
            return fed_fail(err, FED_E_INVALID,
                            "input: tokens must pass an embedding first");
        if (!reads_tokens && (node->row->flags & FED_TAKES_TOKENS))
            return fed_fail(err, FED_E_INVALID,
                            "input: only a token input can be embedded");
    }
    return FED_OK;
}

/* Run the shape rule and check what it gave. */
static fed_status infer(const fed_graph *graph, fed_node *node, fed_error *err)
{
    fed_shape in[FED_INPUTS_MAX];
    for (size_t i = 0; i < node->n_inputs; i++)
        in[i] = graph->nodes[node->inputs[i]].shape;
    FED_TRY(node->row->infer(node, in, err));
    FED_TRY(check_shape("output", &node->shape, err));
    for (size_t i = 0; i < node->n_params; i++)
        FED_TRY(check_shape(node->params[i].name, &node->params[i].shape, err));
    return FED_OK;
}

static size_t count_params(const fed_node *node)
{
    size_t n = 0;
    for (size_t i = 0; i < node->n_params; i++)
        n += fed_shape_count(&node->params[i].shape);
    return n;
}

/* The `activation` attribute becomes a node of its own behind the layer's. */
static fed_status append_activation(fed_graph *graph, fed_layer *layer, fed_error *err)
{
    const fed_node *before = &graph->nodes[layer->first];
    for (size_t a = 0; a < before->row->op.n_attrs; a++) {
        if (strcmp(before->row->op.attrs[a].name, "activation") != 0 ||
            fed_attr_is(before, a, "none"))
            continue;
        fed_node node = {.row = find_row(before->attrs[a].text), .n_inputs = 1};
        node.layer = graph->n_layers;
        node.inputs[0] = layer->first;
        FED_TRY(fed_op_resolve(&node.row->op, NULL, 0, node.attrs, err));
        FED_TRY(infer(graph, &node, err));
        layer->last = graph->n_nodes;
        graph->nodes[graph->n_nodes++] = node;
    }
    return FED_OK;
}

static fed_status add_layer(fed_graph *graph, fed_layer *layer, fed_node *node,
                            const char *const *inputs, size_t n_inputs, fed_error *err)
{
    FED_TRY(connect(graph, node, inputs, n_inputs, err));
    FED_TRY(infer(graph, node, err));
    size_t params = count_params(node);
    if (params > FED_ELEMENTS_MAX - graph->n_params)
        return fed_fail(err, FED_E_LIMIT, "%zu parameters more: above %zu in all", params,
                        FED_ELEMENTS_MAX);
    node->layer = graph->n_layers;
    layer->first = layer->last = graph->n_nodes;
    graph->nodes[graph->n_nodes++] = *node;
    fed_status status = append_activation(graph, layer, err);
    if (status != FED_OK) {
        graph->n_nodes = layer->first;
        return status;
    }
    graph->n_params += params;
    graph->layers[graph->n_layers++] = *layer;
    return FED_OK;
}

fed_status fed_graph_add_layer(fed_graph *graph, const char *op,
                               const fed_attr_value *attrs, size_t n_attrs,
                               const char *const *inputs, size_t n_inputs,
                               const char *name, fed_error *err)
{
    fed_node node = {.row = find_row(op)};
    fed_layer layer = {.op = op};
    if (!node.row || node.row->op.kind != FED_OP_LAYER)
        return fed_fail(err, FED_E_NOT_FOUND, "layer %zu: op: no layer is called \"%s\"",
                        graph->n_layers, op);
    layer.op = node.row->op.name;
    fed_status status = FED_OK;
    if (n_inputs > FED_INPUTS_MAX)
        status = fed_fail(err, FED_E_LIMIT, "from: %zu inputs, at most %d are allowed",
                          n_inputs, FED_INPUTS_MAX);
    if (status == FED_OK) status = reserve(graph, err);
    if (status == FED_OK) status = name_layer(graph, &layer, name, err);
    if (status == FED_OK)
        status = fed_op_resolve(&node.row->op, attrs, n_attrs, node.attrs, err);
    if (status == FED_OK) status = add_layer(graph, &layer, &node, inputs, n_inputs, err);
    if (status != FED_OK)
        fed_fail_in(err, status, "layer %zu (%s \"%s\")", graph->n_layers, layer.op,
                    name ? name : layer.name);
    return status;
}

fed_status fed_graph_set_loss(fed_graph *graph, const char *op,
                              const fed_attr_value *attrs, size_t n_attrs, fed_error *err)
{
    fed_node node = {.row = find_row(op)};
    if (!node.row || node.row->op.kind != FED_OP_LOSS)
        return fed_fail(err, FED_E_NOT_FOUND, "loss: none is called \"%s\"", op);
    fed_status status = fed_op_resolve(&node.row->op, attrs, n_attrs, node.attrs, err);
    if (status != FED_OK) return fed_fail_in(err, status, "loss (%s)", op);
    graph->loss = node;
    return FED_OK;
}

fed_status fed_graph_freeze(fed_graph *graph, const char *layer, fed_error *err)
{
    const fed_layer *found = find_layer(graph, layer);
    if (!found)
        return fed_fail(err, FED_E_NOT_FOUND, "freeze: no layer is named \"%s\"", layer);
    for (size_t i = found->first; i <= found->last; i++)
        graph->nodes[i].frozen = true;
    return FED_OK;
}
