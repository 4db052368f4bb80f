/* The one thread that owns the coordinator and the store. */
#ifndef FED_ENGINE_H
#define FED_ENGINE_H

#include "exchange.h"
#include "http.h"
#include "round.h"
#include "store.h"

/** The newest evaluation of a task on the hold-out. Zeroed: there was none yet. */
typedef struct fed_last_evaluation {
    uint64_t version;
    double accuracy, loss;
    uint32_t examples;
    bool ended; /* version was evaluated, or it failed */
    bool known; /* it gave these numbers */
} fed_last_evaluation;

typedef struct fed_engine fed_engine;

/** What the engine tells others, on its own thread, after a commit. */
typedef struct fed_engine_hooks {
    /** Task number `index` has a new version, whose parameters are borrowed for the call. */
    void (*new_version)(void *ctx, size_t index, const fed_task_info *info,
                        const float *params);
    void *ctx;
} fed_engine_hooks;

/** Open the store, restore the coordinator. */
FED_MUST_CHECK fed_status fed_engine_new(fed_engine **out,
                                         const fed_server_config *config,
                                         const fed_engine_hooks *hooks, fed_error *err);
void fed_engine_free(fed_engine *engine);

/** Hand in an exchange (borrowed until answered); its connection must be suspended. Any
 *  thread. FED_E_STATE when the engine is stopping: then nothing was taken. */
FED_MUST_CHECK fed_status fed_engine_submit(fed_engine *engine, fed_exchange *exchange);
/** Have the engine's thread keep the result of an evaluation. Any thread. */
void fed_engine_evaluated(fed_engine *engine, size_t index,
                          const fed_last_evaluation *evaluation);
/** Work until fed_engine_stop(); then answer all that waits with 503. The status is why it
 *  ended: FED_OK, or the failure of a step or of the store. */
FED_MUST_CHECK fed_status fed_engine_run(fed_engine *engine, fed_error *err);
/** Any thread. */
void fed_engine_stop(fed_engine *engine);

/* For queries, on the engine's thread. */
const fed_coordinator *fed_engine_coordinator(const fed_engine *engine);
fed_journal fed_engine_journal(fed_engine *engine);
const fed_last_evaluation *fed_engine_last_evaluation(const fed_engine *engine,
                                                      size_t index);
/** True when the present version of this task is one that is evaluated on the hold-out. */
bool fed_engine_evaluates(const fed_engine *engine, const fed_task_info *info);
const uint8_t *fed_engine_server_key(const fed_engine *engine);
/** For serving blobs; thread-safe. */
const fed_store *fed_engine_store(const fed_engine *engine);

#endif
