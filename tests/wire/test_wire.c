#include "harness.h"

#include <stdio.h>

#include "crypto.h"
#include "wire.h"

static const uint8_t seed[32] = {9, 8, 7};

static void make_envelope(fed_bytes *out, fed_request type, const char *body)
{
    fed_error err;
    fed_envelope e = {.type = type, .body = {(const uint8_t *)body, strlen(body)}};
    memset(e.cohort, 0xab, sizeof e.cohort);
    CHECK_OK(fed_ed25519_public(seed, e.sender, &err), &err);
    CHECK_OK(fed_envelope_seal(out, &e, seed, &err), &err);
}

static void test_envelope_round_trip(void)
{
    fed_error err;
    fed_bytes b;
    fed_envelope e;
    fed_bytes_init(&b, 1000);
    make_envelope(&b, FED_REQUEST_INPUT, "hello");
    CHECK_EQ(b.len, FED_ENVELOPE_OVERHEAD + 5);
    CHECK_OK(fed_envelope_open(&e, b.data, b.len, 5, &err), &err);
    CHECK_EQ(e.type, FED_REQUEST_INPUT);
    CHECK_EQ(e.body.len, 5);
    CHECK_MEM(e.body.data, "hello", 5);
    CHECK_EQ(e.cohort[31], 0xab);
    fed_bytes_fini(&b);
}

/* Every bit of the frame is covered: by a check of its own or by the signature. */
static void test_envelope_flipped_bits(void)
{
    fed_bytes b;
    fed_envelope e;
    fed_bytes_init(&b, 1000);
    make_envelope(&b, FED_REQUEST_JOIN, "abc");
    for (size_t bit = 0; bit < 8 * b.len; bit++) {
        b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK_MSG(fed_envelope_open(&e, b.data, b.len, 1000, NULL) != FED_OK,
                  "bit %zu may change", bit);
        b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < b.len; n++)
        CHECK_EQ(fed_envelope_open(&e, b.data, n, 1000, NULL), FED_E_FORMAT);
    fed_bytes_fini(&b);
}

