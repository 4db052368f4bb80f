/* fedsim check: what a plan will cost, before anybody's battery is used. */
#include "fedsim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

static struct {
    uint64_t clients;
    fed_list set;
    bool resolved, json;
} opt;

const fed_option fed_sim_check_options[] = {
    FED_OPT_HEADING("Plan"),
    FED_OPT_U64("clients", 'n', "N", &opt.clients, 0, 10000000000,
                "devices in the population: says how often one takes part"),
    FED_OPT_LIST("set", 0, "PATH=VALUE", &opt.set,
                 "change a field of the plan; repeatable"),
    FED_OPT_HEADING("Output"),
    FED_OPT_FLAG("resolved", 0, &opt.resolved,
                 "print the resolved plan, every default filled in, and nothing else"),
    FED_OPT_FLAG("json", 0, &opt.json, "print one JSON object"),
    FED_OPT_END};

/* What follows from plan and population together. */
typedef struct price {
    const fed_plan *plan;
    const fed_task_numbers *n;
    double participations; /* of one device in all rounds, on average; 0: not asked */
} price;

static price price_of(const fed_task *task)
{
    price p = {fed_task_plan(task), fed_task_numbers_of(task), 0};
    if (opt.clients)
        p.participations =
            (double)p.plan->rounds.count * p.n->invited / (double)opt.clients;
    return p;
}

static void shape_text(const fed_shape *shape, char out[64])
{
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < shape->rank && used < 64; i++)
        used += (size_t)snprintf(out + used, 64 - used, "%s%zu", i ? "x" : "",
                                 (size_t)shape->dim[i]);
}

/* ---- for people ------------------------------------------------------------------------ */

static void say_layers(const fed_task *task)
{
    const fed_program *program = fed_task_train_program(task);
    printf("%-20s %-16s %-12s %12s %14s %12s\n", "layer", "operator", "output",
           "parameters", "FLOPs", "bytes");
    for (size_t i = 0; i < fed_program_layer_count(program); i++) {
        char shape[64];
        fed_layer_report r = fed_program_layer(program, i);
        shape_text(&r.shape, shape);
        printf("%-20s %-16s %-12s %12zu %14.0f %12zu\n", r.name, r.op, shape, r.params,
               r.flops, r.activation_bytes);
    }
}

static void say_price(const fed_task *task)
{
    price p = price_of(task);
    double rounds = (double)p.plan->rounds.count;
    printf("\n%-28s %zu\n", "parameters", p.n->params);
    printf("%-28s %zu bytes\n", "model file", p.n->model_bytes);
    printf("%-28s %.0f\n", "training FLOPs per example", p.n->train_flops);
    printf("%-28s %zu bytes for training, %zu for inference\n", "memory of one run",
           p.n->train_arena_bytes, p.n->infer_arena_bytes);
    printf("%-28s %zu bytes up, %zu down\n", "per device and round", p.n->upload_bytes,
           p.n->download_bytes);
    printf("%-28s %.1fx smaller than float32\n", "update",
           4.0 * (double)p.n->params / (double)p.n->update_bytes);
    printf("%-28s %" PRId64 ", %u devices invited to each, at least %u survive\n",
           "rounds", p.plan->rounds.count, p.n->invited, p.n->min_survivors);
    printf("%-28s %.0f bytes up, %.0f down\n", "in all",
           rounds * p.n->invited * (double)p.n->upload_bytes,
           rounds * p.n->invited * (double)p.n->download_bytes);
    if (opt.clients)
        printf("%-28s takes part %.3g times, %.0f bytes up\n", "one of the devices",
               p.participations, p.participations * (double)p.n->upload_bytes);
    printf("%-28s no noise, no guarantee\n", "privacy");
}

/* ---- for scripts ----------------------------------------------------------------------- */

static json_t *layers_json(const fed_task *task)
{
    const fed_program *program = fed_task_train_program(task);
    json_t *list = json_array();
    for (size_t i = 0; list && i < fed_program_layer_count(program); i++) {
        fed_layer_report r = fed_program_layer(program, i);
        json_t *shape = json_array();
        for (size_t k = 0; k < r.shape.rank; k++)
            json_array_append_new(shape, json_integer((json_int_t)r.shape.dim[k]));
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:o,s:I,s:f,s:I}", "name", r.name, "op", r.op,
                            "output", shape, "params", (json_int_t)r.params, "flops",
                            r.flops, "activation_bytes", (json_int_t)r.activation_bytes));
    }
    return list;
}

static json_t *price_json(const fed_task *task)
{
    char address[FED_ADDRESS_TEXT];
    price p = price_of(task);
    fed_hex_encode(address, p.n->plan_address, 32);
    return json_pack("{s:s,s:s,s:o,s:I,s:I,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:n,s:n}",
                     "plan", p.plan->name, "plan_sha256", address, "layers",
                     layers_json(task), "params", (json_int_t)p.n->params, "model_bytes",
                     (json_int_t)p.n->model_bytes, "train_flops", p.n->train_flops,
                     "train_arena_bytes", (json_int_t)p.n->train_arena_bytes,
                     "infer_arena_bytes", (json_int_t)p.n->infer_arena_bytes,
                     "upload_bytes_per_device", (json_int_t)p.n->upload_bytes,
                     "download_bytes_per_device", (json_int_t)p.n->download_bytes,
                     "rounds", (json_int_t)p.plan->rounds.count, "invited",
                     (json_int_t)p.n->invited, "min_survivors",
                     (json_int_t)p.n->min_survivors, "participations",
                     opt.clients ? json_real(p.participations) : json_null(),
                     "epsilon_output", "epsilon_server");
}

static fed_status say_json(const fed_task *task, fed_error *err)
{
    json_t *json = price_json(task);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!text) return fed_fail(err, FED_E_NOMEM, "out of memory");
    printf("%s\n", text);
    free(text);
    return FED_OK;
}

/* ---- the command ----------------------------------------------------------------------- */

fed_status fed_sim_check(const fed_operands *operands, fed_error *err)
{
    fed_task *task = NULL;
    const uint8_t seed[FED_SEED_BYTES] = {1};
    fed_status status = FED_OK;
    FED_TRY(fed_sim_load_task(&task, operands->items[0], &opt.set, seed, err));
    fed_span resolved = fed_task_numbers_of(task)->resolved;
    if (opt.resolved) {
        printf("%.*s\n", (int)resolved.len, (const char *)resolved.data);
    } else if (opt.json) {
        status = say_json(task, err);
    } else {
        say_layers(task);
        say_price(task);
    }
    fed_task_free(task);
    return status;
}
