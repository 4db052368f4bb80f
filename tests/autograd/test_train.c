/* The whole way from a graph to a trained model, and what a runner promises about memory,
 * repetition and pieces of a batch. */
#include "harness.h"

#include <stdlib.h>

#include "small_model.h"

/* The four corners of the exclusive or. */
static const float corners[] = {0, 0, 0, 1, 1, 0, 1, 1};
static const int32_t parity[] = {0, 1, 1, 0};
static const fed_batch xor_batch = {4, corners, NULL, parity, NULL};

#define TWO_LAYERS "linear units=16 activation=relu @hidden | linear units=2"
static const fed_input two_values = {{1, {2}}, FED_INPUT_FEATURES, 1};

static void test_learns_exclusive_or(void)
{
    static const char *const kernels[] = {"scalar", "neon", "avx2", "avx512"};
    for (int k = 0; k < 4; k++) {
        if (!fed_kernel_available((fed_kernel)k)) continue;
        fed_error err = {0};
        fed_compile_options options = {.max_batch = 4, .kernel = kernels[k]};
        fed_optimizer_config config = {.kind = FED_MOMENTUM, .lr = 0.1, .momentum = 0.9};
        small_model m = {.layers = TWO_LAYERS, .input = two_values};
        double loss = 1;
        if (CHECK_OK(make_small_model(&m, &options, &config, &err), &err)) {
            fed_count_allocations_start();
            for (int i = 0; i < 200; i++)
                CHECK_OK(small_model_step(&m, &xor_batch, &loss, &err), &err);
            CHECK_EQ(fed_count_allocations_stop(), 0);
            CHECK(loss < 0.01);
            fed_evaluation e;
            CHECK_OK(fed_runner_evaluate(m.runner, m.params, &xor_batch, &e, &err), &err);
            CHECK_EQ(e.correct, 4);
            CHECK_EQ(e.counted, 4);
            CHECK_STR(fed_program_kernel(m.program), kernels[k]);
        }
        free_small_model(&m);
    }
}

/* A convolutional model with dropout and a recurrent one, each large enough for every loop. */
static const small_model varied[] = {
    {.layers =
         "conv2d filters=17 kernel=3 padding=same activation=relu | max_pool2d size=2 |"
         "conv2d filters=17 groups=17 kernel=3 pad=1 | group_norm groups=17 | silu |"
         "dropout rate=0.25 | flatten | linear units=5",
     .input = {{3, {8, 6, 2}}, FED_INPUT_FEATURES, 0.5f}},
    {.layers = "lstm units=20 | attention heads=2 kv_heads=1 causal=1 | layer_norm |"
               "gru units=9 sequence=0 | linear units=5",
     .input = {{2, {7, 8}}, FED_INPUT_FEATURES, 1}},
};
enum { VARIED = sizeof varied / sizeof *varied, ROWS = 10 };

static fed_status train_varied(small_model *m, size_t max_batch, fed_error *err)
{
    fed_compile_options options = {.max_batch = max_batch};
    fed_optimizer_config config = {.kind = FED_ADAM, .lr = 0.01, .clip_norm = 1};
    float x[ROWS * 96];
    int32_t classes[ROWS];
    uint32_t state = 3;
    FED_TRY(make_small_model(m, &options, &config, err));
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = test_noise(&state);
    for (size_t i = 0; i < ROWS; i++)
        classes[i] = (int32_t)(i * 3 % 5);
    fed_batch batch = {ROWS, x, NULL, classes, NULL};
    for (size_t i = 0; i < 3; i++)
        FED_TRY(small_model_step(m, &batch, NULL, err));
    return FED_OK;
}

static void test_repeats_bit_for_bit(void)
{
    for (size_t v = 0; v < VARIED; v++) {
        small_model a = varied[v], b = varied[v];
        fed_error err = {0};
        if (CHECK_OK(train_varied(&a, 4, &err), &err) &&
            CHECK_OK(train_varied(&b, 4, &err), &err))
            CHECK_MEM(a.params, b.params, small_model_bytes(&a));
        free_small_model(&a);
        free_small_model(&b);
    }
}

