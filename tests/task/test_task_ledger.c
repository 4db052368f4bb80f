/* What a task owes to a ledger: its terms, its charges, and that promises only tighten. */
#include "harness.h"

#include <stdio.h>

#include "task.h"

typedef struct wish {
    const char *mechanism, *accountant;
    double z, epsilon, epsilon_server, delta;
    int participations, colluders;
} wish;

static const uint8_t nobody[32] = {0};
static const wish usual = {"distributed_gaussian", "pld", 4, 4, 5, 1e-4, 8, 1};

static fed_task *make(const wish *w)
{
    fed_error err;
    fed_task *task = NULL;
    char text[1024];
    uint8_t seed[32] = {1};
    int n = snprintf(
        text, sizeof text,
        "{\"format\":\"fed-plan/1\",\"name\":\"l\",\"model\":{\"input\":{\"shape\":[9]},"
        "\"layers\":[{\"op\":\"linear\",\"units\":4}],\"loss\":\"softmax_cross_entropy\"}"
        ","
        "\"train\":{\"lr\":0.1},\"update\":{\"bits\":8,\"clip\":1},"
        "\"privacy\":{\"mechanism\":\"%s\",\"accountant\":\"%s\",\"noise_multiplier\":%g,"
        "\"epsilon\":%g,\"epsilon_server\":%g,\"delta\":%g,\"population\":100,"
        "\"max_participations\":%d,\"colluders\":%d},"
        "\"rounds\":{\"count\":20,\"cohort\":10}}",
        w->mechanism, w->accountant, w->z, w->epsilon, w->epsilon_server, w->delta,
        w->participations, w->colluders);
    CHECK_OK(fed_task_parse(&task, (fed_span){(const uint8_t *)text, (size_t)n},
                            FED_PLAN_AUTHOR, seed, &err),
             &err);
    return task;
}

static fed_ledger *ledger_for(const fed_task *task, fed_ledger_kind kind,
                              fed_bytes *bytes)
{
    fed_error err;
    fed_ledger_terms terms;
    fed_ledger *ledger = NULL;
    fed_bytes_init(bytes, SIZE_MAX);
    CHECK_OK(fed_task_ledger_terms(task, kind, "keyboard", &terms, &err), &err);
    CHECK_OK(fed_ledger_new(&ledger, &terms, bytes, &err), &err);
    return ledger;
}

static void test_terms(void)
{
    fed_error err;
    fed_ledger_terms terms;
    uint8_t population[32];
    fed_task *task = make(&usual);
    CHECK_OK(fed_task_ledger_terms(task, FED_LEDGER_DEVICE, "keyboard", &terms, &err),
             &err);
    CHECK_OK(fed_sha256("keyboard", 8, population, &err), &err);
    CHECK_MEM(terms.population, population, 32);
    CHECK(terms.kind == FED_LEDGER_DEVICE && terms.accountant == FED_ACCOUNTANT_PLD);
    CHECK(terms.delta == 1e-4 && terms.budget_output == 4 && terms.budget_server == 5);
    CHECK_EQ(terms.max_participations, 8);
    CHECK(fed_task_promises_server(task));
    fed_task_free(task);
}

/* The server with its colluders knows a share more than who sees the models. */
static void test_charges(void)
{
    fed_error err;
    fed_bytes bytes;
    double output, server;
    uint8_t id[32] = {1};
    wish often = usual;
    often.participations = 100;
    fed_task *task = make(&often);
    fed_ledger *ledger = ledger_for(task, FED_LEDGER_SERVER, &bytes);
    size_t header = bytes.len;
    CHECK_OK(fed_task_check_charge(task, ledger, FED_LEDGER_SEEN, id, &err), &err);
    CHECK_OK(fed_task_charge(task, ledger, FED_LEDGER_SEEN, id, &bytes, &err), &err);
    size_t one = bytes.len - header;
    CHECK(one > 0);
    CHECK_OK(fed_task_charge(task, ledger, FED_LEDGER_SEEN, id, &bytes, &err), &err);
    CHECK_EQ(bytes.len, header + one); /* a retry is no second charge */
    CHECK_OK(fed_task_charge(task, ledger, FED_LEDGER_OUTPUT, id, &bytes, &err), &err);
    CHECK_OK(fed_ledger_spent(ledger, &output, &server, &err), &err);
    CHECK(0 < output && output < server);
    fed_status status = FED_OK;
    for (id[0] = 2; !status && id[0] < 40; id[0]++)
        status = fed_task_charge(task, ledger, FED_LEDGER_OUTPUT, id, &bytes, &err);
    CHECK_EQ(status, FED_E_BUDGET);
    CHECK_MSG(strstr(err.text, "epsilon_output is") && strstr(err.text, "budget is 4"),
              "%s", err.text);
    fed_ledger_free(ledger);
    fed_bytes_fini(&bytes);
    fed_task_free(task);
}

