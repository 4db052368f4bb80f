/* Which request a method and a path are. */
#ifndef FED_HTTP_ROUTES_H
#define FED_HTTP_ROUTES_H

#include "exchange.h"
#include "http.h"

/** Fill type, query, subject and body limit of an exchange; or answer it at once (404, 405). */
void fed_http_route(fed_exchange *x, const fed_server_config *config, const char *path,
                    const char *method);

#endif
