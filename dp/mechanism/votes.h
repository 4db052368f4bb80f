/*
 * Votes (`select: voted`): a second release of the same participation, with an integer norm
 * bound and noise of its own. Both are paid for: 1/z^2 = 1/z_update^2 + 1/z_votes^2.
 */
#ifndef FED_VOTES_H
#define FED_VOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base.h"

typedef struct fed_votes_bound {
    uint64_t norm_squared; /* of one device's vote vector: k * (2^bits - 1)^2 */
    double norm;           /* its root, rounded up */
} fed_votes_bound;

/** The bound for at most k blocks voted for with `bits`-bit weights, 1..16. */
FED_MUST_CHECK fed_status fed_votes_bound_derive(fed_votes_bound *out, uint32_t k,
                                                 unsigned bits, fed_error *err);
/** Check a vote vector exactly; one that breaks the bound becomes zero and true is returned,
 *  to be counted. */
bool fed_votes_enforce(const fed_votes_bound *bound, int64_t *votes, size_t n);
/** Split z: `share` in (0,1) of 1/z^2 goes to the votes. */
FED_MUST_CHECK fed_status fed_votes_split(double z, double share, double *z_update,
                                          double *z_votes, fed_error *err);

#endif
