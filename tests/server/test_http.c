/* fedserver over its socket: every route and method, bodies, blobs, what operators read. */
#include "http_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http_routes.h"

/* ---- routes ------------------------------------------------------------------------------- */

static void test_routes(void)
{
    char path[160];
    http_open(&server);
    start_with(small_plan());
    static const char *const plain[] = {"/v1/server", "/v1/tasks", "/healthz", "/readyz",
                                        "/metrics"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        CHECK_MSG(http_get(&server, plain[i]) == 200, "%s", plain[i]);
    static const char *const leaves[] = {"", "/trace", "/versions", "/evaluations"};
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
        task_path(path, leaves[i]);
        CHECK_MSG(http_get(&server, path) == 200, "%s", path);
        memset(path + sizeof "/v1/tasks/" - 1, '0', 64);
        CHECK_MSG(http_get(&server, path) == 404, "%s", path);
    }
    static const char *const none[] = {"/",
                                       "/v1",
                                       "/v1/tasks/",
                                       "/v1/tasks/abc",
                                       "/v1/blobs/abc",
                                       "/v1/cohorts/abc/join",
                                       "/favicon.ico",
                                       "/../etc/passwd",
                                       "/v1/blobs/../../server.key"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        CHECK_MSG(http_get(&server, none[i]) == 404, "%s", none[i]);
    task_path(path, "/trace?from=x");
    CHECK_EQ(http_get(&server, path), 400);
    end();
}

static void check_method(const char *method, const char *path, const char *allow)
{
    http_ask(&server, method, path, NULL, 0, &reply);
    CHECK_MSG(reply.status == 405, "%s %s: %u", method, path, reply.status);
    CHECK_STR(http_header(&reply, "Allow"), allow);
    http_reply_fini(&reply);
}

static void test_methods(void)
{
    char path[160];
    http_open(&server);
    start_with(small_plan());
    check_method("DELETE", "/v1/tasks", "GET, POST");
    check_method("PUT", "/healthz", "GET");
    check_method("GET", "/v1/checkin", "POST");
    check_method("GET", "/v1/cohorts", "POST");
    check_method("POST",
                 "/v1/blobs/"
                 "0000000000000000000000000000000000000000000000000000000000000000",
                 "GET");
    task_path(path, "/stop");
    check_method("GET", path, "POST");
    end();
}

/* What operators read is JSON, whatever the numbers are. */
static void test_json(void)
{
    char path[160];
    http_open(&server);
    start_with(small_plan());
    json_t *about = get_json("/v1/server");
    CHECK_EQ(strlen(json_string_value(json_object_get(about, "key"))), 64);
    json_decref(about);
    task_path(path, "");
    json_t *one = get_json(path);
    CHECK_STR(json_string_value(json_object_get(one, "state")), "running");
    CHECK(json_is_null(json_object_get(one, "accuracy")));
    CHECK(json_is_false(json_object_get(one, "evaluation_pending")));
    json_decref(one);
    json_t *all = get_json("/v1/tasks");
    CHECK_EQ(json_array_size(json_object_get(all, "tasks")), 1);
    json_decref(all);
    end();
}

/* ---- bodies ------------------------------------------------------------------------------- */

static void check_too_large(const char *path, size_t n)
{
    char *body = calloc(1, n);
    CHECK_MSG(http_status(&server, "POST", path, body, n) == 413, "%s: %zu bytes", path,
              n);
    free(body);
}

static void test_large_bodies(void)
{
    char path[160];
    device d;
    http_open(&server);
    server.config.max_body = 100000;
    start_with(small_plan());
    check_too_large("/v1/checkin", FED_CHECKIN_JSON_MAX + 1);
    check_too_large("/v1/cohorts", 100001);
    check_too_large("/v1/tasks", 2 << 20);
    task_path(path, "/stop");
    check_too_large(path, 257);
    CHECK_EQ(http_status(&server, "GET", "/healthz", "x", 1), 413);
    enter(&d, 0);
    char hex[65];
    fed_hex_encode(hex, d.cohort, 32);
    snprintf(path, sizeof path, "/v1/cohorts/%s/input", hex);
    check_too_large(path, 100001);
    close(d.fd);
    /* so large that it is refused before it is sent */
    int fd = http_connect(&server);
    static const char head[] = "POST /v1/checkin HTTP/1.1\r\nHost: x\r\n"
                               "Content-Length: 99999999999\r\n\r\n";
    http_send_raw(fd, head, sizeof head - 1);
    CHECK(http_receive(fd, &reply));
    CHECK_EQ(reply.status, 413);
    http_reply_fini(&reply);
    close(fd);
    CHECK_EQ(http_get(&server, "/healthz"), 200);
    end();
}

static void test_garbage(void)
{
    char path[FED_ROUTE_MAX];
    uint8_t noise[300], key[32] = {6};
    fed_stream s;
    fed_stream_init(&s, key, FED_PURPOSE_TEST, 1);
    http_open(&server);
    start_with(small_plan());
    for (unsigned i = 0; i < 50; i++) {
        size_t n = fed_stream_below(&s, sizeof noise);
        fed_stream_fill(&s, noise, n);
        CHECK_EQ(http_status(&server, "POST", "/v1/cohorts", noise, n), 400);
        CHECK_EQ(http_status(&server, "POST", "/v1/checkin", noise, n), 400);
        CHECK_EQ(http_status(&server, "POST", "/v1/tasks", noise, n), 400);
    }
    /* a good frame with one bit changed, and one under another cohort's path */
    fed_bytes body, message;
    uint8_t round[32], cohort[32] = {4};
    round_address(round);
    place_body(&body, round);
    rig_seal(&message, FED_REQUEST_PLACE, 0, NULL, (fed_span){body.data, body.len});
    message.data[message.len - 1] ^= 1;
    CHECK_EQ(http_status(&server, "POST", "/v1/cohorts", message.data, message.len), 403);
    fed_bytes_fini(&message);
    rig_seal(&message, FED_REQUEST_JOIN, 0, cohort, (fed_span){body.data, body.len});
    CHECK(fed_request_to_path(FED_REQUEST_JOIN, message.data, message.len, path));
    CHECK_EQ(http_status(&server, "POST", path, message.data, message.len), 404);
    path[sizeof "/v1/cohorts/"] ^= 1;
    CHECK_EQ(http_status(&server, "POST", path, message.data, message.len), 400);
    fed_bytes_fini(&message);
    fed_bytes_fini(&body);
    end();
}

/* ---- blobs -------------------------------------------------------------------------------- */

static void check_range(const char *path, const char *range, unsigned status, size_t from,
                        size_t n, const fed_bytes *whole)
{
    char header[80], wanted[80];
    int fd = http_connect(&server);
    snprintf(header, sizeof header, "Range: %s\r\nConnection: close\r\n", range);
    http_send(fd, "GET", path, header, NULL, 0);
    CHECK(http_receive(fd, &reply));
    close(fd);
    CHECK_MSG(reply.status == status, "%s: %u", range, reply.status);
    if (CHECK_EQ(reply.body.len, n)) CHECK_MEM(reply.body.data, whole->data + from, n);
    snprintf(wanted, sizeof wanted, "bytes %zu-%zu/%zu", from, from + n - 1, whole->len);
    if (status == 206) CHECK_STR(http_header(&reply, "Content-Range"), wanted);
    http_reply_fini(&reply);
}

static void test_blob(void)
{
    char path[160], task_at[160];
    http_reply whole;
    http_open(&server);
    start_with(small_plan());
    task_path(task_at, "");
    json_t *json = get_json(task_at);
    snprintf(path, sizeof path, "/v1/blobs/%s",
             json_string_value(json_object_get(json, "model_sha256")));
    json_decref(json);
    http_ask(&server, "GET", path, NULL, 0, &whole);
    CHECK_EQ(whole.status, 200);
    CHECK_MSG(strstr(http_header(&whole, "Cache-Control"), "immutable"), "cacheable");
    CHECK_EQ(whole.body.len, fed_task_numbers_of(task)->model_bytes);
    size_t n = whole.body.len;
    check_range(path, "bytes=0-", 206, 0, n, &whole.body);
    check_range(path, "bytes=10-19", 206, 10, 10, &whole.body);
    check_range(path, "bytes=10-99999999", 206, 10, n - 10, &whole.body);
    check_range(path, "bytes=99999999-", 200, 0, n, &whole.body);
    check_range(path, "bytes=9-5", 200, 0, n, &whole.body);
    check_range(path, "bytes=-5", 200, 0, n, &whole.body);
    check_range(path, "bytes=0-1,3-4", 200, 0, n, &whole.body);
    check_range(path, "lines=1-2", 200, 0, n, &whole.body);
    check_range(path, "bytes=", 200, 0, n, &whole.body);
    check_range(path, "bytes=18446744073709551615-18446744073709551616", 200, 0, n,
                &whole.body);
    http_reply_fini(&whole);
    path[sizeof "/v1/blobs/"] = path[sizeof "/v1/blobs/"] == '0' ? '1' : '0';
    CHECK_EQ(http_get(&server, path), 404);
    end();
}

static void check_encoding(const char *path, const char *headers, const char *encoding,
                           unsigned status, const http_reply *whole)
{
    char all[160];
    fed_error err;
    fed_bytes plain;
    int fd = http_connect(&server);
    snprintf(all, sizeof all, "%sConnection: close\r\n", headers);
    http_send(fd, "GET", path, all, NULL, 0);
    CHECK(http_receive(fd, &reply));
    close(fd);
    CHECK_MSG(reply.status == status, "%s: %u", headers, reply.status);
    CHECK_STR(http_header(&reply, "Content-Encoding"), encoding);
    CHECK_STR(http_header(&reply, "Vary"), "Accept-Encoding");
    fed_bytes_init(&plain, whole->body.len);
    if (*encoding) {
        CHECK(reply.body.len < whole->body.len);
        CHECK_OK(fed_blob_decompress((fed_span){reply.body.data, reply.body.len},
                                     plain.max, &plain, &err),
                 &err);
    } else {
        fed_bytes_put(&plain, reply.body.data, reply.body.len);
    }
    if (status == 200 && CHECK_EQ(plain.len, whole->body.len))
        CHECK_MEM(plain.data, whole->body.data, plain.len);
    fed_bytes_fini(&plain);
    http_reply_fini(&reply);
}

/* Compressed for who takes it; a range is always one of the plain bytes. */
static void test_encoding(void)
{
    char path[160], task_at[160];
    http_reply whole;
    http_open(&server);
    start_with(large_plan);
    task_path(task_at, "");
    json_t *json = get_json(task_at);
    snprintf(path, sizeof path, "/v1/blobs/%s",
             json_string_value(json_object_get(json, "model_sha256")));
    json_decref(json);
    http_ask(&server, "GET", path, NULL, 0, &whole);
    CHECK_EQ(whole.body.len, fed_task_numbers_of(task)->model_bytes);
    check_encoding(path, "", "", 200, &whole);
    check_encoding(path, "Accept-Encoding: zstd\r\n", "zstd", 200, &whole);
    check_encoding(path, "Accept-Encoding: gzip, ZSTD;q=0.5\r\n", "zstd", 200, &whole);
    check_encoding(path, "Accept-Encoding: gzip, br\r\n", "", 200, &whole);
    check_encoding(path, "Accept-Encoding: zstd;q=0, gzip\r\n", "", 200, &whole);
    check_encoding(path, "Accept-Encoding: zstd; q=0.000\r\n", "", 200, &whole);
    check_encoding(path, "Accept-Encoding: zstdx, xzstd, ,,\r\n", "", 200, &whole);
    check_encoding(path, "Accept-Encoding: zstd\r\nRange: bytes=7-\r\n", "", 206, &whole);
    http_reply_fini(&whole);
    end();
}

/* ---- operators ---------------------------------------------------------------------------- */

static void check_create(const char *plan, unsigned status, const char *part)
{
    fed_address id;
    fed_task *t = NULL;
    CHECK_EQ(http_create(&server, plan, "x", &id, &t, &reply), status);
    CHECK_MSG(strstr(fed_bytes_text(&reply.body), part), "%s",
              fed_bytes_text(&reply.body));
    http_reply_fini(&reply);
    fed_task_free(t);
}

/* What this server cannot carry out is refused when it is asked for, with both numbers. */
static void test_create_refusals(void)
{
    const char *holdout_plan =
        rig_plan_with("\"evaluate\":{\"on\":\"holdout\"},", ROUNDS);
    http_open(&server);
    server.config.max_body = 50000;
    CHECK(http_start(&server));
    check_create(holdout_plan, 403, "--holdout");
    check_create(large_plan, 403, "reads at most 50000 (fedserver --max-body)");
    http_stop(&server);
    server.config.holdout = "synthetic:gaussian?dims=5&classes=2&rows=100";
    CHECK(http_start(&server));
    holdout_plan = rig_plan_with("\"evaluate\":{\"on\":\"holdout\"},", ROUNDS);
    check_create(holdout_plan, 403, "5 values a row, the model takes 3");
    http_stop(&server);
    server.config.holdout = "synthetic:gaussian?dims=3&classes=2&rows=100";
    CHECK(http_start(&server));
    check_create(holdout_plan, 200, "");
    end();
    http_open(&server);
    server.config.holdout = "nonsense:";
    CHECK(!http_start(&server));
    CHECK_MSG(strstr(server.err.text, "--holdout"), "%s", server.err.text);
    http_close(&server);
}

static void wait_for_evaluation(void)
{
    char path[160];
    task_path(path, "");
    for (int i = 0; i < 500; i++) {
        json_t *json = get_json(path);
        bool pending = json_is_true(json_object_get(json, "evaluation_pending"));
        json_decref(json);
        if (!pending) return;
        usleep(10000);
    }
    CHECK_MSG(false, "the evaluation does not end");
}

/* The last evaluation is there after a restart, also without the hold-out. */
static void test_evaluation_survives(void)
{
    char path[160];
    http_open(&server);
    server.config.holdout = "synthetic:gaussian?dims=3&classes=2&rows=500";
    start_with(rig_plan_with("\"evaluate\":{\"on\":\"holdout\"},", ROUNDS));
    wait_for_evaluation();
    task_path(path, "");
    json_t *before = get_json(path);
    CHECK(json_is_real(json_object_get(before, "accuracy")));
    http_stop(&server);
    server.config.holdout = NULL;
    CHECK(http_start(&server));
    json_t *after = get_json(path);
    CHECK_MSG(json_equal(before, after), "something else after the restart");
    json_decref(before);
    json_decref(after);
    task_path(path, "/evaluations");
    CHECK_EQ(count_lines(path), 1);
    end();
}

static void test_stop_task(void)
{
    fed_error err;
    fed_bytes body;
    char path[160], other[160];
    http_open(&server);
    start_with(small_plan());
    fed_bytes_init(&body, 256);
    CHECK_OK(fed_task_stop_put(&body, &task_id, rig_operator_seed, &err), &err);
    task_path(path, "/stop");
    snprintf(other, sizeof other, "%s", path);
    other[sizeof "/v1/tasks/"] = other[sizeof "/v1/tasks/"] == '0' ? '1' : '0';
    CHECK_EQ(http_status(&server, "POST", other, body.data, body.len), 400);
    CHECK_EQ(http_status(&server, "POST", path, body.data, body.len - 1), 400);
    body.data[40] ^= 1;
    CHECK_EQ(http_status(&server, "POST", path, body.data, body.len), 403);
    body.data[40] ^= 1;
    CHECK_EQ(http_status(&server, "POST", path, body.data, body.len), 200);
    fed_bytes_fini(&body);
    end();
}

/* ---- metrics ------------------------------------------------------------------------------ */

static bool is_name(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_", text[i])) return false;
    return n > 10 && strncmp(text, "fedserver_", 10) == 0;
}

/* One line of the exposition format 0.0.4; `typed` is the family that was declared last. */
static void check_metric_line(const char *line, size_t n, char typed[128])
{
    char text[512];
    snprintf(text, sizeof text, "%.*s", (int)n, line);
    if (strncmp(text, "# HELP ", 7) == 0) return;
    if (strncmp(text, "# TYPE ", 7) == 0) {
        size_t name = strcspn(text + 7, " ");
        CHECK_MSG(is_name(text + 7, name), "%s", text);
        CHECK_MSG(strcmp(text + 7 + name, " gauge") == 0 ||
                      strcmp(text + 7 + name, " counter") == 0,
                  "%s", text);
        snprintf(typed, 128, "%.*s", (int)name, text + 7);
        return;
    }
    size_t name = strcspn(text, "{ ");
    CHECK_MSG(is_name(text, name) && strncmp(text, typed, name) == 0, "%s", text);
    char *value = strrchr(text, ' ');
    double number;
    CHECK_MSG(value && (strcmp(value, " NaN") == 0 || strcmp(value, " +Inf") == 0 ||
                        fed_text_to_double(value + 1, strlen(value + 1), &number)),
              "%s", text);
    *value = 0;
}

static void test_metrics(void)
{
    fed_address id;
    fed_task *twin = NULL;
    char typed[128] = "";
    http_open(&server);
    start_with(small_plan());
    CHECK_EQ(http_create(&server,
                         rig_plan_with("\"evaluate\":{\"on\":\"none\"},",
                                       "\"count\":7,\"cohort\":3"),
                         "t", &id, &twin, &reply),
             200);
    http_reply_fini(&reply);
    http_ask(&server, "GET", "/metrics", NULL, 0, &reply);
    CHECK_STR(http_header(&reply, "Content-Type"), "text/plain; version=0.0.4");
    const char *text = fed_bytes_text(&reply.body);
    size_t lines = 0;
    for (const char *at = text; *at; lines++) {
        size_t n = strcspn(at, "\n");
        check_metric_line(at, n, typed);
        /* two tasks of one name are two series */
        size_t key = n;
        while (key && at[key] != ' ')
            key--;
        char series[512];
        snprintf(series, sizeof series, "\n%.*s ", (int)key, at);
        if (*at != '#') CHECK_MSG(!strstr(at + 1, series), "twice:%s", series);
        at += n + 1;
    }
    CHECK(lines > 40);
    CHECK(strstr(text, "fedserver_task_rounds{task=\"") != NULL);
    http_reply_fini(&reply);
    fed_task_free(twin);
    end();
}

/* ---- documentation ------------------------------------------------------------------------ */

enum { ROUTES_MAX = 64 };
typedef struct route_list {
    char names[ROUTES_MAX][FED_ROUTE_MAX + 8];
    size_t n;
} route_list;

static void add_route(route_list *l, const char *method, const char *path)
{
    if (CHECK(l->n < ROUTES_MAX))
        snprintf(l->names[l->n++], sizeof l->names[0], "%s %s", method, path);
}

static bool has_route(const route_list *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->names[i], name) == 0) return true;
    return false;
}

