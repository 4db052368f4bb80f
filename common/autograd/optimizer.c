/* One update over the trainable ranges: clip, then what the kind says. */
#include "optimizer.h"

#include <math.h>

#include "kernels/gemm.h"
#include "kernels/update.h"
#include "runner_parts.h"
#include "schedule.h"

struct fed_optimizer {
    const fed_program *program;
    fed_optimizer_config config;
    const float *anchor;
    uint64_t steps;
    double power1, power2; /* beta^steps, by repeated multiplication */
    float *m, *v;
};

int fed_optimizer_from_name(const char *name)
{
    static const char *const names[] = {"sgd", "momentum", "nesterov", "adam", "adamw"};
    for (int i = 0; i < 5; i++)
        if (strcmp(name, names[i]) == 0) return i;
    return -1;
}

static fed_status check(const char *field, double x, bool ok, const char *bound,
                        fed_error *err)
{
    if (ok && isfinite(x)) return FED_OK;
    return fed_fail(err, FED_E_INVALID, "%s: %g is not %s", field, x, bound);
}

fed_status fed_optimizer_check(const fed_optimizer_config *c, fed_error *err)
{
    if (c->kind < FED_SGD || c->kind > FED_ADAMW)
        return fed_fail(err, FED_E_INVALID, "kind: %d is none", (int)c->kind);
    FED_TRY(check("lr", c->lr, c->lr > 0, "above 0", err));
    FED_TRY(check("momentum", c->momentum, c->momentum >= 0 && c->momentum < 1,
                  "in [0, 1)", err));
    FED_TRY(check("beta1", c->beta1, c->beta1 >= 0 && c->beta1 < 1, "in [0, 1)", err));
    FED_TRY(check("beta2", c->beta2, c->beta2 >= 0 && c->beta2 < 1, "in [0, 1)", err));
    FED_TRY(check("epsilon", c->epsilon, c->epsilon >= 0, "at least 0", err));
    FED_TRY(
        check("weight_decay", c->weight_decay, c->weight_decay >= 0, "at least 0", err));
    FED_TRY(check("clip_norm", c->clip_norm, c->clip_norm >= 0, "at least 0", err));
    FED_TRY(check("proximal", c->proximal, c->proximal >= 0, "at least 0", err));
    return fed_schedule_check(c, err);
}

static size_t moments(const fed_optimizer_config *c)
{
    return c->kind == FED_SGD ? 0 : c->kind >= FED_ADAM ? 2 : 1;
}

size_t fed_optimizer_state_bytes(const fed_optimizer_config *config, size_t params)
{
    return moments(config) * params * sizeof(float);
}

fed_status fed_optimizer_new(fed_optimizer **out, const fed_program *program,
                             const fed_optimizer_config *config, fed_error *err)
{
    FED_TRY(fed_optimizer_check(config, err));
    size_t n = program->n_params;
    size_t bytes = sizeof(fed_optimizer) + fed_optimizer_state_bytes(config, n);
    fed_optimizer *o = fed_malloc(bytes);
    if (!o) return fed_fail_nomem(err, bytes);
    *o = (fed_optimizer){.program = program, .config = *config};
    if (!o->config.beta1 && !o->config.beta2)
        o->config.beta1 = 0.9, o->config.beta2 = 0.999;
    if (!o->config.epsilon) o->config.epsilon = 1e-8;
    if (moments(config) > 0) o->m = (float *)(void *)(o + 1);
    if (moments(config) > 1) o->v = o->m + n;
    fed_optimizer_reset(o);
    *out = o;
    return FED_OK;
}

void fed_optimizer_free(fed_optimizer *o)
{
    fed_free(o);
}

void fed_optimizer_reset(fed_optimizer *o)
{
    o->steps = 0;
    o->power1 = o->power2 = 1;
    if (o->m)
        memset(o->m, 0, fed_optimizer_state_bytes(&o->config, o->program->n_params));
}

void fed_optimizer_set_anchor(fed_optimizer *o, const float *anchor)
{
    o->anchor = anchor;
}

