/* Traces: written and read back; and every way in which one can be wrong. */
#include "harness.h"

#include "trace.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEAD                                                                             \
    "{\"format\":\"fed-trace/1\",\"task\":\"" HEX_A "\",\"plan\":\"" HEX_B               \
    "\",\"task_seed\":\"" HEX_A "\",\"kernel\":\"avx2\"}\n"
#define VERSION(number, members, survivors)                                              \
    "{\"version\":" number ",\"cohort\":\"" HEX_A "\",\"members\":[" members             \
    "],\"survivors\":[" survivors "]}\n"
#define Q(hex)      "\"" hex "\""
#define END(number) "{\"version\":" number ",\"model_sha256\":\"" HEX_B "\"}\n"

static fed_status parse(const char *text, fed_trace *out, fed_error *err)
{
    return fed_trace_parse(out, (fed_span){(const uint8_t *)text, strlen(text)}, err);
}

static void fill(uint8_t bytes[32], int first)
{
    for (int i = 0; i < 32; i++)
        bytes[i] = (uint8_t)(first + i);
}

static void test_round_trip(void)
{
    enum { MEMBERS = 7 };
    fed_error err;
    fed_bytes text;
    fed_trace back;
    fed_trace_member members[MEMBERS] = {0};
    fed_trace_head head = {.kernel = "avx512"};
    uint8_t model[32];
    fill(head.task, 1), fill(head.plan, 2), fill(head.seed, 3), fill(model, 9);
    fed_bytes_init(&text, 1 << 20);
    CHECK_OK(fed_trace_put_head(&text, &head, &err), &err);
    for (uint64_t v = 1; v <= 3; v++) {
        fed_trace_version version = {
            .version = v, .members = members, .n_members = MEMBERS, .has_model = v == 3};
        memcpy(version.model, model, sizeof model);
        fill(version.cohort, (int)(10 * v));
        for (int i = 0; i < MEMBERS; i++) {
            fill(members[i].key, (int)(v + 40 + 3 * i));
            members[i].survived = (v + i) % 2;
        }
        CHECK_OK(fed_trace_put_version(&text, &version, &err), &err);
    }
    CHECK_OK(fed_trace_put_end(&text, 3, model, &err), &err);
    CHECK_OK(fed_trace_parse(&back, (fed_span){text.data, text.len}, &err), &err);
    if (CHECK_EQ(back.n_versions, 3)) {
        CHECK_MEM(&back.head, &head, sizeof head);
        CHECK_MEM(back.versions[2].members, members, sizeof members);
        CHECK_MEM(back.versions[2].model, model, sizeof model);
        CHECK(!back.versions[1].has_model && back.versions[2].has_model);
        CHECK_MEM(back.model, model, sizeof model);
    }
    fed_trace_fini(&back);
    fed_bytes_fini(&text);
}

static void test_no_version(void)
{
    fed_error err;
    fed_trace t;
    CHECK_OK(parse(HEAD END("0"), &t, &err), &err);
    CHECK_EQ(t.n_versions, 0);
    fed_trace_fini(&t);
    CHECK_OK(parse(HEAD VERSION("1", Q(HEX_A) "," Q(HEX_B), Q(HEX_B)) END("1"), &t, &err),
             &err);
    CHECK(!t.versions[0].members[0].survived && t.versions[0].members[1].survived);
    fed_trace_fini(&t);
}

