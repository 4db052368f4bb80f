/* The list of transfers under way, and libcurl's loop. An transfer is in transfer.c. */
#include "transport.h"

#include <stdio.h>
#include <string.h>

#include "transport_internal.h"

static fed_status multi_error(CURLMcode code, fed_error *err)
{
    if (code == CURLM_OUT_OF_MEMORY) return fed_fail_nomem(err, 0);
    return fed_fail(err, FED_E_IO, "transport: %s", curl_multi_strerror(code));
}

static long or_default(long value, long fallback)
{
    return value > 0 ? value : fallback;
}

fed_status fed_transport_new(fed_transport **out, const fed_transport_config *config,
                             fed_error *err)
{
    *out = NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return fed_fail(err, FED_E_INTERNAL, "transport: libcurl does not start");
    fed_transport *t = fed_calloc(1, sizeof *t);
    if (t) {
        t->connect_ms = or_default(config->connect_ms, FED_TRANSPORT_CONNECT_MS);
        t->idle_ms = or_default(config->idle_ms, FED_TRANSPORT_IDLE_MS);
        t->total_ms = or_default(config->total_ms, FED_TRANSPORT_TOTAL_MS);
        t->ca_file = config->ca_file ? fed_strdup(config->ca_file) : NULL;
        t->multi = curl_multi_init();
    }
    if (!t || !t->multi || (config->ca_file && !t->ca_file)) {
        if (t) fed_transport_free(t);
        if (!t) curl_global_cleanup();
        return fed_fail_nomem(err, sizeof *t);
    }
    curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, (long)FED_TRANSPORT_CONNECTIONS);
    *out = t;
    return FED_OK;
}

void fed_transport_free(fed_transport *t)
{
    if (!t) return;
    while (t->transfers)
        fed_transfer_remove(t, t->transfers);
    curl_multi_cleanup(t->multi);
    fed_free(t->ca_file);
    fed_free(t);
    curl_global_cleanup();
}

fed_status fed_transport_check_server(const char *server, fed_error *err)
{
    bool known =
        strncmp(server, "http://", 7) == 0 || strncmp(server, "https://", 8) == 0;
    if (strlen(server) > FED_TRANSPORT_URL_MAX)
        return fed_fail(err, FED_E_LIMIT, "server: a URL of %zu bytes, at most %d",
                        strlen(server), FED_TRANSPORT_URL_MAX);
    if (!known || !server[strcspn(server, ":") + 3] || strpbrk(server, " \t\r\n?#"))
        return fed_fail(err, FED_E_INVALID, "server: %.200s: not http(s)://HOST[:PORT]",
                        server);
    return FED_OK;
}

/* A base URL may end in a slash; a path begins with one. */
fed_status fed_transport_url(const char *server, fed_request type, fed_span body,
                             char *url, size_t size, fed_error *err)
{
    char path[FED_ROUTE_MAX];
    FED_TRY(fed_transport_check_server(server, err));
    if (!fed_request_to_path(type, body.data, body.len, path))
        return fed_fail(err, FED_E_INVALID, "request %d: no path", (int)type);
    size_t n = strlen(server);
    while (n && server[n - 1] == '/')
        n--;
    if ((size_t)snprintf(url, size, "%.*s%s", (int)n, server, path) >= size)
        return fed_fail(err, FED_E_LIMIT, "request %d: the URL is too long", (int)type);
    return FED_OK;
}

const char *fed_transport_content_type(fed_request type)
{
    return type == FED_REQUEST_CHECKIN ? "application/json" : "application/octet-stream";
}

fed_status fed_transport_send(fed_transport *t, const fed_transfer_request *request,
                              fed_transfer_done *done, void *ctx, fed_error *err)
{
    fed_transfer *x = NULL;
    FED_TRY(fed_transfer_new(&x, t, request, err));
    x->done = done;
    x->ctx = ctx;
    CURLMcode code = curl_multi_add_handle(t->multi, x->easy);
    if (code) {
        fed_transfer_free(x);
        return multi_error(code, err);
    }
    t->sent += x->body.len;
    t->pending++;
    x->next = t->transfers;
    t->transfers = x;
    return FED_OK;
}

void fed_transfer_remove(fed_transport *t, fed_transfer *x)
{
    fed_transfer **at = &t->transfers;
    while (*at && *at != x)
        at = &(*at)->next;
    if (!*at) return;
    *at = x->next;
    t->pending--;
    curl_multi_remove_handle(t->multi, x->easy);
    fed_transfer_free(x);
}

void fed_transport_cancel(fed_transport *t, const void *ctx)
{
    fed_transfer *x = t->transfers;
    while (x) {
        fed_transfer *next = x->next;
        if (x->ctx == ctx) fed_transfer_remove(t, x);
        x = next;
    }
}

/* Take the transfer off the list before its owner hears of it, who may send at once. */
static void finish(fed_transport *t, CURL *easy, CURLcode code)
{
    void *opaque = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &opaque);
    fed_transfer *x = opaque;
    fed_transfer_result result;
    fed_transfer_conclude(x, code, &result);
    t->received += x->answer.len;
    fed_transfer **at = &t->transfers;
    while (*at != x)
        at = &(*at)->next;
    *at = x->next;
    t->pending--;
    curl_multi_remove_handle(t->multi, easy);
    x->done(x->ctx, &result);
    fed_transfer_free(x);
}

static fed_status perform(fed_transport *t, bool *finished, fed_error *err)
{
    int running, left;
    CURLMsg *m;
    CURLMcode code = curl_multi_perform(t->multi, &running);
    if (code) return multi_error(code, err);
    while ((m = curl_multi_info_read(t->multi, &left)))
        if (m->msg == CURLMSG_DONE) {
            finish(t, m->easy_handle, m->data.result);
            *finished = true;
        }
    return FED_OK;
}

fed_status fed_transport_run(fed_transport *t, int64_t wait_ms, int fd, fed_error *err)
{
    struct curl_waitfd extra = {.fd = fd, .events = CURL_WAIT_POLLIN};
    bool finished = false;
    FED_TRY(perform(t, &finished, err));
    if (wait_ms <= 0 || finished) return FED_OK; /* its owner wants to hear of it now */
    int timeout = wait_ms > 3600000 ? 3600000 : (int)wait_ms;
    CURLMcode code =
        curl_multi_poll(t->multi, fd >= 0 ? &extra : NULL, fd >= 0, timeout, NULL);
    if (code) return multi_error(code, err);
    return perform(t, &finished, err);
}

void fed_transport_wake(fed_transport *t)
{
    curl_multi_wakeup(t->multi);
}

size_t fed_transport_pending(const fed_transport *t)
{
    return t->pending;
}

uint64_t fed_transport_sent(const fed_transport *t)
{
    return t->sent;
}

uint64_t fed_transport_received(const fed_transport *t)
{
    return t->received;
}
