/* A round: who is drawn is switched on, events are carried out in their order until the
 * round is decided, and what happened is written down. */
#include "virtualnet_internal.h"

#include <string.h>

enum { DELAY_MAX_MS = 100, TRAINING_MAX_MS = 5000 };

/* ---- making ---------------------------------------------------------------------------- */

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The server's secrets are new in each of its lives; but whom it draws follows from the seed
 * alone, as it does in the turnout, which therefore knows it. */
static fed_status fill_server(void *ctx, const char *purpose, uint64_t index, void *out,
                              size_t n)
{
    const fed_virtualnet *net = ctx;
    bool is_draw = !strcmp(purpose, FED_DRAW_PURPOSE);
    fed_random random = fed_seeded_random(is_draw ? &net->secret : &net->server_secret);
    return fed_random_fill(&random, purpose, index, out, n);
}

/* Delays stay far below what the plan allows, so that nobody is late but by its fate. */
static void choose_delays(fed_virtualnet *net)
{
    const fed_plan_rounds *rounds = &fed_task_plan(net->config.task)->rounds;
    int64_t deadline = rounds->deadline_s * 1000, phase = rounds->phase_s * 1000;
    net->delay_ms = at_most(DELAY_MAX_MS, at_most(deadline / 64, phase / 16));
    net->training_ms = at_most(TRAINING_MAX_MS, deadline / 4);
}

static fed_status choose_keys(fed_virtualnet *net, fed_error *err)
{
    uint8_t operator_seed[32];
    fed_random secret = fed_seeded_random(&net->secret);
    FED_TRY(
        fed_random_fill(&secret, "operator key", 0, operator_seed, sizeof operator_seed));
    FED_TRY(fed_ed25519_public(operator_seed, net->operator_key, err));
    fed_coordinator_config *c = &net->server_config;
    *c = (fed_coordinator_config){.retry_min_ms = 1000,
                                  .retry_max_ms = 2000,
                                  .random = {fill_server, net},
                                  .parallel = net->config.parallel};
    memcpy(c->operator_key, net->operator_key, sizeof c->operator_key);
    FED_TRY(fed_random_fill(&secret, "enrolment key", 0, net->enrolment_seed,
                            sizeof net->enrolment_seed));
    FED_TRY(fed_ed25519_public(net->enrolment_seed, c->enrolment_key, err));
    c->has_enrolment_key = true;
    return fed_random_fill(&secret, "server key", 0, c->server_seed,
                           sizeof c->server_seed);
}

static fed_status make_shelf(fed_virtualnet *net, fed_error *err)
{
    int64_t differences = fed_task_plan(net->config.task)->download.differences;
    if (!differences) return FED_OK;
    net->n_shelf = (uint64_t)differences + 1;
    net->shelf = fed_calloc(net->n_shelf, sizeof *net->shelf);
    if (!net->shelf) return fed_fail_nomem(err, net->n_shelf * sizeof *net->shelf);
    for (uint64_t i = 0; i < net->n_shelf; i++)
        fed_bytes_init(&net->shelf[i].record, SIZE_MAX);
    return FED_OK;
}

static fed_status prepare(fed_virtualnet *net, fed_error *err)
{
    uint32_t clients = fed_population_clients(net->config.population);
    uint32_t cap = fed_task_numbers_of(net->config.task)->invited;
    net->devices = fed_calloc(clients, sizeof *net->devices);
    net->active = fed_calloc(cap, sizeof *net->active);
    net->drawn = fed_calloc(cap, sizeof *net->drawn);
    net->roster = fed_calloc(cap, sizeof *net->roster);
    if (!net->devices || !net->active || !net->drawn || !net->roster)
        return fed_fail_nomem(err, clients * sizeof *net->devices);
    FED_TRY(make_shelf(net, err));
    FED_TRY(choose_keys(net, err));
    FED_TRY(fed_memory_journal_new(&net->journal, err));
    FED_TRY(fed_virtual_server_start(net, err));
    FED_TRY(fed_virtual_server_create_task(net, err));
    return fed_virtual_server_enrol(net, err);
}

