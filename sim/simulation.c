/* A simulation: made from files, carried out round by round, ended with figures. */
#include "fedsim.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FAILED_ROUNDS_MAX = 100 }; /* in a row */

/* ---- making ---------------------------------------------------------------------------- */

static fed_status load_replay(fed_simulation *s, uint8_t seed[FED_SEED_BYTES],
                              fed_error *err)
{
    fed_bytes text;
    if (!s->config.replay) return FED_OK;
    fed_bytes_init(&text, FED_TRACE_MAX_BYTES);
    fed_status status = fed_file_read(s->config.replay, &text, err);
    if (!status)
        status = fed_fail_in(
            err, fed_trace_parse(&s->replay, (fed_span){text.data, text.len}, err), "%s",
            s->config.replay);
    fed_bytes_fini(&text);
    memcpy(seed, s->replay.head.seed, FED_SEED_BYTES);
    return status;
}

static fed_status check_replay(const fed_simulation *s, fed_error *err)
{
    const char *kernel = fed_kernel_name(fed_kernel_active());
    char here[FED_ADDRESS_TEXT], there[FED_ADDRESS_TEXT];
    if (!s->config.replay) return FED_OK;
    fed_hex_encode(here, fed_task_numbers_of(s->task)->plan_address, 32);
    fed_hex_encode(there, s->replay.head.plan, 32);
    if (strcmp(here, there) != 0)
        return fed_fail(err, FED_E_REFUSED, "%s: the plan of the trace is %s, %s is %s",
                        s->config.replay, there, s->config.plan, here);
    if (strcmp(s->replay.head.kernel, kernel) != 0)
        return fed_fail(err, FED_E_REFUSED,
                        "%s: trained with kernel %s, here it is %s: set FED_KERNEL=%s",
                        s->config.replay, s->replay.head.kernel, kernel,
                        s->replay.head.kernel);
    return FED_OK;
}

static fed_status choose_versions(fed_simulation *s, fed_error *err)
{
    uint64_t planned = (uint64_t)fed_task_plan(s->task)->rounds.count;
    s->versions = s->config.rounds ? s->config.rounds : planned;
    if (s->config.replay) s->versions = s->replay.n_versions;
    if (s->versions <= planned) return FED_OK;
    return fed_fail(err, FED_E_INVALID,
                    "rounds: %" PRIu64 ", the plan ends after %" PRIu64 " (rounds.count)",
                    s->versions, planned);
}

static fed_status make_engine(fed_simulation *s, fed_error *err)
{
    const fed_simulation_config *c = &s->config;
    if (!c->is_protocol && c->faults.server_crash > 0)
        return fed_fail(err, FED_E_INVALID,
                        "server_crash: %g needs --fidelity protocol; there is no server "
                        "in fidelity sum",
                        c->faults.server_crash);
    if (!c->replay)
        FED_TRY(fed_turnout_new(&s->turnout, s->population, s->task, c->seed, &c->faults,
                                err));
    if (!c->is_protocol)
        return fed_sumrun_new(&s->sum, s->task, s->population, c->parallel, err);
    fed_virtualnet_config net = {.task = s->task,
                                 .population = s->population,
                                 .parallel = c->parallel,
                                 .faults = &c->faults,
                                 .seed = c->seed};
    return fed_virtualnet_new(&s->net, &net, err);
}

static fed_status open_trace(fed_simulation *s, fed_error *err)
{
    fed_bytes line;
    fed_trace_head head = {0};
    if (!s->config.trace) return FED_OK;
    s->trace_file = fopen(s->config.trace, "wb");
    if (!s->trace_file)
        return fed_fail(err, FED_E_IO, "%s: it cannot be written", s->config.trace);
    memcpy(head.plan, fed_task_numbers_of(s->task)->plan_address, sizeof head.plan);
    memcpy(head.task, head.plan, sizeof head.task); /* without a server: no document */
    if (s->net) fed_virtualnet_task(s->net, head.task);
    memcpy(head.seed, fed_task_seed(s->task), sizeof head.seed);
    snprintf(head.kernel, sizeof head.kernel, "%s", fed_kernel_name(fed_kernel_active()));
    fed_bytes_init(&line, 4096);
    fed_status status = fed_trace_put_head(&line, &head, err);
    if (!status && fwrite(line.data, 1, line.len, s->trace_file) != line.len)
        status = fed_fail(err, FED_E_IO, "%s: it cannot be written", s->config.trace);
    fed_bytes_fini(&line);
    return status;
}

