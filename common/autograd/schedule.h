/* Learning-rate schedules. */
#ifndef FED_SCHEDULE_H
#define FED_SCHEDULE_H

#include "optimizer.h"

/** Check the fields of the schedule. */
FED_MUST_CHECK fed_status fed_schedule_check(const fed_optimizer_config *c,
                                             fed_error *err);
/** The learning rate of step `step`, counted from 0. Plain arithmetic only, the same bits on
 *  every machine. */
double fed_schedule_lr(const fed_optimizer_config *c, uint64_t step);

#endif
