/* The inside of a task, for this room's files only. */
#ifndef FED_TASK_INTERNAL_H
#define FED_TASK_INTERNAL_H

#include "model.h"
#include "task.h"

/** What the plan would promise if it said so. */
typedef struct fed_task_asked {
    double noise_multiplier;
    uint64_t rounds, participations; /* participations 0: no cap */
} fed_task_asked;

/** What follows from it. */
typedef struct fed_task_noise {
    fed_privacy promise;
    double vote_clip;   /* with votes: L2 norm, in units of a vote's last bit */
    unsigned vote_bits; /* and the ring of their sum */
    fed_adaptive_clip adaptive;
} fed_task_noise;

struct fed_task {
    fed_plan *plan;
    uint8_t seed[32];
    fed_bytes resolved;
    fed_program *train, *infer;
    fed_codec *codec;
    fed_model_tensor *tensors; /* the model file's view of the parameters */
    fed_model_layout layout;
    fed_task_numbers numbers;
    struct {
        fed_codec_extent extent;
        double scale_min;   /* integers per unit of an update that update.bits asks for */
        unsigned ring_bits; /* 0: the least that does */
        fed_matrix *matrix; /* NULL but for the matrix mechanism */
        fed_task_noise noise;
        fed_sampler *samplers[3]; /* of values, votes and bit */
    } privacy;                    /* all zero with privacy.mechanism none */
};

/** The graph of the plan's layers; the caller frees it. */
FED_MUST_CHECK fed_status fed_task_build_graph(const fed_plan *plan, fed_graph **out,
                                               fed_error *err);
/** The codec's configuration without noise; needs the compiled programs. `boundaries` must
 *  hold as many entries as the infer program has views. */
fed_codec_config fed_task_codec_config(const fed_task *task, uint32_t *boundaries);
/** Derive the promise, the noise and its samplers; numbers of "auto" go into the plan. `plain`
 *  is the codec without noise. Nothing to do where the plan has no mechanism. */
FED_MUST_CHECK fed_status fed_task_make_private(fed_task *task, const fed_codec *plain,
                                                fed_error *err);
void fed_task_fini_privacy(fed_task *task);
fed_task_asked fed_task_as_planned(const fed_plan *plan);
/** The promise under what is asked. Needs extent, scale_min and matrix. FED_E_REFUSED, FED_E_LIMIT
 *  where there is no promise. */
FED_MUST_CHECK fed_status fed_task_derive_noise(const fed_task *task,
                                                const fed_task_asked *asked,
                                                fed_task_noise *out, fed_error *err);
/** The plan's strategy for correlated noise; NULL with other mechanisms. */
FED_MUST_CHECK fed_status fed_task_make_matrix(const fed_task *task, fed_matrix **out,
                                               fed_error *err);
/** Make `config` that of noisy integers, where the plan has such. */
void fed_task_private_codec(const fed_task *task, fed_codec_config *config);
/** Does a version keep to what the promise was computed from? The server chose it. */
FED_MUST_CHECK fed_status fed_task_check_private_round(const fed_task *task,
                                                       const fed_codec_round *round,
                                                       fed_error *err);

/** Has the server added its noise to this sum? */
bool fed_task_has_noise(const fed_codec_sum *sum);

/** The codec's place for noise, during one encode. */
typedef struct fed_task_rounder {
    const fed_task *task;
    fed_codec_rounder rounder;
    fed_rounding_outcome worst; /* of its vectors */
} fed_task_rounder;

/** NULL when the plan wants no noise of a device. `r` must stay where it is. */
const fed_codec_rounder *fed_task_rounder_init(fed_task_rounder *r, const fed_task *task);
/** numbers.invited and numbers.min_survivors. */
void fed_task_count_members(fed_task *task);
/** The graph of a full cohort, all zero without secure aggregation. FED_E_REFUSED for
 *  settings under which none is both safe and likely to finish. */
FED_MUST_CHECK fed_status fed_task_choose_graph(const fed_task *task,
                                                fed_secagg_graph *out, fed_error *err);
/** Refuse a draw that could not be honest, or would hardly ever end; needs the
 *  members counted. */
FED_MUST_CHECK fed_status fed_task_check_draw(const fed_task *task, fed_error *err);
/** Fill the rest of task->numbers; needs everything else. Refuses as the function above. */
FED_MUST_CHECK fed_status fed_task_derive(fed_task *task, fed_error *err);

#endif
