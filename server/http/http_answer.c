#include "http_answer.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static void add_header(struct MHD_Response *r, const char *name, const char *value)
{
    (void)MHD_add_response_header(r, name, value); /* fails only without memory */
}

static const char *content_type(const fed_exchange *x)
{
    if (x->status >= FED_HTTP_BAD_REQUEST && x->status != FED_HTTP_GONE)
        return "text/plain; charset=utf-8";
    if (x->content_type) return x->content_type;
    return x->type == FED_REQUEST_CHECKIN ? "application/json"
                                          : "application/octet-stream";
}

static void add_number(struct MHD_Response *r, const char *name, unsigned value)
{
    char text[16];
    snprintf(text, sizeof text, "%u", value);
    add_header(r, name, text);
}

/* The bytes go over to the response, which frees them. */
enum MHD_Result fed_http_answer(fed_exchange *x)
{
    struct MHD_Response *r = MHD_create_response_from_buffer_with_free_callback(
        x->answer.len, x->answer.data, fed_free);
    if (!r) return MHD_NO;
    fed_bytes_init(&x->answer, 0);
    add_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, content_type(x));
    add_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (x->retry_after_s) add_number(r, MHD_HTTP_HEADER_RETRY_AFTER, x->retry_after_s);
    if (x->allow) add_header(r, MHD_HTTP_HEADER_ALLOW, x->allow);
    enum MHD_Result result = MHD_queue_response(x->connection, x->status, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result answer_text(fed_exchange *x, unsigned status, const char *text)
{
    fed_exchange_say(x, status, text);
    return fed_http_answer(x);
}

/* "bytes=FROM-" or "bytes=FROM-TO"; anything else is answered with the whole blob, as
 * RFC 9110 section 14.2 allows. */
static bool parse_range(const char *text, uint64_t size, uint64_t *from, uint64_t *to)
{
    char first[24], last[24];
    *from = 0;
    *to = size - 1;
    if (!text || strncmp(text, "bytes=", 6) != 0) return false;
    const char *dash = strchr(text + 6, '-');
    size_t n = dash ? (size_t)(dash - text - 6) : sizeof first;
    if (n >= sizeof first || strlen(dash + 1) >= sizeof last) return false;
    memcpy(first, text + 6, n);
    first[n] = 0;
    memcpy(last, dash + 1, strlen(dash + 1) + 1);
    uint64_t end = *to;
    if (!fed_text_to_u64(first, UINT64_MAX, from)) return false;
    if (*last && !fed_text_to_u64(last, UINT64_MAX, &end)) return false;
    if (end < *to) *to = end;
    return *from <= *to;
}

static const char *header(const fed_exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

/* "zstd", and not with a weight of zero. */
static bool is_zstd(const char *token, size_t n)
{
    char text[32];
    if (n < 4 || n >= sizeof text || strncasecmp(token, "zstd", 4) != 0) return false;
    memcpy(text, token, n);
    text[n] = 0;
    if (text[4] && !strchr(" \t;", text[4])) return false;
    const char *weight = strstr(text, "q=");
    return !weight || strpbrk(weight, "123456789");
}

/* Does the client take zstd (RFC 9110 section 12.5.3)? */
static bool takes_zstd(const fed_exchange *x)
{
    const char *text = header(x, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    while (text && *text) {
        text += strspn(text, " \t,");
        size_t n = strcspn(text, ",");
        if (is_zstd(text, n)) return true;
        text += n;
    }
    return false;
}

static void add_blob_headers(struct MHD_Response *r)
{
    add_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "application/octet-stream");
    add_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "public, max-age=31536000, immutable");
    add_header(r, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING);
}

static enum MHD_Result queue(fed_exchange *x, unsigned status, struct MHD_Response *r)
{
    x->status = status;
    enum MHD_Result result = MHD_queue_response(x->connection, status, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result answer_file(fed_exchange *x, int fd, uint64_t size)
{
    uint64_t from, to;
    char text[80];
    bool ranged = parse_range(header(x, MHD_HTTP_HEADER_RANGE), size, &from, &to);
    if (!ranged) from = 0, to = size - 1;
    struct MHD_Response *r =
        MHD_create_response_from_fd_at_offset64(to - from + 1, fd, from);
    if (!r) {
        close(fd);
        return MHD_NO;
    }
    add_blob_headers(r);
    add_header(r, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
    snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, from, to, size);
    if (ranged) add_header(r, MHD_HTTP_HEADER_CONTENT_RANGE, text);
    return queue(x, ranged ? MHD_HTTP_PARTIAL_CONTENT : FED_HTTP_OK, r);
}

static enum MHD_Result answer_packed_file(fed_exchange *x, int fd, uint64_t size)
{
    struct MHD_Response *r = MHD_create_response_from_fd64(size, fd);
    if (!r) {
        close(fd);
        return MHD_NO;
    }
    add_blob_headers(r);
    add_header(r, MHD_HTTP_HEADER_CONTENT_ENCODING, "zstd");
    return queue(x, FED_HTTP_OK, r);
}

/* -1 when it is not there; 0 bytes when it cannot be read. */
static int open_blob(const fed_exchange *x, const fed_store *store, bool packed,
                     uint64_t *size)
{
    char path[FED_STORE_PATH_MAX];
    struct stat info;
    fed_store_blob_path(store, x->body.data, packed, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *size = fd >= 0 && !fstat(fd, &info) && info.st_size > 0 ? (uint64_t)info.st_size : 0;
    return fd;
}

/* A range is one of the plain bytes, whose address the path names: it is never compressed. */
enum MHD_Result fed_http_answer_blob(fed_exchange *x, const fed_store *store)
{
    uint64_t size;
    bool packed = takes_zstd(x) && !header(x, MHD_HTTP_HEADER_RANGE);
    int fd = packed ? open_blob(x, store, true, &size) : -1;
    if (fd < 0) {
        packed = false; /* it does not compress */
        fd = open_blob(x, store, false, &size);
    }
    if (fd < 0) return answer_text(x, FED_HTTP_NOT_FOUND, "blob: not here");
    if (!size) {
        close(fd);
        return answer_text(x, FED_HTTP_INTERNAL, "blob: could not be read");
    }
    return packed ? answer_packed_file(x, fd, size) : answer_file(x, fd, size);
}
