/* The shell of the server: the coordinator's disk, wire and clock; and its crashes. */
#include "virtualnet_internal.h"

#include <string.h>

fed_task_info fed_virtual_server_info(const fed_virtualnet *net)
{
    fed_task_info info = {.phase = FED_PHASE_PLACE};
    if (fed_coordinator_task_count(net->coordinator))
        fed_coordinator_task_info(net->coordinator, 0, &info);
    return info;
}

/* ---- start and crash ------------------------------------------------------------------- */

/* A new life draws new numbers, as a real process does. */
fed_status fed_virtual_server_start(fed_virtualnet *net, fed_error *err)
{
    fed_journal journal = fed_memory_journal_reader(net->journal);
    fed_coordinator_free(net->coordinator);
    net->coordinator = NULL;
    FED_TRY(fed_seeded_server(net->config.seed, net->lives++, &net->server_secret));
    FED_TRY(fed_coordinator_new(&net->coordinator, &net->server_config, err));
    return fed_coordinator_restore(net->coordinator, &journal, net->now, err);
}

/* Whoever waits for an answer hears that none will come. */
static fed_status crash(fed_virtualnet *net, fed_error *err)
{
    net->result->crashes++;
    FED_TRY(fed_virtual_server_start(net, err));
    for (size_t i = 0; i < net->n_active; i++) {
        const fed_virtual_device *d = net->active[i];
        fed_net_event failed = {
            .kind = FED_NET_FAILED, .client = d->client, .number = d->exchange};
        if (d->session && d->exchange)
            FED_TRY(fed_net_push(net, fed_net_delay(net), &failed));
    }
    fed_net_event timer = {.kind = FED_NET_SERVER_TIMER, .number = ++net->server_timer};
    return fed_net_push(net, 0, &timer);
}

/* ---- one step -------------------------------------------------------------------------- */

static fed_status send(fed_virtualnet *net, fed_outbox *outbox)
{
    for (size_t i = 0; i < outbox->n_messages; i++) {
        fed_message *m = &outbox->messages[i];
        fed_net_event event = {.kind = FED_NET_TO_DEVICE,
                               .client = (uint32_t)m->peer,
                               .number = m->peer >> 32,
                               .type = m->type,
                               .status = m->status,
                               .body = m->body};
        m->body = (fed_bytes){0};
        if (m->type == FED_REQUEST_INPUT && m->status == FED_HTTP_BAD_REQUEST)
            net->devices[event.client]->is_refused = true;
        FED_TRY(fed_net_push(net, fed_net_delay(net), &event));
    }
    fed_net_event timer = {.kind = FED_NET_SERVER_TIMER, .number = ++net->server_timer};
    if (outbox->wake_ms == FED_NEVER) return FED_OK;
    return fed_net_push(net, outbox->wake_ms > net->now ? outbox->wake_ms - net->now : 0,
                        &timer);
}

static fed_status carry_out(fed_virtualnet *net, const fed_event *event, bool sends,
                            fed_error *err)
{
    fed_outbox outbox;
    fed_outbox_init(&outbox);
    fed_status status =
        fed_coordinator_step(net->coordinator, event, net->now, &outbox, err);
    if (!status) status = fed_memory_journal_apply(net->journal, &outbox, err);
    if (!status && sends) status = send(net, &outbox);
    fed_outbox_fini(&outbox);
    return fed_fail_in(err, status, "server");
}

/* Time was up with too few: with a draw the server counts that, be a cohort open or not. */
static bool is_filling(const fed_virtualnet *net, const fed_task_info *before,
                       const fed_task_info *after, bool was_timer)
{
    if (fed_task_is_drawn(net->config.task)) return after->fillings > before->fillings;
    return was_timer && before->phase == FED_PHASE_JOIN && after->phase == FED_PHASE_JOIN;
}

/* What has become of the round: seen from outside, as an operator sees it. A cohort that is
 * gone was aborted, unless it was still open and the server died: then it fills again. */
