#include "engine.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "crypto.h"
#include "server_key.h"
#include "waiting.h"

enum { BATCH_MAX = 256, RESTART_S = 5 /* after which a stopped server may be back */ };

/** A task, as the engine keeps track of it. */
typedef struct followed_task {
    uint64_t told_version; /* plus one: the hook knows of it */
    bool told_end;         /* the hook knows that it is the last */
    uint64_t version;      /* that was durable when last looked at */
    fed_last_evaluation evaluation;
    fed_last_evaluation report; /* from the evaluator, if `ended`; guarded by the lock */
} followed_task;

struct fed_engine {
    fed_server_config config;
    fed_http_counters counters;
    fed_engine_hooks hooks;
    fed_store *store;
    fed_coordinator *coordinator;
    uint8_t server_key[32];
    fed_waiting waiting;
    uint64_t exchanges;
    int64_t wake_ms;
    followed_task tasks[FED_COORDINATOR_TASKS_MAX];
    fed_outbox outboxes[BATCH_MAX + 1];

    pthread_mutex_t lock;
    pthread_cond_t work;
    fed_exchange *first, *last; /* submitted, not taken */
    bool stopping;
};

/* ---- making -------------------------------------------------------------------------- */

/* A version that is there is no news, and one that was evaluated before is not again. */
static fed_status restore_followed(fed_engine *e, const fed_journal *journal,
                                   fed_error *err)
{
    for (size_t i = 0; i < fed_coordinator_task_count(e->coordinator); i++) {
        fed_task_info info;
        followed_task *t = &e->tasks[i];
        fed_coordinator_task_info(e->coordinator, i, &info);
        t->version = info.head.version;
        FED_TRY(fed_evaluation_restore(journal, &info.id, &t->evaluation, err));
        if (t->evaluation.known && t->evaluation.version == info.head.version)
            t->told_version = info.head.version + 1;
    }
    return FED_OK;
}

static fed_status restore(fed_engine *e, fed_error *err)
{
    fed_coordinator_config c = {.wall_offset_ms =
                                    fed_clock_wall_ms() - fed_clock_monotonic_ms(),
                                .retry_min_ms = e->config.retry_min_ms,
                                .retry_max_ms = e->config.retry_max_ms,
                                .random = fed_random_system(),
                                .accept = e->hooks.accept,
                                .accept_ctx = e->hooks.ctx};
    memcpy(c.operator_key, e->config.operator_key, sizeof c.operator_key);
    c.has_enrolment_key = e->config.has_enrolment_key;
    memcpy(c.enrolment_key, e->config.enrolment_key, sizeof c.enrolment_key);
    fed_journal journal = fed_store_journal(e->store);
    fed_status status = fed_server_key_load(e->config.folder, c.server_seed, err);
    if (!status) status = fed_ed25519_public(c.server_seed, e->server_key, err);
    if (!status) status = fed_coordinator_new(&e->coordinator, &c, err);
    fed_wipe(c.server_seed, sizeof c.server_seed);
    if (!status)
        status = fed_coordinator_restore(e->coordinator, &journal,
                                         fed_clock_monotonic_ms(), err);
    return status ? status : restore_followed(e, &journal, err);
}

