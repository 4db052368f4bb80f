/* fedsim check: what a plan will cost, before anybody's battery is used. */
#include "fedsim.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static struct {
    uint64_t clients;
    fed_list set;
    fed_sim_privacy_query query;
    bool resolved, json;
} opt;

const fed_option fed_sim_check_options[] = {
    FED_OPT_HEADING("Plan"),
    FED_OPT_U64("clients", 'n', "N", &opt.clients, 0, 10000000000,
                "devices in the population: says how often one takes part"),
    FED_OPT_LIST("set", 0, "PATH=VALUE", &opt.set,
                 "change a field of the plan; repeatable"),
    FED_OPT_HEADING("Privacy"),
    FED_OPT_REAL("epsilon", 0, "E", &opt.query.epsilon, 1e-3, 1000,
                 "also say which noise multiplier keeps the plan within E"),
    FED_OPT_REAL("rounds-for", 0, "E", &opt.query.rounds_for, 1e-3, 1000,
                 "also say how many rounds, or participations of a device, E allows"),
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
    size_t download_bytes; /* of one device in one of them, on average */
    fed_sim_privacy_price privacy;
} price;

static fed_status check_clients(const fed_plan *plan, fed_error *err)
{
    if (!opt.clients || (uint64_t)plan->privacy.population <= opt.clients) return FED_OK;
    return fed_fail(err, FED_E_REFUSED,
                    "privacy.population: %" PRId64 " is above the %" PRIu64
                    " devices of --clients: no round would be drawn",
                    plan->privacy.population, opt.clients);
}

/* A device that is drawn with probability q in each round has missed fewer than k versions
 * with probability 1 - (1 - q)^k. When nobody says how many devices there are, each is taken to
 * come rarely. */
static size_t mean_download(const price *p)
{
    double drawn = opt.clients ? (double)p->n->invited / (double)opt.clients : 0;
    double near =
        1 - pow(drawn < 1 ? 1 - drawn : 0, (double)p->plan->download.differences);
    return (size_t)(near * (double)p->n->download_bytes +
                    (1 - near) * (double)p->n->whole_download_bytes);
}

static fed_status price_of(const fed_task *task, price *p, fed_error *err)
{
    *p = (price){.plan = fed_task_plan(task), .n = fed_task_numbers_of(task)};
    if (opt.clients)
        p->participations =
            (double)p->plan->rounds.count * p->n->invited / (double)opt.clients;
    p->download_bytes = mean_download(p);
    FED_TRY(check_clients(p->plan, err));
    return fed_sim_price_privacy(task, &opt.query, &p->privacy, err);
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

static void say_price(const fed_task *task, const price *p)
{
    double rounds = (double)p->plan->rounds.count;
    printf("\n%-28s %zu\n", "parameters", p->n->params);
    printf("%-28s %zu bytes\n", "model file", p->n->model_bytes);
    printf("%-28s %.0f\n", "training FLOPs per example", p->n->train_flops);
    printf("%-28s %zu bytes for training, %zu for inference\n", "memory of one run",
           p->n->train_arena_bytes, p->n->infer_arena_bytes);
    printf("%-28s %zu bytes up, %zu down\n", "per device and round", p->n->upload_bytes,
           p->download_bytes);
    printf("%-28s %zu bytes the first time, %zu with the whole model, %zu with a "
           "difference\n",
           "down, before compression", p->n->first_download_bytes,
           p->n->whole_download_bytes, p->n->download_bytes);
    printf("%-28s %.1fx smaller than float32\n", "update",
           4.0 * (double)p->n->params / (double)p->n->update_bytes);
    printf("%-28s %" PRId64 ", %u devices invited to each, at least %u survive\n",
           "rounds", p->plan->rounds.count, p->n->invited, p->n->min_survivors);
    printf("%-28s %.0f bytes up, %.0f down\n", "in all",
           rounds * p->n->invited * (double)p->n->upload_bytes,
           rounds * p->n->invited * (double)p->download_bytes);
    if (opt.clients)
        printf("%-28s takes part %.3g times, %.0f bytes up\n", "one of the devices",
               p->participations, p->participations * (double)p->n->upload_bytes);
    fed_sim_say_privacy(task, &p->privacy);
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

static json_t *price_json(const fed_task *task, const price *p, const char *refusal)
{
    char address[FED_ADDRESS_TEXT];
    const fed_sim_privacy_price *privacy = &p->privacy;
    fed_hex_encode(address, p->n->plan_address, 32);
    return json_pack(
        "{s:s,s:s,s:o,s:I,s:I,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:o,s:s?}",
        "plan", p->plan->name, "plan_sha256", address, "layers", layers_json(task),
        "params", (json_int_t)p->n->params, "model_bytes", (json_int_t)p->n->model_bytes,
        "train_flops", p->n->train_flops, "train_arena_bytes",
        (json_int_t)p->n->train_arena_bytes, "infer_arena_bytes",
        (json_int_t)p->n->infer_arena_bytes, "upload_bytes_per_device",
        (json_int_t)p->n->upload_bytes, "download_bytes_per_device",
        (json_int_t)p->download_bytes, "first_download_bytes",
        (json_int_t)p->n->first_download_bytes, "rounds",
        (json_int_t)p->plan->rounds.count, "invited", (json_int_t)p->n->invited,
        "min_survivors", (json_int_t)p->n->min_survivors, "participations",
        opt.clients ? json_real(p->participations) : json_null(), "epsilon_output",
        fed_sim_epsilon_json(privacy->promise ? privacy->views.epsilon_output : INFINITY),
        "epsilon_server",
        fed_sim_epsilon_json(privacy->promise ? privacy->views.epsilon_server : INFINITY),
        "privacy", fed_sim_privacy_json(task, privacy), "not_carried_out", refusal);
}

/* ---- the command ----------------------------------------------------------------------- */

static fed_status say(const fed_task *task, const char *refusal, fed_error *err)
{
    price p;
    fed_span resolved = fed_task_numbers_of(task)->resolved;
    if (opt.resolved) {
        printf("%.*s\n", (int)resolved.len, (const char *)resolved.data);
        return FED_OK;
    }
    FED_TRY(price_of(task, &p, err));
    if (opt.json) return fed_sim_say_json(price_json(task, &p, refusal), err);
    say_layers(task);
    say_price(task, &p);
    return FED_OK;
}

/* What is not built yet has a price all the same; that it is not built is the last word. */
fed_status fed_sim_check(const fed_operands *operands, fed_error *err)
{
    fed_task *task = NULL;
    fed_error refusal = {0};
    const uint8_t seed[FED_SEED_BYTES] = {1};
    FED_TRY(fed_sim_price_task(&task, operands->items[0], &opt.set, seed, err));
    fed_status refused = fed_task_refuse(fed_task_plan(task), &refusal);
    fed_status status = say(task, refused ? refusal.text : NULL, err);
    fed_task_free(task);
    if (status || !refused) return status;
    return fed_fail(err, refused, "%s: %s", operands->items[0], refusal.text);
}
