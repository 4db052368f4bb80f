/*
 * task: a plan made concrete, the same for device, server and simulator.
 *
 * A plan says what is wanted; a task is what follows from it: the compiled model, the codec,
 * how many devices are invited, how few may survive, what a round costs. Both halves of the
 * update pipeline are here: a device turns a trained difference into an upload, the server
 * turns a sum of uploads into a mean update and the public state of the next round.
 *
 *   task.h      make a task, its derived numbers, parameters, both halves of the pipeline
 *   examples.h  what is trained and evaluated on
 *   draw.h      who may take part in a round, by secret coins
 */
#ifndef FED_TASK_H
#define FED_TASK_H

#include "base.h"
#include "autograd.h"
#include "codec.h"
#include "crypto.h"
#include "dp.h"
#include "plan.h"
#include "secagg.h"
#include "draw.h"
#include "examples.h"

enum { FED_TASK_EVALUATION_BATCH = 64 };

/** Numbers that follow from a plan. */
typedef struct fed_task_numbers {
    uint32_t invited;       /* n_max: members of a cohort at most */
    uint32_t min_survivors; /* below it nothing is released */
    size_t params;          /* d: parameters of the model */
    size_t model_bytes;     /* of the model file, not compressed */
    size_t update_bytes;    /* of an upload's vectors in the first round */
    size_t upload_bytes;    /* of all cohort messages that a device sends in a round of a
                               full cohort that nobody leaves, frames included */
    /* Of all that a device fetches to train on a version, before compression: */
    size_t first_download_bytes; /* when it does not know the task; */
    size_t
        whole_download_bytes; /* when it holds no version that a difference leads from; */
    size_t
        download_bytes; /* when it does, and no weight moved by more than 127 steps of the
                              grid; without differences the same as the one before */
    double train_flops; /* forward and backward, one example */
    size_t train_arena_bytes, infer_arena_bytes;
    fed_span resolved; /* the resolved plan; borrowed from the task */
    uint8_t plan_address[32];
} fed_task_numbers;

/** Immutable once made; any number of threads may use it. */
typedef struct fed_task fed_task;

/**
 * Make a task. `plan` is taken, also on failure. `seed` is the task's public seed.
 * FED_E_INVALID when the shapes of the model do not fit, FED_E_UNSUPPORTED for what is not
 * built yet (named), FED_E_REFUSED for what is unsound, FED_E_NOMEM.
 */
FED_MUST_CHECK fed_status fed_task_new(fed_task **out, fed_plan *plan,
                                       const uint8_t seed[32], fed_error *err);
/** The same for a look at the price alone: what is not built yet is priced all the same. */
FED_MUST_CHECK fed_status fed_task_price(fed_task **out, fed_plan *plan,
                                         const uint8_t seed[32], fed_error *err);
/** FED_E_UNSUPPORTED, with its name, when the plan asks for what is not built yet. */
FED_MUST_CHECK fed_status fed_task_refuse(const fed_plan *plan, fed_error *err);
/** The same from text. */
FED_MUST_CHECK fed_status fed_task_parse(fed_task **out, fed_span plan,
                                         fed_plan_form form, const uint8_t seed[32],
                                         fed_error *err);
void fed_task_free(fed_task *task);

/* All of these borrow from the task. */
const fed_plan *fed_task_plan(const fed_task *task);
const fed_task_numbers *fed_task_numbers_of(const fed_task *task);
const fed_codec *fed_task_codec(const fed_task *task);
const uint8_t *fed_task_seed(const fed_task *task);
/** Compiled for training at the plan's batch, and for evaluation. */
const fed_program *fed_task_train_program(const fed_task *task);
const fed_program *fed_task_infer_program(const fed_task *task);

/* ---- parameters --------------------------------------------------------------------- */

/** The initial parameters that the task's seed gives: `params` holds numbers.params. */
void fed_task_init_params(const fed_task *task, float *params);
/** Move `params` (numbers.params of them) to the grid that the plan publishes on; see
 *  fed_model_grid_round() for `carry`, which may be NULL. Nothing happens without a grid. */
