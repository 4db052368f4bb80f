#include "plan_nearest.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 64 };

/* Optimal string alignment distance: insertions, deletions, replacements and exchanges of
 * neighbours count one each. Three rows of the table are enough. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t rows[3][LONGEST + 1];
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = rows[i % 3], *before = rows[(i + 2) % 3],
               *earlier = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = before[j - 1] + (a[i - 1] != b[j - 1]);
            if (before[j] + 1 < best) best = before[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                earlier[j - 2] + 1 < best)
                best = earlier[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[n % 3][m];
}

void fed_plan_nearest_init(fed_plan_nearest *s, const char *word)
{
    *s = (fed_plan_nearest){.word = word, .distance = SIZE_MAX};
}

void fed_plan_nearest_offer(fed_plan_nearest *s, const char *candidate, const char *spelt,
                            size_t malus)
{
    size_t n = strlen(s->word), m = strlen(spelt);
    if (n > LONGEST || m > LONGEST) return;
    size_t d = distance(s->word, n, spelt, m);
    size_t longer = n > m ? n : m;
    if (d > (longer + 2) / 3 || d >= longer || d + malus >= s->distance) return;
    s->best = candidate, s->distance = d + malus;
}

void fed_plan_nearest_text(const fed_plan_nearest *s, char *out, size_t room)
{
    if (s->best)
        snprintf(out, room, "; did you mean %s?", s->best);
    else
        out[0] = 0;
}
