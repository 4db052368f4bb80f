/* libfedclient through its public API: a whole round over an app's own HTTP, a real state folder,
 * restarts after every step, and each thing that is refused. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client_internal.h"
#include "scripted_server.h"

enum { STEPS = 500 };

static char folder[FED_FOLDER_MAX];
static fed_script script;

/* The app's HTTP: keeps the one request, and has it answered when the test says so. */
typedef struct app {
    fed_client *client;
    fed_http_request request;
    uint32_t type;
    unsigned sent, cancelled;
    bool pending;
    fed_client_conditions conditions;
    uint8_t state_key;
} app;

static fed_status app_send(void *ctx, fed_client *c, const fed_http_request *r)
{
    app *a = ctx;
    CHECK(!a->pending);
    a->client = c;
    a->request = *r;
    a->sent++;
    a->pending = true;
    return FED_OK;
}

static void app_cancel(void *ctx, fed_client *c, uint64_t id)
{
    app *a = ctx;
    (void)c;
    CHECK(a->pending && id == a->request.id);
    a->cancelled++;
    a->pending = false;
}

/* From a URL back to what a session asked: as the server does it. */
static uint32_t app_route(const fed_http_request *r, uint8_t body[FED_ROUTE_BODY_MAX],
                          size_t *n)
{
    char path[300];
    uint8_t cohort[32];
    const char *at = strstr(r->url, "/v1/");
    snprintf(path, sizeof path, "%s", at ? at : "");
    char *query = strchr(path, '?');
    if (query) *query = 0;
    const char *after = query ? strstr(query + 1, "after=") : NULL;
    return (uint32_t)fed_request_from_path(r->post, path, after ? after + 6 : NULL,
                                           cohort, body, n);
}

static fed_status app_try_answer(app *a)
{
    fed_bytes out;
    size_t n = 0;
    uint8_t body[FED_ROUTE_BODY_MAX];
    fed_bytes_init(&out, 1 << 20);
    a->type = app_route(&a->request, body, &n);
    fed_span asked = a->request.post ? (fed_span){a->request.body, a->request.body_bytes}
                                     : (fed_span){body, n};
    uint32_t status = fed_script_answer(&script, a->type, asked, &out);
    fed_status result = out.status ? out.status : FED_E_NOMEM;
    if (!out.status && status != FED_HTTP_INTERNAL) {
        a->pending = false;
        result =
            fed_client_answer(a->client, a->request.id, status, out.data, out.len, NULL);
    }
    fed_bytes_fini(&out);
    return result;
}

static void app_answer(app *a)
{
    CHECK_EQ(app_try_answer(a), FED_OK);
}

static fed_client_conditions app_conditions(void *ctx)
{
    const app *a = ctx;
    return a->conditions;
}

static fed_status app_key(void *ctx, uint8_t key[32])
{
    const app *a = ctx;
    memset(key, a->state_key, 32);
    return a->state_key ? FED_OK : FED_E_NOT_FOUND;
}

static fed_client_config config_of(app *a, const fed_http *http)
{
    fed_client_config config = FED_CLIENT_CONFIG_INIT;
    config.server = "http://127.0.0.1:1";
    config.population = "test";
    config.state_folder = folder;
    config.http = http;
    config.conditions = app_conditions;
    config.conditions_ctx = a;
    config.max_model_bytes = 1 << 20;
    memcpy(config.operator_key, script.operator_key, 32);
    return config;
}

static fed_client *open_client(app *a)
{
    fed_error err;
    fed_client *c = NULL;
    fed_http http = {app_send, app_cancel, a};
    fed_client_config config = config_of(a, &http);
    fed_dataset rows = {FED_SCRIPT_ROWS, fed_script_fetch, NULL};
    if (CHECK_OK(fed_client_open(&config, &c, &err), &err))
        CHECK_OK(fed_client_set_dataset(c, &rows, &err), &err);
    return c;
}

static void begin(fed_lie lie)
{
    fed_error err;
    CHECK_OK(fed_script_init(&script, lie, 0, &err), &err);
    fed_folder_make(folder);
}

static void end(void)
{
    fed_folder_remove(folder);
    fed_script_fini(&script);
}

static void step(fed_client *c, int64_t *now)
{
    fed_error err;
    int64_t wait = -1;
    CHECK_OK(fed_client_step(c, *now, &wait, &err), &err);
    CHECK(wait >= 0);
    *now += wait < 1000 ? wait : 1000;
}

