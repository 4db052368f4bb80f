/* What does not fit is refused with the layer, the field, the value and the bound; bad data
 * never crash. */
#include "harness.h"

#include "small_model.h"

static const struct refused {
    fed_shape in;
    const char *layers;
    fed_status status;
    const char *part; /* of the text */
} refused[] = {
    {{1, {4}},
     "nonsense",
     FED_E_NOT_FOUND,
     "layer 0: op: no layer is called \"nonsense\""},
    {{1, {4}}, "softmax_cross_entropy", FED_E_NOT_FOUND, "no layer is called"},
    {{1, {4}}, "linear", FED_E_INVALID, "layer 0 (linear \"linear0\"): units: missing"},
    {{1, {4}}, "linear units=0", FED_E_INVALID, "units: 0 is below 1"},
    {{1, {4}}, "linear units=1.5", FED_E_INVALID, "units: 1.5 is not a whole number"},
    {{1, {4}}, "linear units=nan", FED_E_INVALID, "units: nan is not a whole number"},
    {{1, {4}}, "linear units=2000000", FED_E_INVALID, "units: 2000000 is above 1048576"},
    {{1, {4}}, "linear units=2 units=3", FED_E_INVALID, "units: given twice"},
    {{1, {4}},
     "linear units=2 width=3",
     FED_E_INVALID,
     "width: linear has no such attribute"},
    {{1, {4}},
     "linear units=2 bias=2",
     FED_E_INVALID,
     "bias: 2 is neither true nor false"},
    {{1, {4}},
     "linear units=2 activation=swoosh",
     FED_E_INVALID,
     "activation: \"swoosh\""},
    {{1, {4}},
     "linear units=2 @a | linear units=3 @a",
     FED_E_EXISTS,
     "layer 1 (linear \"a\")"},
    {{1, {4}}, "linear units=2 @input", FED_E_EXISTS, "name: \"input\" is used before"},
    {{1, {4}}, "linear units=2 <later", FED_E_NOT_FOUND, "from: no layer before it"},
    {{1, {4}}, "linear units=2 <input <input", FED_E_INVALID, "from: 2 inputs, 1 to 1"},
    {{1, {4}}, "add", FED_E_INVALID, "from: 1 inputs, 2 to 2"},
    {{1, {4}},
     "conv2d filters=2 kernel=3",
     FED_E_INVALID,
     "input: 4 is not height x width"},
    {{3, {4, 4, 2}},
     "conv2d filters=2 kernel=5",
     FED_E_INVALID,
     "kernel: 5 is above the width of the input, 4"},
    {{3, {4, 9, 2}},
     "conv2d filters=2 kernel=5",
     FED_E_INVALID,
     "kernel: 5 is above the height of the input, 4"},
    {{3, {4, 4, 2}},
     "conv2d filters=2 kernel=1,2,3",
     FED_E_INVALID,
     "kernel: 3 items, 1 to 2"},
    {{3, {4, 4, 2}},
     "conv2d filters=3 kernel=3 groups=2",
     FED_E_INVALID,
     "groups: 2 does not divide 2 channels and 3 filters"},
    {{3, {4, 4, 2}},
     "conv2d filters=2 kernel=3 pad=3",
     FED_E_INVALID,
     "pad: 3 is not below the kernel, 3"},
    {{3, {4, 4, 2}},
     "conv2d filters=2 kernel=3 pad=1 padding=same",
     FED_E_INVALID,
     "pad: not"},
    {{3, {4, 4, 2}}, "max_pool2d size=5", FED_E_INVALID, "kernel: 5 is above"},
    {{2, {4, 4}}, "max_pool2d size=2", FED_E_INVALID, "input: 4x4 is not height"},
    {{1, {4}}, "lstm units=2", FED_E_INVALID, "input: 4 is not steps x values"},
    {{2, {4, 7}}, "attention heads=2", FED_E_INVALID, "heads: 7 values"},
    {{2, {4, 6}},
     "attention heads=3 kv_heads=2",
     FED_E_INVALID,
     "kv_heads: 2 does not divide"},
    {{1, {4}}, "embedding vocabulary=3 units=2", FED_E_INVALID, "only a token input"},
    {{2, {4, 6}}, "reshape shape=5,5", FED_E_INVALID, "shape: 5x5 has not as many"},
    {{2, {4, 6}},
     "transpose order=0,0",
     FED_E_INVALID,
     "order: 0 at position 1 is there twice"},
    {{2, {4, 6}}, "transpose order=0", FED_E_INVALID, "order: 1 items"},
    {{2, {4, 6}}, "slice start=3 length=4", FED_E_INVALID, "length: 4 from 3 on"},
    {{2, {4, 6}}, "slice length=1 axis=2", FED_E_INVALID, "axis: 2 is outside the 2"},
    {{2, {4, 6}},
     "slice length=2 @s | add <s <input",
     FED_E_INVALID,
     "inputs: 4x2 and 4x6 do not match"},
    {{2, {4, 6}},
     "slice length=2 @s | concat axis=0 <s <input",
     FED_E_INVALID,
     "differ beside"},
    {{2, {4, 6}}, "matmul <input <input", FED_E_INVALID, "do not multiply"},
    {{3, {2, 2, 6}}, "group_norm groups=4", FED_E_INVALID, "groups: 4 does not divide 6"},
    {{2, {1 << 15, 1 << 15}}, "flatten | linear units=1000", FED_E_INVALID, "weight: "},
};

