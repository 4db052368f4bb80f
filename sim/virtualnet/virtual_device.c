/* The shell of one device: power, disk, wire and clock of a session; and its fate. */
#include "virtualnet_internal.h"

#include <string.h>

/* ---- power ----------------------------------------------------------------------------- */

static void drop_ahead(fed_virtual_device *d)
{
    if (d->is_ahead) fed_outbox_fini(&d->ahead);
    d->is_ahead = false;
}

void fed_virtual_device_off(fed_virtual_device *d)
{
    drop_ahead(d);
    fed_session_free(d->session);
    d->session = NULL;
    d->exchange = 0;
    d->timer++;
    d->timer_at = FED_NEVER;
}

void fed_virtual_device_free(fed_virtual_device *d)
{
    if (!d) return;
    fed_virtual_device_off(d);
    fed_memory_journal_free(d->journal);
    fed_wipe_free(d, sizeof *d);
}

static fed_status make_device(fed_virtualnet *net, uint32_t client, fed_error *err)
{
    fed_virtual_device *d = fed_calloc(1, sizeof *d);
    if (!d) return fed_fail_nomem(err, sizeof *d);
    net->devices[client] = d;
    d->client = client;
    d->timer_at = FED_NEVER;
    fed_population_client(net->config.population, client, &d->view);
    FED_TRY(fed_ed25519_public(d->view.secret.seed, d->key, err));
    return fed_memory_journal_new(&d->journal, err);
}

fed_status fed_virtual_device_enlist(fed_virtualnet *net, fed_attendee who,
                                     fed_error *err)
{
    fed_net_event on = {.kind = FED_NET_POWER_ON, .client = who.client};
    if (!net->devices[who.client]) FED_TRY(make_device(net, who.client, err));
    fed_virtual_device *d = net->devices[who.client];
    net->active[net->n_active++] = d;
    d->fate = who.fate;
    d->health = fed_turnout_health(net->turnout, who.client);
    d->is_counted = d->is_placed = d->has_sent = d->has_trained = false;
    d->is_not_finite = d->is_refused = false;
    d->upload_bytes = d->download_bytes = 0;
    return fed_net_push(net, 8 * fed_net_delay(net), &on);
}

/* ---- its disk -------------------------------------------------------------------------- */

/* The bytes of a model go to the shelf; the device keeps which one it is. */
static fed_status shelve(fed_virtualnet *net, fed_record *record, fed_error *err)
{
    uint64_t version = fed_load_u64(record->value.data);
    fed_shelved_model *place = &net->shelf[version % net->n_shelf];
    if (!place->record.len || place->version < version) {
        fed_bytes_fini(&place->record);
        *place = (fed_shelved_model){version, record->value};
        fed_bytes_init(&record->value, sizeof version);
    }
    fed_bytes_clear(&record->value);
    fed_bytes_put_u64(&record->value, version);
    return record->value.status ? fed_fail_nomem(err, sizeof version) : FED_OK;
}

static fed_status store(fed_virtualnet *net, fed_virtual_device *d, fed_outbox *outbox,
                        fed_error *err)
{
    for (size_t i = 0; i < outbox->n_records; i++) {
        fed_record *record = &outbox->records[i];
        if (!record->erase && strcmp(record->key, FED_SESSION_MODEL_KEY) == 0)
            FED_TRY(shelve(net, record, err));
    }
    return fed_memory_journal_apply(d->journal, outbox, err);
}

typedef struct virtual_disk {
    const fed_virtualnet *net;
    fed_journal journal;
} virtual_disk;

/* A model that is not on the shelf any more would not lead on: it may as well be lost. */
static fed_status read_disk(void *ctx, const char *key, fed_bytes *out, fed_error *err)
{
    const virtual_disk *disk = ctx;
    size_t before = out->len;
    FED_TRY(disk->journal.get(disk->journal.ctx, key, out, err));
    if (strcmp(key, FED_SESSION_MODEL_KEY) != 0) return FED_OK;
    uint64_t version = fed_load_u64(out->data + before);
    const fed_shelved_model *place = &disk->net->shelf[version % disk->net->n_shelf];
    out->len = before;
    if (!place->record.len || place->version != version)
        return fed_fail(err, FED_E_NOT_FOUND, "%s: of version %llu, long gone", key,
                        (unsigned long long)version);
    fed_bytes_put(out, place->record.data, place->record.len);
    return out->status;
}