static void describe(fed_simulation *s)
{
    const fed_simulation_config *c = &s->config;
    snprintf(s->run.plan, sizeof s->run.plan, "%s", fed_task_plan(s->task)->name);
    s->run.fidelity = c->is_protocol ? "protocol" : "sum";
    s->run.kernel = fed_kernel_name(fed_kernel_active());
    s->run.seed = c->seed;
    s->run.clients = fed_population_clients(s->population);
    s->run.threads = fed_parallel_threads(c->parallel);
}

fed_status fed_simulation_init(fed_simulation *s, const fed_simulation_config *config,
                               fed_error *err)
{
    uint8_t seed[FED_SEED_BYTES];
    *s = (fed_simulation){.config = *config, .started_ns = fed_clock_monotonic_ns()};
    fed_report_init(&s->run);
    fed_seed_from_u64(seed, config->seed);
    FED_TRY(load_replay(s, seed, err));
    FED_TRY(fed_sim_load_task(&s->task, config->plan, config->set, seed, err));
    FED_TRY(check_replay(s, err));
    FED_TRY(choose_versions(s, err));
    fed_population_config population = {config->data, config->partition,
                                        (uint32_t)config->clients, config->seed};
    FED_TRY(fed_population_new(&s->population, &population, err));
    FED_TRY(fed_population_check(s->population, s->task, err));
    FED_TRY(make_engine(s, err));
    FED_TRY(open_trace(s, err));
    if (s->config.replay)
        FED_TRY(fed_key_map_init(&s->keys, s->population, config->parallel, err));
    s->evaluates = fed_task_plan(s->task)->evaluate.on == FED_EVALUATE_HOLDOUT;
    if (s->evaluates) FED_TRY(fed_population_holdout(s->population, &s->holdout, err));
    describe(s);
    return FED_OK;
}

void fed_simulation_fini(fed_simulation *s)
{
    if (s->trace_file) fclose(s->trace_file);
    fed_report_fini(&s->run);
    fed_key_map_fini(&s->keys);
    fed_trace_fini(&s->replay);
    fed_turnout_free(s->turnout);
    fed_virtualnet_free(s->net);
    fed_sumrun_free(s->sum);
    fed_population_free(s->population);
    fed_task_free(s->task);
    *s = (fed_simulation){0};
}

/* ---- the present version --------------------------------------------------------------- */

uint64_t fed_simulation_version(const fed_simulation *s)
{
    return s->net ? fed_virtualnet_version(s->net) : fed_sumrun_state(s->sum)->version;
}

static fed_privacy_spent privacy_of(const fed_simulation *s)
{
    return s->net ? fed_virtualnet_privacy(s->net) : fed_sumrun_privacy(s->sum);
}

bool fed_simulation_is_over(fed_simulation *s)
{
    bool spent = s->net ? fed_virtualnet_is_spent(s->net) : fed_sumrun_is_spent(s->sum);
    s->run.ended = "done";
    if (fed_simulation_version(s) >= s->versions) return true;
    s->run.ended = "budget_spent";
    if (spent) return true;
    s->run.ended = "participations_spent";
    if (s->turnout && fed_turnout_is_exhausted(s->turnout)) return true;
    s->run.ended = "stopped";
    return false;
}

static const float *params_of(const fed_simulation *s)
{
    return s->net ? fed_virtualnet_params(s->net) : fed_sumrun_state(s->sum)->params;
}

fed_status fed_simulation_write_model(const fed_simulation *s, fed_bytes *out,
                                      fed_error *err)
{
    return fed_task_write_model(s->task, params_of(s), out, err);
}

static fed_status address_of_model(const fed_simulation *s, fed_address *out,
                                   fed_error *err)
{
    fed_bytes file;
    fed_bytes_init(&file, SIZE_MAX);
    fed_status status = fed_simulation_write_model(s, &file, err);
    if (!status) status = fed_address_of(file.data, file.len, out, err);
    fed_bytes_fini(&file);
    return status;
}

