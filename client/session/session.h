/*
 * session: one device as a pure machine, fed_session_step().
 *
 *   WAIT ▸ CHECKIN ▸ FETCH ▸ TRAIN ▸ PLACE ▸ JOIN ▸ INPUT ▸ RESULT ▸ WAIT …
 *
 * Events: START after creation (and restore); TIMER when the time asked for has come; MESSAGE
 * with the answer to the one request that is under way (`peer` its number, `status` HTTP's);
 * FAILED when that request got no answer. Messages in the outbox are requests: `type` is a
 * fed_request, `body` what fed_request_to_path() and POST need. At most one is under way.
 *
 * Nothing is believed that is not signed: the operator's key, which the device pins, signs
 * the task; the task names the server's key, which signs each version; blobs have the address
 * that a signed document gives them. An older version than one accepted before is refused.
 *
 * The accepted model outlives a restart when the plan makes differences: then a device that
 * holds one of the last versions loads a difference, and believes what comes out of it only
 * when it has the signed address. Whatever goes wrong on that way, it loads the model whole.
 *
 * Spent once: before the first byte of an update leaves, a record says so. From then on the
 * same bytes may go to the same cohort again and to no other, and the device never trains on
 * that model address or version of that task again. With differential privacy the same step
 * charges the device's ledger, and a device whose budget is spent says so and stays away. With
 * noise that is correlated over rounds (privacy.mechanism "matrix") it also records the round,
 * and stays away from those that are too close to it (session_rounds.c).
 */
#ifndef FED_SESSION_H
#define FED_SESSION_H

#include "base.h"
#include "crypto.h"
#include "model.h"
#include "secagg.h"
#include "task.h"
#include "trainer.h"
#include "wire.h"

enum {
    FED_SESSION_COHORTS_MAX = 8,  /* cohorts that one update may try */
    FED_SESSION_SPENT_KEPT = 256, /* model addresses that are remembered as spent */
    FED_SESSION_ROUNDS_KEPT =
        64, /* tasks of correlated noise that it takes part in, ever */
    FED_SESSION_BACKOFF_MIN_MS = 250,
    FED_SESSION_BACKOFF_MAX_MS = 300000
};

/** The record that holds the accepted model: u64 version, then the same bytes on every device
 *  that holds this version. For shells that keep many devices. */
#define FED_SESSION_MODEL_KEY "session/model"

typedef enum fed_session_state {
    FED_SESSION_WAIT = 0,
    FED_SESSION_CHECKIN = 1,
    FED_SESSION_FETCH = 2,
    FED_SESSION_TRAIN = 3,
    FED_SESSION_PLACE = 4,
    FED_SESSION_JOIN = 5,  /* in a cohort, up to (pick and) share */
    FED_SESSION_INPUT = 6, /* spent: the input is under way, or may be */
    FED_SESSION_RESULT = 7 /* it has arrived; (confirm and) reveal, or just waiting */
} fed_session_state;

/** "wait", "checkin", "fetch", … */
const char *fed_session_state_name(fed_session_state state);

/** What the device says of its circumstances when it checks in. */
typedef struct fed_conditions {
    bool charging, unmetered, idle;
} fed_conditions;

/** What the device insists on, whatever a plan says; zeros insist on nothing. */
typedef struct fed_session_floor {
    bool secagg;    /* refuse tasks without secure aggregation */
    bool privacy;   /* refuse tasks without differential privacy */
    double epsilon; /* refuse tasks that promise less against the server; 0: any */
    uint64_t max_participations; /* refuse tasks that ask for more; 0: any */
    fed_secagg_floor cohort;
} fed_session_floor;

typedef struct fed_session_config {
    char population[FED_POPULATION_MAX + 1];
    uint8_t operator_key[32];  /* pinned: whose tasks are run */
    uint8_t identity_seed[32]; /* Ed25519 */
    uint8_t device_seed[32];   /* keys shuffling and dropout; never leaves the device */
    int64_t wall_offset_ms;    /* wall clock minus monotonic clock */
    uint64_t steps_per_call;   /* training steps in one fed_session_step(); 0: all */
    uint64_t max_model_bytes;  /* a larger model is refused; 0: 1 GiB */
    bool is_enrolled;          /* certificate and enrolment_key are there */
    fed_certificate certificate;
    uint8_t enrolment_key[32]; /* pinned: who vouches for the other devices */
    fed_session_floor floor;
    fed_random random;
    fed_examples examples;
    /** May be NULL: then all conditions are met. */
    fed_conditions (*conditions)(void *ctx);
    void *conditions_ctx;
    const fed_parallel *parallel;
} fed_session_config;

typedef struct fed_session fed_session;

/** A session in state WAIT. The configuration is copied, what it points to borrowed. */
FED_MUST_CHECK fed_status fed_session_new(fed_session **out,
                                          const fed_session_config *config,
                                          fed_error *err);
void fed_session_free(fed_session *s);
/** Put back what the journal holds; once, before the first step. A finished update that was
 *  not delivered is delivered; a training that was cut off is done again. */
FED_MUST_CHECK fed_status fed_session_restore(fed_session *s, const fed_journal *journal,
                                              fed_error *err);
/** The one entry. A failure is one of the device's own (out of memory, the DRBG): the records
 *  of this step must not be carried out; restore from the journal. */
FED_MUST_CHECK fed_status fed_session_step(fed_session *s, const fed_event *event,
                                           int64_t now, fed_outbox *outbox,
                                           fed_error *err);

/* What may change between two steps. */
/** Other examples: a training under way begins again. */
void fed_session_set_examples(fed_session *s, const fed_examples *examples);
/** Training steps in one fed_session_step(); 0: all. */
void fed_session_set_steps_per_call(fed_session *s, uint64_t steps);
/** Wall clock minus monotonic clock: it decides whether a task has expired. */
void fed_session_set_wall_offset(fed_session *s, int64_t ms);

/** What an app may show. Counters are of this process. */
typedef struct fed_session_info {
    fed_session_state state;
    uint8_t device_key[32];
    fed_address task;                           /* zeros: none yet */
    uint64_t version;                           /* of the model at hand */
    uint64_t trained, delivered, lost, refused; /* rounds */
    uint64_t rebuilt;                           /* models that came as a difference */
    uint64_t loaded;                            /* models that came whole */
    uint64_t fell_back; /* differences that did not do, so that a model came whole */
    uint64_t zeroed;    /* of the trained: sent as the zero vector */
    uint64_t saturated; /* numbers of updates that were cut off, or wrapped around */
    uint64_t
        participations; /* charged to the device's ledger, ever; of a whole run that is
                                one charge, each counts */
    /* What they cost at the ledger's delta: against the server, or where that adds the noise
     * against those who see the models. */
    double epsilon;
    double last_loss;
    char last_refusal[200]; /* why the last offer or update was given up */
} fed_session_info;

fed_session_info fed_session_describe(const fed_session *s);
/** The accepted model: parameters, and the task that they belong to; NULL when there is none
 *  yet. Borrowed until the next step. */
const float *fed_session_model(const fed_session *s, const fed_task **task);

#endif
