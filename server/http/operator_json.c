#include "operator_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "engine.h"

static fed_status refuse(fed_exchange *x, unsigned status, const char *text)
{
    x->status = status;
    fed_bytes_put_text(&x->answer, text);
    return x->answer.status;
}

static fed_status say(fed_exchange *x, json_t *json, fed_error *err)
{
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(json);
    if (!text) return fed_fail(err, FED_E_NOMEM, "out of memory");
    fed_bytes_put_text(&x->answer, text);
    fed_bytes_put_u8(&x->answer, '\n');
    free(text);
    x->status = FED_HTTP_OK;
    x->content_type = "application/json";
    return x->answer.status;
}

static json_t *hex_json(const uint8_t bytes[32])
{
    char text[65];
    fed_hex_encode(text, bytes, 32);
    return json_string(text);
}

/* Index of the exchange's task, or SIZE_MAX. */
static size_t find_task(fed_engine *e, const fed_exchange *x, fed_task_info *info)
{
    const fed_coordinator *c = fed_engine_coordinator(e);
    for (size_t i = 0; i < fed_coordinator_task_count(c); i++) {
        fed_coordinator_task_info(c, i, info);
        if (fed_address_equal(&info->id, &x->subject)) return i;
    }
    return SIZE_MAX;
}

fed_status fed_query_server(fed_engine *e, fed_exchange *x, fed_error *err)
{
    return say(x,
               json_pack("{s:o,s:s}", "key", hex_json(fed_engine_server_key(e)),
                         "version", FED_VERSION),
               err);
}

fed_status fed_query_health(fed_engine *e, fed_exchange *x, fed_error *err)
{
    (void)e, (void)err;
    x->content_type = "text/plain; charset=utf-8";
    return refuse(x, FED_HTTP_OK, "ok\n");
}

/* ---- tasks ----------------------------------------------------------------------------- */

/* Not a number: JSON has no word for NaN and infinity, so null it is. */
static json_t *real_json(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* Unknown is null, so that the fields are always the same. */
static json_t *evaluation_json(const fed_engine *e, size_t index,
                               const fed_task_info *info)
{
    const fed_last_evaluation *v = fed_engine_last_evaluation(e, index);
    bool is_newest = v->ended && v->version == info->head.version;
    bool pending = fed_engine_evaluates(e, info) && !is_newest;
    return json_pack("{s:o,s:o,s:o,s:b}", "accuracy",
                     v->known ? real_json(v->accuracy) : json_null(), "loss",
                     v->known ? real_json(v->loss) : json_null(), "evaluated_version",
                     v->known ? json_integer((json_int_t)v->version) : json_null(),
                     "evaluation_pending", pending);
}

static json_t *cohort_json(const fed_task_info *info)
{
    return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I}", "phase", fed_phase_name(info->phase),
                     "size", (json_int_t)fed_task_numbers_of(info->task)->invited,
                     "training", (json_int_t)info->invited, "placed",
                     (json_int_t)info->placed, "joined", (json_int_t)info->joined,
                     "submitted", (json_int_t)info->submitted);
}

static json_t *identity_json(const fed_task_info *info)
{
    const fed_task_numbers *numbers = fed_task_numbers_of(info->task);
    return json_pack("{s:o,s:s,s:s,s:o,s:o,s:I,s:I}", "task", hex_json(info->id.bytes),
                     "name", info->document->name, "population",
                     info->document->population, "plan", hex_json(numbers->plan_address),
                     "model_sha256", hex_json(info->head.model.bytes), "created_ms",
                     (json_int_t)info->document->created_ms, "expires_ms",
                     (json_int_t)info->document->expires_ms);
}

static json_t *progress_json(const fed_task_info *info)
{
    const fed_task_numbers *numbers = fed_task_numbers_of(info->task);
    return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "state",
                     fed_task_state_name(info->head.state), "version",
                     (json_int_t)info->head.version, "rounds",
                     (json_int_t)fed_task_plan(info->task)->rounds.count, "devices_busy",
                     (json_int_t)info->invited + info->placed, "last_members",
                     (json_int_t)info->last_members, "last_survivors",
                     (json_int_t)info->last_survivors, "upload_bytes",
                     (json_int_t)info->head.upload_bytes, "upload_bytes_per_device",
                     (json_int_t)numbers->upload_bytes, "download_bytes_per_device",
                     (json_int_t)numbers->download_bytes);
}

