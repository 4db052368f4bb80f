/* Each connection gets a thread; a stop is noticed at the next read or write. */
#include "bad_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256 };

struct fed_bad_server {
    int listener;
    char url[64];
    atomic_int manner;
    atomic_uint connections, requests;
    atomic_bool stopped;
    pthread_mutex_t lock;
    char line[256];
    size_t body;
    pthread_t acceptor, workers[CONNECTIONS_MAX];
    unsigned n_workers;
};

typedef struct connection {
    fed_bad_server *server;
    int fd;
} connection;

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static bool send_all(int fd, const char *data, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        data += sent, n -= (size_t)sent;
    }
    return true;
}

static bool send_text(int fd, const char *text)
{
    return send_all(fd, text, strlen(text));
}

/* ---- manners ---------------------------------------------------------------------------- */

static bool send_without_end(const fed_bad_server *s, int fd, const char *text, long ms)
{
    while (!atomic_load(&s->stopped)) {
        if (!send_text(fd, text)) return false;
        if (ms) pause_ms(ms);
    }
    return false;
}

static bool send_long_error(int fd)
{
    char text[1000];
    memset(text, 'e', sizeof text);
    bool ok = send_text(fd, "HTTP/1.1 500 No\r\nContent-Length: 100000\r\n\r\n");
    for (int i = 0; ok && i < 100; i++)
        ok = send_all(fd, text, sizeof text);
    return ok;
}

static bool be_silent(const fed_bad_server *s)
{
    while (!atomic_load(&s->stopped))
        pause_ms(10);
    return false;
}

static bool send_encoded(int fd, const char *encoding, const void *body, size_t n)
{
    char head[128];
    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\ncontent-encoding:  %s\r\nContent-Length: %zu\r\n\r\n",
             encoding, n);
    return send_text(fd, head) && send_all(fd, body, n);
}

/* What zstd 1.5 makes of "fine", and of 2^20 zeros. */
static const uint8_t packed[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x21,
                                 0x00, 0x00, 0x66, 0x69, 0x6e, 0x65};
static const uint8_t bomb[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x54, 0x00, 0x00, 0x10,
                               0x00, 0x00, 0x01, 0x00, 0xfb, 0xff, 0x39, 0xc0, 0x02, 0x02,
                               0x00, 0x10, 0x00, 0x02, 0x00, 0x10, 0x00, 0x02, 0x00, 0x10,
                               0x00, 0x02, 0x00, 0x10, 0x00, 0x02, 0x00, 0x10, 0x00, 0x02,
                               0x00, 0x10, 0x00, 0x03, 0x00, 0x10, 0x00};

/* False: the connection ends. */
static bool answer(fed_bad_server *s, int fd)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";
    switch ((fed_manner)atomic_load(&s->manner)) {
    case FED_MANNER_OK:
        return send_text(fd, ok);
    case FED_MANNER_HELD:
        pause_ms(300);
        return send_text(fd, "HTTP/1.1 202 Later\r\nContent-Length: 0\r\n\r\n");
    case FED_MANNER_SILENT:
        return be_silent(s);
    case FED_MANNER_TRICKLE:
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        return send_without_end(s, fd, "t", 100);
    case FED_MANNER_ENDLESS:
        send_text(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        return send_without_end(s, fd, "10\r\n0123456789abcdef\r\n", 0);
    case FED_MANNER_HUGE:
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
        return send_without_end(s, fd, "0123456789abcdef", 0);
    case FED_MANNER_LONG_ERROR:
        return send_long_error(fd);
    case FED_MANNER_CUT:
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        return false;
    case FED_MANNER_GARBAGE:
        send_text(fd, "\x16\x03\x01 this is not\x01\x02 HTTP\r\n\r\n");
        return false;
    case FED_MANNER_HANG_UP:
        return false;
    case FED_MANNER_REDIRECT:
        return send_text(fd, "HTTP/1.1 302 There\r\nLocation: /elsewhere\r\n"
                             "Content-Length: 0\r\n\r\n");
    case FED_MANNER_HEADERS:
        send_text(fd, "HTTP/1.1 200 OK\r\n");
        return send_without_end(s, fd, "X-More: and more and more and more\r\n", 0);
    case FED_MANNER_PACKED:
        return send_encoded(fd, "zstd", packed, sizeof packed);
    case FED_MANNER_PACKED_CUT:
        return send_encoded(fd, "zstd", packed, sizeof packed - 1);
    case FED_MANNER_BOMB:
        return send_encoded(fd, "ZSTD", bomb, sizeof bomb);
    case FED_MANNER_ENCODED:
        return send_encoded(fd, "gzip", packed, sizeof packed);
    }
    return false;
}

