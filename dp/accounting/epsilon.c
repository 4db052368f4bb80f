/*
 * From releases to epsilon. Unsampled Gaussians compose exactly: 1/sigma^2 adds up, and one
 * analytic formula (Balle, Wang 2018) answers for all of them; the PLD accountant uses that
 * before it ever makes a grid. Distributed noise is, for PLD, a Gaussian of the effective
 * variance plus a slack xi (domination.h): delta(e) <= e^xi delta_Gauss(e - 2 xi). What the
 * samplers' tables are off by is charged to delta first.
 */
#include "epsilon.h"

#include <string.h>

#include "conversion.h"
#include "domination.h"
#include "gaussian_exact.h"
#include "logmath.h"
#include "pld.h"
#include "rdp.h"

enum { EVENTS_MAX = 4096 };

/* ---- making and checking events ---- */

fed_dp_event fed_dp_gaussian(double sigma, fed_sampling sampling, double q,
                             uint64_t count)
{
    return (fed_dp_event){.model = FED_MODEL_GAUSSIAN,
                          .sampling = sampling,
                          .sigma = sigma,
                          .q = sampling == FED_SAMPLING_NONE ? 1 : q,
                          .count = count};
}

fed_dp_event fed_dp_distributed(const fed_distributed *mechanism, uint64_t shares,
                                fed_sampling sampling, double q, uint64_t count)
{
    double root = sqrt((double)shares) * mechanism->sigma_local;
    fed_dp_event e = fed_dp_gaussian(root / mechanism->delta2, sampling, q, count);
    e.model = mechanism->config.kind == FED_SHARE_SKELLAM ? FED_MODEL_SKELLAM
                                                          : FED_MODEL_DISTRIBUTED;
    e.sigma_local = mechanism->sigma_local, e.shares = shares;
    e.delta2 = mechanism->delta2, e.delta1 = mechanism->delta1;
    e.dim = mechanism->config.dim;
    return e;
}

static bool is_poisson(const fed_dp_event *e)
{
    return e->sampling == FED_SAMPLING_POISSON || e->sampling == FED_SAMPLING_EXAMPLES;
}

static bool positive(double x)
{
    return x > 0 && isfinite(x);
}

fed_status fed_dp_event_check(const fed_dp_event *e, fed_error *err)
{
    if (e->model < FED_MODEL_GAUSSIAN || e->model > FED_MODEL_SKELLAM)
        return fed_fail(err, FED_E_INVALID, "event: model %d is unknown", (int)e->model);
    if (e->sampling < FED_SAMPLING_NONE || e->sampling > FED_SAMPLING_EXAMPLES)
        return fed_fail(err, FED_E_INVALID, "event: sampling %d is unknown",
                        (int)e->sampling);
    if (e->model == FED_MODEL_GAUSSIAN && !(e->sigma >= 1e-3 && e->sigma <= 1e6))
        return fed_fail(err, FED_E_INVALID, "event: sigma %g is outside [1e-3, 1e6]",
                        e->sigma);
    if (e->sampling != FED_SAMPLING_NONE && !(e->q > 0 && e->q <= 1))
        return fed_fail(err, FED_E_INVALID, "event: q %g is outside (0, 1]", e->q);
    if (!(e->slack >= 0 && e->slack < 1) || !(e->distance_log2 <= 0))
        return fed_fail(err, FED_E_INVALID,
                        "event: slack %g is outside [0, 1) or distance_log2 %g above 0",
                        e->slack, e->distance_log2);
    if (e->count > (uint64_t)1 << 40)
        return fed_fail(err, FED_E_INVALID, "event: count %llu is above 2^40",
                        (unsigned long long)e->count);
    if (e->model == FED_MODEL_GAUSSIAN) return FED_OK;
    if (!positive(e->sigma_local) || !positive(e->delta2) || !positive(e->delta1))
        return fed_fail(err, FED_E_INVALID,
                        "event: sigma_local %g, delta2 %g and delta1 %g must be positive",
                        e->sigma_local, e->delta2, e->delta1);
    if (!e->shares || !e->dim)
        return fed_fail(err, FED_E_INVALID, "event: shares and dim must not be 0");
    return FED_OK;
}

/* ---- Renyi ---- */

typedef struct integer_model {
    const fed_dp_event *event;
    double ratio2, ratio1, tau, variance;
} integer_model;

