/* fedsim run: one simulation, or one for each combination of a sweep, and what is said of
 * them in the end. */
#include "fedsim.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    const char *data, *partition, *fidelity, *faults, *replay, *trace, *report;
    uint64_t clients, rounds, seed, threads;
    fed_list set;
    bool json;
} opt = {.seed = 1, .fidelity = "sum"};

const fed_option fed_sim_run_options[] = {
    FED_OPT_HEADING("Population"),
    FED_OPT_REQUIRED("data", 0, "SPEC", &opt.data, "data set, such as mnist:DIR"),
    FED_OPT_TEXT("partition", 0, "P", &opt.partition,
                 "iid, shards:K, dirichlet:A, powerlaw:K or user"),
    FED_OPT_U64("clients", 'n', "N", &opt.clients, 0, 10000000,
                "simulated devices; 0: what the data say"),
    FED_OPT_TEXT("faults", 0, "FILE", &opt.faults,
                 "drop-outs, broken and hostile devices, server crashes (JSON)"),
    FED_OPT_HEADING("Run"),
    FED_OPT_CHOICE("fidelity", 0, "sum|protocol", &opt.fidelity,
                   "add up integers, or send every message; the model is the same"),
    FED_OPT_U64("rounds", 0, "R", &opt.rounds, 0, 1000000000,
                "versions to make; 0: what the plan says"),
    FED_OPT_U64("seed", 0, "S", &opt.seed, 0, UINT64_MAX, "seed of everything"),
    FED_OPT_U64("threads", 't', "T", &opt.threads, 0, 256, "threads; 0: one per core"),
    FED_OPT_LIST("set", 0, "PATH=VALUE", &opt.set,
                 "change a field of the plan; several values sweep; repeatable"),
    FED_OPT_TEXT("replay", 0, "TRACE", &opt.replay,
                 "carry out a trace, and arrive at its model"),
    FED_OPT_HEADING("Output"),
    FED_OPT_TEXT("trace", 0, "FILE", &opt.trace, "write who took part in which version"),
    FED_OPT_TEXT("report", 0, "DIR", &opt.report,
                 "write a page with curves, a CSV, a summary and the model"),
    FED_OPT_FLAG("json", 0, &opt.json, "end with one JSON object"),
    FED_OPT_END};

/* ---- options --------------------------------------------------------------------------- */

static unsigned thread_count(void)
{
    if (opt.threads) return (unsigned)opt.threads;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 && cores < 256 ? (unsigned)cores : 1;
}

static fed_status load_faults(fed_faults *out, fed_error *err)
{
    fed_bytes text;
    *out = (fed_faults){0};
    if (!opt.faults) return FED_OK;
    fed_bytes_init(&text, FED_FAULTS_MAX_BYTES);
    fed_status status = fed_file_read(opt.faults, &text, err);
    if (!status)
        status =
            fed_fail_in(err, fed_faults_parse(out, (fed_span){text.data, text.len}, err),
                        "%s", opt.faults);
    fed_bytes_fini(&text);
    return status;
}

static fed_status check_options(size_t runs, fed_error *err)
{
    const char *alone = opt.replay ? "--replay" : "--trace";
    if ((opt.replay || opt.trace) && runs > 1)
        return fed_fail(err, FED_E_INVALID, "%s: with one run only, --set makes %zu",
                        alone, runs);
    if (opt.replay && (opt.faults || opt.rounds || !strcmp(opt.fidelity, "protocol")))
        return fed_fail(err, FED_E_INVALID,
                        "--replay: the trace says who took part and how often; "
                        "--faults, --rounds and --fidelity protocol do not go with it");
    return FED_OK;
}

static fed_status make_folder(fed_error *err)
{
    if (!opt.report || mkdir(opt.report, 0777) == 0 || errno == EEXIST) return FED_OK;
    return fed_fail(err, FED_E_IO, "%s: %s", opt.report, strerror(errno));
}

/* ---- what is said ---------------------------------------------------------------------- */

static void say_epsilon(const char *whose, double epsilon)
{
    if (isfinite(epsilon))
        printf("  %s %.4g\n", whose, epsilon);
    else
        printf("  %s none promised\n", whose);
}

