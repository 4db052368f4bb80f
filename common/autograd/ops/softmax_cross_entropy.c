/*
 * softmax_cross_entropy: -log softmax(y)[class], summed over rows. A row's gradient is
 * softmax(y) minus one at the class. Rows whose class is -1 do not count.
 */
#include "op.h"

#include "kernels/fast_math.h"
#include "kernels/vector.h"

static size_t argmax(size_t n, const float *y)
{
    size_t best = 0;
    for (size_t j = 1; j < n; j++)
        if (y[j] > y[best]) best = j;
    return best;
}

/* The loss of one row. With dy (which may be y) the gradient is written there. */
static double row_loss(const fed_loss_call *call, const float *y, size_t class, float *dy)
{
    size_t n = call->width;
    float top = fed_vector_max(n, y), at_class = y[class] - top;
    double sum = 0;
    if (!dy) {
        for (size_t j = 0; j < n; j++)
            sum += (double)fed_exp(y[j] - top);
        return fed_ln(sum) - (double)at_class;
    }
    for (size_t j = 0; j < n; j++)
        dy[j] = fed_exp(y[j] - top);
    sum = (double)fed_vector_sum(n, dy);
    fed_vector_scale(n, (float)(call->scale / sum), dy, dy);
    dy[class] -= (float)call->scale;
    return fed_ln(sum) - (double)at_class;
}

static void loss(fed_loss_call *call)
{
    for (size_t i = 0; i < call->batch * call->rows; i++) {
        const float *y = call->y + i * call->width;
        float *dy = call->dy ? call->dy + i * call->width : NULL;
        int32_t class = call->classes[i];
        if (class < 0) {
            if (dy) memset(dy, 0, call->width * sizeof *dy);
            continue;
        }
        if (!call->dy) call->correct += argmax(call->width, y) == (size_t) class;
        call->sum += row_loss(call, y, (size_t) class, dy);
        call->counted++;
    }
}

const fed_op_row FED_ROW(softmax_cross_entropy) = {
    .op = {"softmax_cross_entropy", "mean of -log softmax(y)[class] over rows",
           FED_OP_LOSS, NULL, 0, 1, 1, FED_TARGET_CLASSES},
    .loss = loss,
};