/* ---- a round ------------------------------------------------------------------------------- */

static void test_round(void)
{
    app a = {.conditions = {true, true, true}};
    fed_client_info info = {0};
    int64_t now = 1000000;
    begin(FED_LIE_NONE);
    fed_client *c = open_client(&a);
    for (int i = 0; c && i < STEPS && !info.delivered; i++) {
        step(c, &now);
        if (a.pending) app_answer(&a);
        fed_client_describe(c, &info);
    }
    CHECK_EQ(info.delivered, 1);
    CHECK_EQ(info.trained, 1);
    CHECK_EQ(a.sent, script.requests);
    CHECK(info.bytes_sent > 500 && info.bytes_received > 1000);
    CHECK(!fed_client_network(c));
    fed_client_close(c);
    CHECK_EQ(a.cancelled, a.pending);
    end();
}

/* Closed and opened again after every step, as if killed: the update is still delivered, the
 * identity is the same, and it was handed in once. */
static void test_restarts(void)
{
    app a = {.conditions = {true, true, true}};
    fed_client_info info = {0}, first = {0};
    int64_t now = 1000000;
    unsigned inputs = 0, lives = 0;
    bool delivered = false;
    begin(FED_LIE_NONE);
    for (int life = 0; life < 60 && !delivered; life++) {
        fed_client *c = open_client(&a);
        for (int i = 0; c && i < 3 + life % 12 && !delivered; i++) {
            step(c, &now);
            if (a.pending) app_answer(&a);
            inputs += a.type == FED_REQUEST_INPUT;
            a.type = 0;
            fed_client_describe(c, &info);
            delivered = info.delivered == 1;
        }
        if (!life) first = info;
        CHECK_MEM(info.device_key, first.device_key, 32);
        fed_client_close(c);
        a.pending = false;
        lives++;
    }
    CHECK(delivered);
    CHECK_EQ(inputs, 1);
    CHECK(lives > 3);
    end();
}

static void test_predict(void)
{
    fed_error err;
    app a = {.conditions = {true, true, true}};
    fed_client_info info = {0};
    int64_t now = 1000000;
    float x[FED_SCRIPT_FEATURES] = {1, 0, 0, 1, 0, 0}, y[FED_SCRIPT_CLASSES] = {0};
    begin(FED_LIE_NONE);
    fed_client *c = open_client(&a);
    CHECK_FAILS(fed_client_predict(c, x, sizeof x, y, 3, &err), FED_E_STATE, &err,
                "no model yet");
    for (int i = 0; c && i < STEPS && !info.delivered; i++) {
        step(c, &now);
        if (a.pending) app_answer(&a);
        fed_client_describe(c, &info);
    }
    CHECK_OK(fed_client_predict(c, x, sizeof x, y, 3, &err), &err);
    CHECK(y[0] != 0 && y[0] != y[1]);
    CHECK_FAILS(fed_client_predict(c, x, 5, y, 3, &err), FED_E_INVALID, &err, "24");
    CHECK_FAILS(fed_client_predict(c, x, sizeof x, y, 4, &err), FED_E_INVALID, &err,
                "not 3");
    fed_client_close(c);
    end();
}

/* ---- what does not work ---------------------------------------------------------------------- */

static void test_config(void)
{
    fed_error err;
    app a = {0};
    fed_client *c = NULL;
    fed_http http = {app_send, app_cancel, &a}, half = {app_send, NULL, &a};
    begin(FED_LIE_NONE);
    const fed_client_config good = config_of(&a, &http);
    fed_client_config bad = good;
    char name[80];
    memset(name, 'p', sizeof name);
    name[65] = 0;
#define REFUSED(field, value, part)                                                      \
    bad = good;                                                                          \
    bad.field = value;                                                                   \
    CHECK_FAILS(fed_client_open(&bad, &c, &err), FED_E_INVALID, &err, part);             \
    CHECK(!c)
    REFUSED(size, 8, "config.size");
    REFUSED(server, NULL, "config.server");
    REFUSED(server, "gopher://x", "server");
    REFUSED(population, NULL, "config.population");
    REFUSED(population, "", "config.population");
    REFUSED(population, name, "config.population");
    REFUSED(state_folder, NULL, "config.state_folder");
    REFUSED(state_folder, "", "config.state_folder");
    REFUSED(http, &half, "config.http");
#undef REFUSED
    c = open_client(&a);
    fed_dataset none = {0, fed_script_fetch, NULL}, blind = {3, NULL, NULL};
    CHECK_FAILS(fed_client_set_dataset(c, &none, &err), FED_E_INVALID, &err, "no rows");
    CHECK_FAILS(fed_client_set_dataset(c, &blind, &err), FED_E_INVALID, &err, "no fetch");
    fed_client *second = NULL;
    CHECK_FAILS(fed_client_open(&good, &second, &err), FED_E_EXISTS, &err,
                "another process");
    fed_client_close(c);
    int64_t wait;
    CHECK_OK(fed_client_open(&good, &c, &err), &err);
    CHECK_FAILS(fed_client_step(c, 1, &wait, &err), FED_E_STATE, &err, "no dataset");
    fed_client_close(c);
    end();
}

