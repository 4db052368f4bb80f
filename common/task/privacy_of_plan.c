/*
 * The plan's differential privacy as numbers that both sides compute for themselves: the
 * promise (dp/accounting/views.h), from which check, both ledgers and the noise itself are
 * derived, so that what was priced is what is charged and what is added.
 *
 * The noise multiplier and the ring of "auto" are found here and written into the plan before
 * it is resolved: a device then obeys a number that the operator signed, and does not depend
 * on an accountant's last digit.
 */
#include "task_internal.h"

#include <math.h>
#include <string.h>

enum { RING_BITS_MAX = 32 };

/* ---- what the plan promises, whatever the noise ----------------------------------------- */

static fed_accountant accountant_of(const fed_plan *plan)
{
    return plan->privacy.accountant == FED_PLAN_ACCOUNTANT_RDP ? FED_ACCOUNTANT_RDP
                                                               : FED_ACCOUNTANT_PLD;
}

static fed_sampling sampling_of(const fed_plan *plan)
{
    switch (plan->privacy.sampling) {
    case FED_PLAN_SAMPLING_POISSON:
        return FED_SAMPLING_POISSON;
    case FED_PLAN_SAMPLING_FIXED_SIZE:
        return FED_SAMPLING_FIXED_SIZE;
    case FED_PLAN_SAMPLING_NONE:
        break;
    }
    return FED_SAMPLING_NONE;
}

static fed_privacy_mechanism mechanism_of(const fed_plan *plan)
{
    switch (plan->privacy.mechanism) {
    case FED_MECHANISM_DISTRIBUTED_SKELLAM:
        return FED_PRIVACY_SKELLAM;
    case FED_MECHANISM_CENTRAL_GAUSSIAN:
        return FED_PRIVACY_CENTRAL;
    case FED_MECHANISM_LOCAL_GAUSSIAN:
        return FED_PRIVACY_LOCAL;
    case FED_MECHANISM_MATRIX:
        return FED_PRIVACY_MATRIX;
    case FED_MECHANISM_DP_SGD:
        return FED_PRIVACY_EXAMPLE;
    default:
        return FED_PRIVACY_DISTRIBUTED_GAUSSIAN;
    }
}

/* Sampling is priced as the plan claims it; whether the coordinator draws so is refusals.c's. */
static fed_privacy terms_of(const fed_task *task)
{
    const fed_plan *plan = task->plan;
    return (fed_privacy){.mechanism = mechanism_of(plan),
                         .accountant = accountant_of(plan),
                         .sampling = sampling_of(plan),
                         .delta = plan->privacy.delta,
                         .population = (uint64_t)plan->privacy.population,
                         .cohort = task->numbers.invited,
                         .rounds = (uint64_t)plan->rounds.count,
                         .max_participations = (uint64_t)plan->privacy.max_participations,
                         .secret_draw = plan->privacy.sampling != FED_PLAN_SAMPLING_NONE,
                         .uniform_weight = plan->update.weight == FED_WEIGHT_UNIFORM,
                         .secagg = plan->secagg.enabled,
                         .votes_wanted = plan->update.select == FED_SELECT_VOTED};
}

bool fed_task_noise_is_shared(const fed_privacy *promise)
{
    return promise->mechanism == FED_PRIVACY_DISTRIBUTED_GAUSSIAN ||
           promise->mechanism == FED_PRIVACY_SKELLAM;
}

/* ---- noise in shares -------------------------------------------------------------------- */

/* How many standard deviations of a sum the ring holds: so many that less than one round in a
 * thousand has a coordinate that wraps, if all devices sent the same. */
static double tail_of(uint64_t dim)
{
    double tail = 4;
    while ((double)dim * erfc(tail / sqrt(2)) > 1e-3)
        tail += 0.25;
    return tail;
}

