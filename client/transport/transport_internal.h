/* The inside of the transport, for this room's files only. */
#ifndef FED_TRANSPORT_INTERNAL_H
#define FED_TRANSPORT_INTERNAL_H

#include <curl/curl.h>

#include "transport.h"

typedef struct fed_exchange {
    struct fed_exchange *next;
    CURL *easy;
    struct curl_slist *headers;
    fed_bytes body, answer;
    bool overflow; /* the answer is longer than allowed */
    bool no_memory;
    char failure[CURL_ERROR_SIZE + 64];
    fed_exchange_done *done;
    void *ctx;
} fed_exchange;

struct fed_transport {
    CURLM *multi;
    char *ca_file;
    long connect_ms, idle_ms, total_ms;
    fed_exchange *exchanges;
    size_t pending;
    uint64_t sent, received;
};

/** An exchange that is ready to be added to the multi handle. */
FED_MUST_CHECK fed_status fed_exchange_new(fed_exchange **out, const fed_transport *t,
                                           const fed_exchange_request *request,
                                           fed_error *err);
void fed_exchange_free(fed_exchange *x);
/** Take it off the list and the multi handle, and free it. */
void fed_exchange_remove(fed_transport *t, fed_exchange *x);
/** Say how it ended; `result` borrows from `x`. */
void fed_exchange_conclude(fed_exchange *x, CURLcode code, fed_exchange_result *result);

#endif
