/* Losses and their gradients against plain formulas in double and central differences. */
#include "harness.h"

#include "small_model.h"

enum { BATCH = 4, OUT = 3 };

typedef double loss_formula(const double *y, const float *values, const int32_t *classes);

/* What each loss should be: `y` holds BATCH rows of OUT outputs. */
static double log_sum_exp(const double *y, double divisor)
{
    double sum = 0;
    for (size_t j = 0; j < OUT; j++)
        sum += exp(y[j] / divisor);
    return log(sum);
}
static double cross_entropy(const double *y, const float *values, const int32_t *classes)
{
    double sum = 0, n = 0;
    (void)values;
    for (size_t i = 0; i < BATCH; i++)
        if (classes[i] >= 0)
            sum += log_sum_exp(y + i * OUT, 1) - y[i * OUT + (size_t)classes[i]], n++;
    return sum / n;
}
static double squared(const double *y, const float *values, const int32_t *classes)
{
    double sum = 0;
    (void)classes;
    for (size_t i = 0; i < BATCH * OUT; i++)
        sum += (y[i] - (double)values[i]) * (y[i] - (double)values[i]);
    return sum / (BATCH * OUT);
}
static double huber(const double *y, const float *values, const int32_t *classes)
{
    double sum = 0;
    (void)classes;
    for (size_t i = 0; i < BATCH * OUT; i++) {
        double e = fabs(y[i] - (double)values[i]);
        sum += e <= 0.5 ? 0.5 * e * e : 0.5 * (e - 0.25);
    }
    return sum / (BATCH * OUT);
}
static double binary(const double *y, const float *values, const int32_t *classes)
{
    double sum = 0;
    (void)classes;
    for (size_t i = 0; i < BATCH * OUT; i++) {
        double p = 1 / (1 + exp(-y[i])), t = (double)values[i];
        sum -= t * log(p) + (1 - t) * log(1 - p);
    }
    return sum / (BATCH * OUT);
}
static double distillation(const double *y, const float *values, const int32_t *classes)
{
    double sum = 0, temperature = 2;
    (void)classes;
    for (size_t i = 0; i < BATCH; i++) {
        double t[OUT];
        for (size_t j = 0; j < OUT; j++)
            t[j] = (double)values[i * OUT + j];
        for (size_t j = 0; j < OUT; j++) {
            double log_p = t[j] / temperature - log_sum_exp(t, temperature);
            double log_q =
                y[i * OUT + j] / temperature - log_sum_exp(y + i * OUT, temperature);
            sum += temperature * temperature * exp(log_p) * (log_p - log_q);
        }
    }
    return sum / BATCH;
}

/* The model is y = x + P for each of the BATCH examples; P is zero, so y = x, and the gradient of
 * the input is that of the loss. */
static void check_loss(const char *name, const char *attr, double value,
                       loss_formula *formula)
{
    fed_error err = {0};
    fed_input input = {{1, {OUT}}, FED_INPUT_FEATURES, 1};
    fed_compile_options options = {.max_batch = BATCH, .input_gradient = true};
    fed_attr_value given = fed_attr_number(attr ? attr : "", value);
    fed_graph *graph = NULL;
    fed_program *program = NULL;
    fed_runner *runner = NULL;
    float x[BATCH * OUT], values[BATCH * OUT], params[OUT] = {0};
    int32_t classes[BATCH] = {2, -1, 0, 1};
    double y[BATCH * OUT], loss = 0;
    uint32_t state = 4;
    for (size_t i = 0; i < BATCH * OUT; i++) {
        x[i] = 3 * test_noise(&state);
        values[i] = 0.5f + 0.5f * test_noise(&state);
        y[i] = (double)x[i];
    }
    fed_batch batch = {BATCH, x, NULL, classes, values};
    if (CHECK_OK(fed_graph_new(&graph, &input, &err), &err) &&
        CHECK_OK(fed_graph_add_layer(graph, "positional_embedding", NULL, 0, NULL, 0,
                                     NULL, &err),
                 &err) &&
        CHECK_OK(fed_graph_set_loss(graph, name, &given, attr != NULL, &err), &err) &&
        CHECK_OK(fed_program_compile(&program, graph, &options, &err), &err) &&
        CHECK_OK(fed_runner_new(&runner, program, &err), &err) &&
        CHECK_OK(fed_runner_backward(runner, params, &batch, NULL, &loss, &err), &err)) {
        const float *gradient = fed_runner_input_gradient(runner);
        fed_evaluation e;
        CHECK_NEAR(loss, formula(y, values, classes), 1e-6);
        for (size_t i = 0; i < BATCH * OUT; i++) {
            double keep = y[i];
            y[i] = keep + 1e-5;
            double above = formula(y, values, classes);
            y[i] = keep - 1e-5;
            double exact = (above - formula(y, values, classes)) / 2e-5;
            y[i] = keep;
            CHECK_NEAR(gradient[i], exact, 1e-6);
        }
        CHECK_OK(fed_runner_evaluate(runner, params, &batch, &e, &err), &err);
        CHECK_NEAR(e.loss_sum / (double)e.counted, loss, 1e-6);
    }
    fed_runner_free(runner);
    fed_program_free(program);
    fed_graph_free(graph);
}

static void test_losses(void)
{
    check_loss("softmax_cross_entropy", NULL, 0, cross_entropy);
    check_loss("mean_squared_error", NULL, 0, squared);
    check_loss("huber", "delta", 0.5, huber);
    check_loss("binary_cross_entropy", NULL, 0, binary);
    check_loss("kl_distillation", "temperature", 2, distillation);
}

/* Every loss of the table is checked above. */
static void test_all_losses_are_checked(void)
{
    size_t n = 0;
    for (size_t i = 0; i < fed_op_count(); i++)
        n += fed_op_at(i)->kind == FED_OP_LOSS;
    CHECK_EQ(n, 5);
}

/* A loss at every step of a sequence, and accuracy over the steps that count. */
static void test_sequence_targets(void)
{
    small_model m = {.layers = "embedding vocabulary=4 units=4 | linear units=4",
                     .input = {{1, {3}}, FED_INPUT_TOKENS, 1}};
    fed_error err = {0};
    fed_compile_options options = {.max_batch = 2};
    fed_optimizer_config config = {.kind = FED_ADAM, .lr = 0.05};
    const int32_t tokens[] = {0, 1, 2, 3, 2, 1}, next[] = {1, 2, -1, 2, 1, 3};
    fed_batch batch = {2, NULL, tokens, next, NULL};
    fed_evaluation e = {0};
    if (CHECK_OK(make_small_model(&m, &options, &config, &err), &err)) {
        for (int i = 0; i < 150; i++)
            CHECK_OK(small_model_step(&m, &batch, NULL, &err), &err);
        CHECK_OK(fed_runner_evaluate(m.runner, m.params, &batch, &e, &err), &err);
        CHECK_EQ(e.counted, 5);
        CHECK_EQ(e.correct, 4); /* 1 is followed by 2 and by 3 */
    }
    free_small_model(&m);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_losses), CASE(test_all_losses_are_checked),
                                     CASE(test_sequence_targets)};
    return fed_run("losses", cases, sizeof cases / sizeof *cases);
}