/* Move the fields of `part` (taken) into `json`; false when memory is out. */
static bool add_fields(json_t *json, json_t *part)
{
    bool ok = json && part && json_object_update(json, part) == 0;
    json_decref(part);
    return ok;
}

static json_t *task_json(fed_engine *e, size_t index, const fed_task_info *info)
{
    json_t *json = identity_json(info);
    bool ok = add_fields(json, progress_json(info));
    ok = add_fields(json, evaluation_json(e, index, info)) && ok;
    if (ok && json_object_set_new(json, "cohort", cohort_json(info)) == 0) return json;
    json_decref(json);
    return NULL;
}

fed_status fed_query_tasks(fed_engine *e, fed_exchange *x, fed_error *err)
{
    const fed_coordinator *c = fed_engine_coordinator(e);
    json_t *list = json_array();
    for (size_t i = 0; list && i < fed_coordinator_task_count(c); i++) {
        fed_task_info info;
        fed_coordinator_task_info(c, i, &info);
        json_array_append_new(list, task_json(e, i, &info));
    }
    return say(x, json_pack("{s:o}", "tasks", list), err);
}

fed_status fed_query_task(fed_engine *e, fed_exchange *x, fed_error *err)
{
    fed_task_info info;
    size_t index = find_task(e, x, &info);
    if (index == SIZE_MAX) return refuse(x, FED_HTTP_NOT_FOUND, "task: not known");
    return say(x, task_json(e, index, &info), err);
}

/* ---- history --------------------------------------------------------------------------- */

static fed_status append_evaluation(void *arg, const char *key, fed_span value,
                                    fed_error *err)
{
    (void)key, (void)err;
    fed_bytes *out = arg;
    fed_bytes_put(out, value.data, value.len);
    fed_bytes_put_u8(out, '\n');
    return out->status;
}

fed_status fed_query_evaluations(fed_engine *e, fed_exchange *x, fed_error *err)
{
    char prefix[FED_KEY_MAX];
    fed_journal journal = fed_engine_journal(e);
    fed_key_task(prefix, &x->subject, "evaluation/");
    x->status = FED_HTTP_OK;
    x->content_type = "application/x-ndjson";
    return journal.scan(journal.ctx, prefix, append_evaluation, &x->answer, err);
}

static json_t *member_list(const fed_roster *roster, bool only_survivors)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < roster->n; i++)
        if (!only_survivors || roster->members[i].survived)
            json_array_append_new(list, hex_json(roster->members[i].device));
    return list;
}

static fed_status put_line(fed_bytes *out, json_t *json, fed_error *err)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!text) return fed_fail(err, FED_E_NOMEM, "out of memory");
    fed_bytes_put_text(out, text);
    fed_bytes_put_u8(out, '\n');
    free(text);
    return out->status;
}

static fed_status append_cohort(void *arg, const char *key, fed_span value,
                                fed_error *err)
{
    fed_roster roster;
    (void)key;
    FED_TRY(fed_roster_get(&roster, value, err));
    json_t *json =
        json_pack("{s:I,s:o,s:o,s:o}", "version", (json_int_t)roster.version + 1,
                  "cohort", hex_json(roster.cohort), "members",
                  member_list(&roster, false), "survivors", member_list(&roster, true));
    fed_roster_fini(&roster);
    return put_line(arg, json, err);
}

