/* A graph compiled for a batch size: a list of kernel calls and a memory plan. */
#ifndef FED_PROGRAM_H
#define FED_PROGRAM_H

#include "graph.h"

typedef enum fed_mode {
    FED_MODE_TRAIN, /* forward and backward; can also infer and evaluate */
    FED_MODE_INFER  /* forward only, in much less memory; can also evaluate */
} fed_mode;

typedef struct fed_compile_options {
    size_t max_batch; /* examples in memory at once; at least 1 */
    fed_mode mode;
    size_t memory_cap; /* bytes that a run may take; 0: no cap. When the batch does not
                            fit it is cut into micro-batches whose gradients are summed */
    bool
        input_gradient; /* also the gradient of the input, see fed_runner_input_gradient() */
    bool per_example; /* room for fed_runner_gradient_per_example() */
    const char
        *kernel; /* "scalar", "neon", "avx2", "avx512"; NULL: fed_kernel_active() */
} fed_compile_options;

/** A named piece of the flat parameter vector (and of the gradient). */
typedef struct fed_param_view {
    const char *name; /* "<layer>.<parameter>", for example "hidden.weight" */
    fed_shape shape;
    size_t offset, count; /* in floats */
    size_t layer;
    bool trainable; /* false: frozen, or statistics that no gradient changes */
} fed_param_view;

/** What a layer costs. */
typedef struct fed_layer_report {
    const char *name, *op;
    fed_shape shape; /* of one example's output */
    size_t params;   /* floats, statistics included */
    double flops;    /* forward, one example; backward costs about twice as much */
    size_t activation_bytes; /* of one example's output */
} fed_layer_report;

/** Where the bytes of a run go. `total` is exact: it is what fed_runner_init() asks for. */
typedef struct fed_memory_report {
    size_t total;       /* everything below */
    size_t fixed;       /* the run itself, and scratch space of the matrix product */
    size_t gradient;    /* the flat gradient (twice when per_example) */
    size_t activations; /* activations, their gradients and workspaces, by liveness */
    size_t micro_batch; /* examples that are in memory at once */
} fed_memory_report;

/** Immutable once compiled; any number of threads may make runs of it and use them. */
typedef struct fed_program fed_program;

/**
 * Compile. The graph is copied and may be freed. Training needs a loss. FED_E_INVALID for
 * bad options or an empty graph, FED_E_UNSUPPORTED for a kernel this machine lacks or a layer
 * that cannot be used as asked, FED_E_LIMIT when not even one example fits under the cap.
 */
FED_MUST_CHECK fed_status fed_program_compile(fed_program **out, const fed_graph *graph,
                                              const fed_compile_options *options,
                                              fed_error *err);
void fed_program_free(fed_program *program);

fed_memory_report fed_program_memory(const fed_program *program);
const char *fed_program_kernel(const fed_program *program);
fed_shape fed_program_output_shape(const fed_program *program);
fed_shape fed_program_input_shape(const fed_program *program);

size_t fed_program_layer_count(const fed_program *program);
/** Names live as long as the program. `index` must be below the count. */
fed_layer_report fed_program_layer(const fed_program *program, size_t index);

/** The length of the flat parameter vector, in floats. */
size_t fed_program_param_count(const fed_program *program);
size_t fed_program_view_count(const fed_program *program);
const fed_param_view *fed_program_view(const fed_program *program, size_t index);
const fed_param_view *fed_program_find_view(const fed_program *program, const char *name);

/**
 * Initial parameters: uniform, scaled by fan-in and fan-out (Glorot, Bengio 2010; He et al.
 * 2015 in front of a rectifier), biases 0, scales 1. Uses multiplication and square roots
 * only, so that the bits agree on every machine. `params` holds fed_program_param_count().
 */
void fed_program_init_params(const fed_program *program, fed_stream *stream,
                             float *params);

#endif
