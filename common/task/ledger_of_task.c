/*
 * What a task owes to a ledger, the server's or a device's.
 *
 * The terms of a ledger are those of the first task of the population that needed one, and
 * they stay: a later plan may promise more (a smaller epsilon or delta, fewer participations)
 * and is then held to both, never less. (docs/decisions/015-promises-only-tighten.md)
 */
#include "task_internal.h"

#include <string.h>

static void take_terms(const fed_task *task, fed_ledger_terms *terms)
{
    const fed_privacy *promise = fed_task_privacy(task);
    terms->accountant = promise->accountant;
    terms->delta = promise->delta;
    terms->max_participations = promise->max_participations;
    fed_task_privacy_budgets(task, &terms->budget_output, &terms->budget_server);
}

fed_status fed_task_ledger_terms(const fed_task *task, fed_ledger_kind kind,
                                 const char *population, fed_ledger_terms *out,
                                 fed_error *err)
{
    if (!fed_task_privacy(task))
        return fed_fail(err, FED_E_STATE,
                        "privacy.mechanism: none, so there is no ledger");
    *out = (fed_ledger_terms){.kind = kind};
    take_terms(task, out);
    return fed_sha256(population, strlen(population), out->population, err);
}

static fed_status check_owner(const fed_ledger *ledger, fed_ledger_kind kind,
                              const char *population, fed_error *err)
{
    uint8_t hash[32];
    const fed_ledger_terms *terms = fed_ledger_get_terms(ledger);
    FED_TRY(fed_sha256(population, strlen(population), hash, err));
    if (terms->kind == kind && !memcmp(terms->population, hash, sizeof hash))
        return FED_OK;
    return fed_fail(err, FED_E_FORMAT, "ledger: not the %s's of population %s",
                    kind == FED_LEDGER_SERVER ? "server" : "device", population);
}

fed_status fed_task_open_ledger(fed_ledger **out, fed_ledger_kind kind,
                                const char *population, fed_span bytes, fed_error *err)
{
    size_t used;
    FED_TRY(fed_ledger_open(out, bytes.data, bytes.len, &used, err));
    fed_status status = check_owner(*out, kind, population, err);
    if (!status && used != bytes.len)
        status = fed_fail(err, FED_E_FORMAT, "ledger: %zu bytes, of which %zu are whole",
                          bytes.len, used);
    if (!status) return FED_OK;
    fed_ledger_free(*out);
    *out = NULL;
    return status;
}

static fed_status loosened(const char *field, double plan, double ledger, fed_error *err)
{
    return fed_fail(
        err, FED_E_REFUSED,
        "%s: %g, but this population was promised %g before; a promise may be "
        "tightened, never loosened",
        field, plan, ledger);
}

static fed_status check_terms(const fed_ledger_terms *plan,
                              const fed_ledger_terms *ledger, fed_error *err)
{
    if (plan->delta > ledger->delta)
        return loosened("privacy.delta", plan->delta, ledger->delta, err);
    if (plan->budget_output > ledger->budget_output)
        return loosened("privacy.epsilon", plan->budget_output, ledger->budget_output,
                        err);
    if (plan->budget_server > ledger->budget_server)
        return loosened("privacy.epsilon_server", plan->budget_server,
                        ledger->budget_server, err);
    if (ledger->max_participations &&
        (!plan->max_participations ||
         plan->max_participations > ledger->max_participations))
        return loosened("privacy.max_participations", (double)plan->max_participations,
                        (double)ledger->max_participations, err);
    return FED_OK;
}

/* Is there a charge at all? Against a server that adds the noise itself nothing is promised. */
static fed_status event_of(const fed_task *task, fed_ledger_view view,
                           fed_dp_event *event, bool *charged, fed_error *err)
{
    fed_dp_event output, server;
    bool bounded;
    FED_TRY(fed_privacy_events(fed_task_privacy(task), &output, &server, &bounded, err));
    *charged = view == FED_LEDGER_OUTPUT || bounded;
    *event = view == FED_LEDGER_OUTPUT || !bounded ? output : server;
    return FED_OK;
}

