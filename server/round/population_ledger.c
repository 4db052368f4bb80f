#include "population_ledger.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void fed_population_ledger_free(fed_population_ledger *l)
{
    if (!l) return;
    fed_ledger_free(l->ledger);
    fed_bytes_fini(&l->restoring);
    fed_free(l);
}

static fed_status store(fed_population_ledger *l, fed_bytes *taken, fed_outbox *outbox)
{
    char key[FED_KEY_MAX];
    fed_key_ledger(key, l->population, l->stored++);
    return fed_outbox_store_taken(outbox, key, taken);
}

static fed_status tell_spent(fed_population_ledger *l, fed_error *err)
{
    return fed_ledger_spent(l->ledger, &l->epsilon_output, &l->epsilon_server, err);
}

fed_status fed_population_ledger_new(fed_population_ledger **out, const char *population,
                                     const fed_task *task, fed_outbox *outbox,
                                     fed_error *err)
{
    fed_ledger_terms terms;
    fed_bytes header;
    *out = NULL;
    FED_TRY(fed_task_ledger_terms(task, FED_LEDGER_SERVER, population, &terms, err));
    fed_population_ledger *l = fed_calloc(1, sizeof *l);
    if (!l) return fed_fail_nomem(err, sizeof *l);
    snprintf(l->population, sizeof l->population, "%s", population);
    fed_bytes_init(&header, SIZE_MAX);
    fed_status status = fed_ledger_new(&l->ledger, &terms, &header, err);
    if (status)
        fed_bytes_fini(&header);
    else
        status = store(l, &header, outbox);
    if (status)
        fed_population_ledger_free(l);
    else
        *out = l;
    return status;
}

fed_status fed_population_ledger_check(const fed_population_ledger *l,
                                       const fed_task *task, const uint8_t id[32],
                                       fed_error *err)
{
    FED_TRY(fed_task_check_charge(task, l->ledger, FED_LEDGER_SEEN, id, err));
    return fed_population_ledger_check_output(l, task, id, err);
}

fed_status fed_population_ledger_check_output(const fed_population_ledger *l,
                                              const fed_task *task, const uint8_t id[32],
                                              fed_error *err)
{
    return fed_task_check_charge(task, l->ledger, FED_LEDGER_OUTPUT, id, err);
}

fed_privacy_spent fed_population_ledger_tell(const fed_population_ledger *l,
                                             const fed_task *task)
{
    fed_privacy_spent out = {.is_private = l != NULL};
    if (!l) return out;
    out.delta = fed_ledger_get_terms(l->ledger)->delta;
    out.epsilon_output = l->epsilon_output;
    out.epsilon_server = fed_task_promises_server(task) ? l->epsilon_server : INFINITY;
    fed_task_privacy_budgets(task, &out.budget_output, &out.budget_server);
    return out;
}

fed_status fed_population_ledger_charge(fed_population_ledger *l, const fed_task *task,
                                        fed_ledger_view view, const uint8_t id[32],
                                        fed_outbox *outbox, fed_error *err)
{
    fed_bytes record;
    fed_bytes_init(&record, SIZE_MAX);
    fed_status status = fed_task_charge(task, l->ledger, view, id, &record, err);
    if (status || !record.len) {
        fed_bytes_fini(&record);
        return status;
    }
    l->is_changed = true;
    FED_TRY(store(l, &record, outbox));
    return tell_spent(l, err);
}

/* ---- putting it back -------------------------------------------------------------------- */

fed_status fed_population_ledger_take(fed_population_ledger *l, uint32_t number,
                                      fed_span value, fed_error *err)
{
    if (number != l->stored)
        return fed_fail(err, FED_E_FORMAT, "ledger: record %u is missing", l->stored);
    l->stored++;
    fed_bytes_put(&l->restoring, value.data, value.len);
    return l->restoring.status ? fed_fail_nomem(err, value.len) : FED_OK;
}

fed_status fed_population_ledger_open(fed_population_ledger *l, fed_error *err)
{
    fed_span bytes = {l->restoring.data, l->restoring.len};
    FED_TRY(
        fed_task_open_ledger(&l->ledger, FED_LEDGER_SERVER, l->population, bytes, err));
    fed_bytes_fini(&l->restoring);
    return tell_spent(l, err);
}
