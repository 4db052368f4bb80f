#include "sumrun.h"

#include <string.h>

#include "trainer.h"

/* What a client keeps from round to round, in a simulation: only its residual. */
typedef struct residual {
    float *values; /* NULL: it has taken part in no round */
    uint64_t version;
} residual;

typedef struct member_result {
    fed_bytes upload;
    fed_status status;
    fed_error error;
    double loss;
    uint64_t steps;
} member_result;

struct fed_sumrun {
    const fed_task *task;
    const fed_population *population;
    const fed_parallel *parallel;
    fed_version_state state;
    fed_trainer **trainers; /* one for each thread */
    unsigned threads;
    residual *residuals; /* one for each client; NULL when the plan keeps none */
    member_result *results;
    uint32_t cap;
};

fed_status fed_sumrun_new(fed_sumrun **out, const fed_task *task,
                          const fed_population *population, const fed_parallel *parallel,
                          fed_error *err)
{
    *out = NULL;
    fed_sumrun *r = fed_calloc(1, sizeof *r);
    if (!r) return fed_fail_nomem(err, sizeof *r);
    r->task = task;
    r->population = population;
    r->parallel = parallel;
    r->threads = fed_parallel_threads(parallel);
    r->trainers = fed_calloc(r->threads, sizeof *r->trainers);
    fed_status status = r->trainers ? fed_version_state_init(&r->state, task, err)
                                    : fed_fail_nomem(err, r->threads * sizeof(void *));
    for (unsigned i = 0; !status && i < r->threads; i++)
        status = fed_trainer_new(&r->trainers[i], task, err);
    if (!status && fed_task_plan(task)->update.residual) {
        uint32_t clients = fed_population_clients(population);
        r->residuals = fed_calloc(clients, sizeof *r->residuals);
        if (!r->residuals) status = fed_fail_nomem(err, clients * sizeof *r->residuals);
    }
    if (status)
        fed_sumrun_free(r);
    else
        *out = r;
    return status;
}

void fed_sumrun_free(fed_sumrun *r)
{
    if (!r) return;
    for (unsigned i = 0; r->trainers && i < r->threads; i++)
        fed_trainer_free(r->trainers[i]);
    fed_free(r->trainers);
    for (uint32_t i = 0; r->residuals && i < fed_population_clients(r->population); i++)
        fed_free(r->residuals[i].values);
    fed_free(r->residuals);
    for (uint32_t i = 0; i < r->cap; i++)
        fed_bytes_fini(&r->results[i].upload);
    fed_free(r->results);
    fed_version_state_fini(&r->state);
    fed_free(r);
}

const fed_version_state *fed_sumrun_state(const fed_sumrun *r)
{
    return &r->state;
}

/* The first n of a shuffle of all clients. */
fed_status fed_sumrun_draw(const fed_sumrun *r, uint64_t seed, uint64_t version,
                           uint32_t *members, uint32_t n, fed_error *err)
{
    uint32_t clients = fed_population_clients(r->population);
    uint8_t key[FED_SEED_BYTES];
    fed_stream stream;
    if (n > clients)
        return fed_fail(err, FED_E_INVALID,
                        "rounds.cohort: %u devices are invited, the population has %u", n,
                        clients);
    uint32_t *order = fed_calloc(clients, sizeof *order);
    if (!order) return fed_fail_nomem(err, clients * sizeof *order);
    fed_seed_from_u64(key, seed);
    fed_stream_init(&stream, key, FED_PURPOSE_INVITE, version);
    for (uint32_t i = 0; i < clients; i++)
        order[i] = i;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t other = i + fed_stream_below(&stream, clients - i);
        members[i] = order[other];
        order[other] = order[i];
    }
    fed_free(order);
    return FED_OK;
}

/* ---- one member ------------------------------------------------------------------------ */

typedef struct round_work {
    fed_sumrun *run;
    const uint32_t *members;
} round_work;

/* As a device does: the residual changes when the update is spent, and it is spent when it
 * is sent; here every member sends. */
