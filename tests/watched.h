/*
 * Do branches or addresses depend on secrets? Under valgrind secrets are declared undefined;
 * memcheck then reports every branch and every address that depends on them (the method of
 * ctgrind, Langley 2010). ctest runs such a suite as `valgrind --error-exitcode=1 test_X`,
 * under the name X_watched; alone it only says so.
 */
#ifndef FED_WATCHED_H
#define FED_WATCHED_H

#include "harness.h"

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define HAVE_MEMCHECK 1
#endif
#endif

#ifdef HAVE_MEMCHECK
#define POISON(p, n) VALGRIND_MAKE_MEM_UNDEFINED(p, n)
#define CLEAR(p, n)  VALGRIND_MAKE_MEM_DEFINED(p, n)
#define IS_WATCHED() RUNNING_ON_VALGRIND
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define CLEAR(p, n)  ((void)(p), (void)(n))
#define IS_WATCHED() false
#endif

/** Return from a case where nobody watches. */
static inline bool is_watched(void)
{
    if (IS_WATCHED()) return true;
    fed_skip("not under valgrind: ctest's suites called *_watched are");
    return false;
}

/** Is a byte that was declared secret known as such? The method itself. */
static inline bool poison_is_seen(void)
{
#ifdef HAVE_MEMCHECK
    volatile uint8_t secret = 1;
    void *at = (void *)(uintptr_t)&secret;
    POISON(at, 1);
    VALGRIND_DISABLE_ERROR_REPORTING;
    bool seen = VALGRIND_CHECK_MEM_IS_DEFINED(at, 1) != 0;
    VALGRIND_ENABLE_ERROR_REPORTING;
    CLEAR(at, 1);
    return seen;
#else
    return false;
#endif
}

#endif
