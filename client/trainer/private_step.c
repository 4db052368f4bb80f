#include "private_step.h"

struct fed_private_step {
    fed_task_example_privacy terms;
    fed_example_dpsgd *noisy;
};

fed_status fed_private_step_new(fed_private_step **out, const fed_task *task,
                                fed_error *err)
{
    *out = NULL;
    fed_task_example_privacy terms;
    if (!fed_task_example_privacy_of(task, &terms)) return FED_OK;
    fed_private_step *p = fed_calloc(1, sizeof *p);
    if (!p) return fed_fail_nomem(err, sizeof *p);
    p->terms = terms;
    fed_status status =
        fed_example_dpsgd_new(&p->noisy, fed_task_numbers_of(task)->params, terms.clip,
                              terms.noise_multiplier, FED_SAMPLER_GAUSSIAN_FAST, err);
    if (status)
        fed_private_step_free(p);
    else
        *out = p;
    return status;
}

void fed_private_step_free(fed_private_step *p)
{
    if (!p) return;
    fed_example_dpsgd_free(p->noisy);
    fed_free(p);
}

/* A stream for each step, so that a training may stop between any two. */
static fed_status open_noise(fed_noise *noise, const uint8_t key[32], uint64_t number,
                             fed_error *err)
{
    static const char salt[] = "libfed example noise 1";
    uint8_t own[32], about[8];
    fed_store_u64(about, number);
    FED_TRY(fed_hkdf_sha256((fed_span){(const uint8_t *)salt, sizeof salt - 1},
                            (fed_span){key, 32}, (fed_span){about, sizeof about}, own,
                            sizeof own, err));
    fed_status status = fed_noise_init(noise, own, err);
    fed_wipe(own, sizeof own);
    return status;
}

static fed_status add_example(fed_private_step *p, const fed_private_step_on *on,
                              uint32_t row, double *loss, fed_error *err)
{
    double own = 0;
    fed_batch batch;
    FED_TRY(fed_batch_memory_fill(on->memory, on->examples, &row, 1, &batch, err));
    fed_status status =
        fed_runner_backward(on->run, on->params, &batch, on->dropout, &own, err);
    if (status == FED_E_NUMERIC) return FED_OK;
    FED_TRY(status);
    *loss += own;
    return fed_example_dpsgd_add(p->noisy, fed_runner_gradient(on->run), err);
}

static fed_status draw_and_add(fed_private_step *p, const fed_private_step_on *on,
                               fed_noise *noise, double *loss, fed_error *err)
{
    uint32_t drawn = 0;
    for (uint32_t row = 0; row < on->examples->count; row++) {
        if (!fed_sample_bernoulli(noise, p->terms.rate_of, p->terms.rate_in)) continue;
        FED_TRY(add_example(p, on, row, loss, err));
        drawn++;
    }
    if (drawn) *loss /= drawn;
    return FED_OK;
}

/* The denominator is what a batch holds on average: how many it holds is secret. */
fed_status fed_private_step_run(fed_private_step *p, const fed_private_step_on *on,
                                uint64_t number, double *loss, fed_error *err)
{
    fed_noise noise = {0};
    fed_status status = FED_OK;
    double expected =
        (double)on->examples->count * (double)p->terms.rate_of / (double)p->terms.rate_in;
    float *gradient = fed_runner_gradient(on->run);
    *loss = 0;
    FED_GO(open_noise(&noise, on->key, number, err));
    FED_GO(draw_and_add(p, on, &noise, loss, err));
    FED_GO(fed_example_dpsgd_finish(p->noisy, expected, &noise, gradient, err));
    FED_GO(fed_noise_check(&noise, err));
    status = fed_optimizer_apply(on->optimizer, on->params, gradient, err);
out:
    fed_noise_fini(&noise);
    if (status) fed_example_dpsgd_reset(p->noisy);
    return status;
}
