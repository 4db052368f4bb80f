/* fedctl task create, stop, wait: what changes a task, and waiting for its end. */
#include "fedctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto.h"
#include "round.h"

enum { DAY_MS = 86400000, POLL_MS = 500, OUTAGE_MS = 60000 };

static struct {
    const char *population, *name, *server_key;
    uint64_t seed, expires_days, timeout_s;
    fed_list set;
} opt = {.seed = 1, .expires_days = 90};

const fed_option fed_ctl_create_options[] = {
    FED_CTL_OPT_SERVER,
    FED_CTL_OPT_KEY,
    FED_OPT_REQUIRED("population", 0, "NAME", &opt.population,
                     "the devices that are asked"),
    FED_OPT_TEXT("name", 0, "NAME", &opt.name,
                 "of the task, for people (default: the plan's)"),
    FED_OPT_U64("seed", 0, "N", &opt.seed, 0, UINT64_MAX,
                "of the initial model and all public randomness"),
    FED_OPT_U64("expires-days", 0, "DAYS", &opt.expires_days, 1, 3650,
                "devices refuse the task after that"),
    FED_OPT_TEXT("server-key", 0, "HEX|FILE", &opt.server_key,
                 "the server's public key (default: what the server says)"),
    FED_OPT_LIST("set", 0, "PATH=VALUE", &opt.set,
                 "change a field of the plan; repeatable"),
    FED_OPT_END};

const fed_option fed_ctl_stop_options[] = {FED_CTL_OPT_SERVER, FED_CTL_OPT_KEY,
                                           FED_OPT_END};

const fed_option fed_ctl_wait_options[] = {FED_CTL_OPT_SERVER,
                                           FED_OPT_U64("timeout", 't', "S",
                                                       &opt.timeout_s, 0, 1000000000,
                                                       "give up after that; 0: never"),
                                           FED_CTL_OPT_JSON, FED_OPT_END};

/* ---- create ---------------------------------------------------------------------------- */

static fed_status key_from_hex(const char *where, const char *hex, uint8_t key[32],
                               fed_error *err)
{
    if (fed_hex_decode(key, 32, hex)) return FED_OK;
    return fed_fail(err, FED_E_FORMAT, "%s: not 64 hexadecimal digits", where);
}

static fed_status find_server_key(fed_operator_client *client, uint8_t key[32],
                                  fed_error *err)
{
    json_t *server = NULL;
    if (opt.server_key && fed_hex_decode(key, 32, opt.server_key)) return FED_OK;
    if (opt.server_key)
        return fed_fail_in(err,
                           fed_ctl_read_key(opt.server_key, FED_KEY_PUBLIC, key, err),
                           "--server-key");
    FED_TRY(fed_operator_get_json(client, "/v1/server", &server, err));
    fed_status status =
        key_from_hex("the server's key", fed_ctl_text(server, "key"), key, err);
    json_decref(server);
    return status;
}

static fed_status make_body(fed_operator_client *client, fed_span plan, fed_bytes *body,
                            fed_address *id, fed_error *err)
{
    int64_t now = fed_clock_wall_ms();
    fed_task_offer offer = {.plan = plan,
                            .population = opt.population,
                            .name = opt.name,
                            .seed = opt.seed,
                            .created_ms = now,
                            .expires_ms = now + (int64_t)opt.expires_days * DAY_MS};
    FED_TRY(find_server_key(client, offer.server_key, err));
    FED_TRY(fed_ctl_read_key(fed_ctl.key, FED_KEY_PRIVATE, offer.operator_seed, err));
    fed_status status = fed_task_offer_put(&offer, body, id, err);
    fed_wipe(offer.operator_seed, sizeof offer.operator_seed);
    return status;
}

static fed_status submit(fed_operator_client *client, const fed_bytes *body,
                         const fed_address *id, fed_error *err)
{
    char text[FED_ADDRESS_TEXT];
    fed_bytes answer;
    fed_bytes_init(&answer, 4096);
    fed_status status = fed_operator_post(
        client, "/v1/tasks", (fed_span){body->data, body->len}, &answer, err);
    if (!status && (answer.len != sizeof id->bytes ||
                    memcmp(answer.data, id->bytes, sizeof id->bytes) != 0))
        status = fed_fail(err, FED_E_FORMAT, "the server answers with another task's id");
    fed_bytes_fini(&answer);
    if (status) return status;
    fed_address_to_text(id, text);
    puts(text);
    return FED_OK;
}

fed_status fed_ctl_task_create(const fed_operands *operands, fed_error *err)
{
    fed_operator_client *client = NULL;
    fed_address id;
    fed_bytes plan, body;
    fed_bytes_init(&plan, FED_PLAN_MAX_BYTES);
    fed_bytes_init(&body, FED_PLAN_MAX_BYTES + 4096);
    fed_status status = fed_operator_client_new(&client, fed_ctl.server, err);
    if (!status) status = fed_file_read(operands->items[0], &plan, err);
    if (!status)
        status = fed_fail_in(err, fed_plan_set_all(&plan, opt.set.items, opt.set.n, err),
                             "--set");
    if (!status)
        status = make_body(client, (fed_span){plan.data, plan.len}, &body, &id, err);
    if (!status) status = submit(client, &body, &id, err);
    fed_operator_client_free(client);
    fed_bytes_fini(&plan);
    fed_bytes_fini(&body);
    return status;
}

