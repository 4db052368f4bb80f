/* One request and its answer, between the HTTP threads and the engine. */
#ifndef FED_EXCHANGE_H
#define FED_EXCHANGE_H

#include <stdatomic.h>

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
    fed_address subject; /* the task or the cohort that the path names */
    bool has_subject;    /* the body must name it as well, */
    size_t subject_at;   /* from this byte on */
    uint64_t from;       /* of a query: the version to start at */
    const char *allow;   /* with 405: the methods that the path takes */
    fed_bytes body;
    atomic_uint *slot; /* the counter of upload slots that counts this body, or NULL */
    int64_t begun_ms;
    size_t dropped; /* bytes of a body that was refused */
    struct MHD_Connection *connection;
    /* Set before the connection is resumed. */
    bool answered;
    unsigned status;
    unsigned retry_after_s; /* 0: not said */
    fed_bytes answer;
    const char *content_type;
    /* The engine's own. */
    uint64_t id;
    int64_t hold_end_ms;
    struct fed_exchange *next, *newer, *older, *chained;
} fed_exchange;

/** Answer with a text, whatever was there before. */
void fed_exchange_say(fed_exchange *x, unsigned status, const char *text);
/** Let go of the body, and of the slot that it holds. */
void fed_exchange_drop_body(fed_exchange *x);

#endif
