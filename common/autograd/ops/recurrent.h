/* What LSTM and GRU share: sequences [steps][inputs] become time-major, so that each step of the
 * whole batch is one matrix. */
#ifndef FED_RECURRENT_H
#define FED_RECURRENT_H

#include "op.h"

/** Positions in the attribute tables, and in node->n. */
enum { FED_RNN_UNITS, FED_RNN_SEQUENCE };
enum { FED_RNN_STEPS, FED_RNN_IN, FED_RNN_HIDDEN, FED_RNN_WIDTH };
/** The parameters of both. */
enum { FED_RNN_WEIGHT, FED_RNN_RECURRENT, FED_RNN_BIAS };

#define FED_RECURRENT_ATTRS                                                              \
    {"units", FED_ATTR_INT, true, 1, 1 << 16, 0, NULL, 0, "size of the state"},          \
    {                                                                                    \
        "sequence", FED_ATTR_BOOL, false, 0, 1, 1, NULL, 0,                              \
            "give every step's output, or the last one's alone"                          \
    }

#define fed_recurrent_infer       FED_IN_PATH(fed_recurrent_infer)
#define fed_recurrent_gather      FED_IN_PATH(fed_recurrent_gather)
#define fed_recurrent_emit        FED_IN_PATH(fed_recurrent_emit)
#define fed_recurrent_take        FED_IN_PATH(fed_recurrent_take)
#define fed_recurrent_scatter     FED_IN_PATH(fed_recurrent_scatter)
#define fed_recurrent_from_inputs FED_IN_PATH(fed_recurrent_from_inputs)
#define fed_recurrent_from_states FED_IN_PATH(fed_recurrent_from_states)
#define fed_recurrent_weights     FED_IN_PATH(fed_recurrent_weights)
#define fed_recurrent_inputs      FED_IN_PATH(fed_recurrent_inputs)

/** Shape, sizes and the parameters weight [in][gates units], recurrent [units][gates units] and
 *  bias [gates units]. */
fed_status fed_recurrent_infer(fed_node *node, const fed_shape *in, size_t gates,
                               fed_error *err);
/** x [batch][steps][in] to [steps][batch][in]. */
void fed_recurrent_gather(const fed_call *call, float *to);
/** States [steps + 1][batch][units] (the first is the start) to the output. */
void fed_recurrent_emit(const fed_call *call, const float *states);
/** Add the gradient of the output at a step to dh [batch][units]. */
void fed_recurrent_take(const fed_call *call, size_t step, float *dh);
/** [steps][batch][in] to dx [batch][steps][in]. */
void fed_recurrent_scatter(const fed_call *call, const float *from);

/** gates = x Wx + b for all steps; x is time-major. */
void fed_recurrent_from_inputs(const fed_call *call, const float *x, float *gates);
/** to = (or +=) h Wh for the states of one step. */
void fed_recurrent_from_states(const fed_call *call, const float *h, float *to,
                               bool accumulate);

/** Gradients of gates over all steps: columns `n` of rows that are `row` apart. */
typedef struct fed_gate_gradient {
    const float *at;
    size_t row, n;
} fed_gate_gradient;

/** Columns [column, column + d->n) of a weight gradient: rows' d, with `m` values in a row. */
void fed_recurrent_weights(const fed_call *call, const float *rows, size_t m,
                           const fed_gate_gradient *d, size_t column, float *to);
/** dx from the gradients of all gates, by way of `rows` [steps][batch][in]. */
void fed_recurrent_inputs(const fed_call *call, const float *gates, float *rows);

#endif
