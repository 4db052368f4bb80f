/*
 * What is unsound in a plan although each field is within its bounds, whatever the derived
 * numbers come to. Each rule is a function that refuses with the reason. What needs derived
 * numbers (modulus, noise, thresholds), and what is not built, is the task room's to refuse.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plan_nearest.h"
#include "plan_values.h"

typedef fed_status rule(const fed_plan *plan, fed_error *err);

static bool is_integer_update(const fed_plan *plan)
{
    return plan->update.bits != FED_PLAN_SIGN && plan->update.bits != FED_PLAN_FLOAT32;
}

static const char *bits_word(const fed_plan *plan)
{
    return plan->update.bits == FED_PLAN_SIGN ? "sign" : "float32";
}

int64_t fed_plan_colluders(const fed_plan *plan)
{
    if (plan->privacy.colluders != FED_PLAN_SAME) return plan->privacy.colluders;
    if (!plan->secagg.enabled) return 0;
    return (int64_t)floor(plan->secagg.corrupt * (double)fed_plan_invited(plan) + 1e-9);
}

int64_t fed_plan_invited(const fed_plan *plan)
{
    /* 100 · 1.1 is 110.00000000000001 in binary: a product that close is meant to be whole. */
    double wanted = (double)plan->rounds.cohort * plan->rounds.over_select;
    return (int64_t)ceil(wanted * (1 - 1e-12));
}

/* ---- training ---- */

static bool has_layer(const fed_plan_model *model, const char *name)
{
    for (size_t i = 0; i < model->n_layers; i++)
        if (!strcmp(model->layers[i].name, name)) return true;
    return false;
}

static fed_status check_freeze(const fed_plan *plan, fed_error *err)
{
    const fed_plan_names *freeze = &plan->train.freeze;
    for (size_t i = 0; i < freeze->n; i++) {
        if (has_layer(&plan->model, freeze->items[i])) continue;
        fed_plan_nearest near;
        char hint[FED_PLAN_HINT];
        fed_plan_nearest_init(&near, freeze->items[i]);
        for (size_t j = 0; j < plan->model.n_layers; j++)
            fed_plan_nearest_offer(&near, plan->model.layers[j].name,
                                   plan->model.layers[j].name, 0);
        fed_plan_nearest_text(&near, hint, sizeof hint);
        return fed_fail(err, FED_E_INVALID,
                        "train.freeze[%zu]: no layer is called \"%s\"%s", i,
                        freeze->items[i], hint);
    }
    return FED_OK;
}

static fed_status check_momentum(const fed_plan *plan, fed_error *err)
{
    if (plan->train.optimizer != FED_SGD || plan->train.momentum == 0) return FED_OK;
    return fed_fail(err, FED_E_REFUSED,
                    "train.momentum: %g has no effect with train.optimizer \"sgd\"; "
                    "\"momentum\" or \"nesterov\" has one",
                    plan->train.momentum);
}

static fed_status check_schedule(const fed_plan *plan, fed_error *err)
{
    const fed_plan_train *train = &plan->train;
    if (train->schedule == FED_SCHEDULE_STEP && train->decay_rounds == FED_PLAN_ALL)
        return fed_fail(
            err, FED_E_REFUSED,
            "train.decay_rounds: with train.schedule \"step\" it must say after "
            "how many rounds the learning rate falls");
    if (train->warmup_rounds > plan->rounds.count)
        return fed_fail(
            err, FED_E_REFUSED,
            "train.warmup_rounds: %lld is above rounds.count, %lld: the learning "
            "rate would never be reached",
            (long long)train->warmup_rounds, (long long)plan->rounds.count);
    return FED_OK;
}

static fed_status check_time(const fed_plan *plan, fed_error *err)
{
    if (plan->train.max_s <= plan->rounds.deadline_s) return FED_OK;
    return fed_fail(
        err, FED_E_REFUSED,
        "train.max_s: %lld is above rounds.deadline_s, %lld: a device that took "
        "its time would always be too late",
        (long long)plan->train.max_s, (long long)plan->rounds.deadline_s);
}

/* ---- update and secure aggregation ---- */

