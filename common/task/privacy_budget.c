/*
 * The questions that a budget asks of a plan: how much noise keeps to it, and how often it can be
 * spent. Both search over the promise itself, so that the answer is about the noise that devices
 * add, rounded and in shares, and not about a bare Gaussian.
 */
#include "task_internal.h"

#include <math.h>

typedef struct budget {
    const fed_task *task;
    double output, server; /* INFINITY: none */
} budget;

/* How much of the budget is spent by what is asked: 1 is all of it, INFINITY is no promise at all.
 * Where it is too much, `err` says so. */
static fed_status spend(const budget *b, const fed_task_asked *asked, double *spent,
                        fed_error *err)
{
    fed_task_noise noise;
    fed_privacy_views views;
    *spent = INFINITY;
    fed_status status = fed_task_derive_noise(b->task, asked, &noise, err);
    if (!status) status = fed_privacy_epsilon(&noise.promise, &views, err);
    if (status == FED_E_REFUSED || status == FED_E_LIMIT) return FED_OK;
    FED_TRY(status);
    double output = isfinite(b->output) ? views.epsilon_output / b->output : 0;
    double server = isfinite(b->server) ? views.epsilon_server / b->server : 0;
    *spent = fmax(output, server);
    if (*spent > 1)
        (void)fed_fail(
            err, FED_E_REFUSED,
            "privacy.noise_multiplier: %g still costs %g where privacy.epsilon "
            "is %g, and %g where privacy.epsilon_server is %g",
            asked->noise_multiplier, views.epsilon_output, b->output,
            views.epsilon_server, b->server);
    return FED_OK;
}

/* ---- noise ------------------------------------------------------------------------------ */

static const double Z_LEAST = 0.01, Z_MOST = 1000, Z_PRECISION = 5e-5;

typedef struct trial {
    double z, spent;
} trial;

static fed_status try_noise(const budget *b, double z, trial *out, fed_error *err)
{
    fed_task_asked asked = fed_task_as_planned(b->task->plan);
    asked.noise_multiplier = out->z = z;
    return spend(b, &asked, &out->spent, err);
}

/* Bring low (too little noise, or the least there is) and high (enough) within a factor of two
 * of each other. */
static fed_status bracket(const budget *b, trial *low, trial *high, fed_error *err)
{
    FED_TRY(try_noise(b, 1, high, err));
    *low = *high;
    while (low->spent <= 1 && low->z > Z_LEAST) {
        *high = *low;
        FED_TRY(try_noise(b, low->z / 2, low, err));
    }
    while (high->spent > 1) {
        if (high->z >= Z_MOST) return FED_E_REFUSED;
        *low = *high;
        FED_TRY(try_noise(b, fmin(2 * high->z, Z_MOST), high, err));
    }
    return FED_OK;
}

/* Where the straight line through both, in logarithms, spends all: cost falls as a power of
 * noise, nearly. Kept away from the ends, so that the gap always shrinks. */
static double guess(const trial *low, const trial *high)
{
    double share = 0.5;
    if (isfinite(low->spent) && high->spent > 0)
        share = log(low->spent) / log(low->spent / high->spent);
    share = fmin(fmax(share, 0.01), 0.99);
    return low->z * pow(high->z / low->z, share);
}

/* Close the gap: at a guess, and then just beside it on the other side. */
static fed_status close_gap(const budget *b, trial *low, trial *high, fed_error *err)
{
    while (high->z > low->z * (1 + Z_PRECISION)) {
        trial middle, beside;
        FED_TRY(try_noise(b, guess(low, high), &middle, err));
        bool enough = middle.spent <= 1;
        *(enough ? high : low) = middle;
        double z = middle.z * (enough ? 1 - Z_PRECISION / 2 : 1 + Z_PRECISION / 2);
        if (z <= low->z || z >= high->z) continue;
        FED_TRY(try_noise(b, z, &beside, err));
        *(beside.spent <= 1 ? high : low) = beside;
    }
    return FED_OK;
}

/* The next number above z with five digits: people read it, and the plan carries it. */
static double rounded_up(double z)
{
    double unit = pow(10, 4 - floor(log10(z)));
    return (floor(z * unit) + 1) / unit;
}

fed_status fed_task_noise_for(const fed_task *task, double output, double server,
                              double *z, fed_error *err)
{
    const budget b = {task, output, server};
    trial low, high;
    FED_TRY(bracket(&b, &low, &high, err));
    if (low.spent > 1) FED_TRY(close_gap(&b, &low, &high, err));
    /* The ring of "auto" changes with z, in steps, so that more noise may cost a little more. */
    do {
        FED_TRY(try_noise(&b, rounded_up(high.z), &low, err));
        high.z = low.z * (1 + 1e-4);
    } while (low.spent > 1 && low.z <= Z_MOST);
    *z = low.z;
    return low.spent <= 1 ? FED_OK : FED_E_REFUSED;
}

/* ---- rounds and participations ---------------------------------------------------------- */

typedef fed_task_asked ask(const fed_plan *plan, uint64_t n);

static fed_task_asked ask_rounds(const fed_plan *plan, uint64_t n)
{
    fed_task_asked asked = fed_task_as_planned(plan);
    asked.rounds = n;
    return asked;
}

/* So many participations, however many rounds that takes. */
static fed_task_asked ask_participations(const fed_plan *plan, uint64_t n)
{
    fed_task_asked asked = fed_task_as_planned(plan);
    asked.participations = n;
    if (asked.rounds < n) asked.rounds = n;
    return asked;
}

/* The most that keeps to the budget: double until it breaks, then halve the gap. */
static fed_status most_within(const budget *b, ask *question, uint64_t *out,
                              fed_error *err)
{
    uint64_t low = 0, high = 1;
    double spent;
    for (;;) {
        fed_task_asked asked = question(b->task->plan, high);
        FED_TRY(spend(b, &asked, &spent, err));
        if (spent > 1 || high >= FED_TASK_ROUNDS_MAX) break;
        low = high, high *= 2;
    }
    bool any = spent <= 1;
    while (!any && high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        fed_task_asked asked = question(b->task->plan, middle);
        FED_TRY(spend(b, &asked, &spent, err));
        if (spent <= 1)
            low = middle;
        else
            high = middle;
    }
    *out = any ? UINT64_MAX : low;
    return FED_OK;
}

/* All rounds of a matrix mechanism are one release, of noise that was made for them. */
static fed_status all_or_nothing(const budget *b, fed_task_allowance *out, fed_error *err)
{
    fed_task_asked asked = fed_task_as_planned(b->task->plan);
    double spent;
    FED_TRY(spend(b, &asked, &spent, err));
    *out = spent <= 1 ? (fed_task_allowance){asked.rounds, asked.participations}
                      : (fed_task_allowance){0, 0};
    return FED_OK;
}

fed_status fed_task_allowance_for(const fed_task *task, double output, double server,
                                  fed_task_allowance *out, fed_error *err)
{
    const budget b = {task, output, server};
    if (task->privacy.matrix) return all_or_nothing(&b, out, err);
    FED_TRY(most_within(&b, ask_rounds, &out->rounds, err));
    return most_within(&b, ask_participations, &out->participations, err);
}
