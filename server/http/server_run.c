/* Putting the server together, and taking it apart in the right order: no new connections,
 * answers for those that wait, then the threads, then the store. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "evaluator.h"
#include "http.h"
#include "listener.h"

typedef struct server {
    fed_engine *engine;
    fed_evaluator *evaluator;
    fed_listener *listener;
    int stop_fd, ended[2];
    pthread_t watcher;
} server;

/* The port appears in FOLDER/port in one piece. */
static fed_status write_port(const char *folder, uint16_t port, fed_error *err)
{
    char path[4096], temporary[4096 + 8], text[16];
    snprintf(path, sizeof path, "%s/port", folder);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    int n = snprintf(text, sizeof text, "%u\n", port);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool ok = fd >= 0 && write(fd, text, (size_t)n) == n;
    if (fd >= 0) close(fd);
    if (ok && rename(temporary, path) == 0) return FED_OK;
    return fed_fail(err, FED_E_IO, "%s: could not be written: %s", path, strerror(errno));
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

static fed_status start(server *s, const fed_server_config *config, fed_error *err)
{
    FED_TRY(fed_evaluator_new(&s->evaluator, config->holdout, err));
    fed_engine_hooks hooks = {fed_evaluator_new_version, s->evaluator};
    FED_TRY(fed_engine_new(&s->engine, config, &hooks, err));
    fed_evaluator_attach(s->evaluator, s->engine);
    FED_TRY(fed_listener_start(&s->listener, config, s->engine, err));
    if (pipe(s->ended)) return fed_fail(err, FED_E_IO, "pipe: %s", strerror(errno));
    FED_TRY(write_port(config->folder, fed_listener_port(s->listener), err));
    fed_log(FED_LOG_INFO, "listening", "address=%s port=%u", config->listen,
            fed_listener_port(s->listener));
    if (pthread_create(&s->watcher, NULL, watch, s))
        return fed_fail(err, FED_E_IO, "no thread could be started");
    return FED_OK;
}

fed_status fed_server_run(const fed_server_config *config, int stop_fd, fed_error *err)
{
    server s = {.stop_fd = stop_fd, .ended = {-1, -1}};
    fed_status status = start(&s, config, err);
    if (!status) {
        status = fed_engine_run(s.engine, err);
        (void)!write(s.ended[1], "", 1);
        pthread_join(s.watcher, NULL);
        fed_log(FED_LOG_INFO, "stopping", "status=\"%s\"", fed_status_name(status));
    }
    if (s.listener) fed_listener_quiesce(s.listener);
    fed_listener_free(s.listener);
    if (s.evaluator) fed_evaluator_stop(s.evaluator);
    fed_engine_free(s.engine);
    fed_evaluator_free(s.evaluator);
    if (s.ended[0] >= 0) close(s.ended[0]);
    if (s.ended[1] >= 0) close(s.ended[1]);
    return status;
}
