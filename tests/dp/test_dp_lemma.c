/* docs/domination-lemma.md, numerically: each step, the whole, and why r = 0 would be wrong. */
#include "harness.h"

#include <stdlib.h>

#include "dp.h"

enum { REACH = 400 };
static const double pi = 3.14159265358979323846;

/* exp(-(k-c)^2 / 2 s^2), normalised over the integers. */
static void discrete_gaussian(long double *p, double sigma, int centre)
{
    long double sum = 0;
    for (int k = -REACH; k <= REACH; k++) {
        long double z = (k - centre) / (long double)sigma;
        sum += p[k + REACH] = expl(-z * z / 2);
    }
    for (int k = 0; k <= 2 * REACH; k++)
        p[k] /= sum;
}

static double hockey_stick(const long double *p, const long double *q, double epsilon)
{
    long double sum = 0, e = expl(epsilon);
    for (int k = 0; k <= 2 * REACH; k++)
        if (p[k] > e * q[k]) sum += p[k] - e * q[k];
    return (double)sum;
}

/* Step 1: sum over the integers of a shifted Gaussian is its integral, up to 1 +- eta. */
static void test_lattice_sums(void)
{
    for (double r = 0.5; r < 1.6; r += 0.25) {
        double eta = 0, least = 1e9, most = 0;
        for (int j = 1; j < 9; j++)
            eta += 2 * exp(-2 * pi * pi * r * r * j * j);
        for (double c = 0; c <= 0.5; c += 0.05) {
            double sum = 0;
            for (int k = -60; k <= 60; k++)
                sum += exp(-(k - c) * (k - c) / (2 * r * r)) / (r * sqrt(2 * pi));
            least = fmin(least, sum), most = fmax(most, sum);
        }
        CHECK(most <= 1 + eta + 1e-14 && least >= 1 - eta - 1e-14);
        CHECK(most > 1 + 0.99 * eta - 1e-14); /* and it is reached */
    }
}

/* Step 2: N(m, sigma^2 - r^2), then a discrete Gaussian of width r around it, is the discrete
 * Gaussian of width sigma up to a log-ratio of 2 atanh(eta). */
static void test_post_processing(void)
{
    const double sigma = 2.5;
    for (double r = 0.5; r <= 1; r += 0.25) {
        double s = sqrt(sigma * sigma - r * r), eta = 2 * exp(-2 * pi * pi * r * r),
               worst = 0;
        double target_sum = 0;
        for (int k = -80; k <= 80; k++)
            target_sum += exp(-k * k / (2 * sigma * sigma));
        for (int k = -12; k <= 12; k++) {
            double mass = 0, step = 1.0 / 64;
            for (double y = k - 30; y < k + 30; y += step) {
                double around = 0;
                for (int j = (int)floor(y) - 14; j <= (int)floor(y) + 15; j++)
                    around += exp(-(j - y) * (j - y) / (2 * r * r));
                mass += step * exp(-y * y / (2 * s * s)) / (s * sqrt(2 * pi)) *
                        exp(-(k - y) * (k - y) / (2 * r * r)) / around;
            }
            double wanted = exp(-k * k / (2 * sigma * sigma)) / target_sum;
            worst = fmax(worst, fabs(log(mass / wanted)));
        }
        CHECK_MSG(worst <= 2 * atanh(eta) * 1.01 + 1e-11, "r %g: log-ratio %g, bound %g",
                  r, worst, 2 * atanh(eta));
    }
}

/* Step 3: the sum of n discrete shares against one discrete Gaussian. */
static void test_sum_of_shares(void)
{
    static long double sum[2 * REACH + 1], next[2 * REACH + 1], one[2 * REACH + 1];
    for (double sigma = 0.7; sigma < 1.4; sigma += 0.2) {
        double bound = 0;
        discrete_gaussian(one, sigma, 0);
        memcpy(sum, one, sizeof sum);
        for (int n = 2; n <= 6; n++) {
            memset(next, 0, sizeof next);
            for (int a = 0; a <= 2 * REACH; a++)
                for (int b = -15; b <= 15; b++)
                    if (a + b >= 0 && a + b <= 2 * REACH)
                        next[a + b] += sum[a] * one[b + REACH];
            memcpy(sum, next, sizeof sum);
            bound += 4 * exp(-2 * pi * pi * sigma * sigma * (n - 1) / n) * (1 + 1e-3);
            static long double whole[2 * REACH + 1];
            discrete_gaussian(whole, sigma * sqrt(n), 0);
            double worst = 0;
            for (int k = -8; k <= 8; k++)
                worst =
                    fmax(worst, (double)fabsl(logl(sum[k + REACH] / whole[k + REACH])));
            CHECK_MSG(worst <= bound + 1e-12, "sigma %g n %d: log-ratio %g, bound %g",
                      sigma, n, worst, bound);
        }
    }
}

/* The whole: delta of the discrete mechanism under the dominating Gaussian's, everywhere. */
static void test_dominated(void)
{
    static long double p[2 * REACH + 1], q[2 * REACH + 1];
    for (double sigma = 3; sigma < 25; sigma *= 1.6)
        for (int shift = 1; shift <= 5; shift += 2) {
            fed_domination d;
            fed_error err;
            CHECK_OK(fed_domination_derive(&d, sigma, 1, shift, 1, 2, &err), &err);
            discrete_gaussian(p, sigma, 0), discrete_gaussian(q, sigma, shift);
            for (double epsilon = 0; epsilon < 6; epsilon += 0.01) {
                double there =
                    fed_gaussian_delta(d.sigma_effective, epsilon - 2 * d.slack);
                double here = hockey_stick(p, q, epsilon);
                CHECK_MSG(here <= there * exp(d.slack) + 1e-17,
                          "sigma %g shift %d epsilon %g: %g above %g", sigma, shift,
                          epsilon, here, there);
            }
        }
}

/* With r = 0 it is false: on chords between two losses the discrete curve is above the Gaussian
 * of the very same variance. */
static void test_no_radius_is_not_enough(void)
{
    static long double p[2 * REACH + 1], q[2 * REACH + 1];
    const double sigma = 3;
    double largest = 0, at = 0;
    discrete_gaussian(p, sigma, 0), discrete_gaussian(q, sigma, 1);
    for (double epsilon = 0; epsilon < 3; epsilon += 0.001) {
        double here = hockey_stick(p, q, epsilon),
               there = fed_gaussian_delta(sigma, epsilon);
        if (here / there > largest) largest = here / there, at = epsilon;
    }
    CHECK(largest > 1.001);
    fed_note(
        "sigma 3, shift 1, epsilon %.3f: discrete delta is %.4f times the Gaussian's", at,
        largest);
    fed_domination d;
    fed_error err;
    CHECK_FAILS(fed_domination_derive(&d, 3, 1, 1, 1, 0, &err), FED_E_REFUSED, &err,
                "slack");
    CHECK_FAILS(fed_domination_derive(&d, 0.5, 1, 1, 1, 2, &err), FED_E_REFUSED, &err,
                "radius");
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_lattice_sums),
        CASE(test_post_processing),
        CASE(test_sum_of_shares),
        CASE(test_dominated),
        CASE(test_no_radius_is_not_enough),
    };
    return fed_run("dp_lemma", cases, sizeof cases / sizeof *cases);
}