static double integer_rdp(void *ctx, unsigned order)
{
    const integer_model *m = ctx;
    const fed_dp_event *e = m->event;
    if (e->model == FED_MODEL_SKELLAM)
        return fed_rdp_skellam(e->delta2, e->delta1, m->variance, order);
    return fed_rdp_ddgauss(m->ratio2, m->ratio1, m->tau, (double)e->dim, order);
}

/* The authors' bounds hold at integer orders. A sample of fixed size brings nothing here, and then
 * costs nothing either: given who was drawn, only this device's vector differs. */
static double integer_model_rdp(const fed_dp_event *e, double tau, double alpha)
{
    double variance = (double)e->shares * e->sigma_local * e->sigma_local;
    double root = sqrt(variance);
    integer_model m = {e, e->delta2 / root, e->delta1 / root, tau, variance};
    if (alpha != floor(alpha)) return INFINITY;
    if (is_poisson(e)) return fed_rdp_poisson_any(e->q, (unsigned)alpha, integer_rdp, &m);
    return integer_rdp(&m, (unsigned)alpha);
}

static double gaussian_rdp(const fed_dp_event *e, double alpha)
{
    if (is_poisson(e)) return fed_rdp_poisson(e->q, e->sigma, alpha);
    if (e->sampling == FED_SAMPLING_FIXED_SIZE)
        return fmin(fed_rdp_fixed_size(e->q, e->sigma / 2, alpha),
                    fed_rdp_gaussian(e->sigma, alpha));
    return fed_rdp_gaussian(e->sigma, alpha);
}

/* Densities within e^+-slack of a Gaussian's change the divergence by that much to the powers
 * alpha and alpha - 1. */
static double event_rdp(const fed_dp_event *e, double tau, double alpha)
{
    if (e->model != FED_MODEL_GAUSSIAN) return integer_model_rdp(e, tau, alpha);
    return gaussian_rdp(e, alpha) + e->slack * (2 * alpha - 1) / (alpha - 1);
}

static fed_status rdp_epsilon(const fed_dp_event *events, size_t n, double delta,
                              double *epsilon, fed_error *err)
{
    size_t orders = fed_rdp_order_count();
    double *curve = fed_calloc(orders, sizeof *curve);
    if (!curve) return fed_fail_nomem(err, orders * sizeof *curve);
    for (size_t i = 0; i < n; i++) {
        const fed_dp_event *e = &events[i];
        double tau = e->model == FED_MODEL_DISTRIBUTED
                         ? fed_ddgauss_tau(e->sigma_local, e->shares)
                         : 0;
        for (size_t k = 0; k < orders; k++)
            curve[k] += (double)e->count * event_rdp(e, tau, fed_rdp_order(k));
    }
    *epsilon = INFINITY;
    for (size_t k = 0; k < orders; k++)
        *epsilon = fmin(*epsilon, fed_rdp_to_epsilon(fed_rdp_order(k), curve[k], delta));
    fed_free(curve);
    return FED_OK;
}

/* ---- zCDP ---- */

static fed_status zcdp_epsilon(const fed_dp_event *events, size_t n, double delta,
                               double *epsilon, fed_error *err)
{
    double rho = 0;
    for (size_t i = 0; i < n; i++) {
        if (events[i].model != FED_MODEL_GAUSSIAN ||
            events[i].sampling != FED_SAMPLING_NONE)
            return fed_fail(
                err, FED_E_UNSUPPORTED,
                "accountant: zcdp speaks of unsampled Gaussians only; use rdp or "
                "pld");
        rho += (double)events[i].count / (2 * events[i].sigma * events[i].sigma);
    }
    *epsilon = fed_zcdp_to_epsilon(rho, delta);
    return FED_OK;
}

/* ---- PLD ---- */

/* What an event is to the PLD accountant: a Gaussian, and a slack. */
static fed_status as_pld_event(const fed_dp_event *e, fed_pld_event *out, double *slack,
                               fed_error *err)
{
    double sigma = e->sigma;
    *slack = e->slack * (double)e->count;
    if (e->model == FED_MODEL_SKELLAM)
        return fed_fail(err, FED_E_UNSUPPORTED,
                        "accountant: pld has no bound for Skellam noise; use rdp");
    if (e->model == FED_MODEL_DISTRIBUTED) {
        fed_domination d;
        FED_TRY(fed_domination_derive(&d, e->sigma_local, e->shares, e->delta2, e->dim,
                                      FED_DOMINATION_RADIUS, err));
        sigma = d.sigma_effective;
        *slack = d.slack * (double)e->count;
    }
    bool fixed = e->sampling == FED_SAMPLING_FIXED_SIZE;
    *out = (fed_pld_event){fixed ? sigma / 2 : sigma,
                           e->sampling == FED_SAMPLING_NONE ? 1 : e->q, e->count, fixed};
    return FED_OK;
}