static void test_graphs_that_do_not_fit(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        fed_input input = {refused[i].in, FED_INPUT_FEATURES, 1};
        fed_graph *graph = NULL;
        fed_error err = {0};
        if (CHECK_OK(fed_graph_new(&graph, &input, &err), &err))
            CHECK_FAILS(build_layers(graph, refused[i].layers, &err), refused[i].status,
                        &err, refused[i].part);
        fed_graph_free(graph);
    }
}

static void test_inputs_that_are_none(void)
{
    fed_graph *graph = NULL;
    fed_error err = {0};
    fed_input input = {{0, {0}}, FED_INPUT_FEATURES, 1};
    CHECK_FAILS(fed_graph_new(&graph, &input, &err), FED_E_INVALID, &err, "0 dimensions");
    input.shape = (fed_shape){2, {3, 0}};
    CHECK_FAILS(fed_graph_new(&graph, &input, &err), FED_E_INVALID, &err, "0 elements");
    input.shape = (fed_shape){4, {1 << 20, 1 << 20, 1 << 20, 1 << 20}};
    CHECK_FAILS(fed_graph_new(&graph, &input, &err), FED_E_INVALID, &err, "elements");
    input = (fed_input){{1, {3}}, FED_INPUT_FEATURES, NAN};
    CHECK_FAILS(fed_graph_new(&graph, &input, &err), FED_E_INVALID, &err, "scale");
}

static fed_status try_compile(const char *layers, const char *loss,
                              const fed_compile_options *options, fed_error *err)
{
    fed_input input = {{1, {4}}, FED_INPUT_FEATURES, 1};
    fed_graph *graph = NULL;
    fed_program *program = NULL;
    fed_status status = fed_graph_new(&graph, &input, err);
    if (status == FED_OK) status = build_layers(graph, layers, err);
    if (status == FED_OK && loss) status = fed_graph_set_loss(graph, loss, NULL, 0, err);
    if (status == FED_OK) status = fed_program_compile(&program, graph, options, err);
    fed_program_free(program);
    fed_graph_free(graph);
    return status;
}

static void test_programs_that_cannot_be(void)
{
    fed_error err = {0};
    fed_compile_options o = {.max_batch = 2},
                        infer = {.max_batch = 2, .mode = FED_MODE_INFER};
    static const char ce[] = "softmax_cross_entropy";
    CHECK_OK(try_compile("linear units=3", ce, &o, &err), &err);
    CHECK_FAILS(try_compile("", ce, &o, &err), FED_E_INVALID, &err,
                "layers: there are none");
    CHECK_FAILS(try_compile("linear units=3", NULL, &o, &err), FED_E_INVALID, &err,
                "loss");
    CHECK_FAILS(try_compile("linear units=3", "guess", &o, &err), FED_E_NOT_FOUND, &err,
                "loss: none is called \"guess\"");
    CHECK_FAILS(try_compile("linear units=3 @a | linear units=3 <input", ce, &o, &err),
                FED_E_INVALID, &err, "layer 0 (linear \"a\"): no layer reads its output");
    o.max_batch = 0;
    CHECK_FAILS(try_compile("linear units=3", ce, &o, &err), FED_E_INVALID, &err,
                "max_batch");
    o = (fed_compile_options){.max_batch = 2, .kernel = "abacus"};
    CHECK_FAILS(try_compile("linear units=3", ce, &o, &err), FED_E_UNSUPPORTED, &err,
                "abacus");
    o = (fed_compile_options){.max_batch = 2, .per_example = true};
    CHECK_FAILS(try_compile("batch_norm", ce, &o, &err), FED_E_UNSUPPORTED, &err,
                "per-example gradients do not exist");
    infer.input_gradient = true;
    CHECK_FAILS(try_compile("linear units=3", ce, &infer, &err), FED_E_INVALID, &err,
                "mode");
}

