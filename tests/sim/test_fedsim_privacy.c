/* fedsim check on plans with differential privacy: what it prints is what the task promises. */
#include "fedsim_process.h"

#include <stdio.h>
#include <string.h>

#include "task.h"

static const char plan[] =
    "{\"format\":\"fed-plan/"
    "1\",\"name\":\"private\",\"model\":{\"input\":{\"shape\":[60]},"
    "\"layers\":[{\"op\":\"linear\",\"units\":64},{\"op\":\"linear\",\"units\":10}],"
    "\"loss\":\"softmax_cross_entropy\"},\"train\":{\"lr\":0.5,\"batch\":8},"
    "\"update\":{\"bits\":8,\"clip\":0.5},"
    "\"privacy\":{\"mechanism\":\"distributed_gaussian\",\"epsilon\":8,\"delta\":1e-6,"
    "\"population\":100000,\"max_participations\":4,\"colluders\":5},"
    "\"rounds\":{\"count\":100,\"cohort\":50,\"over_select\":1.3}}";

/* The answer to `check plan.json ARGUMENTS --json`; the caller's to release. */
static json_t *check_json(const char *arguments, int code)
{
    char all[512];
    snprintf(all, sizeof all, "check plan.json %s --json 2>/dev/null", arguments);
    CHECK_MSG(fedsim_run(all) == code, "fedsim %s: %s", all, fedsim_output);
    return fedsim_last_line();
}