static size_t merge(fed_pld_event *to, size_t used, const fed_pld_event *e)
{
    for (size_t i = 0; i < used; i++)
        if (to[i].sigma == e->sigma && to[i].q == e->q &&
            to[i].both_ways == e->both_ways) {
            to[i].count += e->count;
            return used;
        }
    to[used] = *e;
    return used + 1;
}

/* All unsampled Gaussians are one; the others keep their kinds. `whole` is 1/sigma^2 of that
 * one. */
static fed_status gather(const fed_dp_event *events, size_t n, fed_pld_event *kinds,
                         size_t *used, double *whole, double *slack, fed_error *err)
{
    *used = 0, *whole = 0, *slack = 0;
    for (size_t i = 0; i < n; i++) {
        fed_pld_event e;
        double more;
        if (!events[i].count) continue;
        FED_TRY(as_pld_event(&events[i], &e, &more, err));
        *slack += more;
        if (e.q >= 1)
            *whole += (double)e.count / (e.sigma * e.sigma);
        else
            *used = merge(kinds, *used, &e);
    }
    return FED_OK;
}

static fed_status pld_epsilon_once(const fed_dp_event *events, size_t n, double delta,
                                   double *epsilon, fed_error *err)
{
    size_t used;
    double whole, slack;
    fed_pld_event *kinds = fed_calloc(n + 1, sizeof *kinds);
    if (!kinds) return fed_fail_nomem(err, (n + 1) * sizeof *kinds);
    fed_status status = gather(events, n, kinds, &used, &whole, &slack, err);
    if (status != FED_OK) goto out;
    double left = delta * exp(-slack);
    if (!used) {
        *epsilon = whole > 0 ? fed_gaussian_epsilon(1 / sqrt(whole), left) : 0;
    } else {
        if (whole > 0) kinds[used++] = (fed_pld_event){1 / sqrt(whole), 1, 1, false};
        FED_GO(fed_pld_epsilon(kinds, used, left, epsilon, err));
    }
    *epsilon += 2 * slack;
out:
    fed_free(kinds);
    return status;
}

/* A sample of fixed size, charged at twice the sensitivity, may cost more than no sample: then
 * the bound without sampling holds just as well. */
static fed_status pld_epsilon(const fed_dp_event *events, size_t n, double delta,
                              double *epsilon, fed_error *err)
{
    double unsampled;
    bool fixed = false;
    FED_TRY(pld_epsilon_once(events, n, delta, epsilon, err));
    for (size_t i = 0; i < n; i++)
        fixed = fixed || events[i].sampling == FED_SAMPLING_FIXED_SIZE;
    if (!fixed) return FED_OK;
    fed_dp_event *copy = fed_memdup(events, n * sizeof *events);
    if (!copy) return fed_fail_nomem(err, n * sizeof *events);
    for (size_t i = 0; i < n; i++)
        if (copy[i].sampling == FED_SAMPLING_FIXED_SIZE)
            copy[i].sampling = FED_SAMPLING_NONE;
    fed_status status = pld_epsilon_once(copy, n, delta, &unsampled, err);
    if (status == FED_OK) *epsilon = fmin(*epsilon, unsampled);
    fed_free(copy);
    return status;
}

/* ---- the entry ---- */

/* Total variation of all draws of all releases from what the accountant assumes. */
static double sampler_distance(const fed_dp_event *events, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const fed_dp_event *e = &events[i];
        double draws = (double)e->count * (double)(e->shares ? e->shares : 1) *
                       (double)(e->dim ? e->dim : 1);
        if (e->distance_log2 < 0) sum += draws * exp2(e->distance_log2);
    }
    return sum;
}

static fed_status account(const fed_dp_event *events, size_t n, fed_accountant accountant,
                          double delta, double *epsilon, fed_error *err)
{
    switch (accountant) {
    case FED_ACCOUNTANT_RDP:
        return rdp_epsilon(events, n, delta, epsilon, err);
    case FED_ACCOUNTANT_PLD:
        return pld_epsilon(events, n, delta, epsilon, err);
    case FED_ACCOUNTANT_ZCDP:
        return zcdp_epsilon(events, n, delta, epsilon, err);
    }
    return fed_fail(err, FED_E_INVALID, "accountant: %d is unknown", (int)accountant);
}

