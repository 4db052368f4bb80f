/* Child processes of a test. */
#ifndef FED_PROCESS_H
#define FED_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base.h"

enum { FED_ARGUMENTS_MAX = 40 };

/** Start argv[0] with standard output and error appended to the file `log`. Dies with the
 *  test. Returns -1 on failure. */
pid_t fed_process_start(const char *const *argv, const char *log);
/** Wait at most `ms` for the end; true and the exit code (128 + signal when killed). */
bool fed_process_wait(pid_t pid, int64_t ms, int *code);
/** kill -9, and wait. */
void fed_process_kill(pid_t pid);
/** Run to the end, at most `ms`; standard output and error are appended to `out`. The exit
 *  code, or -1. */
int fed_process_run(const char *const *argv, int64_t ms, fed_bytes *out);
void fed_process_sleep(int64_t ms);

#endif
