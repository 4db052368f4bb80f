/* One field of an author's plan set anew, for sweeps: `--set train.lr=0.1`. */
#include <stdio.h>
#include <string.h>

#include "plan_values.h"

/* VALUE is JSON where it parses as JSON, else text: `sgd` need not be quoted. */
static json_t *read_value(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    return value ? value : json_string(text);
}

/* What the table knows of a path: below model.layers and model.loss, operators decide. */
static bool is_settable(const char *path)
{
    static const char *const open[] = {"model.layers.", "model.loss."};
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        if (!strncmp(path, open[i], strlen(open[i]))) return true;
    return fed_plan_find_field(path) || (*path && fed_plan_find_group(path));
}

static bool list_index(const json_t *list, const char *name, size_t *index)
{
    uint64_t v;
    if (!fed_text_to_u64(name, UINT32_MAX, &v) || v >= json_array_size(list))
        return false;
    *index = (size_t)v;
    return true;
}

/* Borrowed child of an object (made when it is not there) or list; NULL with an error. */
static json_t *descend(json_t *at, const char *name, const char *path, fed_error *err)
{
    size_t index;
    json_t *child = json_object_get(at, name);
    if (json_is_array(at) && list_index(at, name, &index))
        child = json_array_get(at, index);
    if (child) return child;
    if (!json_is_object(at)) {
        fed_fail(err, FED_E_INVALID, "%s: there is no %s", path, name);
        return NULL;
    }
    if (json_object_set_new(at, name, json_object()) != 0) {
        fed_fail_nomem(err, 0);
        return NULL;
    }
    return json_object_get(at, name);
}

/* Put `value` (taken) at `path` below `root`. */
static fed_status put(json_t *root, const char *path, json_t *value, fed_error *err)
{
    char name[FED_PLAN_MAX_NAME + 1];
    json_t *at = root;
    const char *rest = path;
    size_t index;
    fed_error local = {0};
    for (const char *dot; at && (dot = strchr(rest, '.')); rest = dot + 1) {
        snprintf(name, sizeof name, "%.*s", (int)(dot - rest), rest);
        at = descend(at, name, path, &local);
    }
    if (!at) {
        json_decref(value);
        return fed_fail(err, local.status, "%s", local.text);
    }
    if (json_is_array(at) && list_index(at, rest, &index))
        return json_array_set_new(at, index, value) ? fed_fail_nomem(err, 0) : FED_OK;
    if (json_is_object(at))
        return json_object_set_new(at, rest, value) ? fed_fail_nomem(err, 0) : FED_OK;
    json_decref(value);
    return fed_fail(err, FED_E_INVALID, "%s: there is no %s", path, rest);
}

fed_status fed_plan_set(const void *text, size_t n, const char *assignment,
                        fed_bytes *out, fed_error *err)
{
    char path[160];
    json_t *root = NULL;
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment || (size_t)(equals - assignment) >= sizeof path)
        return fed_fail(err, FED_E_INVALID, "\"%.80s\": not of the form PATH=VALUE",
                        assignment);
    snprintf(path, sizeof path, "%.*s", (int)(equals - assignment), assignment);
    if (!is_settable(path)) return fed_plan_fail_unknown(path, err);
    fed_status status = fed_plan_load_json(&root, text, n, err);
    if (status != FED_OK) return status;
    json_t *value = read_value(equals + 1);
    if (!value)
        FED_GO(fed_fail(err, FED_E_INVALID, "%s: the value is no valid text", path));
    FED_GO(put(root, path, value, err));
    status = fed_plan_dump_json(out, root, JSON_COMPACT, err);
out:
    json_decref(root);
    return status;
}

/* Each change gives a new text, which takes the place of the old one. */
fed_status fed_plan_set_all(fed_bytes *text, const char *const *assignments, size_t n,
                            fed_error *err)
{
    for (size_t i = 0; i < n; i++) {
        fed_bytes changed;
        fed_bytes_init(&changed, text->max);
        fed_status status =
            fed_plan_set(text->data, text->len, assignments[i], &changed, err);
        if (status) {
            fed_bytes_fini(&changed);
            return fed_fail_in(err, status, "%s", assignments[i]);
        }
        fed_bytes_fini(text);
        *text = changed;
    }
    return FED_OK;
}
