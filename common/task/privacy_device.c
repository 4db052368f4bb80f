/*
 * What differential privacy adds to the device's half: for each vector of an update the codec
 * hands over reals, in integer steps, and gets integers back, rounded under the exact check of
 * their norm, and with this device's noise where it is the devices that add it. From there to
 * the server's decode there is nothing but integers.
 *
 * The noise comes from the update's own secret key, one stream for each vector: so an update
 * is drawn once, whoever carries it out, and two updates never share noise.
 */
#include "task_internal.h"

#include <string.h>

/* The noise and the sensitivity of one vector, in its own integers. */
static fed_integer_release release_of(const fed_privacy *p, const char *vector)
{
    const fed_distributed *d = &p->distributed;
    if (strcmp(vector, "votes") == 0) return p->votes;
    if (strcmp(vector, "bit") == 0) return p->bit;
    return (fed_integer_release){d->sigma_local, d->delta2, d->config.dim};
}

static fed_status open_noise(fed_noise *noise, const char *vector, const uint8_t *key,
                             fed_error *err)
{
    static const char salt[] = "libfed noise 1";
    uint8_t own[32];
    fed_span from = {(const uint8_t *)salt, sizeof salt - 1};
    fed_span secret = {key, FED_CODEC_KEY_BYTES};
    fed_span name = {(const uint8_t *)vector, strlen(vector)};
    FED_TRY(fed_hkdf_sha256(from, secret, name, own, sizeof own, err));
    fed_status status = fed_noise_init(noise, own, err);
    fed_wipe(own, sizeof own);
    return status;
}

static fed_status add_noise(void *ctx, const char *vector, float *reals, size_t n,
                            double norm, const uint8_t *key, int64_t *out, fed_error *err)
{
    fed_task_rounder *r = ctx;
    fed_device_report report;
    fed_noise noise;
    fed_integer_release release = release_of(fed_task_privacy(r->task), vector);
    const fed_sampler *sampler = fed_task_sampler(r->task, vector);
    fed_noise_share share = {.clip = norm,
                             .scale = 1,
                             .delta2 = release.delta2,
                             .sigma_local = sampler ? release.sigma_local : 0,
                             .dim = release.dim,
                             .tries = FED_ROUND_TRIES};
    if (!sampler && !fed_privacy_is_central(fed_task_privacy(r->task)->mechanism))
        return fed_fail(err, FED_E_INTERNAL, "noise: none is known for %s", vector);
    fed_status status = open_noise(&noise, vector, key, err);
    if (!status)
        status =
            fed_noise_share_encode(&share, reals, n, sampler, &noise, out, &report, err);
    fed_noise_fini(&noise);
    if (!status && report.round.outcome > r->worst) r->worst = report.round.outcome;
    return status;
}

const fed_codec_rounder *fed_task_rounder_init(fed_task_rounder *r, const fed_task *task)
{
    *r = (fed_task_rounder){.task = task, .rounder = {add_noise, r}};
    return fed_codec_config_of(task->codec)->quantise == FED_CODEC_GRID ? &r->rounder
                                                                        : NULL;
}
