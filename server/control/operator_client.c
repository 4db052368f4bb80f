#include "operator_client.h"

#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "wire.h"

enum {
    URL_MAX = 1024,
    CONNECT_MS = 10000,
    STALL_S = 60, /* not a byte for so long is a failure */
    ERROR_TEXT_MAX = 400
};

struct fed_operator_client {
    CURL *curl;
    char url[URL_MAX];
    char curl_error[CURL_ERROR_SIZE];
};

static size_t receive(char *data, size_t size, size_t n, void *ctx)
{
    fed_bytes *out = ctx;
    fed_bytes_put(out, data, size * n);
    return out->status ? 0 : size * n;
}

/* A proxy of the environment must not see requests that stay on this machine. */
static bool is_local(const char *url)
{
    static const char *const hosts[] = {"http://127.", "http://localhost",
                                        "http://[::1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (strncmp(url, hosts[i], strlen(hosts[i])) == 0) return true;
    return false;
}

static void set_options(fed_operator_client *c)
{
    curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->curl_error);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
    curl_easy_setopt(c->curl, CURLOPT_USERAGENT, "fedctl/" FED_VERSION);
    if (is_local(c->url)) curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
}

fed_status fed_operator_client_new(fed_operator_client **out, const char *url,
                                   fed_error *err)
{
    *out = NULL;
    size_t n = strlen(url);
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return fed_fail(err, FED_E_INVALID,
                        "--server: %s is not a URL with http or https", url);
    if (n >= URL_MAX)
        return fed_fail(err, FED_E_INVALID, "--server: a URL of %zu characters", n);
    fed_operator_client *c = fed_calloc(1, sizeof *c);
    if (!c) return fed_fail_nomem(err, sizeof *c);
    memcpy(c->url, url, n + 1);
    while (n && c->url[n - 1] == '/')
        c->url[--n] = 0;
    c->curl = curl_easy_init();
    if (!c->curl) {
        fed_free(c);
        return fed_fail(err, FED_E_NOMEM, "libcurl could not be started");
    }
    set_options(c);
    *out = c;
    return FED_OK;
}

void fed_operator_client_free(fed_operator_client *c)
{
    if (!c) return;
    curl_easy_cleanup(c->curl);
    fed_free(c);
}

static fed_status status_of(long http)
{
    switch (http) {
    case FED_HTTP_BAD_REQUEST:
        return FED_E_INVALID;
    case FED_HTTP_FORBIDDEN:
        return FED_E_REFUSED;
    case FED_HTTP_NOT_FOUND:
        return FED_E_NOT_FOUND;
    case 405:
        return FED_E_UNSUPPORTED;
    case FED_HTTP_CONFLICT:
        return FED_E_STATE;
    case FED_HTTP_TOO_LARGE:
        return FED_E_LIMIT;
    case FED_HTTP_TOO_MANY:
    case FED_HTTP_UNAVAILABLE:
        return FED_E_AGAIN;
    default:
        return FED_E_IO;
    }
}

/* The server's own words, one line of them. */
static fed_status refused(long http, const fed_bytes *answer, fed_error *err)
{
    char text[ERROR_TEXT_MAX];
    size_t n = answer->len < sizeof text - 1 ? answer->len : sizeof text - 1;
    if (n) memcpy(text, answer->data, n);
    text[n] = 0;
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ') *p = ' ';
    return fed_fail(err, status_of(http), "the server says: %s (%ld)", text, http);
}

static fed_status perform(fed_operator_client *c, const char *path, fed_bytes *out,
                          fed_error *err)
{
    char url[URL_MAX + FED_OPERATOR_PATH_MAX];
    long http = 0;
    snprintf(url, sizeof url, "%s%.*s", c->url, FED_OPERATOR_PATH_MAX - 1, path);
    c->curl_error[0] = 0;
    curl_easy_setopt(c->curl, CURLOPT_URL, url);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, out);
    CURLcode code = curl_easy_perform(c->curl);
    if (out->status == FED_E_LIMIT)
        return fed_fail(err, FED_E_LIMIT, "%s: an answer of more than %zu bytes", url,
                        out->max);
    if (out->status) return fed_fail_nomem(err, out->len);
    if (code != CURLE_OK)
        return fed_fail(err, FED_E_IO, "%s: %s", c->url,
                        c->curl_error[0] ? c->curl_error : curl_easy_strerror(code));
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &http);
    return http < FED_HTTP_BAD_REQUEST ? FED_OK : refused(http, out, err);
}

fed_status fed_operator_get(fed_operator_client *c, const char *path, fed_bytes *out,
                            fed_error *err)
{
    curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
    return perform(c, path, out, err);
}

fed_status fed_operator_post(fed_operator_client *c, const char *path, fed_span body,
                             fed_bytes *out, fed_error *err)
{
    curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body.data);
    struct curl_slist *headers =
        curl_slist_append(NULL, "Content-Type: application/octet-stream");
    if (!headers) return fed_fail_nomem(err, 0);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    fed_status status = perform(c, path, out, err);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return status;
}

fed_status fed_operator_get_json(fed_operator_client *c, const char *path, json_t **out,
                                 fed_error *err)
{
    fed_bytes answer;
    json_error_t where;
    *out = NULL;
    fed_bytes_init(&answer, FED_OPERATOR_ANSWER_MAX);
    fed_status status = fed_operator_get(c, path, &answer, err);
    if (!status) {
        *out = json_loadb((const char *)answer.data, answer.len, JSON_REJECT_DUPLICATES,
                          &where);
        if (!json_is_object(*out)) {
            json_decref(*out);
            *out = NULL;
            status = fed_fail(err, FED_E_FORMAT, "%s%s: not a JSON object", c->url, path);
        }
    }
    fed_bytes_fini(&answer);
    return status;
}
