#include "noise_share.h"

#include <string.h>

static fed_status check(const fed_noise_share *share, size_t n,
                        const fed_sampler *sampler, fed_error *err)
{
    double sigma = sampler ? fed_sampler_sigma(sampler) : 0;
    if (!(sigma >= share->sigma_local * (1 - 0x1p-50)))
        return fed_fail(err, FED_E_INVALID,
                        "noise: sampler of sigma %g for a share of %g", sigma,
                        share->sigma_local);
    if (n > share->dim)
        return fed_fail(err, FED_E_INVALID, "noise: %zu entries, accounted for are %llu",
                        n, (unsigned long long)share->dim);
    return FED_OK;
}

fed_status fed_noise_share_encode(const fed_noise_share *share, float *x, size_t n,
                                  const fed_sampler *sampler, fed_noise *noise,
                                  int64_t *out, fed_device_report *report, fed_error *err)
{
    fed_device_report r;
    memset(&r, 0, sizeof r);
    fed_status status = check(share, n, sampler, err);
    if (status == FED_OK) status = fed_clip_l2(x, n, share->clip, &r.clip, err);
    if (status == FED_OK)
        status = fed_round_conditional(x, n, share->scale, share->delta2, share->tries,
                                       noise, out, &r.round, err);
    if (status == FED_OK && sampler)
        status = fed_sampler_add(sampler, noise, out, n, err);
    if (status == FED_OK) status = fed_noise_check(noise, err);
    if (status != FED_OK) fed_wipe(out, n * sizeof *out);
    if (report) *report = r;
    return status;
}
