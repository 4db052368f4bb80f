/* A coordinator over a journal in memory, and hands to move it: devices are numbers, requests
 * are one call each, and what was answered can be looked up. */
#ifndef FED_COORDINATOR_RIG_H
#define FED_COORDINATOR_RIG_H

#include "harness.h"
#include "round.h"

enum { RIG_EXCHANGES = 4096 };

typedef struct rig_answer {
    unsigned status; /* 0: not answered yet */
    unsigned times;  /* how often it was answered */
    fed_bytes body;
} rig_answer;

typedef struct rig {
    fed_coordinator_config config;
    uint64_t random_seed;
    fed_memory_journal *journal;
    fed_coordinator *coordinator;
    int64_t now, wake_ms;
    fed_task *task; /* of the newest task made with rig_create() */
    fed_address task_id;
    rig_answer answers[RIG_EXCHANGES];
    size_t exchanges;
} rig;

/** A plan of a tiny model: `rounds` is the inside of its "rounds" object. */
const char *rig_plan(const char *rounds);
/** The same with other fields put in before "rounds": `"strategy":{…},`. */
const char *rig_plan_with(const char *fields, const char *rounds);
/** "count":…: three are invited, two are enough, two are wanted. */
#define RIG_ROUNDS                                                                       \
    "\"count\":3,\"cohort\":2,\"over_select\":1.5,\"min_survivors\":2,"                  \
    "\"deadline_s\":60,\"phase_s\":10"

void rig_open(rig *r);
void rig_close(rig *r);
/** Kill the process and start it again from what is stored. */
void rig_restart(rig *r);
/** Have a coordinator that lives through a failed step be thrown away as a shell would. */
fed_status rig_step(rig *r, const fed_event *event, fed_error *err);

/** One request; the number of its exchange. */
size_t rig_ask(rig *r, uint32_t type, const void *body, size_t n);
/** Ask, and what HTTP status came at once (0: it waits). */
unsigned rig_ask_now(rig *r, uint32_t type, const void *body, size_t n);
unsigned rig_status(const rig *r, size_t exchange);
/** The text of an answer. */
const char *rig_text(rig *r, size_t exchange);
/** The newest exchange. */
size_t rig_last(const rig *r);
/** Let time pass: `ms` from now, with one timer event. */
void rig_wait(rig *r, int64_t ms);

/* ---- operators ---- */

extern const uint8_t rig_operator_seed[32], rig_server_seed[32], rig_enrolment_seed[32];

/** The document of a task with this plan, ready to be changed; `task` (the caller's) is what
 *  it comes to. */
void rig_document(const char *plan, fed_task_document *doc, fed_task **task);
/** Sign and send it: the exchange. `operator_seed` NULL: the right one. */
size_t rig_send_document(rig *r, const fed_task_document *doc, const fed_task *task,
                         const uint8_t *operator_seed);
/** Create a task that must be accepted. */
void rig_create(rig *r, const char *plan, const char *name);
size_t rig_stop(rig *r, const fed_address *task, const uint8_t operator_seed[32]);
fed_task_info rig_info(const rig *r, size_t index);

/* ---- devices ---- */

void rig_identity(unsigned device, uint8_t seed[32], uint8_t key[32]);
/** A signed message from a device: the caller's. */
void rig_seal(fed_bytes *out, fed_request type, unsigned device, const uint8_t cohort[32],
              fed_span body);
size_t rig_checkin(rig *r, unsigned device, const char *population, uint32_t examples);
/** Start again with an enrolment key. */
void rig_use_enrolment(rig *r);
/** A check-in of population "p" as an enrolled device sends it: of 1024 examples, and with a
 *  certificate that holds until `expires_s`. */
void rig_signed_checkin(unsigned device, int64_t expires_s, fed_checkin *m);
size_t rig_send_checkin(rig *r, const fed_checkin *m);
/** Place an update of the present version of task 0; `update` is its id. */
size_t rig_place(rig *r, unsigned device, uint8_t update);
size_t rig_place_as(rig *r, unsigned device, const fed_place *place);
size_t rig_join(rig *r, unsigned device, uint8_t update, const uint8_t cohort[32]);
/** An input that fits version 0 of the newest task, or any bytes. */
size_t rig_input(rig *r, unsigned device, const uint8_t cohort[32]);
size_t rig_input_bytes(rig *r, unsigned device, const uint8_t cohort[32], fed_span bytes);
size_t rig_inbox(rig *r, unsigned device, const uint8_t cohort[32], fed_phase after);
/** The cohort of the last place's answer. */
void rig_cohort(rig *r, size_t exchange, uint8_t cohort[32]);
/** Bytes of an update of the present version: the caller's. */
void rig_update(const rig *r, unsigned device, fed_bytes *out);
/** A whole round of task 0 by devices 0, 1, 2: place, join, input. */
void rig_round(rig *r, uint8_t update);

#endif
