/* Tails of the distributions that graphs are made of, as natural logarithms. Internal. */
#ifndef FED_SECAGG_TAILS_H
#define FED_SECAGG_TAILS_H

#include <stdint.h>

/** ln of the number of k-subsets of n. */
double fed_tails_ln_choose(uint32_t n, uint32_t k);
/** ln P[X >= t], X ~ hypergeometric: `draws` from `all`, of which `marked` count. Exact up to
 *  rounding; -INFINITY when it cannot happen. */
double fed_tails_hypergeometric(uint32_t all, uint32_t marked, uint32_t draws, int64_t t);
/** ln P[X > v], X ~ binomial(n, p). */
double fed_tails_binomial_above(uint32_t n, double p, uint32_t v);
/** An upper bound of ln P[X - Y >= gap], gap >= 1: of `draws` from `all` without replacement
 *  X fall into `plus` and Y into `minus`. Chernoff's bound at its best exponent; sampling
 *  without replacement is dominated by sampling with (Hoeffding 1963, theorem 4). */
double fed_tails_difference(uint32_t all, uint32_t plus, uint32_t minus, uint32_t draws,
                            int64_t gap);
/** ln(e^a + e^b). */
double fed_tails_ln_add(double a, double b);

#endif
