/* fedsim check on plans with differential privacy: what it prints is what the task promises. */
#include "fedsim_process.h"

#include <stdio.h>

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
    fedsim_check("check plan.json --set privacy.sampling=poisson", 3, "poisson sampling");
    fedsim_check("check plan.json --set privacy.sampling=poisson", 3,
                 "privacy.sampling:");
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_as_charged), CASE(test_words),
                                     CASE(test_json), CASE(test_no_promise),
                                     CASE(test_refusals)};
    if (!fedsim_folder_make() || !fedsim_put_file("plan.json", plan)) return 1;
    return fedsim_folder_remove(
        fed_run("fedsim_privacy", cases, sizeof cases / sizeof *cases));
}
