/* "Did you mean …?": the known word nearest to one that is not known. */
#ifndef FED_PLAN_NEAREST_H
#define FED_PLAN_NEAREST_H

#include <stddef.h>

enum { FED_PLAN_HINT = 128 }; /* room for the question */

typedef struct fed_plan_nearest {
    const char *word; /* borrowed */
    const char *best; /* borrowed; NULL while nothing is near */
    size_t distance;
} fed_plan_nearest;

/** Start a search for what is near `word` (borrowed). */
void fed_plan_nearest_init(fed_plan_nearest *s, const char *word);
/** Consider `candidate`, whose spelling is `spelt`; `malus` ranks it behind others. */
void fed_plan_nearest_offer(fed_plan_nearest *s, const char *candidate, const char *spelt,
                            size_t malus);
/** "; did you mean X?" or nothing. */
void fed_plan_nearest_text(const fed_plan_nearest *s, char *out, size_t room);

#endif
