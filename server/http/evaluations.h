/* Evaluations on the hold-out, as they are kept: task/ID/evaluation/VERSION, in JSON. */
#ifndef FED_EVALUATIONS_H
#define FED_EVALUATIONS_H

#include "base.h"
#include "model.h"
#include "round.h"

/** The newest evaluation of a task. Zeroed: there was none yet. */
typedef struct fed_last_evaluation {
    uint64_t version;
    double accuracy, loss;
    uint32_t examples;
    bool ended; /* version was evaluated, or it failed */
    bool known; /* it gave these numbers */
} fed_last_evaluation;

/** The key, and the JSON that belongs there: a number that is not finite is null. */
void fed_evaluation_key(char key[FED_KEY_MAX], const fed_address *task, uint64_t version);
void fed_evaluation_put(fed_bytes *out, const fed_last_evaluation *evaluation);
/** The newest evaluation that the journal holds of a task, or a zeroed one. */
FED_MUST_CHECK fed_status fed_evaluation_restore(const fed_journal *journal,
                                                 const fed_address *task,
                                                 fed_last_evaluation *out,
                                                 fed_error *err);

#endif
