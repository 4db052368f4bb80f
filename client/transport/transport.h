/*
 * transport: requests of many sessions over HTTP, side by side in one thread (libcurl's
 * multi interface). Connections are kept alive and shared by all requests to one server.
 *
 * Nothing that the other side does can cost more than is stated here: an answer has a
 * maximum size, a connection must stand within `connect_ms`, something must move within
 * `idle_ms` (the server holds a request for 25 s at most), and a transfer must be over
 * within `total_ms`. Blobs may come compressed (zstd): the maximum holds for what comes and
 * for what comes out of it. Redirects are not followed: a device talks to the server it was given.
 */
#ifndef FED_TRANSPORT_H
#define FED_TRANSPORT_H

#include "base.h"
#include "wire.h"

enum {
    FED_TRANSPORT_CONNECT_MS = 10000,
    FED_TRANSPORT_IDLE_MS = 40000,
    FED_TRANSPORT_TOTAL_MS = 600000,
    FED_TRANSPORT_URL_MAX = 1024,    /* of a server */
    FED_TRANSPORT_ERROR_BODY = 4096, /* an answer that is no success is cut here */
    FED_TRANSPORT_CONNECTIONS = 64   /* idle ones that are kept */
};

typedef struct fed_transport fed_transport;

typedef struct fed_transport_config {
    const char *ca_file;                /* PEM; NULL: the system's */
    long connect_ms, idle_ms, total_ms; /* 0: as above */
} fed_transport_config;

/** One request. `type` and `body` are those of a session's message (fed_request). */
typedef struct fed_transfer_request {
    const char *server; /* "http://host:port", https too; copied */
    fed_request type;
    fed_bytes *body;   /* taken, also on failure */
    size_t max_answer; /* bytes; a longer answer is a failure */
} fed_transfer_request;

/** How it ended. `status` is HTTP's, or 0 when no answer came: then `failure` says why.
 *  All borrowed for the length of the call. */
typedef struct fed_transfer_result {
    uint32_t status;
    fed_span body;
    const char *failure;
    size_t wire_bytes; /* of the body as it came: fewer when it was compressed */
} fed_transfer_result;

/** Called from fed_transport_run(). It may send and cancel. */
typedef void fed_transfer_done(void *ctx, const fed_transfer_result *result);

/** Not thread-safe against other users of libcurl's global state: see curl_global_init(3). */
FED_MUST_CHECK fed_status fed_transport_new(fed_transport **out,
                                            const fed_transport_config *config,
                                            fed_error *err);
/** What is under way is dropped without a call. */
void fed_transport_free(fed_transport *t);
/** FED_E_INVALID for a server that is not an http or https URL, FED_E_LIMIT for one that is
 *  too long. The text names it. */
FED_MUST_CHECK fed_status fed_transport_check_server(const char *server, fed_error *err);
/** The URL that a request goes to, and the type of its body: for whoever sends it by other
 *  means. FED_E_INVALID when `body` does not make a path. */
FED_MUST_CHECK fed_status fed_transport_url(const char *server, fed_request type,
                                            fed_span body, char *url, size_t size,
                                            fed_error *err);
const char *fed_transport_content_type(fed_request type);
/** Begin a request; `done` is called once, unless it is cancelled. FED_E_INVALID when the
 *  request does not make a path, FED_E_NOMEM, FED_E_INTERNAL. */
FED_MUST_CHECK fed_status fed_transport_send(fed_transport *t,
                                             const fed_transfer_request *request,
                                             fed_transfer_done *done, void *ctx,
                                             fed_error *err);
/** Forget every request that was sent with this `ctx`. */
void fed_transport_cancel(fed_transport *t, const void *ctx);
/** Move what can be moved; wait at most `wait_ms` for something to move, for `fd` (-1: none) to
 *  become readable, or for a wake-up. */
FED_MUST_CHECK fed_status fed_transport_run(fed_transport *t, int64_t wait_ms, int fd,
                                            fed_error *err);
/** End a wait early. Thread-safe: the only call here that is. */
void fed_transport_wake(fed_transport *t);
/** Requests under way, and bytes of bodies so far. */
size_t fed_transport_pending(const fed_transport *t);
uint64_t fed_transport_sent(const fed_transport *t);
uint64_t fed_transport_received(const fed_transport *t);

#endif
