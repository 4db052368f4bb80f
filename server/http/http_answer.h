/* An exchange's answer as an HTTP response. On a connection's own thread. */
#ifndef FED_HTTP_ANSWER_H
#define FED_HTTP_ANSWER_H

#include "exchange.h"
#include "store.h"

/** Queue the answer of an answered exchange. */
enum MHD_Result fed_http_answer(fed_exchange *x);
/** Queue a blob straight from its file: whole, compressed when the client takes zstd, or the
 *  range that was asked for. */
enum MHD_Result fed_http_answer_blob(fed_exchange *x, const fed_store *store);

#endif
