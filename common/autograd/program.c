/* Asking a program: memory, layers, parameters. */
#include "program.h"

#include "program_parts.h"
#include "runner_parts.h"

fed_memory_report fed_program_memory(const fed_program *p)
{
    fed_memory_report r = {.fixed = fed_runner_fixed_bytes(),
                           .micro_batch = p->micro_batch};
    size_t vectors = !fed_program_trains(p) ? 0 : p->options.per_example ? 2 : 1;
    r.gradient = vectors * fed_runner_vector_bytes(p->n_params);
    r.activations = fed_runner_vector_bytes(p->activation_floats);
    r.total = r.fixed + r.gradient + r.activations;
    return r;
}

const char *fed_program_kernel(const fed_program *p)
{
    return p->options.kernel;
}

fed_shape fed_program_output_shape(const fed_program *p)
{
    return p->output;
}

fed_shape fed_program_input_shape(const fed_program *p)
{
    return p->input.shape;
}

size_t fed_program_layer_count(const fed_program *p)
{
    return p->n_layers;
}

fed_layer_report fed_program_layer(const fed_program *p, size_t index)
{
    const fed_layer *layer = &p->layers[index];
    fed_layer_report r = {.name = layer->name, .op = layer->op};
    for (size_t i = layer->first; i <= layer->last; i++) {
        const fed_node *node = &p->nodes[i];
        r.shape = node->shape;
        r.flops += node->flops;
        for (size_t k = 0; k < node->n_params; k++)
            r.params += fed_shape_count(&node->params[k].shape);
    }
    r.activation_bytes = fed_shape_count(&r.shape) * sizeof(float);
    return r;
}

size_t fed_program_param_count(const fed_program *p)
{
    return p->n_params;
}

size_t fed_program_view_count(const fed_program *p)
{
    return p->n_views;
}

const fed_param_view *fed_program_view(const fed_program *p, size_t index)
{
    return index < p->n_views ? &p->views[index] : NULL;
}

const fed_param_view *fed_program_find_view(const fed_program *p, const char *name)
{
    for (size_t i = 0; i < p->n_views; i++)
        if (strcmp(p->views[i].name, name) == 0) return &p->views[i];
    return NULL;
}

static void init_param(const fed_param *param, fed_stream *stream, float *to)
{
    size_t n = fed_shape_count(&param->shape);
    float bound = (float)param->bound;
    for (size_t i = 0; i < n; i++)
        switch (param->init) {
        case FED_INIT_UNIFORM:
            to[i] = bound * (2 * fed_stream_uniform(stream) - 1);
            break;
        case FED_INIT_ONE:
            to[i] = 1;
            break;
        default:
            to[i] = 0;
        }
}

void fed_program_init_params(const fed_program *p, fed_stream *stream, float *params)
{
    for (size_t i = 1; i < p->n_nodes; i++)
        for (size_t k = 0; k < p->nodes[i].n_params; k++)
            init_param(&p->nodes[i].params[k], stream,
                       params + p->nodes[i].params[k].offset);
}
