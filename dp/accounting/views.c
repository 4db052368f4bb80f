/*
 * Who learns what. A device that takes part adds its vector to a sum. Those who see the
 * released models see the sum with the noise of all survivors, at least s_min shares; if
 * devices are drawn in secret they also do not know whether it took part, and the server fills
 * the noise up to n_max shares: noise that grew with the number of survivors would tell it. The server with c
 * colluders subtracts c shares, and knows who took part. Votes and the bit of adaptive
 * clipping ride on the same participation: under sampling that is one Gaussian release of all
 * of them together (1/sigma^2 adds up), not a composition of separately sampled ones.
 */
#include "views.h"

#include "domination.h"
#include "logmath.h"

bool fed_privacy_is_central(fed_privacy_mechanism mechanism)
{
    return mechanism == FED_PRIVACY_CENTRAL || mechanism == FED_PRIVACY_MATRIX;
}

/* ---- refusals ---- */

static bool shares_noise(const fed_privacy *p)
{
    return p->mechanism == FED_PRIVACY_DISTRIBUTED_GAUSSIAN ||
           p->mechanism == FED_PRIVACY_SKELLAM;
}

static fed_status check_delta(const fed_privacy *p, fed_error *err)
{
    if (!(p->delta > 0 && p->delta < 1))
        return fed_fail(err, FED_E_INVALID, "privacy.delta: %g is outside (0, 1)",
                        p->delta);
    uint64_t n = p->population ? p->population : p->cohort;
    if (p->delta * (double)n >= 1)
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.delta: %g is not below 1/%llu: a mechanism that publishes one "
            "device in the clear would satisfy it",
            p->delta, (unsigned long long)n);
    return FED_OK;
}

static fed_status check_sampling(const fed_privacy *p, fed_error *err)
{
    if (p->sampling == FED_SAMPLING_NONE) return FED_OK;
    if (p->sampling != FED_SAMPLING_POISSON && p->sampling != FED_SAMPLING_FIXED_SIZE)
        return fed_fail(err, FED_E_INVALID, "privacy.sampling: %d is unknown",
                        (int)p->sampling);
    if (p->mechanism == FED_PRIVACY_MATRIX || p->mechanism == FED_PRIVACY_EXAMPLE ||
        p->mechanism == FED_PRIVACY_LOCAL)
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.sampling: this mechanism gains nothing from sampling devices; "
            "use \"none\"");
    if (!p->secret_draw)
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.sampling: \"%s\" is claimed, but the coordinator does not draw "
            "invitees by secret coins, or admits or replaces others; use \"none\"",
            fed_sampling_name(p->sampling));
    if (shares_noise(p) && !p->fills_noise)
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.sampling: \"%s\" is claimed, but the noise of a sum tells "
            "how many shares are in it; the server must fill it up, or use "
            "\"none\"",
            fed_sampling_name(p->sampling));
    if (!p->population || p->population < p->cohort)
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.population: %llu must be declared, at least the cohort of %u, "
            "when sampling is claimed",
            (unsigned long long)p->population, p->cohort);
    return FED_OK;
}

static fed_status check_side(const char *name, const fed_integer_release *s,
                             fed_error *err)
{
    if (!s->dim) return FED_OK;
    if (!(s->sigma_local >= FED_SIGMA_LOCAL_MIN))
        return fed_fail(
            err, FED_E_REFUSED,
            "%s: its noise share has standard deviation %g, below %d integers", name,
            s->sigma_local, FED_SIGMA_LOCAL_MIN);
    if (!(s->delta2 > 0))
        return fed_fail(err, FED_E_INVALID, "%s: sensitivity %g must be above 0", name,
                        s->delta2);
    return FED_OK;
}

