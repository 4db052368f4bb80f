/* One line for each operator, in the order of docs/operators.md. */
#include "table.h"

#define FED_OPERATORS(ROW)                                                               \
    ROW(linear)                                                                          \
    ROW(conv1d)                                                                          \
    ROW(conv2d)                                                                          \
    ROW(max_pool1d)                                                                      \
    ROW(max_pool2d)                                                                      \
    ROW(flatten)                                                                         \
    ROW(reshape)                                                                         \
    ROW(relu)                                                                            \
    ROW(softmax_cross_entropy)                                                           \
    ROW(binary_cross_entropy)                                                            \
    ROW(mean_squared_error)                                                              \
    ROW(huber)                                                                           \
    ROW(kl_distillation)

#define DECLARE(name) extern const fed_op_row FED_ROW(name);
FED_OPERATORS(DECLARE)

#define POINT(name) &FED_ROW(name),
const fed_op_row *const fed_op_rows[] = {FED_OPERATORS(POINT) NULL};
