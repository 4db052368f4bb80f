#include "sampler.h"

#include <math.h>
#include <string.h>

#include "dgauss_exact.h"
#include "dgauss_table.h"
#include "poisson_table.h"

struct fed_sampler {
    fed_sampler_kind kind;
    union {
        fed_dgauss_exact exact;
        fed_dgauss_table table;
        fed_poisson_table poisson;
    } u;
};

static fed_status check_sigma(fed_sampler_kind kind, double sigma, fed_error *err)
{
    double low = kind == FED_SAMPLER_GAUSSIAN_FAST ? 1 : 0x1p-10;
    double high = kind == FED_SAMPLER_SKELLAM ? FED_SAMPLER_SKELLAM_SIGMA_MAX
                                              : FED_SAMPLER_SIGMA_MAX;
    if (kind < FED_SAMPLER_GAUSSIAN_EXACT || kind > FED_SAMPLER_SKELLAM)
        return fed_fail(err, FED_E_INVALID, "sampler: kind %d is unknown", (int)kind);
    if (!(sigma >= low && sigma <= high))
        return fed_fail(err, FED_E_INVALID, "sampler: sigma %g is outside [%g, %g]",
                        sigma, low, high);
    return FED_OK;
}

fed_status fed_sampler_new(fed_sampler **out, fed_sampler_kind kind, double sigma,
                           fed_error *err)
{
    *out = NULL;
    FED_TRY(check_sigma(kind, sigma, err));
    fed_sampler *s = fed_calloc(1, sizeof *s);
    if (!s) return fed_fail_nomem(err, sizeof *s);
    s->kind = kind;
    fed_status status = FED_OK;
    if (kind == FED_SAMPLER_GAUSSIAN_EXACT)
        fed_dgauss_exact_init(&s->u.exact, sigma);
    else if (kind == FED_SAMPLER_GAUSSIAN_FAST)
        status = fed_dgauss_table_init(&s->u.table, sigma, err);
    else
        status = fed_poisson_table_init(&s->u.poisson, sigma * sigma / 2, err);
    if (status != FED_OK) {
        fed_free(s);
        return status;
    }
    *out = s;
    return FED_OK;
}

void fed_sampler_free(fed_sampler *sampler)
{
    if (!sampler) return;
    if (sampler->kind == FED_SAMPLER_GAUSSIAN_FAST)
        fed_dgauss_table_fini(&sampler->u.table);
    if (sampler->kind == FED_SAMPLER_SKELLAM) fed_poisson_table_fini(&sampler->u.poisson);
    fed_free(sampler);
}

static void fill(const fed_sampler *s, fed_noise *noise, int64_t *out, size_t n)
{
    if (s->kind == FED_SAMPLER_GAUSSIAN_FAST) {
        fed_dgauss_table_fill(&s->u.table, noise, out, n);
    } else if (s->kind == FED_SAMPLER_GAUSSIAN_EXACT) {
        for (size_t i = 0; i < n; i++)
            out[i] = fed_dgauss_exact_draw(&s->u.exact, noise);
    } else {
        for (size_t i = 0; i < n; i++) {
            int64_t plus = (int64_t)fed_poisson_table_draw(&s->u.poisson, noise);
            out[i] = plus - (int64_t)fed_poisson_table_draw(&s->u.poisson, noise);
        }
    }
}

fed_status fed_sampler_fill(const fed_sampler *sampler, fed_noise *noise, int64_t *out,
                            size_t n, fed_error *err)
{
    fill(sampler, noise, out, n);
    fed_status status = fed_noise_check(noise, err);
    if (status != FED_OK) fed_wipe(out, n * sizeof *out);
    return status;
}

fed_status fed_sampler_add(const fed_sampler *sampler, fed_noise *noise, int64_t *x,
                           size_t n, fed_error *err)
{
    int64_t block[1024];
    for (size_t done = 0; done < n;) {
        size_t left = n - done < 1024 ? n - done : 1024;
        fill(sampler, noise, block, left);
        for (size_t i = 0; i < left; i++)
            x[done + i] = (int64_t)((uint64_t)x[done + i] + (uint64_t)block[i]);
        done += left;
    }
    fed_wipe(block, sizeof block);
    fed_status status = fed_noise_check(noise, err);
    if (status != FED_OK) fed_wipe(x, n * sizeof *x);
    return status;
}

double fed_sampler_sigma(const fed_sampler *sampler)
{
    if (sampler->kind == FED_SAMPLER_GAUSSIAN_EXACT) return sampler->u.exact.sigma;
    if (sampler->kind == FED_SAMPLER_GAUSSIAN_FAST) return sampler->u.table.sigma;
    return sqrt(2 * sampler->u.poisson.mean);
}

double fed_sampler_distance_log2(const fed_sampler *sampler)
{
    if (sampler->kind == FED_SAMPLER_GAUSSIAN_EXACT) return -INFINITY;
    if (sampler->kind == FED_SAMPLER_GAUSSIAN_FAST) return sampler->u.table.distance_log2;
    return sampler->u.poisson.distance_log2 + 1;
}
