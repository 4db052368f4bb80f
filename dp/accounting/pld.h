/*
 * Privacy loss distributions on a grid. A mechanism becomes the pair of output distributions
 * that dominates it; the loss is discretised by connecting the dots of its hockey-stick curve
 * (Doroshenko, Ghazi, Kamath, Kumar, Manurangsi 2022), which never understates it; releases
 * compose by FFT of the exponentially tilted distribution, so that round-off is relative to
 * the delta asked for. What is cut off counts as infinite loss; round-off and aliasing are
 * bounded and charged to delta.
 */
#ifndef FED_PLD_H
#define FED_PLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base.h"

/** One kind of release, `count` times: the Gaussian with noise multiplier sigma, sampled with
 *  probability q (1: not sampled). `both_ways`: replace one in a sample of fixed size, which
 *  needs one curve that dominates both directions; sigma is then over twice the sensitivity. */
typedef struct fed_pld_event {
    double sigma, q;
    uint64_t count;
    bool both_ways;
} fed_pld_event;

/** The smallest epsilon >= 0 with delta(epsilon) <= delta for the composition, the worse of
 *  the two directions (add and remove); INFINITY when there is none. At most 256 kinds of
 *  events. FED_E_LIMIT when no grid within the memory bound covers the loss. */
FED_MUST_CHECK fed_status fed_pld_epsilon(const fed_pld_event *events, size_t n,
                                          double delta, double *epsilon, fed_error *err);
/** delta at this epsilon. */
FED_MUST_CHECK fed_status fed_pld_delta(const fed_pld_event *events, size_t n,
                                        double epsilon, double *delta, fed_error *err);

#endif
