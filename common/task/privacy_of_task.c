/*
 * The private part of a task, put together.
 *
 * The noise multiplier and the ring of "auto" become numbers of the plan before it is resolved: a
 * device then obeys what the operator signed, and does not depend on an accountant's last
 * digit.
 */
#include "task_internal.h"

#include <math.h>
#include <string.h>

enum { VALUES, VOTES, BIT }; /* samplers, by vector */

/* ---- making ----------------------------------------------------------------------------- */

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

static fed_status make_sampler(fed_task *task, int vector, const fed_integer_release *r,
                               fed_error *err)
{
    fed_privacy *p = &task->privacy.noise.promise;
    bool skellam = p->mechanism == FED_PRIVACY_SKELLAM;
    fed_sampler **sampler = &task->privacy.samplers[vector];
    if (!r->dim) return FED_OK;
    if (skellam && r->sigma_local > FED_SAMPLER_SKELLAM_SIGMA_MAX)
        return fed_fail(err, FED_E_REFUSED,
                        "privacy.ring_bits: %u bits make a share of Skellam noise %g "
                        "integers wide, above %g; a smaller update.bits will do",
                        p->distributed.config.bits, r->sigma_local,
                        FED_SAMPLER_SKELLAM_SIGMA_MAX);
    FED_TRY(fed_sampler_new(sampler,
                            skellam ? FED_SAMPLER_SKELLAM : FED_SAMPLER_GAUSSIAN_FAST,
                            r->sigma_local, err));
    p->sampler_distance_log2 =
        vector == VALUES
            ? fed_sampler_distance_log2(*sampler)
            : fmax(p->sampler_distance_log2, fed_sampler_distance_log2(*sampler));
    return FED_OK;
}

fed_status fed_task_make_private(fed_task *task, const fed_codec *plain, fed_error *err)
{
    double output, server;
    fed_plan_privacy *plan = &task->plan->privacy;
    if (plan->mechanism == FED_MECHANISM_NONE) return FED_OK;
    FED_TRY(measure_codec(task, plain, err));
    task->privacy.ring_bits = (unsigned)plan->ring_bits;
    FED_TRY(fed_task_make_matrix(task, &task->privacy.matrix, err));
    fed_task_privacy_budgets(task, &output, &server);
    if (plan->noise_multiplier == FED_PLAN_AUTO)
        FED_TRY(fed_task_noise_for(task, output, server, &plan->noise_multiplier, err));
    fed_task_asked asked = fed_task_as_planned(task->plan);
    fed_task_noise *noise = &task->privacy.noise;
    FED_TRY(fed_task_derive_noise(task, &asked, noise, err));
    if (noise->promise.distributed.scale > 0)
        plan->ring_bits = noise->promise.distributed.config.bits;
    FED_TRY(make_sampler(task, VALUES, &noise->promise.release, err));
    FED_TRY(make_sampler(task, VOTES, &noise->promise.votes, err));
    FED_TRY(make_sampler(task, BIT, &noise->promise.bit, err));
    return fed_privacy_check(&noise->promise, err);
}

void fed_task_private_codec(const fed_task *task, fed_codec_config *config)
{
    const fed_distributed *d = &task->privacy.noise.promise.distributed;
    if (!(d->scale > 0)) return;
    config->quantise = FED_CODEC_GRID;
    config->grid = d->config.clip * d->scale;
    config->ring_bits = d->config.bits;
    config->one_rotation = task->privacy.matrix != NULL;
    config->vote_clip = task->privacy.noise.vote_clip;
    config->vote_ring_bits = task->privacy.noise.vote_bits;
    const fed_adaptive_clip *adaptive = fed_task_adaptive_clip(task);
    if (!adaptive) return;
    config->bit_unit = (double)adaptive->unit;
    config->bit_ring_bits = adaptive->bits;
}

fed_status fed_task_check_private_round(const fed_task *task,
                                        const fed_codec_round *round, fed_error *err)
{
    const fed_codec_config *config = fed_codec_config_of(task->codec);
    if (config->quantise != FED_CODEC_GRID) return FED_OK;
    if (round->m > task->privacy.extent.values)
        return fed_fail(err, FED_E_REFUSED,
                        "round: %zu values, the privacy of the plan is for at most %zu",
                        round->m, task->privacy.extent.values);
    bool adaptive = task->plan->privacy.adaptive.quantile != FED_PLAN_NONE;
    if (!adaptive && round->clip != config->clip)
        return fed_fail(err, FED_E_REFUSED,
                        "round: a clip norm of %g, the plan's update.clip is %g",
                        round->clip, config->clip);
    return FED_OK;
}

void fed_task_fini_privacy(fed_task *task)
{
    for (int i = VALUES; i <= BIT; i++)
        fed_sampler_free(task->privacy.samplers[i]);
    fed_matrix_free(task->privacy.matrix);
}

/* ---- answers ---------------------------------------------------------------------------- */

bool fed_task_noise_is_shared(const fed_privacy *promise)
{
    return promise->mechanism == FED_PRIVACY_DISTRIBUTED_GAUSSIAN ||
           promise->mechanism == FED_PRIVACY_SKELLAM;
}

const fed_privacy *fed_task_privacy(const fed_task *task)
{
    bool none = task->plan->privacy.mechanism == FED_MECHANISM_NONE;
    return none ? NULL : &task->privacy.noise.promise;
}

void fed_task_privacy_budgets(const fed_task *task, double *output, double *server)
{
    const fed_plan_privacy *plan = &task->plan->privacy;
    *output = plan->epsilon == FED_PLAN_NONE ? INFINITY : plan->epsilon;
    *server = plan->epsilon_server == FED_PLAN_SAME   ? *output
              : plan->epsilon_server == FED_PLAN_NONE ? INFINITY
                                                      : plan->epsilon_server;
}

static const fed_sampler *sampler_of(const fed_task *task, const char *vector)
{
    static const char *const names[] = {"values", "votes", "bit"};
    for (int i = VALUES; i <= BIT; i++)
        if (!strcmp(vector, names[i])) return task->privacy.samplers[i];
    return NULL;
}

const fed_sampler *fed_task_sampler(const fed_task *task, const char *vector)
{
    fed_plan_mechanism m = task->plan->privacy.mechanism;
    bool on_device = m == FED_MECHANISM_DISTRIBUTED_GAUSSIAN ||
                     m == FED_MECHANISM_DISTRIBUTED_SKELLAM ||
                     m == FED_MECHANISM_LOCAL_GAUSSIAN;
    return on_device ? sampler_of(task, vector) : NULL;
}

const fed_sampler *fed_task_server_sampler(const fed_task *task, const char *vector)
{
    bool central = task->plan->privacy.mechanism == FED_MECHANISM_CENTRAL_GAUSSIAN;
    return central ? sampler_of(task, vector) : NULL;
}

const fed_matrix *fed_task_matrix(const fed_task *task)
{
    return task->privacy.matrix;
}

const fed_adaptive_clip *fed_task_adaptive_clip(const fed_task *task)
{
    bool on = task->privacy.noise.promise.bit.dim > 0;
    return on ? &task->privacy.noise.adaptive : NULL;
}
