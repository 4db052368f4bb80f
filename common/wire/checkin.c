/* Strict JSON both ways: an unknown, missing, duplicate or misshaped member is refused by
 * name, so that the two sides can never read one text in two ways. */
#include "checkin.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "crypto.h"

static fed_status load(json_t **out, fed_span json, fed_error *err)
{
    if (json.len > FED_CHECKIN_JSON_MAX)
        return fed_fail(err, FED_E_LIMIT, "check-in: %zu bytes, at most %d", json.len,
                        FED_CHECKIN_JSON_MAX);
    json_error_t where;
    *out = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, &where);
    if (!*out)
        return fed_fail(err, FED_E_FORMAT, "check-in: line %d: %s", where.line,
                        where.text);
    if (!json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        return fed_fail(err, FED_E_FORMAT, "check-in: not a JSON object");
    }
    return FED_OK;
}

static fed_status only_members(json_t *object, const char *const *names, size_t n,
                               fed_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (i < n && strcmp(names[i], key) != 0)
            i++;
        if (i == n)
            return fed_fail(err, FED_E_FORMAT, "check-in: unknown member \"%.40s\"", key);
    }
    return FED_OK;
}

static fed_status get_number(json_t *object, const char *name, uint64_t max,
                             uint64_t *out, fed_error *err)
{
    json_t *value = json_object_get(object, name);
    if (!json_is_integer(value))
        return fed_fail(err, FED_E_FORMAT, "check-in: %s: a whole number is wanted",
                        name);
    json_int_t v = json_integer_value(value);
    if (v < 0 || (uint64_t)v > max)
        return fed_fail(err, FED_E_FORMAT,
                        "check-in: %s: %" JSON_INTEGER_FORMAT " is not in 0..%" PRIu64,
                        name, v, max);
    *out = (uint64_t)v;
    return FED_OK;
}

static fed_status get_flag(json_t *object, const char *name, bool *out, fed_error *err)
{
    json_t *value = json_object_get(object, name);
    if (!json_is_boolean(value))
        return fed_fail(err, FED_E_FORMAT, "check-in: %s: true or false is wanted", name);
    *out = json_is_true(value);
    return FED_OK;
}

static fed_status get_hex(json_t *object, const char *name, uint8_t *out, size_t n,
                          fed_error *err)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text || strlen(text) != 2 * n || !fed_hex_decode(out, n, text))
        return fed_fail(err, FED_E_FORMAT, "check-in: %s: %zu hex digits are wanted",
                        name, 2 * n);
    return FED_OK;
}

static fed_status get_key(json_t *object, const char *name, uint8_t out[32],
                          fed_error *err)
{
    return get_hex(object, name, out, 32, err);
}

static fed_status put_json(fed_bytes *out, json_t *object, fed_error *err)
{
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(object);
    if (!text) return fed_fail(err, FED_E_NOMEM, "check-in: out of memory");
    fed_bytes_put_text(out, text);
    free(text);
    return out->status
               ? fed_fail(err, out->status, "check-in: does not fit %zu bytes", out->max)
               : FED_OK;
}

static json_t *long_hex_json(const uint8_t *bytes, size_t n)
{
    char text[2 * FED_CHECKIN_CERTIFICATE + 1];
    fed_hex_encode(text, bytes, n);
    return json_string(text);
}

static json_t *hex_json(const uint8_t bytes[32])
{
    return long_hex_json(bytes, 32);
}

static bool population_ok(const char *text)
{
    size_t n = strlen(text);
    return n >= 1 && n <= FED_POPULATION_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                        "-_.") == n;
}

/* Without any there is no such member. A member that cannot be made makes the object nothing. */
static json_t *with_rests(json_t *object, const fed_checkin *m)
{
    if (!m->n_rests) return object;
    json_t *rests = json_array();
    for (unsigned i = 0; rests && i < m->n_rests; i++)
        json_array_append_new(rests,
                              json_pack("{s:o,s:I}", "task", hex_json(m->rests[i].task),
                                        "until", (json_int_t)m->rests[i].until));
    if (object && json_array_size(rests) == m->n_rests &&
        json_object_set_new(object, "rests", rests) == 0)
        return object;
    if (!object || json_array_size(rests) != m->n_rests) json_decref(rests);
    json_decref(object);
    return NULL;
}