static void say_privacy(const fed_report *r)
{
    if (!r->is_private) {
        printf("  privacy   no noise was added: no guarantee\n");
        return;
    }
    printf("  privacy   that of a real run, at delta %.3g; here the noise comes from the "
           "seed: no guarantee\n",
           r->delta);
    say_epsilon("epsilon_output  (who sees the models)      ", r->epsilon_output);
    say_epsilon("epsilon_server  (the server, colluders too)", r->epsilon_server);
}

static void say_end(const fed_report *r)
{
    if (!strcmp(r->ended, "budget_spent"))
        printf("  ended     the privacy budget is spent: one more round does not fit\n");
    if (!strcmp(r->ended, "participations_spent"))
        printf("  ended     too few devices are left that may take part once more "
               "(privacy.max_participations)\n");
}

static void say_run(const fed_report *r)
{
    printf("%s: %llu rounds over %u clients in %.2f s%s%s\n", r->plan,
           (unsigned long long)r->rounds, r->clients, r->wall_s, r->label[0] ? ", " : "",
           r->label);
    if (isfinite(r->accuracy))
        printf("  accuracy  %.4f\n  loss      %.4f\n", r->accuracy, r->loss);
    printf("  up        %llu bytes per device and round\n",
           (unsigned long long)fed_report_upload_per_device(r));
    printf("  down      %llu bytes per device and round\n",
           (unsigned long long)fed_report_download_per_device(r));
    if (r->dropped || r->not_finite || r->refused || r->crashes)
        printf("  faults    %llu dropped, %llu could not train, %llu refused, "
               "%llu server crashes\n",
               (unsigned long long)r->dropped, (unsigned long long)r->not_finite,
               (unsigned long long)r->refused, (unsigned long long)r->crashes);
    say_privacy(r);
    say_end(r);
    printf("  model     %s\n", r->model_sha256);
}

static void say_comparison(const fed_report *runs, size_t n)
{
    printf("%-40s %9s %9s %12s %8s\n", "run", "accuracy", "loss", "up, bytes", "seconds");
    for (size_t i = 0; i < n; i++)
        printf("%-40s %9.4f %9.4f %12llu %8.2f\n", runs[i].label, runs[i].accuracy,
               runs[i].loss, (unsigned long long)fed_report_upload_per_device(&runs[i]),
               runs[i].wall_s);
}

static fed_status say_json(const fed_report *runs, size_t n, fed_error *err)
{
    fed_bytes text;
    fed_bytes_init(&text, SIZE_MAX);
    fed_status status = fed_report_json(runs, n, &text, err);
    if (!status) printf("%.*s\n", (int)text.len, (const char *)text.data);
    fed_bytes_fini(&text);
    return status;
}

/* ---- files of a report ----------------------------------------------------------------- */

static fed_status write_report_file(const char *name, const fed_bytes *bytes,
                                    fed_error *err)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", opt.report, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return fed_fail(err, FED_E_INVALID, "--report: the path is too long");
    return fed_file_write(path, (fed_span){bytes->data, bytes->len}, 0644,
                          FED_FILE_REPLACE, err);
}

typedef fed_status report_writer(const fed_report *runs, size_t n, fed_bytes *out,
                                 fed_error *err);

static fed_status write_report(const fed_report *runs, size_t n, fed_error *err)
{
    static const struct {
        const char *name;
        report_writer *write;
    } files[] = {{"index.html", fed_report_page},
                 {"rounds.csv", fed_report_csv},
                 {"summary.json", fed_report_json}};
    fed_status status = FED_OK;
    for (size_t i = 0; opt.report && !status && i < sizeof files / sizeof *files; i++) {
        fed_bytes text;
        fed_bytes_init(&text, SIZE_MAX);
        status = files[i].write(runs, n, &text, err);
        if (!status) status = write_report_file(files[i].name, &text, err);
        fed_bytes_fini(&text);
    }
    return status;
}

static fed_status write_model(const fed_simulation *s, size_t index, size_t runs,
                              fed_error *err)
{
    char name[64] = "model.safetensors";
    fed_bytes file;
    if (!opt.report) return FED_OK;
    if (runs > 1) snprintf(name, sizeof name, "model-%zu.safetensors", index + 1);
    fed_bytes_init(&file, SIZE_MAX);
    fed_status status = fed_simulation_write_model(s, &file, err);
    if (!status) status = write_report_file(name, &file, err);
    fed_bytes_fini(&file);
    return status;
}

