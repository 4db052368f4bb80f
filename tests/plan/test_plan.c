/* The parser, the resolved form, addresses, and changing one field. */
#include "plan_files.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto.h"

static fed_plan *parse(const void *text, size_t n, fed_plan_form form)
{
    fed_plan *plan = NULL;
    fed_error err = {0};
    CHECK_OK(fed_plan_parse(&plan, text, n, form, &err), &err);
    return plan;
}

static fed_plan *parse_with(const char *assignments)
{
    fed_bytes json;
    fed_plan *plan = NULL;
    fed_bytes_init(&json, FED_PLAN_MAX_BYTES);
    if (plan_with(&json, assignments)) plan = parse(json.data, json.len, FED_PLAN_AUTHOR);
    fed_bytes_fini(&json);
    return plan;
}

/* ---- parsing ---- */

static void test_defaults(void)
{
    fed_plan *plan = parse_with("");
    if (!plan) return;
    CHECK_STR(plan->name, "plan");
    CHECK_EQ(plan->model.input.shape.rank, 1);
    CHECK_EQ(plan->model.n_layers, 2);
    CHECK_STR(plan->model.layers[0].name, "hidden");
    CHECK_STR(plan->model.layers[1].name, "linear_1");
    CHECK_STR(fed_plan_from_name(&plan->model, &plan->model.layers[0], 0), "input");
    CHECK_STR(fed_plan_from_name(&plan->model, &plan->model.layers[1], 0), "hidden");
    CHECK_STR(plan->model.loss.op->name, "softmax_cross_entropy");
    CHECK(!plan->model.init.given);
    CHECK(plan->train.optimizer == FED_SGD && plan->train.lr == 0.1);
    CHECK_EQ(plan->train.batch, 10);
    CHECK_EQ(plan->train.max_s, FED_PLAN_NONE);
    CHECK(plan->secagg.enabled && plan->secagg.adversary == FED_ADVERSARY_ACTIVE);
    CHECK(plan->privacy.mechanism == FED_MECHANISM_NONE);
    CHECK_EQ(plan->update.bits, 8);
    CHECK(plan->update.clip == FED_PLAN_AUTO);
    CHECK(plan->strategy.name == FED_STRATEGY_FEDAVG);
    CHECK(plan->evaluate.on == FED_EVALUATE_NONE);
    fed_plan_free(plan);
}