static void test_promises_only_tighten(void)
{
    static const struct {
        wish later;
        fed_status status;
        const char *text;
    } all[] = {
        {{"distributed_gaussian", "pld", 4, 4, 5, 1e-4, 8, 1}, FED_OK, NULL},
        {{"distributed_gaussian", "pld", 8, 2, 3, 1e-5, 4, 2}, FED_OK, NULL},
        {{"distributed_gaussian", "rdp", 4, 4, 5, 1e-4, 8, 1}, FED_OK, NULL},
        {{"distributed_gaussian", "pld", 4, 4.5, 5, 1e-4, 8, 1},
         FED_E_REFUSED,
         "privacy.epsilon: 4.5, but this population was promised 4"},
        {{"distributed_gaussian", "pld", 4, 4, 6, 1e-4, 8, 1},
         FED_E_REFUSED,
         "privacy.epsilon_server: 6, but this population was promised 5"},
        {{"distributed_gaussian", "pld", 4, 4, 5, 2e-4, 8, 1},
         FED_E_REFUSED,
         "privacy.delta"},
        {{"distributed_gaussian", "pld", 4, 4, 5, 1e-4, 9, 1},
         FED_E_REFUSED,
         "privacy.max_participations: 9"},
        {{"distributed_skellam", "rdp", 4, 4, 5, 1e-4, 8, 1},
         FED_E_UNSUPPORTED,
         "Skellam"},
    };
    fed_bytes bytes;
    fed_task *first = make(&usual);
    fed_ledger *ledger = ledger_for(first, FED_LEDGER_SERVER, &bytes);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        fed_error err;
        fed_task *later = make(&all[i].later);
        fed_status status =
            fed_task_check_charge(later, ledger, FED_LEDGER_SEEN, nobody, &err);
        CHECK_MSG(status == all[i].status, "plan %zu: %s: %s", i, fed_status_name(status),
                  err.text);
        if (all[i].text) CHECK_MSG(strstr(err.text, all[i].text), "%s", err.text);
        fed_task_free(later);
    }
    fed_ledger_free(ledger);
    fed_bytes_fini(&bytes);
    fed_task_free(first);
}

/* A stricter plan is held to its own numbers, over everything that the ledger holds. */
static void test_the_stricter_counts(void)
{
    fed_error err;
    fed_bytes bytes;
    uint8_t id[32] = {0};
    wish strict = usual;
    strict.epsilon = 3, strict.epsilon_server = 3, strict.participations = 3;
    fed_task *first = make(&usual), *later = make(&strict);
    fed_ledger *server = ledger_for(first, FED_LEDGER_SERVER, &bytes);
    while (id[0]++ < 3)
        CHECK_OK(fed_task_charge(first, server, FED_LEDGER_SEEN, id, &bytes, &err), &err);
    CHECK_OK(fed_task_check_charge(first, server, FED_LEDGER_SEEN, id, &err), &err);
    fed_ledger_free(server);
    fed_bytes_fini(&bytes);
    fed_ledger *device = ledger_for(first, FED_LEDGER_DEVICE, &bytes);
    for (id[0] = 1; id[0] <= 3; id[0]++)
        CHECK_OK(fed_task_charge(first, device, FED_LEDGER_SEEN, id, &bytes, &err), &err);
    CHECK_OK(fed_task_check_charge(first, device, FED_LEDGER_SEEN, id, &err), &err);
    CHECK_FAILS(fed_task_check_charge(later, device, FED_LEDGER_SEEN, id, &err),
                FED_E_BUDGET, &err, "took part 3 times, of 3");
    fed_ledger_free(device);
    fed_bytes_fini(&bytes);
    fed_task_free(first);
    fed_task_free(later);
}

static void test_open(void)
{
    fed_error err;
    fed_bytes bytes;
    uint8_t id[32] = {1};
    fed_task *task = make(&usual);
    fed_ledger *ledger = ledger_for(task, FED_LEDGER_DEVICE, &bytes), *again = NULL;
    CHECK_OK(fed_task_charge(task, ledger, FED_LEDGER_SEEN, id, &bytes, &err), &err);
    fed_span all = {bytes.data, bytes.len}, part = {bytes.data, bytes.len - 1};
    CHECK_OK(fed_task_open_ledger(&again, FED_LEDGER_DEVICE, "keyboard", all, &err),
             &err);
    CHECK_MEM(fed_ledger_head(again), fed_ledger_head(ledger), 32);
    fed_ledger_free(again);
    CHECK_FAILS(fed_task_open_ledger(&again, FED_LEDGER_DEVICE, "keyboard", part, &err),
                FED_E_FORMAT, &err, "are whole");
    CHECK(!again);
    CHECK_FAILS(fed_task_open_ledger(&again, FED_LEDGER_SERVER, "keyboard", all, &err),
                FED_E_FORMAT, &err, "not the server's");
    CHECK_FAILS(fed_task_open_ledger(&again, FED_LEDGER_DEVICE, "camera", all, &err),
                FED_E_FORMAT, &err, "population camera");
    fed_ledger_free(ledger);
    fed_bytes_fini(&bytes);
    fed_task_free(task);
}

/* With correlated noise the whole run is one charge, under the task's id, in either book; what
 * was charged fits, and another run composes with it. */
