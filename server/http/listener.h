/* libmicrohttpd: connections in, exchanges to the engine, answers out. */
#ifndef FED_LISTENER_H
#define FED_LISTENER_H

#include "engine.h"

typedef struct fed_listener fed_listener;

/** Listen and answer from now on, on threads of its own. FED_E_REFUSED for an address that
 *  is not loopback without `insecure`. */
FED_MUST_CHECK fed_status fed_listener_start(fed_listener **out,
                                             const fed_server_config *config,
                                             fed_engine *engine, fed_error *err);
uint16_t fed_listener_port(const fed_listener *listener);
/** Take no more connections, and let those that have been answered go out: two seconds at
 *  most. Suspended ones must be answered before that. */
void fed_listener_drain(fed_listener *listener);
void fed_listener_free(fed_listener *listener);

#endif
