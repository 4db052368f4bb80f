/* The union bound over subsets that the active adversary's parameters rest on. Internal. */
#ifndef FED_SECAGG_UNIONBOUND_H
#define FED_SECAGG_UNIONBOUND_H

#include <stdint.h>

/** An upper bound of ln P[two disjoint sets of honest members each hold together], of n
 *  members c corrupt, each honest one picking k others, gap = 2t - k (docs/
 *  secagg-parameters.md, lemma 2). Stops, with what it has, once above `enough`. */
double fed_unionbound_two_sums(uint32_t n, uint32_t c, uint32_t k, int64_t gap,
                               double enough);
/** The largest m for which ln P[some set of at most m honest members holds together] stays
 *  below `goal` (lemma 3). */
uint32_t fed_unionbound_smallest(uint32_t n, uint32_t c, uint32_t k, int64_t gap,
                                 double goal);

#endif
