/*
 * coordinator: the server as one pure machine. It holds the tasks, invites devices, gathers
 * their updates in cohorts, and commits versions.
 *
 *     request  ──▶ fed_coordinator_step() ──▶ outbox: answers, records, next deadline
 *
 * A request is a FED_EVENT_MESSAGE: `peer` is the exchange, `type` a fed_request or a
 * fed_operator_request, `body` what was sent (a signed envelope for cohort messages). Every
 * request gets exactly one answer under the same `peer`, at once or, when it has to wait for
 * others, in a later step; a shell that stops waiting drops the answer when it comes. The
 * status of an answer is HTTP's; below 400 the body is a message, else a text.
 */
#ifndef FED_COORDINATOR_H
#define FED_COORDINATOR_H

#include "cohort.h"
#include "population_ledger.h"
#include "records.h"
#include "version_state.h"

enum {
    FED_COORDINATOR_TASKS_MAX = 64,
    FED_COORDINATOR_ENDED_KEPT = 32 /* ended cohorts whose outcome is still told */
};

/** What an operator asks; the numbers follow those of fed_request. */
typedef enum fed_operator_request {
    FED_REQUEST_TASK_CREATE = 32, /* body: fed_task_create_put() */
    FED_REQUEST_TASK_STOP = 33    /* body: fed_task_stop_put() */
} fed_operator_request;

/** What the shell around the coordinator asks of a new task beside: FED_OK, or a refusal
 *  (FED_E_REFUSED, FED_E_LIMIT, …) whose text the operator gets. Pure. */
typedef fed_status fed_coordinator_accept(void *ctx, const fed_task *task,
                                          fed_error *err);

typedef struct fed_coordinator_config {
    uint8_t server_seed[32];   /* signs versions */
    uint8_t operator_key[32];  /* whose tasks are accepted */
    bool has_enrolment_key;    /* without it tasks with secure aggregation are refused */
    uint8_t enrolment_key[32]; /* whose certificates devices must hold to join */
    int64_t
        wall_offset_ms;    /* wall clock minus monotonic clock, for the expiry of tasks */
    uint32_t retry_min_ms; /* the shortest pause that a device is asked to make */
    uint32_t retry_max_ms;
    fed_random random;              /* cohort ids, jitter */
    fed_coordinator_accept *accept; /* asked once, at creation; NULL: nothing beside */
    void *accept_ctx;
    const fed_parallel *parallel; /* borrowed; may be NULL */
} fed_coordinator_config;

typedef struct fed_coordinator fed_coordinator;

/** A coordinator without tasks. The configuration is copied. */
FED_MUST_CHECK fed_status fed_coordinator_new(fed_coordinator **out,
                                              const fed_coordinator_config *config,
                                              fed_error *err);
void fed_coordinator_free(fed_coordinator *c);
/** Put back what the journal holds; call it once, before the first step. */
FED_MUST_CHECK fed_status fed_coordinator_restore(fed_coordinator *c,
                                                  const fed_journal *journal, int64_t now,
                                                  fed_error *err);
/** The one entry. A failure is one of ours (out of memory, the DRBG): then the records of
 *  this step must not be carried out, and the process should end and restore. */
FED_MUST_CHECK fed_status fed_coordinator_step(fed_coordinator *c, const fed_event *event,
                                               int64_t now, fed_outbox *outbox,
                                               fed_error *err);

/** What people want to see of a task. Texts and spans are borrowed until the next step. */
typedef struct fed_task_info {
    fed_address id;
    const fed_task_document *document;
    const fed_task *task;
    fed_head head;
    uint32_t invited; /* devices asked in this round that hold no place yet */
    uint32_t placed, joined, submitted; /* in the open cohort */
    fed_phase phase;                    /* of the open cohort; PLACE when there is none */
    uint32_t last_members, last_survivors; /* of the cohort that made this version */
    fed_privacy_spent privacy;
    /* Where the plan asks for draws (privacy.sampling). */
    bool is_waiting;   /* for privacy.population devices to be enrolled */
    uint32_t enrolled; /* devices that may be drawn */
    uint32_t draws;    /* for this version so far */
    uint32_t fillings; /* times that too few of those drawn came in time */
} fed_task_info;

size_t fed_coordinator_task_count(const fed_coordinator *c);
/** The task number `index`, in order of creation. */
void fed_coordinator_task_info(const fed_coordinator *c, size_t index,
                               fed_task_info *out);
/** The parameters of the present version of a task; borrowed until the next step. */
const float *fed_coordinator_params(const fed_coordinator *c, size_t index);

/* ---- operator's messages -------------------------------------------------------------- */

/** Create: the signed task document and the resolved plan. */
FED_MUST_CHECK fed_status fed_task_create_put(fed_bytes *out, fed_span document,
                                              fed_span plan, fed_error *err);
/** Stop: the task, and the operator's signature over "fed-stop/1" and it. */
FED_MUST_CHECK fed_status fed_task_stop_put(fed_bytes *out, const fed_address *task,
                                            const uint8_t operator_seed[32],
                                            fed_error *err);

#endif
