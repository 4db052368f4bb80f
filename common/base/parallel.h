/* Loops that may use several threads. Pure code takes a `const fed_parallel *` (NULL means
 * one thread); shells make a pool. Results never depend on the number of threads. */
#ifndef FED_PARALLEL_H
#define FED_PARALLEL_H

#include <stddef.h>

#include "public/fed/status.h"

typedef void (*fed_loop_body)(void *arg, size_t index, unsigned worker);

typedef struct fed_parallel {
    /** Call body(arg, i, worker) once for each i in [0, n), in any order, on any of the
     *  `threads` workers; return when all are done. */
    void (*run)(void *ctx, size_t n, fed_loop_body body, void *arg);
    void *ctx;
    unsigned threads; /* `worker` stays below this */
} fed_parallel;

/** Run a loop on `parallel`, or here when it is NULL (worker 0). */
void fed_parallel_for(const fed_parallel *parallel, size_t n, fed_loop_body body,
                      void *arg);
/** How many workers a loop on `parallel` may see: at least 1. */
unsigned fed_parallel_threads(const fed_parallel *parallel);

/** A pool of `threads` workers, the calling thread being one of them. For shells. */
typedef struct fed_pool fed_pool;
FED_MUST_CHECK fed_status fed_pool_new(fed_pool **out, unsigned threads, fed_error *err);
void fed_pool_free(fed_pool *pool);
/** The pool as a fed_parallel; valid as long as the pool. One loop at a time. */
const fed_parallel *fed_pool_parallel(fed_pool *pool);

#endif
