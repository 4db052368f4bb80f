/* Convolution over node->window, for conv1d and conv2d. */
#ifndef FED_CONVOLUTION_H
#define FED_CONVOLUTION_H

#include "window.h"

#define fed_convolution_infer    FED_IN_PATH(fed_convolution_infer)
#define fed_convolution_forward  FED_IN_PATH(fed_convolution_forward)
#define fed_convolution_backward FED_IN_PATH(fed_convolution_backward)

/** Positions in the attribute table of both operators. */
enum {
    FED_CONV_FILTERS,
    FED_CONV_KERNEL,
    FED_CONV_STRIDE,
    FED_CONV_PADDING,
    FED_CONV_PAD,
    FED_CONV_GROUPS,
    FED_CONV_BIAS,
    FED_CONV_ACTIVATION
};

/** Everything of the shape rule but node->shape. */
fed_status fed_convolution_infer(fed_node *node, const fed_shape *in, fed_error *err);
void fed_convolution_forward(const fed_call *call);
void fed_convolution_backward(const fed_call *call);

#define fed_depthwise_work     FED_IN_PATH(fed_depthwise_work)
#define fed_depthwise_forward  FED_IN_PATH(fed_depthwise_forward)
#define fed_depthwise_backward FED_IN_PATH(fed_depthwise_backward)

/** depthwise.c: one filter for each channel. */
/** Floats of work for a call. */
size_t fed_depthwise_work(const fed_window *w, bool back);
void fed_depthwise_forward(const fed_call *call);
void fed_depthwise_backward(const fed_call *call);

#endif