/* Paths in the wire room are written for given bytes; zeros become the parameter's name. */
static void add_device_route(route_list *l, fed_request type, const char *parameter)
{
    static const char zeros[] =
        "0000000000000000000000000000000000000000000000000000000000000000";
    char path[FED_ROUTE_MAX], shown[FED_ROUTE_MAX];
    uint8_t body[FED_ROUTE_BODY_MAX] = {0};
    size_t n = type == FED_REQUEST_BLOB    ? 32
               : type == FED_REQUEST_INBOX ? FED_INBOX_QUERY_BYTES
                                           : sizeof body;
    CHECK(fed_request_to_path(type, body, n, path));
    path[strcspn(path, "?")] = 0;
    char *at = strstr(path, zeros);
    if (at)
        snprintf(shown, sizeof shown, "%.*s{%s}%s", (int)(at - path), path, parameter,
                 at + 64);
    else
        snprintf(shown, sizeof shown, "%s", path);
    add_route(l, fed_request_is_post(type) ? "post" : "get", shown);
}

static void list_served(route_list *l)
{
    static const fed_request requests[] = {
        FED_REQUEST_CHECKIN, FED_REQUEST_BLOB,  FED_REQUEST_PLACE, FED_REQUEST_INBOX,
        FED_REQUEST_JOIN,    FED_REQUEST_PICK,  FED_REQUEST_SHARE, FED_REQUEST_INPUT,
        FED_REQUEST_CONFIRM, FED_REQUEST_REVEAL};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        add_device_route(l, requests[i],
                         requests[i] == FED_REQUEST_BLOB ? "sha256" : "cohort");
    for (const fed_operator_route *o = fed_operator_routes; o->path; o++) {
        char shown[128];
        const char *star = strchr(o->path, '*');
        if (star)
            snprintf(shown, sizeof shown, "%.*s{task}%s", (int)(star - o->path), o->path,
                     star + 1);
        else
            snprintf(shown, sizeof shown, "%s", o->path);
        add_route(l, strcmp(o->method, "GET") == 0 ? "get" : "post", shown);
    }
}

