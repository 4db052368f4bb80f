/* The inside of the transport, for this room's files only. */
#ifndef FED_TRANSPORT_INTERNAL_H
#define FED_TRANSPORT_INTERNAL_H

#include <curl/curl.h>

#include "transport.h"

typedef struct fed_transfer {
    struct fed_transfer *next;
    CURL *easy;
    struct curl_slist *headers;
    fed_bytes body, answer; /* the answer as it comes */
    fed_bytes plain;        /* and decompressed, if it was compressed */
    bool is_packed;         /* Content-Encoding: zstd */
    bool is_unknown;        /* another one */
    bool overflow;          /* the answer is longer than allowed */
    bool no_memory;
    char failure[CURL_ERROR_SIZE + 64];
    fed_transfer_done *done;
    void *ctx;
} fed_transfer;

struct fed_transport {
    CURLM *multi;
    char *ca_file;
    long connect_ms, idle_ms, total_ms;
    fed_transfer *transfers;
    size_t pending;
    uint64_t sent, received;
};

/** A transfer that is ready to be added to the multi handle. */
FED_MUST_CHECK fed_status fed_transfer_new(fed_transfer **out, const fed_transport *t,
                                           const fed_transfer_request *request,
                                           fed_error *err);
void fed_transfer_free(fed_transfer *x);
/** Take it off the list and the multi handle, and free it. */
void fed_transfer_remove(fed_transport *t, fed_transfer *x);
/** Say how it ended; `result` borrows from `x`. */
void fed_transfer_conclude(fed_transfer *x, CURLcode code, fed_transfer_result *result);

#endif
