/* Graphs from a line of text, for tests and benchmarks. */
#ifndef BUILD_LAYERS_H
#define BUILD_LAYERS_H

#include "autograd.h"

/** Add layers from a text: "op name=value name=a,b <input <input @name | op ...". */
FED_MUST_CHECK fed_status build_layers(fed_graph *graph, const char *text,
                                       fed_error *err);
/** One attribute "name=value", cut up in place: the value points into `text`. */
fed_attr_value parse_attr(char *text);

#endif
