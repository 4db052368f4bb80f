/*
 * What a plan's privacy costs, in words and as JSON. The numbers are those of the task, by which
 * devices and server keep their ledgers.
 */
#include "fedsim.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- the answers ------------------------------------------------------------------------ */

static fed_status answer(const fed_task *task, fed_sim_privacy_price *p, fed_error *err)
{
    const fed_sim_privacy_query *q = &p->query;
    bool server = fed_task_plan(task)->privacy.epsilon_server != FED_PLAN_NONE;
    if (q->epsilon > 0)
        FED_TRY(fed_fail_in(err,
                            fed_task_noise_for(task, q->epsilon,
                                               server ? q->epsilon : INFINITY,
                                               &p->noise_multiplier, err),
                            "--epsilon"));
    if (q->rounds_for > 0)
        FED_TRY(fed_task_allowance_for(
            task, q->rounds_for, server ? q->rounds_for : INFINITY, &p->within, err));
    return FED_OK;
}

fed_status fed_sim_price_privacy(const fed_task *task, const fed_sim_privacy_query *query,
                                 fed_sim_privacy_price *out, fed_error *err)
{
    *out = (fed_sim_privacy_price){.promise = fed_task_privacy(task), .query = *query};
    if (!out->promise && (query->epsilon > 0 || query->rounds_for > 0))
        return fed_fail(err, FED_E_REFUSED,
                        "%s: privacy.mechanism is \"none\", and no noise has no price",
                        query->epsilon > 0 ? "--epsilon" : "--rounds-for");
    if (!out->promise) return FED_OK;
    fed_task_privacy_budgets(task, &out->budget_output, &out->budget_server);
    FED_TRY(fed_privacy_epsilon(out->promise, &out->views, err));
    out->is_exceeded = out->views.epsilon_output > out->budget_output ||
                       out->views.epsilon_server > out->budget_server;
    if (out->is_exceeded)
        FED_TRY(fed_task_allowance_for(task, out->budget_output, out->budget_server,
                                       &out->allowed, err));
    return answer(task, out, err);
}

/* Of one device, at most. */
static uint64_t participations_of(const fed_privacy *p)
{
    bool capped = p->max_participations && p->max_participations < p->rounds;
    return capped ? p->max_participations : p->rounds;
}

static double wrap_probability(const fed_privacy *p)
{
    return fmin(1, p->distributed.wrap_probability * (double)p->distributed.config.dim);
}

/* ---- for people ------------------------------------------------------------------------- */

