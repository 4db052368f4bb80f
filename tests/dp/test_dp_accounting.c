/*
 * The accountants against tables of other people's trusted code ($FED_REFERENCE/dp,
 * its README says which), or against the small sample of our own computing committed here.
 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "csv_rows.h"
#include "accounting/logmath.h"
#include "dp.h"

static double relative(double a, double b)
{
    return fabs(a - b) / fmax(fabs(b), 1e-300);
}

/* What the reference does at an order that is not an integer: it adds the absolute values of
 * the alternating series, which is above the truth. */
static double absolute_rdp(double q, double sigma, double alpha)
{
    double v = sigma * sigma, z0 = v * log(1 / q - 1) + 0.5, sum = -INFINITY;
    for (int i = 0; i < 1000; i++) {
        double j = alpha - i, root = sqrt(2) * sigma;
        double choose = lgamma(alpha + 1) - lgamma(i + 1.0) - lgamma(j + 1);
        double low = choose + i * log(q) + j * log1p(-q) + (i * (double)i - i) / (2 * v) +
                     fed_log_erfc((i - z0) / root) - log(2);
        double high = choose + j * log(q) + i * log1p(-q) + (j * j - j) / (2 * v) +
                      fed_log_erfc((z0 - j) / root) - log(2);
        sum = fed_log_add(sum, fed_log_add(low, high));
        if (i > alpha && fmax(low, high) < sum - 30) break;
    }
    return sum / (alpha - 1);
}

static void test_rdp_rows(void)
{
    csv_rows csv;
    int rows = 0, tighter = 0, worse = 0;
    double worst = 0;
    if (!csv_open(&csv, "epsilon_reference_ext.csv")) return;
    while (csv_next(&csv)) {
        double sigma = csv_number(&csv, "sigma"), q = csv_number(&csv, "q");
        double steps = csv_number(&csv, "steps"), delta = csv_number(&csv, "delta");
        double order = csv_number(&csv, "rdp_order"),
               wanted = csv_number(&csv, "eps_rdp");
        double ours = fed_rdp_poisson(q, sigma, order);
        bool whole = order == floor(order) || q == 1;
        double theirs = whole ? ours : absolute_rdp(q, sigma, order);
        double off = relative(fed_rdp_to_epsilon(order, steps * theirs, delta), wanted);
        CHECK_MSG(off < 1e-9, "sigma %g q %g T %g delta %g order %g: off by %g", sigma, q,
                  steps, delta, order, off);
        CHECK(ours <= theirs * (1 + 1e-9));
        tighter += ours < theirs * (1 - 1e-9), rows++;
        worst = fmax(worst, off);
        fed_dp_event e = fed_dp_gaussian(sigma, FED_SAMPLING_POISSON, q, (uint64_t)steps);
        double best;
        fed_error err;
        CHECK_OK(fed_dp_epsilon(&e, 1, FED_ACCOUNTANT_RDP, delta, &best, &err), &err);
        worse += best > wanted * (1 + 1e-9);
    }
    CHECK_EQ(worse, 0);
    fed_note("%d rows, largest relative difference %.2g; at %d fractional orders the "
             "reference "
             "adds absolute values and we are tighter",
             rows, worst, tighter);
}

static void check_pld_row(const csv_rows *csv, int *rows, int *loose, double *worst)
{
    double sigma = csv_number(csv, "sigma"), q = csv_number(csv, "q");
    double steps = csv_number(csv, "steps"), delta = csv_number(csv, "delta");
    double wanted = csv_number(csv, "eps_pld"),
           exact = csv_number(csv, "eps_exact_gaussian");
    fed_dp_event e = fed_dp_gaussian(sigma, FED_SAMPLING_POISSON, q, (uint64_t)steps);
    double here = NAN;
    fed_error err;
    CHECK_OK(fed_dp_epsilon(&e, 1, FED_ACCOUNTANT_PLD, delta, &here, &err), &err);
    if (q == 1) {
        CHECK_MSG(here >= exact * (1 - 1e-12) && relative(here, exact) < 1e-9,
                  "sigma %g T %g: %.15g, exact %.15g", sigma, steps, here, exact);
        ++*rows;
    } else if (csv_number(csv, "pld_tight") == 0) {
        ++*loose;
    } else {
        CHECK_MSG(fabs(here - wanted) < 2e-3,
                  "sigma %g q %g T %g delta %g: %.9g, not %.9g", sigma, q, steps, delta,
                  here, wanted);
        *worst = fmax(*worst, fabs(here - wanted));
        ++*rows;
    }
}

