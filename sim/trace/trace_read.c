/* A trace comes from another machine: every line, field and length is checked. */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* ---- fields ---------------------------------------------------------------------------- */

static fed_status get_hex(json_t *value, const char *name, uint8_t out[32],
                          fed_error *err)
{
    const char *text = json_string_value(value);
    if (text && strlen(text) == json_string_length(value) &&
        fed_hex_decode(out, 32, text))
        return FED_OK;
    return fed_fail(err, FED_E_FORMAT, "%s: not 64 hexadecimal digits", name);
}

static fed_status get_field(json_t *line, const char *name, uint8_t out[32],
                            fed_error *err)
{
    return get_hex(json_object_get(line, name), name, out, err);
}

/* The line must hold exactly `n` fields; those that are wanted are looked at one by one, so
 * an unknown one shows in the count. */
static fed_status check_fields(json_t *line, size_t n, fed_error *err)
{
    if (json_object_size(line) == n) return FED_OK;
    return fed_fail(err, FED_E_FORMAT, "%zu fields, expected %zu", json_object_size(line),
                    n);
}

static fed_status get_version_number(json_t *line, uint64_t expected, fed_error *err)
{
    json_t *value = json_object_get(line, "version");
    if (json_is_integer(value) && json_integer_value(value) >= 0 &&
        (uint64_t)json_integer_value(value) == expected)
        return FED_OK;
    return fed_fail(err, FED_E_FORMAT, "version: expected %llu",
                    (unsigned long long)expected);
}

/* ---- lines ----------------------------------------------------------------------------- */

static bool is_name(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return n && !text[n];
}

static fed_status get_head(fed_trace *out, json_t *line, fed_error *err)
{
    const char *format = json_string_value(json_object_get(line, "format"));
    const char *kernel = json_string_value(json_object_get(line, "kernel"));
    if (!format || strcmp(format, "fed-trace/1") != 0)
        return fed_fail(err, FED_E_FORMAT, "format: not \"fed-trace/1\"");
    FED_TRY(get_field(line, "task", out->head.task, err));
    FED_TRY(get_field(line, "plan", out->head.plan, err));
    FED_TRY(get_field(line, "task_seed", out->head.seed, err));
    if (!kernel || strlen(kernel) > FED_TRACE_KERNEL_MAX || !is_name(kernel))
        return fed_fail(err, FED_E_FORMAT, "kernel: not a name of at most %d characters",
                        FED_TRACE_KERNEL_MAX);
    memcpy(out->head.kernel, kernel, strlen(kernel) + 1);
    return check_fields(line, 5, err);
}

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

static fed_status check_distinct(const fed_trace_version *v, fed_error *err)
{
    uint8_t(*keys)[32] = fed_calloc(v->n_members, sizeof *keys);
    if (!keys) return fed_fail_nomem(err, v->n_members * sizeof *keys);
    fed_status status = FED_OK;
    for (uint32_t i = 0; i < v->n_members; i++)
        memcpy(keys[i], v->members[i].key, sizeof keys[i]);
    qsort(keys, v->n_members, sizeof *keys, by_key);
    for (uint32_t i = 1; !status && i < v->n_members; i++)
        if (!memcmp(keys[i - 1], keys[i], sizeof keys[i]))
            status = fed_fail(err, FED_E_FORMAT, "members: a device is there twice");
    fed_free(keys);
    return status;
}

static fed_status get_members(fed_trace_version *v, json_t *list, fed_error *err)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list) || !n || n > FED_TRACE_MEMBERS_MAX)
        return fed_fail(err, FED_E_FORMAT, "members: not a list of 1 to %d keys",
                        FED_TRACE_MEMBERS_MAX);
    v->members = fed_calloc(n, sizeof *v->members);
    if (!v->members) return fed_fail_nomem(err, n * sizeof *v->members);
    v->n_members = (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        FED_TRY(get_hex(json_array_get(list, i), "members", v->members[i].key, err));
    return check_distinct(v, err);
}

/* Survivors stand in the order of the members, so one walk finds them all. */
static fed_status get_survivors(fed_trace_version *v, json_t *list, fed_error *err)
{
    uint32_t at = 0;
    size_t n = json_array_size(list);
    if (!json_is_array(list) || !n)
        return fed_fail(err, FED_E_FORMAT, "survivors: not a list of at least one key");
    for (size_t i = 0; i < n; i++) {
        uint8_t key[32];
        FED_TRY(get_hex(json_array_get(list, i), "survivors", key, err));
        while (at < v->n_members && memcmp(v->members[at].key, key, sizeof key) != 0)
            at++;
        if (at == v->n_members)
            return fed_fail(err, FED_E_FORMAT,
                            "survivors: number %zu is no member, or out of order", i + 1);
        v->members[at++].survived = true;
    }
    return FED_OK;
}

