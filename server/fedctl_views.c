/* fedctl task list, show, trace and model list, get: what changes nothing. */
#include "fedctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SHORT_ID = 12 };

static struct {
    int64_t version;
} opt = {.version = -1};

const fed_option fed_ctl_view_options[] = {FED_CTL_OPT_SERVER, FED_CTL_OPT_JSON,
                                           FED_OPT_END};
const fed_option fed_ctl_plain_options[] = {FED_CTL_OPT_SERVER, FED_OPT_END};
const fed_option fed_ctl_model_get_options[] = {
    FED_CTL_OPT_SERVER,
    FED_OPT_I64("version", 'v', "V", &opt.version, -1, INT64_MAX,
                "which version; -1: the newest"),
    FED_OPT_REQUIRED("out", 'o', "FILE", &fed_ctl.out, "where it goes"),
    FED_OPT_FLAG("force", 'f', &fed_ctl.force, "replace FILE if it is there"),
    FED_OPT_END};

/** A command in progress: the server it asks, and the task that it is about. */
typedef struct view {
    fed_operator_client *client;
    json_t *task;
} view;

static fed_status open_view(view *v, const fed_operands *operands, fed_error *err)
{
    *v = (view){0};
    FED_TRY(fed_operator_client_new(&v->client, fed_ctl.server, err));
    return fed_ctl_find_task(v->client, operands->n ? operands->items[0] : NULL, &v->task,
                             err);
}

static void close_view(view *v)
{
    json_decref(v->task);
    fed_operator_client_free(v->client);
}

/* "/v1/tasks/ID/leaf" */
static void task_path(const view *v, const char *leaf, char path[FED_OPERATOR_PATH_MAX])
{
    snprintf(path, FED_OPERATOR_PATH_MAX, "/v1/tasks/%s%s", fed_ctl_text(v->task, "task"),
             leaf);
}

/* ---- tasks ----------------------------------------------------------------------------- */

static void put_accuracy(fed_text_table *t, const json_t *task)
{
    const json_t *accuracy = json_object_get(task, "accuracy");
    if (json_is_number(accuracy))
        fed_text_table_put(t, "%.4f", json_number_value(accuracy));
    else
        fed_text_table_put(t, "-");
}

static fed_status print_tasks(const json_t *list, fed_error *err)
{
    static const char *const heads[] = {"ID",    "NAME",     "POPULATION", "STATE",
                                        "ROUND", "ACCURACY", "BUSY"};
    enum { COLUMNS = sizeof heads / sizeof *heads };
    fed_text_table t;
    size_t i;
    json_t *task;
    fed_text_table_init(&t, COLUMNS);
    for (i = 0; i < COLUMNS; i++)
        fed_text_table_put(&t, "%s", heads[i]);
    json_array_foreach(list, i, task)
    {
        fed_text_table_put(&t, "%.*s", SHORT_ID, fed_ctl_text(task, "task"));
        fed_text_table_put(&t, "%s", fed_ctl_text(task, "name"));
        fed_text_table_put(&t, "%s", fed_ctl_text(task, "population"));
        fed_text_table_put(&t, "%s", fed_ctl_text(task, "state"));
        fed_text_table_put(&t, "%" PRId64 "/%" PRId64, fed_ctl_number(task, "version"),
                           fed_ctl_number(task, "rounds"));
        put_accuracy(&t, task);
        fed_text_table_put(&t, "%" PRId64, fed_ctl_number(task, "devices_busy"));
    }
    return fed_ctl_print_table(&t, err);
}

fed_status fed_ctl_task_list(const fed_operands *operands, fed_error *err)
{
    fed_operator_client *client = NULL;
    json_t *answer = NULL;
    (void)operands;
    FED_TRY(fed_operator_client_new(&client, fed_ctl.server, err));
    fed_status status = fed_operator_get_json(client, "/v1/tasks", &answer, err);
    if (!status)
        status = fed_ctl.json ? fed_ctl_print_json(answer, err)
                              : print_tasks(json_object_get(answer, "tasks"), err);
    json_decref(answer);
    fed_operator_client_free(client);
    return status;
}

/* What is null elsewhere is not known; in privacy it is a promise that nobody made. */
static const char *word_for_null(const char *name)
{
    if (strcmp(name, "privacy") == 0) return "no noise: no guarantee";
    if (strncmp(name, "privacy.epsilon", 15) == 0) return "none promised";
    return strncmp(name, "privacy.", 8) == 0 ? "none" : NULL;
}