static void test_pld_rows(void)
{
    csv_rows csv;
    int rows = 0, loose = 0;
    double worst = 0;
    if (!csv_open(&csv, "epsilon_reference_ext.csv")) return;
    while (csv_next(&csv))
        check_pld_row(&csv, &rows, &loose, &worst);
    CHECK(rows > 0);
    fed_note("%d rows (%d loose, skipped), largest difference %.2g", rows, loose, worst);
}

/* An independent accountant (Gopi, Lee, Wutschitz 2021) brackets the truth; and one step has an
 * exact value that must never be undercut. */
static void test_crosscheck_rows(void)
{
    csv_rows csv;
    int rows = 0, exact_rows = 0;
    double worst = 0;
    if (!csv_open(&csv, "epsilon_crosscheck.csv")) return;
    while (csv_next(&csv)) {
        double delta = csv_number(&csv, "delta"),
               exact = csv_number(&csv, "eps_exact_onestep");
        fed_dp_event e =
            fed_dp_gaussian(csv_number(&csv, "sigma"), FED_SAMPLING_POISSON,
                            csv_number(&csv, "q"), (uint64_t)csv_number(&csv, "steps"));
        double here = NAN;
        fed_error err;
        CHECK_OK(fed_dp_epsilon(&e, 1, FED_ACCOUNTANT_PLD, delta, &here, &err), &err);
        CHECK_MSG(here >= csv_number(&csv, "prv_lower") &&
                      here <= csv_number(&csv, "prv_upper") + 2e-3,
                  "sigma %g q %g T %g: %.9g", e.sigma, e.q, (double)e.count, here);
        if (!isnan(exact)) {
            CHECK_MSG(here >= exact * (1 - 1e-9) && here <= exact * 1.005 + 1e-9,
                      "sigma %g q %g: %.12g, exact %.12g", e.sigma, e.q, here, exact);
            worst = fmax(worst, here / exact - 1), exact_rows++;
        }
        rows++;
    }
    fed_note("%d rows, %d with an exact value: at most %.2g above it", rows, exact_rows,
             worst);
}

/* The reference composes the two directions of the sampled Gaussian separately and takes the
 * larger, as we do for Poisson sampling. For samples of fixed size the theorem behind it (Zhu,
 * Dong, Wang 2022, theorem 11) gives one direction above e^epsilon = 1 and the other below it,
 * so we compose that curve, which is above both: equal for one step, higher for more. */
