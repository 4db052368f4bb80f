/* What a program is made of, for the compiler, the run and the optimiser. */
#ifndef FED_PROGRAM_PARTS_H
#define FED_PROGRAM_PARTS_H

#include "graph_parts.h"
#include "program.h"

/** No place in the activations: the caller's memory, or not there at all. */
#define FED_NOWHERE SIZE_MAX

/** Where the buffers of a node lie, in floats from the start of the activations. */
typedef struct fed_slot {
    size_t value, grad;
    size_t saved[FED_SAVED_MAX];
    size_t forward_work, backward_work;
    size_t spill[FED_INPUTS_MAX]; /* see `adds` */
} fed_slot;

/** What the compiler found out about a node. */
typedef struct fed_fact {
    size_t value_root; /* the node whose value buffer this one uses */
    size_t grad_root;  /* the same for gradients */
    size_t consumers;
    bool needs_grad;    /* backward comes through here */
    bool skips_forward; /* a view, or a rectifier that its input applied */
    bool applies_relu;  /* hands its rectifier to the kernel, see FED_TAKES_RELU */
    bool view;
    unsigned adds; /* bit i: the gradient of input i has been written by a later node, so
                      backward goes to a spill buffer and is added */
} fed_fact;

typedef struct fed_range {
    size_t from, to;
} fed_range;

struct fed_program {
    const fed_path *path;
    fed_compile_options options;
    fed_input input;
    fed_node *nodes;
    fed_fact *facts;
    fed_slot *slots;
    size_t n_nodes;
    fed_layer *layers;
    size_t n_layers;
    fed_node loss;
    fed_shape output;

    size_t n_params;
    fed_param_view *views;
    char (*view_names)[2 * FED_NAME_BYTES];
    size_t n_views;
    fed_range *trainable; /* maximal runs of parameters that the optimiser changes */
    size_t n_trainable;

    size_t micro_batch, activation_floats;
    size_t min_vocabulary; /* tokens must be below it; 0: no token input */
    bool mixes_batch, has_dropout;
};

static inline bool fed_program_trains(const fed_program *program)
{
    return program->options.mode == FED_MODE_TRAIN;
}
/** Rows of the output that a loss treats as one: all dimensions but the last. */
static inline size_t fed_program_rows(const fed_program *program)
{
    return fed_shape_count(&program->output) /
           program->output.dim[program->output.rank - 1];
}

/** analyse.c: fill `facts`. */
void fed_program_analyse(fed_program *program);
/** layout.c: place all buffers for `batch` examples; sets slots, micro_batch and
 *  activation_floats. */
FED_MUST_CHECK fed_status fed_program_lay_out(fed_program *program, size_t batch,
                                              fed_error *err);

#endif