static fed_status reserve(fed_trace *out, fed_error *err)
{
    if (out->n_versions < out->cap_versions) return FED_OK;
    size_t cap = out->cap_versions ? 2 * out->cap_versions : 64;
    fed_trace_version *grown = fed_realloc(out->versions, cap, sizeof *grown);
    if (!grown) return fed_fail_nomem(err, cap * sizeof *grown);
    out->versions = grown;
    out->cap_versions = cap;
    return FED_OK;
}

static fed_status get_version(fed_trace *out, json_t *line, fed_error *err)
{
    FED_TRY(reserve(out, err));
    fed_trace_version *v = &out->versions[out->n_versions++];
    *v = (fed_trace_version){.version = out->n_versions};
    FED_TRY(get_version_number(line, v->version, err));
    FED_TRY(get_field(line, "cohort", v->cohort, err));
    FED_TRY(get_members(v, json_object_get(line, "members"), err));
    FED_TRY(get_survivors(v, json_object_get(line, "survivors"), err));
    v->has_model = json_object_get(line, "model_sha256") != NULL;
    if (v->has_model) FED_TRY(get_field(line, "model_sha256", v->model, err));
    return check_fields(line, v->has_model ? 5 : 4, err);
}

static fed_status get_end(fed_trace *out, json_t *line, fed_error *err)
{
    FED_TRY(get_version_number(line, out->n_versions, err));
    FED_TRY(get_field(line, "model_sha256", out->model, err));
    FED_TRY(check_fields(line, 2, err));
    if (!out->n_versions) return FED_OK;
    const fed_trace_version *last = &out->versions[out->n_versions - 1];
    if (!last->has_model || !memcmp(last->model, out->model, 32)) return FED_OK;
    return fed_fail(err, FED_E_FORMAT, "model_sha256: not that of the last version");
}

/* ---- the whole ------------------------------------------------------------------------- */

/* Takes one line; `ended` tells that it was the last one. */
static fed_status take_line(fed_trace *out, fed_span text, bool is_first, bool *ended,
                            fed_error *err)
{
    json_error_t where;
    json_t *line =
        json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &where);
    fed_status status;
    *ended = false;
    if (!json_is_object(line)) {
        status = fed_fail(err, FED_E_FORMAT, "column %d: %s", line ? 1 : where.column,
                          line ? "not a JSON object" : where.text);
    } else if (is_first) {
        status = get_head(out, line, err);
    } else if (json_object_get(line, "cohort")) {
        status = get_version(out, line, err);
    } else {
        status = get_end(out, line, err);
        *ended = true;
    }
    json_decref(line);
    return status;
}

static fed_status take_lines(fed_trace *out, fed_span text, fed_error *err)
{
    size_t at = 0, number = 0;
    bool ended = false;
    while (at < text.len) {
        const uint8_t *start = text.data + at;
        const uint8_t *newline = memchr(start, '\n', text.len - at);
        size_t n = newline ? (size_t)(newline - start) : text.len - at;
        number++;
        if (ended) return fed_fail(err, FED_E_FORMAT, "line %zu: behind the end", number);
        FED_TRY(fed_fail_in(
            err, take_line(out, (fed_span){start, n}, number == 1, &ended, err),
            "line %zu", number));
        at += n + 1;
    }
    if (ended) return FED_OK;
    return fed_fail(err, FED_E_FORMAT, "line %zu: the trace ends without its last line",
                    number + 1);
}

fed_status fed_trace_parse(fed_trace *out, fed_span text, fed_error *err)
{
    *out = (fed_trace){0};
    if (text.len > FED_TRACE_MAX_BYTES)
        return fed_fail(err, FED_E_LIMIT, "trace: %zu bytes, at most %zu", text.len,
                        FED_TRACE_MAX_BYTES);
    fed_status status = take_lines(out, text, err);
    if (status) fed_trace_fini(out);
    return fed_fail_in(err, status, "trace");
}

void fed_trace_fini(fed_trace *trace)
{
    for (size_t i = 0; i < trace->n_versions; i++)
        fed_free(trace->versions[i].members);
    fed_free(trace->versions);
    *trace = (fed_trace){0};
}
