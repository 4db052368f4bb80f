/*
 * Charging and replaying. What a ledger keeps in memory is small: for each view the kinds of
 * events with how often each came, and the ids that were charged. Epsilon is always computed
 * from all of them together; nothing is added up in floating point from charge to charge.
 *
 * The worst device. A server's ledger does not know devices; it answers for the worst one. A
 * device that may take part at most k times can have been in any k rounds, so the view in
 * which participation is known (SEEN, and OUTPUT without sampling) counts the k costliest:
 * those with the smallest noise multiplier. A sampled OUTPUT counts every round.
 */
#include "ledger.h"

#include <math.h>
#include <string.h>

#include "crypto.h"
#include "ledger_record.h"

enum { VIEWS = 2 };

typedef struct charge {
    uint8_t id[32];
    size_t kind; /* index into the view's kinds */
} charge;

typedef struct event_kind {
    fed_dp_event event;
    uint64_t times;
} event_kind;

typedef struct view_state {
    event_kind *kind;
    size_t kinds, kinds_cap;
    charge *charged;
    size_t charges, charges_cap;
} view_state;

struct fed_ledger {
    fed_ledger_terms terms;
    uint8_t head[32];
    view_state view[VIEWS];
};

/* ---- memory ---- */

static fed_status grow(void *array, size_t *cap, size_t used, size_t size, fed_error *err)
{
    void **block = array;
    if (used < *cap) return FED_OK;
    size_t wanted = *cap ? 2 * *cap : 8;
    void *bigger = fed_realloc(*block, wanted, size);
    if (!bigger) return fed_fail_nomem(err, wanted * size);
    *block = bigger, *cap = wanted;
    return FED_OK;
}

static bool same_event(const fed_dp_event *a, const fed_dp_event *b)
{
    return a->model == b->model && a->sampling == b->sampling && a->sigma == b->sigma &&
           a->q == b->q && a->count == b->count && a->sigma_local == b->sigma_local &&
           a->shares == b->shares && a->delta2 == b->delta2 && a->delta1 == b->delta1 &&
           a->dim == b->dim && a->distance_log2 == b->distance_log2 &&
           a->slack == b->slack;
}

static size_t find_kind(const view_state *v, const fed_dp_event *event)
{
    size_t i = 0;
    while (i < v->kinds && !same_event(&v->kind[i].event, event))
        i++;
    return i;
}

static const charge *find_charge(const view_state *v, const uint8_t id[32])
{
    for (size_t i = v->charges; i-- > 0;)
        if (!memcmp(v->charged[i].id, id, 32)) return &v->charged[i];
    return NULL;
}

/* Make room first, then change: a failure leaves the ledger as it was. */
static fed_status view_reserve(view_state *v, fed_error *err)
{
    FED_TRY(grow(&v->kind, &v->kinds_cap, v->kinds, sizeof *v->kind, err));
    return grow(&v->charged, &v->charges_cap, v->charges, sizeof *v->charged, err);
}

static void view_add(view_state *v, const uint8_t id[32], const fed_dp_event *event)
{
    size_t k = find_kind(v, event);
    if (k == v->kinds) {
        v->kind[v->kinds].event = *event;
        v->kind[v->kinds++].times = 0;
    }
    v->kind[k].times++;
    memcpy(v->charged[v->charges].id, id, 32);
    v->charged[v->charges++].kind = k;
}

/* ---- epsilon ---- */

static double noise_of(const fed_dp_event *e)
{
    if (e->model == FED_MODEL_GAUSSIAN) return e->sigma;
    return e->sigma_local * sqrt((double)e->shares) / e->delta2;
}

static bool capped(const fed_ledger *l, fed_ledger_view view, const fed_dp_event *e)
{
    return l->terms.max_participations && l->terms.kind == FED_LEDGER_SERVER &&
           (view == FED_LEDGER_SEEN || e->sampling == FED_SAMPLING_NONE);
}

static bool is_of_examples(const fed_dp_event *e)
{
    return e->sampling == FED_SAMPLING_EXAMPLES;
}

/* Which of several kinds of DP-SGD costs most, their noise alone does not say: a device may have
 * taken part in each as often as it may at all. */
static uint64_t own_cap(const fed_ledger *l, uint64_t times)
{
    uint64_t most = l->terms.max_participations;
    bool counts = l->terms.kind == FED_LEDGER_SERVER && most;
    return counts && times > most ? most : times;
}

/* Each kind as one event with all its releases; of the capped ones only the costliest
 * participations, found by rank in noise. */
