/* fedctl: what an operator does, from a machine that holds the operator's key. The server
 * never sees that key; it sees only what it signed. */
#include "fedctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"

fed_ctl_options fed_ctl = {.server = "http://127.0.0.1:8080"};

/* ---- keys ------------------------------------------------------------------------------ */

const fed_option fed_ctl_keygen_options[] = {
    FED_OPT_REQUIRED("out", 'o', "FILE", &fed_ctl.out,
                     "where the private key goes; the public one goes to FILE.pub"),
    FED_OPT_END};

static fed_status write_key(const char *path, fed_key_kind kind, const uint8_t key[32],
                            unsigned mode, fed_error *err)
{
    fed_bytes line;
    fed_bytes_init(&line, FED_KEYFILE_MAX);
    fed_status status = fed_keyfile_put(kind, key, &line, err);
    if (!status)
        status = fed_file_write(path, (fed_span){line.data, line.len}, mode,
                                FED_FILE_KEEP, err);
    fed_bytes_wipe(&line);
    return status;
}

/* The public key first: if its name is taken, no private key is left behind. */
fed_status fed_ctl_keygen(const fed_operands *operands, fed_error *err)
{
    char public_path[4096];
    uint8_t seed[32], public_key[32];
    fed_random random = fed_random_system();
    (void)operands;
    int n = snprintf(public_path, sizeof public_path, "%s.pub", fed_ctl.out);
    if (n < 0 || (size_t)n >= sizeof public_path)
        return fed_fail(err, FED_E_INVALID, "--out: a path of %d characters", n);
    FED_TRY(fed_random_fill(&random, "operator key", 0, seed, sizeof seed));
    fed_status status = fed_ed25519_public(seed, public_key, err);
    if (!status) status = write_key(public_path, FED_KEY_PUBLIC, public_key, 0644, err);
    if (!status) {
        status = write_key(fed_ctl.out, FED_KEY_PRIVATE, seed, 0600, err);
        if (status) remove(public_path);
    }
    fed_wipe(seed, sizeof seed);
    return status;
}

fed_status fed_ctl_read_key(const char *path, fed_key_kind kind, uint8_t key[32],
                            fed_error *err)
{
    fed_bytes line;
    fed_bytes_init(&line, FED_KEYFILE_MAX);
    fed_status status = fed_file_read(path, &line, err);
    if (!status)
        status = fed_fail_in(
            err, fed_keyfile_get(kind, (fed_span){line.data, line.len}, key, err), "%s",
            path);
    fed_bytes_wipe(&line);
    return status;
}

/* ---- what a server says ---------------------------------------------------------------- */

const char *fed_ctl_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

int64_t fed_ctl_number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* Take the tasks whose id begins with `prefix` out of the list. */
static size_t match_tasks(const json_t *list, const char *prefix, json_t **found)
{
    size_t matches = 0, i;
    json_t *task;
    json_array_foreach(list, i, task)
    {
        if (strncmp(fed_ctl_text(task, "task"), prefix, strlen(prefix)) != 0) continue;
        *found = task;
        matches++;
    }
    return matches;
}

fed_status fed_ctl_find_task(fed_operator_client *client, const char *prefix,
                             json_t **out, fed_error *err)
{
    json_t *answer = NULL, *found = NULL;
    *out = NULL;
    FED_TRY(fed_operator_get_json(client, "/v1/tasks", &answer, err));
    const json_t *list = json_object_get(answer, "tasks");
    size_t matches = match_tasks(list, prefix ? prefix : "", &found);
    fed_status status = FED_OK;
    if (matches == 1)
        *out = json_incref(found);
    else if (matches)
        status = fed_fail(err, FED_E_INVALID, "ID: %zu tasks begin with \"%s\"", matches,
                          prefix ? prefix : "");
    else
        status = fed_fail(err, FED_E_NOT_FOUND, "ID: no task begins with \"%s\"",
                          prefix ? prefix : "");
    json_decref(answer);
    return status;
}

/* ---- printing -------------------------------------------------------------------------- */

