/*
 * The plan's differential privacy as numbers that both sides compute for themselves: the
 * promise (dp/accounting/views.h), from which check, both ledgers and the noise itself are
 * derived, so that what was priced is what is charged and what is added.
 *
 * Up to three releases ride on one participation: the update, the votes, and the bit of adaptive
 * clipping. One noise multiplier z stands for all of them: 1/z^2 is the sum of theirs.
 */
#include "task_internal.h"

#include <math.h>

enum { RING_BITS_MAX = 32, MATRIX_GRID_BITS = 16 };

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

/* Sampling is priced as the plan claims it; whether the coordinator draws so is refusals.c's.
 * Under DP-SGD votes are computed from noisy gradients, and need no noise of their own. */
/* Draws of fixed size have as many devices as are invited, Poisson draws as many as are wanted,
 * on average; and a hundredth of delta is theirs (draw.c). */
static uint32_t drawn_of(const fed_task *task)
{
    return sampling_of(task->plan) == FED_SAMPLING_POISSON
               ? (uint32_t)task->plan->rounds.cohort
               : task->numbers.invited;
}

static double delta_of(const fed_plan *plan)
{
    bool redraws = sampling_of(plan) == FED_SAMPLING_POISSON;
    return plan->privacy.delta * (redraws ? 1 - FED_DRAW_DELTA_SHARE : 1);
}

static fed_privacy terms_of(const fed_task *task, const fed_task_asked *asked)
{
    const fed_plan *plan = task->plan;
    fed_privacy_mechanism mechanism = mechanism_of(plan);
    return (fed_privacy){.mechanism = mechanism,
                         .accountant = accountant_of(plan),
                         .sampling = sampling_of(plan),
                         .delta = delta_of(plan),
                         .population = (uint64_t)plan->privacy.population,
                         .cohort = drawn_of(task),
                         .rounds = asked->rounds,
                         .max_participations = asked->participations,
                         .secret_draw = fed_task_is_drawn(task),
                         .fills_noise = fed_task_is_drawn(task),
                         .uniform_weight = plan->update.weight == FED_WEIGHT_UNIFORM,
                         .secagg = plan->secagg.enabled,
                         .votes_wanted = plan->update.select == FED_SELECT_VOTED &&
                                         mechanism != FED_PRIVACY_EXAMPLE};
}

fed_task_asked fed_task_as_planned(const fed_plan *plan)
{
    return (fed_task_asked){plan->privacy.noise_multiplier, (uint64_t)plan->rounds.count,
                            (uint64_t)plan->privacy.max_participations};
}

/* ---- the update ------------------------------------------------------------------------- */

/* How many standard deviations of a sum the ring holds: so many that less than one round in a
 * thousand has a coordinate that wraps, if all devices sent the same. */
static double tail_of(uint64_t dim)
{
    double tail = 4;
    while ((double)dim * erfc(tail / sqrt(2)) > 1e-3)
        tail += 0.25;
    return tail;
}

/* Noise shares that make up z: those that an adversary does not know, or the one of a device
 * or of the server. */
static uint32_t shares_of(const fed_task *task, fed_privacy_mechanism mechanism)
{
    bool one = fed_privacy_is_central(mechanism) || mechanism == FED_PRIVACY_LOCAL;
    uint32_t colluders = (uint32_t)fed_plan_colluders(task->plan);
    if (one || task->numbers.min_survivors <= colluders) return 1;
    return task->numbers.min_survivors - colluders;
}

/* The integers of the update under noise multiplier z, with the least ring that does. */
static fed_status derive_values(const fed_task *task, fed_privacy_mechanism mechanism,
                                double z, fed_distributed *out, fed_error *err)
{
    const fed_plan *plan = task->plan;
    bool local = mechanism == FED_PRIVACY_LOCAL;
    fed_distributed_config c = {
        .kind = mechanism == FED_PRIVACY_SKELLAM ? FED_SHARE_SKELLAM : FED_SHARE_GAUSSIAN,
        .clip = plan->update.clip,
        .noise_multiplier = z,
        .dim = task->privacy.extent.values,
        .spread = task->privacy.extent.spread,
        .bits = task->privacy.ring_bits ? task->privacy.ring_bits : RING_BITS_MAX,
        .n_max = task->numbers.invited,
        .survivors_min = local ? 1 : task->numbers.min_survivors,
        .colluders = local ? 0 : (uint32_t)fed_plan_colluders(plan),
        .central = fed_privacy_is_central(mechanism),
        .tail = tail_of(task->privacy.extent.values)};
    if (task->privacy.ring_bits) return fed_distributed_derive(&c, out, err);
    return fed_distributed_fit(&c, task->privacy.scale_min, out, err);
}

/* ---- what rides along ------------------------------------------------------------------- */

/* A vote vector is clipped to the norm of full votes for the share of the blocks that is
 * chosen, and rounded like an update. Its grid is as coarse as a vote, so rounding lengthens it
 * much, and noise is measured by the rounded norm; a share of it is never below 3. */
