/* One member's work: training, and the update as bytes, exactly as a session does it. */
#include "sumrun_internal.h"

#include "seeded.h"

static fed_status use_residual(fed_sumrun *r, fed_sum_seat *seat, fed_task_update *update)
{
    const fed_kept_residual *kept = &r->residuals[seat->who.client];
    size_t params = fed_task_numbers_of(r->task)->params;
    seat->next_residual = fed_calloc(params, sizeof *seat->next_residual);
    if (!seat->next_residual) return fed_fail_nomem(&seat->error, params * sizeof(float));
    update->residual = kept->values;
    if (kept->values) update->missed = r->state.version - kept->version - 1;
    update->residual_out = seat->next_residual;
    return FED_OK;
}

static fed_status encode(fed_sumrun *r, const fed_client_view *view, fed_trainer *trainer,
                         fed_sum_seat *seat)
{
    uint8_t key[32];
    fed_random secret = fed_seeded_random(&view->secret);
    FED_TRY(
        fed_random_fill(&secret, "update rounding", r->state.version, key, sizeof key));
    fed_task_update update = {.delta = fed_trainer_delta(trainer),
                              .examples = view->examples.count,
                              .key = key};
    if (r->residuals) FED_TRY(use_residual(r, seat, &update));
    return fed_task_encode(r->task, r->state.round, &update, NULL, &seat->upload, NULL,
                           &seat->error);
}

static fed_status train(fed_sumrun *r, fed_trainer *trainer, fed_sum_seat *seat)
{
    fed_client_view view;
    fed_examples examples;
    bool done;
    fed_population_client(r->population, seat->who.client, &view);
    examples = view.examples;
    if (r->turnout) fed_turnout_examples(r->turnout, seat->who.client, &view, &examples);
    uint8_t key[32];
    fed_random secret = fed_seeded_random(&view.secret);
    FED_TRY(fed_random_fill(&secret, "example noise", r->state.version, key, sizeof key));
    FED_TRY(fed_trainer_start(trainer, r->state.version, r->state.params,
                              view.secret.seed, key, &examples, &seat->error));
    FED_TRY(fed_trainer_run(trainer, UINT64_MAX, &done, &seat->error));
    seat->loss = fed_trainer_mean_loss(trainer);
    seat->steps = fed_trainer_steps(trainer);
    return encode(r, &view, trainer, seat);
}

typedef struct training {
    fed_sumrun *run;
    uint32_t first;
} training;

static void train_body(void *arg, size_t i, unsigned worker)
{
    training *all = arg;
    fed_sum_seat *seat = &all->run->seats[all->first + i];
    if (seat->who.fate == FED_FATE_BEFORE_TRAINING) return;
    seat->status = train(all->run, all->run->trainers[worker], seat);
}

void fed_sumrun_train(fed_sumrun *r, uint32_t first)
{
    training all = {r, first};
    fed_parallel_for(r->parallel, r->n_seats - first, train_body, &all);
}
