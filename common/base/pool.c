/* A plain pool: a loop is published under the lock, workers take indices from an atomic
 * counter, the caller works too and then waits for the others. */
#include "parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fail.h"
#include "memory.h"

enum { FED_POOL_MAX_THREADS = 256 };

typedef struct worker {
    struct fed_pool *pool;
    pthread_t thread;
    unsigned number;
} worker;

struct fed_pool {
    fed_parallel parallel;
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    worker *workers; /* [1, parallel.threads) have a thread; 0 is the caller */
    unsigned started;
    uint64_t generation; /* counts published loops */
    unsigned busy;
    bool stop;
    atomic_size_t next;
    size_t n;
    fed_loop_body body;
    void *arg;
};

static void take_indices(fed_pool *pool, unsigned number)
{
    for (;;) {
        size_t i = atomic_fetch_add(&pool->next, 1);
        if (i >= pool->n) return;
        pool->body(pool->arg, i, number);
    }
}

static void *worker_main(void *arg)
{
    worker *me = arg;
    fed_pool *pool = me->pool;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->stop && pool->generation == seen)
            pthread_cond_wait(&pool->work, &pool->lock);
        if (pool->stop) break;
        seen = pool->generation;
        pthread_mutex_unlock(&pool->lock);
        take_indices(pool, me->number);
        pthread_mutex_lock(&pool->lock);
        if (--pool->busy == 0) pthread_cond_signal(&pool->idle);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void pool_run(void *ctx, size_t n, fed_loop_body body, void *arg)
{
    fed_pool *pool = ctx;
    pthread_mutex_lock(&pool->lock);
    pool->n = n;
    pool->body = body;
    pool->arg = arg;
    atomic_store(&pool->next, 0);
    pool->busy = pool->started;
    pool->generation++;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    take_indices(pool, 0);
    pthread_mutex_lock(&pool->lock);
    while (pool->busy)
        pthread_cond_wait(&pool->idle, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

fed_status fed_pool_new(fed_pool **out, unsigned threads, fed_error *err)
{
    *out = NULL;
    if (threads < 1 || threads > FED_POOL_MAX_THREADS)
        return fed_fail(err, FED_E_INVALID, "threads: %u is not in 1..%d", threads,
                        FED_POOL_MAX_THREADS);
    fed_pool *pool = fed_calloc(1, sizeof *pool);
    worker *workers = fed_calloc(threads, sizeof *workers);
    if (!pool || !workers) {
        fed_free(pool);
        fed_free(workers);
        return fed_fail_nomem(err, sizeof *pool + threads * sizeof *workers);
    }
    pool->workers = workers;
    pool->parallel = (fed_parallel){pool_run, pool, threads};
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->idle, NULL);
    for (unsigned i = 1; i < threads; i++) {
        workers[i] = (worker){.pool = pool, .number = i};
        if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i])) {
            fed_pool_free(pool);
            return fed_fail(err, FED_E_IO, "threads: could not start number %u", i);
        }
        pool->started++;
    }
    *out = pool;
    return FED_OK;
}

void fed_pool_free(fed_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 1; i <= pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->idle);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    fed_free(pool->workers);
    fed_free(pool);
}

const fed_parallel *fed_pool_parallel(fed_pool *pool)
{
    return &pool->parallel;
}
