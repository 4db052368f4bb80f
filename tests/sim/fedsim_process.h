/* fedsim as a process: run it in a folder of the test's own, read what it says. */
#ifndef FED_TEST_FEDSIM_PROCESS_H
#define FED_TEST_FEDSIM_PROCESS_H

#include "harness.h"

#include <jansson.h>

/** Both outputs of the last run. */
extern char fedsim_output[1 << 16];

/** Make the folder of the test; remove it, and return `code`. */
bool fedsim_folder_make(void);
int fedsim_folder_remove(int code);
const char *fedsim_folder(void);
bool fedsim_put_file(const char *name, const char *text);
/** The text of a file, in memory that the next call overwrites; "" after a failed check. */
char *fedsim_read_file(const char *name);

/** Run `fedsim ARGUMENTS` in the folder; its exit code. */
int fedsim_run(const char *arguments);
/** The same, and check for exit code and a part of what it says. */
void fedsim_check(const char *arguments, int code, const char *part);
/** The last line as JSON; the caller's to release. */
json_t *fedsim_last_line(void);

#endif