/* ---- replay ---------------------------------------------------------------------------- */

static fed_status check_model(const fed_simulation *s, const uint8_t expected[32],
                              uint64_t version, fed_error *err)
{
    fed_address address, wanted;
    char here[FED_ADDRESS_TEXT], there[FED_ADDRESS_TEXT];
    FED_TRY(address_of_model(s, &address, err));
    memcpy(wanted.bytes, expected, sizeof wanted.bytes);
    if (fed_address_equal(&address, &wanted)) return FED_OK;
    fed_address_to_text(&address, here);
    fed_address_to_text(&wanted, there);
    return fed_fail(err, FED_E_STATE,
                    "replay: version %" PRIu64 " is %s here, %s in the trace", version,
                    here, there);
}

static fed_status replay_version(fed_simulation *s, fed_round_result *out, fed_error *err)
{
    const fed_trace_version *v = &s->replay.versions[fed_simulation_version(s)];
    fed_seat *seats = fed_calloc(v->n_members, sizeof *seats);
    if (!seats) return fed_fail_nomem(err, v->n_members * sizeof *seats);
    fed_status status = FED_OK;
    for (uint32_t i = 0; !status && i < v->n_members; i++) {
        seats[i].survived = v->members[i].survived;
        status = fed_key_map_find(&s->keys, v->members[i].key, &seats[i].client, err);
    }
    if (!status) status = fed_sumrun_replay(s->sum, seats, v->n_members, out, err);
    fed_free(seats);
    memcpy(out->cohort, v->cohort, sizeof out->cohort);
    if (!status && v->has_model) status = check_model(s, v->model, v->version, err);
    return fed_fail_in(err, status, "%s: version %" PRIu64, s->config.replay, v->version);
}

/* ---- rounds ---------------------------------------------------------------------------- */

static fed_status write_trace(fed_simulation *s, const fed_round_result *round,
                              fed_error *err)
{
    fed_address model;
    fed_bytes line;
    if (!s->trace_file || round->outcome != FED_ROUND_COMMITTED) return FED_OK;
    fed_trace_version v = {.version = round->version,
                           .has_model = true,
                           .n_members = (uint32_t)round->n_seats};
    v.members = fed_calloc(round->n_seats, sizeof *v.members);
    if (!v.members) return fed_fail_nomem(err, round->n_seats * sizeof *v.members);
    memcpy(v.cohort, round->cohort, sizeof v.cohort);
    fed_bytes_init(&line, SIZE_MAX);
    fed_status status = address_of_model(s, &model, err);
    if (!status) memcpy(v.model, model.bytes, sizeof v.model);
    for (size_t i = 0; !status && i < round->n_seats; i++) {
        v.members[i].survived = round->seats[i].survived;
        status = fed_population_key(s->population, round->seats[i].client,
                                    v.members[i].key, err);
    }
    if (!status) status = fed_trace_put_version(&line, &v, err);
    if (!status && fwrite(line.data, 1, line.len, s->trace_file) != line.len)
        status = fed_fail(err, FED_E_IO, "%s: it cannot be written", s->config.trace);
    fed_bytes_fini(&line);
    fed_free(v.members);
    return status;
}

static bool evaluates_after(const fed_simulation *s, const fed_round_result *round)
{
    uint64_t every = (uint64_t)fed_task_plan(s->task)->evaluate.every;
    return s->evaluates && round->outcome == FED_ROUND_COMMITTED &&
           (round->version == s->versions || (every && round->version % every == 0));
}

static fed_status evaluate(fed_simulation *s, fed_report_row *row, fed_error *err)
{
    fed_evaluation e;
    FED_TRY(fed_evaluate_examples(s->task, params_of(s), &s->holdout, s->config.parallel,
                                  &e, err));
    if (!e.counted) return FED_OK;
    row->accuracy = (double)e.correct / (double)e.counted;
    row->loss = e.loss_sum / (double)e.counted;
    return FED_OK;
}