/* ---- reading ----------------------------------------------------------------------------- */

/* Headers into `text`, then the body away. */
static bool read_request(fed_bad_server *s, int fd)
{
    char text[4096];
    size_t n = 0;
    char *end = NULL;
    while (!end) {
        ssize_t got = recv(fd, text + n, sizeof text - 1 - n, 0);
        if (got <= 0) return false;
        n += (size_t)got;
        text[n] = 0;
        end = strstr(text, "\r\n\r\n");
        if (!end && n == sizeof text - 1) return false;
    }
    const char *length = strstr(text, "Content-Length:");
    size_t body = length ? strtoul(length + 15, NULL, 10) : 0;
    size_t have = n - (size_t)(end + 4 - text);
    pthread_mutex_lock(&s->lock);
    snprintf(s->line, sizeof s->line, "%.*s", (int)strcspn(text, "\r"), text);
    s->body = body;
    pthread_mutex_unlock(&s->lock);
    while (have < body) {
        ssize_t got = recv(fd, text, sizeof text, 0);
        if (got <= 0) return false;
        have += (size_t)got;
    }
    atomic_fetch_add(&s->requests, 1);
    return true;
}

static void *serve(void *arg)
{
    connection c = *(connection *)arg;
    struct timeval second = {0, 200000};
    free(arg);
    setsockopt(c.fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
    while (read_request(c.server, c.fd) && answer(c.server, c.fd))
        ;
    close(c.fd);
    return NULL;
}

static void *accept_all(void *arg)
{
    fed_bad_server *s = arg;
    for (;;) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0 || atomic_load(&s->stopped)) {
            if (fd >= 0) close(fd);
            return NULL;
        }
        connection *c = malloc(sizeof *c);
        *c = (connection){s, fd};
        atomic_fetch_add(&s->connections, 1);
        if (s->n_workers == CONNECTIONS_MAX ||
            pthread_create(&s->workers[s->n_workers], NULL, serve, c)) {
            close(fd);
            free(c);
        } else {
            s->n_workers++;
        }
    }
}

/* ---- making ------------------------------------------------------------------------------ */

fed_bad_server *fed_bad_server_new(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    fed_bad_server *s = calloc(1, sizeof *s);
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    pthread_mutex_init(&s->lock, NULL);
    if (bind(s->listener, (struct sockaddr *)&at, sizeof at) || listen(s->listener, 64) ||
        getsockname(s->listener, (struct sockaddr *)&at, &n) ||
        pthread_create(&s->acceptor, NULL, accept_all, s)) {
        close(s->listener);
        free(s);
        return NULL;
    }
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", ntohs(at.sin_port));
    return s;
}

void fed_bad_server_free(fed_bad_server *s)
{
    if (!s) return;
    atomic_store(&s->stopped, true);
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->acceptor, NULL);
    for (unsigned i = 0; i < s->n_workers; i++)
        pthread_join(s->workers[i], NULL);
    close(s->listener);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const char *fed_bad_server_url(const fed_bad_server *s)
{
    return s->url;
}

void fed_bad_server_behave(fed_bad_server *s, fed_manner manner)
{
    atomic_store(&s->manner, (int)manner);
}

unsigned fed_bad_server_connections(const fed_bad_server *s)
{
    return atomic_load(&s->connections);
}

unsigned fed_bad_server_requests(const fed_bad_server *s)
{
    return atomic_load(&s->requests);
}

void fed_bad_server_last(fed_bad_server *s, char *line, size_t size, size_t *body)
{
    pthread_mutex_lock(&s->lock);
    snprintf(line, size, "%s", s->line);
    *body = s->body;
    pthread_mutex_unlock(&s->lock);
}