static fed_status encode(fed_sumrun *r, uint32_t client, const fed_client_view *view,
                         fed_trainer *trainer, member_result *out)
{
    uint8_t key[32];
    uint64_t version = r->state.version;
    fed_random secret = fed_seeded_random(&view->secret);
    FED_TRY(fed_random_fill(&secret, "update rounding", version, key, sizeof key));
    fed_task_update update = {.delta = fed_trainer_delta(trainer),
                              .examples = view->examples.count,
                              .key = key};
    if (r->residuals) {
        residual *kept = &r->residuals[client];
        size_t params = fed_task_numbers_of(r->task)->params;
        update.residual = kept->values;
        if (kept->values) update.missed = version - kept->version - 1;
        if (!kept->values) kept->values = fed_calloc(params, sizeof(float));
        if (!kept->values) return fed_fail_nomem(&out->error, params * sizeof(float));
        update.residual_out = kept->values;
        kept->version = version;
    }
    return fed_task_encode(r->task, r->state.round, &update, NULL, &out->upload, NULL,
                           &out->error);
}

static fed_status train_member(fed_sumrun *r, uint32_t client, fed_trainer *trainer,
                               member_result *out)
{
    fed_client_view view;
    bool done;
    fed_population_client(r->population, client, &view);
    FED_TRY(fed_trainer_start(trainer, r->state.version, r->state.params,
                              view.secret.seed, &view.examples, &out->error));
    FED_TRY(fed_trainer_run(trainer, UINT64_MAX, &done, &out->error));
    out->loss = fed_trainer_mean_loss(trainer);
    out->steps = fed_trainer_steps(trainer);
    return encode(r, client, &view, trainer, out);
}

static void member_body(void *arg, size_t i, unsigned worker)
{
    round_work *work = arg;
    member_result *out = &work->run->results[i];
    fed_bytes_clear(&out->upload);
    out->status =
        train_member(work->run, work->members[i], work->run->trainers[worker], out);
}

/* ---- one round ------------------------------------------------------------------------- */

static fed_status reserve(fed_sumrun *r, uint32_t n, fed_error *err)
{
    if (n <= r->cap) return FED_OK;
    member_result *grown = fed_realloc(r->results, n, sizeof *grown);
    if (!grown) return fed_fail_nomem(err, n * sizeof *grown);
    for (uint32_t i = r->cap; i < n; i++) {
        grown[i] = (member_result){0};
        fed_bytes_init(&grown[i].upload, SIZE_MAX);
    }
    r->results = grown;
    r->cap = n;
    return FED_OK;
}

/* A member whose data or loss is not finite, or that has no examples, skips the round, as a
 * device would; any other failure ends the simulation. */
static fed_status add_member(fed_sumrun *r, uint32_t client, const member_result *m,
                             bool survives, fed_codec_sum *sum, fed_sumrun_round *out,
                             fed_error *err)
{
    if (m->status == FED_E_NUMERIC) {
        out->not_finite++;
        return FED_OK;
    }
    if (m->status) {
        if (err) *err = m->error;
        return fed_fail_in(err, m->status, "client %u", client);
    }
    out->train_loss += m->loss;
    out->steps += m->steps;
    if (!survives) return FED_OK;
    out->survivors++;
    out->upload_bytes += m->upload.len;
    return fed_codec_sum_add_bytes(fed_task_codec(r->task), r->state.round, sum,
                                   (fed_span){m->upload.data, m->upload.len}, err);
}

static fed_status add_up(fed_sumrun *r, const uint32_t *members, const bool *survives,
                         uint32_t n, fed_sumrun_round *out, fed_error *err)
{
    fed_codec_sum sum;
    FED_TRY(fed_codec_sum_init(fed_task_codec(r->task), r->state.round, &sum, err));
    fed_status status = FED_OK;
    for (uint32_t i = 0; !status && i < n; i++)
        status = add_member(r, members[i], &r->results[i], !survives || survives[i], &sum,
                            out, err);
    if (!status && out->survivors)
        status = fed_version_state_advance(&r->state, &sum, r->parallel, err);
    fed_codec_sum_fini(&sum);
    return status;
}

fed_status fed_sumrun_round_do(fed_sumrun *r, const uint32_t *members,
                               const bool *survives, uint32_t n, fed_sumrun_round *out,
                               fed_error *err)
{
    round_work work = {r, members};
    *out = (fed_sumrun_round){.members = n};
    FED_TRY(reserve(r, n, err));
    fed_parallel_for(r->parallel, n, member_body, &work);
    FED_TRY(add_up(r, members, survives, n, out, err));
    if (n > out->not_finite) out->train_loss /= n - out->not_finite;
    return FED_OK;
}
