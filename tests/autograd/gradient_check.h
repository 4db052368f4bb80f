/*
 * Gradient checks. Each case builds a small graph, and says in plain double-precision loops
 * what the graph should compute. Compared are the outputs, and the gradients of every
 * parameter and of the input against central differences of those loops, on every kernel path
 * this machine has, for a batch in one piece and cut into micro-batches.
 */
#ifndef GRADIENT_CHECK_H
#define GRADIENT_CHECK_H

#include "harness.h"

#include "autograd.h"
#include "build_layers.h"
#include "small_model.h"

enum { CHECK_BATCH = 5 };

/** What the reference sees: whole batches, and parameters in the order of the graph. */
typedef struct reference {
    size_t batch;
    fed_shape in, out;
    const double *x;
    const int32_t *tokens;
    const double *p[16];
    double *y;
    fed_attr_value attrs[FED_ATTRS_MAX]; /* of the case's first layer */
} reference;

typedef struct gradient_case {
    const char *layers; /* see build_layers() */
    fed_shape in;
    void (*compute)(const reference *r);
    double tolerance;    /* relative to the greatest gradient; 0: the usual 1e-4 */
    size_t vocabulary;   /* above 0: the input is tokens */
    size_t batch_pieces; /* 0: check micro-batches too; 1: the layer mixes examples */
} gradient_case;

/** Run all checks of one case. */
void check_gradients(const gradient_case *c);

#endif
