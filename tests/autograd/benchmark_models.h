/*
 * The seven models of the training benchmark and of the golden fixtures, and an eighth with
 * batch norm. The texts are for build_layers(). The PyTorch side of each
 * is in tests/golden/torch_models.py.
 */
#ifndef BENCHMARK_MODELS_H
#define BENCHMARK_MODELS_H

#include "autograd.h"

typedef struct benchmark_model {
    const char *name;
    const char *layers;
    fed_shape in;
    size_t vocabulary; /* above 0: the input is tokens */
    size_t params;
    size_t batch;        /* of the benchmark */
    size_t golden_batch; /* of the fixtures */
    fed_optimizer_config golden;
} benchmark_model;

/** Ends with a row without a name. */
extern const benchmark_model benchmark_models[];

/** Number `i` of the sequence `seed`, in [-1, 1): a hash, so that both sides of a comparison
 *  compute it in any order. */
float hash_noise(uint32_t seed, uint32_t i);
/** The same parameters that the Python side starts from. */
void fill_golden_params(const fed_program *program, float *params);
/** The inputs and classes of batch number `step`: features in [0, 1), tokens, classes. */
void fill_golden_batch(const benchmark_model *model, const fed_program *program,
                       uint32_t step, size_t count, float *features, int32_t *tokens,
                       int32_t *classes);

#endif
