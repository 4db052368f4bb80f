#include "task_internal.h"

#include <math.h>
#include <string.h>

enum { ATTEMPT_BITS = 20, ATTEMPTS_MAX = 2000 /* of one call; see CHANCE_LEAST */ };

static const double CHANCE_LEAST = 0.25; /* that a Poisson draw can be used */

bool fed_task_is_drawn(const fed_task *task)
{
    return task->plan->privacy.sampling != FED_PLAN_SAMPLING_NONE;
}

void fed_draw_fini(fed_draw *draw)
{
    if (draw->numbers) fed_wipe(draw->numbers, draw->n * sizeof *draw->numbers);
    fed_free(draw->numbers);
    *draw = (fed_draw){0};
}

/* ---- coins ------------------------------------------------------------------------------ */

/* floor(cohort · 2^64 / enrolled), for cohort < enrolled. */
static uint64_t threshold(uint32_t cohort, uint32_t enrolled)
{
    uint64_t high = ((uint64_t)cohort << 32) / enrolled;
    uint64_t rest = ((uint64_t)cohort << 32) % enrolled;
    return high << 32 | (rest << 32) / enrolled;
}

/* False when more come up than fit. A coin below 2^64·q rounds q down, never up. */
static bool toss_coins(fed_draw *draw, fed_stream *coins, uint32_t cohort, uint32_t cap,
                       uint32_t enrolled)
{
    uint64_t below = cohort < enrolled ? threshold(cohort, enrolled) : 0;
    draw->n = 0;
    for (uint32_t i = 0; i < enrolled; i++) {
        if (fed_stream_u64(coins) >= below && cohort < enrolled) continue;
        if (draw->n == cap) return false;
        draw->numbers[draw->n++] = i;
    }
    return true;
}

/* Selection sampling (Knuth, TAOCP 3.4.2, algorithm S): every subset of `n` alike, ascending,
 * without memory for those who stay out. */
static void take_subset(fed_draw *draw, fed_stream *coins, uint32_t n, uint32_t enrolled)
{
    draw->n = 0;
    for (uint32_t i = 0; draw->n < n && i < enrolled; i++)
        if (fed_stream_below(coins, enrolled - i) < n - draw->n)
            draw->numbers[draw->n++] = i;
}

/* One draw with a secret of its own; is it one that can be used? */
static fed_status draw_once(fed_draw *draw, const fed_task *task,
                            const fed_random *random, uint64_t index, uint32_t enrolled,
                            bool *usable, fed_error *err)
{
    uint8_t secret[FED_SEED_BYTES];
    fed_stream coins;
    const fed_task_numbers *n = &task->numbers;
    if (fed_random_fill(random, FED_DRAW_PURPOSE, index, secret, sizeof secret))
        return fed_fail(err, FED_E_CRYPTO, "draw: no secret randomness");
    fed_stream_init(&coins, secret, FED_PURPOSE_DRAW, 0);
    if (task->plan->privacy.sampling == FED_PLAN_SAMPLING_POISSON) {
        *usable = toss_coins(draw, &coins, (uint32_t)task->plan->rounds.cohort,
                             n->invited, enrolled) &&
                  draw->n >= n->min_survivors;
    } else {
        take_subset(draw, &coins, n->invited, enrolled);
        *usable = true;
    }
    fed_wipe(secret, sizeof secret);
    fed_wipe(&coins, sizeof coins);
    return FED_OK;
}

fed_status fed_draw_make(fed_draw *draw, const fed_task *task, const fed_random *random,
                         uint64_t version, uint32_t enrolled, fed_error *err)
{
    uint32_t attempt = draw->attempt, last = attempt + ATTEMPTS_MAX;
    bool usable = false;
    if ((int64_t)enrolled < task->plan->privacy.population)
        return fed_fail(err, FED_E_STATE,
                        "privacy.population: %u devices are enrolled, at least %lld are "
                        "needed",
                        enrolled, (long long)task->plan->privacy.population);
    fed_draw_fini(draw);
    draw->attempt = attempt;
    draw->numbers = fed_calloc(task->numbers.invited, sizeof *draw->numbers);
    if (!draw->numbers)
        return fed_fail_nomem(err, task->numbers.invited * sizeof *draw->numbers);
    while (!usable && draw->attempt < last) {
        uint64_t index = (version << ATTEMPT_BITS) + draw->attempt++;
        FED_TRY(draw_once(draw, task, random, index, enrolled, &usable, err));
    }
    return usable ? FED_OK
                  : fed_fail(err, FED_E_INTERNAL, "draw: none of %d could be used",
                             ATTEMPTS_MAX);
}

