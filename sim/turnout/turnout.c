#include "turnout.h"

#include <math.h>
#include <string.h>

#include "seeded.h"

/* What a client is at present. */
enum { FREE = 0, ENGAGED = 1, SPENT = 2, NOT_ELIGIBLE = 3, EXHAUSTED = 4 };

struct fed_turnout {
    const fed_population *population;
    const fed_task *task;
    uint8_t key[FED_SEED_BYTES];
    fed_faults faults;
    uint64_t rounds, version;
    uint32_t clients;
    uint8_t *state;     /* one for each client */
    uint64_t *taken;    /* participations of each; NULL: nobody counts */
    uint64_t taken_max; /* what a device lets itself take part in */
    uint32_t willing,
        needed;      /* eligible and not exhausted; members of a cohort, at least */
    uint32_t *order; /* scratch for a draw */
    uint64_t *rests; /* the round before which each is not free; NULL: nobody rests */
    uint64_t pace;   /* rounds between two participations of one device */
    uint64_t *apart; /* the version before which each is not free; NULL: it may be any */
    uint64_t separation; /* versions between two participations of one device */
    fed_draw draw;       /* of this version, where the plan asks for draws */
    bool has_drawn;
    uint32_t fillings; /* times that it brought too few */
    uint32_t
        *touched; /* clients that are engaged or spent, so that they are freed fast */
    uint32_t n_touched;
};

/* What a device says of its rows when it checks in: the power of two below. */
static uint32_t examples_said(uint32_t n)
{
    uint32_t power = 1;
    while (n && power <= n / 2)
        power *= 2;
    return n ? power : 0;
}

static uint32_t mark_eligible(fed_turnout *t, int64_t min_examples)
{
    uint32_t eligible = 0;
    for (uint32_t i = 0; i < t->clients; i++) {
        const uint32_t *rows;
        uint32_t n =
            fed_partition_rows(fed_population_partition(t->population), i, &rows);
        bool ok = (int64_t)examples_said(n) >= min_examples;
        t->state[i] = ok ? FREE : NOT_ELIGIBLE;
        eligible += ok;
    }
    return eligible;
}

/* With privacy a device keeps its own ledger: it takes part as often as the plan says, and as
 * its budget against the server allows. */
static fed_status count_participations(fed_turnout *t, const fed_task *task,
                                       fed_error *err)
{
    const fed_privacy *p = fed_task_privacy(task);
    fed_dp_event output, server;
    double budget_output, budget_server;
    bool bounded;
    t->needed = fed_task_numbers_of(task)->min_survivors;
    if (!p) return FED_OK;
    t->taken = fed_calloc(t->clients, sizeof *t->taken);
    if (!t->taken) return fed_fail_nomem(err, t->clients * sizeof *t->taken);
    t->taken_max = p->max_participations ? p->max_participations : UINT64_MAX;
    FED_TRY(fed_privacy_events(p, &output, &server, &bounded, err));
    fed_task_privacy_budgets(task, &budget_output, &budget_server);
    if (!bounded || isinf(budget_server)) return FED_OK;
    uint64_t fit;
    FED_TRY(fed_dp_rounds_for_epsilon(&server, p->accountant, budget_server, p->delta,
                                      &fit, err));
    if (fit < t->taken_max) t->taken_max = fit;
    if (!fit) t->willing = 0;
    return FED_OK;
}

/* eligibility.min_separation_s in rounds, which begin rounds.deadline_s apart: so many that the
 * time has passed even between the end of one and the beginning of the other. */
static fed_status count_rests(fed_turnout *t, uint32_t eligible, fed_error *err)
{
    const fed_plan *plan = fed_task_plan(t->task);
    uint64_t pause = (uint64_t)plan->eligibility.min_separation_s;
    uint64_t round = (uint64_t)plan->rounds.deadline_s;
    uint32_t invited = fed_task_numbers_of(t->task)->invited;
    if (!pause) return FED_OK;
    t->pace = 1 + (pause + round - 1) / round;
    if (!fed_task_is_drawn(t->task) && eligible / t->pace < invited)
        return fed_fail(
            err, FED_E_INVALID,
            "eligibility.min_separation_s: %llu are %llu rounds of %llu s, so "
            "%u devices a round need %llu that take turns; %u are eligible",
            (unsigned long long)pause, (unsigned long long)t->pace,
            (unsigned long long)round, invited, (unsigned long long)(t->pace * invited),
            eligible);
    t->rests = fed_calloc(t->clients, sizeof *t->rests);
    return t->rests ? FED_OK : fed_fail_nomem(err, t->clients * sizeof *t->rests);
}

