/*
 * From text to plan: JSON, then every object's keys against the table, then every field of
 * the table in turn, then the rules that span fields. A resolved plan is in addition printed
 * again and must come out as it came in: so there is one text, and one address, per plan.
 */
#include <stdio.h>
#include <string.h>

#include "plan_nearest.h"
#include "plan_values.h"

enum { PATH_ROOM = 160 };

/* ---- JSON ---- */

/* The JSON reader recurses for each level: bound that before it starts. */
static fed_status check_nesting(const char *text, size_t n, fed_error *err)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            depth++;
        else if (!in_string && (c == '}' || c == ']') && depth)
            depth--;
        if (depth > FED_PLAN_MAX_NESTING)
            return fed_fail(err, FED_E_LIMIT, "the plan: nested deeper than %d levels",
                            FED_PLAN_MAX_NESTING);
    }
    return FED_OK;
}

fed_status fed_plan_load_json(json_t **out, const void *text, size_t n, fed_error *err)
{
    json_error_t e;
    *out = NULL;
    if (n > FED_PLAN_MAX_BYTES)
        return fed_fail(err, FED_E_LIMIT, "the plan: %zu bytes are above %d", n,
                        FED_PLAN_MAX_BYTES);
    FED_TRY(check_nesting(text, n, err));
    *out = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
    if (!*out && json_error_code(&e) == json_error_out_of_memory)
        return fed_fail_nomem(err, n);
    if (!*out)
        return fed_fail(err, FED_E_FORMAT, "the plan: line %d, column %d: %s", e.line,
                        e.column, e.text);
    if (json_is_object(*out)) return FED_OK;
    json_decref(*out);
    *out = NULL;
    return fed_fail(err, FED_E_INVALID, "the plan: a list is not an object");
}

static int append(const char *buffer, size_t n, void *out)
{
    fed_bytes *to = out;
    fed_bytes_put(to, buffer, n);
    return to->status == FED_OK ? 0 : -1;
}

fed_status fed_plan_dump_json(fed_bytes *out, const json_t *value, size_t flags,
                              fed_error *err)
{
    if (json_dump_callback(value, append, out, flags) == 0) return FED_OK;
    fed_status status = out->status != FED_OK ? out->status : FED_E_NOMEM;
    return fed_fail(err, status, "the plan: it does not fit into memory");
}

/* The object of a group, or NULL when it, or what it is in, was not given. */
static json_t *group_object(json_t *root, const char *path)
{
    char name[FED_PLAN_MAX_NAME + 1];
    while (root && *path) {
        size_t n = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)n, path);
        root = json_object_get(root, name);
        path += n + (path[n] == '.');
    }
    return root;
}

/* ---- keys ---- */

static bool is_known(const char *path)
{
    return fed_plan_find_field(path) || fed_plan_find_group(path);
}

/* Names of the same group first, then those of the whole plan: a field put into the wrong
 * group is the usual mistake. */
static void find_nearest(fed_plan_nearest *near, size_t prefix, const char *path)
{
    for (int everywhere = 0; everywhere < 2; everywhere++) {
        for (size_t i = 0; i < fed_plan_n_fields + fed_plan_n_groups; i++) {
            const char *known = i < fed_plan_n_fields
                                    ? fed_plan_fields[i].path
                                    : fed_plan_groups[i - fed_plan_n_fields].path;
            const char *leaf = fed_plan_leaf(known);
            bool here = (size_t)(leaf - known) == prefix && !strncmp(known, path, prefix);
            if (here || everywhere)
                fed_plan_nearest_offer(near, known, leaf, (size_t)!here);
        }
    }
}

fed_status fed_plan_fail_unknown(const char *path, fed_error *err)
{
    fed_plan_nearest near;
    char hint[FED_PLAN_HINT];
    const char *leaf = fed_plan_leaf(path);
    fed_plan_nearest_init(&near, leaf);
    find_nearest(&near, (size_t)(leaf - path), path);
    fed_plan_nearest_text(&near, hint, sizeof hint);
    return fed_fail(err, FED_E_INVALID, "%s: unknown field%s", path, hint);
}

static fed_status check_keys(const json_t *object, const char *group, fed_error *err)
{
    const char *key;
    json_t *value;
    char path[PATH_ROOM], shown[FED_PLAN_SHOWN];
    json_object_foreach((json_t *)object, key, value)
    {
        fed_plan_show_text(key, shown);
        if (!fed_plan_is_name(key) || strchr(key, '.'))
            return fed_fail(err, FED_E_INVALID, "%s: %s: unknown field",
                            *group ? group : "the plan", shown);
        snprintf(path, sizeof path, "%s%s%s", group, *group ? "." : "", key);
        if (!is_known(path)) return fed_plan_fail_unknown(path, err);
    }
    return FED_OK;
}

static fed_status check_groups(json_t *root, fed_plan_form form, fed_error *err)
{
    char shown[FED_PLAN_SHOWN];
    for (size_t i = 0; i < fed_plan_n_groups; i++) {
        const fed_plan_group *group = &fed_plan_groups[i];
        const json_t *object = group_object(root, group->path);
        if (!object && (group->required || form == FED_PLAN_RESOLVED))
            return fed_fail(err, FED_E_INVALID, "%s: missing", group->path);
        if (!object) continue;
        fed_plan_show(object, shown);
        if (!json_is_object(object))
            return fed_fail(err, FED_E_INVALID, "%s: %s is not an object", group->path,
                            shown);
        FED_TRY(check_keys(object, group->path, err));
    }
    return FED_OK;
}