static double number(const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* The same plan as a task, here. */
static fed_task *task_with(const char *assignment)
{
    static const uint8_t seed[32] = {1};
    fed_bytes text;
    fed_error err;
    fed_plan *parsed = NULL;
    fed_task *task = NULL;
    fed_bytes_init(&text, FED_PLAN_MAX_BYTES);
    fed_bytes_put_text(&text, plan);
    CHECK_OK(fed_plan_set_all(&text, &assignment, 1, &err), &err);
    CHECK_OK(fed_plan_parse(&parsed, text.data, text.len, FED_PLAN_AUTHOR, &err), &err);
    if (parsed) CHECK_OK(fed_task_price(&task, parsed, seed, &err), &err);
    fed_bytes_fini(&text);
    return task;
}

/* Charging a ledger what the task says, as devices do, comes to what check printed. */
static double spent_by_ledger(const fed_task *task, int participations)
{
    fed_error err;
    fed_ledger *ledger = NULL;
    fed_ledger_terms terms;
    fed_bytes bytes;
    double output = NAN, server = NAN;
    fed_bytes_init(&bytes, 1 << 20);
    CHECK_OK(fed_task_ledger_terms(task, FED_LEDGER_DEVICE, "p", &terms, &err), &err);
    CHECK_OK(fed_ledger_new(&ledger, &terms, &bytes, &err), &err);
    for (int i = 0; ledger && i < participations; i++) {
        uint8_t id[32] = {(uint8_t)i};
        CHECK_OK(fed_task_charge(task, ledger, FED_LEDGER_SEEN, id, &bytes, &err), &err);
    }
    if (ledger) CHECK_OK(fed_ledger_spent(ledger, &output, &server, &err), &err);
    fed_ledger_free(ledger);
    fed_bytes_fini(&bytes);
    return server;
}

static void check_as_charged(const char *assignment)
{
    char set[256];
    snprintf(set, sizeof set, "--set %s", assignment);
    json_t *json = check_json(set, 0);
    fed_task *task = task_with(assignment);
    if (task) {
        fed_error err;
        fed_privacy_views views;
        const fed_privacy *p = fed_task_privacy(task);
        const json_t *privacy = json_object_get(json, "privacy");
        CHECK_OK(fed_privacy_epsilon(p, &views, &err), &err);
        CHECK_NEAR(number(json, "epsilon_output"), views.epsilon_output, 0);
        CHECK_NEAR(number(json, "epsilon_server"), views.epsilon_server, 0);
        CHECK_NEAR(number(privacy, "epsilon_server"), spent_by_ledger(task, 4),
                   1e-12 * views.epsilon_server);
        CHECK_NEAR(number(privacy, "sigma_local"), p->distributed.sigma_local, 0);
        CHECK_NEAR(number(privacy, "scale"), p->distributed.scale, 0);
        CHECK_NEAR(number(privacy, "ring_bits"), p->distributed.config.bits, 0);
        CHECK_NEAR(number(privacy, "noise_multiplier"),
                   fed_task_plan(task)->privacy.noise_multiplier, 0);
        CHECK_NEAR(number(privacy, "participations"), 4, 0);
        CHECK(number(privacy, "wrap_probability") < 1e-3);
        CHECK_NEAR(number(privacy, "budget_server"), 8, 0);
        CHECK(json_is_null(json_object_get(json, "not_carried_out")));
    }
    json_decref(json);
    fed_task_free(task);
}

static void test_as_charged(void)
{
    check_as_charged("privacy.accountant=pld");
    check_as_charged("privacy.accountant=rdp");
    check_as_charged("privacy.mechanism=distributed_skellam");
    check_as_charged("update.bits=5");
}

static void test_words(void)
{
    fedsim_check("check plan.json", 0, "4 participations of one device in 100 rounds");
    fedsim_check("check plan.json", 0, "the server, 5 colluders");
    fedsim_check("check plan.json", 0, "wraps in a round with probability");
    fedsim_check("check plan.json --epsilon 4", 0,
                 "for epsilon 4              noise mult");
    fedsim_check("check plan.json --rounds-for 4", 0,
                 "within epsilon 4           1 participation of one device");
    fedsim_check("check plan.json --set privacy.noise_multiplier=1", 0,
                 "the budget is spent after  2 participations");
    fedsim_check("check plan.json --set privacy.mechanism=none "
                 "--set privacy.epsilon=none",
                 0, "no noise, no guarantee");
    /* draws that are made again have a part of delta; what is left is what epsilon is at */
    fedsim_check("check plan.json --set privacy.sampling=poisson "
                 "--set privacy.population=1000 --set privacy.delta=1e-4 "
                 "--set privacy.epsilon_server=none --set rounds.min_survivors=19",
                 0, "9.9e-05 of the plan's 0.0001; 1e-06 are for Poisson draws");
}

/* The whole run is one promise; what correlates, and what that takes, is said beside it. */
static void test_correlated(void)
{
    static const char matrix[] =
        "--set privacy.mechanism=matrix --set privacy.epsilon_server=none "
        "--set privacy.matrix.separation=20";
    char all[256];
    snprintf(all, sizeof all, "check plan.json %s", matrix);
    fedsim_check(all, 0, "4 participations of one device in 100 rounds");
    fedsim_check(all, 0, "if rounds did not correlate");
    fedsim_check(all, 0, "drawn in each round, at least 3");
    json_t *json = check_json(matrix, 0);
    CHECK(number(json, "epsilon_output") <= 8 && number(json, "epsilon_output") > 7.9);
    CHECK(json_is_null(json_object_get(json, "epsilon_server")));
    CHECK(json_is_null(json_object_get(json, "not_carried_out")));
    const json_t *m = json_object_get(json_object_get(json, "privacy"), "matrix");
    CHECK(number(m, "noise_in_model") > 0 &&
          number(m, "noise_in_model") < number(m, "noise_uncorrelated") / 2);
    CHECK_EQ(number(m, "memory_bytes"), 19 * 8 * (60 * 64 + 64 + 640 + 10));
    json_decref(json);
    json = check_json("", 0);
    CHECK(json_is_null(json_object_get(json_object_get(json, "privacy"), "matrix")));
    json_decref(json);
}

static void test_json(void)
{
    json_t *json = check_json("--epsilon 4 --rounds-for 6", 0);
    const json_t *privacy = json_object_get(json, "privacy");
    double z = number(privacy, "noise_multiplier_for_epsilon");
    CHECK(z > number(privacy, "noise_multiplier"));
    CHECK(json_is_null(json_object_get(privacy, "spent_after")));
    CHECK_NEAR(number(json_object_get(privacy, "within_epsilon"), "participations"), 2,
               0);
    json_decref(json);
    /* the noise that was answered keeps the plan within what was asked */
    char set[128];
    snprintf(set, sizeof set, "--set privacy.noise_multiplier=%.17g", z);
    json = check_json(set, 0);
    CHECK(number(json, "epsilon_server") <= 4 && number(json, "epsilon_server") > 3.99);
    json_decref(json);
    json = check_json("--set privacy.mechanism=none --set privacy.epsilon=none", 0);
    CHECK(json_is_null(json_object_get(json, "privacy")));
    CHECK(json_is_null(json_object_get(json, "epsilon_output")));
    json_decref(json);
}

#define CENTRAL                                                                          \
    "--set privacy.mechanism=central_gaussian --set privacy.epsilon_server=none "

/* Against a server that adds the noise nothing is promised: in words, and null. */
static void test_no_promise(void)
{
    char code_and_words[] = "check plan.json " CENTRAL;
    (void)fedsim_run(code_and_words);
    CHECK(
        strstr(fedsim_output, "none promised: it sees the sum before it adds the noise"));
    json_t *json =
        check_json(CENTRAL, fedsim_run("check plan.json " CENTRAL "--resolved"));
    CHECK(json_is_null(json_object_get(json, "epsilon_server")));
    CHECK(number(json, "epsilon_output") <= 8);
    json_decref(json);
}

/* Promises that the deployment would not keep: the field, the value, the reason. */
static void test_unsound(void)
{
    static const struct {
        const char *set, *text;
    } rows[] = {
        {"update.weight=examples",
         "update.weight: \"examples\" with differential privacy"},
        {"privacy.ring_bits=8 privacy.noise_multiplier=1",
         "privacy.ring_bits: 8 bits leave a noise share a standard deviation of"},
        {"privacy.adaptive.quantile=0.5 privacy.adaptive.bit_sigma=0.5 "
         "privacy.noise_multiplier=1",
         "privacy.adaptive.bit_sigma: the noise multiplier 1 is not below twice it, 1"},
        {"privacy.sampling=poisson",
         "rounds.min_survivors: 50 of 50 expected: with privacy.sampling \"poisson\""},
        {"privacy.delta=1e-5",
         "privacy.delta: 1e-05 is not below 1/privacy.population, 1/100000"},
        {"update.select=voted", "privacy.votes.share: needed with"},
        {"secagg.enabled=false", "privacy.mechanism: distributed noise needs secagg"},
        {"update.bits=sign privacy.mechanism=local_gaussian secagg.enabled=false",
         "update.bits: \"sign\" with differential privacy"},
        {"update.bits=float32 privacy.mechanism=local_gaussian secagg.enabled=false",
         "update.bits: \"float32\" with differential privacy"},
        {"update.select=top_k privacy.mechanism=local_gaussian secagg.enabled=false",
         "update.select: \"top_k\" with differential privacy"},
        {"update.clip=auto", "update.clip: \"auto\" with differential privacy"},
        {"privacy.delta=none", "privacy.delta: needed with"},
        {"privacy.mechanism=none", "privacy.epsilon: promises nothing with"},
        {"privacy.mechanism=central_gaussian",
         "privacy.epsilon_server: must be \"none\""},
        {"privacy.mechanism=matrix privacy.epsilon_server=none",
         "privacy.matrix.separation: needed with"},
        {"privacy.mechanism=matrix privacy.epsilon_server=none "
         "privacy.matrix.separation=9 privacy.max_participations=none",
         "privacy.max_participations: needed with"},
        {"privacy.max_participations=none", "privacy.max_participations: needed with"},
        {"privacy.colluders=50", "privacy.colluders: 50 is not below rounds.cohort, 50"},
        {"rounds.min_survivors=30 privacy.colluders=30",
         "privacy.colluders: 30 is not below rounds.min_survivors, 30"},
        {"privacy.population=64", "privacy.population: 64 is below the 65 devices"},
        {"privacy.unit=example", "privacy.unit: \"example\" goes with"},
        {"privacy.mechanism=dp_sgd", "privacy.unit: \"example\" goes with"},
        {"privacy.mechanism=distributed_skellam privacy.accountant=pld",
         "privacy.accountant: pld has no bound for skellam"},
        {"privacy.epsilon=none", "privacy.epsilon: needed with privacy.noise_multiplier"},
        {"privacy.epsilon=1001", "privacy.epsilon: 1001 is above 1000"},
        {"privacy.noise=1", "privacy.noise: unknown field"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char all[1024], words[512], *rest = NULL;
        size_t n = (size_t)snprintf(all, sizeof all, "check plan.json");
        snprintf(words, sizeof words, "%s", rows[i].set);
        for (char *w = strtok_r(words, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
            n += (size_t)snprintf(all + n, sizeof all - n, " --set %s", w);
        fedsim_check(all, 3, rows[i].text);
    }
    fed_note("%zu refusals", sizeof rows / sizeof *rows);
}

/* What goes together although it looks odd. */
static void test_sound(void)
{
    static const char *const rows[] = {
        "--set privacy.mechanism=local_gaussian",
        "--set privacy.mechanism=local_gaussian --set secagg.enabled=false",
        CENTRAL,
        CENTRAL "--set secagg.enabled=false",
        "--set privacy.epsilon_server=none",
        "--set privacy.epsilon_server=20",
        "--set update.select=voted --set privacy.votes.share=0.2",
        "--set privacy.adaptive.quantile=0.5",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char all[512];
        snprintf(all, sizeof all, "check plan.json %s", rows[i]);
        (void)fedsim_run(all);
        CHECK_MSG(strstr(fedsim_output, "who sees the models        epsilon"), "%s: %s",
                  all, fedsim_output);
    }
    fedsim_check("check '" PLANS "/mnist-private.json'", 0, "epsilon 7.99");
}

static void test_refusals(void)
{
    fedsim_check("check plan.json --set privacy.mechanism=central_gaussian", 3,
                 "privacy.epsilon_server: must be \"none\"");
    fedsim_check("check plan.json --clients 1000", 3,
                 "privacy.population: 100000 is above the 1000 devices of --clients");
    fedsim_check("check plan.json --epsilon 0.001", 3, "--epsilon");
    fedsim_check("check plan.json --epsilon 0", 2, "--epsilon");
    fedsim_check("check plan.json --rounds-for nan", 2, "--rounds-for");
    fedsim_check("check plan.json --set privacy.mechanism=none "
                 "--set privacy.epsilon=none --epsilon 4",
                 3, "--epsilon: privacy.mechanism is \"none\"");
    /* what is not carried out has a price, and then the refusal */
    fedsim_check("check plan.json --set eligibility.min_battery=0.5", 3,
                 "distributed_gaussian: each device");
    fedsim_check("check plan.json --set eligibility.min_battery=0.5", 3,
                 "eligibility.min_battery: not carried out yet");
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_as_charged), CASE(test_words),
                                     CASE(test_correlated), CASE(test_json),
                                     CASE(test_no_promise), CASE(test_unsound),
                                     CASE(test_sound),      CASE(test_refusals)};
    if (!fedsim_folder_make() || !fedsim_put_file("plan.json", plan)) return 1;
    return fedsim_folder_remove(
        fed_run("fedsim_privacy", cases, sizeof cases / sizeof *cases));
}
