/* One request as a libcurl handle, with its limits. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "model.h"
#include "transport_internal.h"

void fed_transfer_free(fed_transfer *x)
{
    if (!x) return;
    curl_easy_cleanup(x->easy);
    curl_slist_free_all(x->headers);
    fed_bytes_fini(&x->body);
    fed_bytes_fini(&x->answer);
    fed_bytes_fini(&x->plain);
    fed_free(x);
}

/* The body of an error is only ever shown, so more of it than a little is dropped. */
static size_t on_data(char *data, size_t size, size_t n, void *ctx)
{
    fed_transfer *x = ctx;
    long status = 0;
    size_t bytes = size * n, take = bytes;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    bool error = status >= FED_HTTP_BAD_REQUEST && status != FED_HTTP_GONE;
    if (error && x->answer.len + take > FED_TRANSPORT_ERROR_BODY)
        take = x->answer.len < FED_TRANSPORT_ERROR_BODY
                   ? FED_TRANSPORT_ERROR_BODY - x->answer.len
                   : 0;
    fed_bytes_put(&x->answer, data, take);
    x->overflow = x->answer.status == FED_E_LIMIT;
    x->no_memory = x->answer.status == FED_E_NOMEM;
    return x->answer.status ? 0 : bytes;
}

/* One header line of the answer. */
static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
    static const char name[] = "content-encoding:";
    fed_transfer *x = ctx;
    char value[16] = "";
    size_t bytes = size * n, at = sizeof name - 1;
    if (bytes < at || strncasecmp(data, name, at) != 0) return bytes;
    while (at < bytes && (data[at] == ' ' || data[at] == '\t'))
        at++;
    for (size_t i = 0; i + 1 < sizeof value && at < bytes && data[at] > ' '; i++)
        value[i] = data[at++];
    x->is_packed = strcasecmp(value, "zstd") == 0;
    x->is_unknown = !x->is_packed && strcasecmp(value, "identity") != 0;
    return bytes;
}

static CURLcode set_limits(CURL *e, const fed_transport *t)
{
    CURLcode code = curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, t->connect_ms);
    if (!code) code = curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, t->total_ms);
    if (!code) code = curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
    if (!code)
        code = curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (t->idle_ms + 999) / 1000);
    if (!code) code = curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    if (!code) code = curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500
    if (!code) code = curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    if (!code)
        code = curl_easy_setopt(e, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
    if (!code && t->ca_file) code = curl_easy_setopt(e, CURLOPT_CAINFO, t->ca_file);
    return code;
}

static CURLcode set_body(fed_transfer *x, fed_request type)
{
    if (!fed_request_is_post(type)) return curl_easy_setopt(x->easy, CURLOPT_HTTPGET, 1L);
    CURLcode code = curl_easy_setopt(x->easy, CURLOPT_POST, 1L);
    if (!code)
        code = curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                (curl_off_t)x->body.len);
    if (!code)
        code = curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS,
                                x->body.data ? (const char *)x->body.data : "");
    return code;
}

static CURLcode add_header(fed_transfer *x, const char *line)
{
    struct curl_slist *longer = curl_slist_append(x->headers, line);
    if (!longer) return CURLE_OUT_OF_MEMORY;
    x->headers = longer;
    return CURLE_OK;
}

/* No "Expect: 100-continue": it costs a round trip, and the server does not need it. What is
 * compressed is decompressed here, not by libcurl: with a bound on memory. */
static CURLcode set_headers(fed_transfer *x, fed_request type)
{
    char kind[64];
    snprintf(kind, sizeof kind, "Content-Type: %s", fed_transport_content_type(type));
    CURLcode code = add_header(x, "Expect:");
    if (!code) code = add_header(x, kind);
    if (!code && type == FED_REQUEST_BLOB) code = add_header(x, "Accept-Encoding: zstd");
    return code ? code : curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
}

static CURLcode set_answer(fed_transfer *x)
{
    CURLcode code = curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_data);
    if (!code) code = curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
    if (!code) code = curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, on_header);
    if (!code) code = curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
    if (!code) code = curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
    if (!code) code = curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->failure);
    if (!code) code = curl_easy_setopt(x->easy, CURLOPT_USERAGENT, "libfed/" FED_VERSION);
    return code;
}

static fed_status set_up(fed_transfer *x, const fed_transport *t, const char *url,
                         fed_request type, fed_error *err)
{
    x->easy = curl_easy_init();
    CURLcode code = x->easy ? CURLE_OK : CURLE_OUT_OF_MEMORY;
    if (!code) code = curl_easy_setopt(x->easy, CURLOPT_URL, url); /* copied */
    if (!code) code = set_limits(x->easy, t);
    if (!code) code = set_body(x, type);
    if (!code) code = set_headers(x, type);
    if (!code) code = set_answer(x);
    if (code == CURLE_OUT_OF_MEMORY) return fed_fail_nomem(err, 0);
    return code ? fed_fail(err, FED_E_INTERNAL, "transport: %s", curl_easy_strerror(code))
                : FED_OK;
}

fed_status fed_transfer_new(fed_transfer **out, const fed_transport *t,
                            const fed_transfer_request *request, fed_error *err)
{
    char url[FED_TRANSPORT_URL_MAX + FED_ROUTE_MAX];
    *out = NULL;
    fed_span body = {request->body->data, request->body->len};
    fed_status status =
        fed_transport_url(request->server, request->type, body, url, sizeof url, err);
    fed_transfer *x = status ? NULL : fed_calloc(1, sizeof *x);
    if (!status && !x) status = fed_fail_nomem(err, sizeof *x);
    if (x) {
        x->body = *request->body;
        fed_bytes_init(request->body, 0);
        fed_bytes_init(&x->answer, request->max_answer);
        fed_bytes_init(&x->plain, request->max_answer);
        status = set_up(x, t, url, request->type, err);
    }
    fed_bytes_fini(request->body);
    if (status)
        fed_transfer_free(x);
    else
        *out = x;
    return status;
}

/* The body in the form that its address names; false when there is none. */
static bool unpack(fed_transfer *x, fed_span *body)
{
    fed_error err;
    *body = (fed_span){x->answer.data, x->answer.len};
    if (x->is_unknown) {
        snprintf(x->failure, sizeof x->failure, "an encoding that was not asked for");
        return false;
    }
    if (!x->is_packed) return true;
    fed_status status = fed_blob_decompress(*body, x->plain.max, &x->plain, &err);
    if (status) snprintf(x->failure, sizeof x->failure, "%.250s", err.text);
    *body = (fed_span){x->plain.data, x->plain.len};
    return !status;
}

void fed_transfer_conclude(fed_transfer *x, CURLcode code, fed_transfer_result *result)
{
    long status = 0;
    fed_span body;
    *result = (fed_transfer_result){.failure = x->failure};
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    if (x->overflow)
        snprintf(x->failure, sizeof x->failure, "the answer is longer than %zu bytes",
                 x->answer.max);
    else if (x->no_memory)
        snprintf(x->failure, sizeof x->failure, "no memory for the answer");
    else if (code && !x->failure[0])
        snprintf(x->failure, sizeof x->failure, "%s", curl_easy_strerror(code));
    result->wire_bytes = x->answer.len;
    if (code || status <= 0 || !unpack(x, &body)) return;
    result->body = body;
    result->status = (uint32_t)status;
    result->failure = NULL;
}