static void test_envelope_refusals(void)
{
    static const struct {
        size_t at;
        uint8_t value;
        fed_status status;
        const char *text;
    } cases[] = {
        {0, 'X', FED_E_FORMAT, "FEDM"},
        {4, 2, FED_E_FORMAT, "version 2"},
        {5, 1, FED_E_FORMAT, "type 1.0"},
        {5, 99, FED_E_FORMAT, "type 99.0"},
        {6, 1, FED_E_FORMAT, "type 13.1"},
        {74, 1, FED_E_LIMIT, "at most 5"},
        {72, 4, FED_E_FORMAT, "do not hold a body of 4"},
        {80, 'x', FED_E_AUTH, "signature"},
        {40, 1, FED_E_AUTH, "signature"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fed_error err;
        fed_bytes b;
        fed_envelope e;
        fed_bytes_init(&b, 1000);
        make_envelope(&b, FED_REQUEST_INPUT, "hello");
        b.data[cases[i].at] = cases[i].value;
        CHECK_FAILS(fed_envelope_open(&e, b.data, b.len, 5, &err), cases[i].status, &err,
                    cases[i].text);
        fed_bytes_fini(&b);
    }
}

static void check_path(fed_request type, const uint8_t *body, size_t n)
{
    char path[FED_ROUTE_MAX], *query;
    uint8_t cohort[32], back[FED_ROUTE_BODY_MAX];
    size_t n_back;
    if (!CHECK(fed_request_to_path(type, body, n, path))) return;
    const char *after = NULL;
    if ((query = strstr(path, "?after="))) {
        after = query + 7;
        *query = 0;
    }
    CHECK_EQ(fed_request_from_path(fed_request_is_post(type), path, after, cohort, back,
                                   &n_back),
             type);
    if (!fed_request_is_post(type)) {
        CHECK_EQ(n_back, n);
        CHECK_MEM(back, body, n);
    }
}

static void test_routes_both_ways(void)
{
    uint8_t raw[80] = {0};
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (uint8_t)i;
    check_path(FED_REQUEST_CHECKIN, raw, sizeof raw);
    check_path(FED_REQUEST_PLACE, raw, sizeof raw);
    check_path(FED_REQUEST_BLOB, raw, 32);
    for (int type = FED_REQUEST_JOIN; type <= FED_REQUEST_REVEAL; type++)
        check_path((fed_request)type, raw, sizeof raw);
    fed_inbox_query query = {.cohort = {1}, .sender = {2}, .after = FED_PHASE_SHARE};
    fed_bytes b;
    fed_bytes_init(&b, 100);
    fed_inbox_query_put(&b, &query);
    CHECK_EQ(b.len, FED_INBOX_QUERY_BYTES);
    check_path(FED_REQUEST_INBOX, b.data, b.len);
    fed_bytes_fini(&b);
}

static void test_routes_refused(void)
{
    static const char *const paths[] = {
        "",
        "/",
        "/v1/checkin/",
        "/v1/cohorts/",
        "/v1/cohorts/00/join",
        "/v1/cohorts/"
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1g/join",
        "/v1/cohorts/"
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fjoin",
        "/v1/cohorts/000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f/"
        "leave",
        "/v1/blobs/000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    };
    uint8_t cohort[32], body[FED_ROUTE_BODY_MAX];
    size_t n;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        CHECK_MSG(fed_request_from_path(true, paths[i], NULL, cohort, body, &n) ==
                      FED_REQUEST_NONE,
                  "POST %s", paths[i]);
    static const char inbox[] =
        "/v1/cohorts/000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f/"
        "inbox";
    static const char *const afters[] = {
        NULL, "", ".", "join", "join.", "join.00", "averyveryverylongphase.00"};
    for (size_t i = 0; i < sizeof afters / sizeof *afters; i++)
        CHECK_EQ(fed_request_from_path(false, inbox, afters[i], cohort, body, &n),
                 FED_REQUEST_NONE);
    char path[FED_ROUTE_MAX];
    CHECK(!fed_request_to_path(FED_REQUEST_BLOB, body, 31, path));
    CHECK(!fed_request_to_path(FED_REQUEST_JOIN, body, 39, path));
    CHECK(!fed_request_to_path(FED_REQUEST_INBOX, body, 3, path));
    CHECK(!fed_request_to_path(FED_REQUEST_NONE, body, 90, path));
}

#define ROUND_TRIP(kind, value)                                                          \
    do {                                                                                 \
        fed_bytes b_;                                                                    \
        fed_error err_;                                                                  \
        fed_##kind in_ = value, out_;                                                    \
        fed_bytes_init(&b_, 1000);                                                       \
        fed_##kind##_put(&b_, &in_);                                                     \
        CHECK_OK(fed_##kind##_get(&out_, (fed_span){b_.data, b_.len}, &err_), &err_);    \
        for (size_t n_ = 0; n_ < b_.len; n_++)                                           \
            CHECK_EQ(fed_##kind##_get(&out_, (fed_span){b_.data, n_}, NULL),             \
                     FED_E_FORMAT);                                                      \
        fed_bytes_put_u8(&b_, 0);                                                        \
        CHECK_FAILS(fed_##kind##_get(&out_, (fed_span){b_.data, b_.len}, &err_),         \
                    FED_E_FORMAT, &err_, "left over");                                   \
        fed_bytes_fini(&b_);                                                             \
    } while (0)

static void test_bodies_round_trip(void)
{
    ROUND_TRIP(place, ((fed_place){.version = 7, .update_id = {1}}));
    ROUND_TRIP(placed, ((fed_placed){.join_by_ms = 7}));
    ROUND_TRIP(join, ((fed_join){.bundle = {(const uint8_t *)"xyz", 3}}));
    ROUND_TRIP(answer,
               ((fed_answer){.phase = FED_PHASE_INPUT, .members = 3, .index = 2}));
    ROUND_TRIP(inbox_query, ((fed_inbox_query){.after = FED_PHASE_JOIN}));
}

static void test_answer_refusals(void)
{
    fed_error err;
    fed_answer back;
    fed_bytes b;
    fed_bytes_init(&b, 100);
    fed_answer_put(&b, &(fed_answer){.phase = (fed_phase)9});
    CHECK_FAILS(fed_answer_get(&back, (fed_span){b.data, b.len}, &err), FED_E_FORMAT,
                &err, "phase 9 is above 8");
    fed_bytes_clear(&b);
    fed_answer_put(&b, &(fed_answer){.members = 3, .index = 3});
    CHECK_FAILS(fed_answer_get(&back, (fed_span){b.data, b.len}, &err), FED_E_FORMAT,
                &err, "index 3 of 3");
    fed_bytes_fini(&b);
}

static void test_checkin_round_trip(void)
{
    fed_error err;
    fed_checkin in = {.population = "demo",
                      .device = {1, 2},
                      .examples = 512,
                      .charging = true,
                      .n_held = 2,
                      .n_rests = 2},
                out;
    in.held[1].version = 77;
    in.rests[0].until = 9, in.rests[1].until = INT64_MAX, in.rests[1].task[31] = 4;
    fed_bytes b;
    fed_bytes_init(&b, FED_CHECKIN_JSON_MAX);
    CHECK_OK(fed_checkin_put(&b, &in, &err), &err);
    CHECK_OK(fed_checkin_get(&out, (fed_span){b.data, b.len}, &err), &err);
    CHECK_MEM(&in, &out, sizeof in);
    fed_bytes_clear(&b);
    fed_checkin_answer answer = {.has_task = true, .version = 3, .train_by_ms = 1000},
                       back;
    CHECK_OK(fed_checkin_answer_put(&b, &answer, &err), &err);
    CHECK_OK(fed_checkin_answer_get(&back, (fed_span){b.data, b.len}, &err), &err);
    CHECK(back.has_task && back.version == 3 && back.train_by_ms == 1000);
    fed_bytes_clear(&b);
    answer = (fed_checkin_answer){.retry_after_ms = 250};
    CHECK_OK(fed_checkin_answer_put(&b, &answer, &err), &err);
    CHECK_STR(fed_bytes_text(&b), "{\"retry_after_ms\":250}");
    CHECK_OK(fed_checkin_answer_get(&back, (fed_span){b.data, b.len}, &err), &err);
    CHECK(!back.has_task && back.retry_after_ms == 250);
    fed_bytes_fini(&b);
}

static fed_checkin signed_checkin(void)
{
    fed_error err;
    fed_checkin m = {.population = "demo",
                     .examples = 4,
                     .n_held = 1,
                     .n_rests = 1,
                     .rests = {{{6}, 7}}};
    CHECK_OK(fed_ed25519_public(seed, m.device, &err), &err);
    memset(m.certificate, 0xab, sizeof m.certificate);
    CHECK_OK(fed_checkin_sign(&m, seed, &err), &err);
    return m;
}

/* A signature is good for exactly what was signed, wherever it has been in between. */
static void test_signed_checkin(void)
{
    fed_error err;
    fed_bytes b;
    fed_checkin in = signed_checkin(), out, other;
    fed_bytes_init(&b, FED_CHECKIN_JSON_MAX);
    CHECK_OK(fed_checkin_put(&b, &in, &err), &err);
    CHECK_OK(fed_checkin_get(&out, (fed_span){b.data, b.len}, &err), &err);
    CHECK(out.is_signed);
    CHECK_MEM(out.certificate, in.certificate, sizeof in.certificate);
    CHECK_OK(fed_checkin_verify(&out, &err), &err);
    fed_bytes_fini(&b);
#define OTHERWISE(change)                                                                \
    do {                                                                                 \
        other = out;                                                                     \
        change;                                                                          \
        CHECK_EQ(fed_checkin_verify(&other, NULL), FED_E_AUTH);                          \
    } while (0)
    OTHERWISE(other.population[0] ^= 1);
    OTHERWISE(other.device[3] ^= 1);
    OTHERWISE(other.examples = 8);
    OTHERWISE(other.charging = true);
    OTHERWISE(other.unmetered = true);
    OTHERWISE(other.idle = true);
    OTHERWISE(other.n_held = 0);
    OTHERWISE(other.held[0].version = 9);
    OTHERWISE(other.n_rests = 0);
    OTHERWISE(other.rests[0].until = 8);
    OTHERWISE(other.certificate[100] ^= 1);
    OTHERWISE(other.signature[0] ^= 1);
    OTHERWISE(other.is_signed = false);
#undef OTHERWISE
}

#define KEY "0000000000000000000000000000000000000000000000000000000000000000"

static void test_rests_refusals(void)
{
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"{\"population\":\"p\",\"device\":\"" KEY
         "\",\"examples\":1,\"charging\":true,\"unmetered\":true,\"idle\":true,"
         "\"held\":[],\"rests\":[]}",
         "rests: a list of 1 to 16"},
        {"{\"population\":\"p\",\"device\":\"" KEY
         "\",\"examples\":1,\"charging\":true,\"unmetered\":true,\"idle\":true,"
         "\"held\":[],\"rests\":[5]}",
         "rests[0]: not an object"},
        {"{\"population\":\"p\",\"device\":\"" KEY
         "\",\"examples\":1,\"charging\":true,\"unmetered\":true,\"idle\":true,"
         "\"held\":[],\"rests\":[{\"task\":\"" KEY "\",\"until\":-1}]}",
         "until: -1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fed_error err;
        fed_checkin out;
        fed_span json = {(const uint8_t *)cases[i].json, strlen(cases[i].json)};
        CHECK_FAILS(fed_checkin_get(&out, json, &err), FED_E_FORMAT, &err, cases[i].text);
    }
}

static void test_checkin_refusals(void)
{
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"", "line"},
        {"[]", "not a JSON object"},
        {"{", "line 1"},
        {"{\"a\":1,\"a\":2}", "duplicate"},
        {"{\"x\":1}", "unknown member \"x\""},
        {"{}", "population"},
        {"{\"population\":\"\"}", "population"},
        {"{\"population\":\"a b\"}", "population"},
        {"{\"population\":5}", "population"},
        {"{\"population\":\"p\"}", "device"},
        {"{\"population\":\"p\",\"device\":\"00\"}", "device: 64 hex"},
        {"{\"population\":\"p\",\"device\":\"" KEY "\"}", "examples"},
        {"{\"population\":\"p\",\"device\":\"" KEY "\",\"examples\":-1}", "examples: -1"},
        {"{\"population\":\"p\",\"device\":\"" KEY "\",\"examples\":1.5}",
         "whole number"},
        {"{\"population\":\"p\",\"device\":\"" KEY "\",\"examples\":1}", "charging"},
        {"{\"population\":\"p\",\"device\":\"" KEY
         "\",\"examples\":1,\"charging\":1,\"unmetered\":true,\"idle\":true,\"held\":[]}",
         "charging: true or false"},
        {"{\"population\":\"p\",\"device\":\"" KEY
         "\",\"examples\":1,\"charging\":true,\"unmetered\":true,\"idle\":true,\"held\":{"
         "}}",
         "held: a list"},
        {"{\"population\":\"p\",\"device\":\"" KEY
         "\",\"examples\":1,\"charging\":true,\"unmetered\":true,\"idle\":true,\"held\":["
         "1]}",
         "held[0]: not an object"},
        {"{\"population\":\"p\",\"device\":\"" KEY
         "\",\"examples\":1,\"charging\":true,\"unmetered\":true,\"idle\":true,"
         "\"held\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}",
         "17 entries, at most 16"},
        {"{\"population\":\"p\",\"device\":\"" KEY
         "\",\"examples\":1,\"charging\":true,\"unmetered\":true,\"idle\":true,"
         "\"held\":[{\"task\":\"" KEY "\",\"version\":-1}]}",
         "version: -1"},
        {"{\"population\":\"p\",\"device\":\"" KEY
         "\",\"examples\":1,\"charging\":true,\"unmetered\":true,\"idle\":true,"
         "\"held\":[],\"certificate\":\"00\"}",
         "certificate: 216 hex digits"},
        {"{\"population\":\"p\",\"device\":\"" KEY
         "\",\"examples\":1,\"charging\":true,\"unmetered\":true,\"idle\":true,"
         "\"held\":[],\"certificate\":\"" KEY KEY KEY
         "000000000000000000000000\",\"signature\":7}",
         "signature: 128 hex digits"},
        {"{\"population\":\"p\",\"device\":\"" KEY
         "\",\"examples\":1,\"charging\":true,\"unmetered\":true,\"idle\":true,"
         "\"held\":[],\"signature\":\"" KEY KEY "\"}",
         "certificate"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fed_error err;
        fed_checkin out;
        fed_span json = {(const uint8_t *)cases[i].json, strlen(cases[i].json)};
        CHECK_FAILS(fed_checkin_get(&out, json, &err), FED_E_FORMAT, &err, cases[i].text);
    }
    static const char *const answers[] = {"{}",
                                          "{\"retry_after_ms\":-1}",
                                          "{\"retry_after_ms\":99999999999}",
                                          "{\"retry_after_ms\":1,\"x\":2}",
                                          "{\"task\":\"" KEY "\"}",
                                          "{\"task\":5}"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        fed_checkin_answer out;
        fed_span json = {(const uint8_t *)answers[i], strlen(answers[i])};
        CHECK_EQ(fed_checkin_answer_get(&out, json, NULL), FED_E_FORMAT);
    }
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_envelope_round_trip), CASE(test_envelope_flipped_bits),
        CASE(test_envelope_refusals),   CASE(test_routes_both_ways),
        CASE(test_routes_refused),      CASE(test_bodies_round_trip),
        CASE(test_answer_refusals),     CASE(test_checkin_round_trip),
        CASE(test_rests_refusals),      CASE(test_checkin_refusals),
        CASE(test_signed_checkin),
    };
    return fed_run("wire", cases, sizeof cases / sizeof *cases);
}
