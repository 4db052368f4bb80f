/* Requests to a server that behaves well, and to one that does not. */
#include "harness.h"

#include <stdio.h>

#include "bad_server.h"
#include "transport.h"

enum { CONNECT_MS = 1000, IDLE_MS = 1000, TOTAL_MS = 2500, ANSWER_MAX = 10000 };

static fed_bad_server *server;
static fed_transport *transport;

typedef struct outcome {
    unsigned calls;
    uint32_t status;
    size_t length;
    char start[16], failure[200];
} outcome;

static void on_done(void *ctx, const fed_transfer_result *result)
{
    outcome *o = ctx;
    o->calls++;
    o->status = result->status;
    o->length = result->body.len;
    size_t n = result->body.len < 15 ? result->body.len : 15;
    if (n) memcpy(o->start, result->body.data, n);
    snprintf(o->failure, sizeof o->failure, "%s", result->failure ? result->failure : "");
}

static void begin(fed_manner manner)
{
    fed_error err;
    fed_transport_config config = {
        .connect_ms = CONNECT_MS, .idle_ms = IDLE_MS, .total_ms = TOTAL_MS};
    server = fed_bad_server_new();
    if (CHECK(server)) fed_bad_server_behave(server, manner);
    CHECK_OK(fed_transport_new(&transport, &config, &err), &err);
}

static void end(void)
{
    fed_transport_free(transport);
    fed_bad_server_free(server);
}

static fed_status ask(const char *url, fed_request type, size_t n, outcome *o,
                      fed_error *err)
{
    fed_bytes body;
    fed_bytes_init(&body, 1 << 24);
    memset(fed_bytes_extend(&body, n), 'b', n);
    fed_transfer_request request = {url, type, &body, ANSWER_MAX};
    return fed_transport_send(transport, &request, on_done, o, err);
}

static void run_until(const outcome *o, int64_t ms)
{
    fed_error err;
    int64_t until = fed_clock_monotonic_ms() + ms;
    while (!o->calls && fed_clock_monotonic_ms() < until)
        CHECK_OK(fed_transport_run(transport, 100, -1, &err), &err);
    CHECK_EQ(o->calls, 1);
}

/* ---- well ---------------------------------------------------------------------------------- */

static void test_paths(void)
{
    static const struct {
        fed_request type;
        size_t body;
        const char *line;
        size_t sent;
    } cases[] = {
        {FED_REQUEST_CHECKIN, 10, "POST /v1/checkin HTTP/1.1", 10},
        {FED_REQUEST_BLOB, 32,
         "GET /v1/blobs/"
         "6262626262626262626262626262626262626262626262626262626262626262 HTTP/1.1",
         0},
        {FED_REQUEST_PLACE, 300, "POST /v1/cohorts HTTP/1.1", 300},
        {FED_REQUEST_INPUT, 2000000,
         "POST /v1/cohorts/"
         "6262626262626262626262626262626262626262626262626262626262626262/input "
         "HTTP/1.1",
         2000000}};
    begin(FED_MANNER_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fed_error err;
        outcome o = {0};
        char line[256];
        size_t body;
        CHECK_OK(ask(fed_bad_server_url(server), cases[i].type, cases[i].body, &o, &err),
                 &err);
        run_until(&o, 3000);
        fed_bad_server_last(server, line, sizeof line, &body);
        CHECK_STR(line, cases[i].line);
        CHECK_EQ(body, cases[i].sent);
        CHECK_EQ(o.status, 200);
        CHECK_STR(o.start, "fine");
    }
    CHECK_EQ(fed_bad_server_connections(server), 1); /* kept alive */
    CHECK_EQ(fed_transport_pending(transport), 0);
    end();
}

/* Twenty requests that are held wait side by side. */
static void test_side_by_side(void)
{
    fed_error err;
    static outcome o[20];
    begin(FED_MANNER_HELD);
    int64_t began = fed_clock_monotonic_ms();
    for (int i = 0; i < 20; i++)
        CHECK_OK(ask(fed_bad_server_url(server), FED_REQUEST_CHECKIN, 5, &o[i], &err),
                 &err);
    CHECK_EQ(fed_transport_pending(transport), 20);
    for (int i = 0; i < 20; i++)
        run_until(&o[i], 3000);
    for (int i = 0; i < 20; i++)
        CHECK_EQ(o[i].status, 202);
    CHECK(fed_clock_monotonic_ms() - began < 2000);
    end();
}

/* A look never waits, whatever is under way; a wake-up ends a wait. */
static void test_bounded(void)
{
    fed_error err;
    outcome o = {0};
    begin(FED_MANNER_SILENT);
    CHECK_OK(ask(fed_bad_server_url(server), FED_REQUEST_CHECKIN, 5, &o, &err), &err);
    int64_t began = fed_clock_monotonic_ms();
    for (int i = 0; i < 50; i++)
        CHECK_OK(fed_transport_run(transport, 0, -1, &err), &err);
    CHECK(fed_clock_monotonic_ms() - began < 200);
    fed_transport_wake(transport);
    CHECK_OK(fed_transport_run(transport, 5000, -1, &err), &err);
    CHECK(fed_clock_monotonic_ms() - began < 2000);
    fed_transport_cancel(transport, &o);
    CHECK_EQ(fed_transport_pending(transport), 0);
    CHECK_OK(fed_transport_run(transport, 50, -1, &err), &err);
    CHECK_EQ(o.calls, 0); /* nobody hears of what was cancelled */
    end();
}

