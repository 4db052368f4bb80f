/* Opening and closing a device; its secrets; what may be asked of it. */
#include <string.h>

#include "client_internal.h"

/* ---- secrets ------------------------------------------------------------------------- */

/* Made once, kept for ever: who the device is, and the order in which it shuffles. */
static const char key_secrets[] = "device/secrets";

enum { SECRETS_BYTES = 64 };

static fed_status make_secrets(fed_client *c, const fed_client_origin *origin,
                               uint8_t secrets[SECRETS_BYTES], fed_error *err)
{
    fed_outbox o;
    if (origin->seed) {
        memcpy(secrets, origin->seed, 32);
        memcpy(secrets + 32, origin->seed, 32);
    } else {
        FED_TRY(fed_random_fill(&origin->random, "identity seed", 0, secrets, 32));
        FED_TRY(fed_random_fill(&origin->random, "device seed", 0, secrets + 32, 32));
    }
    fed_outbox_init(&o);
    fed_status status = fed_outbox_store(&o, key_secrets, secrets, SECRETS_BYTES);
    if (status)
        status = fed_fail_nomem(err, SECRETS_BYTES);
    else
        status = fed_keep_apply(c->keep, &o, err);
    fed_outbox_fini(&o);
    return status;
}

static fed_status load_secrets(fed_client *c, const fed_client_origin *origin,
                               fed_error *err)
{
    fed_bytes kept;
    uint8_t secrets[SECRETS_BYTES];
    fed_journal journal = fed_keep_journal(c->keep);
    fed_bytes_init(&kept, SECRETS_BYTES);
    fed_status status = journal.get(journal.ctx, key_secrets, &kept, err);
    if (status == FED_E_NOT_FOUND)
        status = make_secrets(c, origin, secrets, err);
    else if (!status && kept.len != SECRETS_BYTES)
        status = fed_fail(err, FED_E_FORMAT, "%s: %zu bytes, not %d", key_secrets,
                          kept.len, SECRETS_BYTES);
    else if (!status)
        memcpy(secrets, kept.data, SECRETS_BYTES);
    if (!status && origin->seed && memcmp(secrets, origin->seed, 32) != 0)
        status =
            fed_fail(err, FED_E_STATE, "the state folder belongs to another device seed");
    if (!status) {
        memcpy(c->session_config.identity_seed, secrets, 32);
        memcpy(c->session_config.device_seed, secrets + 32, 32);
    }
    fed_wipe(secrets, sizeof secrets);
    fed_bytes_wipe(&kept);
    return status;
}

/* ---- opening ------------------------------------------------------------------------- */

static fed_status check_config(const fed_client_config *config, fed_error *err)
{
    if (config->size != sizeof *config)
        return fed_fail(err, FED_E_INVALID, "config.size: %zu, this library knows %zu",
                        config->size, sizeof *config);
    if (!config->server) return fed_fail(err, FED_E_INVALID, "config.server: missing");
    if (!config->state_folder || !*config->state_folder)
        return fed_fail(err, FED_E_INVALID, "config.state_folder: missing");
    size_t n = config->population ? strlen(config->population) : 0;
    if (n < 1 || n > FED_POPULATION_MAX)
        return fed_fail(err, FED_E_INVALID,
                        "config.population: %zu characters, not 1..%d", n,
                        FED_POPULATION_MAX);
    if (!(config->max_epsilon >= 0))
        return fed_fail(err, FED_E_INVALID, "config.max_epsilon: %g is below 0",
                        config->max_epsilon);
    if (config->http && (!config->http->send || !config->http->cancel))
        return fed_fail(err, FED_E_INVALID, "config.http: a callback is missing");
    if (config->http && config->network)
        return fed_fail(err, FED_E_INVALID, "config.http: not together with a network");
    return fed_transport_check_server(config->server, err);
}

static fed_status open_network(fed_client *c, const fed_client_config *config,
                               fed_error *err)
{
    static const fed_network_config plain = FED_NETWORK_CONFIG_INIT;
    if (config->http) {
        c->http = *config->http;
        c->has_http = true;
        return FED_OK;
    }
    c->network = config->network;
    if (c->network) return FED_OK;
    c->own_network = true;
    return fed_network_open(&plain, &c->network, err);
}

static fed_conditions ask_conditions(void *ctx)
{
    const fed_client *c = ctx;
    fed_client_conditions now = c->conditions
                                    ? c->conditions(c->conditions_ctx)
                                    : fed_conditions_of_linux("/sys/class/power_supply");
    return (fed_conditions){now.charging, now.unmetered, now.idle};
}

