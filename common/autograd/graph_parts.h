/* What a graph is made of, for graph.c and the compiler. */
#ifndef FED_GRAPH_PARTS_H
#define FED_GRAPH_PARTS_H

#include "ops/op.h"

enum { FED_NAME_BYTES = 64 };

/** A layer of the plan; one with a fused activation is two nodes. */
typedef struct fed_layer {
    char name[FED_NAME_BYTES];
    const char *op;
    size_t first, last; /* nodes */
} fed_layer;

/** Node 0 is the input and has no row; the last node is the output. */
struct fed_graph {
    fed_input input;
    fed_node *nodes;
    size_t n_nodes, cap_nodes;
    fed_layer *layers;
    size_t n_layers, cap_layers;
    fed_node loss; /* its row is NULL while there is none */
    size_t n_params;
};

#endif
