/* The numbers of the graph: the published table, the tails by simulation, refusals. */
#include "harness.h"
#include "secagg.h"
#include "tails.h"

static fed_secagg_threat threat(fed_secagg_adversary a, uint32_t corrupt,
                                uint32_t dropout)
{
    return (fed_secagg_threat){a, corrupt, dropout, false};
}

static void check_row(fed_secagg_threat th, const uint32_t want[4][2])
{
    static const uint32_t sizes[4] = {100, 500, 1000, 10000};
    for (int i = 0; i < 4; i++) {
        fed_error err;
        fed_secagg_graph g;
        CHECK_OK(fed_secagg_graph_choose(&th, sizes[i], &g, &err), &err);
        CHECK_EQ(g.k, want[i][0]);
        CHECK_EQ(g.t, want[i][1]);
        CHECK_OK(fed_secagg_graph_check(&th, &g, &err), &err);
    }
}

/* k and t of circulant graphs, from an independent computation of Bell et al. 2020. */
static void test_oracle_table(void)
{
    check_row(threat(FED_SECAGG_CURIOUS, 50000, 50000),
              (const uint32_t[4][2]){{12, 6}, {28, 16}, {30, 17}, {34, 20}});
    check_row(threat(FED_SECAGG_CURIOUS, 200000, 100000),
              (const uint32_t[4][2]){{32, 21}, {60, 39}, {68, 44}, {80, 51}});
    check_row(threat(FED_SECAGG_SEMI_MALICIOUS, 200000, 100000),
              (const uint32_t[4][2]){{42, 32}, {116, 86}, {140, 104}, {184, 136}});
    check_row(threat(FED_SECAGG_SEMI_MALICIOUS, 200000, 300000),
              (const uint32_t[4][2]){{82, 52}, {376, 239}, {642, 409}, {1790, 1140}});
}

static void test_infeasible_is_refused_with_the_reason(void)
{
    fed_error err;
    fed_secagg_graph g;
    fed_secagg_threat th = threat(FED_SECAGG_SEMI_MALICIOUS, 333333, 333333);
    CHECK_FAILS(fed_secagg_graph_choose(&th, 100, &g, &err), FED_E_REFUSED, &err,
                "33 may be corrupt and 33 may drop out");
    CHECK_FAILS(fed_secagg_graph_choose(&th, 1000, &g, &err), FED_E_REFUSED, &err,
                "threshold of 667");
    th = threat(FED_SECAGG_ACTIVE, 330000, 330000);
    CHECK_FAILS(fed_secagg_graph_choose(&th, 100, &g, &err), FED_E_REFUSED, &err,
                "a server that lies");
    th = threat(FED_SECAGG_CURIOUS, 500000, 500000);
    CHECK_FAILS(fed_secagg_graph_choose(&th, 100, &g, &err), FED_E_REFUSED, &err,
                "a curious server");
}

static void test_bad_settings_are_refused(void)
{
    fed_error err;
    fed_secagg_graph g;
    fed_secagg_threat th = threat(FED_SECAGG_ACTIVE, 50000, 50000);
    CHECK_FAILS(fed_secagg_graph_choose(&th, 2, &g, &err), FED_E_INVALID, &err,
                "2 members");
    CHECK_FAILS(fed_secagg_graph_choose(&th, FED_SECAGG_MEMBERS_MAX + 1, &g, &err),
                FED_E_INVALID, &err, "members");
    th.corrupt_ppm = FED_SECAGG_PPM;
    CHECK_FAILS(fed_secagg_graph_choose(&th, 10, &g, &err), FED_E_INVALID, &err,
                "corrupt");
    th = threat((fed_secagg_adversary)9, 0, 0);
    CHECK_FAILS(fed_secagg_graph_choose(&th, 10, &g, &err), FED_E_INVALID, &err, "9");
}