fed_status fed_query_trace(fed_engine *e, fed_exchange *x, fed_error *err)
{
    char prefix[FED_KEY_MAX];
    fed_task_info info;
    fed_journal journal = fed_engine_journal(e);
    if (find_task(e, x, &info) == SIZE_MAX)
        return refuse(x, FED_HTTP_NOT_FOUND, "task: not known");
    x->status = FED_HTTP_OK;
    x->content_type = "application/x-ndjson";
    FED_TRY(put_line(&x->answer,
                     json_pack("{s:s,s:o,s:o,s:o,s:s}", "format", "fed-trace/1", "task",
                               hex_json(info.id.bytes), "plan",
                               hex_json(fed_task_numbers_of(info.task)->plan_address),
                               "task_seed", hex_json(info.document->seed), "kernel",
                               fed_kernel_name(fed_kernel_active())),
                     err));
    fed_key_task(prefix, &info.id, "trace/");
    FED_TRY(journal.scan(journal.ctx, prefix, append_cohort, &x->answer, err));
    return put_line(&x->answer,
                    json_pack("{s:I,s:o}", "version", (json_int_t)info.head.version,
                              "model_sha256", hex_json(info.head.model.bytes)),
                    err);
}

/* The versions whose models are still here, the newest last. */
fed_status fed_query_versions(fed_engine *e, fed_exchange *x, fed_error *err)
{
    fed_task_info info;
    if (find_task(e, x, &info) == SIZE_MAX)
        return refuse(x, FED_HTTP_NOT_FOUND, "task: not known");
    json_t *list = json_array();
    uint64_t newest = info.head.version;
    uint64_t first = newest + 1 < FED_VERSIONS_KEPT ? 0 : newest + 1 - FED_VERSIONS_KEPT;
    for (uint64_t v = first; list && v <= newest; v++)
        json_array_append_new(
            list,
            json_pack("{s:I,s:o,s:o}", "version", (json_int_t)v, "model_sha256",
                      hex_json(info.head.kept_models[v % FED_VERSIONS_KEPT].bytes),
                      "document",
                      hex_json(info.head.kept_documents[v % FED_VERSIONS_KEPT].bytes)));
    return say(x, json_pack("{s:o}", "versions", list), err);
}

/* ---- metrics --------------------------------------------------------------------------- */

/* A label's value: backslash, quote and line feed escaped (exposition format 0.0.4). */
static void put_label(fed_bytes *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\\' || *p == '"') fed_bytes_put_u8(out, '\\');
        fed_bytes_put_u8(out, (uint8_t)(*p == '\n' ? ' ' : *p));
    }
}

static void put_metric(fed_bytes *out, const char *name, const char *task, double value)
{
    fed_bytes_printf(out, "fedserver_%s{task=\"", name);
    put_label(out, task);
    fed_bytes_printf(out, "\"} %.17g\n", value);
}

fed_status fed_query_metrics(fed_engine *e, fed_exchange *x, fed_error *err)
{
    static const struct {
        const char *name, *type, *help;
    } metrics[] = {
        {"version", "gauge", "Model version of a task."},
        {"upload_bytes_total", "counter", "Bytes of inputs that are in a version."},
        {"cohort_joined", "gauge", "Devices in the open cohort."},
        {"accuracy_ratio", "gauge", "Accuracy on the hold-out, newest evaluation."},
    };
    (void)err;
    const fed_coordinator *c = fed_engine_coordinator(e);
    for (size_t m = 0; m < sizeof metrics / sizeof *metrics; m++) {
        fed_bytes_printf(&x->answer, "# HELP fedserver_%s %s\n# TYPE fedserver_%s %s\n",
                         metrics[m].name, metrics[m].help, metrics[m].name,
                         metrics[m].type);
        for (size_t i = 0; i < fed_coordinator_task_count(c); i++) {
            fed_task_info info;
            fed_coordinator_task_info(c, i, &info);
            const fed_last_evaluation *last = fed_engine_last_evaluation(e, i);
            double values[] = {(double)info.head.version, (double)info.head.upload_bytes,
                               info.joined, last->accuracy};
            if (m < 3 || last->known)
                put_metric(&x->answer, metrics[m].name, info.document->name, values[m]);
        }
    }
    x->status = FED_HTTP_OK;
    x->content_type = "text/plain; version=0.0.4";
    return x->answer.status;
}