/* ---- fields ---- */

static json_t *field_value(json_t *root, const fed_plan_field *field)
{
    char group[FED_PLAN_MAX_NAME + 1];
    const char *leaf = fed_plan_leaf(field->path);
    size_t prefix = (size_t)(leaf - field->path);
    snprintf(group, sizeof group, "%.*s", (int)(prefix ? prefix - 1 : 0), field->path);
    return json_object_get(group_object(root, group), leaf);
}

/* The word that a choice, or a field that may hold a word, was set to. */
static const char *word_of(const fed_plan *plan, const char *path)
{
    const fed_plan_field *field = fed_plan_find_field(path);
    const void *at = fed_plan_place_const(plan, field);
    int choice = 0;
    if (field->kind == FED_FIELD_INT)
        return fed_plan_word_of(field, *(const int64_t *)at);
    memcpy(&choice, at, sizeof choice);
    return fed_plan_word_of(field, choice);
}

static bool has_exception(const fed_plan_field *field)
{
    for (size_t i = 0; i < fed_plan_n_exceptions; i++)
        if (!strcmp(fed_plan_exceptions[i].path, field->path)) return true;
    return false;
}

static const char *default_of(const fed_plan *plan, const fed_plan_field *field)
{
    for (size_t i = 0; i < fed_plan_n_exceptions; i++) {
        const fed_plan_exception *e = &fed_plan_exceptions[i];
        if (strcmp(e->path, field->path) != 0) continue;
        const char *word = word_of(plan, e->when);
        if (word && !strcmp(word, e->is)) return e->fallback;
    }
    return field->fallback;
}

static fed_status store_default(fed_plan *plan, const fed_plan_field *field,
                                fed_error *err)
{
    json_t *value = json_loads(default_of(plan, field), JSON_DECODE_ANY, NULL);
    if (!value) return fed_fail_nomem(err, 0);
    fed_status status = fed_plan_store(plan, field, field->path, value, err);
    json_decref(value);
    return status;
}

static fed_status read_field(fed_plan *plan, json_t *root, const fed_plan_field *field,
                             fed_plan_form form, fed_error *err)
{
    const json_t *value = field_value(root, field);
    if (value) return fed_plan_store(plan, field, field->path, value, err);
    if (form == FED_PLAN_RESOLVED)
        return fed_fail(err, FED_E_INVALID, "%s: missing", field->path);
    if (!field->fallback)
        return fed_fail(err, FED_E_INVALID, "%s: missing, and it has no default",
                        field->path);
    return store_default(plan, field, err);
}

/* Fields whose default hangs on another field come after all others. */
static fed_status read_fields(fed_plan *plan, json_t *root, fed_plan_form form,
                              fed_error *err)
{
    for (int late = 0; late < 2; late++)
        for (size_t i = 0; i < fed_plan_n_fields; i++)
            if (has_exception(&fed_plan_fields[i]) == late)
                FED_TRY(read_field(plan, root, &fed_plan_fields[i], form, err));
    return FED_OK;
}

/* ---- the whole ---- */

/* Every plan that is accepted must have a resolved form; of one that claims to be in it, the
 * form must be the same bytes. */
static fed_status check_resolved(const fed_plan *plan, const char *text, size_t n,
                                 fed_plan_form form, fed_error *err)
{
    fed_bytes again;
    size_t same = 0;
    fed_bytes_init(&again, FED_PLAN_MAX_BYTES);
    fed_status status = fed_plan_write(plan, &again, err);
    if (status == FED_OK && form == FED_PLAN_RESOLVED) {
        while (same < n && same < again.len && again.data[same] == (uint8_t)text[same])
            same++;
        if (same < n || same < again.len)
            status = fed_fail(err, FED_E_FORMAT,
                              "the plan: not in resolved form, from byte %zu on", same);
    }
    fed_bytes_fini(&again);
    return status;
}

fed_status fed_plan_parse(fed_plan **out, const void *text, size_t n, fed_plan_form form,
                          fed_error *err)
{
    json_t *root = NULL;
    fed_plan *plan = NULL;
    *out = NULL;
    fed_status status = fed_plan_load_json(&root, text, n, err);
    if (status != FED_OK) goto out;
    plan = fed_calloc(1, sizeof *plan);
    if (!plan) {
        status = fed_fail_nomem(err, sizeof *plan);
        goto out;
    }
    FED_GO(check_groups(root, form, err));
    FED_GO(read_fields(plan, root, form, err));
    FED_GO(fed_plan_check_rules(plan, err));
    FED_GO(check_resolved(plan, text, n, form, err));
    *out = plan;
    plan = NULL;
out:
    fed_plan_free(plan);
    json_decref(root);
    return status;
}

static void free_names(fed_plan_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        fed_free(names->items[i]);
    fed_free(names->items);
}

void fed_plan_free(fed_plan *plan)
{
    if (!plan) return;
    fed_free(plan->name);
    fed_free(plan->model.layers);
    free_names(&plan->train.freeze);
    free_names(&plan->eligibility.tags);
    fed_free(plan);
}