void fed_task_round_params(const fed_task *task, float *params, float *carry);
/** The same for a new version, after `before`: when rounding leaves the model as it was, the
 *  weight with most to carry moves by a step. For a version needs an address of its own: a
 *  device never trains twice on one. */
void fed_task_publish_params(const fed_task *task, float *params, float *carry,
                             const float *before);
/** Append the model file of `params`. */
FED_MUST_CHECK fed_status fed_task_write_model(const fed_task *task, const float *params,
                                               fed_bytes *out, fed_error *err);
/** Fill `params` from a model file; refuses what does not fit the plan's model. */
FED_MUST_CHECK fed_status fed_task_read_model(const fed_task *task, fed_span file,
                                              float *params, fed_error *err);

/* ---- from version to version ------------------------------------------------------- */

/** Append the compressed difference that leads from the published parameters `from` to `to`.
 *  FED_E_NUMERIC when they are not both on the plan's grid, FED_E_STATE when it has none;
 *  FED_E_NOMEM, FED_E_LIMIT. */
FED_MUST_CHECK fed_status fed_task_write_difference(const fed_task *task,
                                                    const float *from, const float *to,
                                                    fed_bytes *out, fed_error *err);
/** Add such a difference to `params` in place; FED_E_FORMAT leaves them unchanged. Bytes that
 *  were made for other parameters give other results: compare the address of what comes out. */
FED_MUST_CHECK fed_status fed_task_apply_difference(const fed_task *task, float *params,
                                                    fed_span difference, fed_error *err);

/* ---- the device's half -------------------------------------------------------------- */

/** The optimiser of a device that trains on `version`: the plan's, with the learning rate
 *  that its schedule gives at that round. */
fed_optimizer_config fed_task_optimizer(const fed_task *task, uint64_t version);
/** Steps of local training over `examples` rows: ceil(examples / batch) · epochs; with dp_sgd
 *  those of a device with eligibility.min_examples, whatever it has. */
uint64_t fed_task_steps(const fed_task *task, uint32_t examples);
/** Noise in the gradients (dp_sgd): each step draws each example by a secret coin, rate_of in
 *  rate_in, clips its gradient at `clip`, and adds noise of noise_multiplier times that. False
 *  with other mechanisms; then `out` is not written. Every device takes as many steps. */
typedef struct fed_task_example_privacy {
    double clip, noise_multiplier;
    uint64_t rate_of, rate_in, steps;
} fed_task_example_privacy;
bool fed_task_example_privacy_of(const fed_task *task, fed_task_example_privacy *out);
/** The weight of an update trained on `examples` rows, 1 with uniform weights. */
uint32_t fed_task_weight(const fed_task *task, uint32_t examples);

/** What one device turns into an upload; see fed_codec_input for the members. */
typedef struct fed_task_update {
    const float *delta;
    const float *residual;
    uint64_t missed;
    float *residual_out;
    uint32_t examples;
    const uint8_t *key; /* 32 secret bytes */
} fed_task_update;

/** What a device may log of its update; nothing of it leaves the device by itself. */
typedef struct fed_task_report {
    fed_codec_report codec;
    fed_rounding_outcome rounded; /* with noise: how the integers came within their norm;
                                     FED_ROUND_ZEROED: the zero vector was sent */
} fed_task_report;

/** Encode an update as the bytes of an input message, with the noise that the plan asks of a
 *  device. `report` may be NULL. */
FED_MUST_CHECK fed_status fed_task_encode(const fed_task *task,
                                          const fed_codec_round *round,
                                          const fed_task_update *update,
                                          const fed_parallel *parallel, fed_bytes *out,
                                          fed_task_report *report, fed_error *err);

/* ---- the server's half -------------------------------------------------------------- */

/** Decode the sum of a cohort into the mean update: `mean` holds numbers.params. The mean is
 *  over the sum of weights; with privacy over the fixed number rounds.cohort, however many
 *  survived, so that no device's presence changes what others are divided by. */
