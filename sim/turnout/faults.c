/* The file of --faults: a small JSON object, every field named and bounded. */
#include "turnout.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

const char *fed_fate_name(fed_fate fate)
{
    static const char *const names[] = {"before_training", "before_place", "before_join",
                                        "before_input",    "after_input",  "none"};
    return (unsigned)fate < sizeof names / sizeof *names ? names[fate] : "unknown";
}

static fed_status get_share(const char *path, json_t *value, double *out, fed_error *err)
{
    if (!json_is_number(value))
        return fed_fail(err, FED_E_INVALID, "%s: not a number", path);
    *out = json_number_value(value);
    if (*out >= 0 && *out <= 1) return FED_OK;
    return fed_fail(err, FED_E_INVALID, "%s: %g is not in [0, 1]", path, *out);
}

static int fate_of(const char *name)
{
    for (int i = 0; i < FED_FATES; i++)
        if (!strcmp(fed_fate_name((fed_fate)i), name)) return i;
    return -1;
}

static fed_status get_drop(fed_faults *out, json_t *drop, fed_error *err)
{
    const char *key;
    json_t *value;
    double sum = 0;
    if (!json_is_object(drop)) return fed_fail(err, FED_E_INVALID, "drop: not an object");
    json_object_foreach(drop, key, value)
    {
        char path[64];
        int fate = fate_of(key);
        if (fate < 0)
            return fed_fail(err, FED_E_INVALID,
                            "drop.%.40s: no such phase; there are before_training, "
                            "before_place, before_join, before_input and after_input",
                            key);
        snprintf(path, sizeof path, "drop.%s", key);
        FED_TRY(get_share(path, value, &out->drop[fate], err));
        sum += out->drop[fate];
    }
    if (sum <= 1) return FED_OK;
    return fed_fail(err, FED_E_INVALID, "drop: the sum of all phases is %g, at most 1",
                    sum);
}

static fed_status get_field(fed_faults *out, const char *key, json_t *value,
                            fed_error *err)
{
    if (!strcmp(key, "format")) return FED_OK; /* looked at before */
    if (!strcmp(key, "drop")) return get_drop(out, value, err);
    if (!strcmp(key, "not_finite")) return get_share(key, value, &out->not_finite, err);
    if (!strcmp(key, "garbage")) return get_share(key, value, &out->garbage, err);
    if (!strcmp(key, "server_crash"))
        return get_share(key, value, &out->server_crash, err);
    return fed_fail(err, FED_E_INVALID,
                    "%.40s: no such field; there are format, drop, not_finite, garbage "
                    "and server_crash",
                    key);
}

static fed_status get_faults(fed_faults *out, json_t *root, fed_error *err)
{
    const char *key, *format = json_string_value(json_object_get(root, "format"));
    json_t *value;
    if (!json_is_object(root))
        return fed_fail(err, FED_E_FORMAT, "faults: not a JSON object");
    if (!format || strcmp(format, "fed-faults/1") != 0)
        return fed_fail(err, FED_E_FORMAT, "format: not \"fed-faults/1\"");
    json_object_foreach(root, key, value) FED_TRY(get_field(out, key, value, err));
    if (out->not_finite + out->garbage > 1)
        return fed_fail(err, FED_E_INVALID, "not_finite + garbage: %g, at most 1",
                        out->not_finite + out->garbage);
    if (out->server_crash > 0.5)
        return fed_fail(err, FED_E_INVALID, "server_crash: %g is above 0.5",
                        out->server_crash);
    return FED_OK;
}

fed_status fed_faults_parse(fed_faults *out, fed_span json, fed_error *err)
{
    json_error_t where;
    *out = (fed_faults){0};
    if (json.len > FED_FAULTS_MAX_BYTES)
        return fed_fail(err, FED_E_LIMIT, "faults: %zu bytes, at most %d", json.len,
                        FED_FAULTS_MAX_BYTES);
    json_t *root =
        json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, &where);
    if (!root)
        return fed_fail(err, FED_E_FORMAT, "line %d, column %d: %s", where.line,
                        where.column, where.text);
    fed_status status = get_faults(out, root, err);
    json_decref(root);
    if (status) *out = (fed_faults){0};
    return status;
}
