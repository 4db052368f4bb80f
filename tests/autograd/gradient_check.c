#include "gradient_check.h"

#include <stdio.h>

/* All that one case works with. */
typedef struct check_state {
    const gradient_case *c;
    fed_graph *graph;
    fed_program *program;
    fed_runner *runner;
    size_t n_in, n_out, n_params;
    float *x, *params, *targets, *y;
    int32_t *tokens;
    double *exact_x, *exact_params, *exact_y;
} check_state;

static double *widen(const float *from, size_t n)
{
    double *to = fed_calloc(n + 1, sizeof *to);
    for (size_t i = 0; to && i < n; i++)
        to[i] = (double)from[i];
    return to;
}

static void free_state(check_state *s)
{
    fed_runner_free(s->runner);
    fed_program_free(s->program);
    fed_graph_free(s->graph);
    fed_free(s->x);
    fed_free(s->params);
    fed_free(s->targets);
    fed_free(s->y);
    fed_free(s->tokens);
    fed_free(s->exact_x);
    fed_free(s->exact_params);
    fed_free(s->exact_y);
}

static float *noise(size_t n, uint32_t seed)
{
    float *to = fed_calloc(n + 1, sizeof *to);
    for (size_t i = 0; to && i < n; i++)
        to[i] = test_noise(&seed);
    return to;
}

static fed_status make_state(check_state *s, const gradient_case *c,
                             const fed_compile_options *options, fed_error *err)
{
    fed_input input = {c->in, c->vocabulary ? FED_INPUT_TOKENS : FED_INPUT_FEATURES, 1};
    *s = (check_state){.c = c};
    FED_TRY(fed_graph_new(&s->graph, &input, err));
    FED_TRY(build_layers(s->graph, c->layers, err));
    FED_TRY(fed_graph_set_loss(s->graph, "mean_squared_error", NULL, 0, err));
    FED_TRY(fed_program_compile(&s->program, s->graph, options, err));
    FED_TRY(fed_runner_new(&s->runner, s->program, err));
    fed_shape out = fed_program_output_shape(s->program);
    s->n_in = CHECK_BATCH * fed_shape_count(&c->in);
    s->n_out = CHECK_BATCH * fed_shape_count(&out);
    s->n_params = fed_program_param_count(s->program);
    s->x = noise(s->n_in, 1);
    s->params = noise(s->n_params, 2);
    s->targets = noise(s->n_out, 3);
    s->y = noise(s->n_out, 4);
    s->tokens = fed_calloc(s->n_in, sizeof *s->tokens);
    for (size_t i = 0; i < s->n_in && c->vocabulary; i++)
        s->tokens[i] = (int32_t)(i * 7 % c->vocabulary);
    s->exact_x = widen(s->x, s->n_in);
    s->exact_params = widen(s->params, s->n_params);
    s->exact_y = fed_calloc(s->n_out, sizeof *s->exact_y);
    return FED_OK;
}

/* The reference's loss at the present values of exact_x and exact_params. */
static double exact_loss(check_state *s)
{
    reference r = {.batch = CHECK_BATCH,
                   .in = s->c->in,
                   .x = s->exact_x,
                   .tokens = s->tokens,
                   .y = s->exact_y};
    r.out = fed_program_output_shape(s->program);
    for (size_t i = 0; i < fed_program_view_count(s->program); i++)
        r.p[i] = s->exact_params + fed_program_view(s->program, i)->offset;
    char op[64];
    fed_attr_value given[FED_ATTRS_MAX];
    char copy[1024], *rest = NULL, *word;
    size_t n = 0;
    snprintf(copy, sizeof copy, "%s", s->c->layers);
    copy[strcspn(copy, "|")] = 0;
    word = strtok_r(copy, " ", &rest);
    snprintf(op, sizeof op, "%s", word);
    while ((word = strtok_r(NULL, " ", &rest)))
        if (*word != '<' && *word != '@') given[n++] = parse_attr(word);
    if (fed_op_resolve(fed_op_find(op), given, n, r.attrs, NULL) != FED_OK) return NAN;
    s->c->compute(&r);
    double loss = 0;
    for (size_t i = 0; i < s->n_out; i++)
        loss += (r.y[i] - (double)s->targets[i]) * (r.y[i] - (double)s->targets[i]);
    return loss / (double)s->n_out;
}