/* The table of docs/secagg-parameters.md. */
static void test_active_table(void)
{
    static const struct {
        uint32_t corrupt, dropout, n, k, t;
    } rows[] = {{50000, 50000, 100, 18, 13},    {50000, 50000, 1000, 52, 37},
                {50000, 200000, 20, 17, 13},    {50000, 200000, 100, 55, 35},
                {50000, 200000, 500, 121, 73},  {50000, 200000, 1000, 153, 93},
                {200000, 100000, 500, 117, 87}, {50000, 200000, 10000, 210, 128}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fed_error err;
        fed_secagg_graph g;
        fed_secagg_threat th =
            threat(FED_SECAGG_ACTIVE, rows[i].corrupt, rows[i].dropout);
        CHECK_OK(fed_secagg_graph_choose(&th, rows[i].n, &g, &err), &err);
        CHECK_MSG(g.k == rows[i].k && g.t == rows[i].t, "n %u: %u/%u, wanted %u/%u", g.n,
                  g.k, g.t, rows[i].k, rows[i].t);
        CHECK(fed_secagg_graph_insecurity(&th, &g) < -43);
        CHECK(fed_secagg_graph_unfinished(&th, &g) < -21);
    }
}

static void test_check_refuses_weaker_numbers(void)
{
    fed_error err;
    fed_secagg_graph g, weak;
    fed_secagg_threat th = threat(FED_SECAGG_ACTIVE, 50000, 200000);
    CHECK_OK(fed_secagg_graph_choose(&th, 100, &g, &err), &err);
    weak = g, weak.t -= 2;
    CHECK_FAILS(fed_secagg_graph_check(&th, &weak, &err), FED_E_REFUSED, &err,
                "not secure");
    weak = g, weak.k = 4, weak.t = 3;
    CHECK_FAILS(fed_secagg_graph_check(&th, &weak, &err), FED_E_REFUSED, &err,
                "not secure");
    weak = g, weak.t = weak.k + 1;
    CHECK_FAILS(fed_secagg_graph_check(&th, &weak, &err), FED_E_REFUSED, &err, "fit");
    weak = g, weak.in_max = g.n;
    CHECK_FAILS(fed_secagg_graph_check(&th, &weak, &err), FED_E_REFUSED, &err, "fit");
}

/* Noise in shares is counted on s_min - c honest members, which only the complete graph is
 * proved to cover. */
static void test_complete_graph_on_demand(void)
{
    static const fed_secagg_adversary all[] = {FED_SECAGG_ACTIVE, FED_SECAGG_CURIOUS,
                                               FED_SECAGG_SEMI_MALICIOUS};
    for (size_t i = 0; i < 3; i++)
        for (uint32_t n = 3; n <= 2000; n = 3 * n + 1) {
            fed_error err;
            fed_secagg_graph g, sparse;
            fed_secagg_threat th = threat(all[i], 50000, 200000);
            CHECK_OK(fed_secagg_graph_choose(&th, n, &sparse, &err), &err);
            th.complete = true;
            CHECK_OK(fed_secagg_graph_choose(&th, n, &g, &err), &err);
            CHECK_EQ(g.k, n - 1);
            CHECK_EQ(g.in_max, n - 1);
            CHECK_OK(fed_secagg_graph_check(&th, &g, &err), &err);
            if (sparse.k < n - 1)
                CHECK_FAILS(fed_secagg_graph_check(&th, &sparse, &err), FED_E_REFUSED,
                            &err, "complete graph is wanted");
        }
    fed_error err;
    fed_secagg_graph g;
    fed_secagg_threat th = threat(FED_SECAGG_ACTIVE, 330000, 330000);
    th.complete = true;
    CHECK_FAILS(fed_secagg_graph_choose(&th, 100, &g, &err), FED_E_REFUSED, &err,
                "threshold");
}

