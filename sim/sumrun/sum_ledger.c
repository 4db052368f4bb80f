/* What the rounds cost, by the server's own book, of which nothing is stored. */
#include "sumrun_internal.h"

static const uint8_t task_id[32] = {1}; /* there is one task */

fed_status fed_sumrun_open_ledger(fed_sumrun *r, fed_error *err)
{
    fed_outbox unused;
    if (!fed_task_privacy(r->task)) return FED_OK;
    FED_TRY(fed_task_check_first_charge(r->task, err));
    fed_outbox_init(&unused);
    fed_status status =
        fed_population_ledger_new(&r->ledger, "simulated", r->task, &unused, err);
    fed_outbox_fini(&unused);
    return status;
}

/* Each version has one cohort here, whatever its name. */
static fed_status charge(fed_sumrun *r, fed_outbox *unused, fed_error *err)
{
    uint8_t own[FED_COHORT_ID_BYTES] = {0};
    fed_store_u64(own, r->state.version);
    const uint8_t *id = fed_task_charge_id(r->task, task_id, own);
    FED_TRY(fed_population_ledger_charge(r->ledger, r->task, FED_LEDGER_SEEN, id, unused,
                                         err));
    FED_TRY(fed_population_ledger_charge(r->ledger, r->task, FED_LEDGER_OUTPUT, id,
                                         unused, err));
    fed_status status = fed_population_ledger_check(r->ledger, r->task, task_id, err);
    r->is_spent = status == FED_E_BUDGET;
    return r->is_spent ? FED_OK : status;
}

fed_status fed_sumrun_charge(fed_sumrun *r, fed_error *err)
{
    fed_outbox unused;
    if (!r->ledger) return FED_OK;
    fed_outbox_init(&unused);
    fed_status status = charge(r, &unused, err);
    fed_outbox_fini(&unused);
    return status;
}

fed_privacy_spent fed_sumrun_privacy(const fed_sumrun *r)
{
    return fed_population_ledger_tell(r->ledger, r->task);
}

bool fed_sumrun_is_spent(const fed_sumrun *r)
{
    return r->is_spent;
}