fed_status fed_virtualnet_new(fed_virtualnet **out, const fed_virtualnet_config *config,
                              fed_error *err)
{
    *out = NULL;
    fed_virtualnet *net = fed_calloc(1, sizeof *net);
    if (!net) return fed_fail_nomem(err, sizeof *net);
    net->config = *config;
    fed_seed_from_u64(net->secret.seed, config->seed);
    fed_stream_init(&net->chance, net->secret.seed, FED_PURPOSE_NETWORK, 0);
    choose_delays(net);
    fed_status status = prepare(net, err);
    if (status)
        fed_virtualnet_free(net);
    else
        *out = net;
    return status;
}

void fed_virtualnet_free(fed_virtualnet *net)
{
    if (!net) return;
    for (uint32_t i = 0;
         net->devices && i < fed_population_clients(net->config.population); i++)
        fed_virtual_device_free(net->devices[i]);
    fed_free(net->devices);
    fed_free(net->active);
    fed_free(net->drawn);
    fed_free(net->roster);
    for (uint64_t i = 0; net->shelf && i < net->n_shelf; i++)
        fed_bytes_fini(&net->shelf[i].record);
    fed_free(net->shelf);
    fed_event_queue_fini(&net->queue);
    fed_coordinator_free(net->coordinator);
    fed_memory_journal_free(net->journal);
    fed_wipe_free(net, sizeof *net);
}

/* ---- what people see ------------------------------------------------------------------- */

const float *fed_virtualnet_params(const fed_virtualnet *net)
{
    return fed_coordinator_params(net->coordinator, 0);
}

uint64_t fed_virtualnet_version(const fed_virtualnet *net)
{
    return fed_virtual_server_info(net).head.version;
}

fed_privacy_spent fed_virtualnet_privacy(const fed_virtualnet *net)
{
    return fed_virtual_server_info(net).privacy;
}

bool fed_virtualnet_is_spent(const fed_virtualnet *net)
{
    return fed_virtual_server_info(net).head.state == FED_TASK_SPENT;
}

void fed_virtualnet_task(const fed_virtualnet *net, uint8_t task[32])
{
    memcpy(task, net->task_id.bytes, sizeof net->task_id.bytes);
}

int64_t fed_virtualnet_now_ms(const fed_virtualnet *net)
{
    return net->now;
}

uint64_t fed_virtualnet_events(const fed_virtualnet *net)
{
    return net->events;
}

/* ---- time ------------------------------------------------------------------------------ */

int64_t fed_net_delay(fed_virtualnet *net)
{
    return 1 + fed_stream_below(&net->chance, (uint32_t)net->delay_ms);
}

fed_status fed_net_push(fed_virtualnet *net, int64_t after, fed_net_event *event)
{
    event->at = net->now + after;
    return fed_event_queue_push(&net->queue, event);
}

static fed_status carry_out(fed_virtualnet *net, fed_net_event *event, fed_error *err)
{
    net->now = event->at;
    net->events++;
    switch (event->kind) {
    case FED_NET_TO_SERVER:
        return fed_virtual_server_request(net, event, err);
    case FED_NET_SERVER_TIMER:
        return fed_virtual_server_timer(net, event, err);
    default:
        return fed_virtual_device_event(net, event, err);
    }
}

static bool somebody_waits(const fed_virtualnet *net)
{
    for (size_t i = 0; i < net->n_active; i++)
        if (net->active[i]->session && net->active[i]->exchange) return true;
    return false;
}

/* Until the round is decided; then, unless the cohort stays open, until everybody who waits
 * has heard of it. Nothing left to happen means that nobody came. */
static fed_status pass_time(fed_virtualnet *net, fed_error *err)
{
    fed_net_event event;
    while (fed_event_queue_pop(&net->queue, &event)) {
        fed_status status = carry_out(net, &event, err);
        fed_bytes_fini(&event.body);
        if (status)
            return fed_fail_in(err, status, "virtual time %lld ms", (long long)net->now);
        if (!net->is_over) continue;
        if (net->result->outcome == FED_ROUND_FILLING) return FED_OK;
        net->is_draining = true;
        if (!somebody_waits(net)) return FED_OK;
    }
    if (net->is_over) return FED_OK;
    net->result->outcome = FED_ROUND_FILLING;
    net->now += fed_task_plan(net->config.task)->rounds.deadline_s * 1000;
    return FED_OK;
}

/* ---- what happened --------------------------------------------------------------------- */

