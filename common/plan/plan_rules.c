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

static bool is_private(const fed_plan *plan)
{
    return plan->privacy.mechanism != FED_MECHANISM_NONE;
}

static bool is_integer_update(const fed_plan *plan)
{
    return plan->update.bits != FED_PLAN_SIGN && plan->update.bits != FED_PLAN_FLOAT32;
}

static const char *bits_word(const fed_plan *plan)
{
    return plan->update.bits == FED_PLAN_SIGN ? "sign" : "float32";
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

/* ---- differential privacy ---- */

static fed_status need(bool given, const char *path, const fed_plan *plan, fed_error *err)
{
    const fed_plan_field *field = fed_plan_find_field("privacy.mechanism");
    if (given || !is_private(plan)) return FED_OK;
    return fed_fail(err, FED_E_REFUSED, "%s: needed with privacy.mechanism \"%s\"", path,
                    fed_plan_word_of(field, plan->privacy.mechanism));
}

static fed_status check_privacy_numbers(const fed_plan *plan, fed_error *err)
{
    const fed_plan_privacy *p = &plan->privacy;
    FED_TRY(need(p->epsilon > 0, "privacy.epsilon", plan, err));
    FED_TRY(need(p->delta > 0, "privacy.delta", plan, err));
    FED_TRY(need(p->population > 0, "privacy.population", plan, err));
    if (!is_private(plan)) return FED_OK;
    if (p->delta * (double)p->population >= 1)
        return fed_fail(err, FED_E_REFUSED,
                        "privacy.delta: %g is not below 1/privacy.population, 1/%lld: it "
                        "would allow one device to be published",
                        p->delta, (long long)p->population);
    if (p->sampling == FED_PLAN_SAMPLING_NONE && p->max_participations == FED_PLAN_NONE)
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.max_participations: needed with privacy.sampling \"none\", "
            "where it alone bounds what one device gives");
    if (p->population < fed_plan_invited(plan))
        return fed_fail(err, FED_E_REFUSED,
                        "privacy.population: %lld is below the %lld devices invited to a "
                        "round",
                        (long long)p->population, (long long)fed_plan_invited(plan));
    return FED_OK;
}

static fed_status check_privacy_parties(const fed_plan *plan, fed_error *err)
{
    const fed_plan_privacy *p = &plan->privacy;
    bool distributed = p->mechanism == FED_MECHANISM_DISTRIBUTED_GAUSSIAN ||
                       p->mechanism == FED_MECHANISM_DISTRIBUTED_SKELLAM;
    if (distributed && !plan->secagg.enabled)
        return fed_fail(err, FED_E_REFUSED,
                        "privacy.mechanism: distributed noise needs secagg.enabled: one "
                        "device's share of the noise does not hide it");
    if (is_private(plan) && p->colluders >= plan->rounds.cohort)
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.colluders: %lld is not below rounds.cohort, %lld: nobody "
            "would be left to add noise",
            (long long)p->colluders, (long long)plan->rounds.cohort);
    if (is_private(plan) && plan->rounds.min_survivors != FED_PLAN_AUTO &&
        p->colluders >= plan->rounds.min_survivors)
        return fed_fail(err, FED_E_REFUSED,
                        "privacy.colluders: %lld is not below rounds.min_survivors, %lld",
                        (long long)p->colluders, (long long)plan->rounds.min_survivors);
    bool by_example = p->mechanism == FED_MECHANISM_DP_SGD;
    if (is_private(plan) && (p->unit == FED_UNIT_EXAMPLE) != by_example)
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.unit: \"example\" goes with privacy.mechanism \"dp_sgd\", "
            "and with no other");
    return FED_OK;
}

static fed_status check_private_update(const fed_plan *plan, fed_error *err)
{
    const fed_plan_update *u = &plan->update;
    if (!is_private(plan) || plan->privacy.mechanism == FED_MECHANISM_DP_SGD)
        return FED_OK;
    if (u->clip == FED_PLAN_AUTO)
        return fed_fail(
            err, FED_E_REFUSED,
            "update.clip: \"auto\" with differential privacy: noise is measured "
            "by the clip norm, which must be a number");
    if (u->weight != FED_WEIGHT_UNIFORM)
        return fed_fail(
            err, FED_E_REFUSED,
            "update.weight: \"examples\" with differential privacy: the number "
            "of examples is itself private; choose \"uniform\"");
    if (!is_integer_update(plan))
        return fed_fail(
            err, FED_E_REFUSED,
            "update.bits: \"%s\" with differential privacy: noise is added to "
            "integers; choose 1 to 16",
            bits_word(plan));
    if (u->select == FED_SELECT_TOP_K)
        return fed_fail(
            err, FED_E_REFUSED,
            "update.select: \"top_k\" with differential privacy: no noise covers "
            "a device's choice of coordinates");
    if (u->select == FED_SELECT_VOTED && plan->privacy.votes.share == FED_PLAN_NONE)
        return fed_fail(err, FED_E_REFUSED,
                        "privacy.votes.share: needed with update.select \"voted\" and "
                        "differential privacy: votes need noise of their own");
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
        check_freeze,         check_momentum,           check_schedule,
        check_time,           check_linear_under_masks, check_masked_cohort,
        check_cohort,         check_privacy_numbers,    check_privacy_parties,
        check_private_update, check_strategy,           check_evaluate,
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        FED_TRY(rules[i](plan, err));
    return FED_OK;
}
