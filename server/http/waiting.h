/* Exchanges that the engine has not answered yet: found by number, and in the order in which
 * their hold ends. Every hold is equally long, so the oldest ends first. */
#ifndef FED_WAITING_H
#define FED_WAITING_H

#include "exchange.h"

enum { FED_WAITING_BUCKETS = 4096 };

typedef struct fed_waiting {
    fed_exchange *buckets[FED_WAITING_BUCKETS];
    fed_exchange *oldest, *newest;
    size_t n;
} fed_waiting;

void fed_waiting_add(fed_waiting *w, fed_exchange *x);
/** Take the exchange `id` out; NULL when it has been answered before. */
fed_exchange *fed_waiting_take(fed_waiting *w, uint64_t id);

#endif