static fed_status derive_shares(const fed_task *task, double z, fed_distributed *out,
                                fed_error *err)
{
    const fed_plan *plan = task->plan;
    bool skellam = plan->privacy.mechanism == FED_MECHANISM_DISTRIBUTED_SKELLAM;
    fed_distributed_config c = {.kind = skellam ? FED_SHARE_SKELLAM : FED_SHARE_GAUSSIAN,
                                .clip = plan->update.clip,
                                .noise_multiplier = z,
                                .dim = task->privacy.extent.values,
                                .spread = task->privacy.extent.spread,
                                .bits = (unsigned)plan->privacy.ring_bits,
                                .n_max = task->numbers.invited,
                                .survivors_min = task->numbers.min_survivors,
                                .colluders = (uint32_t)plan->privacy.colluders,
                                .tail = tail_of(task->privacy.extent.values)};
    if (plan->privacy.ring_bits != FED_PLAN_AUTO)
        return fed_distributed_derive(&c, out, err);
    c.bits = RING_BITS_MAX;
    return fed_distributed_fit(&c, task->privacy.scale_min, out, err);
}

/* The promise under noise multiplier z. */
static fed_status promise_at(const fed_task *task, double z, fed_privacy *out,
                             fed_error *err)
{
    *out = terms_of(task);
    switch (out->mechanism) {
    case FED_PRIVACY_DISTRIBUTED_GAUSSIAN:
    case FED_PRIVACY_SKELLAM:
        return derive_shares(task, z, &out->distributed, err);
    default:
        return fed_fail(err, FED_E_UNSUPPORTED,
                        "privacy.mechanism: only distributed noise is priced yet");
    }
}

/* ---- the noise that the budgets allow --------------------------------------------------- */

/* Is z enough? If not, `err` says why, be it that with so little noise there is no promise at
 * all. */
static fed_status is_enough(const fed_task *task, double z, bool *enough, fed_error *err)
{
    fed_privacy promise;
    fed_privacy_views views;
    double output, server;
    fed_task_privacy_budgets(task, &output, &server);
    *enough = false;
    fed_status status = promise_at(task, z, &promise, err);
    if (!status) status = fed_privacy_epsilon(&promise, &views, err);
    if (status == FED_E_REFUSED || status == FED_E_LIMIT) return FED_OK;
    FED_TRY(status);
    *enough = views.epsilon_output <= output && views.epsilon_server <= server;
    if (!*enough)
        (void)fed_fail(
            err, FED_E_REFUSED,
            "privacy.noise_multiplier: %g still costs %g where privacy.epsilon "
            "is %g, and %g where privacy.epsilon_server is %g",
            z, views.epsilon_output, output, views.epsilon_server, server);
    return FED_OK;
}

static const double Z_LEAST = 0.01, Z_MOST = 1000;

/* Bring low (not enough) and high (enough) within a factor of two of each other. */
static fed_status bracket(const fed_task *task, double *low, double *high, fed_error *err)
{
    bool enough;
    *high = 1;
    FED_TRY(is_enough(task, *high, &enough, err));
    for (*low = *high; enough && *low > Z_LEAST;) {
        *high = *low, *low /= 2;
        FED_TRY(is_enough(task, *low, &enough, err));
    }
    if (*low < *high) return FED_OK;
    while (!enough) {
        if (*high >= Z_MOST) return FED_E_REFUSED;
        *low = *high, *high = fmin(2 * *high, Z_MOST);
        FED_TRY(is_enough(task, *high, &enough, err));
    }
    return FED_OK;
}

/* The next number above z with five digits: people read it, and the plan carries it. */
static double rounded_up(double z)
{
    double unit = pow(10, 4 - floor(log10(z)));
    return (floor(z * unit) + 1) / unit;
}

static fed_status calibrate(const fed_task *task, double *z, fed_error *err)
{
    double low, high;
    bool enough;
    FED_TRY(bracket(task, &low, &high, err));
    while (high > low * (1 + 5e-5)) {
        double middle = sqrt(low * high);
        FED_TRY(is_enough(task, middle, &enough, err));
        if (enough)
            high = middle;
        else
            low = middle;
    }
    /* The ring of "auto" changes with z, in steps, so that more noise may cost a little more. */
    for (*z = rounded_up(high); *z <= Z_MOST; *z = rounded_up(*z * (1 + 1e-4))) {
        FED_TRY(is_enough(task, *z, &enough, err));
        if (enough) return FED_OK;
    }
    return FED_E_REFUSED;
}

