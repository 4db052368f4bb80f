/*
 * How much one device can move the nodes of a binary tree of partial sums. Counting pairs of
 * participations by their common ancestors gives no closed form under a minimum separation,
 * so: F(size, n, start, end) is the most that n participations add to the nodes inside a
 * subtree of `size` leaves, when the first may not come before `start` and the last keeps
 * them b apart from one that may follow at leaf size + end - (b - 1)... A tree of 2^h leaves is
 * a node and two halves; any size is its largest power of two and the rest. Splitting at j, the
 * first leaf that the right part may use, the left part ends b - 1 - j leaves early.
 *
 * One participation is h + 1 nodes wherever it falls, so only subtrees larger than b have
 * states worth keeping.
 */
#include "matrix_mechanism.h"

#include <math.h>

enum { LEVELS = 17, STATES_MAX = 1 << 24 };
#define IMPOSSIBLE (-1.0)
#define UNKNOWN (-2.0)

typedef struct tree_search {
    uint32_t gap; /* b - 1: leaves that must lie between two participations */
    uint32_t most;
    float *memo; /* [level][n][start][end] of complete subtrees */
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
    unsigned h = floor_log2(size);
    bool complete = size == (uint32_t)1 << h;
    if (!complete) return split(s, n, start, end, size, (uint32_t)1 << h);
    if (n == 1) return h + 1;
    size_t width = s->gap + 1;
    float *memo = s->memo + ((((size_t)h * (s->most + 1) + n) * width + start) * width + end);
    if (*memo == (float)UNKNOWN) {
        double below = split(s, n, start, end, size, size / 2);
        *memo = (float)(below < 0 ? IMPOSSIBLE : below + (double)n * n);
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
                        "tree: %u steps (at most %d), separation %u, %u participations", steps,
                        FED_MATRIX_STEPS_MAX, separation, participations);
    if (separation > steps) separation = steps;
    uint32_t possible = (steps - 1) / separation + 1;
    tree_search s = {separation - 1, participations < possible ? participations : possible,
                     NULL};
    double states = (double)LEVELS * (s.most + 1) * separation * separation;
    if (s.most > 1 && states > STATES_MAX)
        return fed_fail(err, FED_E_LIMIT,
                        "tree: %u participations %u apart need %g states, at most %d", s.most,
                        separation, states, STATES_MAX);
    size_t n = s.most > 1 ? (size_t)states : 1;
    s.memo = fed_malloc(n * sizeof *s.memo);
    if (!s.memo) return fed_fail_nomem(err, n * sizeof *s.memo);
    for (size_t i = 0; i < n; i++)
        s.memo[i] = (float)UNKNOWN;
    for (uint32_t k = 1; k <= s.most; k++)
        *out = fmax(*out, search(&s, k, 0, s.gap, steps));
    fed_free(s.memo);
    return FED_OK;
}