static fed_status scan_disk(void *ctx, const char *prefix, fed_journal_visit visit,
                            void *arg, fed_error *err)
{
    const virtual_disk *disk = ctx;
    return disk->journal.scan(disk->journal.ctx, prefix, visit, arg, err);
}

/* ---- starting -------------------------------------------------------------------------- */

fed_status fed_virtual_device_certify(const fed_virtualnet *net, const uint8_t key[32],
                                      fed_certificate *out, fed_error *err)
{
    *out = (fed_certificate){.expires_s = INT64_MAX};
    memcpy(out->device_key, key, sizeof out->device_key);
    return fed_certificate_sign(out, net->enrolment_seed, err);
}

/* For secure aggregation, and for draws, a device must be enrolled. */
static fed_status enrol(const fed_virtualnet *net, const fed_virtual_device *d,
                        fed_session_config *config, fed_error *err)
{
    const fed_task *task = net->config.task;
    if (!fed_task_plan(task)->secagg.enabled && !fed_task_is_drawn(task)) return FED_OK;
    config->is_enrolled = true;
    memcpy(config->enrolment_key, net->server_config.enrolment_key,
           sizeof config->enrolment_key);
    return fed_virtual_device_certify(net, d->key, &config->certificate, err);
}

/* Where devices rest between participations, rounds begin rounds.deadline_s apart by the wall
 * clock, however fast the messages of one are exchanged. */
static int64_t wall_offset_ms(const fed_virtualnet *net)
{
    const fed_plan *plan = fed_task_plan(net->config.task);
    if (!plan->eligibility.min_separation_s) return 0;
    return (int64_t)fed_turnout_rounds(net->turnout) * plan->rounds.deadline_s * 1000;
}

static fed_status make_session(fed_virtualnet *net, fed_virtual_device *d, fed_error *err)
{
    fed_session_config config = {.population = FED_NET_POPULATION,
                                 .wall_offset_ms = wall_offset_ms(net),
                                 .random = fed_seeded_random(&d->view.secret)};
    memcpy(config.operator_key, net->operator_key, sizeof config.operator_key);
    memcpy(config.identity_seed, d->view.secret.seed, sizeof config.identity_seed);
    memcpy(config.device_seed, d->view.secret.seed, sizeof config.device_seed);
    fed_turnout_examples(net->turnout, d->client, &d->view, &config.examples);
    virtual_disk disk = {net, fed_memory_journal_reader(d->journal)};
    fed_journal journal = {read_disk, scan_disk, &disk};
    FED_TRY(enrol(net, d, &config, err));
    FED_TRY(fed_session_new(&d->session, &config, err));
    return fed_session_restore(d->session, &journal, err);
}

/* ---- what a step wants done ------------------------------------------------------------ */

/* A hostile device signs what it sends, so only the body tells. */
static fed_status spoil(fed_virtualnet *net, fed_virtual_device *d, fed_bytes *message,
                        fed_error *err)
{
    fed_envelope e;
    uint8_t noise[24];
    fed_span all = {message->data, message->len};
    FED_TRY(fed_envelope_open(&e, all.data, all.len, SIZE_MAX, err));
    fed_stream_fill(&net->chance, noise, sizeof noise);
    fed_envelope hostile = e;
    hostile.body = (fed_span){noise, fed_stream_below(&net->chance, sizeof noise)};
    fed_bytes spoilt;
    fed_bytes_init(&spoilt, message->len + sizeof noise);
    fed_status status = fed_envelope_seal(&spoilt, &hostile, d->view.secret.seed, err);
    fed_bytes_fini(message);
    *message = spoilt;
    return status;
}

