/*
 * kl_distillation: the student's logits y follow a teacher's logits t (Hinton, Vinyals, Dean
 * 2015): T^2 KL(softmax(t / T) || softmax(y / T)), averaged over rows. The factor T^2 keeps
 * the gradient's size independent of the temperature; it is T (q - p) per row.
 */
#include "op.h"

#include "kernels/fast_math.h"
#include "kernels/vector.h"

/* log of the sum of exp((x - top) / T), and top. */
static double log_sum(size_t n, const float *x, float inverse, float *top)
{
    double sum = 0;
    *top = fed_vector_max(n, x);
    for (size_t j = 0; j < n; j++)
        sum += (double)fed_exp((x[j] - *top) * inverse);
    return fed_ln(sum);
}

static void loss(fed_loss_call *call)
{
    size_t n = call->width;
    double temperature = call->node->attrs[0].number;
    float inverse = (float)(1 / temperature), top_y, top_t;
    for (size_t i = 0; i < call->batch * call->rows; i++) {
        const float *y = call->y + i * n, *t = call->values + i * n;
        double sum_y = log_sum(n, y, inverse, &top_y), kl = 0;
        double sum_t = log_sum(n, t, inverse, &top_t);
        for (size_t j = 0; j < n; j++) {
            double log_q = (double)((y[j] - top_y) * inverse) - sum_y;
            double log_p = (double)((t[j] - top_t) * inverse) - sum_t;
            double q = (double)fed_exp((float)log_q), p = (double)fed_exp((float)log_p);
            kl += p * (log_p - log_q);
            if (call->dy)
                call->dy[i * n + j] = (float)(temperature * (q - p) * call->scale);
        }
        call->sum += temperature * temperature * kl;
    }
    call->counted = call->batch * call->rows;
}

static const fed_attr attrs[] = {
    {"temperature", FED_ATTR_DOUBLE, false, 0.01, 1000, 1, NULL, 0, "softens both sides"},
};

const fed_op_row FED_ROW(kl_distillation) = {
    .op = {"kl_distillation", "T^2 KL(teacher || student) of logits at temperature T",
           FED_OP_LOSS, attrs, 1, 1, 1, FED_TARGET_VALUES},
    .flags = FED_PER_ROW,
    .loss = loss,
};