typedef struct in_parallel {
    small_model models[8];
    fed_status status[8];
} in_parallel;

static void train_one(void *arg, size_t index, unsigned worker)
{
    in_parallel *p = arg;
    fed_error err;
    (void)worker;
    p->status[index] = train_varied(&p->models[index], 4, &err);
}

/* Runners of one kind on many threads at once: each gives what it gives alone. */
static void test_threads_do_not_matter(void)
{
    in_parallel p = {.models = {varied[0], varied[1], varied[0], varied[1], varied[0],
                                varied[1], varied[0], varied[1]}};
    fed_pool *pool = NULL;
    fed_error err = {0};
    if (!CHECK_OK(fed_pool_new(&pool, 4, &err), &err)) return;
    fed_parallel_for(fed_pool_parallel(pool), 8, train_one, &p);
    for (size_t i = 0; i < 8; i++) {
        CHECK_EQ(p.status[i], FED_OK);
        if (i >= 2 && p.status[i] == FED_OK)
            CHECK_MEM(p.models[i].params, p.models[i % 2].params,
                      small_model_bytes(&p.models[i]));
    }
    for (size_t i = 0; i < 8; i++)
        free_small_model(&p.models[i]);
    fed_pool_free(pool);
}

/* The same training in one piece and in micro-batches of 3: equal up to rounding. */
static void test_micro_batches_sum_up(void)
{
    small_model whole = varied[1], cut = varied[1];
    fed_error err = {0};
    if (CHECK_OK(train_varied(&whole, ROWS, &err), &err) &&
        CHECK_OK(train_varied(&cut, 3, &err), &err))
        for (size_t i = 0; i < fed_program_param_count(whole.program); i++)
            CHECK_NEAR(whole.params[i], cut.params[i], 2e-4);
    free_small_model(&whole);
    free_small_model(&cut);
}

/* A cap below what the whole batch takes gives micro-batches; one below a single example's
 * needs is refused with both figures. */
static void test_memory_cap(void)
{
    small_model m = varied[0], capped = varied[0], refused = varied[0];
    fed_error err = {0};
    fed_compile_options options = {.max_batch = 32};
    fed_optimizer_config config = {.kind = FED_SGD, .lr = 0.1};
    if (CHECK_OK(make_small_model(&m, &options, &config, &err), &err)) {
        size_t total = fed_program_memory(m.program).total;
        options.memory_cap = total - 1;
        if (CHECK_OK(make_small_model(&capped, &options, &config, &err), &err)) {
            fed_memory_report r = fed_program_memory(capped.program);
            CHECK(r.total <= options.memory_cap);
            CHECK_EQ(r.micro_batch, 16);
        }
        options.memory_cap = 70000;
        CHECK_FAILS(make_small_model(&refused, &options, &config, &err), FED_E_LIMIT,
                    &err, "70000 are allowed");
    }
    free_small_model(&m);
    free_small_model(&capped);
    free_small_model(&refused);
}

/* The reported bytes are what a runner uses: they suffice (the sanitizer watches the end of the
 * block), one less is refused, and nothing behind them is touched. */
