/* Train: in bounded steps, with no connection open; then the finished update, as the bytes
 * that will be sent, goes to disk before anybody hears of it. */
#include "session_internal.h"

#include <string.h>

static fed_status start(fed_turn *t)
{
    fed_session *s = t->s;
    if (!s->trainer) FED_TRY(fed_trainer_new(&s->trainer, s->task, t->err));
    uint8_t key[32];
    fed_task_example_privacy unused;
    bool noisy = fed_task_example_privacy_of(s->task, &unused);
    if (noisy)
        FED_TRY(fed_random_fill(&s->config.random, "example noise", s->accepted_version,
                                key, sizeof key));
    fed_status status = fed_trainer_start(s->trainer, s->accepted_version, s->params,
                                          s->config.device_seed, noisy ? key : NULL,
                                          &s->config.examples, t->err);
    fed_wipe(key, sizeof key);
    return status;
}

static void floats_of(const fed_bytes *bytes, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = fed_load_u32(bytes->data + 4 * i);
        memcpy(out + i, &bits, sizeof bits);
    }
}

/* With residuals: what was kept so far goes in, what is kept now comes out. */
static fed_status encode_with_residual(fed_turn *t, fed_task_update *update,
                                       fed_task_report *report)
{
    fed_session *s = t->s;
    size_t n = fed_task_numbers_of(s->task)->params;
    float *before = NULL, *after = fed_calloc(n, sizeof *after);
    fed_status status = after ? FED_OK : fed_fail_nomem(t->err, n * sizeof *after);
    if (!status && s->residual.len == 4 * n) {
        before = fed_calloc(n, sizeof *before);
        if (!before) status = fed_fail_nomem(t->err, n * sizeof *before);
        if (before) floats_of(&s->residual, before, n);
        update->residual = before;
        update->missed = s->accepted_version - s->residual_version;
        if (update->missed) update->missed--;
    }
    update->residual_out = after;
    if (!status)
        status = fed_task_encode(s->task, s->round, update, s->config.parallel,
                                 &s->update, report, t->err);
    fed_bytes_clear(&s->next_residual);
    for (size_t i = 0; !status && i < n; i++)
        fed_bytes_put_f32(&s->next_residual, after[i]);
    if (!status) status = s->next_residual.status;
    fed_wipe_free(before, n * sizeof(float));
    fed_wipe_free(after, n * sizeof(float));
    return status;
}

static fed_status encode(fed_turn *t, fed_task_report *report)
{
    fed_session *s = t->s;
    uint8_t key[32];
    FED_TRY(fed_random_fill(&s->config.random, "update rounding", s->accepted_version,
                            key, sizeof key));
    FED_TRY(fed_random_fill(&s->config.random, "update id", s->accepted_version,
                            s->update_id, sizeof s->update_id));
    fed_task_update update = {.delta = fed_trainer_delta(s->trainer),
                              .examples = s->config.examples.count,
                              .key = key};
    fed_bytes_clear(&s->update);
    fed_status status;
    if (fed_task_plan(s->task)->update.residual)
        status = encode_with_residual(t, &update, report);
    else
        status = fed_task_encode(s->task, s->round, &update, s->config.parallel,
                                 &s->update, report, t->err);
    fed_wipe(key, sizeof key);
    return status;
}

/* What of the update is lost; it stays on the device. */
static void note_losses(fed_session *s, const fed_task_report *report)
{
    unsigned long long version = s->accepted_version;
    bool zeroed = report->codec.non_finite || report->rounded == FED_ROUND_ZEROED;
    s->info.zeroed += zeroed;
    s->info.saturated += report->codec.saturated;
    if (report->codec.non_finite)
        fed_log(FED_LOG_WARN, "update_not_finite", "version=%llu", version);
    else if (zeroed)
        fed_log(FED_LOG_WARN, "update_zeroed", "version=%llu", version);
}

static fed_status finish(fed_turn *t)
{
    fed_session *s = t->s;
    fed_task_report report;
    fed_status status = encode(t, &report);
    if (status) return fed_turn_refuse(t, status);
    s->refusals = 0;
    s->info.trained++;
    s->info.last_loss = fed_trainer_mean_loss(s->trainer);
    note_losses(s, &report);
    s->state = FED_SESSION_PLACE;
    s->attempts = 0;
    s->spent = false;
    FED_TRY(fed_turn_store_update(t));
    FED_TRY(fed_turn_store_progress(t));
    return fed_turn_place(t);
}

fed_status fed_turn_train(fed_turn *t)
{
    fed_session *s = t->s;
    bool done = false;
    fed_status status = FED_OK;
    bool fresh = !s->trainer || fed_trainer_version(s->trainer) != s->accepted_version;
    if (fresh) status = start(t);
    if (!status)
        status = fed_trainer_run(s->trainer, s->config.steps_per_call, &done, t->err);
    if (status) {
        if (s->trainer) fed_trainer_forget(s->trainer);
        return fed_turn_refuse(t, status);
    }
    if (!done) return fed_turn_sleep(t, 0);
    status = finish(t);
    fed_trainer_forget(s->trainer);
    return status;
}