/* Of the YAML nothing but its indentation is read: paths at two spaces, methods at four. */
static void list_documented(route_list *l)
{
    char line[512], path[128] = "";
    bool inside = false;
    FILE *f = fopen(OPENAPI_FILE, "r");
    if (!CHECK_MSG(f, "%s", OPENAPI_FILE)) return;
    while (fgets(line, sizeof line, f)) {
        if (line[0] != ' ' && line[0] != '\n') inside = strncmp(line, "paths:", 6) == 0;
        if (!inside) continue;
        if (strncmp(line, "  /", 3) == 0)
            snprintf(path, sizeof path, "%.*s", (int)strcspn(line + 2, ":"), line + 2);
        if (strcmp(line, "    get:\n") == 0) add_route(l, "get", path);
        if (strcmp(line, "    post:\n") == 0) add_route(l, "post", path);
    }
    fclose(f);
}

static void test_openapi(void)
{
    static route_list served, documented;
    list_served(&served);
    list_documented(&documented);
    for (size_t i = 0; i < served.n; i++)
        CHECK_MSG(has_route(&documented, served.names[i]), "not documented: %s",
                  served.names[i]);
    for (size_t i = 0; i < documented.n; i++)
        CHECK_MSG(has_route(&served, documented.names[i]), "not served: %s",
                  documented.names[i]);
    CHECK_EQ(served.n, documented.n);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_routes),
                                     CASE(test_methods),
                                     CASE(test_json),
                                     CASE(test_large_bodies),
                                     CASE(test_garbage),
                                     CASE(test_blob),
                                     CASE(test_encoding),
                                     CASE(test_create_refusals),
                                     CASE(test_evaluation_survives),
                                     CASE(test_stop_task),
                                     CASE(test_metrics),
                                     CASE(test_openapi)};
    return fed_run("http", cases, sizeof cases / sizeof *cases);
}