/* Has the device dropped before this request, or is nobody left to hear it? */
static bool is_silenced(const fed_virtualnet *net, const fed_virtual_device *d,
                        uint32_t type)
{
    if (net->is_draining) return true;
    switch (type) {
    case FED_REQUEST_CHECKIN:
        return d->has_sent;
    case FED_REQUEST_PLACE:
        return d->fate <= FED_FATE_BEFORE_PLACE;
    case FED_REQUEST_JOIN:
        return d->fate <= FED_FATE_BEFORE_JOIN;
    default:
        return false;
    }
}

static fed_status send(fed_virtualnet *net, fed_virtual_device *d, fed_message *m,
                       fed_error *err)
{
    if (is_silenced(net, d, m->type)) {
        fed_virtual_device_off(d);
        return FED_OK;
    }
    if (m->type == FED_REQUEST_INPUT) {
        d->has_sent = true;
        if (d->health == FED_GARBAGE) FED_TRY(spoil(net, d, &m->body, err));
    }
    if (m->type == FED_REQUEST_PLACE || m->type >= FED_REQUEST_JOIN)
        d->upload_bytes += m->body.len;
    fed_net_event event = {.kind = FED_NET_TO_SERVER,
                           .client = d->client,
                           .number = ++net->exchanges,
                           .type = m->type,
                           .body = m->body};
    m->body = (fed_bytes){0};
    d->exchange = event.number;
    d->peer = m->peer;
    FED_TRY(fed_net_push(net, fed_net_delay(net), &event));
    if (m->type == FED_REQUEST_INPUT && d->fate == FED_FATE_AFTER_INPUT)
        fed_virtual_device_off(d);
    return FED_OK;
}

static fed_status set_timer(fed_virtualnet *net, fed_virtual_device *d,
                            const fed_session_info *info, int64_t at)
{
    fed_net_event event = {
        .kind = FED_NET_DEVICE_TIMER, .client = d->client, .number = ++d->timer};
    d->timer_at = FED_NEVER;
    if (at == FED_NEVER) return FED_OK;
    int64_t after = at > net->now ? at - net->now : 0;
    if (info->state == FED_SESSION_TRAIN)
        after += fed_stream_below(&net->chance, (uint32_t)net->training_ms);
    d->timer_at = net->now + after;
    return fed_net_push(net, after, &event);
}

/* Records first, then what the session learned, then its message, then its timer. A device
 * that could not train has nothing more to do in this round. */
static fed_status carry_out(fed_virtualnet *net, fed_virtual_device *d,
                            fed_outbox *outbox, fed_error *err)
{
    FED_TRY(store(net, d, outbox, err));
    fed_session_info info = fed_session_describe(d->session);
    if (info.trained && !d->is_counted) {
        d->has_trained = true;
        d->loss = info.last_loss;
    }
    if (info.refused) {
        d->is_not_finite = true;
        fed_virtual_device_off(d);
        return FED_OK;
    }
    for (size_t i = 0; d->session && i < outbox->n_messages; i++)
        FED_TRY(send(net, d, &outbox->messages[i], err));
    return d->session ? set_timer(net, d, &info, outbox->wake_ms) : FED_OK;
}

static fed_status step(fed_virtualnet *net, fed_virtual_device *d, const fed_event *event,
                       fed_error *err)
{
    fed_outbox outbox;
    fed_outbox_init(&outbox);
    fed_status status = fed_session_step(d->session, event, net->now, &outbox, err);
    if (!status) status = carry_out(net, d, &outbox, err);
    fed_outbox_fini(&outbox);
    return fed_fail_in(err, status, "client %u", d->client);
}

/* ---- training ahead -------------------------------------------------------------------- */

static bool is_about_to_train(const fed_virtual_device *d)
{
    return d->session && d->timer_at != FED_NEVER && !d->is_ahead &&
           fed_session_describe(d->session).state == FED_SESSION_TRAIN;
}

