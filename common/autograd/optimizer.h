/* Optimisers over the flat parameter vector. */
#ifndef FED_OPTIMIZER_H
#define FED_OPTIMIZER_H

#include "program.h"

typedef enum fed_optimizer_kind {
    FED_SGD,      /* w -= lr g */
    FED_MOMENTUM, /* v = momentum v + g; w -= lr v (Polyak 1964) */
    FED_NESTEROV, /* v = momentum v + g; w -= lr (g + momentum v) (Sutskever et al. 2013) */
    FED_ADAM,     /* Kingma, Ba 2015; weight decay joins the gradient */
    FED_ADAMW     /* Loshchilov, Hutter 2019; weight decay apart from the gradient */
} fed_optimizer_kind;

typedef enum fed_schedule {
    FED_SCHEDULE_CONSTANT,
    FED_SCHEDULE_LINEAR, /* from lr down to lr_min at total_steps */
    FED_SCHEDULE_COSINE, /* the same along half a cosine (Loshchilov, Hutter 2017) */
    FED_SCHEDULE_STEP    /* times `decay` after every `decay_every` steps */
} fed_schedule;

typedef struct fed_optimizer_config {
    fed_optimizer_kind kind;
    double lr;           /* above 0 */
    double momentum;     /* [0, 1), FED_MOMENTUM and FED_NESTEROV */
    double beta1, beta2; /* [0, 1), Adam; 0 and 0 mean 0.9 and 0.999 */
    double epsilon;      /* Adam; 0 means 1e-8 */
    double weight_decay; /* at least 0 */
    double clip_norm;    /* greatest 2-norm of the gradient; 0: no clipping */
    double proximal;     /* FedProx's mu: adds mu (w - anchor) to the gradient; 0: none */
    fed_schedule schedule;
    uint64_t warmup_steps; /* the first steps grow linearly to lr */
    uint64_t total_steps;  /* LINEAR and COSINE: at least 1 */
    double lr_min;         /* LINEAR and COSINE */
    double decay;          /* STEP: (0, 1] */
    uint64_t decay_every;  /* STEP: at least 1 */
} fed_optimizer_config;

/** An optimiser with its state (moments). One thread at a time. */
typedef struct fed_optimizer fed_optimizer;

/** "sgd", "momentum", "nesterov", "adam", "adamw"; -1 for another name. */
int fed_optimizer_from_name(const char *name);
/** FED_E_INVALID names the field, its value and the bound. */
FED_MUST_CHECK fed_status fed_optimizer_check(const fed_optimizer_config *config,
                                              fed_error *err);
/** Bytes of state beside the parameters: 0, 1 or 2 floats for each of them. */
size_t fed_optimizer_state_bytes(const fed_optimizer_config *config, size_t params);
/** An optimiser for the parameters of `program` (borrowed, must outlive it). */
FED_MUST_CHECK fed_status fed_optimizer_new(fed_optimizer **out,
                                            const fed_program *program,
                                            const fed_optimizer_config *config,
                                            fed_error *err);
void fed_optimizer_free(fed_optimizer *optimizer);
/** Back to step 0 with empty moments. */
void fed_optimizer_reset(fed_optimizer *optimizer);
/** The parameters that the proximal term pulls towards: borrowed until replaced. Without
 *  them a config with `proximal` above 0 makes fed_optimizer_apply() fail with FED_E_STATE. */
void fed_optimizer_set_anchor(fed_optimizer *optimizer, const float *anchor);
/** Steps taken, and the learning rate of the next one. */
uint64_t fed_optimizer_steps(const fed_optimizer *optimizer);
double fed_optimizer_next_lr(const fed_optimizer *optimizer);
/** One update of `params` from `gradient` (changed when it is clipped). FED_E_NUMERIC when
 *  the gradient holds a NaN or an infinity: then `params` must be thrown away. */
FED_MUST_CHECK fed_status fed_optimizer_apply(fed_optimizer *optimizer, float *params,
                                              float *gradient, fed_error *err);

#endif
