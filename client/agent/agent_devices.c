/* Opening: the data file is read once, each device keeps the rows that are its own. */
#include <stdio.h>
#include <string.h>

#include "agent_internal.h"
#include "model.h"

static fed_status fetch_rows(void *ctx, const uint32_t *rows, size_t n, void *inputs,
                             void *targets)
{
    return fed_data_fetch(ctx, rows, n, inputs, targets);
}

/* ---- data ------------------------------------------------------------------------------ */

static fed_status select_rows(fed_agent *a, const fed_data *all,
                              const fed_partition *partition, fed_error *err)
{
    for (size_t i = 0; i < a->n; i++) {
        const uint32_t *rows;
        fed_agent_device *d = &a->devices[i];
        uint32_t n = fed_partition_rows(partition, d->number, &rows);
        if (!n)
            return fed_fail(err, FED_E_INVALID,
                            "--client %u: no rows; the data are for clients 0..%u",
                            d->number, fed_partition_clients(partition) - 1);
        FED_TRY(fed_data_select(all, rows, n, &d->rows, err));
    }
    return FED_OK;
}

static fed_status share_out(fed_agent *a, const fed_data_spec *spec, const fed_data *all,
                            fed_error *err)
{
    fed_partition *partition = NULL;
    FED_TRY(fed_partition_from_spec(all, spec, &partition, err));
    fed_status status = select_rows(a, all, partition, err);
    fed_partition_free(partition);
    return status;
}

/* Without --client there is one device, and all rows are its own. */
static fed_status open_data(fed_agent *a, fed_error *err)
{
    fed_data *all = NULL;
    fed_data_spec spec;
    FED_TRY(fed_data_spec_parse(&spec, a->options->data, err));
    FED_TRY(fed_data_open_spec(&spec, FED_DATA_TRAIN, &all, err));
    if (!a->options->clients) {
        a->devices[0].rows = all;
        return FED_OK;
    }
    fed_status status = share_out(a, &spec, all, err);
    fed_data_free(all);
    return status;
}

/* ---- devices --------------------------------------------------------------------------- */

static fed_client_conditions told_conditions(void *ctx)
{
    const fed_agent *a = ctx;
    return a->conditions;
}

static fed_status read_public_key(const char *path, uint8_t key[32], fed_error *err)
{
    fed_bytes text;
    fed_bytes_init(&text, FED_KEYFILE_MAX);
    fed_status status = fed_file_read(path, &text, err);
    if (!status) {
        status =
            fed_keyfile_get(FED_KEY_PUBLIC, (fed_span){text.data, text.len}, key, err);
        if (status) status = fed_fail_in(err, status, "%s", path);
    }
    fed_bytes_fini(&text);
    return status;
}

static fed_status open_device(fed_agent *a, fed_agent_device *d,
                              const fed_client_config *common, fed_error *err)
{
    char folder[FED_PATH_MAX];
    fed_client_origin origin;
    fed_client_config config = *common;
    fed_dataset set = {fed_data_describe(d->rows)->rows, fetch_rows, d->rows};
    bool alone = !a->options->clients;
    int n = alone ? snprintf(folder, sizeof folder, "%s", a->options->state)
                  : snprintf(folder, sizeof folder, "%s/client%03u", a->options->state,
                             d->number);
    if (n < 0 || n >= (int)sizeof folder)
        return fed_fail(err, FED_E_LIMIT, "--state: the path is too long");
    config.state_folder = folder;
    FED_TRY(a->build->origin(d->number, &origin, err));
    FED_TRY(fed_client_open_from(&config, &origin, &d->client, err));
    return fed_client_set_dataset(d->client, &set, err);
}

static fed_status open_devices(fed_agent *a, fed_error *err)
{
    const fed_agent_options *o = a->options;
    fed_client_config config = FED_CLIENT_CONFIG_INIT;
    config.server = o->server;
    config.population = o->population;
    config.max_step_ms = (uint32_t)o->max_step_ms;
    config.network = a->network;
    if (strcmp(o->conditions, "auto") != 0) {
        config.conditions = told_conditions;
        config.conditions_ctx = a;
    }
    uint8_t enrolment_key[32];
    config.require_secagg = o->require_secagg;
    config.require_privacy = o->require_privacy;
    config.max_epsilon = o->max_epsilon;
    config.max_participations = o->max_participations;
    if (o->enrolment_key) {
        FED_TRY(read_public_key(o->enrolment_key, enrolment_key, err));
        config.enrolment_key = enrolment_key;
    }
    FED_TRY(read_public_key(o->operator_key, config.operator_key, err));
    FED_TRY(fed_folder_create(o->state, err));
    for (size_t i = 0; i < a->n; i++) {
        fed_status status = open_device(a, &a->devices[i], &config, err);
        if (status) return fed_fail_in(err, status, "client %u", a->devices[i].number);
    }
    return FED_OK;
}

/* ---- all of it --------------------------------------------------------------------------- */

static fed_status number_devices(fed_agent *a, fed_error *err)
{
    uint32_t *numbers = NULL;
    a->n = 1;
    if (a->options->clients)
        FED_TRY(fed_agent_parse_clients(a->options->clients, &numbers, &a->n, err));
    a->devices = fed_calloc(a->n, sizeof *a->devices);
    for (size_t i = 0; a->devices && numbers && i < a->n; i++)
        a->devices[i].number = numbers[i];
    fed_free(numbers);
    return a->devices ? FED_OK : fed_fail_nomem(err, a->n * sizeof *a->devices);
}

/* "auto", or the conditions that hold: "charging,idle"; "none" of them. */
static fed_status read_conditions(fed_agent *a, fed_error *err)
{
    static const char *const words[] = {"charging", "unmetered", "idle"};
    bool *const flags[] = {&a->conditions.charging, &a->conditions.unmetered,
                           &a->conditions.idle};
    const char *at = a->options->conditions;
    if (strcmp(at, "auto") == 0 || strcmp(at, "none") == 0) return FED_OK;
    for (;;) {
        size_t n = strcspn(at, ","), i = 0;
        while (i < 3 && (strlen(words[i]) != n || strncmp(at, words[i], n) != 0))
            i++;
        if (i == 3)
            return fed_fail(err, FED_E_INVALID,
                            "--conditions: \"%.*s\" is not charging, unmetered or idle",
                            (int)(n < 64 ? n : 64), at);
        *flags[i] = true;
        if (!at[n]) return FED_OK;
        at += n + 1;
    }
}

fed_status fed_agent_open(fed_agent *a, fed_error *err)
{
    fed_network_config network = FED_NETWORK_CONFIG_INIT;
    network.ca_file = a->options->ca_file;
    FED_TRY(read_conditions(a, err));
    FED_TRY(number_devices(a, err));
    FED_TRY(open_data(a, err));
    FED_TRY(fed_network_open(&network, &a->network, err));
    return open_devices(a, err);
}

void fed_agent_close(fed_agent *a)
{
    for (size_t i = 0; a->devices && i < a->n; i++) {
        fed_client_close(a->devices[i].client);
        fed_data_free(a->devices[i].rows);
    }
    fed_network_close(a->network);
    fed_free(a->devices);
}
