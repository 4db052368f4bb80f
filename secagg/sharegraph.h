/*
 * How many neighbours, and how many of them it takes: the numbers of a cohort's graph.
 *
 * Each member hands shares of its secrets to k others, of whom any t can restore them. Too
 * few, and corrupt members find enough of each other among one victim's holders; too many,
 * and everybody pays. All tails are exact (hypergeometric, binomial); what is bounded by a
 * union over subsets is derived in docs/secagg-parameters.md.
 */
#ifndef FED_SECAGG_GRAPH_H
#define FED_SECAGG_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "base.h"

enum {
    FED_SECAGG_MEMBERS_MIN = 3,
    FED_SECAGG_MEMBERS_MAX = 16384,
    FED_SECAGG_PPM = 1000000, /* fractions are parts per million: the same on all sides */
    FED_SECAGG_COHORTS = 8    /* cohorts that one update may try */
};

/** Against whom a cohort is secure. */
typedef enum fed_secagg_adversary {
    FED_SECAGG_CURIOUS = 1,       /* follows the protocol, remembers all it sees */
    FED_SECAGG_ACTIVE = 2,        /* may lie about everything */
    FED_SECAGG_SEMI_MALICIOUS = 3 /* honest until the graph stands, then lies about who
                                      dropped: `curious` with 2t > k + corrupt holders */
} fed_secagg_adversary;

/** "curious", "active", "semi-malicious"; NULL for another value. */
const char *fed_secagg_adversary_name(fed_secagg_adversary adversary);

/** What is assumed of a cohort's members. */
typedef struct fed_secagg_threat {
    fed_secagg_adversary adversary;
    uint32_t corrupt_ppm; /* corrupt members of the cohort, at most */
    uint32_t dropout_ppm; /* members that leave before the end, at most */
    bool complete; /* nothing less than the complete graph will do: what is summed must
                             be proved to cover s_min - c honest members (noise in shares) */
} fed_secagg_threat;

typedef struct fed_secagg_graph {
    uint32_t n;      /* members */
    uint32_t k;      /* holders of each member's shares; n - 1: the complete graph */
    uint32_t t;      /* shares that restore a secret */
    uint32_t in_max; /* active: a member picked by more than these leaves */
} fed_secagg_graph;

/** The numbers for `n` members: the smallest k, and for it the smallest t, such that security
 *  fails with probability below 2^-40 (active: 2^-40 over FED_SECAGG_COHORTS cohorts) and the
 *  protocol fails to finish with probability below 2^-20. FED_E_REFUSED with the reason when
 *  not even the complete graph will do. Pure; up to about a second for n = 10^4. */
FED_MUST_CHECK fed_status fed_secagg_graph_choose(const fed_secagg_threat *threat,
                                                  uint32_t n, fed_secagg_graph *out,
                                                  fed_error *err);

/** Is `graph` as safe as fed_secagg_graph_choose would make it? Only security is checked,
 *  with half a bit of tolerance for another machine's logarithms. FED_E_REFUSED. */
FED_MUST_CHECK fed_status fed_secagg_graph_check(const fed_secagg_threat *threat,
                                                 const fed_secagg_graph *graph,
                                                 fed_error *err);

/** log2 of the bound on the probability that security fails (-infinity: it cannot). */
double fed_secagg_graph_insecurity(const fed_secagg_threat *threat,
                                   const fed_secagg_graph *graph);
/** log2 of the bound on the probability that some member that stays has fewer than t
 *  holders that stay. */
double fed_secagg_graph_unfinished(const fed_secagg_threat *threat,
                                   const fed_secagg_graph *graph);
/** Active, sparse graphs: a sum that the server can learn, whatever it does, covers more
 *  honest members than this (docs/secagg-parameters.md, lemma 3). */
uint32_t fed_secagg_graph_smallest_sum(const fed_secagg_threat *threat,
                                       const fed_secagg_graph *graph);

#endif
