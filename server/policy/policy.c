#include "policy.h"

#include <math.h>
#include <string.h>

struct fed_policy {
    fed_plan_strategy_name name;
    float lr, momentum, beta1, beta2, tau;
    size_t params;
    float *first, *second; /* moments; NULL when the strategy has none */
};

static bool has_first(fed_plan_strategy_name name)
{
    return name == FED_STRATEGY_FEDAVGM || name == FED_STRATEGY_FEDADAGRAD ||
           name == FED_STRATEGY_FEDADAM || name == FED_STRATEGY_FEDYOGI;
}

static bool has_second(fed_plan_strategy_name name)
{
    return has_first(name) && name != FED_STRATEGY_FEDAVGM;
}

static bool is_built(fed_plan_strategy_name name)
{
    return name == FED_STRATEGY_FEDAVG || name == FED_STRATEGY_FEDPROX || has_first(name);
}

fed_status fed_policy_new(fed_policy **out, const fed_plan_strategy *strategy,
                          size_t params, fed_error *err)
{
    *out = NULL;
    if (!is_built(strategy->name))
        return fed_fail(err, FED_E_UNSUPPORTED,
                        "strategy.name: number %d is not carried out yet",
                        strategy->name);
    fed_policy *p = fed_calloc(1, sizeof *p);
    if (!p) return fed_fail_nomem(err, sizeof *p);
    *p = (fed_policy){.name = strategy->name,
                      .lr = (float)strategy->server_lr,
                      .momentum = (float)strategy->momentum,
                      .beta1 = (float)strategy->beta1,
                      .beta2 = (float)strategy->beta2,
                      .tau = (float)strategy->tau,
                      .params = params};
    if (has_first(p->name)) p->first = fed_calloc(params, sizeof *p->first);
    if (has_second(p->name)) p->second = fed_calloc(params, sizeof *p->second);
    if ((has_first(p->name) && !p->first) || (has_second(p->name) && !p->second)) {
        fed_policy_free(p);
        return fed_fail_nomem(err, params * sizeof(float));
    }
    for (size_t i = 0; p->second && i < params; i++)
        p->second[i] = p->tau * p->tau; /* v_{-1} >= τ² */
    *out = p;
    return FED_OK;
}

void fed_policy_free(fed_policy *p)
{
    if (!p) return;
    fed_free(p->first);
    fed_free(p->second);
    fed_free(p);
}

static void apply_average(const fed_policy *p, float *x, const float *mean)
{
    for (size_t i = 0; i < p->params; i++)
        x[i] += p->lr * mean[i];
}

static void apply_momentum(fed_policy *p, float *x, const float *mean)
{
    for (size_t i = 0; i < p->params; i++) {
        p->first[i] = p->momentum * p->first[i] + mean[i];
        x[i] += p->lr * p->first[i];
    }
}

static float second_moment(const fed_policy *p, float v, float square)
{
    switch (p->name) {
    case FED_STRATEGY_FEDADAGRAD:
        return v + square;
    case FED_STRATEGY_FEDYOGI: {
        float sign = v > square ? 1.0f : v < square ? -1.0f : 0.0f;
        return v - (1 - p->beta2) * square * sign;
    }
    default:
        return p->beta2 * v + (1 - p->beta2) * square;
    }
}

static void apply_adaptive(fed_policy *p, float *x, const float *mean)
{
    for (size_t i = 0; i < p->params; i++) {
        p->first[i] = p->beta1 * p->first[i] + (1 - p->beta1) * mean[i];
        p->second[i] = second_moment(p, p->second[i], mean[i] * mean[i]);
        x[i] += p->lr * p->first[i] / (sqrtf(p->second[i]) + p->tau);
    }
}

void fed_policy_apply(fed_policy *p, float *x, const float *mean)
{
    if (p->second)
        apply_adaptive(p, x, mean);
    else if (p->first)
        apply_momentum(p, x, mean);
    else
        apply_average(p, x, mean);
}

static void put_floats(fed_bytes *out, const float *values, size_t n)
{
    for (size_t i = 0; values && i < n; i++)
        fed_bytes_put_f32(out, values[i]);
}

fed_status fed_policy_encode(const fed_policy *p, fed_bytes *out, fed_error *err)
{
    put_floats(out, p->first, p->params);
    put_floats(out, p->second, p->params);
    return out->status ? fed_fail(err, out->status, "strategy: its state does not fit")
                       : FED_OK;
}

static void get_floats(fed_reader *r, float *values, size_t n)
{
    for (size_t i = 0; values && i < n; i++)
        values[i] = fed_reader_f32(r);
}

fed_status fed_policy_restore(fed_policy *p, fed_span bytes, fed_error *err)
{
    size_t wanted =
        p->params * sizeof(float) * ((p->first != NULL) + (p->second != NULL));
    if (bytes.len != wanted)
        return fed_fail(err, FED_E_FORMAT, "strategy: a state of %zu bytes, wanted %zu",
                        bytes.len, wanted);
    fed_reader r;
    fed_reader_init(&r, bytes.data, bytes.len);
    get_floats(&r, p->first, p->params);
    get_floats(&r, p->second, p->params);
    return FED_OK;
}
