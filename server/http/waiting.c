#include "waiting.h"

void fed_waiting_add(fed_waiting *w, fed_exchange *x)
{
    fed_exchange **bucket = &w->buckets[x->id % FED_WAITING_BUCKETS];
    x->chained = *bucket;
    *bucket = x;
    x->older = w->newest;
    x->newer = NULL;
    if (w->newest)
        w->newest->newer = x;
    else
        w->oldest = x;
    w->newest = x;
    w->n++;
}

static void unlink_age(fed_waiting *w, fed_exchange *x)
{
    if (x->older)
        x->older->newer = x->newer;
    else
        w->oldest = x->newer;
    if (x->newer)
        x->newer->older = x->older;
    else
        w->newest = x->older;
}

fed_exchange *fed_waiting_take(fed_waiting *w, uint64_t id)
{
    fed_exchange **at = &w->buckets[id % FED_WAITING_BUCKETS];
    while (*at && (*at)->id != id)
        at = &(*at)->chained;
    fed_exchange *x = *at;
    if (!x) return NULL;
    *at = x->chained;
    unlink_age(w, x);
    w->n--;
    return x;
}
