/* Optimisers against their formulas in double, on a fixed gradient; schedules; refusals. */
#include "harness.h"

#include "small_model.h"

enum { N = 40, STEPS = 7 };

/* One step of the formulas in double. */
static void exact_step(const fed_optimizer_config *c, int t, double lr,
                       const float *gradient, const float *anchor, double *w, double *m,
                       double *v)
{
    double norm = 0, factor = 1;
    for (size_t i = 0; i < N; i++)
        norm += (double)gradient[i] * (double)gradient[i];
    norm = sqrt(norm);
    if (c->clip_norm > 0 && norm > c->clip_norm) factor = c->clip_norm / norm;
    for (size_t i = 0; i < N; i++) {
        double g = factor * (double)gradient[i];
        if (c->kind != FED_ADAMW) g += c->weight_decay * w[i];
        if (c->proximal > 0) g += c->proximal * (w[i] - (double)anchor[i]);
        switch (c->kind) {
        case FED_SGD:
            w[i] -= lr * g;
            break;
        case FED_MOMENTUM:
            m[i] = c->momentum * m[i] + g;
            w[i] -= lr * m[i];
            break;
        case FED_NESTEROV:
            m[i] = c->momentum * m[i] + g;
            w[i] -= lr * (g + c->momentum * m[i]);
            break;
        default:
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            if (c->kind == FED_ADAMW) w[i] -= lr * c->weight_decay * w[i];
            w[i] -=
                lr * m[i] / (1 - pow(0.9, t)) / (sqrt(v[i] / (1 - pow(0.999, t))) + 1e-8);
        }
    }
}

static void check_optimizer(const fed_optimizer_config *config, const char *kernel)
{
    small_model m = {.layers = "linear units=10",
                     .input = {{1, {3}}, FED_INPUT_FEATURES, 1}};
    fed_error err = {0};
    fed_compile_options options = {.max_batch = 1, .kernel = kernel};
    double w[N], first[N] = {0}, second[N] = {0};
    float gradient[N], anchor[N];
    uint32_t state = 6;
    if (CHECK_OK(make_small_model(&m, &options, config, &err), &err) &&
        CHECK_EQ(fed_program_param_count(m.program), N)) {
        memcpy(anchor, m.params, sizeof anchor);
        fed_optimizer_set_anchor(m.optimizer, anchor);
        for (size_t i = 0; i < N; i++)
            w[i] = (double)m.params[i];
        for (int t = 1; t <= STEPS; t++) {
            for (size_t i = 0; i < N; i++)
                gradient[i] = test_noise(&state);
            double lr = fed_optimizer_next_lr(m.optimizer);
            exact_step(config, t, lr, gradient, anchor, w, first, second);
            CHECK_OK(fed_optimizer_apply(m.optimizer, m.params, gradient, &err), &err);
        }
        CHECK_EQ(fed_optimizer_steps(m.optimizer), STEPS);
        for (size_t i = 0; i < N; i++)
            CHECK_NEAR(m.params[i], w[i], 2e-6);
    }
    free_small_model(&m);
}

static void test_formulas(void)
{
    static const char *const kernels[] = {"scalar", "neon", "avx2", "avx512"};
    for (int kind = FED_SGD; kind <= FED_ADAMW; kind++)
        for (int k = 0; k < 4; k++) {
            fed_optimizer_config c = {
                .kind = (fed_optimizer_kind)kind, .lr = 0.05, .momentum = 0.9};
            if (!fed_kernel_available((fed_kernel)k)) continue;
            check_optimizer(&c, kernels[k]);
            c.weight_decay = 0.1, c.clip_norm = 1.5, c.proximal = 0.3;
            check_optimizer(&c, kernels[k]);
        }
}

static fed_optimizer *make_optimizer(small_model *m, const fed_optimizer_config *c)
{
    fed_error err = {0};
    fed_compile_options options = {.max_batch = 1};
    return CHECK_OK(make_small_model(m, &options, c, &err), &err) ? m->optimizer : NULL;
}

/* The learning rates of the first steps of a schedule. */
static void check_schedule(const fed_optimizer_config *c, const double *wanted, size_t n)
{
    small_model m = {.layers = "linear units=10",
                     .input = {{1, {3}}, FED_INPUT_FEATURES, 1}};
    fed_optimizer *o = make_optimizer(&m, c);
    for (size_t i = 0; o && i < n; i++) {
        float gradient[N] = {0};
        CHECK_NEAR(fed_optimizer_next_lr(o), wanted[i], 1e-12);
        CHECK_EQ(fed_optimizer_apply(o, m.params, gradient, NULL), FED_OK);
    }
    if (o) {
        fed_optimizer_reset(o);
        CHECK_NEAR(fed_optimizer_next_lr(o), wanted[0], 1e-12);
    }
    free_small_model(&m);
}

