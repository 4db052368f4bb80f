/* One thread that evaluates new versions on the hold-out, never in the engine's way: of a
 * task that makes versions faster than they can be evaluated, the newest is taken. */
#ifndef FED_EVALUATOR_H
#define FED_EVALUATOR_H

#include "engine.h"

typedef struct fed_evaluator fed_evaluator;

/** Open the hold-out (the test part of `spec`; NULL: there is none) and start. */
FED_MUST_CHECK fed_status fed_evaluator_new(fed_evaluator **out, const char *spec,
                                            fed_error *err);
/** Where results go; once, before the engine runs. */
void fed_evaluator_attach(fed_evaluator *v, fed_engine *engine);
/** Can this task be evaluated as its plan says? FED_E_REFUSED tells why not. */
FED_MUST_CHECK fed_status fed_evaluator_accept(const fed_evaluator *evaluator,
                                               const fed_task *task, fed_error *err);
/** The engine's hook. Copies the parameters when the plan wants this version evaluated. */
void fed_evaluator_new_version(void *ctx, size_t index, const fed_task_info *info,
                               const float *params);
/** Finish what is under way, drop what waits. The tasks must still be there. */
void fed_evaluator_stop(fed_evaluator *v);
void fed_evaluator_free(fed_evaluator *v);

#endif
