/* One request and its answer, between the HTTP threads and the engine. */
#ifndef FED_EXCHANGE_H
#define FED_EXCHANGE_H

#include <microhttpd.h>

#include "base.h"
#include "model.h"
#include "wire.h"

struct fed_engine;
struct fed_exchange;

/** A question that the engine's thread answers itself: it fills status and answer. */
typedef fed_status fed_exchange_query(struct fed_engine *engine,
                                      struct fed_exchange *exchange, fed_error *err);

typedef struct fed_exchange {
    /* Set by the HTTP thread before it is submitted. */
    uint32_t type; /* fed_request or fed_operator_request; 0 with a query */
    fed_exchange_query *query;
    fed_address subject; /* of a query: the task */
    fed_bytes body;
    struct MHD_Connection *connection;
    bool may_wait, holds_slot;
    /* Set by the engine before it resumes the connection. */
    bool answered;
    unsigned status;
    fed_bytes answer;
    const char *content_type;
    /* The engine's own. */
    uint64_t id;
    int64_t hold_end_ms;
    struct fed_exchange *next, *newer, *older, *chained;
} fed_exchange;

#endif