static void test_arena_is_exact(void)
{
    small_model m = varied[0];
    fed_error err = {0};
    fed_compile_options options = {.max_batch = 5};
    fed_optimizer_config config = {.kind = FED_SGD, .lr = 0.1};
    float x[5 * 96] = {0};
    int32_t classes[5] = {0, 1, 2, 3, 4};
    fed_batch batch = {5, x, NULL, classes, NULL};
    uint8_t *block = NULL;
    if (CHECK_OK(make_small_model(&m, &options, &config, &err), &err)) {
        fed_memory_report r = fed_program_memory(m.program);
        CHECK_EQ(r.total, r.fixed + r.gradient + r.activations);
        block = aligned_alloc(64, r.total + 64);
        fed_runner *runner = NULL;
        if (CHECK(block != NULL)) {
            memset(block + r.total, 0xa5, 64);
            CHECK_FAILS(fed_runner_init(&runner, m.program, block, r.total - 1, &err),
                        FED_E_LIMIT, &err, "are below");
            CHECK_FAILS(fed_runner_init(&runner, m.program, block + 4, r.total, &err),
                        FED_E_INVALID, &err, "aligned");
            fed_count_allocations_start();
            CHECK_OK(fed_runner_init(&runner, m.program, block, r.total, &err), &err);
            CHECK_OK(fed_runner_step(runner, m.optimizer, m.params, &batch, &m.dropout,
                                     NULL, &err),
                     &err);
            CHECK_EQ(fed_count_allocations_stop(), 0);
            for (size_t i = 0; i < 64; i++)
                CHECK_EQ(block[r.total + i], 0xa5);
            fed_runner_free(runner); /* leaves the caller's block alone */
        }
    }
    free(block);
    free_small_model(&m);
}

/* Inference needs less memory and gives what evaluation in the training program gives. */
static void test_inference_program(void)
{
    small_model train = varied[0], infer = varied[0];
    fed_error err = {0};
    fed_compile_options options = {.max_batch = 4},
                        lean = {.max_batch = 4, .mode = FED_MODE_INFER};
    fed_optimizer_config config = {.kind = FED_SGD, .lr = 0.1};
    float x[9 * 96], a[9 * 5], b[9 * 5];
    uint32_t state = 8;
    fed_batch batch = {9, x, NULL, NULL, NULL};
    for (size_t i = 0; i < 9 * 96; i++)
        x[i] = test_noise(&state);
    if (CHECK_OK(make_small_model(&train, &options, &config, &err), &err) &&
        CHECK_OK(make_small_model(&infer, &lean, &config, &err), &err)) {
        CHECK(fed_program_memory(infer.program).activations <
              fed_program_memory(train.program).activations);
        CHECK(fed_runner_gradient(infer.runner) == NULL);
        CHECK_OK(fed_runner_infer(train.runner, train.params, &batch, a, &err), &err);
        CHECK_OK(fed_runner_infer(infer.runner, train.params, &batch, b, &err), &err);
        CHECK_MEM(a, b, sizeof a);
        CHECK_FAILS(fed_runner_step(infer.runner, infer.optimizer, infer.params, &batch,
                                    NULL, NULL, &err),
                    FED_E_STATE, &err, "inference");
    }
    free_small_model(&train);
    free_small_model(&infer);
}

/* One step of plain SGD, or the gradient and then its application. */
static fed_status move(small_model *m, const fed_batch *batch, bool at_once,
                       fed_error *err)
{
    if (at_once) return small_model_step(m, batch, NULL, err);
    FED_TRY(fed_runner_backward(m->runner, m->params, batch, &m->dropout, NULL, err));
    return fed_optimizer_apply(m->optimizer, m->params, fed_runner_gradient(m->runner),
                               err);
}

static void compare_moves(const char *kernel, const char *freeze)
{
    enum { IN = 260, COUNT = 10 };
    float x[COUNT * IN];
    int32_t classes[COUNT];
    uint32_t noise = 9;
    fed_batch batch = {COUNT, x, NULL, classes, NULL};
    for (size_t i = 0; i < COUNT * IN; i++)
        x[i] = test_noise(&noise);
    for (int i = 0; i < COUNT; i++)
        classes[i] = i % 5;
    small_model m[2];
    for (int i = 0; i < 2; i++) {
        fed_error err = {0};
        fed_compile_options options = {.max_batch = COUNT, .kernel = kernel};
        fed_optimizer_config config = {.kind = FED_SGD, .lr = 0.1};
        m[i] = (small_model){
            .layers = "linear units=300 activation=relu @wide | layer_norm |"
                      "linear units=37 bias=0 @middle | relu | linear units=5 @last",
            .input = {{1, {IN}}, FED_INPUT_FEATURES, 1},
            .freeze = freeze};
        if (!CHECK_OK(make_small_model(&m[i], &options, &config, &err), &err)) continue;
        for (int s = 0; s < 3; s++)
            CHECK_OK(move(&m[i], &batch, i == 0, &err), &err);
        CHECK_EQ(fed_optimizer_steps(m[i].optimizer), 3);
    }
    if (m[0].params && m[1].params)
        CHECK_MEM(m[0].params, m[1].params, small_model_bytes(&m[0]));
    free_small_model(&m[0]);
    free_small_model(&m[1]);
}