/* Every number up to 60 members is feasible at the default fractions, and safe. */
static void test_small_cohorts(void)
{
    for (uint32_t n = 3; n <= 60; n++) {
        fed_error err;
        fed_secagg_graph g;
        fed_secagg_threat th = threat(FED_SECAGG_ACTIVE, 50000, 200000);
        CHECK_OK(fed_secagg_graph_choose(&th, n, &g, &err), &err);
        CHECK(2 * g.t > g.k && g.t <= g.k && g.k < n && g.in_max < n);
    }
}

static fed_stream stream;

static void start(uint64_t version)
{
    uint8_t key[32];
    fed_seed_from_u64(key, 7);
    fed_stream_init(&stream, key, FED_PURPOSE_TEST, version);
}

/* `draws` of `all` without replacement: counts of those below a, and of the b after them. */
static void draw(uint32_t all, uint32_t a, uint32_t b, uint32_t draws, int64_t *x,
                 int64_t *y)
{
    uint32_t items[256];
    *x = *y = 0;
    for (uint32_t i = 0; i < all; i++)
        items[i] = i;
    for (uint32_t i = 0; i < draws; i++) {
        uint32_t j = i + fed_stream_below(&stream, all - i), v = items[j];
        items[j] = items[i];
        *x += v < a, *y += v >= a && v < a + b;
    }
}

enum { DRAWS = 200000 };

static void test_simulation_confirms_hypergeometric_tails(void)
{
    start(1);
    int hits[41] = {0};
    for (int i = 0; i < DRAWS; i++) {
        int64_t x, y;
        draw(99, 20, 0, 40, &x, &y);
        for (int64_t t = 0; t <= x; t++)
            hits[t]++;
    }
    for (int t = 0; t <= 16; t++) {
        double p = exp(fed_tails_hypergeometric(99, 20, 40, t));
        double sd = sqrt(p * (1 - p) / DRAWS);
        CHECK_NEAR((double)hits[t] / DRAWS, p, 5 * sd + 1e-5);
    }
}

static void test_simulation_stays_below_difference_bound(void)
{
    start(2);
    for (int64_t gap = 1; gap <= 12; gap += 3) {
        int hits = 0;
        for (int i = 0; i < DRAWS / 4; i++) {
            int64_t x, y;
            draw(99, 35, 40, 30, &x, &y);
            hits += x - y >= gap;
        }
        double bound = exp(fed_tails_difference(99, 35, 40, 30, gap));
        double p = hits / (DRAWS / 4.0);
        CHECK_MSG(p <= bound && bound <= 30 * p + 1e-3, "gap %lld: %g, bound %g",
                  (long long)gap, p, bound);
    }
}

static void test_simulation_confirms_binomial_tail(void)
{
    start(3);
    int above = 0;
    for (int i = 0; i < DRAWS; i++) {
        int x = 0;
        for (int j = 0; j < 60; j++)
            x += fed_stream_below(&stream, 5) == 0;
        above += x > 17;
    }
    double p = exp(fed_tails_binomial_above(60, 0.2, 17));
    CHECK_NEAR((double)above / DRAWS, p, 5 * sqrt(p / DRAWS));
}

/* Whole random graphs at a deliberately weak setting: how often some honest member has
 * `fatal` corrupt holders, and how often some member is left with fewer than t. */