fed_status fed_dp_epsilon(const fed_dp_event *events, size_t n, fed_accountant accountant,
                          double delta, double *epsilon, fed_error *err)
{
    *epsilon = INFINITY;
    if (!(delta > 0 && delta < 1))
        return fed_fail(err, FED_E_INVALID, "privacy.delta: %g is outside (0, 1)", delta);
    if (n > EVENTS_MAX)
        return fed_fail(err, FED_E_LIMIT, "accountant: %zu events, at most %d", n,
                        EVENTS_MAX);
    uint64_t releases = 0;
    for (size_t i = 0; i < n; i++) {
        FED_TRY(fed_dp_event_check(&events[i], err));
        releases += events[i].count;
    }
    *epsilon = 0;
    if (!releases) return FED_OK;
    /* worlds off by tv each: (epsilon, delta + (1 + e^epsilon) tv) */
    double distance = sampler_distance(events, n), left = delta;
    for (int i = 0; i < 4; i++) {
        FED_TRY(account(events, n, accountant, left, epsilon, err));
        double owed = distance > 0 ? distance * (1 + exp(*epsilon)) : 0;
        if (delta - owed >= left) return FED_OK;
        left = delta - 1.5 * owed;
        if (!(left > 0)) break;
    }
    *epsilon = INFINITY;
    return FED_OK;
}

/* ---- inverse queries ---- */

fed_status fed_dp_noise_for_epsilon(fed_sampling sampling, double q, uint64_t count,
                                    fed_accountant accountant, double epsilon,
                                    double delta, double *sigma, fed_error *err)
{
    double low = 1e-2, high = 1, found;
    *sigma = INFINITY;
    if (!(epsilon > 0))
        return fed_fail(err, FED_E_INVALID, "privacy.epsilon: %g must be above 0",
                        epsilon);
    for (;; low = high, high *= 2) {
        fed_dp_event e = fed_dp_gaussian(high, sampling, q, count);
        FED_TRY(fed_dp_epsilon(&e, 1, accountant, delta, &found, err));
        if (found <= epsilon) break;
        if (high > 2e5)
            return fed_fail(err, FED_E_REFUSED,
                            "privacy.epsilon: no noise multiplier up to 2e5 keeps %llu "
                            "releases within %g at delta %g",
                            (unsigned long long)count, epsilon, delta);
    }
    while (high > low * (1 + 5e-5)) {
        double middle = sqrt(low * high);
        fed_dp_event e = fed_dp_gaussian(middle, sampling, q, count);
        FED_TRY(fed_dp_epsilon(&e, 1, accountant, delta, &found, err));
        if (found <= epsilon)
            high = middle;
        else
            low = middle;
    }
    *sigma = high;
    return FED_OK;
}

fed_status fed_dp_rounds_for_epsilon(const fed_dp_event *event, fed_accountant accountant,
                                     double epsilon, double delta, uint64_t *rounds,
                                     fed_error *err)
{
    const uint64_t most = (uint64_t)1 << 32;
    uint64_t low = 0, high = 1;
    fed_dp_event e = *event;
    double found;
    for (; high <= most; low = high, high *= 2) {
        e.count = high;
        FED_TRY(fed_dp_epsilon(&e, 1, accountant, delta, &found, err));
        if (found > epsilon) break;
    }
    while (high - low > 1 && low < most) {
        e.count = low + (high - low) / 2;
        FED_TRY(fed_dp_epsilon(&e, 1, accountant, delta, &found, err));
        if (found <= epsilon)
            low = e.count;
        else
            high = e.count;
    }
    *rounds = low;
    return FED_OK;
}

/* ---- names ---- */

static const char *const accountants[] = {NULL, "rdp", "pld", "zcdp"};
static const char *const samplings[] = {NULL, "none", "poisson", "fixed_size"};

fed_accountant fed_accountant_from_name(const char *name)
{
    for (int i = 1; i <= 3; i++)
        if (!strcmp(name, accountants[i])) return (fed_accountant)i;
    return (fed_accountant)0;
}

fed_sampling fed_sampling_from_name(const char *name)
{
    for (int i = 1; i <= 3; i++)
        if (!strcmp(name, samplings[i])) return (fed_sampling)i;
    return (fed_sampling)0;
}

const char *fed_accountant_name(fed_accountant accountant)
{
    return accountant >= 1 && accountant <= 3 ? accountants[accountant] : "unknown";
}

const char *fed_sampling_name(fed_sampling sampling)
{
    return sampling >= 1 && sampling <= 3 ? samplings[sampling] : "unknown";
}
