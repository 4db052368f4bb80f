#include "distributed.h"

#include <math.h>
#include <string.h>

double fed_distributed_scale(double clip, double sigma, double n, double spread,
                             double tail, unsigned bits)
{
    double room = exp2(2.0 * bits) - n * tail * tail;
    if (!(room > 0)) return 0;
    return sqrt(room) /
           (2 * tail * sqrt(clip * clip * n * n / spread + n * sigma * sigma));
}

double fed_rounded_norm(double norm, double dim, double beta)
{
    double certain = norm + sqrt(dim);
    if (!(beta > 0)) return certain;
    double likely =
        norm * norm + dim / 4 + sqrt(2 * log(1 / beta)) * (norm + sqrt(dim) / 2);
    return fmin(certain, sqrt(likely));
}

static fed_status check_config(const fed_distributed_config *c, fed_error *err)
{
    if (c->kind != FED_SHARE_GAUSSIAN && c->kind != FED_SHARE_SKELLAM)
        return fed_fail(err, FED_E_INVALID, "privacy.mechanism: %d is unknown",
                        (int)c->kind);
    if (!(c->clip > 0 && isfinite(c->clip)))
        return fed_fail(err, FED_E_INVALID, "update.clip: %g must be above 0", c->clip);
    if (!(c->noise_multiplier > 0 && isfinite(c->noise_multiplier)))
        return fed_fail(err, FED_E_INVALID,
                        "privacy: noise multiplier %g must be above 0",
                        c->noise_multiplier);
    if (!c->dim || c->dim > (uint64_t)1 << 40)
        return fed_fail(err, FED_E_INVALID, "privacy: dim %llu is outside [1, 2^40]",
                        (unsigned long long)c->dim);
    if (c->spread > c->dim)
        return fed_fail(err, FED_E_INVALID,
                        "privacy: spread over %llu of %llu coordinates",
                        (unsigned long long)c->spread, (unsigned long long)c->dim);
    if (c->bits < 2 || c->bits > 62)
        return fed_fail(err, FED_E_INVALID, "privacy: %u bits per entry, outside [2, 62]",
                        c->bits);
    if (!c->survivors_min || c->survivors_min > c->n_max)
        return fed_fail(err, FED_E_INVALID, "privacy: s_min %u is outside [1, %u]",
                        c->survivors_min, c->n_max);
    if (c->colluders >= c->survivors_min)
        return fed_fail(err, FED_E_REFUSED,
                        "privacy.colluders: %u leave no noise of the %u survivors",
                        c->colluders, c->survivors_min);
    if (!(c->beta >= 0 && c->beta < 1) || !(c->tail >= 0 && isfinite(c->tail)))
        return fed_fail(err, FED_E_INVALID, "privacy: beta %g, tail factor %g", c->beta,
                        c->tail);
    return FED_OK;
}

/* One coordinate of a full sum: signal spread by the rotation, rounding, noise; Gaussian tail. */
static double wrap_probability(const fed_distributed *d)
{
    const fed_distributed_config *c = &d->config;
    double n = c->n_max, signal = c->clip * d->scale * n;
    double noise = c->central ? 0 : d->sigma_local;
    double variance = signal * signal / (double)c->spread + n * (0.25 + noise * noise);
    return erfc(exp2(c->bits - 1.0) / sqrt(2 * variance));
}

fed_status fed_distributed_derive(const fed_distributed_config *config,
                                  fed_distributed *out, fed_error *err)
{
    memset(out, 0, sizeof *out);
    FED_TRY(check_config(config, err));
    out->config = *config;
    fed_distributed_config *c = &out->config;
    if (c->spread == 0) c->spread = c->dim;
    if (c->tail == 0) c->tail = 4;
    if (c->beta == 0) c->beta = exp(-0.5);
    if (c->tries == 0) c->tries = FED_ROUND_TRIES;
    double shares = c->central ? 1 : c->survivors_min - c->colluders;
    double dim = (double)c->dim;
    out->sigma_device = c->noise_multiplier * c->clip / sqrt(shares);
    out->scale = fed_distributed_scale(c->clip, c->central ? 0 : out->sigma_device,
                                       c->n_max, (double)c->spread, c->tail, c->bits);
    if (!(out->scale > 0))
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.ring_bits: %u bits are too few for the sum of %u devices", c->bits,
            c->n_max);
    out->sigma_local = out->sigma_device * out->scale;
    if (!(out->sigma_local >= FED_SIGMA_LOCAL_MIN))
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.ring_bits: %u bits leave a noise share a standard deviation of %g, "
            "below %d integers: more bits, fewer devices, or more noise is needed",
            c->bits, out->sigma_local, FED_SIGMA_LOCAL_MIN);
    out->delta2 = fed_rounded_norm(c->clip * out->scale, dim, c->beta);
    if (!(out->delta2 < 0x1p50))
        return fed_fail(err, FED_E_LIMIT,
                        "privacy: sensitivity %g reaches 2^50; fewer bits", out->delta2);
    out->delta1 = out->delta2 * fmin(sqrt(dim), out->delta2);
    out->sigma_ratio = out->sigma_local * sqrt(shares) / out->delta2;
    out->wrap_probability = wrap_probability(out);
    return FED_OK;
}

fed_noise_share fed_distributed_share(const fed_distributed *mechanism)
{
    const fed_distributed_config *c = &mechanism->config;
    return (fed_noise_share){.clip = c->clip,
                             .scale = mechanism->scale,
                             .delta2 = mechanism->delta2,
                             .sigma_local = mechanism->sigma_local,
                             .dim = c->dim,
                             .tries = c->tries};
}

fed_status fed_distributed_fit(const fed_distributed_config *config, double scale_min,
                               fed_distributed *out, fed_error *err)
{
    fed_distributed_config c = *config;
    FED_TRY(check_config(config, err));
    for (c.bits = 2; c.bits < config->bits; c.bits++)
        if (fed_distributed_derive(&c, out, NULL) == FED_OK && out->scale >= scale_min)
            return FED_OK;
    FED_TRY(fed_distributed_derive(config, out, err));
    if (out->scale >= scale_min) return FED_OK;
    return fed_fail(
        err, FED_E_REFUSED,
        "privacy.ring_bits: a ring of %u bits gives %g integers per clip norm, "
        "below the %g that update.bits asks for",
        config->bits, out->scale * config->clip, scale_min * config->clip);
}

fed_status fed_distributed_encode(const fed_distributed *mechanism, float *x,
                                  const fed_sampler *sampler, fed_noise *noise,
                                  int64_t *out, fed_device_report *report, fed_error *err)
{
    fed_noise_share share = fed_distributed_share(mechanism);
    return fed_noise_share_encode(&share, x, (size_t)share.dim, sampler, noise, out,
                                  report, err);
}

int64_t fed_distributed_centre(uint64_t value, unsigned bits)
{
    uint64_t mask = bits < 64 ? ((uint64_t)1 << bits) - 1 : UINT64_MAX;
    uint64_t half = (uint64_t)1 << (bits - 1);
    value &= mask;
    return value >= half ? -(int64_t)(mask - value) - 1 : (int64_t)value;
}