static fed_status copy_config(fed_client *c, const fed_client_config *config,
                              const fed_client_origin *origin, fed_error *err)
{
    fed_session_config *s = &c->session_config;
    c->max_step_ms = config->max_step_ms ? config->max_step_ms : FED_CLIENT_STEP_MS;
    c->conditions = config->conditions;
    c->conditions_ctx = config->conditions_ctx;
    memcpy(s->population, config->population, strlen(config->population) + 1);
    memcpy(s->operator_key, config->operator_key, sizeof s->operator_key);
    c->has_enrolment_key = config->enrolment_key != NULL;
    if (c->has_enrolment_key)
        memcpy(s->enrolment_key, config->enrolment_key, sizeof s->enrolment_key);
    s->floor.secagg = config->require_secagg;
    s->floor.privacy = config->require_privacy;
    s->floor.epsilon = config->max_epsilon;
    s->floor.max_participations = config->max_participations;
    s->max_model_bytes =
        config->max_model_bytes ? config->max_model_bytes : FED_CLIENT_MODEL_BYTES;
    s->random = origin->random;
    s->conditions = ask_conditions;
    s->conditions_ctx = c;
    c->steps_per_call = 1;
    c->server = fed_strdup(config->server);
    return c->server ? FED_OK : fed_fail_nomem(err, strlen(config->server));
}

static fed_status open_keep(fed_client *c, const fed_client_config *config,
                            fed_error *err)
{
    fed_keep_config keep = {.folder = config->state_folder,
                            .random = fed_random_system(),
                            .key = config->state_key,
                            .key_ctx = config->state_key_ctx};
    return fed_keep_open(&c->keep, &keep, err);
}

fed_status fed_client_open_from(const fed_client_config *config,
                                const fed_client_origin *origin, fed_client **out,
                                fed_error *err)
{
    *out = NULL;
    FED_TRY(check_config(config, err));
    fed_client *c = fed_calloc(1, sizeof *c);
    if (!c) return fed_fail_nomem(err, sizeof *c);
    fed_status status = copy_config(c, config, origin, err);
    if (!status) status = open_keep(c, config, err);
    if (!status) status = load_secrets(c, origin, err);
    if (!status) status = fed_client_load_certificate(c, err);
    if (!status) status = fed_client_restore(c, err);
    if (!status) status = open_network(c, config, err);
    if (status)
        fed_client_close(c);
    else
        *out = c;
    return status;
}

fed_status fed_client_open(const fed_client_config *config, fed_client **out,
                           fed_error *err)
{
    fed_client_origin origin = {.random = fed_random_system()};
    return fed_client_open_from(config, &origin, out, err);
}

void fed_client_close(fed_client *c)
{
    if (!c) return;
    fed_client_forget_request(c);
    fed_session_free(c->session);
    if (c->own_network) fed_network_close(c->network);
    fed_keep_close(c->keep);
    fed_free(c->server);
    fed_wipe_free(c, sizeof *c);
}

/* ---- data, and what may be asked ------------------------------------------------------- */

fed_status fed_client_set_dataset(fed_client *c, const fed_dataset *dataset,
                                  fed_error *err)
{
    if (!dataset->count || !dataset->fetch)
        return fed_fail(err, FED_E_INVALID, "dataset: %s",
                        dataset->count ? "no fetch" : "no rows");
    c->session_config.examples =
        (fed_examples){dataset->count, dataset->fetch, dataset->ctx};
    if (c->session) fed_session_set_examples(c->session, &c->session_config.examples);
    return FED_OK;
}

fed_network *fed_client_network(fed_client *c)
{
    return c->network;
}

void fed_client_describe(const fed_client *c, fed_client_info *info)
{
    *info = (fed_client_info){.state = fed_session_state_name(FED_SESSION_WAIT),
                              .bytes_sent = c->bytes_sent,
                              .bytes_received = c->bytes_received};
    if (!c->session) return;
    fed_session_info s = fed_session_describe(c->session);
    info->state = fed_session_state_name(s.state);
    memcpy(info->device_key, s.device_key, sizeof info->device_key);
    memcpy(info->task, s.task.bytes, sizeof info->task);
    info->version = s.version;
    info->trained = s.trained;
    info->delivered = s.delivered;
    info->lost = s.lost;
    info->refused = s.refused;
    info->last_loss = s.last_loss;
    info->participations = s.participations;
    info->epsilon = s.epsilon;
    info->zeroed = s.zeroed;
    info->saturated = s.saturated;
    info->rebuilt = s.rebuilt;
    info->loaded = s.loaded;
    info->fell_back = s.fell_back;
    memcpy(info->last_refusal, s.last_refusal, sizeof info->last_refusal);
}
