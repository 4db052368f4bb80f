/*
 * sumrun: rounds at fidelity `sum`. A round trains its members in parallel, one trainer a
 * thread, adds up what they encode, and makes the next version. The sum is exact integers,
 * so neither threads nor order change a bit of the model.
 *
 * A cohort is kept by the rules of server/round: it closes when it is full, or with enough
 * members when the time to fill it is up; with fewer the next round adds to it; with too few
 * inputs it is aborted, and whoever had sent one has spent the version. So is the ledger.
 */
#ifndef FED_SUMRUN_H
#define FED_SUMRUN_H

#include "base.h"
#include "population.h"
#include "round.h"
#include "task.h"
#include "turnout.h"

/** One thread at a time. */
typedef struct fed_sumrun fed_sumrun;

/** Version 0 of the task over the population, both borrowed; `parallel` may be NULL. */
FED_MUST_CHECK fed_status fed_sumrun_new(fed_sumrun **out, const fed_task *task,
                                         const fed_population *population,
                                         const fed_parallel *parallel, fed_error *err);
void fed_sumrun_free(fed_sumrun *run);

/** One round, whose members `turnout` draws. */
FED_MUST_CHECK fed_status fed_sumrun_round(fed_sumrun *run, fed_turnout *turnout,
                                           fed_round_result *out, fed_error *err);

/** The round of a trace: these members trained, and those that survived are in the sum. The
 *  others are taken not to have sent anything. FED_E_INVALID without survivors or with more
 *  members than the plan invites. */
FED_MUST_CHECK fed_status fed_sumrun_replay(fed_sumrun *run, const fed_seat *members,
                                            size_t n, fed_round_result *out,
                                            fed_error *err);

/** What the versions have cost, and whether one more would break the plan's promise: then
 *  there are no further rounds. */
fed_privacy_spent fed_sumrun_privacy(const fed_sumrun *run);
bool fed_sumrun_is_spent(const fed_sumrun *run);
/** The present version; borrowed until the next round. */
const fed_version_state *fed_sumrun_state(const fed_sumrun *run);

#endif
