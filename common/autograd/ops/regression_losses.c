/*
 * Losses on values, averaged over single values: with e = y - target
 *
 *   mean_squared_error    e^2
 *   huber                 e^2 / 2 up to |e| = delta, then delta (|e| - delta / 2)
 *   binary_cross_entropy  log(1 + exp(y)) - target y, y being a logit and target in [0, 1]
 */
#include "op.h"

#include "kernels/fast_math.h"

static void finish(fed_loss_call *call, double sum)
{
    call->sum = sum;
    call->counted = call->batch * call->rows * call->width;
}

static void squared(fed_loss_call *call)
{
    double sum = 0;
    for (size_t i = 0, n = call->batch * call->rows * call->width; i < n; i++) {
        double e = (double)call->y[i] - (double)call->values[i];
        sum += e * e;
        if (call->dy) call->dy[i] = (float)(2 * e * call->scale);
    }
    finish(call, sum);
}

static void huber(fed_loss_call *call)
{
    double sum = 0, delta = call->node->attrs[0].number;
    for (size_t i = 0, n = call->batch * call->rows * call->width; i < n; i++) {
        double e = (double)call->y[i] - (double)call->values[i], a = e < 0 ? -e : e;
        bool near = !(a > delta);
        sum += near ? 0.5 * e * e : delta * (a - 0.5 * delta);
        if (call->dy)
            call->dy[i] = (float)((near ? e : e < 0 ? -delta : delta) * call->scale);
    }
    finish(call, sum);
}

/* log(1 + e^y) = max(y, 0) + log(1 + e^-|y|), which never overflows. */
static void binary(fed_loss_call *call)
{
    double sum = 0;
    for (size_t i = 0, n = call->batch * call->rows * call->width; i < n; i++) {
        float y = call->y[i], t = call->values[i], a = y < 0 ? -y : y;
        sum += (double)(y < 0 ? 0 : y) + fed_ln(1 + (double)fed_exp(-a)) -
               (double)t * (double)y;
        if (call->dy) call->dy[i] = (fed_sigmoid(y) - t) * (float)call->scale;
        call->correct += (y > 0) == (t > 0.5f);
    }
    finish(call, sum);
}

static const fed_attr huber_attrs[] = {
    {"delta", FED_ATTR_DOUBLE, false, 1e-6, 1e6, 1, NULL, 0, "where it turns linear"},
};

const fed_op_row FED_ROW(mean_squared_error) = {
    .op = {"mean_squared_error", "mean of (y - target)^2", FED_OP_LOSS, NULL, 0, 1, 1,
           FED_TARGET_VALUES},
    .loss = squared,
};

const fed_op_row FED_ROW(huber) = {
    .op = {"huber", "squared error that turns linear beyond delta", FED_OP_LOSS,
           huber_attrs, 1, 1, 1, FED_TARGET_VALUES},
    .loss = huber,
};

const fed_op_row FED_ROW(binary_cross_entropy) = {
    .op = {"binary_cross_entropy", "of logits against targets from 0 to 1", FED_OP_LOSS,
           NULL, 0, 1, 1, FED_TARGET_VALUES},
    .loss = binary,
};
