#include "operator_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "engine.h"

enum { LINES_BYTES = 4 << 20 /* an answer of lines is cut behind that */ };

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

/* null where the plan asks for no draws. How many were drawn is nobody's business. */
static json_t *draw_json(const fed_task_info *info)
{
    if (!fed_task_is_drawn(info->task)) return json_null();
    return json_pack("{s:I,s:I,s:b,s:I}", "enrolled", (json_int_t)info->enrolled,
                     "needed", (json_int_t)fed_task_plan(info->task)->privacy.population,
                     "waiting", info->is_waiting, "draws", (json_int_t)info->draws);
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
    return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "state",
                     fed_task_state_name(info->head.state), "version",
                     (json_int_t)info->head.version, "rounds",
                     (json_int_t)fed_task_plan(info->task)->rounds.count, "devices_busy",
                     (json_int_t)info->invited + info->placed, "last_members",
                     (json_int_t)info->last_members, "last_survivors",
                     (json_int_t)info->last_survivors, "upload_bytes",
                     (json_int_t)info->head.upload_bytes, "upload_bytes_per_device",
                     (json_int_t)numbers->upload_bytes, "download_bytes_per_device",
                     (json_int_t)numbers->download_bytes, "first_download_bytes",
                     (json_int_t)numbers->first_download_bytes);
}

/* What was given away, always as two numbers; null where nothing is promised, or limited. */
static json_t *privacy_json(const fed_task_info *info)
{
    const fed_privacy_spent *p = &info->privacy;
    if (!p->is_private) return json_null();
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "epsilon_output",
                     real_json(p->epsilon_output), "epsilon_server",
                     real_json(p->epsilon_server), "budget_output",
                     real_json(p->budget_output), "budget_server",
                     real_json(p->budget_server), "delta", real_json(p->delta));
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
    ok = ok && json_object_set_new(json, "privacy", privacy_json(info)) == 0;
    ok = ok && json_object_set_new(json, "draw", draw_json(info)) == 0;
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

/** JSON lines about versions from `from` on, as many as fit an answer. */
typedef struct version_lines {
    fed_bytes *out;
    size_t prefix; /* characters of a key before its version */
    uint64_t from, next;
    bool cut;
} version_lines;

/* Keys ascend; once the answer is full, `next` stays where to go on. */
static bool takes(version_lines *v, const char *key)
{
    uint64_t version = 0;
    if (v->cut || !fed_text_to_u64(key + v->prefix, UINT64_MAX, &version)) return false;
    if (version < v->from) return false;
    v->next = version;
    v->cut = v->out->len >= LINES_BYTES;
    return !v->cut;
}

static void put_cut(const version_lines *v)
{
    if (v->cut) fed_bytes_printf(v->out, "{\"next\":%" PRIu64 "}\n", v->next);
}

static fed_status append_evaluation(void *arg, const char *key, fed_span value,
                                    fed_error *err)
{
    version_lines *v = arg;
    (void)err;
    if (!takes(v, key)) return FED_OK;
    fed_bytes_put(v->out, value.data, value.len);
    fed_bytes_put_u8(v->out, '\n');
    return v->out->status;
}

static fed_status say_lines(fed_engine *e, fed_exchange *x, const char *leaf,
                            fed_journal_visit visit, bool *cut, fed_error *err)
{
    char prefix[FED_KEY_MAX];
    fed_journal journal = fed_engine_journal(e);
    fed_key_task(prefix, &x->subject, leaf);
    version_lines v = {.out = &x->answer, .prefix = strlen(prefix), .from = x->from};
    x->status = FED_HTTP_OK;
    x->content_type = "application/x-ndjson";
    FED_TRY(journal.scan(journal.ctx, prefix, visit, &v, err));
    put_cut(&v);
    *cut = v.cut;
    return x->answer.status;
}

fed_status fed_query_evaluations(fed_engine *e, fed_exchange *x, fed_error *err)
{
    bool cut;
    fed_task_info info;
    if (find_task(e, x, &info) == SIZE_MAX)
        return refuse(x, FED_HTTP_NOT_FOUND, "task: not known");
    return say_lines(e, x, "evaluation/", append_evaluation, &cut, err);
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
    version_lines *v = arg;
    if (!takes(v, key)) return FED_OK;
    FED_TRY(fed_roster_get(&roster, value, err));
    json_t *json =
        json_pack("{s:I,s:o,s:o,s:o}", "version", (json_int_t)roster.version + 1,
                  "cohort", hex_json(roster.cohort), "members",
                  member_list(&roster, false), "survivors", member_list(&roster, true));
    fed_roster_fini(&roster);
    return put_line(v->out, json, err);
}

static json_t *trace_head(const fed_task_info *info)
{
    return json_pack("{s:s,s:o,s:o,s:o,s:s}", "format", "fed-trace/1", "task",
                     hex_json(info->id.bytes), "plan",
                     hex_json(fed_task_numbers_of(info->task)->plan_address), "task_seed",
                     hex_json(info->document->seed), "kernel",
                     fed_kernel_name(fed_kernel_active()));
}

/* A head, a line for each version, and the model that all this has made. */
fed_status fed_query_trace(fed_engine *e, fed_exchange *x, fed_error *err)
{
    bool cut;
    fed_task_info info;
    if (find_task(e, x, &info) == SIZE_MAX)
        return refuse(x, FED_HTTP_NOT_FOUND, "task: not known");
    if (x->from == 0) FED_TRY(put_line(&x->answer, trace_head(&info), err));
    FED_TRY(say_lines(e, x, "trace/", append_cohort, &cut, err));
    if (cut) return FED_OK;
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
    for (uint64_t v = first; list && v <= newest; v++) {
        const fed_address *kept = info.head.kept[v % FED_VERSIONS_KEPT];
        json_array_append_new(
            list, json_pack("{s:I,s:o,s:o}", "version", (json_int_t)v, "model_sha256",
                            hex_json(kept[FED_KEPT_MODEL].bytes), "document",
                            hex_json(kept[FED_KEPT_DOCUMENT].bytes)));
    }
    return say(x, json_pack("{s:o}", "versions", list), err);
}