/* Compare a gradient with central differences of the reference's loss. */
static void compare(check_state *s, const char *what, double *values,
                    const float *gradient, size_t n)
{
    double tolerance = s->c->tolerance > 0 ? s->c->tolerance : 1e-4, most = 0, worst = 0;
    double *exact = fed_calloc(n + 1, sizeof *exact);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        double keep = values[i], step = 1e-5;
        values[i] = keep + step;
        double above = exact_loss(s);
        values[i] = keep - step;
        double below = exact_loss(s);
        values[i] = keep;
        exact[i] = (above - below) / (2 * step);
        most = fmax(most, fabs(exact[i]));
    }
    for (size_t i = 0; i < n; i++)
        if (!(fabs(exact[i] - (double)gradient[i]) <= worst))
            worst = fabs(exact[i] - (double)gradient[i]), at = i;
    CHECK_MSG(worst <= tolerance * most + 1e-7,
              "\"%s\" on %s: gradient of %s at %zu is %g, wanted %g", s->c->layers,
              fed_program_kernel(s->program), what, at, n ? (double)gradient[at] : 0,
              n ? exact[at] : 0);
    fed_free(exact);
}

static void compare_all(check_state *s, bool with_input)
{
    const float *gradient = fed_runner_gradient(s->runner);
    for (size_t i = 0; i < fed_program_view_count(s->program); i++) {
        const fed_param_view *view = fed_program_view(s->program, i);
        if (view->trainable)
            compare(s, view->name, s->exact_params + view->offset,
                    gradient + view->offset, view->count);
    }
    if (with_input)
        compare(s, "input", s->exact_x, fed_runner_input_gradient(s->runner), s->n_in);
}

static void check_on(const gradient_case *c, const char *kernel, size_t max_batch)
{
    check_state s;
    fed_error err = {0};
    bool whole = max_batch >= CHECK_BATCH && !c->vocabulary;
    fed_compile_options options = {
        .max_batch = max_batch, .kernel = kernel, .input_gradient = whole};
    if (CHECK_OK(make_state(&s, c, &options, &err), &err)) {
        fed_batch batch = {.count = CHECK_BATCH,
                           .features = s.x,
                           .tokens = s.tokens,
                           .values = s.targets};
        double loss = 0, wanted = exact_loss(&s), worst = 0;
        CHECK_OK(fed_runner_backward(s.runner, s.params, &batch, NULL, &loss, &err),
                 &err);
        CHECK_MSG(fabs(loss - wanted) <= 1e-5 * (1 + fabs(wanted)),
                  "\"%s\" on %s: loss %.9g, wanted %.9g", c->layers, kernel, loss,
                  wanted);
        compare_all(&s, whole);
        if (c->batch_pieces != 1) {
            CHECK_OK(fed_runner_infer(s.runner, s.params, &batch, s.y, &err), &err);
            exact_loss(&s);
            for (size_t i = 0; i < s.n_out; i++)
                worst = fmax(worst, fabs((double)s.y[i] - s.exact_y[i]) /
                                        (1 + fabs(s.exact_y[i])));
            CHECK_MSG(worst <= 1e-5, "\"%s\" on %s: output off by %g", c->layers, kernel,
                      worst);
        }
    }
    free_state(&s);
}

void check_gradients(const gradient_case *c)
{
    for (int k = 0; k <= FED_KERNEL_AVX512; k++) {
        if (!fed_kernel_available((fed_kernel)k)) continue;
        check_on(c, fed_kernel_name((fed_kernel)k), CHECK_BATCH);
        if (c->batch_pieces != 1) check_on(c, fed_kernel_name((fed_kernel)k), 3);
    }
}