static void test_a_run_is_charged_once(void)
{
    static const uint8_t first[32] = {1}, second[32] = {2}, own[32] = {3};
    fed_error err;
    fed_task *task = NULL, *usual_task = make(&usual);
    static const char text[] =
        "{\"format\":\"fed-plan/1\",\"name\":\"l\",\"model\":{\"input\":{\"shape\":[9]},"
        "\"layers\":[{\"op\":\"linear\",\"units\":4}],\"loss\":\"softmax_cross_entropy\"}"
        ",\"train\":{\"lr\":0.1},\"update\":{\"bits\":8,\"clip\":1},"
        "\"privacy\":{\"mechanism\":\"matrix\",\"epsilon\":4,\"epsilon_server\":\"none\","
        "\"noise_multiplier\":1.2,\"delta\":1e-4,\"population\":100,"
        "\"max_participations\":3,\"matrix\":{\"separation\":5}},"
        "\"rounds\":{\"count\":20,\"cohort\":10}}";
    uint8_t seed[32] = {1};
    CHECK_OK(fed_task_parse(&task, (fed_span){(const uint8_t *)text, sizeof text - 1},
                            FED_PLAN_AUTHOR, seed, &err),
             &err);
    CHECK_OK(fed_task_check_first_charge(task, &err), &err);
    CHECK(fed_task_is_charged_once(task) && !fed_task_is_charged_once(usual_task));
    CHECK(fed_task_charge_id(task, first, own) == first);
    CHECK(fed_task_charge_id(usual_task, first, own) == own);
    for (int kind = FED_LEDGER_SERVER; kind <= FED_LEDGER_DEVICE; kind++) {
        fed_bytes bytes;
        fed_ledger *ledger = ledger_for(task, (fed_ledger_kind)kind, &bytes);
        size_t header = bytes.len;
        fed_ledger_view view =
            kind == FED_LEDGER_SERVER ? FED_LEDGER_OUTPUT : FED_LEDGER_SEEN;
        double output, server, one;
        for (int i = 0; i < 5; i++)
            CHECK_OK(fed_task_charge(task, ledger, view, first, &bytes, &err), &err);
        CHECK_EQ(fed_ledger_count(ledger, FED_LEDGER_OUTPUT), 1);
        CHECK_EQ(fed_ledger_count(ledger, FED_LEDGER_SEEN), 0);
        CHECK(bytes.len > header);
        CHECK_OK(fed_ledger_spent(ledger, &one, &server, &err), &err);
        CHECK(one > 2 && one <= 4 && server == 0);
        CHECK_OK(fed_task_check_charge(task, ledger, view, first, &err), &err);
        CHECK_FAILS(fed_task_check_charge(task, ledger, view, second, &err), FED_E_BUDGET,
                    &err, "the budget is 4");
        CHECK_FAILS(fed_task_charge(task, ledger, view, second, &bytes, &err),
                    FED_E_BUDGET, &err, "the budget is 4");
        CHECK_OK(fed_ledger_spent(ledger, &output, &server, &err), &err);
        CHECK(output == one);
        fed_ledger_free(ledger);
        fed_bytes_fini(&bytes);
    }
    fed_task_free(task);
    fed_task_free(usual_task);
}

/* A plan whose first charge alone is too much. */
static void test_nothing_fits(void)
{
    fed_error err;
    wish w = usual;
    w.z = 0.4;
    fed_task *task = make(&w);
    CHECK_FAILS(fed_task_check_first_charge(task, &err), FED_E_BUDGET, &err,
                "this charge would make it");
    fed_task_free(task);
}

static fed_status all_of_it(void *ctx)
{
    const fed_task *task = ctx;
    fed_ledger_terms terms;
    fed_ledger *ledger = NULL, *again = NULL;
    fed_bytes bytes;
    uint8_t id[32] = {3};
    fed_bytes_init(&bytes, SIZE_MAX);
    fed_status status =
        fed_task_ledger_terms(task, FED_LEDGER_DEVICE, "keyboard", &terms, NULL);
    if (!status) status = fed_ledger_new(&ledger, &terms, &bytes, NULL);
    if (!status) status = fed_task_check_charge(task, ledger, FED_LEDGER_SEEN, id, NULL);
    if (!status)
        status = fed_task_charge(task, ledger, FED_LEDGER_SEEN, id, &bytes, NULL);
    if (!status) status = fed_ledger_open(&again, bytes.data, bytes.len, NULL, NULL);
    if (!status) CHECK_EQ(fed_ledger_count(again, FED_LEDGER_SEEN), 1);
    fed_ledger_free(ledger);
    fed_ledger_free(again);
    fed_bytes_fini(&bytes);
    return status;
}

static void test_torture(void)
{
    fed_task *task = make(&usual);
    CHECK(fed_torture(all_of_it, task) > 8);
    fed_task_free(task);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_terms),
                                     CASE(test_charges),
                                     CASE(test_promises_only_tighten),
                                     CASE(test_the_stricter_counts),
                                     CASE(test_open),
                                     CASE(test_a_run_is_charged_once),
                                     CASE(test_nothing_fits),
                                     CASE(test_torture)};
    return fed_run("task_ledger", cases, sizeof cases / sizeof *cases);
}
