/*
 * sumrun: rounds at fidelity `sum`. A round trains its members in parallel, one trainer a
 * thread, adds up what they encode, and makes the next version. The sum is exact integers,
 * so neither threads nor order change a bit of the model.
 */
#ifndef FED_SUMRUN_H
#define FED_SUMRUN_H

#include "base.h"
#include "population.h"
#include "round.h"
#include "task.h"

/** One thread at a time. */
typedef struct fed_sumrun fed_sumrun;

/** Version 0 of the task over the population, both borrowed; `parallel` may be NULL. */
FED_MUST_CHECK fed_status fed_sumrun_new(fed_sumrun **out, const fed_task *task,
                                         const fed_population *population,
                                         const fed_parallel *parallel, fed_error *err);
void fed_sumrun_free(fed_sumrun *run);

/** Who takes part in the round on `version`: `n` of the clients, drawn from the seed. */
FED_MUST_CHECK fed_status fed_sumrun_draw(const fed_sumrun *run, uint64_t seed,
                                          uint64_t version, uint32_t *members, uint32_t n,
                                          fed_error *err);

/** What a round was like. */
typedef struct fed_sumrun_round {
    uint32_t members, survivors;
    uint64_t upload_bytes; /* of all update bodies */
    double train_loss;     /* mean over members of their mean loss */
    uint32_t not_finite;   /* members whose training met a NaN or an infinity */
    uint64_t steps;        /* training steps of all members */
} fed_sumrun_round;

/** One round: `members` train; those for which `survives` (NULL: all) says so are in the sum.
 *  With no survivor the version stays. */
FED_MUST_CHECK fed_status fed_sumrun_round_do(fed_sumrun *run, const uint32_t *members,
                                              const bool *survives, uint32_t n,
                                              fed_sumrun_round *out, fed_error *err);
/** The present version; borrowed until the next round. */
const fed_version_state *fed_sumrun_state(const fed_sumrun *run);

#endif