static json_t *checkin_json(const fed_checkin *m)
{
    json_t *held = json_array();
    for (unsigned i = 0; held && i < m->n_held; i++)
        json_array_append_new(held,
                              json_pack("{s:o,s:I}", "task", hex_json(m->held[i].task),
                                        "version", (json_int_t)m->held[i].version));
    return with_rests(json_pack("{s:s,s:o,s:I,s:b,s:b,s:b,s:o}", "population",
                                m->population, "device", hex_json(m->device), "examples",
                                (json_int_t)m->examples, "charging", m->charging,
                                "unmetered", m->unmetered, "idle", m->idle, "held", held),
                      m);
}

/* A member that cannot be made makes the whole object nothing. */
static json_t *with_hex(json_t *object, const char *name, const uint8_t *bytes, size_t n)
{
    if (object && json_object_set_new(object, name, long_hex_json(bytes, n)) == 0)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *unsigned_json(const fed_checkin *m)
{
    json_t *json = checkin_json(m);
    if (!m->is_signed) return json;
    return with_hex(json, "certificate", m->certificate, sizeof m->certificate);
}

fed_status fed_checkin_put(fed_bytes *out, const fed_checkin *m, fed_error *err)
{
    json_t *json = unsigned_json(m);
    if (m->is_signed)
        json = with_hex(json, "signature", m->signature, sizeof m->signature);
    return put_json(out, json, err);
}

/* What is signed. Writing is the inverse of strict parsing, so the receiver, who writes what
 * it has read once more, arrives at the sender's text. */
enum { DOMAIN = 13, STATEMENT = DOMAIN + FED_SHA256_BYTES };

static fed_status write_statement(const fed_checkin *m, uint8_t out[STATEMENT],
                                  fed_error *err)
{
    fed_bytes text;
    fed_bytes_init(&text, FED_CHECKIN_JSON_MAX);
    fed_status status = put_json(&text, unsigned_json(m), err);
    memcpy(out, "fed-checkin/1", DOMAIN);
    if (!status) status = fed_sha256(text.data, text.len, out + DOMAIN, err);
    fed_bytes_fini(&text);
    return status;
}

fed_status fed_checkin_sign(fed_checkin *m, const uint8_t identity_seed[32],
                            fed_error *err)
{
    uint8_t statement[STATEMENT];
    m->is_signed = true;
    FED_TRY(write_statement(m, statement, err));
    return fed_ed25519_sign(identity_seed, statement, sizeof statement, m->signature,
                            err);
}

fed_status fed_checkin_verify(const fed_checkin *m, fed_error *err)
{
    uint8_t statement[STATEMENT];
    if (!m->is_signed)
        return fed_fail(err, FED_E_AUTH, "check-in: signature: there is none");
    FED_TRY(write_statement(m, statement, err));
    fed_status status =
        fed_ed25519_verify(m->device, statement, sizeof statement, m->signature, err);
    return fed_fail_in(err, status, "check-in: signature");
}

static fed_status get_held(json_t *list, fed_checkin *m, fed_error *err)
{
    static const char *const names[] = {"task", "version"};
    if (!json_is_array(list))
        return fed_fail(err, FED_E_FORMAT, "check-in: held: a list is wanted");
    if (json_array_size(list) > FED_CHECKIN_TASKS_MAX)
        return fed_fail(err, FED_E_FORMAT, "check-in: held: %zu entries, at most %d",
                        json_array_size(list), FED_CHECKIN_TASKS_MAX);
    m->n_held = (unsigned)json_array_size(list);
    for (unsigned i = 0; i < m->n_held; i++) {
        json_t *item = json_array_get(list, i);
        if (!json_is_object(item))
            return fed_fail(err, FED_E_FORMAT, "check-in: held[%u]: not an object", i);
        FED_TRY(only_members(item, names, 2, err));
        FED_TRY(get_key(item, "task", m->held[i].task, err));
        FED_TRY(get_number(item, "version", INT64_MAX, &m->held[i].version, err));
    }
    return FED_OK;
}

static fed_status get_rests(json_t *list, fed_checkin *m, fed_error *err)
{
    static const char *const names[] = {"task", "until"};
    size_t n = json_array_size(list);
    if (!list) return FED_OK;
    if (!json_is_array(list) || !n || n > FED_CHECKIN_TASKS_MAX)
        return fed_fail(err, FED_E_FORMAT,
                        "check-in: rests: a list of 1 to %d entries is wanted",
                        FED_CHECKIN_TASKS_MAX);
    m->n_rests = (unsigned)n;
    for (unsigned i = 0; i < m->n_rests; i++) {
        json_t *item = json_array_get(list, i);
        if (!json_is_object(item))
            return fed_fail(err, FED_E_FORMAT, "check-in: rests[%u]: not an object", i);
        FED_TRY(only_members(item, names, 2, err));
        FED_TRY(get_key(item, "task", m->rests[i].task, err));
        FED_TRY(get_number(item, "until", INT64_MAX, &m->rests[i].until, err));
    }
    return FED_OK;
}

/* Both members, or neither. */
static fed_status get_signature(fed_checkin *m, json_t *json, fed_error *err)
{
    m->is_signed =
        json_object_get(json, "certificate") || json_object_get(json, "signature");
    if (!m->is_signed) return FED_OK;
    FED_TRY(get_hex(json, "certificate", m->certificate, sizeof m->certificate, err));
    return get_hex(json, "signature", m->signature, sizeof m->signature, err);
}

static fed_status get_checkin(fed_checkin *m, json_t *json, fed_error *err)
{
    static const char *const names[] = {"population",  "device",   "examples", "charging",
                                        "unmetered",   "idle",     "held",     "rests",
                                        "certificate", "signature"};
    FED_TRY(only_members(json, names, sizeof names / sizeof *names, err));
    const char *population = json_string_value(json_object_get(json, "population"));
    if (!population || !population_ok(population))
        return fed_fail(err, FED_E_FORMAT,
                        "check-in: population: 1 to %d letters, digits, '-', '_', '.'",
                        FED_POPULATION_MAX);
    memcpy(m->population, population, strlen(population) + 1);
    uint64_t examples = 0;
    FED_TRY(get_key(json, "device", m->device, err));
    FED_TRY(get_number(json, "examples", UINT32_MAX, &examples, err));
    m->examples = (uint32_t)examples;
    FED_TRY(get_flag(json, "charging", &m->charging, err));
    FED_TRY(get_flag(json, "unmetered", &m->unmetered, err));
    FED_TRY(get_flag(json, "idle", &m->idle, err));
    FED_TRY(get_signature(m, json, err));
    FED_TRY(get_rests(json_object_get(json, "rests"), m, err));
    return get_held(json_object_get(json, "held"), m, err);
}

fed_status fed_checkin_get(fed_checkin *m, fed_span text, fed_error *err)
{
    json_t *json;
    memset(m, 0, sizeof *m);
    FED_TRY(load(&json, text, err));
    fed_status status = get_checkin(m, json, err);
    json_decref(json);
    return status;
}

fed_status fed_checkin_answer_put(fed_bytes *out, const fed_checkin_answer *m,
                                  fed_error *err)
{
    if (!m->has_task)
        return put_json(
            out, json_pack("{s:I}", "retry_after_ms", (json_int_t)m->retry_after_ms),
            err);
    return put_json(out,
                    json_pack("{s:o,s:o,s:o,s:I,s:I}", "task", hex_json(m->task),
                              "task_blob", hex_json(m->task_blob), "version_blob",
                              hex_json(m->version_blob), "version",
                              (json_int_t)m->version, "train_by_ms",
                              (json_int_t)m->train_by_ms),
                    err);
}

static fed_status get_task(fed_checkin_answer *m, json_t *json, fed_error *err)
{
    static const char *const names[] = {"task", "task_blob", "version_blob", "version",
                                        "train_by_ms"};
    uint64_t train_by = 0;
    m->has_task = true;
    FED_TRY(only_members(json, names, sizeof names / sizeof *names, err));
    FED_TRY(get_key(json, "task", m->task, err));
    FED_TRY(get_key(json, "task_blob", m->task_blob, err));
    FED_TRY(get_key(json, "version_blob", m->version_blob, err));
    FED_TRY(get_number(json, "version", INT64_MAX, &m->version, err));
    FED_TRY(
        get_number(json, "train_by_ms", FED_RETRY_AFTER_MAX_S * 1000ull, &train_by, err));
    m->train_by_ms = (uint32_t)train_by;
    return FED_OK;
}

static fed_status get_retry(fed_checkin_answer *m, json_t *json, fed_error *err)
{
    static const char *const names[] = {"retry_after_ms"};
    uint64_t retry = 0;
    FED_TRY(only_members(json, names, 1, err));
    FED_TRY(
        get_number(json, "retry_after_ms", FED_RETRY_AFTER_MAX_S * 1000ull, &retry, err));
    m->retry_after_ms = (uint32_t)retry;
    return FED_OK;
}

fed_status fed_checkin_answer_get(fed_checkin_answer *m, fed_span text, fed_error *err)
{
    json_t *json;
    memset(m, 0, sizeof *m);
    FED_TRY(load(&json, text, err));
    fed_status status =
        json_object_get(json, "task") ? get_task(m, json, err) : get_retry(m, json, err);
    json_decref(json);
    return status;
}
