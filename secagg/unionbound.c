/*
 * A set A of honest members "holds together" against A' when each member of A has, among
 * the k that it picked, at least gap = 2t - k more that are corrupt or in A than in A'.
 * Whatever an active server does, each sum that it learns is over a set that holds together
 * against the set of every other sum. So it learns one sum, unless two disjoint sets hold
 * together against each other. The picks of different members are independent, hence
 *
 *   P <= sum over sizes m <= m' of C(h, m) C(h-m, m') p(m, m')^m p(m', m)^m'
 *
 * where p(m, m') = P[X - Y >= gap], X of c + m - 1 and Y of m' among n - 1, k draws. Where it
 * is the smaller, C(h, m) p(m, 0)^m, which leaves A' open, stands for all m'.
 *
 * Sizes are taken in blocks: p grows with m and falls with m', so the corner of a block
 * bounds it.
 */
#include "unionbound.h"

#include <math.h>

#include "tails.h"

enum { SINGLES = 64, BLOCKS = 128 };

/* Far below every goal: adding it changes nothing. */
static const double NEGLIGIBLE = -60;

typedef struct setting {
    uint32_t n, c, k, h, step;
    int64_t gap;
} setting;

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* The largest ln C(n, i), i in [from, to]. */
static double widest_choose(uint32_t n, uint32_t from, uint32_t to)
{
    uint32_t middle = n / 2;
    uint32_t at = middle < from ? from : middle > to ? to : middle;
    return fed_tails_ln_choose(n, at);
}

/* One set of a size in [m1, m2], whatever the other. */
static double one_set(const setting *s, uint32_t m1, uint32_t m2)
{
    double p = fed_tails_hypergeometric(s->n - 1, s->c + m2 - 1, s->k, s->gap);
    return log(m2 - m1 + 1.) + widest_choose(s->h, m1, m2) + m1 * p;
}

/* The sets of sizes [m1, m2] with all larger ones that are disjoint from them. */
static double two_sets(const setting *s, uint32_t m1, uint32_t m2, double enough)
{
    double sum = -INFINITY, first = widest_choose(s->h, m1, m2) + log(m2 - m1 + 1.);
    for (uint32_t a = m1; a <= s->h - m1 && sum <= enough; a += s->step) {
        uint32_t b = least(a + s->step - 1, s->h - m1);
        double p = fed_tails_difference(s->n - 1, s->c + m2 - 1, a, s->k, s->gap);
        double q = fed_tails_difference(s->n - 1, s->c + b - 1, m1, s->k, s->gap);
        sum = fed_tails_ln_add(sum, first + widest_choose(s->h - m1, a, b) +
                                        log(b - a + 1.) + m1 * p + a * q);
    }
    return sum;
}

static setting make_setting(uint32_t n, uint32_t c, uint32_t k, int64_t gap)
{
    uint32_t step = (n - c) / BLOCKS;
    return (setting){n, c, k, n - c, step ? step : 1, gap};
}

static uint32_t block_end(const setting *s, uint32_t m)
{
    return least(m <= SINGLES ? m : m + s->step - 1, s->h / 2);
}

double fed_unionbound_two_sums(uint32_t n, uint32_t c, uint32_t k, int64_t gap,
                               double enough)
{
    if (gap <= 0 || c >= n) return 0;
    setting s = make_setting(n, c, k, gap);
    double sum = -INFINITY;
    for (uint32_t m = 1, end; m <= s.h / 2 && sum <= enough; m = end + 1) {
        end = block_end(&s, m);
        double term = one_set(&s, m, end);
        if (term > NEGLIGIBLE + enough) term = fmin(term, two_sets(&s, m, end, enough));
        sum = fed_tails_ln_add(sum, term);
    }
    return sum < 0 ? sum : 0;
}

uint32_t fed_unionbound_smallest(uint32_t n, uint32_t c, uint32_t k, int64_t gap,
                                 double goal)
{
    if (gap <= 0 || c >= n) return 0;
    setting s = make_setting(n, c, k, gap);
    double sum = -INFINITY;
    uint32_t m = 1;
    for (; m <= s.h; m++) {
        double p = fed_tails_hypergeometric(n - 1, c + m - 1, k, gap);
        sum = fed_tails_ln_add(sum, fed_tails_ln_choose(s.h, m) + m * p);
        if (sum > goal) break;
    }
    return m - 1;
}
