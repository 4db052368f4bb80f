/* From a graph to a program: copy, analyse, lay out, and shrink until the cap holds. */
#include <stdio.h>

#include "kernels/gemm.h"
#include "ops/table.h"
#include "program_parts.h"
#include "runner_parts.h"

extern const fed_op_row *const fed_op_rows_scalar[];

static fed_status choose_path(fed_program *p, fed_error *err)
{
    fed_kernel kernel = fed_kernel_active();
    const char *name = p->options.kernel;
    for (int k = 0; name && k <= FED_KERNEL_AVX512; k++)
        if (strcmp(name, fed_kernel_name((fed_kernel)k)) == 0) {
            kernel = (fed_kernel)k;
            name = NULL;
        }
    p->path = name ? NULL : fed_path_find(kernel);
    if (!p->path)
        return fed_fail(err, FED_E_UNSUPPORTED, "kernel: \"%s\" does not run here",
                        name ? name : fed_kernel_name(kernel));
    p->options.kernel = fed_kernel_name(kernel);
    return FED_OK;
}

static const fed_op_row *row_on_path(const fed_path *path, const fed_op_row *row)
{
    size_t i = 0;
    while (fed_op_rows_scalar[i] != row)
        i++;
    return path->rows[i];
}

static fed_status check_options(const fed_graph *graph, const fed_compile_options *o,
                                fed_error *err)
{
    if (o->max_batch < 1 || o->max_batch > 1 << 20)
        return fed_fail(err, FED_E_INVALID, "max_batch: %zu is outside 1 to %d",
                        o->max_batch, 1 << 20);
    if (!graph->n_layers) return fed_fail(err, FED_E_INVALID, "layers: there are none");
    if (o->mode == FED_MODE_TRAIN && !graph->loss.row)
        return fed_fail(err, FED_E_INVALID, "loss: training needs one");
    if (o->mode == FED_MODE_INFER && (o->input_gradient || o->per_example))
        return fed_fail(err, FED_E_INVALID, "mode: inference has no gradients");
    return FED_OK;
}

static fed_status copy_graph(fed_program *p, const fed_graph *graph, fed_error *err)
{
    p->n_nodes = graph->n_nodes, p->n_layers = graph->n_layers;
    p->input = graph->input, p->loss = graph->loss;
    p->output = fed_graph_output_shape(graph);
    size_t views = p->n_nodes * FED_PARAMS_MAX;
    p->nodes = fed_calloc(p->n_nodes, sizeof *p->nodes);
    p->facts = fed_calloc(p->n_nodes, sizeof *p->facts);
    p->slots = fed_calloc(p->n_nodes, sizeof *p->slots);
    p->layers = fed_calloc(p->n_layers, sizeof *p->layers);
    p->views = fed_calloc(views, sizeof *p->views);
    p->view_names = fed_calloc(views, sizeof *p->view_names);
    p->trainable = fed_calloc(views, sizeof *p->trainable);
    if (!p->nodes || !p->facts || !p->slots || !p->layers || !p->views ||
        !p->view_names || !p->trainable)
        return fed_fail_nomem(err, p->n_nodes * sizeof *p->nodes);
    memcpy(p->nodes, graph->nodes, p->n_nodes * sizeof *p->nodes);
    memcpy(p->layers, graph->layers, p->n_layers * sizeof *p->layers);
    for (size_t i = 1; i < p->n_nodes; i++)
        p->nodes[i].row = row_on_path(p->path, p->nodes[i].row);
    if (p->loss.row) p->loss.row = row_on_path(p->path, p->loss.row);
    return FED_OK;
}

static void add_trainable(fed_program *p, size_t from, size_t count)
{
    fed_range *last = p->n_trainable ? &p->trainable[p->n_trainable - 1] : NULL;
    if (last && last->to == from)
        last->to += count;
    else
        p->trainable[p->n_trainable++] = (fed_range){from, from + count};
}

