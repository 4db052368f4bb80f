/* The inside of the coordinator, for this room's files only. */
#ifndef FED_COORDINATOR_INTERNAL_H
#define FED_COORDINATOR_INTERNAL_H

#include "coordinator.h"
#include "enrolled.h"
#include "invitations.h"
#include "population_ledger.h"

/** A task as the server carries it out. */
typedef struct fed_served_task {
    fed_address id;
    fed_task_document document;
    fed_task *task;
    fed_head head;
    fed_address round_address; /* of the version document: what a place must name */
    fed_version_state state;
    fed_invitations invitations; /* of this round */
    fed_drawn drawn;             /* of this round, if the plan asks for draws */
    uint32_t fillings;   /* times that those drawn were too few when time was up */
    bool is_waiting;     /* for enough enrolled devices to draw from */
    int64_t fill_end_ms; /* when training and filling should be over, or NEVER */
    fed_cohort *cohort;  /* the open one, or NULL */
    uint32_t last_members, last_survivors;
    fed_population_ledger *ledger; /* the population's; NULL without privacy */
} fed_served_task;

struct fed_coordinator {
    fed_coordinator_config config;
    uint8_t server_key[32];
    fed_served_task *tasks[FED_COORDINATOR_TASKS_MAX];
    size_t n_tasks;
    fed_population_ledger *ledgers[FED_COORDINATOR_TASKS_MAX];
    size_t n_ledgers;
    fed_enrolled *populations[FED_COORDINATOR_TASKS_MAX]; /* those drawn from */
    size_t n_populations;
    fed_cohort *ended[FED_COORDINATOR_ENDED_KEPT]; /* a ring, oldest overwritten */
    size_t next_ended;
    uint64_t draws;  /* of randomness, so that each has a name of its own */
    int64_t last_ms; /* of the newest step */
};

/** One step in progress: what its handlers need. */
typedef struct fed_step {
    fed_coordinator *c;
    const fed_event *event;
    int64_t now;
    fed_outbox *outbox;
    fed_error *err;
} fed_step;

fed_served_task *fed_served_task_find(fed_coordinator *c, const fed_address *id);
void fed_served_task_free(fed_served_task *t);

/* Answers. A refusal is an answer, so these return FED_OK unless the outbox fails. */
fed_status fed_step_answer(fed_step *s, unsigned status, fed_bytes *taken);
fed_status fed_step_refuse(fed_step *s, unsigned status, const char *text);
/** A refusal with the status that belongs to a fed_status; FED_E_NOMEM and the like are
 *  returned as they are. */
fed_status fed_step_refuse_because(fed_step *s, fed_status why);

/* Handlers, a file each. */
fed_status fed_handle_checkin(fed_step *s);
fed_status fed_handle_place(fed_step *s, const fed_envelope *e);
fed_status fed_handle_join(fed_step *s, fed_cohort *c, const fed_envelope *e);
fed_status fed_handle_input(fed_step *s, fed_cohort *c, const fed_envelope *e);
fed_status fed_handle_phase(fed_step *s, fed_cohort *c, const fed_envelope *e);
fed_status fed_handle_inbox(fed_step *s);
/** Give a cohort its party of secure aggregation. */
fed_status fed_cohort_start_party(fed_coordinator *coordinator, fed_served_task *t,
                                  fed_cohort *c, fed_error *err);
fed_status fed_handle_task_create(fed_step *s);
fed_status fed_handle_task_stop(fed_step *s);

/* Privacy: budgets.c. */
/** Would a new task fit what its population was promised, and what is left of it? */
fed_status fed_check_new_task(fed_step *s, const fed_served_task *t);
/** Give the task its population's ledger, a new one if there is none. */
fed_status fed_open_ledger(fed_step *s, fed_served_task *t);
/** The same at a restart, when it must be there. */
fed_status fed_find_ledger(fed_coordinator *c, fed_served_task *t, fed_error *err);
fed_population_ledger *fed_coordinator_ledger(fed_coordinator *c, const char *population);
/** Charge the open cohort. FED_E_BUDGET, FED_E_REFUSED: it does not fit. */
fed_status fed_charge_cohort(fed_step *s, fed_served_task *t, fed_ledger_view view);
/** End every task whose next round does not fit any more. */
fed_status fed_end_spent_tasks(fed_step *s);

/* draws.c */

/** The enrolled devices of a population, or NULL when no task ever drew from it. */
fed_enrolled *fed_coordinator_enrolled(const fed_coordinator *c, const char *population);
/** The same, made when it is not there. */
fed_status fed_coordinator_open_enrolled(fed_coordinator *c, const char *population,
                                         fed_enrolled **out, fed_error *err);
/** Has the device proven that it is the one it says, and enrolled? Then it is in the table. */
fed_status fed_checkin_prove(fed_step *s, const fed_checkin *m, bool *proven);
/** May this device take part in this round? */
bool fed_served_task_admits(const fed_served_task *t, const uint8_t device[32]);
/** How many may. */
uint32_t fed_served_task_places(const fed_served_task *t);
/** Draw, if the plan asks for it, no draw stands, and there are enough to draw from. */
fed_status fed_served_task_draw(fed_step *s, fed_served_task *t);
/** The round is over: forget whom it was for. */
fed_status fed_served_task_undraw(fed_step *s, fed_served_task *t);
/** Time was up with too few: is it time for another draw? */
bool fed_served_task_loses_patience(fed_served_task *t);

/** The cohort with this id, open or ended, or NULL. */
fed_cohort *fed_coordinator_find_cohort(fed_coordinator *c, const uint8_t id[32]);
/** Let time pass: close rosters and inputs that are full or whose time is up. */
fed_status fed_coordinator_advance(fed_step *s);
/** Write an ended or closed cohort, and answer whoever waits for it. */
fed_status fed_cohort_announce(fed_step *s, fed_cohort *c);
/** Keep an ended cohort for those who ask late; takes it. */
fed_status fed_coordinator_retire(fed_step *s, fed_served_task *t);
/** Make the next version from the open cohort's sum, in this step's transaction. */
fed_status fed_commit(fed_step *s, fed_served_task *t);
/** Records of a version: document, model, head, state. `parent` is NULL for version 0. */
fed_status fed_store_version(fed_step *s, fed_served_task *t, const fed_address *parent);
/** past_noise.c: the place that the newest version wrote; those that it ended, and at the end of
 *  the task all of them, are erased. */
fed_status fed_store_past_noise(fed_step *s, const fed_served_task *t);
/** No version comes any more: what is left of the noise of those that are out goes. */
fed_status fed_erase_past_noise(fed_step *s, fed_served_task *t);
fed_status fed_restore_past_noise(const fed_journal *journal, fed_served_task *t,
                                  fed_error *err);
/** Stop inviting: the task is done, stopped, expired, or its budget is spent. */
fed_status fed_task_end(fed_step *s, fed_served_task *t, fed_task_state state);
/** Build what is in memory of a task whose document and plan are known. */
fed_status fed_served_task_new(fed_served_task **out, const fed_task_document *document,
                               const fed_address *id, fed_span plan, fed_error *err);

#endif
