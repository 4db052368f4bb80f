#include "example_dpsgd.h"

#include <math.h>
#include <string.h>

#include "conditional_rounding.h"
#include "l2clip.h"

/* Integers per clip norm: fine enough that truncation loses nothing that matters (the grid is
 * C / 2^24, a float's own precision), coarse enough that sums stay far below 2^63. */
#define GRID 0x1p24
/* Room for clipping's last ulps; the noise is calibrated to it. */
#define DELTA2 (GRID * (1 + 0x1p-20))

struct fed_example_dpsgd {
    size_t n;
    double clip, delta2;
    fed_sampler *sampler;
    int64_t *sum, *example;
    uint64_t zeroed;
};

fed_status fed_example_dpsgd_new(fed_example_dpsgd **out, size_t n, double clip,
                                 double noise_multiplier, fed_sampler_kind kind,
                                 fed_error *err)
{
    *out = NULL;
    if (!n || !(clip > 0 && isfinite(clip)) || !(noise_multiplier > 0))
        return fed_fail(err, FED_E_INVALID, "dp-sgd: n %zu, clip %g, noise multiplier %g",
                        n, clip, noise_multiplier);
    fed_example_dpsgd *d = fed_calloc(1, sizeof *d);
    if (!d) return fed_fail_nomem(err, sizeof *d);
    d->n = n, d->clip = clip, d->delta2 = DELTA2;
    d->sum = fed_calloc(n, sizeof *d->sum);
    d->example = fed_calloc(n, sizeof *d->example);
    fed_status status =
        d->sum && d->example ? FED_OK : fed_fail_nomem(err, n * sizeof *d->sum);
    if (status == FED_OK)
        status = fed_sampler_new(&d->sampler, kind, noise_multiplier * d->delta2, err);
    if (status != FED_OK) {
        fed_example_dpsgd_free(d);
        return status;
    }
    *out = d;
    return FED_OK;
}

void fed_example_dpsgd_free(fed_example_dpsgd *d)
{
    if (!d) return;
    fed_sampler_free(d->sampler);
    if (d->sum) fed_wipe_free(d->sum, d->n * sizeof *d->sum);
    if (d->example) fed_wipe_free(d->example, d->n * sizeof *d->example);
    fed_free(d);
}

fed_status fed_example_dpsgd_add(fed_example_dpsgd *d, float *gradient, fed_error *err)
{
    fed_clip_report report;
    FED_TRY(fed_clip_l2(gradient, d->n, d->clip, &report, err));
    for (size_t i = 0; i < d->n; i++)
        d->example[i] = (int64_t)((double)gradient[i] / d->clip * GRID);
    bool good = !report.zeroed && fed_norm_within(d->example, d->n, d->delta2);
    for (size_t i = 0; good && i < d->n; i++)
        d->sum[i] += d->example[i];
    d->zeroed += !good;
    return FED_OK;
}

fed_status fed_example_dpsgd_finish(fed_example_dpsgd *d, double expected_batch,
                                    fed_noise *noise, float *gradient, fed_error *err)
{
    if (!(expected_batch > 0))
        return fed_fail(err, FED_E_INVALID, "dp-sgd: expected batch %g", expected_batch);
    fed_status status = fed_sampler_add(d->sampler, noise, d->sum, d->n, err);
    for (size_t i = 0; i < d->n; i++)
        gradient[i] = status == FED_OK
                          ? (float)((double)d->sum[i] / GRID * d->clip / expected_batch)
                          : 0;
    memset(d->sum, 0, d->n * sizeof *d->sum);
    return status;
}

void fed_example_dpsgd_reset(fed_example_dpsgd *d)
{
    fed_wipe(d->sum, d->n * sizeof *d->sum);
}

uint64_t fed_example_dpsgd_zeroed(const fed_example_dpsgd *d)
{
    return d->zeroed;
}

fed_integer_release fed_example_dpsgd_release(const fed_example_dpsgd *d)
{
    return (fed_integer_release){fed_sampler_sigma(d->sampler), d->delta2, d->n};
}

fed_integer_release fed_example_dpsgd_release_of(size_t n, double noise_multiplier)
{
    return (fed_integer_release){noise_multiplier * DELTA2, DELTA2, n};
}
