/*
 * One training step of the benchmark models, beside the faster of two PyTorch versions; the
 * matrix product beside OpenBLAS; peak memory; the share of this core's arithmetic peak. Batches
 * are made beforehand and a step is: zero gradients, forward, loss, backward, SGD.
 *
 * train.sh sets up the reference and says where it is by FED_TORCH_NEW, FED_TORCH_OLD (Python
 * interpreters) and FED_TORCH_SCRIPT.
 */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "autograd.h"
#include "bench.h"
#include "benchmark_models.h"
#include "build_layers.h"
#include "kernels/gemm.h"

typedef struct training {
    fed_graph *graph;
    fed_program *program;
    fed_runner *runner;
    fed_optimizer *optimizer;
    float *params, *features;
    int32_t *tokens, *classes;
    fed_batch batch;
    double flops; /* of one step */
} training;

static const struct row {
    const char *name, *model;
    size_t batch;
    double target, resident_mib; /* 0: no target */
} rows[] = {
    {"mlp", "mlp", 32, 0.40, 4},
    {"2nn", "2nn", 10, 0.37, 0},
    {"cnn", "cnn", 10, 0.75, 20},
    {"cnn_b32", "cnn", 32, 0.75, 0},
    {"lstm", "lstm", 10, 0.42, 24},
    {"depthwise", "depthwise", 32, 0.50, 0},
    {"separable", "separable", 32, 0.55, 0},
    {"transformer", "transformer", 8, 0.80, 0},
};
enum { ROWS = sizeof rows / sizeof *rows };

static void must(fed_status status, const fed_error *err)
{
    if (status == FED_OK) return;
    fprintf(stderr, "bench train: %s\n", err->text);
    exit(1);
}

static training make_training(const struct row *row)
{
    training t = {0};
    fed_error err = {0};
    const benchmark_model *m = benchmark_models;
    while (strcmp(m->name, row->model) != 0)
        m++;
    fed_input input = {m->in, m->vocabulary ? FED_INPUT_TOKENS : FED_INPUT_FEATURES, 1};
    fed_compile_options options = {.max_batch = row->batch};
    fed_optimizer_config sgd = {.kind = FED_SGD, .lr = 0.01};
    must(fed_graph_new(&t.graph, &input, &err), &err);
    must(build_layers(t.graph, m->layers, &err), &err);
    must(fed_graph_set_loss(t.graph, "softmax_cross_entropy", NULL, 0, &err), &err);
    must(fed_program_compile(&t.program, t.graph, &options, &err), &err);
    must(fed_runner_new(&t.runner, t.program, &err), &err);
    must(fed_optimizer_new(&t.optimizer, t.program, &sgd, &err), &err);
    fed_shape out = fed_program_output_shape(t.program);
    size_t in = row->batch * fed_shape_count(&m->in);
    t.params = fed_calloc(fed_program_param_count(t.program), sizeof(float));
    t.features = fed_calloc(in, sizeof(float));
    t.tokens = fed_calloc(in, sizeof(int32_t));
    t.classes = fed_calloc(row->batch * fed_shape_count(&out), sizeof(int32_t));
    fill_golden_params(t.program, t.params);
    fill_golden_batch(m, t.program, 0, row->batch, t.features, t.tokens, t.classes);
    t.batch = (fed_batch){row->batch, t.features, t.tokens, t.classes, NULL};
    for (size_t i = 0; i < fed_program_layer_count(t.program); i++)
        t.flops += 3 * (double)row->batch * fed_program_layer(t.program, i).flops;
    t.flops -=
        (double)row->batch * fed_program_layer(t.program, 0).flops; /* no input grad */
    return t;
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

/* Processor time, not the wall's: both sides use one thread, and other work on the machine
 * would otherwise decide who looks faster. */
static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static void step(void *ctx)
{
    training *t = ctx;
    fed_error err = {0};
    must(fed_runner_step(t->runner, t->optimizer, t->params, &t->batch, NULL, NULL, &err),
         &err);
}

/* Microseconds of a step, over at least 20 milliseconds. */
static double sample_steps(void *ctx)
{
    double start = cpu_us();
    for (double steps = 1;; steps++) {
        step(ctx);
        double spent = cpu_us() - start;
        if (spent >= 20000) return spent / steps;
    }
}

/* ---- PyTorch --------------------------------------------------------------------------- */

typedef struct torch {
    fed_bench_child *child;
    char name[32];
} torch;

static torch start_torch(const char *interpreter_from, const char *origin)
{
    const char *interpreter = getenv(interpreter_from),
               *script = getenv("FED_TORCH_SCRIPT");
    torch t = {NULL, "none"};
    if (!interpreter || !script) return t;
    t.child = fed_bench_child_start((const char *const[]){interpreter, script, NULL});
    double version = fed_bench_child_ask(t.child, "version");
    if (t.child)
        snprintf(t.name, sizeof t.name, "PyTorch %d.%d (%s)", (int)version / 100,
                 (int)version % 100, origin);
    return t;
}

typedef struct question {
    fed_bench_child *child;
    const char *text;
} question;

static double ask(void *ctx)
{
    const question *q = ctx;
    return fed_bench_child_ask(q->child, q->text);
}

/* The version that is faster at this model, by the best of three. */
static const torch *faster(const torch *versions, const char *name)
{
    double best[2] = {INFINITY, INFINITY};
    for (int i = 0; i < 6; i++)
        best[i % 2] = fmin(best[i % 2], fed_bench_child_ask(versions[i % 2].child, name));
    return &versions[best[1] < best[0]];
}

/* ---- memory ---------------------------------------------------------------------------- */

/* What a process has at its peak that trains one model and does nothing else. */
static int print_resident(const char *name)
{
    struct rusage usage;
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, name) != 0) continue;
        training t = make_training(&rows[i]);
        for (int s = 0; s < 5; s++)
            step(&t);
        free_training(&t);
    }
    getrusage(RUSAGE_SELF, &usage);
    printf("%.2f\n", (double)usage.ru_maxrss / 1024);
    return 0;
}