/* ---- badly ----------------------------------------------------------------------------------- */

static void test_manners(void)
{
    static const struct {
        fed_manner manner;
        uint32_t status;
        size_t length;
        const char *failure;
    } cases[] = {{FED_MANNER_SILENT, 0, 0, "Operation "},
                 {FED_MANNER_TRICKLE, 0, 0, "out after"},
                 {FED_MANNER_ENDLESS, 0, 0, "longer than 10000 bytes"},
                 {FED_MANNER_HUGE, 0, 0, "longer than 10000 bytes"},
                 {FED_MANNER_LONG_ERROR, 500, FED_TRANSPORT_ERROR_BODY, ""},
                 {FED_MANNER_CUT, 0, 0, "remaining"},
                 {FED_MANNER_GARBAGE, 0, 0, "HTTP"},
                 {FED_MANNER_HANG_UP, 0, 0, "Empty reply"},
                 {FED_MANNER_REDIRECT, 302, 0, ""},
                 {FED_MANNER_HEADERS, 0, 0, ""},
                 {FED_MANNER_PACKED, 200, 4, ""},
                 {FED_MANNER_PACKED_CUT, 0, 0, "compressed blob"},
                 {FED_MANNER_BOMB, 0, 0, "more than the bytes allowed"},
                 {FED_MANNER_ENCODED, 0, 0, "not asked for"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fed_error err;
        outcome o = {0};
        begin(cases[i].manner);
        CHECK_OK(ask(fed_bad_server_url(server), FED_REQUEST_CHECKIN, 5, &o, &err), &err);
        run_until(&o, TOTAL_MS + 1500);
        CHECK_MSG(o.status == cases[i].status, "manner %d: status %u, wanted %u",
                  cases[i].manner, o.status, cases[i].status);
        CHECK_MSG(o.length == cases[i].length, "manner %d: %zu bytes", cases[i].manner,
                  o.length);
        CHECK_MSG(strstr(o.failure, cases[i].failure), "manner %d: \"%s\"",
                  cases[i].manner, o.failure);
        CHECK_MSG((o.status == 0) == (o.failure[0] != 0), "manner %d: \"%s\"",
                  cases[i].manner, o.failure);
        end();
    }
}

static void test_nobody_there(void)
{
    fed_error err;
    outcome o = {0};
    char url[64];
    begin(FED_MANNER_OK);
    snprintf(url, sizeof url, "%s", fed_bad_server_url(server));
    fed_bad_server_free(server);
    server = NULL;
    CHECK_OK(ask(url, FED_REQUEST_CHECKIN, 5, &o, &err), &err);
    run_until(&o, 3000);
    CHECK_EQ(o.status, 0);
    CHECK(strstr(o.failure, "connect"));
    end();
}

static void test_refusals(void)
{
    static const char *const bad[] = {
        "",       "ftp://host", "http://",    "file:///etc/x",
        "host:1", "http://a b", "http://h?q", "https://h#f"};
    fed_error err;
    outcome o = {0};
    char endless[FED_TRANSPORT_URL_MAX + 20] = "http://";
    begin(FED_MANNER_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_FAILS(ask(bad[i], FED_REQUEST_CHECKIN, 5, &o, &err), FED_E_INVALID, &err,
                    "server");
    memset(endless + 7, 'h', sizeof endless - 8);
    CHECK_FAILS(ask(endless, FED_REQUEST_CHECKIN, 5, &o, &err), FED_E_LIMIT, &err,
                "server");
    CHECK_FAILS(ask("http://h", FED_REQUEST_BLOB, 31, &o, &err), FED_E_INVALID, &err,
                "no path");
    CHECK_FAILS(ask("http://h", FED_REQUEST_JOIN, 3, &o, &err), FED_E_INVALID, &err,
                "no path");
    CHECK_FAILS(ask("http://h", FED_REQUEST_NONE, 3, &o, &err), FED_E_INVALID, &err,
                "no path");
    CHECK_EQ(o.calls, 0);
    end();
}

static fed_status scenario(void *ctx)
{
    outcome o = {0};
    fed_transport_config config = {0};
    fed_transport *t = NULL;
    FED_TRY(fed_transport_new(&t, &config, NULL));
    fed_bytes body;
    fed_bytes_init(&body, 100);
    fed_bytes_put_text(&body, "{}");
    fed_status status = body.status;
    fed_transfer_request request = {ctx, FED_REQUEST_CHECKIN, &body, ANSWER_MAX};
    if (!status) status = fed_transport_send(t, &request, on_done, &o, NULL);
    for (int i = 0; !status && !o.calls && i < 100; i++)
        status = fed_transport_run(t, 100, -1, NULL);
    if (!status && strstr(o.failure, "memory")) status = FED_E_NOMEM;
    fed_bytes_fini(&body);
    fed_transport_free(t);
    return status;
}

static void test_torture(void)
{
    begin(FED_MANNER_OK);
    char url[64];
    snprintf(url, sizeof url, "%s", fed_bad_server_url(server));
    size_t n = fed_torture(scenario, url);
    CHECK(n >= 4);
    end();
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_paths),        CASE(test_side_by_side),
                                     CASE(test_bounded),      CASE(test_manners),
                                     CASE(test_nobody_there), CASE(test_refusals),
                                     CASE(test_torture)};
    return fed_run("transport", cases, sizeof cases / sizeof *cases);
}
