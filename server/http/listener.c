#include "listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_answer.h"
#include "http_routes.h"

enum {
    REQUEST_MS = 600000,   /* a body that takes longer is cut off */
    DROPPED_MAX = 1 << 20, /* so much of a refused body is read, so that the refusal is */
    CONNECTION_MEMORY = 32768, /* headers and socket buffer of one connection */
    SLOT_BODY = 65536,         /* a larger body takes an upload slot */
    LISTEN_BACKLOG = 1024,
    DRAIN_MS = 2000,
    DRAIN_STEP_MS = 5,
    SPARE_FILES = 64 /* descriptors beside those of connections */
};

struct fed_listener {
    fed_server_config config;
    fed_engine *engine;
    struct MHD_Daemon *daemon;
    fed_http_counters *counters;
    atomic_uint open_requests; /* begun and not completed */
    int quiesced_socket;
};

/* ---- one request ----------------------------------------------------------------------- */

static void request_completed(void *ctx, struct MHD_Connection *connection, void **state,
                              enum MHD_RequestTerminationCode code)
{
    fed_listener *l = ctx;
    fed_exchange *x = *state;
    (void)connection, (void)code;
    if (!x) return;
    unsigned class_of = x->status / 100;
    if (class_of < FED_STATUS_CLASSES)
        atomic_fetch_add(&l->counters->answers[class_of], 1);
    fed_exchange_drop_body(x);
    fed_bytes_fini(&x->answer);
    fed_free(x);
    *state = NULL;
    atomic_fetch_sub(&l->open_requests, 1);
}

static void connection_changed(void *ctx, struct MHD_Connection *connection, void **state,
                               enum MHD_ConnectionNotificationCode code)
{
    fed_listener *l = ctx;
    (void)connection, (void)state;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        atomic_fetch_add(&l->counters->connections, 1);
    else
        atomic_fetch_sub(&l->counters->connections, 1);
}

/* How long the body's sender says it is; 0: not said. */
static uint64_t body_length(const fed_exchange *x)
{
    uint64_t length = 0;
    const char *text = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND,
                                                   MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (!text || !fed_text_to_u64(text, UINT64_MAX, &length)) return 0;
    return length;
}

/* Room for all of a body at once. */
static void reserve_body(fed_exchange *x)
{
    uint64_t length = body_length(x);
    if (length > x->body.len && length <= x->body.max)
        (void)fed_bytes_reserve(&x->body, (size_t)length - x->body.len);
}

/* A large body needs a slot, so that memory is bounded by slots, not by devices. */
static bool take_slot(fed_listener *l, fed_exchange *x)
{
    atomic_uint *used = &l->counters->slots_used;
    unsigned seen = atomic_load(used);
    if (x->slot) return true;
    do {
        if (seen >= l->config.upload_slots) return false;
    } while (!atomic_compare_exchange_weak(used, &seen, seen + 1));
    x->slot = used;
    reserve_body(x);
    return true;
}

/* Refusing in the middle of a body: what still comes is read and dropped. */
static void refuse(fed_exchange *x, unsigned status, const char *text)
{
    if (status == FED_HTTP_UNAVAILABLE) x->retry_after_s = 1;
    fed_exchange_drop_body(x);
    fed_exchange_say(x, status, text);
}

/* False when this has gone on for too long and the connection should be cut. */
static bool take_body(fed_listener *l, fed_exchange *x, const char *data, size_t n)
{
    if (x->answered) return (x->dropped += n) <= DROPPED_MAX;
    if (x->body.len + n > x->body.max) {
        refuse(x, FED_HTTP_TOO_LARGE, "body: larger than this route takes");
    } else if (x->body.len + n > SLOT_BODY && !take_slot(l, x)) {
        refuse(x, FED_HTTP_UNAVAILABLE, "upload: all slots are taken; come again");
    } else {
        fed_bytes_put(&x->body, data, n);
        if (x->body.status) refuse(x, FED_HTTP_UNAVAILABLE, "upload: out of memory");
    }
    return fed_clock_monotonic_ms() - x->begun_ms <= REQUEST_MS;
}

static enum MHD_Result begin(fed_listener *l, struct MHD_Connection *connection,
                             const char *path, const char *method, void **state)
{
    fed_exchange *x = fed_calloc(1, sizeof *x);
    if (!x) return MHD_NO;
    *state = x;
    atomic_fetch_add(&l->open_requests, 1);
    x->connection = connection;
    x->begun_ms = fed_clock_monotonic_ms();
    fed_bytes_init(&x->answer, SIZE_MAX);
    fed_http_route(x, &l->config, path, method);
    if (body_length(x) <= (uint64_t)x->body.max + DROPPED_MAX) return MHD_YES;
    refuse(x, FED_HTTP_TOO_LARGE, "body: much larger than this route takes");
    return fed_http_answer(x); /* before it is sent */
}