static void observe(fed_virtualnet *net, const fed_task_info *before, bool was_timer,
                    bool crashed)
{
    fed_task_info after = fed_virtual_server_info(net);
    fed_phase lost = crashed ? FED_PHASE_JOIN : FED_PHASE_PLACE;
    if (net->is_over) return;
    net->is_over = true;
    if (after.head.version > before->head.version)
        net->result->outcome = FED_ROUND_COMMITTED;
    else if ((before->phase > lost && after.phase == FED_PHASE_PLACE) ||
             after.draws != before->draws)
        net->result->outcome = FED_ROUND_ABORTED;
    else if (!crashed && is_filling(net, before, &after, was_timer))
        net->result->outcome = FED_ROUND_FILLING;
    else
        net->is_over = false;
}

static fed_status step(fed_virtualnet *net, const fed_event *event, fed_error *err)
{
    fed_task_info before = fed_virtual_server_info(net);
    double p = net->config.faults ? net->config.faults->server_crash : 0;
    bool crashes = p > 0 && fed_stream_uniform_double(&net->chance) < p;
    bool is_early = crashes && fed_stream_below(&net->chance, 2);
    if (!is_early) FED_TRY(carry_out(net, event, !crashes, err));
    if (crashes) FED_TRY(crash(net, err));
    observe(net, &before, event->kind == FED_EVENT_TIMER, crashes);
    return FED_OK;
}

/* ---- enrolment ------------------------------------------------------------------------- */

static fed_status show_certificate(fed_virtualnet *net, uint32_t client, fed_error *err)
{
    fed_client_view view;
    fed_certificate certificate;
    fed_checkin m = {.population = FED_NET_POPULATION};
    fed_bytes body;
    fed_population_client(net->config.population, client, &view);
    FED_TRY(fed_ed25519_public(view.secret.seed, m.device, err));
    FED_TRY(fed_virtual_device_certify(net, m.device, &certificate, err));
    fed_certificate_encode(&certificate, m.certificate);
    FED_TRY(fed_checkin_sign(&m, view.secret.seed, err));
    fed_bytes_init(&body, FED_CHECKIN_JSON_MAX);
    fed_status status = fed_checkin_put(&body, &m, err);
    fed_event event = {.kind = FED_EVENT_MESSAGE,
                       .peer = client,
                       .type = FED_REQUEST_CHECKIN,
                       .body = {body.data, body.len}};
    if (!status) status = carry_out(net, &event, false, err);
    fed_bytes_fini(&body);
    return status;
}

/* In the order of their numbers; nobody waits for the answers. */
fed_status fed_virtual_server_enrol(fed_virtualnet *net, fed_error *err)
{
    fed_net_event timer = {.kind = FED_NET_SERVER_TIMER};
    if (!fed_task_is_drawn(net->config.task)) return FED_OK;
    for (uint32_t i = 0; i < fed_population_clients(net->config.population); i++)
        FED_TRY(show_certificate(net, i, err));
    timer.number = ++net->server_timer;
    return fed_net_push(net, 0, &timer);
}

/* ---- requests -------------------------------------------------------------------------- */

/* What it takes compressed, as the HTTP shell sends it. */
static fed_status weigh(fed_virtualnet *net, const fed_address *address, fed_span blob,
                        uint64_t *wire_bytes, fed_error *err)
{
    for (unsigned i = 0; i < FED_NET_WEIGHED; i++)
        if (fed_address_equal(&net->weighed[i].address, address)) {
            *wire_bytes = net->weighed[i].wire_bytes;
            return FED_OK;
        }
    FED_TRY(fed_blob_wire_bytes(blob, wire_bytes, err));
    net->weighed[net->next_weighed++ % FED_NET_WEIGHED] =
        (fed_weighed_blob){*address, *wire_bytes};
    return FED_OK;
}

/* Blobs come from the journal, as the HTTP shell serves them. */
static fed_status serve_blob(fed_virtualnet *net, const fed_net_event *request,
                             fed_error *err)
{
    char key[FED_KEY_MAX];
    fed_address address;
    fed_journal journal = fed_memory_journal_reader(net->journal);
    fed_net_event back = *request;
    back.kind = FED_NET_TO_DEVICE;
    back.status = FED_HTTP_OK;
    fed_bytes_init(&back.body, SIZE_MAX);
    memcpy(address.bytes, request->body.data, sizeof address.bytes);
    fed_key_blob(key, &address);
    if (journal.get(journal.ctx, key, &back.body, NULL)) back.status = FED_HTTP_NOT_FOUND;
    fed_status status = weigh(net, &address, (fed_span){back.body.data, back.body.len},
                              &back.wire_bytes, err);
    if (status) {
        fed_bytes_fini(&back.body);
        return status;
    }
    return fed_net_push(net, fed_net_delay(net), &back);
}

