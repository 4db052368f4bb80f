/*
 * The one test harness, over CUnit. A suite is a program:
 *
 *     static void test_adds(void) { CHECK_EQ(1 + 1, 2); }
 *     int main(void)
 *     {
 *         static const fed_case cases[] = {CASE(test_adds)};
 *         return fed_run("adder", cases, sizeof cases / sizeof *cases);
 *     }
 *
 * Its last line is `adder: N passed, N failed, N skipped`, which script/test adds up.
 * A check that fails is reported and counted; the case goes on, so guard what follows.
 */
#ifndef FED_HARNESS_H
#define FED_HARNESS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base.h"

typedef struct fed_case {
    const char *name;
    void (*run)(void);
} fed_case;

#define CASE(function)                                                                   \
    {                                                                                    \
#function, function                                                              \
    }

/** Run all cases (or those named in the environment variable FED_CASE, a substring); the
 *  result is the exit code of main. */
int fed_run(const char *suite, const fed_case *cases, size_t n);

/** The running case could not be done: say why, loudly. Return from the case after it. */
void fed_skip(const char *why, ...) FED_PRINTF(1, 2);

/** A line of output that belongs to the running case (a measured figure, a seed). */
void fed_note(const char *format, ...) FED_PRINTF(1, 2);

bool fed_check(bool ok, const char *file, int line, const char *format, ...)
    FED_PRINTF(4, 5);

#define CHECK(condition)          fed_check((condition), __FILE__, __LINE__, "%s", #condition)
#define CHECK_MSG(condition, ...) fed_check((condition), __FILE__, __LINE__, __VA_ARGS__)
#define CHECK_EQ(a, b)                                                                   \
    fed_check_eq((long long)(a), (long long)(b), #a, #b, __FILE__, __LINE__)
#define CHECK_NEAR(a, b, tolerance)                                                      \
    fed_check_near((double)(a), (double)(b), (double)(tolerance), #a, __FILE__, __LINE__)
#define CHECK_STR(a, b)    fed_check_str((a), (b), #a, __FILE__, __LINE__)
#define CHECK_MEM(a, b, n) fed_check_mem((a), (b), (n), #a, __FILE__, __LINE__)
/** `expression` is a fed_status; on failure the text of `err` is shown. */
#define CHECK_OK(expression, err)                                                        \
    fed_check_ok((expression), (err), #expression, __FILE__, __LINE__)
/** `expression` must fail with `status` and a text that contains `part`. */
#define CHECK_FAILS(expression, wanted, err, part)                                       \
    fed_check_fails((expression), (wanted), (err), (part), #expression, __FILE__,        \
                    __LINE__)

bool fed_check_eq(long long a, long long b, const char *ta, const char *tb,
                  const char *file, int line);
bool fed_check_near(double a, double b, double tolerance, const char *text,
                    const char *file, int line);
bool fed_check_str(const char *a, const char *b, const char *text, const char *file,
                   int line);
bool fed_check_mem(const void *a, const void *b, size_t n, const char *text,
                   const char *file, int line);
bool fed_check_ok(fed_status status, const fed_error *err, const char *text,
                  const char *file, int line);
bool fed_check_fails(fed_status status, fed_status wanted, const fed_error *err,
                     const char *part, const char *text, const char *file, int line);

/** Fail every allocation in turn: `scenario` is run with the first, the second, … failing,
 *  until it succeeds. Each failing run must answer FED_E_NOMEM and leak nothing. Returns how
 *  many allocations the scenario makes. */
size_t fed_torture(fed_status (*scenario)(void *ctx), void *ctx);
/** Count allocations from here on (zero-allocation tests); _stop returns the number made. */
void fed_count_allocations_start(void);
size_t fed_count_allocations_stop(void);

/** $FED_DATA/<name> or $FED_REFERENCE/<name> when it is there, else NULL after a loud skip.
 *  The text is static, overwritten by the next call. */
const char *fed_data_path(const char *name);
const char *fed_reference_path(const char *name);

enum { FED_FOLDER_MAX = 192 };
/** Make a new folder below $TMPDIR or /tmp; false after a failed check. */
bool fed_folder_make(char path[FED_FOLDER_MAX]);
/** Remove it and all that is in it; kept, and named, when $FED_KEEP is set. */
void fed_folder_remove(const char *path);

/** A source of "secret" bytes for tests: derived from (seed, purpose, index). */
fed_random fed_test_random(uint64_t *seed);

#endif
