/*
 * How much one device can move the nodes of a binary tree of partial sums. F(size, n, start,
 * end) is the most that n participations add to the nodes over `size` leaves, when the first
 * may not come before leaf `start` and the last must be at or before leaf size + end - b, so
 * that what follows may begin `end` leaves into the next part. A tree of 2^h leaves is a node
 * and two halves; any size is its largest power of two and the rest. Two parts meet at j: the
 * left one ends with end = j, the right one begins with start = j. (Kairouz et al. 2021, appendix
 * D.2, has the same recursion.)
 *
 * One participation has a closed form, and more than one does not fit into few leaves; what is
 * left is remembered.
 */
#include "matrix_mechanism.h"

#include <math.h>

enum { STATES_MAX = 1 << 25 };
#define IMPOSSIBLE (-1.0)
#define UNKNOWN    (-2.0)

typedef struct tree_search {
    uint32_t gap; /* b - 1: leaves that must lie between two participations */
    uint32_t most;
    unsigned lowest, levels; /* of subtrees with room for two participations */
    float *memo;             /* [complete?][level][n][start][end] */
} tree_search;

/* n participations fit when start + n b <= size + end (end <= b - 1). */
static bool fits(const tree_search *s, uint32_t n, uint32_t start, uint32_t end,
                 uint32_t size)
{
    return (uint64_t)start + (uint64_t)n * (s->gap + 1) <= (uint64_t)size + end;
}

static unsigned floor_log2(uint32_t size)
{
    unsigned h = 0;
    while (size >> (h + 1))
        h++;
    return h;
}

/* One participation somewhere in [first, last]: as high as the largest complete subtree that
 * the interval reaches; those stand from the largest to the smallest. */
static double single(uint32_t first, uint32_t last, uint32_t size)
{
    uint32_t from = 0;
    for (unsigned h = floor_log2(size);; h = floor_log2(size - from)) {
        uint32_t to = from + ((uint32_t)1 << h);
        if (first < to && last >= from) return h + 1;
        from = to;
    }
}

static double search(const tree_search *s, uint32_t n, uint32_t start, uint32_t end,
                     uint32_t size);

/* The best way to share n between the first `left` leaves and the rest. */
static double split(const tree_search *s, uint32_t n, uint32_t start, uint32_t end,
                    uint32_t size, uint32_t left)
{
    double best = IMPOSSIBLE;
    for (uint32_t right = 0; right <= n; right++)
        for (uint32_t j = 0; j <= s->gap; j++) {
            double a = search(s, n - right, start, j, left);
            if (a < 0) continue;
            double b = search(s, right, j, end, size - left);
            if (b >= 0 && a + b > best) best = a + b;
        }
    return best;
}

static double search(const tree_search *s, uint32_t n, uint32_t start, uint32_t end,
                     uint32_t size)
{
    if (!fits(s, n, start, end, size)) return IMPOSSIBLE;
    if (n == 0) return 0;
    if (n == 1) return single(start, size + end - s->gap - 1, size);
    unsigned h = floor_log2(size);
    bool complete = size == (uint32_t)1 << h;
    size_t width = s->gap + 1, level = h - s->lowest + (complete ? s->levels : 0);
    size_t row = level * (s->most + 1) + n;
    float *memo = s->memo + (row * width + start) * width + end;
    if (*memo == (float)UNKNOWN) {
        uint32_t left = complete ? size / 2 : (uint32_t)1 << h;
        double below = split(s, n, start, end, size, left);
        double node = complete ? (double)n * n : 0;
        *memo = (float)(below < 0 ? IMPOSSIBLE : below + node);
    }
    return *memo;
}

fed_status fed_tree_sensitivity_squared(uint32_t steps, uint32_t separation,
                                        uint32_t participations, double *out,
                                        fed_error *err)
{
    *out = 0;
    if (!steps || steps > FED_MATRIX_STEPS_MAX || !separation || !participations)
        return fed_fail(err, FED_E_INVALID,
                        "tree: %u steps (at most %d), separation %u, %u participations",
                        steps, FED_MATRIX_STEPS_MAX, separation, participations);
    if (separation > steps) separation = steps;
    uint32_t possible = (steps - 1) / separation + 1;
    tree_search s = {.gap = separation - 1, .lowest = floor_log2(separation)};
    s.most = participations < possible ? participations : possible;
    s.levels = floor_log2(steps) - s.lowest + 1;
    double states = 2.0 * s.levels * (s.most + 1) * separation * separation;
    if (states > STATES_MAX)
        return fed_fail(err, FED_E_LIMIT,
                        "tree: %u participations %u apart need %g states, at most %d",
                        s.most, separation, states, STATES_MAX);
    size_t n = (size_t)states;
    s.memo = fed_malloc(n * sizeof *s.memo);
    if (!s.memo) return fed_fail_nomem(err, n * sizeof *s.memo);
    for (size_t i = 0; i < n; i++)
        s.memo[i] = (float)UNKNOWN;
    for (uint32_t k = 1; k <= s.most; k++)
        *out = fmax(*out, search(&s, k, 0, s.gap, steps));
    fed_free(s.memo);
    return FED_OK;
}
