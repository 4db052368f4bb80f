/* The one thread that owns the coordinator and the store. */
#ifndef FED_ENGINE_H
#define FED_ENGINE_H

#include "evaluations.h"
#include "exchange.h"
#include "http.h"
#include "http_counters.h"
#include "round.h"
#include "store.h"

typedef struct fed_engine fed_engine;

/** What the engine tells and asks others, on its own thread. */
typedef struct fed_engine_hooks {
    /** Task number `index` has a new version, which is stored; its parameters are borrowed
     *  for the call. */
    void (*new_version)(void *ctx, size_t index, const fed_task_info *info,
                        const float *params);
    /** Is this new task one that this server can carry out? See fed_coordinator_accept. */
    fed_coordinator_accept *accept;
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
/** Answer all that waits with 503, and take nothing more; not while it runs. */
void fed_engine_turn_away(fed_engine *engine);

/* For queries, on the engine's thread. */
const fed_coordinator *fed_engine_coordinator(const fed_engine *engine);
fed_journal fed_engine_journal(fed_engine *engine);
const fed_last_evaluation *fed_engine_last_evaluation(const fed_engine *engine,
                                                      size_t index);
/** True when the present version of this task is one that is evaluated on the hold-out. */
bool fed_engine_evaluates(const fed_engine *engine, const fed_task_info *info);
const uint8_t *fed_engine_server_key(const fed_engine *engine);
/** Exchanges that wait for others. */
size_t fed_engine_waiting(const fed_engine *engine);
const fed_server_config *fed_engine_config(const fed_engine *engine);
/** Any thread counts here. */
fed_http_counters *fed_engine_counters(fed_engine *engine);
/** For serving blobs; thread-safe. */
const fed_store *fed_engine_store(const fed_engine *engine);

#endif