static fed_status check_shares(const fed_privacy *p, fed_error *err)
{
    const fed_distributed *d = &p->distributed;
    if (!p->secagg)
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.mechanism: noise in shares protects a sum; without secure "
            "aggregation the server sees each update with a fraction of the noise");
    if (d->config.survivors_min <= d->config.colluders)
        return fed_fail(err, FED_E_REFUSED,
                        "privacy.colluders: %u leave no noise of the %u survivors",
                        d->config.colluders, d->config.survivors_min);
    if (!(d->sigma_local >= FED_SIGMA_LOCAL_MIN))
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy: a noise share of standard deviation %g is below %d integers: "
            "more bits per entry, or fewer devices, or more noise",
            d->sigma_local, FED_SIGMA_LOCAL_MIN);
    if (p->mechanism == FED_PRIVACY_SKELLAM && (p->votes.dim || p->bit.dim))
        return fed_fail(
            err, FED_E_UNSUPPORTED,
            "privacy.mechanism: skellam together with votes or adaptive clipping has "
            "no accountant here; use distributed_gaussian");
    if (p->mechanism == FED_PRIVACY_SKELLAM && p->accountant == FED_ACCOUNTANT_PLD)
        return fed_fail(err, FED_E_UNSUPPORTED,
                        "privacy.accountant: pld has no bound for skellam; use rdp");
    return FED_OK;
}

fed_status fed_privacy_check(const fed_privacy *p, fed_error *err)
{
    if (p->mechanism < FED_PRIVACY_DISTRIBUTED_GAUSSIAN ||
        p->mechanism > FED_PRIVACY_EXAMPLE)
        return fed_fail(err, FED_E_INVALID, "privacy.mechanism: %d is unknown",
                        (int)p->mechanism);
    if (p->accountant != FED_ACCOUNTANT_RDP && p->accountant != FED_ACCOUNTANT_PLD)
        return fed_fail(err, FED_E_INVALID, "privacy.accountant: must be rdp or pld");
    if (!p->rounds || !p->cohort)
        return fed_fail(err, FED_E_INVALID,
                        "rounds.count and rounds.cohort must not be 0");
    if (!p->uniform_weight)
        return fed_fail(
            err, FED_E_REFUSED,
            "update.weight: weighting by examples needs a private sum as "
            "denominator; with privacy all weights are 1 and the denominator is "
            "fixed: use \"uniform\"");
    FED_TRY(check_delta(p, err));
    FED_TRY(check_sampling(p, err));
    if (p->votes_wanted && !p->votes.dim)
        return fed_fail(
            err, FED_E_REFUSED,
            "privacy.votes: update.select \"voted\" releases a sum of votes, which "
            "needs noise of its own; give privacy.votes, or select otherwise");
    FED_TRY(check_side("privacy.votes", &p->votes, err));
    FED_TRY(check_side("privacy.adaptive_clip", &p->bit, err));
    if (shares_noise(p)) return check_shares(p, err);
    if (!p->release.dim)
        return fed_fail(err, FED_E_INVALID, "privacy: the release has no coordinates");
    FED_TRY(check_side("privacy", &p->release, err));
    if (p->mechanism == FED_PRIVACY_EXAMPLE && (p->votes.dim || p->bit.dim))
        return fed_fail(
            err, FED_E_UNSUPPORTED,
            "privacy.unit: votes and adaptive clipping are releases about devices; "
            "they have no meaning for the unit \"example\"");
    if (p->mechanism == FED_PRIVACY_EXAMPLE &&
        (!(p->example_rate > 0 && p->example_rate <= 1) || !p->example_steps))
        return fed_fail(err, FED_E_INVALID, "privacy: example rate %g, steps %llu",
                        p->example_rate, (unsigned long long)p->example_steps);
    return FED_OK;
}

/* ---- events ---- */

/* Everything one participation releases, as one Gaussian: 1/sigma^2 and slacks add up. */
typedef struct joint {
    double precision, slack;
    uint64_t dim;
} joint;

static fed_status join(joint *j, const fed_integer_release *r, uint64_t shares,
                       fed_error *err)
{
    fed_domination d;
    if (!r->dim) return FED_OK;
    FED_TRY(fed_domination_derive(&d, r->sigma_local, shares, r->delta2, r->dim,
                                  FED_DOMINATION_RADIUS, err));
    j->precision += 1 / (d.sigma_effective * d.sigma_effective);
    j->slack += d.slack;
    j->dim += r->dim;
    return FED_OK;
}