/* Layers that move their own weights leave the bits that their gradient, applied, would. */
static void test_step_is_gradient_applied(void)
{
    for (int k = 0; k <= FED_KERNEL_AVX512; k++) {
        if (!fed_kernel_available((fed_kernel)k)) continue;
        compare_moves(fed_kernel_name((fed_kernel)k), NULL);
        compare_moves(fed_kernel_name((fed_kernel)k), "middle");
    }
}

/* A finite loss whose gradient is not: 1e20 x 1e20 is beyond a float, and the weights go with it. */
static void test_step_finds_infinite_gradient(void)
{
    static const float x[] = {1e20f}, wanted[] = {-1e20f};
    const fed_batch batch = {1, x, NULL, NULL, wanted};
    for (int k = 0; k <= FED_KERNEL_AVX512; k++) {
        if (!fed_kernel_available((fed_kernel)k)) continue;
        small_model m = {.layers = "linear units=1",
                         .loss = "mean_squared_error",
                         .input = {{1, {1}}, FED_INPUT_FEATURES, 1}};
        fed_error err = {0};
        fed_compile_options options = {.max_batch = 1,
                                       .kernel = fed_kernel_name((fed_kernel)k)};
        fed_optimizer_config config = {.kind = FED_SGD, .lr = 0.1};
        if (CHECK_OK(make_small_model(&m, &options, &config, &err), &err)) {
            memset(m.params, 0, small_model_bytes(&m));
            CHECK_FAILS(small_model_step(&m, &batch, NULL, &err), FED_E_NUMERIC, &err,
                        "gradient");
        }
        free_small_model(&m);
    }
}

/* A frozen layer keeps its bits, and its gradient stays zero. */
static void test_frozen_layer(void)
{
    small_model m = {.layers = TWO_LAYERS, .input = two_values, .freeze = "hidden"};
    fed_error err = {0};
    fed_compile_options options = {.max_batch = 4};
    fed_optimizer_config config = {.kind = FED_ADAMW, .lr = 0.1, .weight_decay = 0.1};
    if (CHECK_OK(make_small_model(&m, &options, &config, &err), &err)) {
        float before[48], after[2];
        memcpy(before, m.params, sizeof before);
        memcpy(after, m.params + 48, sizeof after);
        CHECK_OK(small_model_step(&m, &xor_batch, NULL, &err), &err);
        CHECK_MEM(m.params, before, sizeof before);
        CHECK(memcmp(m.params + 48, after, sizeof after) != 0);
        for (size_t i = 0; i < 48; i++)
            CHECK(fed_runner_gradient(m.runner)[i] == 0);
        CHECK(!fed_program_find_view(m.program, "hidden.weight")->trainable);
    }
    free_small_model(&m);
}

/* Per-example gradients: each as long as the clip norm at most, summed; unclipped they are
 * the batch gradient times the number of examples. */