/* Each NaN and infinity is found wherever it lies, and the parameters stay as they were. */
static void test_numbers_that_are_none(void)
{
    small_model m = {.layers = "linear units=5 activation=relu | linear units=3",
                     .input = {{1, {37}}, FED_INPUT_FEATURES, 1}};
    fed_error err = {0};
    fed_compile_options options = {.max_batch = 2};
    fed_optimizer_config config = {.kind = FED_SGD, .lr = 0.1};
    float x[3 * 37] = {0};
    const int32_t classes[] = {0, 1, 2};
    fed_batch batch = {3, x, NULL, classes, NULL};
    if (CHECK_OK(make_small_model(&m, &options, &config, &err), &err)) {
        float *before = fed_memdup(m.params, small_model_bytes(&m));
        for (size_t i = 0; i < 3 * 37; i++) {
            x[i] = i % 2 ? NAN : -INFINITY;
            CHECK_FAILS(small_model_step(&m, &batch, NULL, &err), FED_E_NUMERIC, &err,
                        "features: example");
            x[i] = 0;
        }
        CHECK(before && memcmp(before, m.params, small_model_bytes(&m)) == 0);
        fed_free(before);
        m.params[fed_program_param_count(m.program) - 1] = NAN;
        CHECK_FAILS(small_model_step(&m, &batch, NULL, &err), FED_E_NUMERIC, &err,
                    "loss");
        m.params[fed_program_param_count(m.program) - 1] = 0;
        m.params[0] = NAN; /* behind a rectifier */
        CHECK_FAILS(small_model_step(&m, &batch, NULL, &err), FED_E_NUMERIC, &err,
                    "loss");
        fed_evaluation e;
        float out[9];
        CHECK_FAILS(fed_runner_evaluate(m.runner, m.params, &batch, &e, &err),
                    FED_E_NUMERIC, &err, "loss");
        CHECK_FAILS(fed_runner_infer(m.runner, m.params, &batch, out, &err),
                    FED_E_NUMERIC, &err, "output");
    }
    free_small_model(&m);
}

static void test_batches_that_do_not_fit(void)
{
    small_model m = {.layers = "linear units=3 | dropout",
                     .input = {{1, {2}}, FED_INPUT_FEATURES, 1}};
    small_model t = {.layers = "embedding vocabulary=3 units=2",
                     .input = {{1, {2}}, FED_INPUT_TOKENS, 1}};
    fed_error err = {0};
    fed_compile_options options = {.max_batch = 2};
    fed_optimizer_config config = {.kind = FED_SGD, .lr = 0.1};
    const float x[] = {0, 1};
    const int32_t above[] = {3}, below[] = {-2}, tokens[] = {0, 3}, fine[] = {0, 1};
    fed_batch batch = {1, x, NULL, above, NULL};
    if (CHECK_OK(make_small_model(&m, &options, &config, &err), &err) &&
        CHECK_OK(make_small_model(&t, &options, &config, &err), &err)) {
        CHECK_FAILS(small_model_step(&m, &batch, NULL, &err), FED_E_INVALID, &err,
                    "classes: example 0 has 3, outside -1 to 2");
        batch.classes = below;
        CHECK_FAILS(small_model_step(&m, &batch, NULL, &err), FED_E_INVALID, &err,
                    "has -2");
        batch.classes = NULL;
        CHECK_FAILS(small_model_step(&m, &batch, NULL, &err), FED_E_INVALID, &err,
                    "classes");
        batch.classes = fine;
        CHECK_FAILS(
            fed_runner_step(m.runner, m.optimizer, m.params, &batch, NULL, NULL, &err),
            FED_E_INVALID, &err, "dropout: missing");
        batch.features = NULL;
        CHECK_FAILS(small_model_step(&m, &batch, NULL, &err), FED_E_INVALID, &err,
                    "features");
        batch.count = 0;
        CHECK_FAILS(small_model_step(&m, &batch, NULL, &err), FED_E_INVALID, &err,
                    "empty");
        batch = (fed_batch){1, NULL, tokens, fine, NULL};
        CHECK_FAILS(small_model_step(&t, &batch, NULL, &err), FED_E_INVALID, &err,
                    "tokens: example 0 holds 3 at position 1, outside 0 to 2");
        batch.tokens = NULL;
        CHECK_FAILS(small_model_step(&t, &batch, NULL, &err), FED_E_INVALID, &err,
                    "tokens");
    }
    free_small_model(&m);
    free_small_model(&t);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_graphs_that_do_not_fit), CASE(test_inputs_that_are_none),
        CASE(test_programs_that_cannot_be), CASE(test_numbers_that_are_none),
        CASE(test_batches_that_do_not_fit)};
    return fed_run("refusals", cases, sizeof cases / sizeof *cases);
}