/* Where the default of one field hangs on another. */
static void test_conditional_defaults(void)
{
    static const struct {
        const char *assignments;
        double momentum;
        bool rotate, residual;
    } rows[] = {
        {"", 0, true, false},
        {"train.optimizer=momentum", 0.9, true, false},
        {"train.optimizer=nesterov train.momentum=0.5", 0.5, true, false},
        {"train.optimizer=adam", 0, true, false},
        {"update.select=voted", 0, true, true},
        {"update.select=voted update.residual=false", 0, true, false},
        {"update.select=rand_k", 0, true, false},
        {"update.select=rand_k update.residual=true", 0, true, true},
        {"secagg.enabled=false update.bits=float32", 0, false, false},
        {"secagg.enabled=false update.bits=float32 update.rotate=hadamard", 0, true,
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fed_plan *plan = parse_with(rows[i].assignments);
        if (!plan) continue;
        CHECK(plan->train.momentum == rows[i].momentum);
        CHECK_EQ(plan->update.rotate == FED_ROTATE_HADAMARD, rows[i].rotate);
        CHECK_EQ(plan->update.residual, rows[i].residual);
        fed_plan_free(plan);
    }
}

static void test_words(void)
{
    fed_plan *plan = parse_with("secagg.enabled=false update.bits=sign train.max_s=30 "
                                "update.clip=0.5 train.decay_rounds=all "
                                "train.freeze=[\"hidden\"] model.init="
                                "000102030405060708090a0b0c0d0e0f"
                                "101112131415161718191a1b1c1d1e1f");
    if (!plan) return;
    CHECK_EQ(plan->update.bits, FED_PLAN_SIGN);
    CHECK_EQ(plan->train.max_s, 30);
    CHECK(plan->update.clip == 0.5);
    CHECK_EQ(plan->train.decay_rounds, FED_PLAN_ALL);
    CHECK_EQ(plan->train.freeze.n, 1);
    CHECK_STR(plan->train.freeze.items[0], "hidden");
    CHECK(plan->model.init.given);
    CHECK_EQ(plan->model.init.sha256[31], 0x1f);
    fed_plan_free(plan);
}

static void test_invited(void)
{
    static const struct {
        const char *assignments;
        int invited;
    } rows[] = {
        {"rounds.cohort=50 rounds.over_select=1.3", 65},
        {"rounds.cohort=100 rounds.over_select=1.1", 110}, /* 110.00000000000001 */
        {"rounds.cohort=10 rounds.over_select=1", 10},
        {"rounds.cohort=3 rounds.over_select=1.01", 4},
        {"rounds.cohort=65535 rounds.over_select=1", 65535},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fed_plan *plan = parse_with(rows[i].assignments);
        if (!plan) continue;
        CHECK_EQ(fed_plan_invited(plan), rows[i].invited);
        fed_plan_free(plan);
    }
}

/* ---- the resolved form ---- */

static bool resolve(fed_bytes *out, const char *assignments)
{
    fed_error err = {0};
    fed_plan *plan = parse_with(assignments);
    bool ok = plan && CHECK_OK(fed_plan_write(plan, out, &err), &err);
    fed_plan_free(plan);
    return ok;
}

/* What is written parses as a resolved plan and is written again as the same bytes. */
static void test_round_trip(void)
{
    static const char *const rows[] = {
        "",
        "name=a.B_c-9 model.input.scale=0.003921568627",
        "train.optimizer=adamw train.lr=3e-4 train.weight_decay=0.01 train.clip_grad=1",
        "train.schedule=cosine train.warmup_rounds=5 "
        "train.freeze=[\"hidden\",\"linear_1\"]",
        "update.select=voted update.fraction=0.05 update.block=64 update.bits=4",
        "secagg.enabled=false update.select=top_k update.bits=sign update.clip=1e-9",
        "model.layers.1.from=input model.layers.0.bias=false",
        "privacy.mechanism=distributed_gaussian privacy.epsilon=8 privacy.delta=1e-6 "
        "privacy.population=100000 privacy.max_participations=4 update.clip=0.5 "
        "privacy.votes.share=0.1 update.select=voted",
        "strategy.name=fedyogi strategy.tau=1e-3 eligibility.tags=[\"eu\",\"pilot\"] "
        "evaluate.on=holdout evaluate.every=7",
        "model.loss={\"op\":\"softmax_cross_entropy\"}",
        "train.lr=0.30000000000000004 train.prox_mu=-0 train.batch=3.0",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fed_bytes once, twice;
        fed_error err = {0};
        fed_bytes_init(&once, FED_PLAN_MAX_BYTES);
        fed_bytes_init(&twice, FED_PLAN_MAX_BYTES);
        if (resolve(&once, rows[i])) {
            fed_plan *plan = parse(once.data, once.len, FED_PLAN_RESOLVED);
            if (plan) CHECK_OK(fed_plan_write(plan, &twice, &err), &err);
            CHECK_STR(fed_bytes_text(&twice), fed_bytes_text(&once));
            fed_plan_free(plan);
        }
        fed_bytes_fini(&once);
        fed_bytes_fini(&twice);
    }
}

/* valid/small.resolved is what became of valid/small.json when the format was fixed; its address
 * is what sha256sum(1) says of it. A new field, or a new attribute of `linear`, changes both:
 * servers and devices of before and after then refuse each other's plans. */
static void test_known_address(void)
{
    static const char wanted[] =
        "fe9f7dbe23d8c101b3d74d6818c4805ef6a214175aa3c2e2dc27ed2b5ca215b4";
    fed_bytes file, made;
    uint8_t address[FED_PLAN_ADDRESS_BYTES];
    char hex[2 * sizeof address + 1];
    fed_error err = {0};
    fed_plan *plan = parse_with("");
    fed_bytes_init(&file, FED_PLAN_MAX_BYTES);
    fed_bytes_init(&made, FED_PLAN_MAX_BYTES);
    if (plan && plan_read(&file, "valid/small.resolved")) {
        CHECK_OK(fed_plan_write(plan, &made, &err), &err);
        CHECK_STR(fed_bytes_text(&made), fed_bytes_text(&file));
        CHECK_OK(fed_plan_address(plan, address, &err), &err);
        fed_hex_encode(hex, address, sizeof address);
        CHECK_STR(hex, wanted);
    }
    fed_plan_free(plan);
    fed_bytes_fini(&made);
    fed_bytes_fini(&file);
}

/* A plan with the same meaning has the same address, however it was typed. */
static void test_same_plan_same_address(void)
{
    uint8_t a[FED_PLAN_ADDRESS_BYTES], b[FED_PLAN_ADDRESS_BYTES];
    fed_error err = {0};
    fed_plan *one = parse_with("train.lr=0.1 train.batch=10"),
             *same = parse_with("train.lr=1e-1 train.batch=1e1 rounds.count=100"),
             *other = parse_with("train.lr=0.1000000000000001");
    if (one && same && other) {
        CHECK_OK(fed_plan_address(one, a, &err), &err);
        CHECK_OK(fed_plan_address(same, b, &err), &err);
        CHECK_MEM(a, b, sizeof a);
        CHECK_OK(fed_plan_address(other, b, &err), &err);
        CHECK(memcmp(a, b, sizeof a) != 0);
    }
    fed_plan_free(one);
    fed_plan_free(same);
    fed_plan_free(other);
}

/* Devices take no plan that is complete but spelt otherwise: remove each field in turn, add
 * one, reorder, add white space. */
static void refuse_resolved(const char *text, fed_status status, const char *part)
{
    fed_plan *plan = NULL;
    fed_error err = {0};
    CHECK_FAILS(fed_plan_parse(&plan, text, strlen(text), FED_PLAN_RESOLVED, &err),
                status, &err, part);
    CHECK(plan == NULL);
}

static void replace(char *out, size_t room, const char *text, const char *old,
                    const char *new)
{
    const char *at = strstr(text, old);
    if (!CHECK_MSG(at != NULL, "%s is not in the resolved plan", old)) return;
    snprintf(out, room, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
}

static void test_resolved_is_strict(void)
{
    static const struct {
        const char *old, *new;
        fed_status status;
        const char *part;
    } rows[] = {
        {"\"batch\":10,", "", FED_E_INVALID, "train.batch: missing"},
        {"\"format\":\"fed-plan/1\",", "", FED_E_INVALID, "format: missing"},
        {",\"votes\":{\"share\":\"none\"}", "", FED_E_INVALID, "privacy.votes: missing"},
        {",\"tags\":[]", "", FED_E_INVALID, "eligibility.tags: missing"},
        {"\"batch\":10,", "\"batch\":10,\"x\":1,", FED_E_INVALID,
         "train.x: unknown field"},
        {"\"batch\":10,", "\"batch\": 10,", FED_E_FORMAT,
         "not in resolved form, from byte"},
        {"\"batch\":10,", "\"batch\":1e1,", FED_E_FORMAT,
         "not in resolved form, from byte"},
        {"\"lr\":0.1,", "\"lr\":0.10,", FED_E_FORMAT, "not in resolved form, from byte"},
        {"\"batch\":10,\"epochs\":1", "\"epochs\":1,\"batch\":10", FED_E_FORMAT,
         "not in resolved form, from byte"},
        {"\"from\":[\"input\"],", "", FED_E_FORMAT, "not in resolved form, from byte"},
        {"\"from\":[\"input\"]", "\"from\":\"input\"", FED_E_FORMAT,
         "not in resolved form"},
        {",\"bias\":true", "", FED_E_FORMAT, "not in resolved form"},
        {"\"every\":1", "\"every\":1 ", FED_E_FORMAT, "not in resolved form"},
    };
    fed_bytes good;
    fed_bytes_init(&good, FED_PLAN_MAX_BYTES);
    if (resolve(&good, "")) {
        char bad[8192];
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            replace(bad, sizeof bad, fed_bytes_text(&good), rows[i].old, rows[i].new);
            refuse_resolved(bad, rows[i].status, rows[i].part);
        }
        snprintf(bad, sizeof bad, "%s\n", fed_bytes_text(&good));
        refuse_resolved(bad, FED_E_FORMAT, "not in resolved form, from byte");
    }
    fed_bytes_fini(&good);
}

/* ---- numbers ---- */

/* The table of RFC 8785 appendix B, without its NaN and infinities. */
static void test_number_vectors(void)
{
    static const struct {
        uint64_t bits;
        const char *text;
    } rows[] = {
        {0x0000000000000000, "0"},
        {0x8000000000000000, "0"},
        {0x0000000000000001, "5e-324"},
        {0x8000000000000001, "-5e-324"},
        {0x7fefffffffffffff, "1.7976931348623157e+308"},
        {0xffefffffffffffff, "-1.7976931348623157e+308"},
        {0x4340000000000000, "9007199254740992"},
        {0xc340000000000000, "-9007199254740992"},
        {0x4430000000000000, "295147905179352830000"},
        {0x44b52d02c7e14af5, "9.999999999999997e+22"},
        {0x44b52d02c7e14af6, "1e+23"},
        {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
        {0x444b1ae4d6e2ef4e, "999999999999999700000"},
        {0x444b1ae4d6e2ef4f, "999999999999999900000"},
        {0x444b1ae4d6e2ef50, "1e+21"},
        {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
        {0x3eb0c6f7a0b5ed8d, "0.000001"},
        {0x41b3de4355555553, "333333333.3333332"},
        {0x41b3de4355555554, "333333333.33333325"},
        {0x41b3de4355555555, "333333333.3333333"},
        {0x41b3de4355555556, "333333333.3333334"},
        {0x41b3de4355555557, "333333333.33333343"},
        {0xbecbf647612f3696, "-0.0000033333333333333333"},
        {0x43143ff3c1cb0959, "1424953923781206.2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[FED_PLAN_NUMBER_CHARS];
        double v;
        memcpy(&v, &rows[i].bits, sizeof v);
        CHECK_EQ(fed_plan_print_number(text, v), strlen(rows[i].text));
        CHECK_STR(text, rows[i].text);
    }
}

static void test_numbers_read_back(void)
{
    uint8_t key[32];
    fed_stream s;
    size_t bad = 0;
    fed_seed_from_u64(key, 3);
    fed_stream_init(&s, key, FED_PURPOSE_TEST, 0);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = fed_stream_u64(&s);
        char text[FED_PLAN_NUMBER_CHARS];
        double v, back = 0;
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v)) continue;
        size_t n = fed_plan_print_number(text, v);
        bad += n >= sizeof text || !fed_text_to_double(text, n, &back) || back != v;
    }
    CHECK_EQ(bad, 0);
}

/* ---- fed_plan_set ---- */

static void check_set(const char *assignment, fed_status status, const char *part)
{
    fed_bytes json, out;
    fed_error err = {0};
    fed_bytes_init(&json, FED_PLAN_MAX_BYTES);
    fed_bytes_init(&out, FED_PLAN_MAX_BYTES);
    if (plan_with(&json, "")) {
        fed_status got = fed_plan_set(json.data, json.len, assignment, &out, &err);
        CHECK_MSG(got == status, "%s: %s", assignment, fed_status_name(got));
        const char *text = got == FED_OK ? fed_bytes_text(&out) : err.text;
        CHECK_MSG(strstr(text, part) != NULL, "%s: %s lacks %s", assignment, text, part);
    }
    fed_bytes_fini(&json);
    fed_bytes_fini(&out);
}

static void test_set(void)
{
    check_set("train.lr=0.25", FED_OK, "\"train\":{\"lr\":0.25}");
    check_set("train.optimizer=adam", FED_OK, "\"optimizer\":\"adam\"");
    check_set("name=\"3\"", FED_OK, "\"name\":\"3\"");
    check_set("privacy.votes.share=0.5", FED_OK,
              "\"privacy\":{\"votes\":{\"share\":0.5}}");
    check_set("model.layers.1.units=64", FED_OK, "\"units\":64}");
    check_set("model.layers.0={\"op\":\"relu\"}", FED_OK, "[{\"op\":\"relu\"},");
    check_set("train={\"lr\":1}", FED_OK, "\"train\":{\"lr\":1}");
    check_set("train.lr", FED_E_INVALID, "\"train.lr\": not of the form PATH=VALUE");
    check_set("=1", FED_E_INVALID, "not of the form PATH=VALUE");
    check_set("", FED_E_INVALID, "not of the form PATH=VALUE");
    check_set("train.rl=1", FED_E_INVALID, "train.rl: unknown field; did you mean");
    check_set("lr=1", FED_E_INVALID, "lr: unknown field; did you mean train.lr?");
    check_set("model.layers.2.units=1", FED_E_INVALID,
              "model.layers.2.units: there is no 2");
    check_set("model.layers.x=1", FED_E_INVALID, "model.layers.x: there is no x");
    check_set("model.layers.0.units.deep=1", FED_E_INVALID, "there is no");
    check_set("train.lr=\xff", FED_E_INVALID, "train.lr: the value is no valid text");
}

/* ---- limits, allocation ---- */

static void test_limits(void)
{
    fed_bytes big;
    fed_plan *plan = NULL;
    fed_error err = {0};
    fed_bytes_init(&big, FED_PLAN_MAX_BYTES + 16);
    while (big.len <= FED_PLAN_MAX_BYTES)
        fed_bytes_put_u8(&big, ' ');
    CHECK_FAILS(fed_plan_parse(&plan, big.data, big.len, FED_PLAN_AUTHOR, &err),
                FED_E_LIMIT, &err, "the plan: 1048577 bytes are above 1048576");
    fed_bytes_fini(&big);
}

static fed_status parse_layers(size_t n, fed_error *err)
{
    fed_bytes text;
    fed_plan *plan = NULL;
    fed_bytes_init(&text, FED_PLAN_MAX_BYTES);
    fed_bytes_put_text(&text,
                       "{\"train\":{\"lr\":1},\"model\":{\"input\":{\"shape\":[1]},"
                       "\"loss\":\"softmax_cross_entropy\",\"layers\":[");
    for (size_t i = 0; i < n; i++)
        fed_bytes_printf(&text, "%s{\"op\":\"linear\",\"units\":1}", i ? "," : "");
    fed_bytes_put_text(&text, "]}}");
    fed_status status = fed_plan_parse(&plan, text.data, text.len, FED_PLAN_AUTHOR, err);
    fed_plan_free(plan);
    fed_bytes_fini(&text);
    return status;
}

static void test_layer_limit(void)
{
    fed_error err = {0};
    CHECK_OK(parse_layers(FED_LAYERS_MAX, &err), &err);
    CHECK_FAILS(parse_layers(FED_LAYERS_MAX + 1, &err), FED_E_LIMIT, &err,
                "model.layers: 1025 layers are above 1024");
}

static fed_status parse_and_write(void *ctx)
{
    const fed_bytes *json = ctx;
    fed_plan *plan = NULL;
    fed_bytes out;
    fed_bytes_init(&out, FED_PLAN_MAX_BYTES);
    fed_status status =
        fed_plan_parse(&plan, json->data, json->len, FED_PLAN_AUTHOR, NULL);
    if (status == FED_OK) status = fed_plan_write(plan, &out, NULL);
    if (status == FED_OK)
        status = fed_plan_set(json->data, json->len, "train.lr=3", &out, NULL);
    fed_bytes_fini(&out);
    fed_plan_free(plan);
    return status;
}

static void test_torture(void)
{
    fed_bytes json;
    fed_bytes_init(&json, FED_PLAN_MAX_BYTES);
    if (plan_with(&json, "train.freeze=[\"hidden\"] eligibility.tags=[\"a\",\"b\"]"))
        CHECK(fed_torture(parse_and_write, &json) >= 8);
    fed_bytes_fini(&json);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_defaults),
        CASE(test_conditional_defaults),
        CASE(test_words),
        CASE(test_invited),
        CASE(test_round_trip),
        CASE(test_known_address),
        CASE(test_same_plan_same_address),
        CASE(test_resolved_is_strict),
        CASE(test_number_vectors),
        CASE(test_numbers_read_back),
        CASE(test_set),
        CASE(test_limits),
        CASE(test_layer_limit),
        CASE(test_torture),
    };
    return fed_run("plan", cases, sizeof cases / sizeof *cases);
}
