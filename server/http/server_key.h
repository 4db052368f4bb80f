/* The server's own key: made on the first start, kept in its folder, readable by it alone. */
#ifndef FED_SERVER_KEY_H
#define FED_SERVER_KEY_H

#include "base.h"

/** The Ed25519 seed in FOLDER/server.key, made if it is not there. */
FED_MUST_CHECK fed_status fed_server_key_load(const char *folder, uint8_t seed[32],
                                              fed_error *err);

#endif
