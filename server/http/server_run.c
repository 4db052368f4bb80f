/* Putting the server together, and taking it apart in the right order: no new connections,
 * answers for those that wait, then the threads, then the store. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "evaluator.h"
#include "http.h"
#include "listener.h"

typedef struct server {
    const fed_server_config *config;
    fed_engine *engine;
    fed_evaluator *evaluator;
    fed_listener *listener;
    int stop_fd, ended[2];
    pthread_t watcher;
} server;

static fed_status write_file(const server *s, const char *name, const fed_bytes *text,
                             fed_error *err)
{
    char path[FED_PATH_MAX];
    snprintf(path, sizeof path, "%.4000s/%s", s->config->folder, name);
    return fed_durable_replace(path, (fed_span){text->data, text->len}, err);
}

/* What whoever started this wants to know: the key that signs versions, and the port. */
static fed_status tell(const server *s, fed_error *err)
{
    fed_bytes text;
    fed_bytes_init(&text, FED_KEYFILE_MAX);
    fed_status status =
        fed_keyfile_put(FED_KEY_PUBLIC, fed_engine_server_key(s->engine), &text, err);
    if (!status) status = write_file(s, "server.key.pub", &text, err);
    fed_bytes_clear(&text);
    fed_bytes_printf(&text, "%u\n", fed_listener_port(s->listener));
    if (!status) status = write_file(s, "port", &text, err);
    fed_bytes_fini(&text);
    return status;
}

/* The engine's hooks. */
static void new_version(void *ctx, size_t index, const fed_task_info *info,
                        const float *params)
{
    fed_evaluator_new_version(((server *)ctx)->evaluator, index, info, params);
}

static fed_status accept_task(void *ctx, const fed_task *task, fed_error *err)
{
    const server *s = ctx;
    size_t upload = fed_task_numbers_of(task)->update_bytes + FED_ENVELOPE_OVERHEAD;
    if (upload > s->config->max_body)
        return fed_fail(err, FED_E_REFUSED,
                        "task: an upload is %zu bytes, this server reads at most %zu "
                        "(fedserver --max-body)",
                        upload, s->config->max_body);
    return fed_evaluator_accept(s->evaluator, task, err);
}

/* Until a signal, or until the engine ends by itself. */
static void *watch(void *ctx)
{
    server *s = ctx;
    struct pollfd fds[2] = {{s->stop_fd, POLLIN, 0}, {s->ended[0], POLLIN, 0}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        continue;
    fed_engine_stop(s->engine);
    return NULL;
}

static fed_status start(server *s, fed_error *err)
{
    const fed_server_config *config = s->config;
    fed_engine_hooks hooks = {new_version, accept_task, s};
    FED_TRY(fed_evaluator_new(&s->evaluator, config->holdout, err));
    FED_TRY(fed_engine_new(&s->engine, config, &hooks, err));
    fed_evaluator_attach(s->evaluator, s->engine);
    if (pipe(s->ended)) return fed_fail(err, FED_E_IO, "pipe: %s", strerror(errno));
    FED_TRY(fed_listener_start(&s->listener, config, s->engine, err));
    FED_TRY(tell(s, err));
    if (pthread_create(&s->watcher, NULL, watch, s))
        return fed_fail(err, FED_E_IO, "no thread could be started");
    fed_log(FED_LOG_INFO, "listening", "address=%s port=%u", config->listen,
            fed_listener_port(s->listener));
    return FED_OK;
}

/* Whatever ends a server that ran is the machine's fault, not the operator's. */
static fed_status serve(server *s, fed_error *err)
{
    fed_status status = fed_engine_run(s->engine, err);
    (void)!write(s->ended[1], "", 1);
    pthread_join(s->watcher, NULL);
    if (!status) {
        fed_log(FED_LOG_INFO, "stopping", "version=" FED_VERSION);
        return FED_OK;
    }
    fed_log(FED_LOG_ERROR, "failed", "status=\"%s\" error=\"%s\"",
            fed_status_name(status), err ? err->text : "");
    return fed_fail_in(err, FED_E_IO, "the server ends and may be started again");
}

/* A listener that has started may hold requests: they are answered before it goes. */
static void stop_listener(server *s)
{
    if (!s->listener) return;
    fed_engine_stop(s->engine);
    fed_engine_turn_away(s->engine);
    fed_listener_drain(s->listener);
    fed_listener_free(s->listener);
}

fed_status fed_server_run(const fed_server_config *config, int stop_fd, fed_error *err)
{
    fed_error own = {0};
    server s = {.config = config, .stop_fd = stop_fd, .ended = {-1, -1}};
    if (!err) err = &own;
    fed_status status = start(&s, err);
    if (!status) status = serve(&s, err);
    stop_listener(&s);
    if (s.evaluator) fed_evaluator_stop(s.evaluator);
    fed_engine_free(s.engine);
    fed_evaluator_free(s.evaluator);
    if (s.ended[0] >= 0) close(s.ended[0]);
    if (s.ended[1] >= 0) close(s.ended[1]);
    return status;
}
