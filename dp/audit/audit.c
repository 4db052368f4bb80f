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

/* The largest epsilon whose p-value is below alpha; p grows with epsilon. */
typedef struct experiment {
    double (*p)(const struct experiment *of, double epsilon);
    uint64_t m, guesses, correct;
    double delta;
} experiment;

static double largest_refuted(const experiment *e, double alpha)
{
    double low = 0, high = 1;
    if (e->p(e, 0) >= alpha) return 0;
    while (high < 64 && e->p(e, high) < alpha)
        low = high, high *= 2;
    for (int i = 0; i < 50; i++) {
        double middle = (low + high) / 2;
        if (e->p(e, middle) < alpha)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static double p_of_one_run(const experiment *e, double epsilon)
{
    return fed_audit_one_run_p(e->m, e->guesses, e->correct, epsilon, e->delta);
}

double fed_audit_one_run(uint64_t m, uint64_t guesses, uint64_t correct, double delta,
                         double alpha)
{
    experiment e = {p_of_one_run, m, guesses, correct, delta};
    return largest_refuted(&e, alpha);
}

/* The guesses that are not given away: `m` of them were. */
static double p_of_the_rest(const experiment *e, double epsilon)
{
    if (e->correct <= e->m) return 1;
    return tail_above(e->correct - e->m, e->guesses - e->m, 1 / (1 + exp(-epsilon)));
}

/* The fewest that Binomial(n, p) exceeds with probability at most alpha. */
static uint64_t quantile_above(uint64_t n, double p, double alpha)
{
    uint64_t low = 0, high = n;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (tail_above(middle + 1, n, p) <= alpha)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* An (epsilon, delta)-private release of one coin is post-processed from one that shows the coin
 * with probability delta, and else answers by randomised response (Kairouz, Oh, Viswanath 2015,
 * theorem 3.2 and its proof): a guess is then right with probability at most e^epsilon / (1 +
 * e^epsilon), whatever was seen. So of all rounds Binomial(rounds, delta) at most are given
 * away, which exceeds f with probability alpha/2 at most, and what is right among the others is
 * at most binomial. */
double fed_audit_rounds(uint64_t rounds, uint64_t guesses, uint64_t correct, double delta,
                        double alpha)
{
    uint64_t given = quantile_above(rounds, delta, alpha / 2);
    experiment e = {p_of_the_rest, given < guesses ? given : guesses, guesses, correct,
                    0};
    return largest_refuted(&e, alpha / 2);
}