static void spoil_file(const char *name)
{
    char path[FED_FOLDER_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r+e");
    if (!CHECK(f)) return;
    fseek(f, 40, SEEK_SET);
    int byte = fgetc(f);
    fseek(f, 40, SEEK_SET);
    fputc(byte ^ 1, f);
    fclose(f);
}

static void test_damage(void)
{
    fed_error err;
    app a = {.state_key = 1};
    fed_client *c = open_client((begin(FED_LIE_NONE), &a));
    fed_client_close(c);
    fed_http http = {app_send, app_cancel, &a};
    fed_client_config config = config_of(&a, &http);
    spoil_file("manifest");
    CHECK_FAILS(fed_client_open(&config, &c, &err), FED_E_AUTH, &err,
                "manifest: damaged");
    spoil_file("manifest"); /* mends it */
    CHECK_OK(fed_client_open(&config, &c, &err), &err);
    fed_client_close(c);
    config.state_key = app_key;
    config.state_key_ctx = &a;
    CHECK_FAILS(fed_client_open(&config, &c, &err), FED_E_AUTH, &err, "another key");
    a.state_key = 0;
    CHECK_FAILS(fed_client_open(&config, &c, &err), FED_E_NOT_FOUND, &err, "");
    end();
}

/* The disk fails under its feet: the step says so, nothing goes out, and it comes back. */
static void test_disk_failure(void)
{
    fed_error err;
    app a = {.conditions = {true, true, true}};
    int64_t now = 1000000, wait = 0;
    char away[FED_FOLDER_MAX + 8];
    fed_client_info info = {0};
    begin(FED_LIE_NONE);
    snprintf(away, sizeof away, "%s.away", folder);
    fed_client *c = open_client(&a);
    for (int i = 0; i < STEPS && a.type != FED_REQUEST_BLOB; i++) {
        step(c, &now);
        if (a.pending) app_answer(&a);
    }
    CHECK_EQ(rename(folder, away), 0);
    fed_status status = FED_OK;
    for (int i = 0; i < STEPS && !status; i++) {
        status = fed_client_step(c, now, &wait, &err);
        if (a.pending) app_answer(&a);
        if (!status) now += wait < 1000 ? wait : 1000;
    }
    CHECK_EQ(status, FED_E_IO);
    CHECK(strstr(err.text, folder));
    CHECK(wait >= 1000);
    unsigned sent = a.sent;
    CHECK_EQ(fed_client_step(c, now, &wait, &err), FED_OK); /* not yet */
    now += 2000;
    CHECK(fed_client_step(c, now, &wait, &err) != FED_OK);
    CHECK_EQ(a.sent, sent);
    CHECK_EQ(rename(away, folder), 0);
    now += 600000;
    for (int i = 0; i < STEPS && !info.delivered; i++) {
        step(c, &now);
        if (a.pending) app_answer(&a);
        fed_client_describe(c, &info);
    }
    CHECK_EQ(info.delivered, 1);
    fed_client_close(c);
    end();
}

static void test_answers(void)
{
    fed_error err;
    app a = {0};
    int64_t now = 1000000;
    begin(FED_LIE_NONE);
    fed_client *c = open_client(&a);
    step(c, &now);
    CHECK(a.pending);
    static char huge[FED_CHECKIN_JSON_MAX + 1];
    CHECK_EQ(a.request.max_answer, FED_CHECKIN_JSON_MAX);
    CHECK_EQ(fed_client_answer(c, a.request.id + 1, 200, "{}", 2, &err), FED_OK);
    int64_t wait = 0;
    CHECK_OK(fed_client_step(c, now, &wait, &err), &err);
    CHECK(wait > 1000); /* still waiting for the right one */
    CHECK_FAILS(fed_client_answer(c, a.request.id, 200, huge, sizeof huge, &err),
                FED_E_LIMIT, &err, "answer");
    a.pending = false;
    CHECK_OK(fed_client_step(c, now, &wait, &err), &err);
    CHECK_EQ(a.sent, 1); /* backing off */
    CHECK(wait > 0 && wait < 1000);
    fed_client_close(c);
    end();
}

/* ---- allocations ----------------------------------------------------------------------------- */

/* Open, and work until the task is on disk. A failed step must leave a client that closes. */
static fed_status scenario(void *ctx)
{
    app *a = ctx;
    fed_client *c = NULL;
    fed_http http = {app_send, app_cancel, a};
    fed_client_config config = config_of(a, &http);
    fed_dataset rows = {FED_SCRIPT_ROWS, fed_script_fetch, NULL};
    int64_t now = 1000000, wait;
    a->pending = false;
    a->type = 0;
    FED_TRY(fed_client_open(&config, &c, NULL));
    fed_status status = fed_client_set_dataset(c, &rows, NULL);
    for (int i = 0; !status && i < 8; i++) {
        status = fed_client_step(c, now, &wait, NULL);
        now += wait;
        if (!status && a->pending) status = app_try_answer(a);
    }
    fed_client_close(c);
    return status;
}

static void test_torture(void)
{
    app a = {.conditions = {true, true, true}};
    begin(FED_LIE_NONE);
    fed_client_close(open_client(&a)); /* the folder is there */
    size_t n = fed_torture(scenario, &a);
    fed_note("%zu allocations", n);
    CHECK(n > 50);
    end();
}

/* ---- enrolment --------------------------------------------------------------------------------- */

static fed_client *open_with_key(app *a, const uint8_t key[32])
{
    fed_error err;
    fed_client *c = NULL;
    fed_http http = {app_send, app_cancel, a};
    fed_client_config config = config_of(a, &http);
    fed_dataset rows = {FED_SCRIPT_ROWS, fed_script_fetch, NULL};
    config.enrolment_key = key;
    config.require_secagg = true;
    if (CHECK_OK(fed_client_open(&config, &c, &err), &err))
        CHECK_OK(fed_client_set_dataset(c, &rows, &err), &err);
    return c;
}

/* A certificate's line, by the desk with this seed. */
static const char *certify(const uint8_t device[32], uint8_t seed, int64_t days)
{
    static fed_bytes line;
    fed_error err;
    uint8_t desk[32] = {seed};
    fed_certificate c = {.expires_s = fed_clock_wall_ms() / 1000 + days * 86400};
    memcpy(c.device_key, device, 32);
    fed_bytes_fini(&line);
    fed_bytes_init(&line, FED_ENROLMENT_LINE_MAX);
    CHECK_OK(fed_certificate_sign(&c, desk, &err), &err);
    CHECK_OK(fed_certificate_write(&c, &line, &err), &err);
    return fed_bytes_text(&line);
}

static void check_request(const fed_client *c, const uint8_t device_key[32])
{
    fed_error err;
    fed_bytes line;
    uint8_t token[FED_TOKEN_BYTES], device[32];
    char request[512];
    const uint8_t given[FED_TOKEN_BYTES] = {6, 7};
    fed_bytes_init(&line, FED_ENROLMENT_LINE_MAX);
    CHECK_OK(fed_token_write(given, &line, &err), &err);
    const char *text = fed_bytes_text(&line);
    CHECK_OK(fed_client_enrolment_request(c, text, request, sizeof request, &err), &err);
    fed_span span = {(const uint8_t *)request, strlen(request)};
    CHECK_OK(fed_enrolment_request_read(span, token, device, &err), &err);
    CHECK_MEM(token, given, sizeof given);
    CHECK_MEM(device, device_key, 32);
    CHECK_FAILS(fed_client_enrolment_request(c, text, request, 20, &err), FED_E_LIMIT,
                &err, "room for 20");
    CHECK_FAILS(fed_client_enrolment_request(c, "abc", request, 512, &err), FED_E_FORMAT,
                &err, "");
    fed_bytes_fini(&line);
}

static void test_enrolment(void)
{
    fed_error err;
    app a = {.conditions = {true, true, true}};
    fed_client_info info;
    uint8_t desk_seed[32] = {8}, desk[32];
    const uint8_t other[32] = {9};
    begin(FED_LIE_NONE);
    CHECK_OK(fed_ed25519_public(desk_seed, desk, &err), &err);
    fed_client *c = open_client(&a);
    fed_client_describe(c, &info);
    check_request(c, info.device_key);
    CHECK_FAILS(fed_client_set_certificate(c, certify(info.device_key, 8, 1), &err),
                FED_E_STATE, &err, "enrolment_key");
    fed_client_close(c);
    c = open_with_key(&a, desk);
    CHECK_FAILS(fed_client_set_certificate(c, "not one", &err), FED_E_FORMAT, &err, "");
    CHECK_FAILS(fed_client_set_certificate(c, certify(other, 8, 1), &err), FED_E_INVALID,
                &err, "another device");
    CHECK_FAILS(fed_client_set_certificate(c, certify(info.device_key, 7, 1), &err),
                FED_E_AUTH, &err, "");
    CHECK_FAILS(fed_client_set_certificate(c, certify(info.device_key, 8, -1), &err),
                FED_E_AUTH, &err, "");
    CHECK(!c->session_config.is_enrolled);
    CHECK_OK(fed_client_set_certificate(c, certify(info.device_key, 8, 1), &err), &err);
    fed_client_close(c);
    c = open_with_key(&a, desk); /* it was kept */
    CHECK(c->session_config.is_enrolled);
    fed_client_close(c);
    c = open_with_key(&a, script.operator_key); /* another key is pinned now */
    CHECK(!c->session_config.is_enrolled);
    fed_client_close(c);
    end();
}

/* The script's task has no secure aggregation and no noise, and this device insists. */
static void refuses(fed_client *c, app *a, const char *why)
{
    fed_client_info info = {0};
    int64_t now = 1000000;
    for (int i = 0; c && i < STEPS && !info.refused && !info.trained; i++) {
        step(c, &now);
        if (a->pending) app_answer(a);
        fed_client_describe(c, &info);
    }
    CHECK_EQ(info.refused, 1);
    CHECK_EQ(info.trained, 0);
    CHECK(info.participations == 0 && info.epsilon == 0);
    CHECK_MSG(strstr(info.last_refusal, why), "\"%s\"", info.last_refusal);
    fed_client_close(c);
}

static void test_floor(void)
{
    fed_error err;
    app a = {.conditions = {true, true, true}};
    fed_client *c = NULL;
    begin(FED_LIE_NONE);
    refuses(open_with_key(&a, script.operator_key), &a, "secagg.enabled: false");
    end();
    begin(FED_LIE_NONE);
    fed_http http = {app_send, app_cancel, &a};
    fed_client_config config = config_of(&a, &http);
    fed_dataset rows = {FED_SCRIPT_ROWS, fed_script_fetch, NULL};
    config.max_epsilon = NAN;
    CHECK_FAILS(fed_client_open(&config, &c, &err), FED_E_INVALID, &err, "max_epsilon");
    config.max_epsilon = 2;
    config.require_privacy = true;
    CHECK_OK(fed_client_open(&config, &c, &err), &err);
    CHECK_OK(fed_client_set_dataset(c, &rows, &err), &err);
    refuses(c, &a, "privacy.mechanism: \"none\", this device insists on one");
    end();
}

/* ---- pace -------------------------------------------------------------------------------------- */

static fed_status slow_fetch(void *ctx, const uint32_t *rows, size_t n, void *inputs,
                             void *targets)
{
    unsigned *calls = ctx;
    ++*calls;
    usleep(2000); /* a batch takes 2 ms */
    return fed_script_fetch(NULL, rows, n, inputs, targets);
}

/* Training is cut so that a call takes about max_step_ms, whatever a batch takes. */
static void test_pace(void)
{
    fed_error err;
    app a = {0};
    unsigned calls = 0, steps = 0;
    int64_t now = 1000000, wait, longest = 0;
    fed_client_info info = {.state = ""};
    begin(FED_LIE_NONE);
    fed_client *c = open_client(&a);
    fed_dataset slow = {3000, slow_fetch, &calls}; /* 600 batches an epoch */
    CHECK_OK(fed_client_set_dataset(c, &slow, &err), &err);
    for (int i = 0; i < STEPS && steps < 20; i++) {
        int64_t began = fed_clock_monotonic_ms();
        CHECK_OK(fed_client_step(c, now, &wait, &err), &err);
        int64_t took = fed_clock_monotonic_ms() - began;
        if (strcmp(info.state, "train") == 0) {
            steps++;
            if (took > longest) longest = took;
        }
        if (a.pending) app_answer(&a);
        fed_client_describe(c, &info);
        now += wait;
    }
    fed_note("%u steps of training, %u batches, longest %lld ms", steps, calls,
             (long long)longest);
    CHECK(longest >= 20 && longest < 400); /* 50 wanted; others use this machine too */
    CHECK(calls > 100);
    fed_client_close(c);
    end();
}

/* ---- power -------------------------------------------------------------------------------------- */

static void put_supply(const char *supply, const char *file, const char *text)
{
    char path[FED_FOLDER_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", folder, supply);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s/%s", folder, supply, file);
    FILE *f = fopen(path, "we");
    if (CHECK(f)) fputs(text, f);
    if (f) fclose(f);
}

static void test_power(void)
{
    fed_folder_make(folder);
    CHECK(fed_conditions_of_linux("/nowhere").charging);
    CHECK(fed_conditions_of_linux(folder).charging); /* no battery: on mains */
    put_supply("BAT0", "type", "Battery\n");
    put_supply("BAT0", "status", "Discharging\n");
    CHECK(!fed_conditions_of_linux(folder).charging);
    put_supply("BAT0", "status", "Charging\n");
    CHECK(fed_conditions_of_linux(folder).charging);
    put_supply("BAT0", "status", "Not charging\n");
    CHECK(!fed_conditions_of_linux(folder).charging);
    put_supply("AC", "type", "Mains\n");
    put_supply("AC", "online", "0\n");
    CHECK(!fed_conditions_of_linux(folder).charging);
    put_supply("AC", "online", "1\n");
    CHECK(fed_conditions_of_linux(folder).charging);
    put_supply("AC", "online", "0\n");
    put_supply("mouse", "type", "Battery\n");
    put_supply("mouse", "scope", "Device\n");
    put_supply("mouse", "status", "Full\n");
    CHECK(!fed_conditions_of_linux(folder).charging); /* a mouse is not the device */
    fed_folder_remove(folder);
}

/* ---- the process --------------------------------------------------------------------------------- */

static struct {
    unsigned events, live;
} seen;

static void on_log(void *ctx, int level, const char *event, const char *fields)
{
    CHECK(ctx == &seen && level >= 0 && level <= 3 && event && fields);
    seen.events++;
}

static void *app_alloc(void *ctx, size_t n)
{
    (void)ctx;
    seen.live++;
    return malloc(n);
}

static void *app_resize(void *ctx, void *block, size_t n)
{
    (void)ctx;
    if (!block) seen.live++;
    return realloc(block, n);
}

static void app_release(void *ctx, void *block)
{
    (void)ctx;
    if (block) seen.live--;
    free(block);
}

static void test_process(void)
{
    app a = {.conditions = {true, true, true}};
    fed_client_info info = {0};
    int64_t now = 1000000;
    begin(FED_LIE_OPERATOR);
    fed_client_set_allocator(app_alloc, app_resize, app_release, NULL);
    fed_client_set_log(0, on_log, &seen);
    fed_client *c = open_client(&a);
    CHECK(seen.live > 0);
    for (int i = 0; c && i < STEPS && !info.refused; i++) {
        step(c, &now);
        if (a.pending) app_answer(&a);
        fed_client_describe(c, &info);
    }
    CHECK(strstr(info.last_refusal, "signature"));
    CHECK(seen.events > 0);
    fed_client_close(c);
    CHECK_EQ(seen.live, 0);
    fed_client_set_log(4, NULL, NULL);
    fed_client_set_allocator(NULL, NULL, NULL, NULL);
    CHECK_STR(fed_client_version(), FED_VERSION);
    end();
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_round),   CASE(test_restarts), CASE(test_predict),
        CASE(test_config),  CASE(test_damage),   CASE(test_disk_failure),
        CASE(test_answers), CASE(test_torture),  CASE(test_enrolment),
        CASE(test_floor),   CASE(test_pace),     CASE(test_power),
        CASE(test_process)};
    return fed_run("library", cases, sizeof cases / sizeof *cases);
}