static void add_views(fed_program *p, fed_node *node)
{
    for (size_t k = 0; k < node->n_params; k++) {
        fed_param *param = &node->params[k];
        char *name = p->view_names[p->n_views];
        fed_param_view *view = &p->views[p->n_views++];
        param->offset = p->n_params;
        snprintf(name, sizeof *p->view_names, "%s.%s", p->layers[node->layer].name,
                 param->name);
        *view = (fed_param_view){name,        param->shape,
                                 p->n_params, fed_shape_count(&param->shape),
                                 node->layer, !node->frozen && !param->statistic};
        if (view->trainable) add_trainable(p, view->offset, view->count);
        p->n_params += view->count;
    }
}

/* A layer that nothing reads is a slip in the plan, not a wish. */
static fed_status check_nodes(fed_program *p, fed_error *err)
{
    for (size_t i = 1; i < p->n_nodes; i++) {
        fed_node *node = &p->nodes[i];
        const fed_layer *layer = &p->layers[node->layer];
        if (!p->facts[i].consumers)
            return fed_fail(err, FED_E_INVALID,
                            "layer %zu (%s \"%s\"): no layer reads its output",
                            node->layer, layer->op, layer->name);
        p->mixes_batch |= (node->row->flags & FED_MIXES_BATCH) != 0;
        p->has_dropout |= (node->row->flags & FED_TRAIN_ONLY) != 0;
        if (node->row->flags & FED_TAKES_TOKENS &&
            (!p->min_vocabulary || node->n[0] < p->min_vocabulary))
            p->min_vocabulary = node->n[0];
        if (p->options.per_example && p->mixes_batch)
            return fed_fail(err, FED_E_UNSUPPORTED,
                            "layer %zu (%s \"%s\"): per-example gradients do not exist "
                            "where examples of a batch are mixed",
                            node->layer, layer->op, layer->name);
    }
    return FED_OK;
}

static fed_status check_loss(fed_program *p, fed_error *err)
{
    if (!p->loss.row || !p->loss.row->infer) return FED_OK;
    fed_status status = p->loss.row->infer(&p->loss, &p->output, err);
    if (status != FED_OK) fed_fail_in(err, status, "loss (%s)", p->loss.row->op.name);
    return status;
}

/* The whole batch if it fits; else the fewest equal pieces that do. */
static fed_status fit(fed_program *p, fed_error *err)
{
    size_t cap = p->options.memory_cap, most = p->options.max_batch;
    for (size_t pieces = 1;; pieces++) {
        size_t batch = (most + pieces - 1) / pieces;
        FED_TRY(fed_program_lay_out(p, batch, err));
        size_t total = fed_program_memory(p).total;
        if (!cap || total <= cap) return FED_OK;
        if (batch == 1)
            return fed_fail(err, FED_E_LIMIT,
                            "memory_cap: one example takes %zu bytes, %zu are allowed",
                            total, cap);
        while (pieces < most && (most + pieces) / (pieces + 1) == batch)
            pieces++;
    }
}

fed_status fed_program_compile(fed_program **out, const fed_graph *graph,
                               const fed_compile_options *options, fed_error *err)
{
    FED_TRY(check_options(graph, options, err));
    fed_status status;
    fed_program *p = fed_calloc(1, sizeof *p);
    if (!p) return fed_fail_nomem(err, sizeof *p);
    p->options = *options;
    FED_GO(choose_path(p, err));
    FED_GO(copy_graph(p, graph, err));
    FED_GO(check_loss(p, err));
    for (size_t i = 1; i < p->n_nodes; i++)
        add_views(p, &p->nodes[i]);
    fed_program_analyse(p);
    FED_GO(check_nodes(p, err));
    FED_GO(fit(p, err));
    *out = p;
    return FED_OK;
out:
    fed_program_free(p);
    return status;
}

void fed_program_free(fed_program *p)
{
    if (!p) return;
    fed_free(p->trainable);
    fed_free(p->view_names);
    fed_free(p->views);
    fed_free(p->layers);
    fed_free(p->slots);
    fed_free(p->facts);
    fed_free(p->nodes);
    fed_free(p);
}