static fed_status note_round(fed_simulation *s, const fed_round_result *round,
                             fed_error *err)
{
    fed_privacy_spent spent = privacy_of(s);
    fed_report_row row = {.version = round->version,
                          .committed = round->outcome == FED_ROUND_COMMITTED,
                          .accuracy = NAN,
                          .loss = NAN,
                          .train_loss = round->trained ? round->train_loss : NAN,
                          .upload_bytes = round->upload_bytes,
                          .download_bytes = round->download_bytes,
                          .invited = round->invited,
                          .trained = round->trained,
                          .survivors = round->survivors,
                          .not_finite = round->not_finite,
                          .refused = round->refused,
                          .crashes = round->crashes,
                          .epsilon_output = spent.epsilon_output,
                          .epsilon_server = spent.epsilon_server};
    s->run.is_private = spent.is_private;
    s->run.delta = spent.is_private ? spent.delta : NAN;
    for (int i = 0; i < FED_FATES; i++)
        row.dropped += round->dropped[i];
    if (evaluates_after(s, round)) FED_TRY(evaluate(s, &row, err));
    return fed_report_add(&s->run, &row, round->uploads, err);
}

fed_status fed_simulation_round(fed_simulation *s, fed_error *err)
{
    fed_round_result round;
    if (s->config.replay)
        FED_TRY(replay_version(s, &round, err));
    else if (s->net)
        FED_TRY(fed_virtualnet_round(s->net, s->turnout, &round, err));
    else
        FED_TRY(fed_sumrun_round(s->sum, s->turnout, &round, err));
    s->failed = round.outcome == FED_ROUND_COMMITTED ? 0 : s->failed + 1;
    if (s->failed == FAILED_ROUNDS_MAX)
        return fed_fail(err, FED_E_STATE,
                        "version %" PRIu64 ": %d rounds in a row made no next one",
                        round.version, FAILED_ROUNDS_MAX);
    FED_TRY(write_trace(s, &round, err));
    return note_round(s, &round, err);
}

/* ---- the end --------------------------------------------------------------------------- */

static fed_status end_trace(fed_simulation *s, const fed_address *model, fed_error *err)
{
    fed_bytes line;
    if (!s->trace_file) return FED_OK;
    fed_bytes_init(&line, 4096);
    fed_status status =
        fed_trace_put_end(&line, fed_simulation_version(s), model->bytes, err);
    bool failed = !status && fwrite(line.data, 1, line.len, s->trace_file) != line.len;
    if (fclose(s->trace_file)) failed = true;
    s->trace_file = NULL;
    fed_bytes_fini(&line);
    if (!status && failed)
        status = fed_fail(err, FED_E_IO, "%s: it cannot be written", s->config.trace);
    return status;
}

/* A run that ends early (its budget, its participations are spent) ends with a model, too. */
static fed_status evaluate_last(fed_simulation *s, fed_error *err)
{
    if (!s->evaluates || !s->run.n_rows) return FED_OK;
    fed_report_row *last = &s->run.rows[s->run.n_rows - 1];
    if (!isnan(last->accuracy)) return FED_OK;
    FED_TRY(evaluate(s, last, err));
    if (isnan(last->accuracy)) return FED_OK;
    s->run.accuracy = last->accuracy;
    s->run.loss = last->loss;
    return FED_OK;
}

fed_status fed_simulation_finish(fed_simulation *s, fed_error *err)
{
    fed_address model;
    FED_TRY(evaluate_last(s, err));
    FED_TRY(address_of_model(s, &model, err));
    FED_TRY(end_trace(s, &model, err));
    fed_address_to_text(&model, s->run.model_sha256);
    s->run.wall_s = (double)(fed_clock_monotonic_ns() - s->started_ns) * 1e-9;
    if (s->run.wall_s > 0) s->run.clients_per_s = (double)s->run.trained / s->run.wall_s;
    if (s->net) s->run.virtual_s = (double)fed_virtualnet_now_ms(s->net) * 1e-3;
    if (s->config.replay && fed_simulation_version(s) == s->replay.n_versions)
        return check_model(s, s->replay.model, s->replay.n_versions, err);
    return FED_OK;
}