FED_MUST_CHECK fed_status fed_task_decode(const fed_task *task,
                                          const fed_codec_round *round,
                                          const fed_codec_sum *sum, float *mean,
                                          fed_codec_outcome *outcome,
                                          const fed_parallel *parallel, fed_error *err);

/** The clip norm of the version after this sum (with the server's noise in it), where the plan
 *  lets it follow the devices' bits; else 0: it is the codec's to say. */
double fed_task_next_clip(const fed_task *task, const fed_codec_round *round,
                          const fed_codec_sum *sum);

/* ---- secure aggregation -------------------------------------------------------------- */

/** The parameters of a cohort on the version of `round`, as each side computes them for
 *  itself. `enrolment_key` is the key that certificates chain to: a device passes the one it
 *  pins. FED_E_INVALID, FED_E_STATE when the plan has secure aggregation off. */
FED_MUST_CHECK fed_status fed_task_secagg_params(const fed_task *task,
                                                 const fed_codec_round *round,
                                                 const uint8_t cohort[32],
                                                 const uint8_t enrolment_key[32],
                                                 fed_secagg_params *out, fed_error *err);
/** The rings of an encoded update (what fed_task_encode() wrote), ready to be masked: the
 *  caller's, for fed_ring_fini(); `n` receives how many. Nothing is left after a failure. */
FED_MUST_CHECK fed_status fed_task_update_rings(const fed_task *task,
                                                const fed_codec_round *round,
                                                fed_span update,
                                                fed_ring rings[FED_CODEC_VECTORS_MAX],
                                                size_t *n, fed_error *err);

/* ---- differential privacy ------------------------------------------------------------- */

/** What the plan promises, from which both ledgers are charged (fed_privacy_events). NULL when
 *  privacy.mechanism is "none". */
const fed_privacy *fed_task_privacy(const fed_task *task);
/** Does each device add its share of noise, and none of them all of it? */
bool fed_task_noise_is_shared(const fed_privacy *promise);
/** The budgets of who sees the models, and of the server; INFINITY: none. */
void fed_task_privacy_budgets(const fed_task *task, double *output, double *server);
/** The sampler of one device's noise in the named vector ("values", "votes", "bit"); NULL when
 *  devices add none to it. Threads may share it. */
const fed_sampler *fed_task_sampler(const fed_task *task, const char *vector);
/** The same of the noise that the server adds to the sum of that vector. */
const fed_sampler *fed_task_server_sampler(const fed_task *task, const char *vector);
/** Does the server add noise to sums: all of it, or the shares that are missing where devices
 *  are drawn by secret coins? */
bool fed_task_server_adds_noise(const fed_task *task);
/** What the server remembers of the noise of earlier rounds, where that of later ones depends on
 *  it (matrix); NULL with other mechanisms. For fed_matrix_stream_free(). */
FED_MUST_CHECK fed_status fed_task_open_correlation(const fed_task *task,
                                                    fed_matrix_stream **out,
                                                    fed_error *err);
/** Add the server's noise to every vector of `sum`, whose rings become wider for it. `secret`
 *  is the version's. The same secret and sum give the same noise; another sum, other noise.
 *  `past` is of the same version, or NULL where nothing correlates; it stays there until
 *  the version is made (fed_matrix_stream_keep). After a failure `sum` must not be used.
 *  FED_E_STATE: the noise is in it already. */
enum { FED_TASK_SECRET_BYTES = 32 };
FED_MUST_CHECK fed_status fed_task_add_noise(const fed_task *task,
                                             const uint8_t secret[FED_TASK_SECRET_BYTES],
                                             fed_matrix_stream *past, fed_codec_sum *sum,
                                             fed_error *err);
/** The secret of the next version in place of this one's, which cannot be found from it. */
FED_MUST_CHECK fed_status fed_task_advance_secret(uint8_t secret[FED_TASK_SECRET_BYTES],
                                                  fed_error *err);
/** The strategy of the matrix mechanism, and what adaptive clipping came to; NULL without. */
const fed_matrix *fed_task_matrix(const fed_task *task);
const fed_adaptive_clip *fed_task_adaptive_clip(const fed_task *task);

