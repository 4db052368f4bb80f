/* Plans of the task suites: one text, and changes to it. */
#ifndef FED_TEST_CHANGED_PLAN_H
#define FED_TEST_CHANGED_PLAN_H

#include "plan.h"

/** `plan` with space-separated assignments ("train.lr=0.1 rounds.cohort=20"): the caller's, also
 *  after a failure. */
fed_status changed_plan(const char *plan, const char *assignments, fed_bytes *text,
                        fed_error *err);

#endif
