#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "agent_internal.h"

static json_t *describe_device(const fed_agent_device *d)
{
    char key[65], task[65];
    fed_client_info info;
    fed_client_describe(d->client, &info);
    fed_hex_encode(key, info.device_key, sizeof info.device_key);
    fed_hex_encode(task, info.task, sizeof info.task);
    return json_pack(
        "{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:s, s:I, s:I, s:I, s:I, "
        "s:I, "
        "s:I, s:o, s:I, s:I}",
        "client", (json_int_t)d->number, "device", key, "state", info.state, "task", task,
        "version", (json_int_t)info.version, "trained", (json_int_t)info.trained,
        "delivered", (json_int_t)info.delivered, "lost", (json_int_t)info.lost, "refused",
        (json_int_t)info.refused, "loss", info.last_loss, "last_refusal",
        info.last_refusal, "bytes_sent", (json_int_t)info.bytes_sent, "bytes_received",
        (json_int_t)info.bytes_received, "rebuilt", (json_int_t)info.rebuilt, "fell_back",
        (json_int_t)info.fell_back, "loaded", (json_int_t)info.loaded, "participations",
        (json_int_t)info.participations, "epsilon",
        isfinite(info.epsilon) ? json_real(info.epsilon) : json_null(), "zeroed",
        (json_int_t)info.zeroed, "saturated", (json_int_t)info.saturated);
}

static fed_status dump(const json_t *root, const char *path, fed_error *err)
{
    char fresh[FED_PATH_MAX];
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        return fed_fail(err, FED_E_LIMIT, "--status: the path is too long");
    if (json_dump_file(root, fresh, JSON_COMPACT) || rename(fresh, path))
        return fed_fail(err, FED_E_IO, "%s: could not be written: %s", path,
                        strerror(errno));
    return FED_OK;
}

/* It is for somebody who watches, so it is replaced at once but not synced. */
fed_status fed_agent_write_status(const fed_agent *a, fed_error *err)
{
    json_t *devices = json_array();
    json_t *root = devices ? json_pack("{s:O}", "devices", devices) : NULL;
    int failed = !root;
    for (size_t i = 0; !failed && i < a->n; i++)
        failed = json_array_append_new(devices, describe_device(&a->devices[i]));
    fed_status status =
        failed ? fed_fail_nomem(err, 0) : dump(root, a->options->status, err);
    json_decref(root);
    json_decref(devices);
    return status;
}
