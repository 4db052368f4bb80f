#include "http_answer.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
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

static enum MHD_Result answer_file(fed_exchange *x, int fd, uint64_t size)
{
    uint64_t from, to;
    char text[80];
    bool ranged = parse_range(MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND,
                                                          MHD_HTTP_HEADER_RANGE),
                              size, &from, &to);
    if (!ranged) from = 0, to = size - 1;
    struct MHD_Response *r =
        MHD_create_response_from_fd_at_offset64(to - from + 1, fd, from);
    if (!r) {
        close(fd);
        return MHD_NO;
    }
    add_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "application/octet-stream");
    add_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "public, max-age=31536000, immutable");
    add_header(r, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
    snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, from, to, size);
    if (ranged) add_header(r, MHD_HTTP_HEADER_CONTENT_RANGE, text);
    x->status = ranged ? MHD_HTTP_PARTIAL_CONTENT : FED_HTTP_OK;
    enum MHD_Result result = MHD_queue_response(x->connection, x->status, r);
    MHD_destroy_response(r);
    return result;
}

enum MHD_Result fed_http_answer_blob(fed_exchange *x, const fed_store *store)
{
    char path[FED_STORE_PATH_MAX];
    struct stat info;
    fed_store_blob_path(store, x->body.data, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return answer_text(x, FED_HTTP_NOT_FOUND, "blob: not here");
    if (fstat(fd, &info) || info.st_size <= 0) {
        close(fd);
        return answer_text(x, FED_HTTP_INTERNAL, "blob: could not be read");
    }
    return answer_file(x, fd, (uint64_t)info.st_size);
}
