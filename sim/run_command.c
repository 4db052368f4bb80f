/* fedsim run: rounds, evaluations, and what is said of them in the end. */
#include "fedsim.h"

#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "crypto.h"
#include "model.h"
#include "population.h"
#include "sumrun.h"

static struct {
    const char *data, *partition;
    uint64_t clients, rounds, seed, threads;
    fed_list set;
    bool json;
} opt = {.seed = 1};

const fed_option fed_sim_run_options[] = {
    FED_OPT_HEADING("Population"),
    FED_OPT_REQUIRED("data", 0, "SPEC", &opt.data, "data set, such as mnist:DIR"),
    FED_OPT_TEXT("partition", 0, "P", &opt.partition,
                 "iid, shards:K, dirichlet:A, powerlaw:K or user"),
    FED_OPT_U64("clients", 'n', "N", &opt.clients, 0, 10000000,
                "simulated devices; 0: what the data say"),
    FED_OPT_HEADING("Run"),
    FED_OPT_U64("rounds", 0, "R", &opt.rounds, 0, 1000000000,
                "rounds; 0: what the plan says"),
    FED_OPT_U64("seed", 0, "S", &opt.seed, 0, UINT64_MAX, "seed of everything"),
    FED_OPT_U64("threads", 't', "T", &opt.threads, 0, 256, "threads; 0: one per core"),
    FED_OPT_LIST("set", 0, "PATH=VALUE", &opt.set,
                 "change a field of the plan; repeatable"),
    FED_OPT_HEADING("Output"),
    FED_OPT_FLAG("json", 0, &opt.json, "end with one JSON object"),
    FED_OPT_END};

/** One simulation, from parsed options to the last number. */
typedef struct simulation {
    fed_task *task;
    fed_population *population;
    fed_pool *pool;
    fed_sumrun *run;
    fed_examples holdout;
    bool evaluates;
    uint64_t rounds, done;
    uint32_t *members;
    fed_evaluation evaluation;
    uint64_t uploads, upload_bytes;
    int64_t started_ns;
} simulation;

static unsigned thread_count(void)
{
    if (opt.threads) return (unsigned)opt.threads;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 && cores < 256 ? (unsigned)cores : 1;
}

static fed_status prepare(simulation *s, const char *plan, fed_error *err)
{
    fed_population_config config = {opt.data, opt.partition, (uint32_t)opt.clients,
                                    opt.seed};
    FED_TRY(fed_sim_load_task(&s->task, plan, &opt.set, opt.seed, err));
    FED_TRY(fed_population_new(&s->population, &config, err));
    FED_TRY(fed_population_check(s->population, s->task, err));
    FED_TRY(fed_pool_new(&s->pool, thread_count(), err));
    FED_TRY(
        fed_sumrun_new(&s->run, s->task, s->population, fed_pool_parallel(s->pool), err));
    const fed_plan *p = fed_task_plan(s->task);
    s->rounds = opt.rounds ? opt.rounds : (uint64_t)p->rounds.count;
    s->evaluates = p->evaluate.on == FED_EVALUATE_HOLDOUT;
    if (s->evaluates) FED_TRY(fed_population_holdout(s->population, &s->holdout, err));
    uint32_t n = fed_task_numbers_of(s->task)->invited;
    s->members = fed_calloc(n, sizeof *s->members);
    return s->members ? FED_OK : fed_fail_nomem(err, n * sizeof *s->members);
}

static void release(simulation *s)
{
    fed_free(s->members);
    fed_sumrun_free(s->run);
    fed_pool_free(s->pool);
    fed_population_free(s->population);
    fed_task_free(s->task);
}

static double accuracy(const simulation *s)
{
    if (!s->evaluation.counted) return NAN;
    return (double)s->evaluation.correct / (double)s->evaluation.counted;
}

static double loss(const simulation *s)
{
    if (!s->evaluation.counted) return NAN;
    return s->evaluation.loss_sum / (double)s->evaluation.counted;
}

static bool evaluates_after(const simulation *s, uint64_t round)
{
    uint64_t every = (uint64_t)fed_task_plan(s->task)->evaluate.every;
    return s->evaluates && (round == s->rounds || (every && round % every == 0));
}