/* ---- stop ------------------------------------------------------------------------------ */

static fed_status stop_task(fed_operator_client *client, const char *id_text,
                            fed_error *err)
{
    char path[FED_OPERATOR_PATH_MAX];
    uint8_t seed[32];
    fed_address id;
    fed_bytes body, answer;
    FED_TRY(fed_address_from_text(id_text, &id, err));
    FED_TRY(fed_ctl_read_key(fed_ctl.key, FED_KEY_PRIVATE, seed, err));
    fed_bytes_init(&body, 4096);
    fed_bytes_init(&answer, 4096);
    fed_status status = fed_task_stop_put(&body, &id, seed, err);
    fed_wipe(seed, sizeof seed);
    snprintf(path, sizeof path, "/v1/tasks/%s/stop", id_text);
    if (!status)
        status = fed_operator_post(client, path, (fed_span){body.data, body.len}, &answer,
                                   err);
    fed_bytes_fini(&body);
    fed_bytes_fini(&answer);
    return status;
}

fed_status fed_ctl_task_stop(const fed_operands *operands, fed_error *err)
{
    fed_operator_client *client = NULL;
    json_t *task = NULL;
    FED_TRY(fed_operator_client_new(&client, fed_ctl.server, err));
    fed_status status = fed_ctl_find_task(client, operands->items[0], &task, err);
    if (!status) status = stop_task(client, fed_ctl_text(task, "task"), err);
    json_decref(task);
    fed_operator_client_free(client);
    return status;
}

/* ---- wait ------------------------------------------------------------------------------ */

static bool is_over(const json_t *task)
{
    return strcmp(fed_ctl_text(task, "state"), "running") != 0 &&
           !json_is_true(json_object_get(task, "evaluation_pending"));
}

static void show_progress(const json_t *task)
{
    const json_t *accuracy = json_object_get(task, "accuracy");
    uint64_t version = (uint64_t)fed_ctl_number(task, "version");
    if (json_is_number(accuracy))
        fed_progress_update(version, "accuracy %.4f", json_number_value(accuracy));
    else
        fed_progress_update(version, "%s", "");
}

static fed_status say_end(const json_t *task, fed_error *err)
{
    const char *state = fed_ctl_text(task, "state");
    if (fed_ctl.json) FED_TRY(fed_ctl_print_json(task, err));
    if (strcmp(state, "done") == 0) return FED_OK;
    return fed_fail(err, FED_E_STATE,
                    "the task is %s after %" PRId64 " of %" PRId64 " rounds", state,
                    fed_ctl_number(task, "version"), fed_ctl_number(task, "rounds"));
}

/* One look at the task; a server that is away for a while (a restart) is waited for. */
static fed_status look(fed_operator_client *client, const char *path, json_t **task,
                       int64_t *last_seen_ms, fed_error *err)
{
    json_decref(*task);
    *task = NULL;
    fed_status status = fed_operator_get_json(client, path, task, err);
    int64_t now = fed_clock_monotonic_ms();
    if (!status) *last_seen_ms = now;
    bool passing = status == FED_E_IO || status == FED_E_AGAIN;
    return passing && now - *last_seen_ms < OUTAGE_MS ? FED_OK : status;
}

static fed_status wait_for(fed_operator_client *client, const char *path, json_t **task,
                           fed_error *err)
{
    int64_t start = fed_clock_monotonic_ms(), last_seen = start;
    int64_t end = opt.timeout_s ? start + (int64_t)opt.timeout_s * 1000 : FED_NEVER;
    fed_progress_start("rounds", (uint64_t)fed_ctl_number(*task, "rounds"));
    for (;;) {
        FED_TRY(look(client, path, task, &last_seen, err));
        if (*task && is_over(*task)) return say_end(*task, err);
        if (*task) show_progress(*task);
        if (fed_clock_monotonic_ms() >= end)
            return fed_fail(err, FED_E_TIMEOUT, "--timeout: not done after %" PRIu64 " s",
                            opt.timeout_s);
        if (fed_stop_wait(POLL_MS)) return fed_fail(err, FED_E_STATE, "interrupted");
    }
}

fed_status fed_ctl_task_wait(const fed_operands *operands, fed_error *err)
{
    char path[FED_OPERATOR_PATH_MAX];
    fed_operator_client *client = NULL;
    json_t *task = NULL;
    FED_TRY(fed_stop_init(err));
    FED_TRY(fed_operator_client_new(&client, fed_ctl.server, err));
    fed_status status = fed_ctl_find_task(client, operands->items[0], &task, err);
    if (!status) {
        snprintf(path, sizeof path, "/v1/tasks/%s", fed_ctl_text(task, "task"));
        status = wait_for(client, path, &task, err);
    }
    json_decref(task);
    fed_operator_client_free(client);
    return status;
}
