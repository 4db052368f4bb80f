/*
 * autograd: the small core that trains on the device, runs in the simulator by the thousand,
 * and infers. Others include this one header.
 *
 *   operator   what a plan may name: a table of operators and losses with their attributes
 *   graph      a model as a sequence of named layers, checked as it is built
 *   program    a graph compiled for a batch size: kernel calls and a memory plan, immutable
 *   optimizer  SGD to AdamW over one flat vector, schedules, clipping, the proximal term
 *   runner     a program with its memory: train, evaluate, infer; one thread at a time
 *
 * In short:
 *
 *     fed_graph_new(&graph, &input, err);
 *     fed_graph_add_layer(graph, "linear", attributes, n, NULL, 0, "hidden", err);
 *     fed_graph_set_loss(graph, "softmax_cross_entropy", NULL, 0, err);
 *     fed_program_compile(&program, graph, &options, err);
 *     fed_program_init_params(program, stream, params);
 *     fed_runner_new(&run, program, err);
 *     fed_runner_step(run, optimizer, params, &batch, NULL, &loss, err);
 *
 * Layouts: a tensor is row-major with the examples of the batch as its first, unnamed
 * dimension; images are height, width, channels; weights are [inputs][outputs].
 */
#ifndef FED_AUTOGRAD_H
#define FED_AUTOGRAD_H

#include "operator.h"
#include "graph.h"
#include "program.h"
#include "optimizer.h"
#include "runner.h"

#endif