/* The whole request is here: hand it to the engine, or answer at once. */
static enum MHD_Result finish(fed_listener *l, fed_exchange *x)
{
    if (!x->answered && x->type == FED_REQUEST_BLOB)
        return fed_http_answer_blob(x, fed_engine_store(l->engine));
    if (!x->answered && !fed_http_body_fits(x))
        refuse(x, FED_HTTP_BAD_REQUEST, "body: it names another subject than the path");
    if (x->answered) return fed_http_answer(x);
    MHD_suspend_connection(x->connection);
    if (fed_engine_submit(l->engine, x)) {
        refuse(x, FED_HTTP_UNAVAILABLE, "the server is stopping");
        MHD_resume_connection(x->connection); /* and this is called once more */
    }
    return MHD_YES;
}

static enum MHD_Result handle(void *ctx, struct MHD_Connection *connection,
                              const char *path, const char *method, const char *version,
                              const char *data, size_t *n, void **state)
{
    fed_listener *l = ctx;
    (void)version;
    if (!*state) return begin(l, connection, path, method, state);
    if (*n) {
        bool goes_on = take_body(l, *state, data, *n);
        *n = 0;
        return goes_on ? MHD_YES : MHD_NO;
    }
    return finish(l, *state);
}

/* ---- starting and stopping ------------------------------------------------------------- */

typedef union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} address;

static bool is_loopback(const address *a)
{
    if (a->any.sa_family == AF_INET) return (ntohl(a->v4.sin_addr.s_addr) >> 24) == 127;
    return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

/* ADDR:PORT, an IPv6 address in brackets. */
static bool parse_address(const char *text, address *out)
{
    char host[64];
    uint64_t port;
    const char *colon = strrchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : sizeof host;
    if (n >= sizeof host || !fed_text_to_u64(colon + 1, 65535, &port)) return false;
    memcpy(host, text, n);
    host[n] = 0;
    memset(out, 0, sizeof *out);
    if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
        host[n - 1] = 0;
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons((uint16_t)port);
        return inet_pton(AF_INET6, host + 1, &out->v6.sin6_addr) == 1;
    }
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &out->v4.sin_addr) == 1;
}

/* Each connection is a descriptor: raise the soft limit, never beyond the hard one. */
static fed_status reserve_files(unsigned connections, fed_error *err)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)connections + SPARE_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted) return FED_OK;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted)
        return fed_fail(err, FED_E_INVALID,
                        "--connections: %u needs %llu open files, the hard limit is %llu",
                        connections, (unsigned long long)wanted,
                        (unsigned long long)limit.rlim_max);
    limit.rlim_cur = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        return fed_fail(err, FED_E_IO,
                        "--connections: the limit of open files stays below");
    return FED_OK;
}

static fed_status start_daemon(fed_listener *l, const address *a, fed_error *err)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    if (a->any.sa_family == AF_INET6) flags |= MHD_USE_IPv6;
    l->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, handle, l, MHD_OPTION_SOCK_ADDR, &a->any,
        MHD_OPTION_THREAD_POOL_SIZE, l->config.threads > 1 ? l->config.threads : 0u,
        MHD_OPTION_CONNECTION_LIMIT, l->config.connections, MHD_OPTION_CONNECTION_TIMEOUT,
        l->config.idle_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned)LISTEN_BACKLOG,
        MHD_OPTION_NOTIFY_COMPLETED, request_completed, l, MHD_OPTION_NOTIFY_CONNECTION,
        connection_changed, l, MHD_OPTION_END);
    if (l->daemon) return FED_OK;
    return fed_fail(err, FED_E_IO, "--listen: %s: the address could not be bound",
                    l->config.listen);
}

fed_status fed_listener_start(fed_listener **out, const fed_server_config *config,
                              fed_engine *engine, fed_error *err)
{
    address a;
    *out = NULL;
    if (!parse_address(config->listen, &a))
        return fed_fail(err, FED_E_INVALID, "--listen: %s is not ADDRESS:PORT",
                        config->listen);
    if (!config->insecure && !is_loopback(&a))
        return fed_fail(err, FED_E_REFUSED,
                        "--listen: %s is not loopback; there is no access control yet: "
                        "say --insecure if that is what you want",
                        config->listen);
    FED_TRY(reserve_files(config->connections, err));
    fed_listener *l = fed_calloc(1, sizeof *l);
    if (!l) return fed_fail_nomem(err, sizeof *l);
    l->config = *config;
    l->engine = engine;
    l->counters = fed_engine_counters(engine);
    l->quiesced_socket = -1;
    fed_status status = start_daemon(l, &a, err);
    if (status)
        fed_free(l);
    else
        *out = l;
    return status;
}

uint16_t fed_listener_port(const fed_listener *l)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

/* libmicrohttpd closes connections when it stops, whatever is still to be sent. */
void fed_listener_drain(fed_listener *l)
{
    int64_t end = fed_clock_monotonic_ms() + DRAIN_MS;
    l->quiesced_socket = MHD_quiesce_daemon(l->daemon);
    while (atomic_load(&l->open_requests) && fed_clock_monotonic_ms() < end)
        poll(NULL, 0, DRAIN_STEP_MS);
}

void fed_listener_free(fed_listener *l)
{
    if (!l) return;
    MHD_stop_daemon(l->daemon);
    if (l->quiesced_socket >= 0) close(l->quiesced_socket);
    fed_free(l);
}
