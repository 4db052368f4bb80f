/* Which request a path means. */
#ifndef FED_HTTP_ROUTES_H
#define FED_HTTP_ROUTES_H

#include "exchange.h"
#include "http.h"

typedef struct fed_operator_route {
    const char *method, *path; /* "*" stands for a task's 64 hex digits */
    uint32_t type;             /* a fed_operator_request, or 0 with a query */
    fed_exchange_query *query;
    size_t body_max;
} fed_operator_route;

/** Operators' routes; the last has no path. Devices' routes are the wire room's. */
extern const fed_operator_route fed_operator_routes[];

/** Fill type or query, subject and the body's bound; or answer at once: 404, 405, 400. */
void fed_http_route(fed_exchange *x, const fed_server_config *config, const char *path,
                    const char *method);
/** True unless the path names one cohort or task and the body another. */
bool fed_http_body_fits(const fed_exchange *x);

#endif
