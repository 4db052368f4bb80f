/* Distributed noise against its tables: scales, sensitivities, the authors' epsilon, and ours by
 * domination. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "csv_rows.h"
#include "dp.h"

static double relative(double a, double b)
{
    return fabs(a - b) / fmax(fabs(b), 1e-300);
}

/* The row as an event: everything in the units of the update becomes integers by the scale. */
static fed_dp_event row_event(const csv_rows *csv, double scale, double local)
{
    bool skellam = !strcmp(csv_text(csv, "mechanism"), "skellam");
    double q = csv_number(csv, "q"), dim = csv_number(csv, "dim");
    double norm = csv_number(csv, "clip") * scale;
    fed_dp_event e = fed_dp_gaussian(1, q < 1 ? FED_SAMPLING_POISSON : FED_SAMPLING_NONE,
                                     q, (uint64_t)csv_number(csv, "steps"));
    e.model = skellam ? FED_MODEL_SKELLAM : FED_MODEL_DISTRIBUTED;
    e.sigma_local = local * scale;
    e.shares = (uint64_t)csv_number(csv, "n");
    e.dim = (uint64_t)dim;
    e.delta2 = fed_rounded_norm(norm, dim, csv_number(csv, "beta"));
    e.delta1 = e.delta2 * fmin(sqrt(dim), e.delta2);
    return e;
}

/* The reference's own orders: 2..128 and 256. */
static double epsilon_at_reference_order(const fed_dp_event *e, double order,
                                         double delta)
{
    double root = sqrt((double)e->shares) * e->sigma_local;
    if (e->sampling == FED_SAMPLING_POISSON) return NAN;
    double tau = fed_ddgauss_tau(e->sigma_local, e->shares);
    double rdp = e->model == FED_MODEL_SKELLAM
                     ? fed_rdp_skellam(e->delta2, e->delta1, root * root, order)
                     : fed_rdp_ddgauss(e->delta2 / root, e->delta1 / root, tau,
                                       (double)e->dim, order);
    return fed_rdp_to_epsilon(order, (double)e->count * rdp, delta);
}

static void check_row(const csv_rows *csv, double *worst, double *worst_inverse)
{
    bool inverse = !strcmp(csv_text(csv, "kind"), "params");
    double tolerance = inverse ? 1e-3 : 1e-9, delta = csv_number(csv, "delta");
    double scale = csv_number(csv, "scale"), local = csv_number(csv, "local_stddev");
    double wanted = csv_number(csv, "eps"), order = csv_number(csv, "rdp_order"),
           found = NAN;
    fed_dp_event e = row_event(csv, scale, local);
    fed_error err;
    CHECK(relative(e.delta2 / scale, csv_number(csv, "l2_sens_rounded")) < 1e-9);
    CHECK(relative(e.delta1 / scale, csv_number(csv, "l1_sens_rounded")) < 1e-9);
    CHECK_OK(fed_dp_epsilon(&e, 1, FED_ACCOUNTANT_RDP, delta, &found, &err), &err);
    CHECK_MSG(relative(found, wanted) < tolerance || found < wanted,
              "%s n %g dim %g bits %g q %g: %.12g, not %.12g", csv_text(csv, "mechanism"),
              csv_number(csv, "n"), csv_number(csv, "dim"), csv_number(csv, "bits"),
              csv_number(csv, "q"), found, wanted);
    double at_order = epsilon_at_reference_order(&e, order, delta);
    if (isnan(at_order)) at_order = found; /* sampled: the best order is the same one */
    double *w = inverse ? worst_inverse : worst;
    *w = fmax(*w, relative(at_order, wanted));
    CHECK_MSG(relative(at_order, wanted) < tolerance,
              "%s n %g dim %g bits %g q %g: %.12g, not "
              "%.12g",
              csv_text(csv, "mechanism"), csv_number(csv, "n"), csv_number(csv, "dim"),
              csv_number(csv, "bits"), csv_number(csv, "q"), at_order, wanted);
}

static void check_scale(const csv_rows *csv)
{
    double s = fed_distributed_scale(
        csv_number(csv, "clip"), csv_number(csv, "local_stddev"), csv_number(csv, "n"),
        csv_number(csv, "dim"), csv_number(csv, "k_stddevs"),
        (unsigned)csv_number(csv, "bits"));
    double wanted = csv_number(csv, "scale");
    if (!strcmp(csv_text(csv, "kind"), "forward")) CHECK_EQ(floor(s), wanted);
}

static void test_authors_rows(void)
{
    csv_rows csv;
    int rows = 0, inverse = 0;
    double worst = 0, worst_inverse = 0;
    if (!csv_open(&csv, "ddgauss_reference.csv")) return;
    while (csv_next(&csv)) {
        check_scale(&csv);
        check_row(&csv, &worst, &worst_inverse);
        inverse += !strcmp(csv_text(&csv, "kind"), "params"), rows++;
    }
    fed_note("%d rows (%d inverse problems), relative difference at most %.2g (%.2g)",
             rows, inverse, worst, worst_inverse);
}

static void test_domination_rows(void)
{
    csv_rows csv;
    int rows = 0;
    double best = 1;
    if (!csv_open(&csv, "ddgauss_pld_reference.csv")) return;
    while (csv_next(&csv)) {
        double q = csv_number(&csv, "q"), delta = csv_number(&csv, "delta"), found = NAN;
        fed_dp_event e =
            fed_dp_gaussian(1, q < 1 ? FED_SAMPLING_POISSON : FED_SAMPLING_NONE, q,
                            (uint64_t)csv_number(&csv, "steps"));
        e.model = FED_MODEL_DISTRIBUTED;
        e.sigma_local = csv_number(&csv, "local_stddev_int");
        e.shares = (uint64_t)csv_number(&csv, "n"),
        e.dim = (uint64_t)csv_number(&csv, "dim");
        e.delta2 = csv_number(&csv, "delta2_int"),
        e.delta1 = e.delta2 * sqrt((double)e.dim);
        fed_error err;
        fed_domination d;
        CHECK_OK(
            fed_domination_derive(&d, e.sigma_local, e.shares, e.delta2, e.dim, 2, &err),
            &err);
        CHECK(relative(d.sigma_effective, csv_number(&csv, "sigma_eff")) < 1e-9);
        CHECK(relative(d.slack * (double)e.count, csv_number(&csv, "xi_total")) < 1e-6);
        CHECK_OK(fed_dp_epsilon(&e, 1, FED_ACCOUNTANT_PLD, delta, &found, &err), &err);
        double wanted = csv_number(&csv, "eps_pld_domination");
        CHECK_MSG(fabs(found - wanted) < 2e-3, "n %g dim %g q %g: %.9g, not %.9g",
                  (double)e.shares, (double)e.dim, q, found, wanted);
        best = fmin(best, found / csv_number(&csv, "eps_authors_rdp"));
        rows++;
    }
    CHECK(rows > 0 && best < (rows > 100 ? 0.8 : 1)); /* the sample has mild rows only */
    fed_note("%d rows; at best %.2f of the authors' epsilon", rows, best);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_authors_rows), CASE(test_domination_rows)};
    return fed_run("dp_distributed", cases, sizeof cases / sizeof *cases);
}
