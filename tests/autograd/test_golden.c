/* Ten training steps of each benchmark model against PyTorch: see tests/golden/make_autograd.py
 * for how the fixture is made. Golden figures are in double, so the tolerance is ours alone. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "benchmark_models.h"
#include "build_layers.h"

enum { STEPS = 10 };

typedef struct training {
    const benchmark_model *model;
    fed_graph *graph;
    fed_program *program;
    fed_runner *runner;
    fed_optimizer *optimizer;
    float *params, *features;
    int32_t *tokens, *classes;
} training;

static fed_status make_training(training *t, fed_error *err)
{
    const benchmark_model *m = t->model;
    fed_input input = {m->in, m->vocabulary ? FED_INPUT_TOKENS : FED_INPUT_FEATURES, 1};
    fed_compile_options options = {.max_batch = m->golden_batch};
    FED_TRY(fed_graph_new(&t->graph, &input, err));
    FED_TRY(build_layers(t->graph, m->layers, err));
    FED_TRY(fed_graph_set_loss(t->graph, "softmax_cross_entropy", NULL, 0, err));
    FED_TRY(fed_program_compile(&t->program, t->graph, &options, err));
    FED_TRY(fed_runner_new(&t->runner, t->program, err));
    FED_TRY(fed_optimizer_new(&t->optimizer, t->program, &m->golden, err));
    size_t in = m->golden_batch * fed_shape_count(&m->in);
    fed_shape out = fed_program_output_shape(t->program);
    t->params = fed_calloc(fed_program_param_count(t->program), sizeof(float));
    t->features = fed_calloc(in, sizeof(float));
    t->tokens = fed_calloc(in, sizeof(int32_t));
    t->classes = fed_calloc(m->golden_batch * fed_shape_count(&out), sizeof(int32_t));
    return FED_OK;
}

static void free_training(training *t)
{
    fed_free(t->params);
    fed_free(t->features);
    fed_free(t->tokens);
    fed_free(t->classes);
    fed_optimizer_free(t->optimizer);
    fed_runner_free(t->runner);
    fed_program_free(t->program);
    fed_graph_free(t->graph);
}

static void check_views(const training *t, FILE *fixture)
{
    for (size_t v = 0; v < fed_program_view_count(t->program); v++) {
        const fed_param_view *view = fed_program_view(t->program, v);
        const float *w = t->params + view->offset;
        double sum, norm, along, got[3] = {0, 0, 0};
        unsigned long n;
        char kind[64];
        if (!CHECK(fscanf(fixture, " view %63s %lu %lf %lf %lf", kind, &n, &sum, &norm,
                          &along) == 5))
            return;
        CHECK_STR(strrchr(view->name, '.') + 1, kind);
        CHECK_EQ(view->count, n);
        for (size_t i = 0; i < view->count; i++) {
            got[0] += (double)w[i];
            got[1] += (double)w[i] * (double)w[i];
            got[2] += (double)w[i] * (double)hash_noise(9, (uint32_t)i);
        }
        double tolerance = 2e-4 * norm;
        bool near = fabs(got[0] - sum) <= tolerance * sqrt((double)n) &&
                    fabs(sqrt(got[1]) - norm) <= tolerance &&
                    fabs(got[2] - along) <= tolerance;
        CHECK_MSG(near, "%s: %s has sum %g, norm %g, %g along noise; wanted %g, %g, %g",
                  t->model->name, view->name, got[0], sqrt(got[1]), got[2], sum, norm,
                  along);
    }
}

static void check_training(const benchmark_model *model, FILE *fixture)
{
    training t = {.model = model};
    fed_error err = {0};
    char name[64];
    unsigned long params;
    if (!CHECK(fscanf(fixture, " model %63s %lu", name, &params) == 2)) return;
    CHECK_STR(model->name, name);
    if (CHECK_OK(make_training(&t, &err), &err) &&
        CHECK_EQ(fed_program_param_count(t.program), params)) {
        fill_golden_params(t.program, t.params);
        for (uint32_t step = 0; step < STEPS; step++) {
            fed_batch batch = {model->golden_batch, t.features, t.tokens, t.classes,
                               NULL};
            double loss = 0, wanted;
            fill_golden_batch(model, t.program, step, batch.count, t.features, t.tokens,
                              t.classes);
            if (!CHECK(fscanf(fixture, " loss %lf", &wanted) == 1)) break;
            CHECK_OK(fed_runner_step(t.runner, t.optimizer, t.params, &batch, NULL, &loss,
                                     &err),
                     &err);
            CHECK_MSG(fabs(loss - wanted) <= 2e-5 * wanted,
                      "%s: loss of step %u is %.9g, wanted %.9g", name, step, loss,
                      wanted);
        }
        check_views(&t, fixture);
    }
    free_training(&t);
}

static void test_ten_steps_like_pytorch(void)
{
    FILE *fixture = fopen(GOLDEN_DIR "/autograd.txt", "r");
    char comment[200];
    if (!CHECK(fixture != NULL)) return;
    CHECK(fgets(comment, sizeof comment, fixture) != NULL);
    for (const benchmark_model *m = benchmark_models; m->name; m++)
        check_training(m, fixture);
    fclose(fixture);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_ten_steps_like_pytorch)};
    return fed_run("golden", cases, sizeof cases / sizeof *cases);
}