static fed_status derive_votes(const fed_task *task, double z, fed_task_noise *out,
                               fed_error *err)
{
    fed_votes_bound bound;
    const fed_plan_update *update = &task->plan->update;
    double dim = (double)task->privacy.extent.votes, n = task->numbers.invited;
    uint32_t shares = shares_of(task, out->promise.mechanism);
    FED_TRY(fed_votes_bound_derive(&bound, (uint32_t)ceil(update->fraction * dim),
                                   (unsigned)update->vote_bits, err));
    double delta2 = fed_rounded_norm(bound.norm, dim, exp(-0.5));
    double sigma = fmax(z * delta2 / sqrt((double)shares), (double)FED_SIGMA_LOCAL_MIN);
    out->promise.votes = (fed_integer_release){sigma, delta2, task->privacy.extent.votes};
    double noise = fed_privacy_is_central(out->promise.mechanism) ? 0 : sigma;
    double top = ldexp(1, (int)update->vote_bits) - 1;
    double reach = n * top + tail_of((uint64_t)dim) * sqrt(n * (0.25 + noise * noise));
    out->vote_clip = bound.norm;
    out->vote_bits = (unsigned)ceil(log2(2 * reach + 1));
    return FED_OK;
}

static fed_status derive_bit(const fed_task *task, double z, fed_task_noise *out,
                             fed_error *err)
{
    const fed_plan_privacy *plan = &task->plan->privacy;
    fed_adaptive_clip *a = &out->adaptive;
    FED_TRY(fed_adaptive_clip_derive(
        a, z, (uint32_t)task->plan->rounds.cohort, task->numbers.invited,
        shares_of(task, out->promise.mechanism), plan->adaptive.quantile,
        plan->adaptive.rate, plan->adaptive.bit_sigma, err));
    out->promise.bit = (fed_integer_release){a->unit_sigma, (double)a->unit, 1};
    return FED_OK;
}

/* ---- each mechanism --------------------------------------------------------------------- */

static fed_status derive_device(const fed_task *task, double z, fed_task_noise *out,
                                fed_error *err)
{
    fed_privacy *p = &out->promise;
    fed_distributed *d = &p->distributed;
    if (task->plan->privacy.adaptive.quantile != FED_PLAN_NONE) {
        FED_TRY(derive_bit(task, z, out, err));
        z = out->adaptive.z_update;
    }
    if (p->votes_wanted) {
        double z_votes;
        FED_TRY(fed_votes_split(z, task->plan->privacy.votes.share, &z, &z_votes, err));
        FED_TRY(derive_votes(task, z_votes, out, err));
    }
    const fed_matrix *matrix = task->privacy.matrix;
    if (matrix) z *= sqrt(fed_matrix_sensitivity_squared(matrix));
    FED_TRY(derive_values(task, p->mechanism, z, d, err));
    p->release = (fed_integer_release){d->sigma_local, d->delta2, d->config.dim};
    if (matrix)
        p->release = fed_matrix_release(matrix, d->sigma_local, d->delta2, d->config.dim);
    return FED_OK;
}

/* Each step draws an example with probability batch/min_examples, on every device, so that no
 * device's price depends on how much it has. */
static fed_status derive_example(const fed_task *task, double z, fed_privacy *p)
{
    const fed_plan_train *train = &task->plan->train;
    int64_t least = task->plan->eligibility.min_examples;
    p->example_rate = (double)train->batch / (double)least;
    p->example_steps =
        (uint64_t)((least + train->batch - 1) / train->batch * train->epochs);
    p->release = fed_example_dpsgd_release_of(task->layout.length, z);
    return FED_OK;
}

fed_status fed_task_derive_noise(const fed_task *task, const fed_task_asked *asked,
                                 fed_task_noise *out, fed_error *err)
{
    *out = (fed_task_noise){.promise = terms_of(task, asked)};
    if (out->promise.mechanism == FED_PRIVACY_EXAMPLE)
        return derive_example(task, asked->noise_multiplier, &out->promise);
    return derive_device(task, asked->noise_multiplier, out, err);
}

/* ---- the matrix ------------------------------------------------------------------------- */

fed_status fed_task_make_matrix(const fed_task *task, fed_matrix **out, fed_error *err)
{
    static const fed_matrix_kind kinds[] = {[FED_PLAN_MATRIX_TREE] = FED_MATRIX_TREE,
                                            [FED_PLAN_MATRIX_SQRT] = FED_MATRIX_SQRT,
                                            [FED_PLAN_MATRIX_BANDED] = FED_MATRIX_BANDED,
                                            [FED_PLAN_MATRIX_BLT] = FED_MATRIX_BLT};
    const fed_plan_privacy *plan = &task->plan->privacy;
    *out = NULL;
    if (plan->mechanism != FED_MECHANISM_MATRIX) return FED_OK;
    int64_t rounds = task->plan->rounds.count, bands = plan->matrix.bands;
    if (rounds > FED_MATRIX_STEPS_MAX)
        return fed_fail(err, FED_E_REFUSED,
                        "rounds.count: %lld is above %d, the most that privacy.mechanism "
                        "\"matrix\" correlates",
                        (long long)rounds, FED_MATRIX_STEPS_MAX);
    if (bands > rounds)
        return fed_fail(err, FED_E_REFUSED,
                        "privacy.matrix.bands: %lld is above rounds.count, %lld",
                        (long long)bands, (long long)rounds);
    if (bands == FED_PLAN_AUTO)
        bands = plan->matrix.separation < rounds ? plan->matrix.separation : rounds;
    fed_matrix_config c = {.kind = kinds[plan->matrix.kind],
                           .steps = (uint32_t)rounds,
                           .separation = (uint32_t)plan->matrix.separation,
                           .participations = (uint32_t)plan->max_participations,
                           .bands = (uint32_t)bands,
                           .buffers = (uint32_t)plan->matrix.buffers,
                           .grid_bits = MATRIX_GRID_BITS};
    if (c.kind == FED_MATRIX_BLT) fed_matrix_fit_blt(&c);
    return fed_fail_in(err, fed_matrix_new(out, &c, err), "privacy.matrix");
}
