/* The plan's layers as a graph. Each attribute of a layer was checked by the plan room
 * against the operator table; here the shapes are. */
#include "task_internal.h"

static fed_status add_layer(fed_graph *graph, const fed_plan *plan, size_t index,
                            fed_error *err)
{
    const fed_plan_layer *layer = &plan->model.layers[index];
    const char *inputs[FED_INPUTS_MAX];
    for (size_t i = 0; i < layer->n_from; i++)
        inputs[i] = fed_plan_from_name(&plan->model, layer, i);
    return fed_graph_add_layer(graph, layer->op.op->name, layer->op.attrs,
                               layer->op.n_attrs, inputs, layer->n_from, layer->name,
                               err);
}

fed_status fed_task_build_graph(const fed_plan *plan, fed_graph **out, fed_error *err)
{
    fed_graph *graph = NULL;
    const fed_plan_op *loss = &plan->model.loss;
    fed_input input = {.shape = plan->model.input.shape,
                       .kind = plan->model.input.type,
                       .scale = (float)plan->model.input.scale};
    fed_status status = fed_graph_new(&graph, &input, err);
    for (size_t i = 0; status == FED_OK && i < plan->model.n_layers; i++)
        status = add_layer(graph, plan, i, err);
    if (status == FED_OK)
        status =
            fed_graph_set_loss(graph, loss->op->name, loss->attrs, loss->n_attrs, err);
    for (size_t i = 0; status == FED_OK && i < plan->train.freeze.n; i++)
        status = fed_graph_freeze(graph, plan->train.freeze.items[i], err);
    if (status != FED_OK) {
        fed_graph_free(graph);
        return fed_fail_in(err, status, "model");
    }
    *out = graph;
    return FED_OK;
}