/* ---- plans whose draws would not do ------------------------------------------------------ */

/* P(a <= X <= b) of a Poisson variable. For a <= mean - 1 and b >= mean + 1 no binomial one of
 * this mean has more outside (Anderson, Samuels 1967, theorem 2.1). */
static double poisson_between(double mean, uint32_t a, uint32_t b)
{
    double sum = 0, log_p = -mean;
    for (uint32_t k = 0; k <= b; k++) {
        if (k) log_p += log(mean / k);
        if (k >= a) sum += exp(log_p);
    }
    return sum;
}

/* The chance, in all rounds together, that some device is drawn where without it the draw
 * would have been made again: there it is as good as known to take part (see
 * docs/decisions/017-secret-draws.md). */
static double chance_of_hinging(const fed_plan *plan, uint32_t survivors)
{
    double cohort = (double)plan->rounds.cohort, n = (double)plan->privacy.population;
    double others = cohort * (1 - 1 / n);
    if (survivors > others) return 1;
    double below = poisson_between(others, 0, survivors - 1);
    return (double)plan->rounds.count * cohort / n * below / (1 - below);
}

static fed_status check_hinging(const fed_task *task, fed_error *err)
{
    const fed_plan *plan = task->plan;
    uint32_t survivors = task->numbers.min_survivors, fine = survivors;
    double bound = FED_DRAW_DELTA_SHARE * plan->privacy.delta;
    if (plan->privacy.mechanism == FED_MECHANISM_NONE) return FED_OK;
    double chance = chance_of_hinging(plan, survivors);
    if (chance <= bound) return FED_OK;
    while (fine > 1 && chance_of_hinging(plan, fine) > bound)
        fine--;
    return fed_fail(err, FED_E_REFUSED,
                    "rounds.min_survivors: %u of %lld expected: with privacy.sampling "
                    "\"poisson\" the chance that a round hinges on one device is %.2g, "
                    "above privacy.delta/100 = %.2g; %u would do, or a larger cohort",
                    survivors, (long long)plan->rounds.cohort, chance, bound, fine);
}

/* Only so that drawing ends soon. */
static fed_status check_room(const fed_task *task, fed_error *err)
{
    uint32_t least = task->numbers.min_survivors, most = task->numbers.invited;
    double cohort = (double)task->plan->rounds.cohort;
    double usable = poisson_between(cohort, least, most);
    if (usable >= CHANCE_LEAST) return FED_OK;
    return fed_fail(err, FED_E_REFUSED,
                    "rounds.over_select: %g: with privacy.sampling \"poisson\" a draw of "
                    "%g expected devices has between rounds.min_survivors %u and %u with "
                    "chance %.2g only, at least %g is needed: raise it, or lower "
                    "min_survivors",
                    task->plan->rounds.over_select, cohort, least, most, usable,
                    CHANCE_LEAST);
}

fed_status fed_task_check_draw(const fed_task *task, fed_error *err)
{
    const fed_plan *plan = task->plan;
    if (!fed_task_is_drawn(task)) return FED_OK;
    if (plan->privacy.population < (int64_t)task->numbers.invited)
        return fed_fail(err, FED_E_REFUSED,
                        "privacy.population: with privacy.sampling it must be given, at "
                        "least the %u devices that a round may have",
                        task->numbers.invited);
    if (plan->privacy.sampling != FED_PLAN_SAMPLING_POISSON) return FED_OK;
    FED_TRY(check_room(task, err));
    return check_hinging(task, err);
}