uint64_t fed_optimizer_steps(const fed_optimizer *o)
{
    return o->steps;
}

double fed_optimizer_next_lr(const fed_optimizer *o)
{
    return fed_schedule_lr(&o->config, o->steps);
}

/* Scale the gradient down to clip_norm. */
static fed_status clip(fed_optimizer *o, float *gradient, fed_error *err)
{
    const fed_program *p = o->program;
    double squares = 0;
    for (size_t r = 0; r < p->n_trainable; r++)
        squares += p->path->sum_squares(p->trainable[r].to - p->trainable[r].from,
                                        gradient + p->trainable[r].from);
    if (!isfinite(squares))
        return fed_fail(err, FED_E_NUMERIC, "gradient: its norm is %g", sqrt(squares));
    double norm = sqrt(squares);
    if (norm <= o->config.clip_norm) return FED_OK;
    float factor = (float)(o->config.clip_norm / norm);
    for (size_t r = 0; r < p->n_trainable; r++) {
        float *g = gradient + p->trainable[r].from;
        p->path->scale(p->trainable[r].to - p->trainable[r].from, factor, g, g);
    }
    return FED_OK;
}

bool fed_optimizer_is_plain(const fed_optimizer *o)
{
    const fed_optimizer_config *c = &o->config;
    return c->kind == FED_SGD && c->clip_norm == 0 && c->weight_decay == 0 &&
           c->proximal == 0;
}

/* Update a trainable range but for the parameters that layers moved themselves. Nodes lie in the
 * order of their parameters. */
static bool update_range(const fed_program *p, const fed_update *u, fed_range range,
                         bool stepped, size_t count)
{
    bool finite = true;
    for (size_t i = 0; stepped && i < p->n_nodes; i++) {
        const fed_node *node = &p->nodes[i];
        const fed_param *moved = &node->params[0];
        if (!fed_node_takes_step(node, count) || moved->offset < range.from ||
            moved->offset >= range.to)
            continue;
        finite &= p->path->update(u, range.from, moved->offset);
        range.from = moved->offset + fed_shape_count(&moved->shape);
    }
    return p->path->update(u, range.from, range.to) && finite;
}

fed_status fed_optimizer_apply(fed_optimizer *o, float *params, float *gradient,
                               fed_error *err)
{
    return fed_optimizer_apply_rest(o, params, gradient, NULL, 0, err);
}

fed_status fed_optimizer_apply_rest(fed_optimizer *o, float *params, float *gradient,
                                    const fed_step *step, size_t count, fed_error *err)
{
    const fed_program *p = o->program;
    const fed_optimizer_config *c = &o->config;
    if (c->proximal > 0 && !o->anchor)
        return fed_fail(err, FED_E_STATE, "proximal: no anchor was set");
    if (c->clip_norm > 0) FED_TRY(clip(o, gradient, err));
    double lr = fed_optimizer_next_lr(o);
    o->steps++;
    o->power1 *= c->beta1, o->power2 *= c->beta2;
    fed_update u = {.kind = (int)c->kind,
                    .params = params,
                    .gradient = gradient,
                    .m = o->m,
                    .v = o->v,
                    .anchor = c->proximal > 0 ? o->anchor : NULL,
                    .lr = (float)lr,
                    .momentum = (float)c->momentum,
                    .beta1 = (float)c->beta1,
                    .beta2 = (float)c->beta2,
                    .epsilon = (float)c->epsilon,
                    .decay = (float)c->weight_decay,
                    .proximal = (float)c->proximal,
                    .fresh1 = (float)(1 / (1 - o->power1)),
                    .fresh2 = (float)(1 / (1 - o->power2))};
    bool finite = !step || step->finite;
    for (size_t r = 0; r < p->n_trainable; r++)
        finite &= update_range(p, &u, p->trainable[r], step != NULL, count);
    if (finite) return FED_OK;
    return fed_fail(err, FED_E_NUMERIC, "gradient: NaN or infinite at step %llu",
                    (unsigned long long)o->steps);
}
