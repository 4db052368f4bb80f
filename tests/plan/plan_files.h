/* Reading the plans that stand in files, for the suites of this room. */
#ifndef FED_TEST_PLAN_FILES_H
#define FED_TEST_PLAN_FILES_H

#include "harness.h"

#include "plan.h"

/** Read PLAN_FOLDER/NAME, or TOP_FOLDER/NAME, into `out` (any buffer); a failed check when
 *  it cannot be read. */
bool plan_read(fed_bytes *out, const char *name);
bool plan_read_top(fed_bytes *out, const char *name);
/** Call `body` with the name (FOLDER/FILE) of each *.json in a folder of the tests, or of
 *  the top, in the order of names; returns how many there were. */
size_t plan_each(const char *folder, void (*body)(const char *name));
size_t plan_each_top(const char *folder, void (*body)(const char *name));

/** Two hidden units' worth of a plan, all defaults, and what fed_plan_set() makes of it with
 *  the space-separated assignments; failed checks when that does not work. */
bool plan_with(fed_bytes *out, const char *assignments);

#endif