static void worst_device(const fed_ledger *l, fed_ledger_view view, event_kind *kinds,
                         size_t n, fed_dp_event *events)
{
    uint64_t left = l->terms.max_participations;
    for (size_t done = 0; done < n; done++) {
        size_t least = done;
        for (size_t i = done + 1; i < n; i++)
            if (noise_of(&kinds[i].event) < noise_of(&kinds[least].event)) least = i;
        event_kind e = kinds[least];
        kinds[least] = kinds[done], kinds[done] = e;
        if (is_of_examples(&e.event))
            e.times = own_cap(l, e.times);
        else if (capped(l, view, &e.event)) {
            if (e.times > left) e.times = left;
            left -= e.times;
        }
        events[done] = e.event;
        events[done].count *= e.times;
    }
}

/* With `extra` (may be NULL) on top. */
static fed_status view_epsilon(const fed_ledger *l, fed_ledger_view view,
                               const fed_dp_event *extra, double *epsilon, fed_error *err)
{
    const view_state *v = &l->view[view - 1];
    size_t n = v->kinds, room = n + 1;
    event_kind *kinds = fed_malloc(room * sizeof *kinds);
    fed_dp_event *events = fed_malloc(room * sizeof *events);
    fed_status status =
        kinds && events ? FED_OK : fed_fail_nomem(err, room * sizeof *kinds);
    if (status != FED_OK) goto out;
    if (n) memcpy(kinds, v->kind, n * sizeof *kinds);
    if (extra) {
        size_t k = find_kind(v, extra);
        if (k == n) kinds[n++] = (event_kind){*extra, 0};
        kinds[k].times++;
    }
    worst_device(l, view, kinds, n, events);
    status = fed_dp_epsilon(events, n, l->terms.accountant, l->terms.delta, epsilon, err);
out:
    fed_free(kinds);
    fed_free(events);
    return status;
}

/* ---- terms ---- */

static fed_status check_terms(const fed_ledger_terms *t, fed_error *err)
{
    if (t->kind != FED_LEDGER_SERVER && t->kind != FED_LEDGER_DEVICE)
        return fed_fail(err, FED_E_INVALID, "ledger: kind %d is unknown", (int)t->kind);
    if (t->accountant != FED_ACCOUNTANT_RDP && t->accountant != FED_ACCOUNTANT_PLD)
        return fed_fail(err, FED_E_INVALID, "ledger: accountant must be rdp or pld");
    if (!(t->delta > 0 && t->delta < 1))
        return fed_fail(err, FED_E_INVALID, "ledger: delta %g is outside (0, 1)",
                        t->delta);
    if (!(t->budget_output >= 0) || !(t->budget_server >= 0))
        return fed_fail(err, FED_E_INVALID,
                        "ledger: budgets %g and %g must be at least 0", t->budget_output,
                        t->budget_server);
    return FED_OK;
}

fed_status fed_ledger_new(fed_ledger **out, const fed_ledger_terms *terms,
                          fed_bytes *bytes, fed_error *err)
{
    *out = NULL;
    FED_TRY(check_terms(terms, err));
    fed_ledger *l = fed_calloc(1, sizeof *l);
    if (!l) return fed_fail_nomem(err, sizeof *l);
    l->terms = *terms;
    fed_status status = fed_ledger_write_header(terms, l->head, bytes, err);
    if (status != FED_OK) {
        fed_ledger_free(l);
        return status;
    }
    *out = l;
    return FED_OK;
}

void fed_ledger_free(fed_ledger *ledger)
{
    if (!ledger) return;
    for (int v = 0; v < VIEWS; v++) {
        fed_free(ledger->view[v].kind);
        fed_free(ledger->view[v].charged);
    }
    fed_free(ledger);
}

static fed_status replay(fed_ledger *l, fed_reader *r, size_t *used, const uint8_t *data,
                         fed_error *err)
{
    for (uint64_t number = 1;; number++) {
        fed_ledger_record record;
        bool whole;
        FED_TRY(fed_ledger_read_record(r, l->head, &record, &whole, err));
        if (!whole) return FED_OK;
        view_state *v = &l->view[record.view - 1];
        if (find_charge(v, record.id))
            return fed_fail(err, FED_E_FORMAT, "ledger: record %llu repeats an id",
                            (unsigned long long)number);
        FED_TRY(view_reserve(v, err));
        view_add(v, record.id, &record.event);
        *used = (size_t)(r->at - data);
    }
}

fed_status fed_ledger_open(fed_ledger **out, const void *data, size_t n, size_t *used,
                           fed_error *err)
{
    fed_reader r;
    size_t whole = 0;
    *out = NULL;
    fed_ledger *l = fed_calloc(1, sizeof *l);
    if (!l) return fed_fail_nomem(err, sizeof *l);
    fed_reader_init(&r, data, n);
    fed_status status = fed_ledger_read_header(&r, &l->terms, l->head, err);
    if (status == FED_OK && (status = check_terms(&l->terms, err)) != FED_OK)
        status = fed_fail_in(err, FED_E_FORMAT, "ledger header");
    whole = (size_t)(r.at - (const uint8_t *)data);
    if (status == FED_OK) status = replay(l, &r, &whole, data, err);
    if (used) *used = status == FED_OK ? whole : 0;
    if (status != FED_OK) {
        fed_ledger_free(l);
        return status;
    }
    *out = l;
    return FED_OK;
}