/* ---- one run --------------------------------------------------------------------------- */

/* For the live line: nothing where there is nothing. */
static const char *epsilon_so_far(const fed_report *r, char out[64])
{
    out[0] = 0;
    if (r->is_private)
        snprintf(out, 64, "  ε %.3g, server %.3g", r->epsilon_output, r->epsilon_server);
    return out;
}

static fed_status carry_out(fed_simulation *s, fed_error *err)
{
    fed_status status = FED_OK;
    fed_progress_start("rounds", s->versions);
    while (!status && !fed_simulation_is_over(s) && !fed_stop_requested()) {
        status = fed_simulation_round(s, err);
        const fed_report *r = &s->run;
        if (status) break;
        char epsilon[64];
        fed_progress_update(r->rounds,
                            "accuracy %.4f  loss %.4f  training loss %.4f  up %llu B  "
                            "dropped %llu%s",
                            r->accuracy, r->loss, r->rows[r->n_rows - 1].train_loss,
                            (unsigned long long)fed_report_upload_per_device(r),
                            (unsigned long long)r->dropped, epsilon_so_far(r, epsilon));
    }
    fed_progress_end();
    return status ? status : fed_simulation_finish(s, err);
}

/* The figures move out of the simulation, which is freed. */
static fed_status do_run(const fed_simulation_config *config, const fed_sweep *sweep,
                         size_t index, fed_report *out, fed_error *err)
{
    fed_simulation s;
    fed_status status = fed_simulation_init(&s, config, err);
    if (!status) status = carry_out(&s, err);
    if (!status) status = write_model(&s, index, sweep->runs, err);
    *out = s.run;
    fed_report_init(&s.run);
    memcpy(out->label, sweep->label, sizeof out->label);
    fed_simulation_fini(&s);
    return sweep->runs > 1 ? fed_fail_in(err, status, "%s", sweep->label) : status;
}

static fed_status do_runs(fed_simulation_config *config, fed_sweep *sweep,
                          fed_report *runs, size_t *done, fed_error *err)
{
    for (size_t i = 0; i < sweep->runs && !fed_stop_requested(); i++) {
        fed_sweep_choose(sweep, i);
        config->set = &sweep->current;
        FED_TRY(do_run(config, sweep, i, &runs[(*done)++], err));
        if (!opt.json) say_run(&runs[i]);
    }
    return FED_OK;
}

static fed_status say_all(const fed_report *runs, size_t n, fed_error *err)
{
    FED_TRY(write_report(runs, n, err));
    if (opt.json) return say_json(runs, n, err);
    if (n > 1) say_comparison(runs, n);
    return FED_OK;
}

fed_status fed_sim_run(const fed_operands *operands, fed_error *err)
{
    fed_sweep sweep;
    fed_pool *pool = NULL;
    fed_report *runs = NULL;
    size_t done = 0;
    fed_simulation_config config = {.plan = operands->items[0],
                                    .data = opt.data,
                                    .partition = opt.partition,
                                    .trace = opt.trace,
                                    .replay = opt.replay,
                                    .clients = opt.clients,
                                    .rounds = opt.rounds,
                                    .seed = opt.seed,
                                    .is_protocol = !strcmp(opt.fidelity, "protocol")};
    FED_TRY(fed_stop_init(err));
    FED_TRY(fed_sweep_init(&sweep, &opt.set, err));
    FED_TRY(check_options(sweep.runs, err));
    FED_TRY(load_faults(&config.faults, err));
    FED_TRY(make_folder(err));
    FED_TRY(fed_pool_new(&pool, thread_count(), err));
    config.parallel = fed_pool_parallel(pool);
    runs = fed_calloc(sweep.runs, sizeof *runs);
    fed_status status = runs ? FED_OK : fed_fail_nomem(err, sweep.runs * sizeof *runs);
    if (!status) status = do_runs(&config, &sweep, runs, &done, err);
    if (!status) status = say_all(runs, done, err);
    for (size_t i = 0; i < done; i++)
        fed_report_fini(&runs[i]);
    fed_free(runs);
    fed_pool_free(pool);
    return status;
}