static void ahead_body(void *arg, size_t i, unsigned worker)
{
    fed_virtual_device *d = ((fed_virtual_device **)arg)[i];
    (void)worker;
    fed_outbox_init(&d->ahead);
    d->ahead_status = fed_session_step(d->session, &(fed_event){.kind = FED_EVENT_TIMER},
                                       d->timer_at, &d->ahead, &d->ahead_error);
    d->is_ahead = true;
}

static fed_status train_ahead(fed_virtualnet *net, fed_error *err)
{
    size_t n = 0;
    fed_virtual_device **list = fed_calloc(net->n_active, sizeof(void *));
    if (!list) return fed_fail_nomem(err, net->n_active * sizeof(void *));
    for (size_t i = 0; i < net->n_active; i++)
        if (is_about_to_train(net->active[i])) list[n++] = net->active[i];
    fed_parallel_for(net->config.parallel, n, ahead_body, list);
    fed_free(list);
    return FED_OK;
}

static fed_status finish_ahead(fed_virtualnet *net, fed_virtual_device *d, fed_error *err)
{
    fed_outbox outbox = d->ahead;
    fed_status status = d->ahead_status;
    d->is_ahead = false;
    if (status && err) *err = d->ahead_error;
    if (!status) status = carry_out(net, d, &outbox, err);
    fed_outbox_fini(&outbox);
    return fed_fail_in(err, status, "client %u", d->client);
}

static fed_status timer(fed_virtualnet *net, fed_virtual_device *d, fed_error *err)
{
    if (is_about_to_train(d)) FED_TRY(train_ahead(net, err));
    if (d->is_ahead) return finish_ahead(net, d, err);
    return step(net, d, &(fed_event){.kind = FED_EVENT_TIMER}, err);
}

/* ---- answers --------------------------------------------------------------------------- */

/* Does the device drop in the moment in which it would read this? */
static bool drops_at(const fed_virtual_device *d, const fed_net_event *event)
{
    fed_checkin_answer checkin;
    fed_answer answer;
    fed_span body = {event->body.data, event->body.len};
    if (event->status != FED_HTTP_OK) return false;
    if (event->type == FED_REQUEST_CHECKIN && d->fate == FED_FATE_BEFORE_TRAINING)
        return fed_checkin_answer_get(&checkin, body, NULL) == FED_OK && checkin.has_task;
    return d->fate <= FED_FATE_BEFORE_INPUT &&
           fed_session_describe(d->session).state == FED_SESSION_JOIN &&
           fed_answer_get(&answer, body, NULL) == FED_OK &&
           answer.phase == FED_PHASE_INPUT;
}

static fed_status answer(fed_virtualnet *net, fed_virtual_device *d,
                         const fed_net_event *event, fed_error *err)
{
    if (event->type == FED_REQUEST_PLACE && event->status == FED_HTTP_OK)
        d->is_placed = true;
    if (event->type == FED_REQUEST_BLOB) d->download_bytes += event->wire_bytes;
    if (drops_at(d, event)) {
        fed_virtual_device_off(d);
        return FED_OK;
    }
    return step(net, d,
                &(fed_event){.kind = FED_EVENT_MESSAGE,
                             .peer = d->peer,
                             .type = event->type,
                             .status = event->status,
                             .body = {event->body.data, event->body.len}},
                err);
}

fed_status fed_virtual_device_event(fed_virtualnet *net, fed_net_event *event,
                                    fed_error *err)
{
    fed_virtual_device *d = net->devices[event->client];
    if (!d) return FED_OK;
    if (event->kind == FED_NET_POWER_ON) {
        FED_TRY(make_session(net, d, err));
        return step(net, d, &(fed_event){.kind = FED_EVENT_START}, err);
    }
    if (!d->session) return FED_OK;
    if (event->kind == FED_NET_DEVICE_TIMER)
        return event->number == d->timer ? timer(net, d, err) : FED_OK;
    if (event->number != d->exchange) return FED_OK;
    d->exchange = 0;
    if (event->kind == FED_NET_TO_DEVICE) return answer(net, d, event, err);
    return step(net, d, &(fed_event){.kind = FED_EVENT_FAILED, .peer = d->peer}, err);
}