fed_status fed_ctl_print_json(const json_t *object, fed_error *err)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (!text) return fed_fail_nomem(err, 0);
    puts(text);
    free(text);
    return FED_OK;
}

fed_status fed_ctl_print_table(fed_text_table *table, fed_error *err)
{
    fed_bytes out;
    fed_bytes_init(&out, SIZE_MAX);
    fed_status status = fed_text_table_write(table, &out, err);
    if (!status && out.len) fwrite(out.data, 1, out.len, stdout);
    fed_text_table_fini(table);
    fed_bytes_fini(&out);
    return status;
}

/* ---- tables ---------------------------------------------------------------------------- */

static const fed_command commands[] = {
    {.name = "keygen",
     .help = "make an operator's key",
     .details = "Writes a private key, readable by its owner alone, and beside it the "
                "public key that fedserver and devices get. Nothing is overwritten.",
     .options = fed_ctl_keygen_options,
     .run = fed_ctl_keygen},
    {.name = "enrol tokens",
     .help = "make one-time tokens for devices to enrol with, one a line",
     .options = fed_ctl_enrol_tokens_options,
     .run = fed_ctl_enrol_tokens},
    {.name = "enrol sign",
     .operands = "REQUEST",
     .help = "answer enrolment requests, one a line, with certificates",
     .details =
         "The request names a token of this desk, which is used up. The enrolment key "
         "is made with keygen; to keep its promise against a server that lies it "
         "must not be on the server.",
     .options = fed_ctl_enrol_sign_options,
     .run = fed_ctl_enrol_sign},
    {.name = "task create",
     .operands = "PLAN",
     .help = "sign a plan as a task and have the server run it; prints the task's id",
     .options = fed_ctl_create_options,
     .run = fed_ctl_task_create},
    {.name = "task list",
     .help = "the tasks of a server",
     .options = fed_ctl_view_options,
     .run = fed_ctl_task_list},
    {.name = "task show",
     .operands = "[ID]",
     .help = "how a task stands; ID may be left out when there is one",
     .options = fed_ctl_view_options,
     .run = fed_ctl_task_show},
    {.name = "task stop",
     .operands = "ID",
     .help = "end a task before its last round",
     .options = fed_ctl_stop_options,
     .run = fed_ctl_task_stop},
    {.name = "task trace",
     .operands = "ID",
     .help = "who made each version, as JSON lines for fedsim run --replay",
     .options = fed_ctl_plain_options,
     .run = fed_ctl_task_trace},
    {.name = "task wait",
     .operands = "ID",
     .help = "wait until a task is done and evaluated",
     .details = "Exits with 0 when all rounds are made, and with 1 when the task was "
                "stopped, has expired, its privacy budget is spent, or it is not done "
                "in time.",
     .options = fed_ctl_wait_options,
     .run = fed_ctl_task_wait},
    {.name = "model list",
     .operands = "ID",
     .help = "the versions whose models the server still has",
     .options = fed_ctl_view_options,
     .run = fed_ctl_model_list},
    {.name = "model get",
     .operands = "ID",
     .help = "fetch a model (safetensors), and check it against its address",
     .options = fed_ctl_model_get_options,
     .run = fed_ctl_model_get},
    {0}};

static const fed_example examples[] = {
    {"fedctl keygen --out operator.key", "a key for an operator"},
    {"fedctl task create plan.json --key operator.key --population demo --seed 1",
     "have the server on this machine run a plan"},
    {"fedctl task wait 3f --timeout 3600", "wait for the task whose id begins with 3f"},
    {"fedctl model get 3f --out model.safetensors", "fetch its newest model"},
    {0}};

int main(int argc, char **argv)
{
    static const fed_program program = {
        .name = "fedctl",
        .summary = "make keys and run tasks on a server",
        .description = "What an operator does, from a machine that holds the operator's "
                       "key. The key never leaves it: a server gets tasks that are "
                       "signed, and devices run nothing else. A task's ID may be "
                       "shortened as long as only one begins so.",
        .commands = commands,
        .examples = examples,
        .see_also = "fedserver(1), fedclient(1), fedsim(1)"};
    return fed_program_main(&program, argc, argv);
}