static void FED_PRINTF(2, 3) say(const char *label, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("%-28s ", label);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

static void count_text(uint64_t n, const char *what, char out[64])
{
    if (n == UINT64_MAX)
        snprintf(out, 64, "any number of %ss", what);
    else
        snprintf(out, 64, "%" PRIu64 " %s%s", n, what, n == 1 ? "" : "s");
}

static void say_view(const char *who, double epsilon, double budget, const char *counted)
{
    char limit[32] = "no budget";
    if (isfinite(budget)) snprintf(limit, sizeof limit, "budget %.6g", budget);
    if (isfinite(epsilon))
        say(who, "epsilon %.6g, %s; %s", epsilon, limit, counted);
    else
        say(who, "no bound, %s; %s", limit, counted);
}

static void say_server(const fed_sim_privacy_price *price, const char *counted)
{
    const fed_privacy *p = price->promise;
    char who[64] = "  the server";
    if (fed_task_noise_is_shared(p))
        snprintf(who, sizeof who, "  the server, %u colluders",
                 p->distributed.config.colluders);
    if (fed_privacy_is_central(p->mechanism))
        say(who, "none promised: it sees the sum before it adds the noise");
    else
        say_view(who, price->views.epsilon_server, price->budget_server, counted);
}

static void say_views(const fed_sim_privacy_price *price)
{
    const fed_privacy *p = price->promise;
    char often[64], output[160];
    count_text(participations_of(p), "participation", often);
    snprintf(output, sizeof output, "%s of one device in %" PRIu64 " rounds", often,
             p->rounds);
    if (p->sampling != FED_SAMPLING_NONE)
        snprintf(output, sizeof output, "%" PRIu64 " rounds, %s sampling at rate %.3g",
                 p->rounds, fed_sampling_name(p->sampling),
                 (double)p->cohort / (double)p->population);
    say_view("  who sees the models", price->views.epsilon_output, price->budget_output,
             output);
    say_server(price, often);
}

/* Standard deviation of the noise in the worst model of a run, in clip norms: as it correlates, and
 * if the noise of each round stood alone. */
static void noise_in_model(const fed_task *task, double *correlated, double *alone)
{
    const fed_plan *plan = fed_task_plan(task);
    const fed_matrix *m = fed_task_matrix(task);
    double most = (double)participations_of(fed_task_privacy(task));
    double z = plan->privacy.noise_multiplier;
    *correlated =
        z * sqrt(fed_matrix_error_squared(m) * fed_matrix_sensitivity_squared(m));
    *alone = z * sqrt((double)plan->rounds.count * most);
}

static uint64_t correlation_bytes(const fed_task *task)
{
    const fed_distributed *d = &fed_task_privacy(task)->distributed;
    return fed_matrix_stream_bytes(fed_task_matrix(task), d->config.dim);
}

static void say_correlation(const fed_task *task)
{
    double correlated, alone;
    if (!fed_task_matrix(task)) return;
    noise_in_model(task, &correlated, &alone);
    say("  noise, over all rounds",
        "%.4g clip norms in a model at most; %.4g if rounds did not correlate",
        correlated, alone);
    say("  memory of past noise", "%" PRIu64 " bytes on the server, while the task runs",
        correlation_bytes(task));
}

static void say_noise(const fed_task *task, const fed_privacy *p)
{
    const fed_distributed *d = &p->distributed;
    say("  noise", "multiplier %.6g", fed_task_plan(task)->privacy.noise_multiplier);
    if (!(d->scale > 0)) return;
    say("  noise, in integers",
        "standard deviation %.6g %s, at least %d; %.6g integers in the clip norm",
        d->sigma_local,
        fed_task_matrix(task)               ? "drawn in each round"
        : fed_task_noise_is_shared(p)       ? "for each device"
        : p->mechanism == FED_PRIVACY_LOCAL ? "on each device"
                                            : "in the sum",
        FED_SIGMA_LOCAL_MIN, d->config.clip * d->scale);
    say("  ring", "%u bits; wraps in a round with probability %.2g", d->config.bits,
        wrap_probability(p));
    if (p->votes.dim) say("  votes", "standard deviation %.6g", p->votes.sigma_local);
    const fed_adaptive_clip *a = fed_task_adaptive_clip(task);
    if (a) say("  adaptive clip", "count with standard deviation %.6g", a->bit_sigma);
    say_correlation(task);
}

/* With sampling every round counts; without, those that one device takes part in. */
static void say_allowance(const char *label, const fed_privacy *p,
                          const fed_task_allowance *a)
{
    char text[64];
    bool sampled = p->sampling != FED_SAMPLING_NONE;
    count_text(sampled ? a->rounds : a->participations,
               sampled ? "round" : "participation", text);
    say(label, "%s%s", text, sampled ? "" : " of one device");
}

/* Draws that are made again have their part of the plan's delta; the ledgers charge at the rest. */
static void say_delta(const fed_plan_privacy *plan, const fed_privacy *p)
{
    if (p->delta == plan->delta) return;
    say("  delta", "%g of the plan's %g; %g are for Poisson draws that are made again",
        p->delta, plan->delta, plan->delta - p->delta);
}

void fed_sim_say_privacy(const fed_task *task, const fed_sim_privacy_price *price)
{
    const fed_plan_privacy *plan = &fed_task_plan(task)->privacy;
    const fed_privacy *p = price->promise;
    char label[64];
    if (!p) {
        say("privacy", "no noise, no guarantee");
        return;
    }
    say("privacy", "%s: each %s, delta %g, accountant %s",
        fed_plan_mechanism_word(fed_task_plan(task)),
        plan->unit == FED_UNIT_EXAMPLE ? "example" : "device", p->delta,
        fed_accountant_name(p->accountant));
    say_delta(plan, p);
    say_views(price);
    say_noise(task, p);
    if (price->is_exceeded)
        say_allowance("  the budget is spent after", p, &price->allowed);
    if (price->query.epsilon > 0) {
        snprintf(label, sizeof label, "  for epsilon %.6g", price->query.epsilon);
        say(label, "noise multiplier %.6g", price->noise_multiplier);
    }
    if (price->query.rounds_for > 0) {
        snprintf(label, sizeof label, "  within epsilon %.6g", price->query.rounds_for);
        say_allowance(label, p, &price->within);
    }
}

/* ---- for scripts ------------------------------------------------------------------------ */

static json_t *count_json(uint64_t n)
{
    return n == UINT64_MAX ? json_null() : json_integer((json_int_t)n);
}

static json_t *allowance_json(bool asked, const fed_task_allowance *a)
{
    if (!asked) return json_null();
    return json_pack("{s:o,s:o}", "rounds", count_json(a->rounds), "participations",
                     count_json(a->participations));
}

static json_t *correlation_json(const fed_task *task)
{
    double correlated, alone;
    if (!fed_task_matrix(task)) return json_null();
    noise_in_model(task, &correlated, &alone);
    return json_pack("{s:f,s:f,s:I}", "noise_in_model", correlated, "noise_uncorrelated",
                     alone, "memory_bytes", (json_int_t)correlation_bytes(task));
}

json_t *fed_sim_privacy_json(const fed_task *task, const fed_sim_privacy_price *price)
{
    const fed_plan_privacy *plan = &fed_task_plan(task)->privacy;
    const fed_privacy *p = price->promise;
    if (!p) return json_null();
    const fed_distributed *d = &p->distributed;
    bool in_integers = d->scale > 0;
    return json_pack(
        "{s:s,s:s,s:s,s:f,s:s,s:o,s:o,s:o,s:o,s:I,s:I,s:f,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:"
        "o}",
        "mechanism", fed_plan_mechanism_word(fed_task_plan(task)), "unit",
        plan->unit == FED_UNIT_EXAMPLE ? "example" : "device", "accountant",
        fed_accountant_name(p->accountant), "delta", p->delta, "sampling",
        fed_sampling_name(p->sampling), "epsilon_output",
        fed_sim_epsilon_json(price->views.epsilon_output), "epsilon_server",
        fed_sim_epsilon_json(price->views.epsilon_server), "budget_output",
        fed_sim_epsilon_json(price->budget_output), "budget_server",
        fed_sim_epsilon_json(price->budget_server), "rounds", (json_int_t)p->rounds,
        "participations", (json_int_t)participations_of(p), "noise_multiplier",
        plan->noise_multiplier, "sigma_local",
        in_integers ? json_real(d->sigma_local) : json_null(), "scale",
        in_integers ? json_real(d->scale) : json_null(), "ring_bits",
        in_integers ? json_integer(d->config.bits) : json_null(), "wrap_probability",
        in_integers ? json_real(wrap_probability(p)) : json_null(), "spent_after",
        allowance_json(price->is_exceeded, &price->allowed),
        "noise_multiplier_for_epsilon",
        price->query.epsilon > 0 ? json_real(price->noise_multiplier) : json_null(),
        "within_epsilon", allowance_json(price->query.rounds_for > 0, &price->within),
        "matrix", correlation_json(task));
}
