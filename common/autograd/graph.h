/* A model as a sequence of named layers, checked as it is built. */
#ifndef FED_GRAPH_H
#define FED_GRAPH_H

#include "operator.h"

enum {
    FED_RANK_MAX = 4,     /* dimensions of a tensor, the batch not counted */
    FED_LAYERS_MAX = 1024 /* layers of a graph */
};
/** Most elements of one example's tensor, and most parameters of a model. */
#define FED_ELEMENTS_MAX ((size_t)1 << 30)

/** The shape of one example (the batch is not part of it). */
typedef struct fed_shape {
    size_t rank;
    size_t dim[FED_RANK_MAX];
} fed_shape;

/** The product of the dimensions; 1 for rank 0. */
size_t fed_shape_count(const fed_shape *shape);
bool fed_shape_equal(const fed_shape *a, const fed_shape *b);
/** "28x28x1" into `text` (64 bytes are enough); returns `text`. */
const char *fed_shape_text(const fed_shape *shape, char *text, size_t n);

typedef enum fed_input_kind {
    FED_INPUT_FEATURES, /* float32 rows */
    FED_INPUT_TOKENS    /* int32 rows, the indices of an embedding */
} fed_input_kind;

typedef struct fed_input {
    fed_shape shape;
    fed_input_kind kind;
    float scale; /* features are multiplied by it first; 0 means 1 */
} fed_input;

typedef struct fed_graph fed_graph;

/** An empty graph whose input is named "input". FED_E_INVALID for a shape of rank 0, with a
 *  zero or beyond FED_ELEMENTS_MAX, or for a scale that is no finite number. */
FED_MUST_CHECK fed_status fed_graph_new(fed_graph **out, const fed_input *input,
                                        fed_error *err);
void fed_graph_free(fed_graph *graph);

/**
 * Append a layer. Everything is copied.
 *
 *   attrs    see fed_op_resolve(); what is missing takes its default
 *   inputs   names of earlier layers (or "input"); none means the layer before
 *   name     unique, at most 63 characters; NULL gives "<op><index>"
 *
 * Shapes are inferred here: FED_E_INVALID names layer, operator, field, value and bound.
 * FED_E_NOT_FOUND for an unknown operator or input, FED_E_EXISTS for a name used before,
 * FED_E_LIMIT beyond FED_LAYERS_MAX. After a failure the graph is unchanged.
 */
FED_MUST_CHECK fed_status fed_graph_add_layer(fed_graph *graph, const char *op,
                                              const fed_attr_value *attrs, size_t n_attrs,
                                              const char *const *inputs, size_t n_inputs,
                                              const char *name, fed_error *err);

/** Set the loss, which compares the last layer's output with the targets of the batch. */
FED_MUST_CHECK fed_status fed_graph_set_loss(fed_graph *graph, const char *op,
                                             const fed_attr_value *attrs, size_t n_attrs,
                                             fed_error *err);

/** Keep the parameters of a layer as they are: they get no gradient and no update. */
FED_MUST_CHECK fed_status fed_graph_freeze(fed_graph *graph, const char *layer,
                                           fed_error *err);

/** How many layers there are, and the shape that the last one gives. */
size_t fed_graph_layer_count(const fed_graph *graph);
fed_shape fed_graph_output_shape(const fed_graph *graph);

#endif