static void put_line(fed_text_table *t, const char *name, const json_t *value)
{
    const char *word = word_for_null(name);
    if (json_is_null(value) && !word) return;
    fed_text_table_put(t, "%s", name);
    if (json_is_null(value))
        fed_text_table_put(t, "%s", word);
    else if (json_is_string(value))
        fed_text_table_put(t, "%s", json_string_value(value));
    else if (json_is_integer(value))
        fed_text_table_put(t, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        fed_text_table_put(t, "%.6g", json_real_value(value));
    else
        fed_text_table_put(t, "%s", json_is_true(value) ? "yes" : "no");
}

/* Every field the server knows, one a line; those of an object inside go below its name. */
static fed_status print_task(json_t *task, fed_error *err)
{
    fed_text_table t;
    const char *name, *inner;
    json_t *value, *part;
    fed_text_table_init(&t, 2);
    json_object_foreach(task, name, value)
    {
        if (!json_is_object(value)) put_line(&t, name, value);
        json_object_foreach(value, inner, part)
        {
            char both[128];
            snprintf(both, sizeof both, "%s.%s", name, inner);
            put_line(&t, both, part);
        }
    }
    return fed_ctl_print_table(&t, err);
}

fed_status fed_ctl_task_show(const fed_operands *operands, fed_error *err)
{
    view v;
    fed_status status = open_view(&v, operands, err);
    if (!status)
        status = fed_ctl.json ? fed_ctl_print_json(v.task, err) : print_task(v.task, err);
    close_view(&v);
    return status;
}

/* A long answer ends with {"next":V}: that line is taken off, and V asked for. */
static bool take_next(fed_bytes *lines, uint64_t *next)
{
    static const char start[] = "{\"next\":";
    char digits[24];
    size_t at = lines->len ? lines->len - 1 : 0;
    while (at && lines->data[at - 1] != '\n')
        at--;
    size_t n = lines->len - at, skip = sizeof start - 1;
    if (n < skip + 3 || n - skip > sizeof digits ||
        memcmp(lines->data + at, start, skip) != 0)
        return false;
    memcpy(digits, lines->data + at + skip, n - skip - 2);
    digits[n - skip - 2] = 0;
    lines->len = at;
    return fed_text_to_u64(digits, UINT64_MAX, next);
}

static fed_status print_trace(const view *v, fed_error *err)
{
    char leaf[48], path[FED_OPERATOR_PATH_MAX];
    uint64_t from = 0;
    bool more = true;
    while (more) {
        fed_bytes lines;
        fed_bytes_init(&lines, FED_OPERATOR_ANSWER_MAX);
        snprintf(leaf, sizeof leaf, "/trace?from=%" PRIu64, from);
        task_path(v, leaf, path);
        fed_status status = fed_operator_get(v->client, path, &lines, err);
        more = !status && take_next(&lines, &from);
        if (!status && lines.len) fwrite(lines.data, 1, lines.len, stdout);
        fed_bytes_fini(&lines);
        FED_TRY(status);
    }
    return FED_OK;
}

fed_status fed_ctl_task_trace(const fed_operands *operands, fed_error *err)
{
    view v;
    fed_status status = open_view(&v, operands, err);
    if (!status) status = print_trace(&v, err);
    close_view(&v);
    return status;
}

/* ---- models ---------------------------------------------------------------------------- */

static fed_status get_versions(view *v, json_t **out, fed_error *err)
{
    char path[FED_OPERATOR_PATH_MAX];
    task_path(v, "/versions", path);
    return fed_operator_get_json(v->client, path, out, err);
}

static fed_status print_versions(const json_t *list, fed_error *err)
{
    fed_text_table t;
    size_t i;
    json_t *version;
    fed_text_table_init(&t, 2);
    fed_text_table_put(&t, "VERSION");
    fed_text_table_put(&t, "MODEL");
    json_array_foreach(list, i, version)
    {
        fed_text_table_put(&t, "%" PRId64, fed_ctl_number(version, "version"));
        fed_text_table_put(&t, "%s", fed_ctl_text(version, "model_sha256"));
    }
    return fed_ctl_print_table(&t, err);
}

fed_status fed_ctl_model_list(const fed_operands *operands, fed_error *err)
{
    view v;
    json_t *answer = NULL;
    fed_status status = open_view(&v, operands, err);
    if (!status) status = get_versions(&v, &answer, err);
    if (!status)
        status = fed_ctl.json ? fed_ctl_print_json(answer, err)
                              : print_versions(json_object_get(answer, "versions"), err);
    json_decref(answer);
    close_view(&v);
    return status;
}

/* The wanted version of those that are there; the list ends with the newest. */
static const json_t *choose_version(const json_t *list)
{
    size_t i, n = json_array_size(list);
    json_t *version;
    if (opt.version < 0 && n) return json_array_get(list, n - 1);
    json_array_foreach(list, i, version)
    {
        if (fed_ctl_number(version, "version") == opt.version) return version;
    }
    return NULL;
}

static fed_status fetch_model(view *v, const json_t *version, fed_bytes *file,
                              fed_error *err)
{
    char path[FED_OPERATOR_PATH_MAX];
    fed_address address;
    const char *hex = fed_ctl_text(version, "model_sha256");
    FED_TRY(fed_address_from_text(hex, &address, err));
    snprintf(path, sizeof path, "/v1/blobs/%s", hex);
    FED_TRY(fed_operator_get(v->client, path, file, err));
    return fed_fail_in(err, fed_address_check(&address, file->data, file->len, err),
                       "version %" PRId64, fed_ctl_number(version, "version"));
}

fed_status fed_ctl_model_get(const fed_operands *operands, fed_error *err)
{
    view v;
    json_t *answer = NULL;
    const json_t *version = NULL;
    fed_bytes file;
    fed_bytes_init(&file, (size_t)FED_MODEL_BYTES_MAX);
    fed_status status = open_view(&v, operands, err);
    if (!status) status = get_versions(&v, &answer, err);
    if (!status) version = choose_version(json_object_get(answer, "versions"));
    if (!status && !version)
        status = fed_fail(err, FED_E_NOT_FOUND,
                          "--version: the server has no version %" PRId64 " (any more)",
                          opt.version);
    if (!status) status = fetch_model(&v, version, &file, err);
    if (!status)
        status = fed_file_write(fed_ctl.out, (fed_span){file.data, file.len}, 0644,
                                fed_ctl.force ? FED_FILE_REPLACE : FED_FILE_KEEP, err);
    fed_bytes_fini(&file);
    json_decref(answer);
    close_view(&v);
    return status;
}