static fed_virtual_device *find_by_key(const fed_virtualnet *net, const uint8_t key[32])
{
    for (size_t i = 0; i < net->n_active; i++)
        if (!memcmp(net->active[i]->key, key, 32)) return net->active[i];
    return NULL;
}

/* The server's own record of the cohort that made the version. */
static fed_status read_roster(fed_virtualnet *net, fed_error *err)
{
    char key[FED_KEY_MAX];
    fed_roster roster = {0};
    fed_bytes value;
    fed_round_result *out = net->result;
    fed_journal journal = fed_memory_journal_reader(net->journal);
    fed_bytes_init(&value, SIZE_MAX);
    fed_key_trace(key, &net->task_id, fed_virtualnet_version(net));
    fed_status status = journal.get(journal.ctx, key, &value, err);
    if (!status) status = fed_roster_get(&roster, (fed_span){value.data, value.len}, err);
    fed_bytes_fini(&value);
    for (uint32_t i = 0; !status && i < roster.n; i++) {
        const fed_virtual_device *d = find_by_key(net, roster.members[i].device);
        bool survived = roster.members[i].survived;
        if (!d) status = fed_fail(err, FED_E_INTERNAL, "cohort: a member not of here");
        if (d) net->roster[out->n_seats++] = (fed_seat){d->client, survived};
        out->survivors += survived;
    }
    memcpy(out->cohort, roster.cohort, sizeof out->cohort);
    out->seats = net->roster;
    fed_roster_fini(&roster);
    return status;
}

static void count_training(fed_virtualnet *net, fed_virtual_device *d)
{
    fed_round_result *out = net->result;
    if (d->is_counted) return;
    d->is_counted = true;
    out->download_bytes += d->download_bytes;
    out->not_finite += d->is_not_finite;
    if (d->fate != FED_FATE_NONE && !d->is_not_finite) out->dropped[d->fate]++;
    if (!d->has_trained) return;
    out->trained++;
    out->train_loss += d->loss;
    out->steps += fed_task_steps(net->config.task, d->view.examples.count);
}

static void count_upload(fed_virtualnet *net, const fed_virtual_device *d)
{
    if (!d->has_sent) return;
    net->result->uploads++;
    net->result->upload_bytes += d->upload_bytes;
    net->result->refused += d->is_refused;
}

/* Does the device keep its place in a cohort that goes on filling? */
static bool stays(const fed_virtualnet *net, const fed_virtual_device *d)
{
    return net->result->outcome == FED_ROUND_FILLING && d->is_placed &&
           d->fate > FED_FATE_BEFORE_JOIN;
}

static void end_round(fed_virtualnet *net, fed_turnout *turnout)
{
    size_t kept = 0;
    fed_turnout_reopen(turnout);
    for (size_t i = 0; i < net->n_active; i++) {
        fed_virtual_device *d = net->active[i];
        count_training(net, d);
        if (stays(net, d)) {
            fed_turnout_engage(turnout, d->client);
            net->active[kept++] = d;
            continue;
        }
        count_upload(net, d);
        if (d->has_sent) fed_turnout_spend(turnout, d->client);
        fed_virtual_device_off(d);
    }
    net->n_active = kept;
    if (net->result->trained) net->result->train_loss /= net->result->trained;
    if (net->result->outcome == FED_ROUND_COMMITTED) fed_turnout_next(turnout);
    if (net->result->outcome == FED_ROUND_ABORTED) fed_turnout_redraw(turnout);
}

fed_status fed_virtualnet_round(fed_virtualnet *net, fed_turnout *turnout,
                                fed_round_result *out, fed_error *err)
{
    uint32_t n, cap = fed_task_numbers_of(net->config.task)->invited;
    *out = (fed_round_result){0};
    net->result = out;
    net->turnout = turnout;
    net->is_draining = net->is_over = false;
    FED_TRY(
        fed_turnout_draw(turnout, cap - (uint32_t)net->n_active, net->drawn, &n, err));
    out->invited = n;
    for (uint32_t i = 0; i < n; i++)
        FED_TRY(fed_virtual_device_enlist(net, net->drawn[i], err));
    FED_TRY(pass_time(net, err));
    if (out->outcome == FED_ROUND_COMMITTED) FED_TRY(read_roster(net, err));
    end_round(net, turnout);
    out->version = fed_virtualnet_version(net);
    return FED_OK;
}