/* privacy.matrix.separation: in versions, which the devices count. */
static fed_status count_versions(fed_turnout *t, uint32_t eligible, fed_error *err)
{
    uint32_t invited = fed_task_numbers_of(t->task)->invited;
    if (!fed_task_matrix(t->task)) return FED_OK;
    const fed_plan *plan = fed_task_plan(t->task);
    uint64_t rounds = (uint64_t)plan->rounds.count;
    t->separation = (uint64_t)plan->privacy.matrix.separation;
    uint64_t turns = t->separation < rounds ? t->separation : rounds;
    if (eligible / turns < invited)
        return fed_fail(
            err, FED_E_INVALID,
            "privacy.matrix.separation: %llu, so %u devices a round need %llu that take "
            "turns; %u are eligible",
            (unsigned long long)t->separation, invited,
            (unsigned long long)(turns * invited), eligible);
    t->apart = fed_calloc(t->clients, sizeof *t->apart);
    return t->apart ? FED_OK : fed_fail_nomem(err, t->clients * sizeof *t->apart);
}

/* The simulated server draws from all clients: as many as it waits for must be there. */
static fed_status check_members(fed_turnout *t, uint32_t eligible, fed_error *err)
{
    uint32_t invited = fed_task_numbers_of(t->task)->invited;
    int64_t population = fed_task_plan(t->task)->privacy.population;
    if (fed_task_is_drawn(t->task) && population > (int64_t)t->clients)
        return fed_fail(err, FED_E_INVALID,
                        "privacy.population: %lld, but %u devices are simulated: no "
                        "round would ever be drawn",
                        (long long)population, t->clients);
    if (eligible >= invited) return FED_OK;
    return fed_fail(err, FED_E_INVALID,
                    "rounds.cohort: %u devices are invited, %u of the population's %u "
                    "have eligibility.min_examples",
                    invited, eligible, t->clients);
}

static fed_status prepare(fed_turnout *t, const fed_task *task, fed_error *err)
{
    t->state = fed_calloc(t->clients, sizeof *t->state);
    t->order = fed_calloc(t->clients, sizeof *t->order);
    t->touched = fed_calloc(t->clients, sizeof *t->touched);
    if (!t->state || !t->order || !t->touched)
        return fed_fail_nomem(err, t->clients * sizeof *t->order);
    const fed_plan *plan = fed_task_plan(task);
    if (t->faults.not_finite > 0 && plan->model.input.type == FED_INPUT_TOKENS)
        return fed_fail(err, FED_E_INVALID,
                        "not_finite: the model takes tokens, which are always finite");
    t->willing = mark_eligible(t, plan->eligibility.min_examples);
    uint32_t eligible = t->willing;
    FED_TRY(count_participations(t, task, err));
    FED_TRY(count_rests(t, eligible, err));
    FED_TRY(count_versions(t, eligible, err));
    return check_members(t, eligible, err);
}

fed_status fed_turnout_new(fed_turnout **out, const fed_population *population,
                           const fed_task *task, uint64_t seed, const fed_faults *faults,
                           fed_error *err)
{
    *out = NULL;
    fed_turnout *t = fed_calloc(1, sizeof *t);
    if (!t) return fed_fail_nomem(err, sizeof *t);
    t->population = population;
    t->task = task;
    t->clients = fed_population_clients(population);
    if (faults) t->faults = *faults;
    fed_seed_from_u64(t->key, seed);
    fed_status status = prepare(t, task, err);
    if (status)
        fed_turnout_free(t);
    else
        *out = t;
    return status;
}

void fed_turnout_free(fed_turnout *t)
{
    if (!t) return;
    fed_free(t->state);
    fed_free(t->order);
    fed_free(t->touched);
    fed_free(t->taken);
    fed_free(t->rests);
    fed_free(t->apart);
    fed_draw_fini(&t->draw);
    fed_free(t);
}

/* ---- draws ----------------------------------------------------------------------------- */

static fed_fate draw_fate(const fed_faults *faults, fed_stream *stream)
{
    double u = fed_stream_uniform_double(stream), sum = 0;
    for (int i = 0; i < FED_FATES; i++) {
        sum += faults->drop[i];
        if (u < sum) return (fed_fate)i;
    }
    return FED_FATE_NONE;
}

static bool is_free(const fed_turnout *t, uint32_t client)
{
    return t->state[client] == FREE && (!t->rests || t->rests[client] <= t->rounds) &&
           (!t->apart || t->apart[client] <= t->version);
}

/* The coordinator draws as soon as privacy.population devices are enrolled, and they come in
 * the order of their numbers: the first draw is among those, the others among all. */
static fed_status draw_coins(fed_turnout *t, fed_error *err)
{
    fed_seeded secret;
    fed_random random = fed_seeded_random(&secret);
    uint32_t population = (uint32_t)fed_task_plan(t->task)->privacy.population;
    if (t->draw.numbers) return FED_OK;
    memcpy(secret.seed, t->key, sizeof secret.seed);
    FED_TRY(fed_draw_make(&t->draw, t->task, &random, t->version,
                          t->has_drawn ? t->clients : population, err));
    t->has_drawn = true;
    return FED_OK;
}

/* Nobody comes in for those who are not free. */
static fed_status take_drawn(fed_turnout *t, fed_attendee *members, uint32_t *n,
                             fed_error *err)
{
    fed_stream fate;
    FED_TRY(draw_coins(t, err));
    fed_stream_init(&fate, t->key, FED_PURPOSE_FATE, t->rounds);
    *n = 0;
    for (uint32_t i = 0; i < t->draw.n; i++)
        if (is_free(t, t->draw.numbers[i]))
            members[(*n)++] =
                (fed_attendee){t->draw.numbers[i], draw_fate(&t->faults, &fate)};
    t->rounds++;
    return FED_OK;
}