static void test_malformed(void)
{
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"", "ends without"},
        {"\n", "line 1"},
        {"x", "line 1"},
        {"[]", "line 1: column 1: not a JSON object"},
        {"{}\n", "format"},
        {HEAD, "line 2: the trace ends"},
        {END("0"), "line 1: format"},
        {HEAD "\n" END("0"), "line 2"},
        {HEAD HEAD END("0"), "line 2: version"},
        {HEAD END("1"), "version: expected 0"},
        {HEAD END("-1"), "version"},
        {HEAD END("0.0"), "version"},
        {HEAD END("\"0\""), "version"},
        {HEAD END("0") END("0"), "line 3: behind the end"},
        {HEAD END("0") "\n", "line 3: behind the end"},
        {HEAD VERSION("2", Q(HEX_A), Q(HEX_A)) END("1"), "version: expected 1"},
        {HEAD VERSION("1", Q(HEX_A), Q(HEX_A)) VERSION("1", Q(HEX_A), Q(HEX_A)) END("2"),
         "line 3: version: expected 2"},
        {HEAD VERSION("1", Q(HEX_A), Q(HEX_A)) END("2"), "version: expected 1"},
        {HEAD VERSION("1", "", "") END("1"), "members"},
        {HEAD VERSION("1", Q(HEX_A), "") END("1"), "survivors"},
        {HEAD VERSION("1", Q(HEX_A), Q(HEX_B)) END("1"), "is no member"},
        {HEAD VERSION("1", Q(HEX_A) "," Q(HEX_B), Q(HEX_B) "," Q(HEX_A)) END("1"),
         "out of order"},
        {HEAD VERSION("1", Q(HEX_A), Q(HEX_A) "," Q(HEX_A)) END("1"), "survivors"},
        {HEAD VERSION("1", Q(HEX_A) "," Q(HEX_A), Q(HEX_A)) END("1"), "twice"},
        {HEAD VERSION("1", Q("aa"), Q(HEX_A)) END("1"), "members: not 64"},
        {HEAD VERSION("1", "7", Q(HEX_A)) END("1"), "members: not 64"},
        {HEAD VERSION("1", Q(HEX_A "aa"), Q(HEX_A)) END("1"), "members: not 64"},
        {HEAD "{\"version\":1,\"cohort\":\"" HEX_A "\",\"members\":7,\"survivors\":[]}\n",
         "members"},
        {HEAD "{\"version\":1,\"cohort\":\"" HEX_A "\",\"members\":[\"" HEX_A
              "\"],\"survivors\":[\"" HEX_A "\"],\"more\":1}\n",
         "5 fields, expected 4"},
        {HEAD "{\"version\":1,\"cohort\":\"" HEX_A "\",\"members\":[\"" HEX_A
              "\"],\"survivors\":[\"" HEX_A "\"],\"model_sha256\":\"" HEX_A
              "\"}\n" END("1"),
         "not that of the last version"},
        {HEAD "{\"version\":0}\n", "model_sha256"},
        {HEAD "{\"version\":0,\"model_sha256\":\"xyz\"}\n", "model_sha256"},
        {HEAD "{\"version\":0,\"model_sha256\":\"" HEX_A "\",\"a\":1}\n", "3 fields"},
        {"{\"format\":\"fed-trace/2\"}\n", "format"},
        {"{\"format\":\"fed-trace/1\",\"plan\":\"" HEX_A "\"}\n", "task"},
        {"{\"format\":\"fed-trace/1\",\"task\":\"" HEX_A "\",\"plan\":\"" HEX_B
         "\",\"task_seed\":\"" HEX_A "\",\"kernel\":\"\"}\n",
         "kernel"},
        {"{\"format\":\"fed-trace/1\",\"task\":\"" HEX_A "\",\"plan\":\"" HEX_B
         "\",\"task_seed\":\"" HEX_A "\",\"kernel\":\"AVX 2\"}\n",
         "kernel"},
        {"{\"format\":\"fed-trace/1\",\"task\":\"" HEX_A "\",\"plan\":\"" HEX_B
         "\",\"task_seed\":\"" HEX_A "\",\"kernel\":\"avx2\",\"x\":0}\n",
         "6 fields"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fed_error err;
        fed_trace t;
        CHECK_FAILS(parse(bad[i].text, &t, &err), FED_E_FORMAT, &err, bad[i].part);
        CHECK(!t.versions && !t.n_versions);
    }
}

static fed_status scenario(void *ctx)
{
    fed_trace t;
    (void)ctx;
    fed_status status =
        parse(HEAD VERSION("1", Q(HEX_A) "," Q(HEX_B), Q(HEX_B)) END("1"), &t, NULL);
    fed_trace_fini(&t);
    return status;
}

static void test_torture(void)
{
    CHECK_EQ(fed_torture(scenario, NULL), 3);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_round_trip), CASE(test_no_version),
                                     CASE(test_malformed), CASE(test_torture)};
    return fed_run("trace", cases, sizeof cases / sizeof *cases);
}