fed_status fed_virtual_server_request(fed_virtualnet *net, const fed_net_event *event,
                                      fed_error *err)
{
    if (event->type == FED_REQUEST_BLOB) return serve_blob(net, event, err);
    return step(net,
                &(fed_event){.kind = FED_EVENT_MESSAGE,
                             .peer = event->number << 32 | event->client,
                             .type = event->type,
                             .body = {event->body.data, event->body.len}},
                err);
}

fed_status fed_virtual_server_timer(fed_virtualnet *net, const fed_net_event *event,
                                    fed_error *err)
{
    if (event->number != net->server_timer) return FED_OK;
    return step(net, &(fed_event){.kind = FED_EVENT_TIMER}, err);
}

/* ---- the task -------------------------------------------------------------------------- */

static fed_status describe_task(const fed_virtualnet *net, fed_task_document *doc,
                                fed_error *err)
{
    const fed_task *task = net->config.task;
    const fed_task_numbers *n = fed_task_numbers_of(task);
    *doc = (fed_task_document){.population = FED_NET_POPULATION,
                               .name = FED_NET_POPULATION,
                               .plan_length = n->resolved.len,
                               .model_length = n->model_bytes,
                               .expires_ms = INT64_MAX};
    memcpy(doc->plan.bytes, n->plan_address, sizeof doc->plan.bytes);
    memcpy(doc->seed, fed_task_seed(task), sizeof doc->seed);
    FED_TRY(fed_ed25519_public(net->server_config.server_seed, doc->server_key, err));
    float *params = fed_calloc(n->params, sizeof *params);
    if (!params) return fed_fail_nomem(err, n->params * sizeof *params);
    fed_bytes model;
    fed_bytes_init(&model, SIZE_MAX);
    fed_task_init_params(task, params);
    fed_status status = fed_task_write_model(task, params, &model, err);
    if (!status) status = fed_address_of(model.data, model.len, &doc->model, err);
    fed_bytes_fini(&model);
    fed_free(params);
    return status;
}

/* The answer to the operator is looked at here; it goes over no wire. */
static fed_status create(fed_virtualnet *net, fed_span body, fed_error *err)
{
    fed_outbox outbox;
    fed_event event = {.kind = FED_EVENT_MESSAGE,
                       .peer = FED_NET_OPERATOR,
                       .type = FED_REQUEST_TASK_CREATE,
                       .body = body};
    fed_outbox_init(&outbox);
    fed_status status =
        fed_coordinator_step(net->coordinator, &event, net->now, &outbox, err);
    if (!status) status = fed_memory_journal_apply(net->journal, &outbox, err);
    if (!status && !fed_coordinator_task_count(net->coordinator)) {
        const fed_message *m = &outbox.messages[0];
        status = fed_fail(err, FED_E_REFUSED, "the server refused the task: %.*s",
                          (int)m->body.len, (const char *)m->body.data);
    }
    fed_outbox_fini(&outbox);
    return status;
}

fed_status fed_virtual_server_create_task(fed_virtualnet *net, fed_error *err)
{
    uint8_t operator_seed[32];
    fed_task_document doc;
    fed_bytes document, body;
    fed_random secret = fed_seeded_random(&net->secret);
    fed_bytes_init(&document, FED_TASK_DOCUMENT_MAX);
    fed_bytes_init(&body, SIZE_MAX);
    FED_TRY(
        fed_random_fill(&secret, "operator key", 0, operator_seed, sizeof operator_seed));
    fed_status status = describe_task(net, &doc, err);
    if (!status) status = fed_task_document_sign(&doc, operator_seed, &document, err);
    if (!status)
        status =
            fed_task_create_put(&body, (fed_span){document.data, document.len},
                                fed_task_numbers_of(net->config.task)->resolved, err);
    if (!status) status = create(net, (fed_span){body.data, body.len}, err);
    if (!status) net->task_id = fed_virtual_server_info(net).id;
    fed_bytes_fini(&document);
    fed_bytes_fini(&body);
    return status;
}