/* ---- samplers --------------------------------------------------------------------------- */

static fed_status make_sampler(fed_task *task, fed_error *err)
{
    fed_privacy *p = &task->privacy.promise;
    bool skellam = p->mechanism == FED_PRIVACY_SKELLAM;
    FED_TRY(fed_sampler_new(&task->privacy.values,
                            skellam ? FED_SAMPLER_SKELLAM : FED_SAMPLER_GAUSSIAN_FAST,
                            p->distributed.sigma_local, err));
    p->sampler_distance_log2 = fed_sampler_distance_log2(task->privacy.values);
    return FED_OK;
}

/* What update.bits asks of the scale, and how long the vectors are at most. */
static fed_status measure_codec(fed_task *task, const fed_codec *plain, fed_error *err)
{
    fed_codec_round *round;
    FED_TRY(fed_codec_round_first(plain, 0, &round, err));
    task->privacy.extent = fed_codec_extent_of(plain);
    task->privacy.scale_min = 1 / round->step;
    fed_codec_round_free(round);
    return FED_OK;
}

fed_status fed_task_make_private(fed_task *task, const fed_codec *plain, fed_error *err)
{
    fed_plan_privacy *plan = &task->plan->privacy;
    if (plan->mechanism == FED_MECHANISM_NONE) return FED_OK;
    FED_TRY(measure_codec(task, plain, err));
    if (plan->noise_multiplier == FED_PLAN_AUTO)
        FED_TRY(calibrate(task, &plan->noise_multiplier, err));
    fed_privacy *promise = &task->privacy.promise;
    FED_TRY(promise_at(task, plan->noise_multiplier, promise, err));
    plan->ring_bits = promise->distributed.config.bits;
    FED_TRY(make_sampler(task, err));
    return fed_privacy_check(promise, err);
}

void fed_task_private_codec(const fed_task *task, fed_codec_config *config)
{
    const fed_distributed *d = &task->privacy.promise.distributed;
    if (task->plan->privacy.mechanism == FED_MECHANISM_NONE) return;
    config->quantise = FED_CODEC_GRID;
    config->grid = d->config.clip * d->scale;
    config->ring_bits = d->config.bits;
}

fed_status fed_task_check_private_round(const fed_task *task,
                                        const fed_codec_round *round, fed_error *err)
{
    const fed_codec_config *config = fed_codec_config_of(task->codec);
    if (!fed_task_privacy(task)) return FED_OK;
    if (round->m > task->privacy.extent.values)
        return fed_fail(err, FED_E_REFUSED,
                        "round: %zu values, the privacy of the plan is for at most %zu",
                        round->m, task->privacy.extent.values);
    if (round->clip != config->clip)
        return fed_fail(err, FED_E_REFUSED,
                        "round: a clip norm of %g, the plan's update.clip is %g",
                        round->clip, config->clip);
    return FED_OK;
}

void fed_task_fini_privacy(fed_task *task)
{
    fed_sampler_free(task->privacy.values);
}

/* ---- answers ---------------------------------------------------------------------------- */

const fed_privacy *fed_task_privacy(const fed_task *task)
{
    bool none = task->plan->privacy.mechanism == FED_MECHANISM_NONE;
    return none ? NULL : &task->privacy.promise;
}

const fed_sampler *fed_task_sampler(const fed_task *task, const char *vector)
{
    return strcmp(vector, "values") ? NULL : task->privacy.values;
}

void fed_task_privacy_budgets(const fed_task *task, double *output, double *server)
{
    const fed_plan_privacy *plan = &task->plan->privacy;
    *output = plan->epsilon == FED_PLAN_NONE ? INFINITY : plan->epsilon;
    *server = plan->epsilon_server == FED_PLAN_SAME   ? *output
              : plan->epsilon_server == FED_PLAN_NONE ? INFINITY
                                                      : plan->epsilon_server;
}