static double resident(const char *program, const char *name)
{
    char command[512];
    double mib = NAN;
    snprintf(command, sizeof command, "'%s' --resident %s", program, name);
    FILE *from = popen(command, "r");
    if (!from) return NAN;
    if (fscanf(from, "%lf", &mib) != 1) mib = NAN;
    pclose(from);
    return mib;
}

/* ---- the matrix product ---------------------------------------------------------------- */

typedef void sgemm(int order, int turn_a, int turn_b, int m, int n, int k, float alpha,
                   const float *a, int lda, const float *b, int ldb, float beta, float *c,
                   int ldc);

typedef struct product {
    size_t m, n, k;
    float *a, *b, *c, *scratch;
    sgemm *reference;
    const fed_path *path;
} product;

static void multiply(void *ctx)
{
    const product *p = ctx;
    p->path->gemm(&(fed_gemm){.m = p->m,
                              .n = p->n,
                              .k = p->k,
                              .a = p->a,
                              .a_row = p->k,
                              .a_col = 1,
                              .b = p->b,
                              .b_row = p->n,
                              .b_col = 1,
                              .c = p->c,
                              .c_row = p->n},
                  p->scratch);
}

static void multiply_reference(void *ctx)
{
    enum { ROW_MAJOR = 101, AS_IT_LIES = 111 };
    const product *p = ctx;
    p->reference(ROW_MAJOR, AS_IT_LIES, AS_IT_LIES, (int)p->m, (int)p->n, (int)p->k, 1,
                 p->a, (int)p->k, p->b, (int)p->n, 0, p->c, (int)p->n);
}

/* GFLOP/s of processor time, over at least 20 milliseconds. */
static double sample_product(const product *p, void (*run)(void *ctx))
{
    double start = cpu_us(), work = 2e-3 * (double)p->m * (double)p->n * (double)p->k;
    for (double times = 1;; times++) {
        run((void *)(uintptr_t)p);
        double spent = cpu_us() - start;
        if (spent >= 20000) return times * work / spent;
    }
}

static double sample_ours(void *ctx)
{
    return sample_product(ctx, multiply);
}

static double sample_reference(void *ctx)
{
    return sample_product(ctx, multiply_reference);
}

static float *noise(size_t n)
{
    float *to = fed_calloc(n, sizeof *to);
    for (size_t i = 0; to && i < n; i++)
        to[i] = hash_noise(1, (uint32_t)i);
    return to;
}

static product make_product(size_t m, size_t n, size_t k)
{
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    product p = {m,
                 n,
                 k,
                 noise(m * k),
                 noise(k * n),
                 noise(m * n),
                 noise(FED_GEMM_SCRATCH),
                 NULL,
                 fed_path_find(fed_kernel_active())};
    void (*set_threads)(int) = NULL;
    if (library) { /* POSIX lets a function's address travel in an object pointer */
        *(void **)&p.reference = dlsym(library, "cblas_sgemm");
        *(void **)&set_threads = dlsym(library, "openblas_set_num_threads");
    }
    if (set_threads) set_threads(1);
    return p;
}

