/* Which tasks still fit what their populations were promised. */
#include "coordinator_internal.h"

#include <string.h>

fed_population_ledger *fed_coordinator_ledger(fed_coordinator *c, const char *population)
{
    for (size_t i = 0; i < c->n_ledgers; i++)
        if (strcmp(c->ledgers[i]->population, population) == 0) return c->ledgers[i];
    return NULL;
}

/* A task without noise gives away what another one promises to hide. */
static fed_status check_neighbours(const fed_step *s, const fed_served_task *t)
{
    for (size_t i = 0; i < s->c->n_tasks; i++) {
        const fed_served_task *other = s->c->tasks[i];
        if (other->head.state == FED_TASK_RUNNING && !fed_task_privacy(other->task) &&
            strcmp(other->document.population, t->document.population) == 0)
            return fed_fail(
                s->err, FED_E_REFUSED,
                "privacy.mechanism: task %s of population %s runs without any; "
                "stop it first",
                other->document.name, other->document.population);
    }
    return FED_OK;
}

fed_status fed_check_new_task(fed_step *s, const fed_served_task *t)
{
    const fed_population_ledger *l = fed_coordinator_ledger(s->c, t->document.population);
    if (fed_task_privacy(t->task)) FED_TRY(check_neighbours(s, t));
    if (!l)
        return fed_task_privacy(t->task) ? fed_task_check_first_charge(t->task, s->err)
                                         : FED_OK;
    return fed_fail_in(s->err,
                       fed_population_ledger_check(l, t->task, t->id.bytes, s->err),
                       "population %s", l->population);
}

fed_status fed_open_ledger(fed_step *s, fed_served_task *t)
{
    fed_coordinator *c = s->c;
    if (!fed_task_privacy(t->task)) return FED_OK;
    t->ledger = fed_coordinator_ledger(c, t->document.population);
    if (t->ledger) return FED_OK;
    if (c->n_ledgers == FED_COORDINATOR_TASKS_MAX)
        return fed_fail(s->err, FED_E_LIMIT, "ledgers of %d populations are here",
                        FED_COORDINATOR_TASKS_MAX);
    FED_TRY(fed_population_ledger_new(&t->ledger, t->document.population, t->task,
                                      s->outbox, s->err));
    c->ledgers[c->n_ledgers++] = t->ledger;
    return FED_OK;
}

fed_status fed_find_ledger(fed_coordinator *c, fed_served_task *t, fed_error *err)
{
    if (!fed_task_privacy(t->task)) return FED_OK;
    t->ledger = fed_coordinator_ledger(c, t->document.population);
    if (!t->ledger)
        return fed_fail(err, FED_E_FORMAT, "the ledger of population %s is missing",
                        t->document.population);
    t->ledger->is_changed = true; /* does the next round fit? */
    return FED_OK;
}

fed_status fed_charge_cohort(fed_step *s, fed_served_task *t, fed_ledger_view view)
{
    if (!t->ledger) return FED_OK;
    const uint8_t *id = fed_task_charge_id(t->task, t->id.bytes, t->cohort->id);
    return fed_population_ledger_charge(t->ledger, t->task, view, id, s->outbox, s->err);
}

/* A cohort that has been charged may end as it will. */
static bool may_be_ended(const fed_served_task *t)
{
    return t->head.state == FED_TASK_RUNNING &&
           (!t->cohort || t->cohort->phase <= FED_PHASE_INPUT);
}

static fed_status end_if_spent(fed_step *s, fed_served_task *t)
{
    fed_status status =
        fed_population_ledger_check(t->ledger, t->task, t->id.bytes, s->err);
    if (status != FED_E_BUDGET && status != FED_E_REFUSED) return status;
    fed_log(FED_LOG_WARN, "budget_spent", "task=%s reason=\"%s\"", t->document.name,
            s->err->text);
    return fed_task_end(s, t, FED_TASK_SPENT);
}

fed_status fed_end_spent_tasks(fed_step *s)
{
    for (size_t i = 0; i < s->c->n_tasks; i++) {
        fed_served_task *t = s->c->tasks[i];
        if (t->ledger && t->ledger->is_changed && may_be_ended(t))
            FED_TRY(end_if_spent(s, t));
    }
    for (size_t i = 0; i < s->c->n_ledgers; i++)
        s->c->ledgers[i]->is_changed = false;
    return FED_OK;
}
