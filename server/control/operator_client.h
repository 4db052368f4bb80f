/*
 * Requests to a server, one at a time. Paths begin with '/'. What a server says below 400 is
 * the result; from 400 on its text is the error:
 *
 *     400 FED_E_INVALID   403 FED_E_REFUSED   404 FED_E_NOT_FOUND   405 FED_E_UNSUPPORTED
 *     409 FED_E_STATE     413 FED_E_LIMIT     429, 503 FED_E_AGAIN  else FED_E_IO
 *
 * FED_E_IO also when the server cannot be reached.
 */
#ifndef FED_OPERATOR_CLIENT_H
#define FED_OPERATOR_CLIENT_H

#include <jansson.h>

#include "base.h"

enum { FED_OPERATOR_PATH_MAX = 256, FED_OPERATOR_ANSWER_MAX = 256 << 20 };

/** A connection to one server, kept alive between requests. One thread. */
typedef struct fed_operator_client fed_operator_client;

/** `url` is copied: http://HOST:PORT or https://HOST, with or without a final slash. */
FED_MUST_CHECK fed_status fed_operator_client_new(fed_operator_client **out,
                                                  const char *url, fed_error *err);
void fed_operator_client_free(fed_operator_client *client);

/** Append the answer to GET `path` to `out`, at most its maximum. */
FED_MUST_CHECK fed_status fed_operator_get(fed_operator_client *client, const char *path,
                                           fed_bytes *out, fed_error *err);
/** The same for POST with a body. */
FED_MUST_CHECK fed_status fed_operator_post(fed_operator_client *client, const char *path,
                                            fed_span body, fed_bytes *out,
                                            fed_error *err);
/** GET `path` and parse the answer: a JSON object, the caller's (json_decref). */
FED_MUST_CHECK fed_status fed_operator_get_json(fed_operator_client *client,
                                                const char *path, json_t **out,
                                                fed_error *err);

#endif