/* ---- charging ---- */

static fed_status check_view(const fed_ledger *l, fed_ledger_view view, fed_error *err)
{
    (void)l;
    if (view != FED_LEDGER_OUTPUT && view != FED_LEDGER_SEEN)
        return fed_fail(err, FED_E_INVALID, "ledger: view %d is unknown", (int)view);
    return FED_OK;
}

/* A device books each participation in one of the views. */
static fed_status check_participations(const fed_ledger *l, fed_error *err)
{
    uint64_t taken = 0, most = l->terms.max_participations;
    for (int v = 0; v < VIEWS; v++)
        taken += l->view[v].charges;
    if (l->terms.kind != FED_LEDGER_DEVICE || !most || taken < most) return FED_OK;
    return fed_fail(
        err, FED_E_BUDGET,
        "privacy.max_participations: this device took part %llu times, of %llu",
        (unsigned long long)taken, (unsigned long long)most);
}

/* A promise about examples says little about a device, so one book cannot hold both. */
static fed_status check_unit(const fed_ledger *l, const fed_dp_event *event,
                             fed_error *err)
{
    for (int v = 0; v < VIEWS; v++)
        for (size_t i = 0; i < l->view[v].kinds; i++)
            if (is_of_examples(&l->view[v].kind[i].event) != is_of_examples(event))
                return fed_fail(err, FED_E_REFUSED,
                                "privacy.unit: %s, but this population was promised "
                                "something about the other unit before",
                                is_of_examples(event) ? "\"example\"" : "\"device\"");
    return FED_OK;
}

fed_status fed_ledger_check(const fed_ledger *l, fed_ledger_view view,
                            const fed_dp_event *event, fed_error *err)
{
    FED_TRY(check_view(l, view, err));
    FED_TRY(check_unit(l, event, err));
    const char *name = view == FED_LEDGER_SEEN ? "epsilon_server" : "epsilon_output";
    double budget =
        view == FED_LEDGER_SEEN ? l->terms.budget_server : l->terms.budget_output;
    FED_TRY(check_participations(l, err));
    double after, before;
    FED_TRY(view_epsilon(l, view, event, &after, err));
    if (after <= budget) return FED_OK;
    FED_TRY(view_epsilon(l, view, NULL, &before, err));
    return fed_fail(
        err, FED_E_BUDGET,
        "privacy.epsilon: %s is %.4g at delta %.3g; this charge would make it %.4g, "
        "the budget is %.4g",
        name, before, l->terms.delta, after, budget);
}

fed_status fed_ledger_check_under(const fed_ledger *l, const fed_ledger_terms *terms,
                                  fed_ledger_view view, const fed_dp_event *event,
                                  fed_error *err)
{
    fed_ledger under = *l; /* what it points to is only read */
    under.terms = *terms;
    under.terms.kind = l->terms.kind;
    FED_TRY(check_terms(&under.terms, err));
    return fed_ledger_check(&under, view, event, err);
}

fed_status fed_ledger_charge(fed_ledger *l, fed_ledger_view view, const uint8_t id[32],
                             const fed_dp_event *event, fed_bytes *bytes, fed_error *err)
{
    FED_TRY(check_view(l, view, err));
    view_state *v = &l->view[view - 1];
    const charge *earlier = find_charge(v, id);
    if (earlier && same_event(&v->kind[earlier->kind].event, event)) return FED_OK;
    if (earlier)
        return fed_fail(err, FED_E_EXISTS,
                        "ledger: this id was charged for another event");
    FED_TRY(fed_ledger_check(l, view, event, err));
    FED_TRY(view_reserve(v, err));
    fed_ledger_record record = {.view = view, .event = *event};
    memcpy(record.id, id, 32);
    FED_TRY(fed_ledger_write_record(&record, l->head, bytes, err));
    view_add(v, id, event);
    return FED_OK;
}

/* ---- asking ---- */

fed_status fed_ledger_spent(const fed_ledger *l, double *epsilon_output,
                            double *epsilon_server, fed_error *err)
{
    FED_TRY(view_epsilon(l, FED_LEDGER_OUTPUT, NULL, epsilon_output, err));
    return view_epsilon(l, FED_LEDGER_SEEN, NULL, epsilon_server, err);
}

bool fed_ledger_has(const fed_ledger *l, fed_ledger_view view, const uint8_t id[32])
{
    return find_charge(&l->view[view - 1], id) != NULL;
}

const fed_ledger_terms *fed_ledger_get_terms(const fed_ledger *l)
{
    return &l->terms;
}

uint64_t fed_ledger_count(const fed_ledger *l, fed_ledger_view view)
{
    return l->view[view - 1].charges;
}

const uint8_t *fed_ledger_head(const fed_ledger *l)
{
    return l->head;
}