/* The first ones of a shuffle of all who are free. */
fed_status fed_turnout_draw(fed_turnout *t, uint32_t places, fed_attendee *members,
                            uint32_t *n, fed_error *err)
{
    fed_stream invite, fate;
    uint32_t free = 0;
    if (fed_task_is_drawn(t->task)) return take_drawn(t, members, n, err);
    for (uint32_t i = 0; i < t->clients; i++)
        if (is_free(t, i)) t->order[free++] = i;
    *n = places < free ? places : free;
    if (places && !free && !t->rests)
        return fed_fail(
            err, FED_E_STATE,
            "round %llu: no eligible device is left that may take part in this "
            "version",
            (unsigned long long)t->rounds);
    fed_stream_init(&invite, t->key, FED_PURPOSE_INVITE, t->rounds);
    fed_stream_init(&fate, t->key, FED_PURPOSE_FATE, t->rounds);
    for (uint32_t i = 0; i < *n; i++) {
        uint32_t other = i + fed_stream_below(&invite, free - i);
        members[i] = (fed_attendee){t->order[other], draw_fate(&t->faults, &fate)};
        t->order[other] = t->order[i];
    }
    t->rounds++;
    return FED_OK;
}

uint64_t fed_turnout_rounds(const fed_turnout *t)
{
    return t->rounds;
}

/* ---- who is free ----------------------------------------------------------------------- */

static void mark(fed_turnout *t, uint32_t client, uint8_t state)
{
    if (t->state[client] == FREE) t->touched[t->n_touched++] = client;
    t->state[client] = state;
}

void fed_turnout_engage(fed_turnout *t, uint32_t client)
{
    if (t->state[client] == FREE) mark(t, client, ENGAGED);
}

void fed_turnout_spend(fed_turnout *t, uint32_t client)
{
    mark(t, client, SPENT);
    if (t->rests) t->rests[client] = t->rounds - 1 + t->pace; /* this round has begun */
    if (t->apart) t->apart[client] = t->version + t->separation;
    if (!t->taken || ++t->taken[client] < t->taken_max) return;
    t->state[client] = EXHAUSTED;
    t->willing--;
}

bool fed_turnout_is_exhausted(const fed_turnout *t)
{
    return t->taken && t->willing < t->needed;
}

void fed_turnout_reopen(fed_turnout *t)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->n_touched; i++) {
        uint32_t client = t->touched[i];
        if (t->state[client] == SPENT)
            t->touched[kept++] = client;
        else if (t->state[client] == ENGAGED)
            t->state[client] = FREE;
    }
    t->n_touched = kept;
}

void fed_turnout_next(fed_turnout *t)
{
    for (uint32_t i = 0; i < t->n_touched; i++)
        if (t->state[t->touched[i]] != EXHAUSTED) t->state[t->touched[i]] = FREE;
    t->n_touched = 0;
    t->version++;
    fed_draw_fini(&t->draw);
    t->fillings = 0;
}

bool fed_turnout_is_patient(fed_turnout *t)
{
    return !fed_task_is_drawn(t->task) || ++t->fillings < FED_DRAW_PATIENCE;
}

void fed_turnout_redraw(fed_turnout *t)
{
    uint32_t attempt = t->draw.attempt;
    fed_draw_fini(&t->draw);
    t->draw.attempt = attempt;
    t->fillings = 0;
}

/* ---- broken and hostile devices -------------------------------------------------------- */

/* Rounds count up from 0, so the upper half of the stream's versions is for clients. */
fed_health fed_turnout_health(const fed_turnout *t, uint32_t client)
{
    fed_stream stream;
    if (t->faults.not_finite + t->faults.garbage == 0) return FED_HEALTHY;
    fed_stream_init(&stream, t->key, FED_PURPOSE_FATE, UINT64_C(1) << 63 | client);
    double u = fed_stream_uniform_double(&stream);
    if (u < t->faults.not_finite) return FED_NOT_FINITE;
    return u < t->faults.not_finite + t->faults.garbage ? FED_GARBAGE : FED_HEALTHY;
}

static fed_status fetch_nan(void *ctx, const uint32_t *rows, size_t n, void *inputs,
                            void *targets)
{
    const fed_client_view *view = ctx;
    FED_TRY(view->examples.fetch(view->examples.ctx, rows, n, inputs, targets));
    *(float *)inputs = NAN;
    return FED_OK;
}

void fed_turnout_examples(const fed_turnout *t, uint32_t client,
                          const fed_client_view *inner, fed_examples *out)
{
    *out = inner->examples;
    if (fed_turnout_health(t, client) != FED_NOT_FINITE) return;
    out->fetch = fetch_nan;
    out->ctx = (void *)(uintptr_t)inner; /* only read through */
}