static void test_simulation_of_graphs_stays_below_the_bounds(void)
{
    start(4);
    enum { GRAPHS = 4000, MEMBERS = 60 };
    fed_secagg_threat th = threat(FED_SECAGG_SEMI_MALICIOUS, 200000, 200000);
    fed_secagg_graph g = {MEMBERS, 20, 15, 59}, loose = {MEMBERS, 20, 11, 59};
    int fatal = 0, stuck = 0;
    for (int i = 0; i < GRAPHS; i++) {
        bool is_fatal = false, is_stuck = false;
        for (int m = 0; m < MEMBERS; m++) {
            int64_t x, y;
            draw(MEMBERS - 1, 12, 0, g.k, &x, &y);
            is_fatal |= m < 48 && x >= 2 * (int64_t)g.t - g.k;
            draw(MEMBERS - 1, 12, 0, g.k, &x, &y);
            is_stuck |= x > loose.k - loose.t;
        }
        fatal += is_fatal, stuck += is_stuck;
    }
    double p = exp2(fed_secagg_graph_insecurity(&th, &g));
    double q = exp2(fed_secagg_graph_unfinished(&th, &loose));
    fed_note("fatal %d of %d, bound %.4f; stuck %d, bound %.4f", fatal, GRAPHS, p, stuck,
             q);
    CHECK(fatal > 0 && fatal <= p * GRAPHS + 5 * sqrt(p * GRAPHS));
    CHECK(stuck > 0 && stuck <= q * GRAPHS + 5 * sqrt(q * GRAPHS));
}

/* Small graphs, every pair of disjoint sets tried: what the union bound speaks of. */
static bool holds_together(const uint32_t *picks, uint32_t a, uint32_t b,
                           uint32_t corrupt, int gap, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!(a >> i & 1)) continue;
        int plus = __builtin_popcount(picks[i] & (a | corrupt));
        if (plus - __builtin_popcount(picks[i] & b) < gap) return false;
    }
    return true;
}

static bool has_two_sums(const uint32_t *picks, uint32_t n, uint32_t corrupt, int gap)
{
    uint32_t honest = ((1u << n) - 1) & ~corrupt;
    for (uint32_t a = honest; a; a = (a - 1) & honest) {
        if (!holds_together(picks, a, 0, corrupt, gap, n)) continue;
        uint32_t rest = honest & ~a;
        for (uint32_t b = rest; b; b = (b - 1) & rest)
            if (b < a && holds_together(picks, a, b, corrupt, gap, n) &&
                holds_together(picks, b, a, corrupt, gap, n))
                return true;
    }
    return false;
}

static void test_simulation_of_two_sums_stays_below_the_union_bound(void)
{
    start(5);
    enum { GRAPHS = 3000, MEMBERS = 10 };
    for (uint32_t k = 4; k <= 8; k += 2) {
        fed_secagg_graph g = {MEMBERS, k, k / 2 + 1 + (k > 6), 9};
        fed_secagg_threat th = threat(FED_SECAGG_ACTIVE, 100000, 0);
        int found = 0;
        for (int i = 0; i < GRAPHS; i++) {
            uint32_t picks[MEMBERS];
            for (uint32_t m = 0; m < MEMBERS; m++) {
                picks[m] = 0;
                while ((uint32_t)__builtin_popcount(picks[m]) < k) {
                    uint32_t j = fed_stream_below(&stream, MEMBERS);
                    if (j != m) picks[m] |= 1u << j;
                }
            }
            found += has_two_sums(picks, MEMBERS, 1u << 9, 2 * (int)g.t - (int)k);
        }
        double p = exp2(fed_secagg_graph_insecurity(&th, &g));
        fed_note("k %u t %u: two sums in %d of %d, bound %.4f", k, g.t, found, GRAPHS, p);
        CHECK(found <= p * GRAPHS + 5 * sqrt(p * GRAPHS));
    }
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_oracle_table),
        CASE(test_infeasible_is_refused_with_the_reason),
        CASE(test_bad_settings_are_refused),
        CASE(test_active_table),
        CASE(test_check_refuses_weaker_numbers),
        CASE(test_complete_graph_on_demand),
        CASE(test_small_cohorts),
        CASE(test_simulation_confirms_hypergeometric_tails),
        CASE(test_simulation_stays_below_difference_bound),
        CASE(test_simulation_confirms_binomial_tail),
        CASE(test_simulation_of_graphs_stays_below_the_bounds),
        CASE(test_simulation_of_two_sums_stays_below_the_union_bound)};
    return fed_run("secagg_graph", cases, sizeof cases / sizeof *cases);
}
