/* A model with everything that belongs to it, from a line of text. */
#ifndef SMALL_MODEL_H
#define SMALL_MODEL_H

#include "autograd.h"
#include "build_layers.h"

typedef struct small_model {
    const char *layers;
    fed_input input;
    const char *freeze; /* a layer, or NULL */
    const char *loss;   /* NULL: softmax_cross_entropy */
    fed_graph *graph;
    fed_program *program;
    fed_runner *runner;
    fed_optimizer *optimizer;
    float *params; /* initial parameters of seed 5 */
    fed_stream dropout;
} small_model;

/** Make everything that is not set yet; call free_small_model() even after a failure. */
FED_MUST_CHECK fed_status make_small_model(small_model *m,
                                           const fed_compile_options *options,
                                           const fed_optimizer_config *config,
                                           fed_error *err);
void free_small_model(small_model *m);
FED_MUST_CHECK fed_status small_model_step(small_model *m, const fed_batch *batch,
                                           double *loss, fed_error *err);
/** Size of the parameters. */
size_t small_model_bytes(const small_model *m);
/** The same numbers on every machine, in [-1, 1). */
float test_noise(uint32_t *state);

#endif
