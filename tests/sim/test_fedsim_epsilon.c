/* fedsim epsilon against the tables of other people's accountants, and what it refuses. */
#include "fedsim_process.h"

#include <stdio.h>

#include "csv_rows.h"

static const char *const numbers[] = {"epsilon", "delta", "sigma", "q"};

/* The answer to one question; NAN when there is none. */
static double ask(const char *accountant, const char *sampling, const csv_rows *row)
{
    char all[512];
    snprintf(all, sizeof all,
             "epsilon --sigma %s --q %s --steps %.0f --delta %s --accountant %s "
             "--sampling %s --json",
             csv_text(row, "sigma"), csv_text(row, "q"), csv_number(row, "steps"),
             csv_text(row, "delta"), accountant, sampling);
    if (!CHECK_MSG(fedsim_run(all) == 0, "fedsim %s: %s", all, fedsim_output)) return NAN;
    json_t *json = fedsim_last_line();
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        CHECK(json_is_number(json_object_get(json, numbers[i])));
    CHECK_STR(json_string_value(json_object_get(json, "accountant")), accountant);
    CHECK_STR(json_string_value(json_object_get(json, "sampling")), sampling);
    double epsilon = json_number_value(json_object_get(json, "epsilon"));
    json_decref(json);
    return epsilon;
}

/* Each so many rows, of every kind: the rest is asked of the accountants themselves. */
enum { EVERY = 20 };

static void test_poisson_rows(void)
{
    csv_rows csv;
    int n = 0, rows = 0;
    if (!csv_open(&csv, "epsilon_reference_ext.csv")) return;
    while (csv_next(&csv)) {
        if (n++ % EVERY || csv_number(&csv, "pld_tight") == 0) continue;
        double exact = csv_number(&csv, "eps_exact_gaussian");
        double wanted = isnan(exact) ? csv_number(&csv, "eps_pld") : exact;
        double pld = ask("pld", "poisson", &csv), rdp = ask("rdp", "poisson", &csv);
        CHECK_MSG(fabs(pld - wanted) < 2e-3, "row %d: %.9g, not %.9g", n, pld, wanted);
        /* never above the reference, which is looser at fractional orders */
        double loose = csv_number(&csv, "eps_rdp");
        CHECK_MSG(rdp <= loose * (1 + 1e-9) && rdp >= pld * 0.999,
                  "row %d: %.9g, not %.9g", n, rdp, loose);
        rows++;
    }
    CHECK(rows > 0);
    fed_note("%d rows", rows);
}

static void test_unsampled_rows(void)
{
    csv_rows csv;
    int rows = 0;
    if (!csv_open(&csv, "epsilon_reference_ext.csv")) return;
    while (csv_next(&csv)) {
        double exact = csv_number(&csv, "eps_exact_gaussian");
        if (isnan(exact) || csv_number(&csv, "q") != 1 || rows >= 10) continue;
        double none = ask("pld", "none", &csv);
        CHECK_MSG(none >= exact * (1 - 1e-12) && none <= exact * (1 + 1e-6),
                  "%.12g, exact %.12g", none, exact);
        rows++;
    }
    fed_note("%d rows", rows);
}

/* A sample of fixed size, charged at twice the sensitivity, never costs more than none. */
static void test_fixed_size_rows(void)
{
    csv_rows csv;
    int n = 0, rows = 0;
    if (!csv_open(&csv, "epsilon_wor_reference.csv")) return;
    while (csv_next(&csv)) {
        if (n++ % EVERY || csv_number(&csv, "steps") > 1000) continue;
        double fixed = ask("pld", "fixed_size", &csv), none = ask("pld", "none", &csv);
        double rdp = ask("rdp", "fixed_size", &csv);
        CHECK_MSG(fixed <= none * (1 + 1e-9) && fixed <= rdp * 1.001,
                  "row %d: fixed_size %g, none %g, rdp %g", n, fixed, none, rdp);
        rows++;
    }
    CHECK(rows > 0);
    fed_note("%d rows", rows);
}

#define GOOD "epsilon --sigma 1 --steps 100 --delta 1e-6 "

static void test_words(void)
{
    fedsim_check(GOOD, 0, "no sampling, accountant pld");
    fedsim_check(GOOD "--q 0.01 --sampling poisson", 0,
                 "poisson sampling at rate 0.01, accountant pld");
    fedsim_check("epsilon --sigma 1 --steps 1 --delta 1e-6", 0, "1 release, noise");
}

static void test_bad_arguments(void)
{
    fedsim_check("epsilon --steps 1 --delta 1e-6", 2, "--sigma S is required");
    fedsim_check("epsilon --sigma 1 --delta 1e-6", 2, "--steps T is required");
    fedsim_check("epsilon --sigma 1 --steps 1", 2, "--delta D is required");
    fedsim_check("epsilon --steps 1 --delta 1e-6 --sigma 0", 2, "--sigma: \"0\" is not");
    fedsim_check("epsilon --steps 1 --delta 1e-6 --sigma -1", 2, "--sigma: \"-1\"");
    fedsim_check("epsilon --steps 1 --delta 1e-6 --sigma nan", 2, "--sigma: \"nan\"");
    fedsim_check(GOOD "--q 0", 2, "--q: \"0\" is not a number from 1e-12 to 1");
    fedsim_check(GOOD "--q 1.5", 2, "--q: \"1.5\" is not a number from 1e-12 to 1");
    fedsim_check("epsilon --sigma 1 --delta 1e-6 --steps 0", 2, "--steps: \"0\"");
    fedsim_check("epsilon --sigma 1 --delta 1e-6 --steps 1.5", 2, "--steps: \"1.5\"");
    fedsim_check("epsilon --sigma 1 --steps 1 --delta 1", 2, "--delta: \"1\" is not");
    fedsim_check("epsilon --sigma 1 --steps 1 --delta 0", 2, "--delta: \"0\" is not");
    fedsim_check(GOOD "--accountant gdp", 2, "gdp");
    fedsim_check(GOOD "--sampling bernoulli", 2, "bernoulli");
    fedsim_check(GOOD "plan.json", 2, "plan.json");
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_poisson_rows), CASE(test_unsampled_rows),
                                     CASE(test_fixed_size_rows), CASE(test_words),
                                     CASE(test_bad_arguments)};
    if (!fedsim_folder_make()) return 1;
    return fedsim_folder_remove(
        fed_run("fedsim_epsilon", cases, sizeof cases / sizeof *cases));
}
