#include "audit.h"

#include <math.h>

/* log of the binomial mass. */
static double log_mass(uint64_t k, uint64_t n, double p)
{
    double choose =
        lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1);
    if (p <= 0) return k ? -INFINITY : 0;
    if (p >= 1) return k < n ? -INFINITY : 0;
    return choose + (double)k * log(p) + (double)(n - k) * log1p(-p);
}

/* P(X >= k). */
static double tail_above(uint64_t k, uint64_t n, double p)
{
    double sum = 0;
    for (uint64_t i = n + 1; i-- > k;)
        sum += exp(log_mass(i, n, p));
    return sum < 1 ? sum : 1;
}

static double tail_below(uint64_t k, uint64_t n, double p)
{
    return tail_above(n - k, n, 1 - p);
}

double fed_binomial_lower(uint64_t k, uint64_t n, double alpha)
{
    double low = 0, high = n ? (double)k / (double)n : 0;
    if (!k) return 0;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (tail_above(k, n, middle) < alpha)
            low = middle;
        else
            high = middle;
    }
    return low;
}

double fed_binomial_upper(uint64_t k, uint64_t n, double alpha)
{
    double low = n ? (double)k / (double)n : 0, high = 1;
    if (k >= n) return 1;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (tail_below(k, n, middle) < alpha)
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* (epsilon, delta)-privacy means P1(A) <= e^epsilon P0(A) + delta for every event A: the test
 * says 1, the test says 0, and each with the worlds exchanged. */
double fed_audit_two_worlds(uint64_t ones1, uint64_t n1, uint64_t ones0, uint64_t n0,
                            double delta, double alpha)
{
    const uint64_t count[2][2] = {{ones1, ones0}, {n1 - ones1, n0 - ones0}};
    double best = 0;
    for (int event = 0; event < 2; event++)
        for (int swap = 0; swap < 2; swap++) {
            uint64_t a = count[event][swap], b = count[event][!swap];
            double often = fed_binomial_lower(a, swap ? n0 : n1, alpha / 2);
            double rarely = fed_binomial_upper(b, swap ? n1 : n0, alpha / 2);
            if (often > delta) best = fmax(best, log((often - delta) / rarely));
        }
    return best;
}

/* Their bound on the chance of v or more right among r: a binomial tail at
 * e^epsilon / (1 + e^epsilon), plus what delta can add: 2 m delta times the largest
 * P(v > X >= v - i) / i. */
double fed_audit_one_run_p(uint64_t m, uint64_t guesses, uint64_t correct, double epsilon,
                           double delta)
{
    double p = 1 / (1 + exp(-epsilon)), sum = 0, steepest = 0;
    double tail = tail_above(correct, guesses, p);
    for (uint64_t i = 1; i <= correct; i++) {
        sum += exp(log_mass(correct - i, guesses, p));
        if (sum > (double)i * steepest) steepest = sum / (double)i;
    }
    return fmin(1, tail + 2 * (double)m * delta * steepest);
}

double fed_audit_one_run(uint64_t m, uint64_t guesses, uint64_t correct, double delta,
                         double alpha)
{
    double low = 0, high = 1;
    if (fed_audit_one_run_p(m, guesses, correct, 0, delta) >= alpha) return 0;
    while (high < 64 && fed_audit_one_run_p(m, guesses, correct, high, delta) < alpha)
        low = high, high *= 2;
    for (int i = 0; i < 50; i++) {
        double middle = (low + high) / 2;
        if (fed_audit_one_run_p(m, guesses, correct, middle, delta) < alpha)
            low = middle;
        else
            high = middle;
    }
    return low;
}