static void test_per_example_gradients(void)
{
    small_model m = {.layers = TWO_LAYERS, .input = two_values};
    fed_error err = {0};
    fed_compile_options options = {.max_batch = 4, .per_example = true};
    fed_optimizer_config config = {.kind = FED_SGD, .lr = 0.1};
    if (CHECK_OK(make_small_model(&m, &options, &config, &err), &err)) {
        size_t n = fed_program_param_count(m.program);
        float *g = fed_runner_gradient(m.runner), mean[128];
        uint64_t clipped = 9;
        double loss, wanted, squares = 0, one = 0;
        CHECK_OK(fed_runner_backward(m.runner, m.params, &xor_batch, NULL, &wanted, &err),
                 &err);
        memcpy(mean, g, n * sizeof *g);
        CHECK_OK(fed_runner_gradient_per_example(m.runner, m.params, &xor_batch, 1e6,
                                                 NULL, &loss, &clipped, &err),
                 &err);
        CHECK_EQ(clipped, 0);
        CHECK_NEAR(loss, wanted, 1e-6);
        for (size_t i = 0; i < n; i++)
            CHECK_NEAR(g[i], 4 * mean[i], 1e-5);
        fed_batch first = xor_batch;
        first.count = 1;
        CHECK_OK(fed_runner_gradient_per_example(m.runner, m.params, &first, 0.01, NULL,
                                                 NULL, &clipped, &err),
                 &err);
        CHECK_EQ(clipped, 1);
        for (size_t i = 0; i < n; i++)
            one += (double)g[i] * (double)g[i];
        CHECK_NEAR(sqrt(one), 0.01, 1e-6);
        CHECK_OK(fed_runner_gradient_per_example(m.runner, m.params, &xor_batch, 0.01,
                                                 NULL, NULL, &clipped, &err),
                 &err);
        CHECK_EQ(clipped, 4);
        for (size_t i = 0; i < n; i++)
            squares += (double)g[i] * (double)g[i];
        CHECK(sqrt(squares) <= 0.04 + 1e-6);
        CHECK_FAILS(fed_runner_gradient_per_example(m.runner, m.params, &first, 0, NULL,
                                                    NULL, NULL, &err),
                    FED_E_INVALID, &err, "clip_norm");
    }
    free_small_model(&m);
}

static fed_status scenario(void *ctx)
{
    small_model m = varied[0];
    fed_error err = {0};
    fed_status status;
    (void)ctx;
    status = train_varied(&m, 2, &err);
    free_small_model(&m);
    return status;
}

static void test_every_allocation_may_fail(void)
{
    CHECK(fed_torture(scenario, NULL) > 10);
}

/* A large batch norm model and the running averages that follow its batches. */
static void test_running_averages(void)
{
    small_model m = {.layers = "batch_norm momentum=0.5 | linear units=2",
                     .input = {{1, {1}}, FED_INPUT_FEATURES, 1}};
    fed_error err = {0};
    fed_compile_options options = {.max_batch = 4};
    fed_optimizer_config config = {.kind = FED_SGD, .lr = 1e-9};
    const float x[] = {1, 2, 3, 6};
    const int32_t classes[] = {0, 1, -1, 0};
    fed_batch batch = {4, x, NULL, classes, NULL};
    if (CHECK_OK(make_small_model(&m, &options, &config, &err), &err)) {
        size_t mean = fed_program_find_view(m.program, "batch_norm0.mean")->offset;
        CHECK_OK(small_model_step(&m, &batch, NULL, &err), &err);
        CHECK_NEAR(m.params[mean], 1.5, 1e-6);         /* 0 and 3, half each */
        CHECK_NEAR(m.params[mean + 1], 2.83333, 1e-5); /* 1 and 14/3 */
    }
    free_small_model(&m);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_learns_exclusive_or),
                                     CASE(test_repeats_bit_for_bit),
                                     CASE(test_threads_do_not_matter),
                                     CASE(test_micro_batches_sum_up),
                                     CASE(test_memory_cap),
                                     CASE(test_arena_is_exact),
                                     CASE(test_inference_program),
                                     CASE(test_step_is_gradient_applied),
                                     CASE(test_step_finds_infinite_gradient),
                                     CASE(test_frozen_layer),
                                     CASE(test_per_example_gradients),
                                     CASE(test_every_allocation_may_fail),
                                     CASE(test_running_averages)};
    return fed_run("train", cases, sizeof cases / sizeof *cases);
}
