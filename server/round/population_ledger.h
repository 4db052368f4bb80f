/*
 * The server's book of what a population gave away: one ledger, whatever tasks it runs. What
 * the server comes to see is charged in the step that fixes the survivors, so before anybody
 * is asked to reveal; what a version gives away, in the step that commits it. In the store
 * each record has a key of its own.
 */
#ifndef FED_POPULATION_LEDGER_H
#define FED_POPULATION_LEDGER_H

#include "records.h"
#include "task.h"

/** What a population gave away so far, by all its tasks, as seen from one of them. */
typedef struct fed_privacy_spent {
    bool is_private; /* else nothing here means anything */
    double delta;    /* of the ledger */
    /* By who sees the models; by the server with its colluders. INFINITY: nothing is promised. */
    double epsilon_output, epsilon_server;
    double budget_output, budget_server; /* of this task's plan; INFINITY: none */
} fed_privacy_spent;

typedef struct fed_population_ledger {
    char population[FED_POPULATION_MAX + 1];
    fed_ledger *ledger;
    uint32_t stored; /* values in the store: the header and the records */
    bool is_changed; /* charged since it was last asked what still fits */
    double epsilon_output, epsilon_server; /* spent, at the ledger's delta */
    fed_bytes restoring;                   /* what was read so far */
} fed_population_ledger;

void fed_population_ledger_free(fed_population_ledger *l);

/** A new one on the terms of `task`, stored in `outbox`. */
FED_MUST_CHECK fed_status fed_population_ledger_new(fed_population_ledger **out,
                                                    const char *population,
                                                    const fed_task *task,
                                                    fed_outbox *outbox, fed_error *err);
/** Would one more cohort of the task with this id, and the version that it makes, fit?
 *  FED_E_BUDGET, FED_E_REFUSED with the numbers. */
FED_MUST_CHECK fed_status fed_population_ledger_check(const fed_population_ledger *l,
                                                      const fed_task *task,
                                                      const uint8_t id[32],
                                                      fed_error *err);
/** The version alone. */
FED_MUST_CHECK fed_status
fed_population_ledger_check_output(const fed_population_ledger *l, const fed_task *task,
                                   const uint8_t id[32], fed_error *err);
/** `l` may be NULL: nothing is private. */
fed_privacy_spent fed_population_ledger_tell(const fed_population_ledger *l,
                                             const fed_task *task);
/** Charge a cohort, or the whole run (fed_task_charge_id), and store that in `outbox`. Twice is
 *  once. */
FED_MUST_CHECK fed_status fed_population_ledger_charge(
    fed_population_ledger *l, const fed_task *task, fed_ledger_view view,
    const uint8_t id[32], fed_outbox *outbox, fed_error *err);

/** Putting back: the values in the order of their keys, then open. FED_E_FORMAT when they are
 *  not a whole chain. */
FED_MUST_CHECK fed_status fed_population_ledger_take(fed_population_ledger *l,
                                                     uint32_t number, fed_span value,
                                                     fed_error *err);
FED_MUST_CHECK fed_status fed_population_ledger_open(fed_population_ledger *l,
                                                     fed_error *err);

#endif
