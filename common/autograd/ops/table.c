/* One line for each operator, in the order of docs/operators.md. */
#include "table.h"

#define FED_OPERATORS(ROW)                                                               \
    ROW(linear)                                                                          \
    ROW(matmul)                                                                          \
    ROW(conv1d)                                                                          \
    ROW(conv2d)                                                                          \
    ROW(max_pool1d)                                                                      \
    ROW(max_pool2d)                                                                      \
    ROW(avg_pool1d)                                                                      \
    ROW(avg_pool2d)                                                                      \
    ROW(global_max_pool)                                                                 \
    ROW(global_avg_pool)                                                                 \
    ROW(embedding)                                                                       \
    ROW(positional_embedding)                                                            \
    ROW(lstm)                                                                            \
    ROW(gru)                                                                             \
    ROW(softmax)                                                                         \
    ROW(attention)                                                                       \
    ROW(linear_attention)                                                                \
    ROW(layer_norm)                                                                      \
    ROW(rms_norm)                                                                        \
    ROW(group_norm)                                                                      \
    ROW(batch_norm)                                                                      \
    ROW(add)                                                                             \
    ROW(mul)                                                                             \
    ROW(concat)                                                                          \
    ROW(slice)                                                                           \
    ROW(reshape)                                                                         \
    ROW(flatten)                                                                         \
    ROW(transpose)                                                                       \
    ROW(relu)                                                                            \
    ROW(relu6)                                                                           \
    ROW(leaky_relu)                                                                      \
    ROW(sigmoid)                                                                         \
    ROW(tanh)                                                                            \
    ROW(gelu)                                                                            \
    ROW(silu)                                                                            \
    ROW(hard_swish)                                                                      \
    ROW(dropout)                                                                         \
    ROW(fake_quantize)                                                                   \
    ROW(mask_multiply)                                                                   \
    ROW(softmax_cross_entropy)                                                           \
    ROW(binary_cross_entropy)                                                            \
    ROW(mean_squared_error)                                                              \
    ROW(huber)                                                                           \
    ROW(kl_distillation)

#define DECLARE(name) extern const fed_op_row FED_ROW(name);
FED_OPERATORS(DECLARE)

#define POINT(name) &FED_ROW(name),
const fed_op_row *const fed_op_rows[] = {FED_OPERATORS(POINT) NULL};
