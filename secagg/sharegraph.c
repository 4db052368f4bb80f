#include "sharegraph.h"

#include <math.h>

#include "tails.h"
#include "unionbound.h"

/* Budgets in bits. Curious: half for holders, half for a graph that falls apart. */
static const double LN2 = 0.69314718055994530942;
enum { CURIOUS_BITS = 41, ACTIVE_BITS = 43, UNFINISHED_BITS = 20 };

/* No member alone restores another's secret, whatever the fractions say. */
enum { K_MIN = 2, T_MIN = 2 };

const char *fed_secagg_adversary_name(fed_secagg_adversary adversary)
{
    switch (adversary) {
    case FED_SECAGG_CURIOUS:
        return "curious";
    case FED_SECAGG_ACTIVE:
        return "active";
    case FED_SECAGG_SEMI_MALICIOUS:
        return "semi-malicious";
    }
    return NULL;
}

static uint32_t part_of(uint32_t n, uint32_t ppm)
{
    return (uint32_t)((uint64_t)n * ppm / FED_SECAGG_PPM);
}

static uint32_t corrupt_of(const fed_secagg_threat *threat, uint32_t n)
{
    return part_of(n, threat->corrupt_ppm);
}

/* Corrupt holders of one member from which on its secrets are lost: t of them restore a
 * secret; a server that lies needs t - X honest holders for each of the two, so 2t - k. */
static int64_t fatal_holders(const fed_secagg_threat *threat, const fed_secagg_graph *g)
{
    return threat->adversary == FED_SECAGG_CURIOUS ? g->t : 2 * (int64_t)g->t - g->k;
}

static bool is_complete(const fed_secagg_graph *g)
{
    return g->k == g->n - 1;
}

/* Circulant: what remains after corrupt and dropped members have left is in two parts only
 * if two runs of k/2 neighbours are all gone; C(n, 2) places for them. */
static double ln_disconnected(const fed_secagg_threat *threat, const fed_secagg_graph *g)
{
    uint32_t gone = corrupt_of(threat, g->n) + part_of(g->n, threat->dropout_ppm);
    if (gone >= g->n) return 0;
    return fed_tails_ln_choose(g->n, 2) +
           fed_tails_hypergeometric(g->n, gone, g->k, g->k);
}

/* Some member has `fatal` corrupt holders. */
static double ln_fatal(const fed_secagg_threat *threat, const fed_secagg_graph *g)
{
    int64_t fatal = fatal_holders(threat, g);
    if (fatal <= 0) return 0;
    double one =
        fed_tails_hypergeometric(g->n - 1, corrupt_of(threat, g->n), g->k, fatal);
    double all = log(g->n) + one;
    return all < 0 ? all : 0;
}

/* ln of the bound, which may stop early once it is above `enough`. */
static double ln_insecurity(const fed_secagg_threat *threat, const fed_secagg_graph *g,
                            double enough)
{
    double fatal = ln_fatal(threat, g);
    if (is_complete(g) || fatal > enough) return fatal;
    if (threat->adversary != FED_SECAGG_ACTIVE)
        return fed_tails_ln_add(fatal, ln_disconnected(threat, g));
    return fed_unionbound_two_sums(g->n, corrupt_of(threat, g->n), g->k,
                                   fatal_holders(threat, g), enough);
}

double fed_secagg_graph_insecurity(const fed_secagg_threat *threat,
                                   const fed_secagg_graph *graph)
{
    return ln_insecurity(threat, graph, 0) / LN2;
}

/* A member that stays has too few holders that stay; the departed are a random set. */
static double ln_unfinished(const fed_secagg_threat *threat, const fed_secagg_graph *g)
{
    uint32_t gone = part_of(g->n, threat->dropout_ppm);
    if (is_complete(g)) return g->k - gone >= g->t && gone < g->n ? -INFINITY : 0;
    double all =
        log(g->n) + fed_tails_hypergeometric(g->n, gone, g->k, (int64_t)g->k - g->t + 1);
    return all < 0 ? all : 0;
}

double fed_secagg_graph_unfinished(const fed_secagg_threat *threat,
                                   const fed_secagg_graph *graph)
{
    return ln_unfinished(threat, graph) / LN2;
}

uint32_t fed_secagg_graph_smallest_sum(const fed_secagg_threat *threat,
                                       const fed_secagg_graph *graph)
{
    return fed_unionbound_smallest(graph->n, corrupt_of(threat, graph->n), graph->k,
                                   fatal_holders(threat, graph), -ACTIVE_BITS * LN2);
}

/* ---- Choosing ---------------------------------------------------------------------- */

static bool is_secure(const fed_secagg_threat *threat, const fed_secagg_graph *g,
                      double slack_bits)
{
    bool active = threat->adversary == FED_SECAGG_ACTIVE;
    double goal = (slack_bits - (active ? ACTIVE_BITS : CURIOUS_BITS)) * LN2;
    if (!active && !is_complete(g) && ln_disconnected(threat, g) >= goal) return false;
    return (active ? ln_insecurity(threat, g, goal) : ln_fatal(threat, g)) < goal;
}

/* Active cohorts share the 2^-20 between drop-outs and members picked too often. */
static bool finishes(const fed_secagg_threat *threat, const fed_secagg_graph *g)
{
    int bits = UNFINISHED_BITS + (threat->adversary == FED_SECAGG_ACTIVE);
    return ln_unfinished(threat, g) < -bits * LN2;
}