bool fed_task_promises_server(const fed_task *task)
{
    fed_dp_event event;
    bool charged = false;
    return fed_task_privacy(task) &&
           event_of(task, FED_LEDGER_SEEN, &event, &charged, NULL) == FED_OK && charged;
}

/* Whatever is given away without noise breaks every promise that was made. */
static fed_status refuse_without_noise(const fed_ledger_terms *ledger, fed_error *err)
{
    return fed_fail(
        err, FED_E_REFUSED,
        "privacy.mechanism: \"none\", but this population was promised epsilon "
        "%g, and %g of the server, at delta %g; a promise may be tightened, "
        "never loosened",
        ledger->budget_output, ledger->budget_server, ledger->delta);
}

static fed_status check(const fed_task *task, const fed_ledger *ledger,
                        fed_ledger_view view, const fed_dp_event *event, fed_error *err)
{
    const fed_ledger_terms *own = fed_ledger_get_terms(ledger);
    fed_ledger_terms plan = *own;
    take_terms(task, &plan);
    FED_TRY(check_terms(&plan, own, err));
    FED_TRY(fed_ledger_check(ledger, view, event, err));
    return fed_ledger_check_under(ledger, &plan, view, event, err);
}

/* A device counts everything it takes part in: where nothing is promised against the server,
 * as what it gives to those who see the models. */
static void book_on_device(const fed_ledger *ledger, fed_ledger_view *view, bool *charged)
{
    if (*charged || fed_ledger_get_terms(ledger)->kind != FED_LEDGER_DEVICE) return;
    *view = FED_LEDGER_OUTPUT;
    *charged = true;
}

bool fed_task_is_charged_once(const fed_task *task)
{
    return task->privacy.matrix != NULL;
}

const uint8_t *fed_task_charge_id(const fed_task *task, const uint8_t task_id[32],
                                  const uint8_t own_id[32])
{
    return fed_task_is_charged_once(task) ? task_id : own_id;
}

fed_status fed_task_check_charge(const fed_task *task, const fed_ledger *ledger,
                                 fed_ledger_view view, const uint8_t task_id[32],
                                 fed_error *err)
{
    fed_dp_event event;
    bool charged;
    if (!fed_task_privacy(task))
        return refuse_without_noise(fed_ledger_get_terms(ledger), err);
    FED_TRY(event_of(task, view, &event, &charged, err));
    book_on_device(ledger, &view, &charged);
    if (fed_task_is_charged_once(task) && fed_ledger_has(ledger, view, task_id))
        charged = false;
    return charged ? check(task, ledger, view, &event, err) : FED_OK;
}

fed_status fed_task_check_first_charge(const fed_task *task, fed_error *err)
{
    static const uint8_t nobody[32] = {0};
    fed_ledger_terms terms;
    fed_ledger *ledger = NULL;
    fed_bytes header;
    fed_bytes_init(&header, SIZE_MAX);
    FED_TRY(fed_task_ledger_terms(task, FED_LEDGER_SERVER, "", &terms, err));
    fed_status status = fed_ledger_new(&ledger, &terms, &header, err);
    if (!status)
        status = fed_task_check_charge(task, ledger, FED_LEDGER_SEEN, nobody, err);
    if (!status)
        status = fed_task_check_charge(task, ledger, FED_LEDGER_OUTPUT, nobody, err);
    fed_ledger_free(ledger);
    fed_bytes_fini(&header);
    return status;
}

fed_status fed_task_charge(const fed_task *task, fed_ledger *ledger, fed_ledger_view view,
                           const uint8_t id[32], fed_bytes *bytes, fed_error *err)
{
    fed_dp_event event;
    bool charged;
    FED_TRY(event_of(task, view, &event, &charged, err));
    book_on_device(ledger, &view, &charged);
    if (!charged) return FED_OK;
    if (!fed_ledger_has(ledger, view, id))
        FED_TRY(check(task, ledger, view, &event, err));
    return fed_ledger_charge(ledger, view, id, &event, bytes, err);
}
