/* A whole fedserver in this process, on loopback, and the plainest of HTTP clients. */
#ifndef FED_HTTP_RIG_H
#define FED_HTTP_RIG_H

#include <pthread.h>
#include <stdatomic.h>

#include "coordinator_rig.h"
#include "http.h"

typedef struct http_rig {
    fed_server_config config; /* change it before http_start() */
    char folder[64];
    char listen[32];
    int stop[2];
    pthread_t thread;
    atomic_bool ended;
    fed_status status; /* what the server ended with */
    fed_error err;
    unsigned port;
} http_rig;

typedef struct http_reply {
    unsigned status;
    char head[4096]; /* status line and headers */
    fed_bytes body;
} http_reply;

/** A configuration with a fresh folder; nothing runs yet. */
void http_open(http_rig *h);
/** Run the server; false when it ended at once (see `status`, `err`). */
bool http_start(http_rig *h);
/** Ask it to end, and wait until it has. */
void http_stop(http_rig *h);
/** Stop it if it runs, and remove the folder. */
void http_close(http_rig *h);

int http_connect(const http_rig *h);
/** Send bytes as they are. */
void http_send_raw(int fd, const void *data, size_t n);
/** Send a request; `headers` are whole lines, or "". */
void http_send(int fd, const char *method, const char *path, const char *headers,
               const void *body, size_t n);
/** Read one answer; false when the connection ends instead. */
bool http_receive(int fd, http_reply *reply);
void http_reply_fini(http_reply *reply);
/** The value of a header ("" when it is not there); static. */
const char *http_header(const http_reply *reply, const char *name);
/** One request on a connection of its own. */
void http_ask(const http_rig *h, const char *method, const char *path, const void *body,
              size_t n, http_reply *reply);
/** The same, when only the status counts. */
unsigned http_status(const http_rig *h, const char *method, const char *path,
                     const void *body, size_t n);
unsigned http_get(const http_rig *h, const char *path);

/** Sign a plan as a task for this server and send it; its id and what it comes to. */
unsigned http_create(const http_rig *h, const char *plan, const char *name,
                     fed_address *id, fed_task **task, http_reply *reply);

#endif
