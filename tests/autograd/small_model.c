#include "small_model.h"

fed_status make_small_model(small_model *m, const fed_compile_options *options,
                            const fed_optimizer_config *config, fed_error *err)
{
    uint8_t key[32];
    fed_stream weights;
    FED_TRY(fed_graph_new(&m->graph, &m->input, err));
    FED_TRY(build_layers(m->graph, m->layers, err));
    FED_TRY(fed_graph_set_loss(m->graph, m->loss ? m->loss : "softmax_cross_entropy",
                               NULL, 0, err));
    if (m->freeze) FED_TRY(fed_graph_freeze(m->graph, m->freeze, err));
    FED_TRY(fed_program_compile(&m->program, m->graph, options, err));
    FED_TRY(fed_runner_new(&m->runner, m->program, err));
    FED_TRY(fed_optimizer_new(&m->optimizer, m->program, config, err));
    m->params = fed_malloc(small_model_bytes(m));
    if (!m->params) return fed_fail_nomem(err, small_model_bytes(m));
    fed_seed_from_u64(key, 5);
    fed_stream_init(&weights, key, FED_PURPOSE_WEIGHTS, 0);
    fed_stream_init(&m->dropout, key, FED_PURPOSE_DROPOUT, 0);
    fed_program_init_params(m->program, &weights, m->params);
    return FED_OK;
}

void free_small_model(small_model *m)
{
    fed_free(m->params);
    fed_optimizer_free(m->optimizer);
    fed_runner_free(m->runner);
    fed_program_free(m->program);
    fed_graph_free(m->graph);
    m->params = NULL, m->optimizer = NULL, m->runner = NULL;
    m->program = NULL, m->graph = NULL;
}

fed_status small_model_step(small_model *m, const fed_batch *batch, double *loss,
                            fed_error *err)
{
    return fed_runner_step(m->runner, m->optimizer, m->params, batch, &m->dropout, loss,
                           err);
}

size_t small_model_bytes(const small_model *m)
{
    return fed_program_param_count(m->program) * sizeof(float);
}

float test_noise(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 8388608.0f - 1;
}
