/*
 * Lower bounds on epsilon from experiments: if the mechanism were (epsilon, delta)-private
 * for a smaller epsilon, the outcome would have been too unlikely.
 */
#ifndef FED_AUDIT_H
#define FED_AUDIT_H

#include <stdint.h>

#include "base.h"

/** One-sided Clopper-Pearson bounds for k successes of n: the true rate is at least (at
 *  most) this, except with probability `alpha`. */
double fed_binomial_lower(uint64_t k, uint64_t n, double alpha);
double fed_binomial_upper(uint64_t k, uint64_t n, double alpha);

/** Two worlds: a fixed test says "1" in `ones1` of n1 runs of world 1 and in `ones0` of n0
 *  runs of world 0. epsilon is at least this, except with probability `alpha` (both error
 *  rates are bounded at alpha/2). 0 when nothing is shown. */
double fed_audit_two_worlds(uint64_t ones1, uint64_t n1, uint64_t ones0, uint64_t n0,
                            double delta, double alpha);

/** One run (Steinke, Nasr, Jagielski 2023, theorem 5.2 and appendix D): m canaries are each
 *  in or out by a fair coin; of `guesses` guesses made, `correct` were right. The probability
 *  of that many, were the mechanism (epsilon, delta)-private, is at most: */
double fed_audit_one_run_p(uint64_t m, uint64_t guesses, uint64_t correct, double epsilon,
                           double delta);
/** The largest epsilon with p below `alpha`, or 0. */
double fed_audit_one_run(uint64_t m, uint64_t guesses, uint64_t correct, double delta,
                         double alpha);

/** One run in which each of `rounds` canaries takes part in a round (or rounds) of its own, so
 *  that their noise is independent: of `guesses` guesses `correct` were right. epsilon is at
 *  least this, except with probability `alpha`; 0 when nothing is shown. Since rounds fail
 *  their delta one by one, never all together, this shows more than fed_audit_one_run(). */
double fed_audit_rounds(uint64_t rounds, uint64_t guesses, uint64_t correct, double delta,
                        double alpha);

#endif