static void test_fixed_size_rows(void)
{
    csv_rows csv;
    int rows = 0, skipped = 0;
    double highest = 0;
    if (!csv_open(&csv, "epsilon_wor_reference.csv")) return;
    while (csv_next(&csv)) {
        double sigma = csv_number(&csv, "sigma"), q = csv_number(&csv, "q");
        double steps = csv_number(&csv, "steps"), delta = csv_number(&csv, "delta");
        double order = csv_number(&csv, "rdp_order"),
               wanted = csv_number(&csv, "eps_rdp_wor");
        double rdp = steps * fed_rdp_fixed_size(q, sigma / 2, order);
        double off = relative(fed_rdp_to_epsilon(order, rdp, delta), wanted);
        CHECK_MSG(off < 1e-9, "sigma %g q %g T %g order %g: off by %g", sigma, q, steps,
                  order, off);
        double theirs = NAN, ours = NAN, pld = csv_number(&csv, "eps_pld_wor");
        fed_error err;
        fed_dp_event e =
            fed_dp_gaussian(sigma / 2, FED_SAMPLING_POISSON, q, (uint64_t)steps);
        CHECK_OK(fed_dp_epsilon(&e, 1, FED_ACCOUNTANT_PLD, delta, &theirs, &err), &err);
        e.sigma = sigma, e.sampling = FED_SAMPLING_FIXED_SIZE;
        CHECK_OK(fed_dp_epsilon(&e, 1, FED_ACCOUNTANT_PLD, delta, &ours, &err), &err);
        CHECK_MSG(fabs(theirs - pld) < 2e-3, "sigma %g q %g T %g: %.9g, not %.9g", sigma,
                  q, steps, theirs, pld);
        /* with the zero vector as neighbour, no sampling at one sensitivity is a bound too */
        double plain = fed_gaussian_epsilon(sigma / sqrt(steps), delta);
        CHECK(ours >= fmin(theirs, plain) * (1 - 1e-3) && ours <= plain * (1 + 1e-9));
        if (steps == 1) CHECK_NEAR(ours, fmin(theirs, plain), 1e-4 * theirs + 1e-9);
        highest = fmax(highest, ours / theirs);
        rows++;
    }
    fed_note("%d rows, %d skipped; the sound composition is up to %.2f times higher",
             rows, skipped, highest);
}

static void test_zcdp_rows(void)
{
    csv_rows csv;
    if (!csv_open(&csv, "zcdp_reference.csv")) return;
    while (csv_next(&csv)) {
        double rho = csv_number(&csv, "rho"), delta = csv_number(&csv, "delta");
        double exact = csv_number(&csv, "eps_exact_gaussian");
        double order = csv_number(&csv, "rdp_order");
        CHECK(relative(fed_zcdp_to_epsilon(rho, delta), csv_number(&csv, "eps_cks20")) <
              1e-9);
        CHECK(relative(fed_rdp_to_epsilon(order, rho * order, delta),
                       csv_number(&csv, "eps_rdp_default_orders")) < 1e-9);
        CHECK(relative(fed_gaussian_epsilon(1 / sqrt(2 * rho), delta), exact) < 1e-9);
    }
}

static void test_analytic_gaussian(void)
{
    for (double sigma = 0.05; sigma < 50; sigma *= 1.7)
        for (double delta = 1e-12; delta < 0.1; delta *= 30) {
            double epsilon = fed_gaussian_epsilon(sigma, delta);
            CHECK(fed_gaussian_delta(sigma, epsilon) <= delta);
            if (epsilon > 0) {
                CHECK(fed_gaussian_delta(sigma, epsilon * (1 - 1e-6)) > delta);
                CHECK_NEAR(fed_gaussian_sigma(epsilon, delta), sigma, 1e-6 * sigma);
            }
        }
}

/* delta and epsilon are inverse to each other; more releases, or other kinds, cost more. */
static void test_pld_consistency(void)
{
    fed_pld_event two[2] = {{1.1, 0.02, 500, false}, {2.0, 0.1, 50, false}};
    double both = 0, first = 0, delta = 0;
    fed_error err;
    CHECK_OK(fed_pld_epsilon(two, 2, 1e-6, &both, &err), &err);
    CHECK_OK(fed_pld_epsilon(two, 1, 1e-6, &first, &err), &err);
    CHECK(both > first);
    CHECK_OK(fed_pld_delta(two, 2, both, &delta, &err), &err);
    CHECK_NEAR(log(delta), log(1e-6), 0.02);
    CHECK_OK(fed_pld_epsilon(two, 2, 1e-30, &first, &err), &err);
    CHECK(isfinite(first) && first > both); /* far below double's own round-off */
    fed_pld_event none[1] = {{1, 1, 3, false}};
    CHECK_OK(fed_pld_epsilon(none, 1, 1e-5, &first, &err), &err);
    double exact = fed_gaussian_epsilon(1 / sqrt(3), 1e-5);
    CHECK(first >= exact && first < exact * 1.001);
    CHECK_FAILS(fed_pld_epsilon(none, 1, 0, &first, &err), FED_E_INVALID, &err, "delta");
    none[0].q = 0;
    CHECK_FAILS(fed_pld_epsilon(none, 1, 1e-5, &first, &err), FED_E_INVALID, &err, "q 0");
}

