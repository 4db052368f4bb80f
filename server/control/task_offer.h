/*
 * A task, as an operator offers it to a server: the author's plan is resolved, the initial
 * model computed from the seed, and both are named in a document that the operator signs. The
 * server computes the same model, and refuses if it comes to another address.
 */
#ifndef FED_TASK_OFFER_H
#define FED_TASK_OFFER_H

#include "model.h"
#include "task.h"

typedef struct fed_task_offer {
    fed_span plan;                  /* the author's, borrowed */
    const char *population;         /* borrowed; 1 to 64 printable ASCII characters */
    const char *name;               /* the same; NULL: the plan's name */
    uint64_t seed;                  /* of everything public in the task */
    int64_t created_ms, expires_ms; /* wall clock */
    uint8_t server_key[32];         /* who may sign its versions */
    uint8_t operator_seed[32];      /* the operator's private key */
} fed_task_offer;

/** Append the body of POST /v1/tasks to `body`; `id` is the task's address. Errors are those
 *  of the plan, the task and its document. */
FED_MUST_CHECK fed_status fed_task_offer_put(const fed_task_offer *offer, fed_bytes *body,
                                             fed_address *id, fed_error *err);

#endif
