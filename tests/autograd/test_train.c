/* The whole way from a graph to a trained model. */
#include "harness.h"

#include <stdlib.h>

#include "autograd.h"

typedef struct model {
    fed_graph *graph;
    fed_program *program;
    fed_runner *run;
    fed_optimizer *optimizer;
    float *params;
} model;

static fed_status make_graph(fed_graph **graph, fed_error *err)
{
    fed_input input = {{1, {2}}, FED_INPUT_FEATURES, 1};
    fed_attr_value hidden[] = {fed_attr_number("units", 16),
                               fed_attr_text("activation", "relu")};
    fed_attr_value output = fed_attr_number("units", 2);
    FED_TRY(fed_graph_new(graph, &input, err));
    FED_TRY(fed_graph_add_layer(*graph, "linear", hidden, 2, NULL, 0, "hidden", err));
    FED_TRY(fed_graph_add_layer(*graph, "linear", &output, 1, NULL, 0, NULL, err));
    return fed_graph_set_loss(*graph, "softmax_cross_entropy", NULL, 0, err);
}

static fed_status make_model(model *m, const fed_compile_options *options, fed_error *err)
{
    uint8_t key[32];
    fed_stream stream;
    fed_optimizer_config config = {.kind = FED_MOMENTUM, .lr = 0.1, .momentum = 0.9};
    FED_TRY(make_graph(&m->graph, err));
    FED_TRY(fed_program_compile(&m->program, m->graph, options, err));
    FED_TRY(fed_runner_new(&m->run, m->program, err));
    FED_TRY(fed_optimizer_new(&m->optimizer, m->program, &config, err));
    m->params = fed_malloc(fed_program_param_count(m->program) * sizeof *m->params);
    if (!m->params) return FED_E_NOMEM;
    fed_seed_from_u64(key, 5);
    fed_stream_init(&stream, key, FED_PURPOSE_WEIGHTS, 0);
    fed_program_init_params(m->program, &stream, m->params);
    return FED_OK;
}

static void free_model(model *m)
{
    fed_free(m->params);
    fed_optimizer_free(m->optimizer);
    fed_runner_free(m->run);
    fed_program_free(m->program);
    fed_graph_free(m->graph);
    memset(m, 0, sizeof *m);
}

/* The four corners of the exclusive or. */
static const float corners[] = {0, 0, 0, 1, 1, 0, 1, 1};
static const int32_t parity[] = {0, 1, 1, 0};

static void test_learns_exclusive_or(void)
{
    model m = {0};
    fed_error err = {0};
    fed_compile_options options = {.max_batch = 4};
    fed_batch batch = {.count = 4, .features = corners, .classes = parity};
    double loss = 1;
    if (CHECK_OK(make_model(&m, &options, &err), &err)) {
        fed_count_allocations_start();
        for (int i = 0; i < 200; i++)
            CHECK_OK(
                fed_runner_step(m.run, m.optimizer, m.params, &batch, NULL, &loss, &err),
                &err);
        CHECK_EQ(fed_count_allocations_stop(), 0);
        CHECK(loss < 0.01);
        fed_evaluation e;
        CHECK_OK(fed_runner_evaluate(m.run, m.params, &batch, &e, &err), &err);
        CHECK_EQ(e.correct, 4);
        CHECK_EQ(e.counted, 4);
    }
    free_model(&m);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_learns_exclusive_or)};
    return fed_run("train", cases, sizeof cases / sizeof *cases);
}