static fed_status do_round(simulation *s, fed_error *err)
{
    fed_sumrun_round round;
    uint32_t n = fed_task_numbers_of(s->task)->invited;
    FED_TRY(fed_sumrun_draw(s->run, opt.seed, s->done, s->members, n, err));
    FED_TRY(fed_sumrun_round_do(s->run, s->members, NULL, n, &round, err));
    s->done++;
    s->uploads += round.survivors;
    s->upload_bytes += round.upload_bytes;
    if (evaluates_after(s, s->done))
        FED_TRY(fed_evaluate_examples(s->task, fed_sumrun_state(s->run)->params,
                                      &s->holdout, fed_pool_parallel(s->pool),
                                      &s->evaluation, err));
    fed_progress_update(s->done, "accuracy %.4f  loss %.4f  training loss %.4f",
                        accuracy(s), loss(s), round.train_loss);
    return FED_OK;
}

static fed_status model_address(const simulation *s, char text[FED_ADDRESS_TEXT],
                                fed_error *err)
{
    fed_bytes file;
    fed_address address;
    fed_bytes_init(&file, SIZE_MAX);
    fed_status status =
        fed_task_write_model(s->task, fed_sumrun_state(s->run)->params, &file, err);
    if (!status) status = fed_address_of(file.data, file.len, &address, err);
    if (!status) fed_address_to_text(&address, text);
    fed_bytes_fini(&file);
    return status;
}

static json_t *number_or_null(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static fed_status say_json(const simulation *s, const char *model, double wall_s,
                           fed_error *err)
{
    const fed_task_numbers *n = fed_task_numbers_of(s->task);
    json_t *json = json_pack(
        "{s:s,s:I,s:I,s:o,s:o,s:I,s:I,s:f,s:s,s:s,s:I,s:n,s:n}", "plan",
        fed_task_plan(s->task)->name, "rounds", (json_int_t)s->done, "clients",
        (json_int_t)fed_population_clients(s->population), "accuracy",
        number_or_null(accuracy(s)), "loss", number_or_null(loss(s)),
        "upload_bytes_per_device", (json_int_t)n->upload_bytes,
        "download_bytes_per_device", (json_int_t)n->download_bytes, "wall_s", wall_s,
        "model_sha256", model, "kernel", fed_kernel_name(fed_kernel_active()), "threads",
        (json_int_t)fed_pool_parallel(s->pool)->threads, "epsilon_output",
        "epsilon_server");
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!text) return fed_fail(err, FED_E_NOMEM, "out of memory");
    printf("%s\n", text);
    free(text);
    return FED_OK;
}

static fed_status say(const simulation *s, fed_error *err)
{
    char model[FED_ADDRESS_TEXT];
    double wall_s = (double)(fed_clock_monotonic_ns() - s->started_ns) * 1e-9;
    const fed_task_numbers *n = fed_task_numbers_of(s->task);
    FED_TRY(model_address(s, model, err));
    if (opt.json) return say_json(s, model, wall_s, err);
    printf("%s: %llu rounds over %u clients in %.2f s\n", fed_task_plan(s->task)->name,
           (unsigned long long)s->done, fed_population_clients(s->population), wall_s);
    if (s->evaluates)
        printf("  accuracy  %.4f\n  loss      %.4f\n", accuracy(s), loss(s));
    printf("  up        %zu bytes per device and round\n", n->upload_bytes);
    printf("  down      %zu bytes per device and round\n", n->download_bytes);
    printf("  privacy   no noise was added: no guarantee\n");
    printf("  model     %s\n", model);
    return FED_OK;
}

fed_status fed_sim_run(const fed_operands *operands, fed_error *err)
{
    simulation s = {.started_ns = fed_clock_monotonic_ns()};
    fed_status status = fed_stop_init(err);
    if (!status) status = prepare(&s, operands->items[0], err);
    if (!status) fed_progress_start("rounds", s.rounds);
    while (!status && s.done < s.rounds && !fed_stop_requested())
        status = do_round(&s, err);
    fed_progress_end();
    if (!status) status = say(&s, err);
    release(&s);
    return status;
}