static void test_schedules(void)
{
    fed_optimizer_config c = {.kind = FED_SGD, .lr = 1};
    c.warmup_steps = 2;
    check_schedule(&c, (const double[]){0.5, 1, 1, 1}, 4);
    c = (fed_optimizer_config){.kind = FED_SGD,
                               .lr = 1,
                               .schedule = FED_SCHEDULE_LINEAR,
                               .total_steps = 4,
                               .lr_min = 0.2};
    check_schedule(&c, (const double[]){1, 0.8, 0.6, 0.4, 0.2, 0.2}, 6);
    c.schedule = FED_SCHEDULE_COSINE, c.lr_min = 0;
    double half = sqrt(0.5) / 2;
    check_schedule(&c, (const double[]){1, 0.5 + half, 0.5, 0.5 - half, 0, 0}, 6);
    c = (fed_optimizer_config){.kind = FED_SGD,
                               .lr = 1,
                               .schedule = FED_SCHEDULE_STEP,
                               .decay = 0.5,
                               .decay_every = 2};
    check_schedule(&c, (const double[]){1, 1, 0.5, 0.5, 0.25}, 5);
}

static void test_refusals(void)
{
    static const struct {
        fed_optimizer_config c;
        const char *part;
    } bad[] = {
        {{.kind = FED_SGD}, "lr: 0 is not above 0"},
        {{.kind = FED_SGD, .lr = INFINITY}, "lr: inf"},
        {{.kind = (fed_optimizer_kind)9, .lr = 1}, "kind: 9"},
        {{.kind = FED_MOMENTUM, .lr = 1, .momentum = 1}, "momentum: 1 is not in [0, 1)"},
        {{.kind = FED_ADAM, .lr = 1, .beta2 = -1}, "beta2: -1"},
        {{.kind = FED_SGD, .lr = 1, .weight_decay = -1}, "weight_decay: -1"},
        {{.kind = FED_SGD, .lr = 1, .clip_norm = NAN}, "clip_norm: nan"},
        {{.kind = FED_SGD, .lr = 1, .proximal = -1}, "proximal: -1"},
        {{.kind = FED_SGD, .lr = 1, .schedule = FED_SCHEDULE_COSINE}, "total_steps: 0"},
        {{.kind = FED_SGD,
          .lr = 1,
          .schedule = FED_SCHEDULE_LINEAR,
          .total_steps = 1,
          .lr_min = 2},
         "lr_min: 2"},
        {{.kind = FED_SGD, .lr = 1, .schedule = FED_SCHEDULE_STEP}, "decay_every: 0"},
        {{.kind = FED_SGD,
          .lr = 1,
          .schedule = FED_SCHEDULE_STEP,
          .decay_every = 1,
          .decay = 2},
         "decay: 2"},
        {{.kind = FED_SGD, .lr = 1, .schedule = (fed_schedule)7}, "schedule: 7"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fed_error err = {0};
        CHECK_FAILS(fed_optimizer_check(&bad[i].c, &err), FED_E_INVALID, &err,
                    bad[i].part);
    }
    CHECK_EQ(fed_optimizer_from_name("adamw"), FED_ADAMW);
    CHECK_EQ(fed_optimizer_from_name("sgdd"), -1);
}

static void test_gradients_that_are_none(void)
{
    fed_optimizer_config plain = {.kind = FED_SGD, .lr = 1};
    fed_optimizer_config clipping = {.kind = FED_SGD, .lr = 1, .clip_norm = 1};
    fed_optimizer_config pulling = {.kind = FED_SGD, .lr = 1, .proximal = 1};
    const fed_optimizer_config *configs[] = {&plain, &clipping, &pulling};
    for (size_t i = 0; i < 3; i++) {
        small_model m = {.layers = "linear units=10",
                         .input = {{1, {3}}, FED_INPUT_FEATURES, 1}};
        fed_optimizer *o = make_optimizer(&m, configs[i]);
        float gradient[N] = {0};
        fed_error err = {0};
        gradient[N - 1] = NAN;
        if (o)
            CHECK_FAILS(fed_optimizer_apply(o, m.params, gradient, &err),
                        i < 2 ? FED_E_NUMERIC : FED_E_STATE, &err,
                        i < 2 ? "gradient" : "proximal: no anchor");
        free_small_model(&m);
    }
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_formulas), CASE(test_schedules),
                                     CASE(test_refusals),
                                     CASE(test_gradients_that_are_none)};
    return fed_run("optimizers", cases, sizeof cases / sizeof *cases);
}
