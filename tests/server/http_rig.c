#include "http_rig.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "model.h"

enum { START_TRIES = 1000, RECEIVE_S = 30 };

/* ---- the server --------------------------------------------------------------------------- */

void http_open(http_rig *h)
{
    fed_error err;
    memset(h, 0, sizeof *h);
    snprintf(h->folder, sizeof h->folder, "/tmp/fed-http-XXXXXX");
    CHECK(mkdtemp(h->folder) != NULL);
    snprintf(h->listen, sizeof h->listen, "127.0.0.1:0");
    h->config = (fed_server_config){.listen = h->listen,
                                    .folder = h->folder,
                                    .threads = 2,
                                    .connections = 64,
                                    .max_body = 4 << 20,
                                    .upload_slots = 4,
                                    .idle_s = 20,
                                    .hold_ms = 300,
                                    .retry_min_ms = 2500,
                                    .retry_max_ms = 60000};
    CHECK_OK(fed_ed25519_public(rig_operator_seed, h->config.operator_key, &err), &err);
}

static void *serve(void *ctx)
{
    http_rig *h = ctx;
    h->status = fed_server_run(&h->config, h->stop[0], &h->err);
    atomic_store(&h->ended, true);
    return NULL;
}

static bool read_file(const http_rig *h, const char *name, char *text, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", h->folder, name);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;
    if (fd >= 0) close(fd);
    text[n > 0 ? n : 0] = 0;
    return n > 0;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

bool http_start(http_rig *h)
{
    char path[128], text[16];
    h->err.text[0] = 0;
    h->status = FED_OK;
    atomic_store(&h->ended, false);
    snprintf(path, sizeof path, "%s/port", h->folder);
    unlink(path);
    CHECK(pipe(h->stop) == 0);
    CHECK(pthread_create(&h->thread, NULL, serve, h) == 0);
    for (int i = 0; i < START_TRIES && !atomic_load(&h->ended); i++) {
        if (read_file(h, "port", text, sizeof text)) {
            h->port = (unsigned)strtoul(text, NULL, 10);
            return true;
        }
        pause_ms(10);
    }
    http_stop(h);
    return false;
}

void http_stop(http_rig *h)
{
    if (!h->thread) return;
    close(h->stop[1]); /* readable, in poll's sense of hanging up */
    pthread_join(h->thread, NULL);
    close(h->stop[0]);
    h->thread = 0;
}

void http_close(http_rig *h)
{
    char command[128];
    http_stop(h);
    snprintf(command, sizeof command, "rm -rf '%s'", h->folder);
    CHECK_EQ(system(command), 0);
}

/* ---- the client --------------------------------------------------------------------------- */

int http_connect(const http_rig *h)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)h->port)};
    struct timeval limit = {RECEIVE_S, 0};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

void http_send_raw(int fd, const void *data, size_t n)
{
    const char *at = data;
    while (n) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
        if (sent <= 0) return; /* the answer, if any, tells */
        at += sent;
        n -= (size_t)sent;
    }
}

void http_send(int fd, const char *method, const char *path, const char *headers,
               const void *body, size_t n)
{
    fed_bytes out;
    fed_bytes_init(&out, 1 << 26);
    fed_bytes_printf(&out, "%s %s HTTP/1.1\r\nHost: x\r\n%s", method, path, headers);
    if (n) fed_bytes_printf(&out, "Content-Length: %zu\r\n", n);
    fed_bytes_put_text(&out, "\r\n");
    fed_bytes_put(&out, body, n);
    CHECK_EQ(out.status, FED_OK);
    http_send_raw(fd, out.data, out.len);
    fed_bytes_fini(&out);
}

static bool receive_head(int fd, http_reply *reply)
{
    size_t n = 0;
    while (n + 1 < sizeof reply->head) {
        if (recv(fd, reply->head + n, 1, 0) != 1) return false;
        reply->head[++n] = 0;
        if (n >= 4 && strcmp(reply->head + n - 4, "\r\n\r\n") == 0) return true;
    }
    return false;
}

bool http_receive(int fd, http_reply *reply)
{
    fed_bytes_init(&reply->body, 1 << 26);
    reply->status = 0;
    do {
        if (!receive_head(fd, reply)) return false;
        reply->status = (unsigned)strtoul(reply->head + 9, NULL, 10);
    } while (reply->status == 100);
    size_t left = (size_t)strtoul(http_header(reply, "Content-Length"), NULL, 10);
    uint8_t *to = fed_bytes_extend(&reply->body, left);
    while (to && left) {
        ssize_t n = recv(fd, to, left, 0);
        if (n <= 0) return false;
        to += n;
        left -= (size_t)n;
    }
    return true;
}

void http_reply_fini(http_reply *reply)
{
    fed_bytes_fini(&reply->body);
}

const char *http_header(const http_reply *reply, const char *name)
{
    static char value[256];
    size_t n = strlen(name);
    value[0] = 0;
    for (const char *line = reply->head; line; line = strstr(line, "\r\n")) {
        line += line != reply->head ? 2 : 0;
        if (strncasecmp(line, name, n) != 0 || line[n] != ':') continue;
        const char *at = line + n + 1 + strspn(line + n + 1, " ");
        snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\r"), at);
        break;
    }
    return value;
}

void http_ask(const http_rig *h, const char *method, const char *path, const void *body,
              size_t n, http_reply *reply)
{
    int fd = http_connect(h);
    http_send(fd, method, path, "Connection: close\r\n", body, n);
    CHECK_MSG(http_receive(fd, reply), "%s %s: no answer", method, path);
    close(fd);
}

unsigned http_status(const http_rig *h, const char *method, const char *path,
                     const void *body, size_t n)
{
    http_reply reply;
    http_ask(h, method, path, body, n, &reply);
    http_reply_fini(&reply);
    return reply.status;
}

unsigned http_get(const http_rig *h, const char *path)
{
    return http_status(h, "GET", path, NULL, 0);
}

/* ---- operators ---------------------------------------------------------------------------- */

unsigned http_create(const http_rig *h, const char *plan, const char *name,
                     fed_address *id, fed_task **task, http_reply *reply)
{
    fed_error err;
    fed_task_document doc;
    fed_bytes document, body;
    char line[FED_KEYFILE_MAX];
    rig_document(plan, &doc, task);
    snprintf(doc.name, sizeof doc.name, "%s", name);
    CHECK(read_file(h, "server.key.pub", line, sizeof line));
    fed_span key = {(const uint8_t *)line, strlen(line)};
    CHECK_OK(fed_keyfile_get(FED_KEY_PUBLIC, key, doc.server_key, &err), &err);
    CHECK_OK(fed_task_document_address(&doc, id, &err), &err);
    fed_bytes_init(&document, FED_TASK_DOCUMENT_MAX);
    fed_bytes_init(&body, 1 << 20);
    CHECK_OK(fed_task_document_sign(&doc, rig_operator_seed, &document, &err), &err);
    CHECK_OK(fed_task_create_put(&body, (fed_span){document.data, document.len},
                                 fed_task_numbers_of(*task)->resolved, &err),
             &err);
    http_ask(h, "POST", "/v1/tasks", body.data, body.len, reply);
    fed_bytes_fini(&document);
    fed_bytes_fini(&body);
    return reply->status;
}