/** The least noise multiplier with which the plan keeps to these budgets (INFINITY: none), with
 *  five digits. FED_E_REFUSED, with the reason, when there is none up to 1000. */
FED_MUST_CHECK fed_status fed_task_noise_for(const fed_task *task, double output,
                                             double server, double *z, fed_error *err);

enum { FED_TASK_ROUNDS_MAX = 1 << 30 };
/** How often budgets can be spent. UINT64_MAX: any number, up to FED_TASK_ROUNDS_MAX. */
typedef struct fed_task_allowance {
    uint64_t rounds; /* with the plan's cap on participations */
    uint64_t
        participations; /* of one device, in the plan's rounds or as many as it takes */
} fed_task_allowance;
/** What these budgets (INFINITY: none) allow under the plan's noise. With the matrix mechanism:
 *  what is planned, or nothing. */
FED_MUST_CHECK fed_status fed_task_allowance_for(const fed_task *task, double output,
                                                 double server, fed_task_allowance *out,
                                                 fed_error *err);

/* ---- ledgers ---------------------------------------------------------------------------- */

/** The terms of a ledger that is made for this task. FED_E_STATE when the plan is without
 *  privacy. */
FED_MUST_CHECK fed_status fed_task_ledger_terms(const fed_task *task,
                                                fed_ledger_kind kind,
                                                const char *population,
                                                fed_ledger_terms *out, fed_error *err);
/** Open the stored bytes of such a ledger. FED_E_FORMAT when they are not one whole chain, of
 *  this kind and population: records are stored whole, so nothing is cut off. */
FED_MUST_CHECK fed_status fed_task_open_ledger(fed_ledger **out, fed_ledger_kind kind,
                                               const char *population, fed_span bytes,
                                               fed_error *err);
/** Is anything promised against the server? Not where it adds the noise itself. */
bool fed_task_promises_server(const fed_task *task);
/** Is the whole run one charge (matrix), whatever becomes of its rounds? */
bool fed_task_is_charged_once(const fed_task *task);
/** Under which id something is charged: that of the round or participation, or, where the whole
 *  run is one charge, that of the task. */
const uint8_t *fed_task_charge_id(const fed_task *task, const uint8_t task_id[32],
                                  const uint8_t own_id[32]);
/** Would one more participation (SEEN), or release (OUTPUT), of the task fit? `task_id` is its
 *  own: a whole run that is charged already fits. FED_E_REFUSED
 *  when the plan promises less than the ledger's terms do, or nothing; FED_E_BUDGET, with the numbers,
 *  when what either of them promises would be broken. */
FED_MUST_CHECK fed_status fed_task_check_charge(const fed_task *task,
                                                const fed_ledger *ledger,
                                                fed_ledger_view view,
                                                const uint8_t task_id[32],
                                                fed_error *err);
/** The same of a ledger that is made for this task. */
FED_MUST_CHECK fed_status fed_task_check_first_charge(const fed_task *task,
                                                      fed_error *err);
/** Check, and charge it to the ledger (`id`: fed_task_charge_id()); `bytes` is for the store (fed_ledger_charge). Nothing
 *  is charged to SEEN where nothing is promised against the server: a device's ledger then
 *  charges OUTPUT instead, and so still counts. */
FED_MUST_CHECK fed_status fed_task_charge(const fed_task *task, fed_ledger *ledger,
                                          fed_ledger_view view, const uint8_t id[32],
                                          fed_bytes *bytes, fed_error *err);

/* ---- a version's public state -------------------------------------------------------- */

/** Append the round blob that a version document carries. */
FED_MUST_CHECK fed_status fed_task_write_round(const fed_task *task,
                                               const fed_codec_round *round,
                                               fed_bytes *out, fed_error *err);
/** Parse one; it must be of `version`. */
FED_MUST_CHECK fed_status fed_task_read_round(const fed_task *task, fed_span blob,
                                              uint64_t version, fed_codec_round **out,
                                              fed_error *err);

#endif