/* The largest t with which the protocol still finishes, or 0. */
static uint32_t largest_threshold(const fed_secagg_threat *threat, fed_secagg_graph g)
{
    uint32_t low = 0, high = g.k;
    while (low < high) {
        g.t = low + (high - low + 1) / 2;
        if (finishes(threat, &g))
            low = g.t;
        else
            high = g.t - 1;
    }
    return low;
}

/* The smallest secure t up to `high`, which is secure. */
static uint32_t smallest_threshold(const fed_secagg_threat *threat, fed_secagg_graph g,
                                   uint32_t high)
{
    uint32_t low = T_MIN;
    while (low < high) {
        g.t = low + (high - low) / 2;
        if (is_secure(threat, &g, 0))
            high = g.t;
        else
            low = g.t + 1;
    }
    return low;
}

static bool threshold_for(const fed_secagg_threat *threat, fed_secagg_graph *g)
{
    g->t = largest_threshold(threat, *g);
    if (g->t < T_MIN || !is_secure(threat, g, 0)) return false;
    g->t = smallest_threshold(threat, *g, g->t);
    return true;
}

static uint32_t most_pickers(const fed_secagg_graph *g)
{
    if (is_complete(g)) return g->k;
    double p = (double)g->k / (g->n - 1), goal = -(UNFINISHED_BITS + 1) * LN2;
    uint32_t v = g->k;
    while (v < g->n - 1 && log(g->n) + fed_tails_binomial_above(g->n - 1, p, v) >= goal)
        v++;
    return v;
}

static fed_status check_threat(const fed_secagg_threat *threat, uint32_t n,
                               fed_error *err)
{
    if (!fed_secagg_adversary_name(threat->adversary))
        return fed_fail(err, FED_E_INVALID, "secagg.adversary: %d is not known",
                        (int)threat->adversary);
    if (n < FED_SECAGG_MEMBERS_MIN || n > FED_SECAGG_MEMBERS_MAX)
        return fed_fail(err, FED_E_INVALID, "secagg: %u members, allowed are %d to %d", n,
                        FED_SECAGG_MEMBERS_MIN, FED_SECAGG_MEMBERS_MAX);
    if (threat->corrupt_ppm >= FED_SECAGG_PPM || threat->dropout_ppm >= FED_SECAGG_PPM)
        return fed_fail(err, FED_E_INVALID,
                        "secagg: corrupt %u and dropout %u parts per million, each must "
                        "be below %d",
                        threat->corrupt_ppm, threat->dropout_ppm, FED_SECAGG_PPM);
    return FED_OK;
}

static fed_status refuse_infeasible(const fed_secagg_threat *threat, uint32_t n,
                                    fed_error *err)
{
    uint32_t c = corrupt_of(threat, n), gone = part_of(n, threat->dropout_ppm);
    bool curious = threat->adversary == FED_SECAGG_CURIOUS;
    return fed_fail(
        err, FED_E_REFUSED,
        "secagg: %u members of which %u may be corrupt and %u may drop out: even if all "
        "%u others hold shares, %s needs a threshold of %u, and only %u holders may be "
        "left",
        n, c, gone, n - 1, curious ? "a curious server" : "a server that lies",
        curious ? c + 1 : (n - 1 + c) / 2 + 1, n - 1 > gone ? n - 1 - gone : 0);
}

fed_status fed_secagg_graph_choose(const fed_secagg_threat *threat, uint32_t n,
                                   fed_secagg_graph *out, fed_error *err)
{
    FED_TRY(check_threat(threat, n, err));
    bool circulant = threat->adversary != FED_SECAGG_ACTIVE;
    fed_secagg_graph g = {.n = n, .k = threat->complete ? n - 1 : K_MIN};
    for (; g.k < n - 1; g.k += circulant ? 2 : 1)
        if (threshold_for(threat, &g)) break;
    if (g.k >= n - 1) {
        g.k = n - 1;
        if (!threshold_for(threat, &g)) return refuse_infeasible(threat, n, err);
    }
    g.in_max = circulant ? g.k : most_pickers(&g);
    *out = g;
    return FED_OK;
}

fed_status fed_secagg_graph_check(const fed_secagg_threat *threat,
                                  const fed_secagg_graph *g, fed_error *err)
{
    FED_TRY(check_threat(threat, g->n, err));
    if (g->k < K_MIN || g->k > g->n - 1 || g->t < T_MIN || g->t > g->k ||
        g->in_max < g->k || g->in_max > g->n - 1)
        return fed_fail(err, FED_E_REFUSED,
                        "secagg graph: n %u, k %u, t %u, in_max %u do not fit together",
                        g->n, g->k, g->t, g->in_max);
    if (threat->complete && !is_complete(g))
        return fed_fail(err, FED_E_REFUSED,
                        "secagg graph: n %u, k %u, but the complete graph is wanted",
                        g->n, g->k);
    if (threat->adversary != FED_SECAGG_ACTIVE && !is_complete(g) && g->k % 2)
        return fed_fail(err, FED_E_REFUSED,
                        "secagg graph: k %u is odd, a circulant's is even", g->k);
    if (!is_secure(threat, g, 0.5))
        return fed_fail(err, FED_E_REFUSED,
                        "secagg graph: n %u, k %u, t %u is not secure against %s members "
                        "with %u corrupt",
                        g->n, g->k, g->t, fed_secagg_adversary_name(threat->adversary),
                        corrupt_of(threat, g->n));
    return FED_OK;
}