fed_status fed_engine_new(fed_engine **out, const fed_server_config *config,
                          const fed_engine_hooks *hooks, fed_error *err)
{
    pthread_condattr_t monotonic;
    *out = NULL;
    fed_engine *e = fed_calloc(1, sizeof *e);
    if (!e) return fed_fail_nomem(err, sizeof *e);
    e->config = *config;
    e->hooks = *hooks;
    for (size_t i = 0; i <= BATCH_MAX; i++)
        fed_outbox_init(&e->outboxes[i]);
    pthread_mutex_init(&e->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&e->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    fed_status status = fed_store_open(&e->store, config->folder, err);
    if (!status) status = restore(e, err);
    if (status)
        fed_engine_free(e);
    else
        *out = e;
    return status;
}

void fed_engine_free(fed_engine *e)
{
    if (!e) return;
    fed_coordinator_free(e->coordinator);
    fed_store_close(e->store);
    pthread_cond_destroy(&e->work);
    pthread_mutex_destroy(&e->lock);
    fed_free(e);
}

const fed_coordinator *fed_engine_coordinator(const fed_engine *e)
{
    return e->coordinator;
}

fed_journal fed_engine_journal(fed_engine *e)
{
    return fed_store_journal(e->store);
}

const fed_last_evaluation *fed_engine_last_evaluation(const fed_engine *e, size_t index)
{
    return &e->tasks[index].evaluation;
}

bool fed_engine_evaluates(const fed_engine *e, const fed_task_info *info)
{
    const fed_plan *plan = fed_task_plan(info->task);
    uint64_t every = (uint64_t)plan->evaluate.every, version = info->head.version;
    if (!e->config.holdout || plan->evaluate.on != FED_EVALUATE_HOLDOUT) return false;
    if (info->head.state != FED_TASK_RUNNING) return true; /* no version follows */
    return version == (uint64_t)plan->rounds.count || !every || version % every == 0;
}

const uint8_t *fed_engine_server_key(const fed_engine *e)
{
    return e->server_key;
}

size_t fed_engine_waiting(const fed_engine *e)
{
    return e->waiting.n;
}

const fed_server_config *fed_engine_config(const fed_engine *e)
{
    return &e->config;
}

fed_http_counters *fed_engine_counters(fed_engine *e)
{
    return &e->counters;
}

const fed_store *fed_engine_store(const fed_engine *e)
{
    return e->store;
}

/* ---- from other threads ---------------------------------------------------------------- */

fed_status fed_engine_submit(fed_engine *e, fed_exchange *x)
{
    pthread_mutex_lock(&e->lock);
    bool taken = !e->stopping;
    if (taken) {
        x->next = NULL;
        if (e->last)
            e->last->next = x;
        else
            e->first = x;
        e->last = x;
        pthread_cond_signal(&e->work);
    }
    pthread_mutex_unlock(&e->lock);
    return taken ? FED_OK : FED_E_STATE;
}

void fed_engine_evaluated(fed_engine *e, size_t index,
                          const fed_last_evaluation *evaluation)
{
    pthread_mutex_lock(&e->lock);
    e->tasks[index].report = *evaluation;
    pthread_cond_signal(&e->work);
    pthread_mutex_unlock(&e->lock);
}

void fed_engine_stop(fed_engine *e)
{
    pthread_mutex_lock(&e->lock);
    e->stopping = true;
    pthread_cond_signal(&e->work);
    pthread_mutex_unlock(&e->lock);
}

/* ---- waiting for work ------------------------------------------------------------------ */

static int64_t next_deadline(const fed_engine *e)
{
    int64_t at = e->wake_ms;
    if (e->waiting.oldest && e->waiting.oldest->hold_end_ms < at)
        at = e->waiting.oldest->hold_end_ms;
    return at;
}

static bool has_report(const fed_engine *e)
{
    for (size_t i = 0; i < FED_COORDINATOR_TASKS_MAX; i++)
        if (e->tasks[i].report.ended) return true;
    return false;
}

/* Sleep until there is something to do; take at most a batch of exchanges. */
static size_t take_work(fed_engine *e, fed_exchange **batch, bool *stopping)
{
    size_t n = 0;
    int64_t at = next_deadline(e);
    struct timespec until = {at / 1000, at % 1000 * 1000000};
    pthread_mutex_lock(&e->lock);
    while (!e->first && !e->stopping && !has_report(e)) {
        if (at == FED_NEVER)
            pthread_cond_wait(&e->work, &e->lock);
        else if (pthread_cond_timedwait(&e->work, &e->lock, &until) == ETIMEDOUT)
            break;
    }
    while (e->first && n < BATCH_MAX) {
        batch[n++] = e->first;
        e->first = e->first->next;
    }
    if (!e->first) e->last = NULL;
    *stopping = e->stopping;
    pthread_mutex_unlock(&e->lock);
    return n;
}

/* ---- answering ------------------------------------------------------------------------- */

static void answer(const fed_engine *e, fed_exchange *x, unsigned status)
{
    x->status = status;
    if (status == FED_HTTP_TOO_MANY)
        x->retry_after_s = (e->config.retry_min_ms + 999) / 1000;
    if (status == FED_HTTP_UNAVAILABLE) x->retry_after_s = RESTART_S;
    x->answered = true;
    MHD_resume_connection(x->connection); /* from here on it belongs to its HTTP thread */
}

static void send_messages(fed_engine *e, fed_outbox *outbox)
{
    for (size_t i = 0; i < outbox->n_messages; i++) {
        fed_message *m = &outbox->messages[i];
        fed_exchange *x = fed_waiting_take(&e->waiting, m->peer);
        if (!x) continue; /* its hold was over: the device asks again */
        x->answer = m->body;
        fed_bytes_init(&m->body, 0);
        answer(e, x, m->status);
    }
}

static void end_holds(fed_engine *e, int64_t now, bool all)
{
    while (e->waiting.oldest && (all || e->waiting.oldest->hold_end_ms <= now)) {
        fed_exchange *x = fed_waiting_take(&e->waiting, e->waiting.oldest->id);
        answer(e, x, all ? FED_HTTP_UNAVAILABLE : FED_HTTP_ACCEPTED);
    }
}

/* ---- one batch ------------------------------------------------------------------------- */

static fed_status step(fed_engine *e, const fed_event *event, int64_t now,
                       fed_outbox *outbox, fed_error *err)
{
    FED_TRY(fed_coordinator_step(e->coordinator, event, now, outbox, err));
    if (outbox->wake_ms < e->wake_ms) e->wake_ms = outbox->wake_ms;
    return FED_OK;
}

/* The machine takes what it needs of the body; the slot is free for the next one. */
static fed_status step_exchange(fed_engine *e, fed_exchange *x, int64_t now,
                                fed_outbox *outbox, fed_error *err)
{
    x->id = ++e->exchanges;
    x->hold_end_ms = now + e->config.hold_ms;
    fed_waiting_add(&e->waiting, x);
    fed_event event = {.kind = FED_EVENT_MESSAGE,
                       .peer = x->id,
                       .type = x->type,
                       .body = {x->body.data, x->body.len}};
    FED_TRY(step(e, &event, now, outbox, err));
    fed_exchange_drop_body(x);
    return FED_OK;
}

/* Only after the commit, so that nobody sees what might still be lost. */
static void answer_query(fed_engine *e, fed_exchange *x)
{
    fed_error err = {0};
    fed_status status = x->query(e, x, &err);
    if (status) {
        fed_log(FED_LOG_WARN, "query_failed", "error=\"%s\"", err.text);
        fed_exchange_say(x, FED_HTTP_INTERNAL, fed_status_name(status));
    }
    answer(e, x, x->status);
}

/* What was answered or waits is no longer the batch's: its place becomes NULL. */
static fed_status do_batch(fed_engine *e, fed_exchange **batch, size_t n, fed_error *err)
{
    fed_outbox *list[BATCH_MAX + 1];
    fed_status status = FED_OK;
    int64_t now = fed_clock_monotonic_ms();
    e->wake_ms = FED_NEVER;
    for (size_t i = 0; i <= n; i++)
        list[i] = &e->outboxes[i];
    for (size_t i = 0; !status && i < n; i++) {
        if (batch[i]->query) continue;
        status = step_exchange(e, batch[i], now, list[i], err);
        batch[i] = NULL;
    }
    if (!status)
        status = step(e, &(fed_event){.kind = FED_EVENT_TIMER}, now, list[n], err);
    if (!status) status = fed_store_apply(e->store, list, n + 1, err);
    for (size_t i = 0; i <= n; i++) {
        if (!status) send_messages(e, list[i]);
        fed_outbox_fini(list[i]);
    }
    for (size_t i = 0; !status && i < n; i++) {
        if (batch[i]) answer_query(e, batch[i]);
        batch[i] = NULL;
    }
    return status;
}

static fed_status keep_evaluation(fed_engine *e, size_t index,
                                  const fed_last_evaluation *evaluation, fed_error *err)
{
    char key[FED_KEY_MAX];
    fed_task_info info;
    fed_bytes text;
    fed_coordinator_task_info(e->coordinator, index, &info);
    e->tasks[index].evaluation = *evaluation;
    if (!evaluation->known) return FED_OK;
    fed_log(FED_LOG_INFO, "evaluated",
            "task=%s version=%" PRIu64 " accuracy=%.4f loss=%.4f", info.document->name,
            evaluation->version, evaluation->accuracy, evaluation->loss);
    fed_evaluation_key(key, &info.id, evaluation->version);
    fed_bytes_init(&text, 4096);
    fed_evaluation_put(&text, evaluation);
    fed_status status = text.status
                            ? fed_fail_nomem(err, 4096)
                            : fed_store_put(e->store, key, text.data, text.len, err);
    fed_bytes_fini(&text);
    return status;
}

static fed_status take_reports(fed_engine *e, fed_error *err)
{
    for (size_t i = 0; i < FED_COORDINATOR_TASKS_MAX; i++) {
        pthread_mutex_lock(&e->lock);
        fed_last_evaluation report = e->tasks[i].report;
        e->tasks[i].report.ended = false;
        pthread_mutex_unlock(&e->lock);
        if (report.ended) FED_TRY(keep_evaluation(e, i, &report, err));
    }
    return FED_OK;
}

/* Only now, behind fed_store_apply(): what the log says has happened outlives a crash. */
/* " epsilon_output=1.2 epsilon_server=none", or nothing where nothing is private. */
static void say_epsilon(char *out, size_t size, const char *name, double epsilon)
{
    if (isfinite(epsilon))
        snprintf(out, size, " %s=%.4g", name, epsilon);
    else
        snprintf(out, size, " %s=none", name);
}

static const char *say_privacy(const fed_privacy_spent *p, char out[96])
{
    out[0] = 0;
    if (!p->is_private) return out;
    say_epsilon(out, 48, "epsilon_output", p->epsilon_output);
    say_epsilon(out + strlen(out), 48, "epsilon_server", p->epsilon_server);
    return out;
}

static void log_version(followed_task *t, const fed_task_info *info)
{
    if (t->version == info->head.version) return;
    char privacy[96];
    t->version = info->head.version;
    fed_log(FED_LOG_INFO, "version_committed",
            "task=%s version=%" PRIu64 " members=%u survivors=%u%s", info->document->name,
            t->version, info->last_members, info->last_survivors,
            say_privacy(&info->privacy, privacy));
}

/* A version is news, and that it is the last one is, unless it was evaluated anyway. */
static bool is_news(const followed_task *t, const fed_task_info *info)
{
    const fed_last_evaluation *v = &t->evaluation;
    if (t->told_version != info->head.version + 1) return true;
    if (info->head.state == FED_TASK_RUNNING || t->told_end) return false;
    return !v->ended || v->version != info->head.version;
}

static void tell_versions(fed_engine *e)
{
    for (size_t i = 0; i < fed_coordinator_task_count(e->coordinator); i++) {
        fed_task_info info;
        followed_task *t = &e->tasks[i];
        fed_coordinator_task_info(e->coordinator, i, &info);
        log_version(t, &info);
        if (!is_news(t, &info)) continue;
        t->told_version = info.head.version + 1;
        t->told_end = info.head.state != FED_TASK_RUNNING;
        if (e->hooks.new_version)
            e->hooks.new_version(e->hooks.ctx, i, &info,
                                 fed_coordinator_params(e->coordinator, i));
    }
}

void fed_engine_turn_away(fed_engine *e)
{
    end_holds(e, 0, true);
    pthread_mutex_lock(&e->lock);
    e->stopping = true;
    fed_exchange *x = e->first;
    e->first = e->last = NULL;
    pthread_mutex_unlock(&e->lock);
    while (x) {
        fed_exchange *next = x->next;
        answer(e, x, FED_HTTP_UNAVAILABLE);
        x = next;
    }
}

fed_status fed_engine_run(fed_engine *e, fed_error *err)
{
    fed_exchange *batch[BATCH_MAX];
    fed_status status = FED_OK;
    size_t n = 0;
    bool stopping = false;
    while (!status && !stopping) {
        status = do_batch(e, batch, n, err);
        if (!status) status = take_reports(e, err);
        if (status) break;
        tell_versions(e);
        end_holds(e, fed_clock_monotonic_ms(), false);
        n = take_work(e, batch, &stopping);
    }
    for (size_t i = 0; i < n; i++)
        if (batch[i]) answer(e, batch[i], FED_HTTP_UNAVAILABLE);
    fed_engine_turn_away(e);
    return status;
}
