/* The inside of a client, for this room's files only. */
#ifndef FED_CLIENT_INTERNAL_H
#define FED_CLIENT_INTERNAL_H

#include "keep.h"
#include "library.h"
#include "session.h"
#include "transport.h"

enum {
    FED_CLIENT_STEP_MS = 50,
    FED_CLIENT_MODEL_BYTES = 256 << 20,
    FED_CLIENT_BLOB_EXTRA = 1 << 20, /* plans and documents, where models are smaller */
    FED_CLIENT_RETRY_MIN_MS = 1000,
    FED_CLIENT_RETRY_MAX_MS = 300000
};

struct fed_network {
    fed_transport *transport;
};

/** The one request that is under way. */
typedef struct fed_client_request {
    bool waiting, answered;
    uint64_t id;
    uint32_t type;
    fed_bytes body; /* with an app's own HTTP: lent to it; else the transport has it */
    char url[FED_TRANSPORT_URL_MAX + FED_ROUTE_MAX];
    uint32_t status; /* of the answer, 0: none came */
    fed_bytes answer;
} fed_client_request;

struct fed_client {
    char *server;
    uint32_t max_step_ms;
    fed_keep *keep;
    fed_network *network;
    bool own_network, has_http;
    fed_http http;
    fed_client_conditions (*conditions)(void *ctx);
    void *conditions_ctx;

    bool has_enrolment_key;
    fed_session_config session_config;
    fed_session *session; /* NULL after a failure: to be put back from the journal */
    bool started;
    int64_t wake_ms;
    fed_client_request request;
    uint32_t failures; /* in a row */
    int64_t retry_ms;
    uint64_t steps_per_call; /* training steps that take about max_step_ms */
    uint64_t bytes_sent, bytes_received;
};

/** A session put back from the journal. */
FED_MUST_CHECK fed_status fed_client_restore(fed_client *c, fed_error *err);
/** Put the kept certificate into the session's configuration, if there is one. */
FED_MUST_CHECK fed_status fed_client_load_certificate(fed_client *c, fed_error *err);
/** The most bytes that the answer to a request may have. */
size_t fed_client_max_answer(const fed_client *c, uint32_t type);
/** Send the session's message; its body is taken. A failure to send is "no answer". */
FED_MUST_CHECK fed_status fed_client_send(fed_client *c, fed_message *m, fed_error *err);
/** Forget the request under way. */
void fed_client_forget_request(fed_client *c);
/** The default conditions: power supplies under `folder` (/sys/class/power_supply). */
fed_client_conditions fed_conditions_of_linux(const char *folder);

#endif