static fed_integer_release main_release(const fed_privacy *p)
{
    const fed_distributed *d = &p->distributed;
    if (!shares_noise(p)) return p->release;
    return (fed_integer_release){d->sigma_local, d->delta2, d->config.dim};
}

/* Noise in shares alone keeps its own model, for which the Renyi accountant has the authors'
 * bound; everything else is a Gaussian with a slack. */
static fed_status sum_event(const fed_privacy *p, uint64_t shares, fed_sampling sampling,
                            double q, fed_dp_event *out, fed_error *err)
{
    if (shares_noise(p) && !p->votes.dim && !p->bit.dim) {
        *out = fed_dp_distributed(&p->distributed, shares, sampling, q, 1);
    } else {
        fed_integer_release whole = main_release(p);
        joint j = {0, 0, 0};
        FED_TRY(join(&j, &whole, shares, err));
        FED_TRY(join(&j, &p->votes, shares, err));
        FED_TRY(join(&j, &p->bit, shares, err));
        *out = fed_dp_gaussian(1 / sqrt(j.precision), sampling, q, 1);
        out->slack = j.slack, out->shares = shares, out->dim = j.dim;
    }
    out->distance_log2 = p->sampler_distance_log2;
    return FED_OK;
}

/* Shares in what is released. */
static uint64_t output_shares(const fed_privacy *p)
{
    const fed_distributed_config *c = &p->distributed.config;
    if (!shares_noise(p)) return 1;
    return p->sampling == FED_SAMPLING_NONE ? c->survivors_min : c->n_max;
}

fed_status fed_privacy_events(const fed_privacy *p, fed_dp_event *output,
                              fed_dp_event *server, bool *server_bounded, fed_error *err)
{
    FED_TRY(fed_privacy_check(p, err));
    double q = p->population ? (double)p->cohort / (double)p->population : 1;
    uint64_t survivors = shares_noise(p) ? p->distributed.config.survivors_min : 1;
    *server_bounded = !fed_privacy_is_central(p->mechanism);
    if (p->mechanism == FED_PRIVACY_EXAMPLE) {
        FED_TRY(sum_event(p, 1, FED_SAMPLING_EXAMPLES, p->example_rate, output, err));
        output->count = p->example_steps;
        *server = *output;
        return FED_OK;
    }
    FED_TRY(sum_event(p, output_shares(p), p->sampling, q, output, err));
    if (!*server_bounded) return FED_OK;
    uint64_t unknown = shares_noise(p) ? survivors - p->distributed.config.colluders : 1;
    return sum_event(p, unknown, FED_SAMPLING_NONE, 1, server, err);
}

/* `times` repetitions of an event. */
static fed_status repeated(const fed_privacy *p, fed_dp_event event, uint64_t times,
                           double *epsilon, fed_error *err)
{
    event.count *= times;
    return fed_dp_epsilon(&event, 1, p->accountant, p->delta, epsilon, err);
}

fed_status fed_privacy_epsilon(const fed_privacy *p, fed_privacy_views *out,
                               fed_error *err)
{
    fed_dp_event output, server;
    bool bounded;
    *out = (fed_privacy_views){INFINITY, INFINITY, p->delta};
    FED_TRY(fed_privacy_events(p, &output, &server, &bounded, err));
    uint64_t most = p->rounds;
    if (p->max_participations && p->max_participations < most)
        most = p->max_participations;
    if (p->mechanism == FED_PRIVACY_MATRIX) most = 1; /* the whole run is one release */
    bool sampled = p->sampling != FED_SAMPLING_NONE;
    FED_TRY(repeated(p, output, sampled ? p->rounds : most, &out->epsilon_output, err));
    if (sampled) { /* the cap on participations holds whether or not the draw stays secret */
        double capped;
        output.sampling = FED_SAMPLING_NONE, output.q = 1;
        FED_TRY(repeated(p, output, most, &capped, err));
        out->epsilon_output = fmin(out->epsilon_output, capped);
    }
    if (bounded) return repeated(p, server, most, &out->epsilon_server, err);
    return FED_OK;
}