static void test_inverse_queries(void)
{
    double sigma = 0, found = 0;
    uint64_t rounds = 0;
    fed_error err;
    CHECK_OK(fed_dp_noise_for_epsilon(FED_SAMPLING_POISSON, 0.01, 1000,
                                      FED_ACCOUNTANT_RDP, 2, 1e-5, &sigma, &err),
             &err);
    fed_dp_event e = fed_dp_gaussian(sigma, FED_SAMPLING_POISSON, 0.01, 1000);
    CHECK_OK(fed_dp_epsilon(&e, 1, FED_ACCOUNTANT_RDP, 1e-5, &found, &err), &err);
    CHECK(found <= 2 && found > 1.998);
    CHECK_OK(fed_dp_rounds_for_epsilon(&e, FED_ACCOUNTANT_RDP, 2, 1e-5, &rounds, &err),
             &err);
    CHECK(rounds >= 1000 && rounds < 1010);
    e = fed_dp_gaussian(4, FED_SAMPLING_NONE, 1, 1);
    CHECK_OK(fed_dp_rounds_for_epsilon(&e, FED_ACCOUNTANT_PLD, 8, 1e-6, &rounds, &err),
             &err);
    CHECK(fed_gaussian_epsilon(4 / sqrt((double)rounds), 1e-6) <= 8);
    CHECK(fed_gaussian_epsilon(4 / sqrt((double)rounds + 1), 1e-6) > 8);
    e.sigma = 0.2;
    CHECK_OK(fed_dp_rounds_for_epsilon(&e, FED_ACCOUNTANT_PLD, 1, 1e-6, &rounds, &err),
             &err);
    CHECK_EQ(rounds, 0);
    CHECK_EQ(fed_accountant_from_name("pld"), FED_ACCOUNTANT_PLD);
    CHECK_EQ(fed_sampling_from_name("fixed_size"), FED_SAMPLING_FIXED_SIZE);
    CHECK_EQ(fed_sampling_from_name("poison"), 0);
}

/* What a sampler's tables are off by comes out of delta. */
static void test_sampler_distance_is_charged(void)
{
    fed_dp_event e = fed_dp_gaussian(1, FED_SAMPLING_NONE, 1, 10);
    double exact = 0, charged = 0;
    fed_error err;
    CHECK_OK(fed_dp_epsilon(&e, 1, FED_ACCOUNTANT_PLD, 1e-6, &exact, &err), &err);
    e.distance_log2 = -90, e.dim = 1000000, e.shares = 100;
    CHECK_OK(fed_dp_epsilon(&e, 1, FED_ACCOUNTANT_PLD, 1e-6, &charged, &err), &err);
    CHECK(charged > exact && charged < exact * 1.0001);
    e.distance_log2 = -30;
    CHECK_OK(fed_dp_epsilon(&e, 1, FED_ACCOUNTANT_PLD, 1e-6, &charged, &err), &err);
    CHECK(isinf(charged));
}

static fed_status account_once(void *ctx)
{
    fed_dp_event e = fed_dp_gaussian(1, FED_SAMPLING_POISSON, 0.1, 20);
    double epsilon;
    (void)ctx;
    FED_TRY(fed_dp_epsilon(&e, 1, FED_ACCOUNTANT_RDP, 1e-5, &epsilon, NULL));
    return fed_dp_epsilon(&e, 1, FED_ACCOUNTANT_PLD, 1e-5, &epsilon, NULL);
}

static void test_torture(void)
{
    CHECK(fed_torture(account_once, NULL) > 5);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_rdp_rows),        CASE(test_pld_rows),
        CASE(test_crosscheck_rows), CASE(test_fixed_size_rows),
        CASE(test_zcdp_rows),       CASE(test_analytic_gaussian),
        CASE(test_pld_consistency), CASE(test_inverse_queries),
        CASE(test_torture),         CASE(test_sampler_distance_is_charged),
    };
    return fed_run("dp_accounting", cases, sizeof cases / sizeof *cases);
}