static fed_status check_linear_under_masks(const fed_plan *plan, fed_error *err)
{
    if (!plan->secagg.enabled) return FED_OK;
    if (plan->update.select == FED_SELECT_TOP_K)
        return fed_fail(
            err, FED_E_REFUSED,
            "update.select: \"top_k\" with secure aggregation: each device's own "
            "choice of coordinates would show what changed on it, and choices "
            "that differ cannot be summed; \"voted\" and \"rand_k\" can");
    if (!is_integer_update(plan))
        return fed_fail(
            err, FED_E_REFUSED,
            "update.bits: \"%s\" with secure aggregation: masks hide integers "
            "of one public scale; choose 1 to 16",
            bits_word(plan));
    return FED_OK;
}

static fed_status check_masked_cohort(const fed_plan *plan, fed_error *err)
{
    if (!plan->secagg.enabled) return FED_OK;
    if (plan->rounds.cohort < 3)
        return fed_fail(
            err, FED_E_REFUSED,
            "rounds.cohort: %lld is below 3: with secure aggregation a sum of two "
            "shows each of them the other",
            (long long)plan->rounds.cohort);
    /* A threshold of k shares must be above (1 + corrupt)·k/2, or two disjoint halves could
     * each reveal, and at most (1 − dropout)·k, or the survivors could not. */
    double corrupt = plan->secagg.corrupt, dropout = plan->secagg.dropout;
    if ((1 + corrupt) / 2 >= 1 - dropout)
        return fed_fail(
            err, FED_E_REFUSED,
            "secagg.dropout: %g with secagg.corrupt %g: no threshold is above "
            "half of the honest and corrupt holders and within the survivors; "
            "2·dropout + corrupt must stay below 1",
            dropout, corrupt);
    return FED_OK;
}

static fed_status check_cohort(const fed_plan *plan, fed_error *err)
{
    const fed_plan_rounds *rounds = &plan->rounds;
    if (fed_plan_invited(plan) > FED_PLAN_MAX_INVITED)
        return fed_fail(err, FED_E_REFUSED,
                        "rounds.over_select: %g times rounds.cohort %lld invites %lld "
                        "devices, above %d",
                        rounds->over_select, (long long)rounds->cohort,
                        (long long)fed_plan_invited(plan), FED_PLAN_MAX_INVITED);
    if (rounds->min_survivors > rounds->cohort)
        return fed_fail(err, FED_E_REFUSED,
                        "rounds.min_survivors: %lld is above rounds.cohort, %lld",
                        (long long)rounds->min_survivors, (long long)rounds->cohort);
    return FED_OK;
}

/* ---- server ---- */

static fed_status check_strategy(const fed_plan *plan, fed_error *err)
{
    const fed_plan_strategy *s = &plan->strategy;
    if (s->name == FED_STRATEGY_FEDPROX && plan->train.prox_mu == 0)
        return fed_fail(
            err, FED_E_REFUSED,
            "train.prox_mu: 0 with strategy.name \"fedprox\", whose device half "
            "it is");
    if (s->name == FED_STRATEGY_FEDBUFF && plan->rounds.max_staleness == 0)
        return fed_fail(
            err, FED_E_REFUSED,
            "rounds.max_staleness: 0 with strategy.name \"fedbuff\", which lives "
            "on stale updates");
    return FED_OK;
}

/* Only versions that stand on one grid differ by whole numbers. */
static fed_status check_download(const fed_plan *plan, fed_error *err)
{
    const fed_plan_download *d = &plan->download;
    if (d->fraction_bits != FED_PLAN_NONE || !d->differences) return FED_OK;
    return fed_fail(err, FED_E_REFUSED,
                    "download.differences: %lld with download.fraction_bits \"none\"; "
                    "differences need a grid: say 0, or choose 1 to 24 bits",
                    (long long)d->differences);
}

static fed_status check_evaluate(const fed_plan *plan, fed_error *err)
{
    const fed_plan_evaluate *e = &plan->evaluate;
    if (e->on == FED_EVALUATE_NONE || e->every <= plan->rounds.count) return FED_OK;
    return fed_fail(err, FED_E_REFUSED,
                    "evaluate.every: %lld is above rounds.count, %lld",
                    (long long)e->every, (long long)plan->rounds.count);
}

fed_status fed_plan_check_rules(const fed_plan *plan, fed_error *err)
{
    static rule *const rules[] = {
        check_freeze,
        check_momentum,
        check_schedule,
        check_time,
        check_linear_under_masks,
        check_masked_cohort,
        check_cohort,
        check_strategy,
        check_evaluate,
        check_download,
        fed_plan_check_privacy_rules,
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        FED_TRY(rules[i](plan, err));
    return FED_OK;
}
