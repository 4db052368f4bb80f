#include "changed_plan.h"

#include <stdio.h>
#include <string.h>

fed_status changed_plan(const char *plan, const char *assignments, fed_bytes *text,
                        fed_error *err)
{
    char words[512], *rest = NULL;
    const char *list[16];
    size_t n = 0;
    snprintf(words, sizeof words, "%s", assignments);
    for (char *word = strtok_r(words, " ", &rest); word && n < 16;
         word = strtok_r(NULL, " ", &rest))
        list[n++] = word;
    fed_bytes_init(text, FED_PLAN_MAX_BYTES);
    fed_bytes_put_text(text, plan);
    return fed_plan_set_all(text, list, n, err);
}
