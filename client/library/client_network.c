/* Sending: through libcurl, or through the app. */
#include <stdio.h>
#include <string.h>

#include "client_internal.h"

/* ---- the network, for apps -------------------------------------------------------------- */

fed_status fed_network_open(const fed_network_config *config, fed_network **out,
                            fed_error *err)
{
    *out = NULL;
    if (config->size != sizeof *config)
        return fed_fail(err, FED_E_INVALID, "config.size: %zu, this library knows %zu",
                        config->size, sizeof *config);
    fed_network *n = fed_calloc(1, sizeof *n);
    if (!n) return fed_fail_nomem(err, sizeof *n);
    fed_transport_config transport = {.ca_file = config->ca_file};
    fed_status status = fed_transport_new(&n->transport, &transport, err);
    if (status)
        fed_free(n);
    else
        *out = n;
    return status;
}

void fed_network_close(fed_network *n)
{
    if (!n) return;
    fed_transport_free(n->transport);
    fed_free(n);
}

fed_status fed_network_wait(fed_network *n, int64_t wait_ms, int fd, fed_error *err)
{
    return fed_transport_run(n->transport, wait_ms, fd, err);
}

void fed_network_wake(fed_network *n)
{
    fed_transport_wake(n->transport);
}

/* ---- answers --------------------------------------------------------------------------- */

size_t fed_client_max_answer(const fed_client *c, uint32_t type)
{
    switch (type) {
    case FED_REQUEST_CHECKIN:
        return FED_CHECKIN_JSON_MAX;
    case FED_REQUEST_BLOB:
        return (size_t)c->session_config.max_model_bytes + FED_CLIENT_BLOB_EXTRA;
    default:
        return FED_ANSWER_PAYLOAD_MAX + FED_TRANSPORT_ERROR_BODY;
    }
}

/* `status` 0: no answer. `wire_bytes` is what the body took on its way. */
static void take_answer(fed_client *c, uint32_t status, fed_span body, size_t wire_bytes)
{
    fed_client_request *r = &c->request;
    fed_bytes_init(&r->answer, fed_client_max_answer(c, r->type));
    fed_bytes_put(&r->answer, body.data, body.len);
    r->status = r->answer.status ? 0 : status;
    r->answered = true;
    c->bytes_received += wire_bytes;
    fed_bytes_fini(&r->body);
}

static void on_result(void *ctx, const fed_transfer_result *result)
{
    fed_client *c = ctx;
    if (result->failure)
        fed_log(FED_LOG_INFO, "request_failed", "server=%s reason=\"%.300s\"", c->server,
                result->failure);
    take_answer(c, result->status, result->body, result->wire_bytes);
}

fed_status fed_client_answer(fed_client *c, uint64_t id, unsigned status,
                             const void *body, size_t body_bytes, fed_error *err)
{
    fed_client_request *r = &c->request;
    if (!c->has_http || !r->waiting || r->answered || id != r->id) return FED_OK;
    take_answer(c, status, (fed_span){body, body_bytes}, body_bytes);
    if (!r->answer.status) return FED_OK;
    return fed_fail(err, r->answer.status, "answer: %zu bytes: %s", body_bytes,
                    fed_status_name(r->answer.status));
}

/* ---- sending ----------------------------------------------------------------------------- */

static fed_status send_by_app(fed_client *c, fed_error *err)
{
    fed_client_request *r = &c->request;
    FED_TRY(fed_transport_url(c->server, (fed_request)r->type,
                              (fed_span){r->body.data, r->body.len}, r->url,
                              sizeof r->url, err));
    bool post = fed_request_is_post((fed_request)r->type);
    fed_http_request request = {.id = r->id,
                                .post = post,
                                .url = r->url,
                                .content_type =
                                    fed_transport_content_type((fed_request)r->type),
                                .body = post ? r->body.data : NULL,
                                .body_bytes = post ? r->body.len : 0,
                                .max_answer = fed_client_max_answer(c, r->type)};
    return c->http.send(c->http.ctx, c, &request);
}

static fed_status send_by_transport(fed_client *c, fed_error *err)
{
    fed_client_request *r = &c->request;
    fed_transfer_request request = {.server = c->server,
                                    .type = (fed_request)r->type,
                                    .body = &r->body,
                                    .max_answer = fed_client_max_answer(c, r->type)};
    return fed_transport_send(c->network->transport, &request, on_result, c, err);
}

/* What cannot be sent now is tried again by the session; only memory is our own failure. */
fed_status fed_client_send(fed_client *c, fed_message *m, fed_error *err)
{
    fed_client_request *r = &c->request;
    fed_client_forget_request(c);
    r->waiting = true;
    r->id = m->peer;
    r->type = m->type;
    r->body = m->body;
    fed_bytes_init(&m->body, 0);
    c->bytes_sent += r->body.len;
    fed_status status = c->has_http ? send_by_app(c, err) : send_by_transport(c, err);
    if (status == FED_E_NOMEM) return status;
    if (status) take_answer(c, 0, (fed_span){NULL, 0}, 0);
    return FED_OK;
}

void fed_client_forget_request(fed_client *c)
{
    fed_client_request *r = &c->request;
    if (r->waiting && !r->answered) {
        if (c->has_http)
            c->http.cancel(c->http.ctx, c, r->id);
        else if (c->network)
            fed_transport_cancel(c->network->transport, c);
    }
    r->waiting = r->answered = false;
    fed_bytes_wipe(&r->body);
    fed_bytes_wipe(&r->answer);
}
