#include "evaluations.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include <jansson.h>

void fed_evaluation_key(char key[FED_KEY_MAX], const fed_address *task, uint64_t version)
{
    char leaf[48];
    snprintf(leaf, sizeof leaf, "evaluation/%016" PRIu64, version);
    fed_key_task(key, task, leaf);
}

static void put_number(fed_bytes *out, const char *name, double value)
{
    if (isfinite(value))
        fed_bytes_printf(out, ",\"%s\":%.9g", name, value);
    else
        fed_bytes_printf(out, ",\"%s\":null", name);
}

void fed_evaluation_put(fed_bytes *out, const fed_last_evaluation *e)
{
    fed_bytes_printf(out, "{\"version\":%" PRIu64, e->version);
    put_number(out, "accuracy", e->accuracy);
    put_number(out, "loss", e->loss);
    fed_bytes_printf(out, ",\"examples\":%u}", e->examples);
}

static double get_number(const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* Keys ascend, so the last one visited is the newest. */
static fed_status visit(void *arg, const char *key, fed_span value, fed_error *err)
{
    fed_last_evaluation *e = arg;
    json_t *json = json_loadb((const char *)value.data, value.len, 0, NULL);
    if (!json_is_object(json)) {
        json_decref(json);
        return fed_fail(err, FED_E_FORMAT, "%s: not a JSON object", key);
    }
    *e = (fed_last_evaluation){
        .version = (uint64_t)json_integer_value(json_object_get(json, "version")),
        .accuracy = get_number(json, "accuracy"),
        .loss = get_number(json, "loss"),
        .examples = (uint32_t)json_integer_value(json_object_get(json, "examples")),
        .ended = true,
        .known = true};
    json_decref(json);
    return FED_OK;
}

fed_status fed_evaluation_restore(const fed_journal *journal, const fed_address *task,
                                  fed_last_evaluation *out, fed_error *err)
{
    char prefix[FED_KEY_MAX];
    *out = (fed_last_evaluation){0};
    fed_key_task(prefix, task, "evaluation/");
    return journal->scan(journal->ctx, prefix, visit, out, err);
}
