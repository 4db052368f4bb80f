/* --set with several values: commas outside brackets and quotes part them. */
#include "fedsim.h"

#include <stdio.h>
#include <string.h>

/* The end of the value that begins at `text`: a comma, or the end. */
static const char *end_of_value(const char *text)
{
    int depth = 0;
    bool quoted = false;
    for (; *text; text++) {
        if (*text == '"') quoted = !quoted;
        if (quoted) continue;
        depth += (*text == '[' || *text == '{') - (*text == ']' || *text == '}');
        if (*text == ',' && depth <= 0) break;
    }
    return text;
}

static const char *values_of(const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    return equals ? equals + 1 : assignment + strlen(assignment);
}

static size_t count_values(const char *assignment)
{
    size_t n = 1;
    for (const char *p = end_of_value(values_of(assignment)); *p; p = end_of_value(p + 1))
        n++;
    return n;
}

fed_status fed_sweep_init(fed_sweep *s, const fed_list *set, fed_error *err)
{
    *s = (fed_sweep){.set = *set, .runs = 1};
    for (size_t i = 0; i < set->n; i++) {
        if (strlen(set->items[i]) >= FED_REPORT_LABEL_MAX)
            return fed_fail(err, FED_E_INVALID, "--set: more than %d characters",
                            FED_REPORT_LABEL_MAX - 1);
        s->runs *= count_values(set->items[i]);
        if (s->runs > FED_SWEEP_MAX)
            return fed_fail(err, FED_E_INVALID, "--set: more than %d combinations",
                            FED_SWEEP_MAX);
    }
    return FED_OK;
}

static void choose_value(fed_sweep *s, size_t i, size_t which)
{
    const char *assignment = s->set.items[i], *value = values_of(assignment);
    while (which--)
        value = end_of_value(value) + 1;
    snprintf(s->texts[i], sizeof s->texts[i], "%.*s%.*s",
             (int)(values_of(assignment) - assignment), assignment,
             (int)(end_of_value(value) - value), value);
    s->current.items[i] = s->texts[i];
}

/* The first --set changes slowest. */
void fed_sweep_choose(fed_sweep *s, size_t index)
{
    s->current.n = s->set.n;
    s->label[0] = 0;
    for (size_t i = s->set.n; i-- > 0;) {
        size_t n = count_values(s->set.items[i]);
        choose_value(s, i, index % n);
        index /= n;
    }
    size_t used = 0;
    for (size_t i = 0; i < s->set.n && used < sizeof s->label; i++)
        if (count_values(s->set.items[i]) > 1)
            used += (size_t)snprintf(s->label + used, sizeof s->label - used, "%s%s",
                                     used ? " " : "", s->texts[i]);
}