static void free_product(product *p)
{
    fed_free(p->a);
    fed_free(p->b);
    fed_free(p->c);
    fed_free(p->scratch);
}

static void compare_product(fed_bench *b, const char *name, size_t m, size_t n, size_t k,
                            double target)
{
    if (!fed_bench_wanted(b, name)) return;
    product p = make_product(m, n, k);
    fed_bench_run(
        b, &(fed_bench_case){.name = name,
                             .unit = "GFLOP/s",
                             .ours_sampler = sample_ours,
                             .reference_sampler = p.reference ? sample_reference : NULL,
                             .reference_name = "OpenBLAS",
                             .ctx = &p,
                             .target = {FED_BENCH_RATIO_AT_LEAST, target}});
    free_product(&p);
}

/* A product that stays in the first-level cache comes near what the core can do at all. */
static double peak_flops(void)
{
    enum { M = 12, N = 32, K = 256, TIMES = 400, ROUNDS = 200 };
    product p = make_product(M, N, K);
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_us();
        for (int i = 0; i < TIMES; i++)
            multiply(&p);
        best = fmax(best, 2e6 * M * N * K * TIMES / (cpu_us() - start));
    }
    free_product(&p);
    return best;
}

/* ---- rows ------------------------------------------------------------------------------ */

static double best_seconds(training *t)
{
    double best = INFINITY;
    for (int i = 0; i < 50; i++) {
        double start = cpu_us();
        step(t);
        best = fmin(best, cpu_us() - start);
    }
    return best * 1e-6;
}

static void compare_model(fed_bench *b, const struct row *row, const torch *versions,
                          const char *program, double peak)
{
    char text[3][64];
    if (!fed_bench_wanted(b, row->name)) return;
    const torch *reference = faster(versions, row->name);
    training t = make_training(row);
    question q = {reference->child, row->name};
    fed_bench_run(b, &(fed_bench_case){.name = row->name,
                                       .unit = "us",
                                       .ours_sampler = sample_steps,
                                       .ctx = &t,
                                       .reference_sampler = reference->child ? ask : NULL,
                                       .reference_ctx = &q,
                                       .reference_name = reference->name,
                                       .target = {FED_BENCH_RATIO_AT_MOST, row->target}});
    snprintf(text[0], sizeof *text, "%s: share of peak", row->name);
    fed_bench_add(b, &(fed_bench_figure){text[0],
                                         "%",
                                         100 * t.flops / best_seconds(&t) / peak,
                                         NAN,
                                         NULL,
                                         {FED_BENCH_NO_TARGET, 0}});
    snprintf(text[1], sizeof *text, "%s: arena", row->name);
    fed_bench_add(
        b, &(fed_bench_figure){text[1],
                               "MiB",
                               (double)fed_program_memory(t.program).total / 1048576,
                               NAN,
                               NULL,
                               {FED_BENCH_NO_TARGET, 0}});
    free_training(&t);
    if (row->resident_mib <= 0) return;
    char rss[64];
    snprintf(rss, sizeof rss, "rss %s", row->name);
    snprintf(text[2], sizeof *text, "%s: resident", row->name);
    fed_bench_add(b, &(fed_bench_figure){text[2],
                                         "MiB",
                                         resident(program, row->name),
                                         fed_bench_child_ask(reference->child, rss),
                                         reference->name,
                                         {FED_BENCH_OURS_AT_MOST, row->resident_mib}});
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--resident") == 0) return print_resident(argv[2]);
    unsetenv("OPENBLAS_CORETYPE");
    unsetenv("OPENBLAS_L2_SIZE");
    fed_bench *b = fed_bench_start("train", argc, argv);
    torch versions[2] = {start_torch("FED_TORCH_NEW", "PyPI"),
                         start_torch("FED_TORCH_OLD", "Debian")};
    double peak = peak_flops();
    for (size_t i = 0; i < ROWS; i++)
        compare_model(b, &rows[i], versions, argv[0], peak);
    compare_product(b, "product 512 x 512 x 512", 512, 512, 512, 0.95);
    compare_product(b, "product 10 x 1024 x 256", 10, 1024, 256, 2);
    for (int i = 2; i-- > 0;) /* the second holds a copy of the first one's pipe */
        fed_bench_child_stop(versions[i].child);
    return fed_bench_finish(b);
}
