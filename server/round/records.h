/*
 * What is durable, and under which keys. All of a step's records are one transaction.
 *
 *   task/ID/document       the signed task document
 *   task/ID/plan           the resolved plan
 *   task/ID/head           fed_head: state, version, addresses
 *   task/ID/state          fed_version_state_encode() of the present version
 *   task/ID/noise/PLACE    what later noise needs of earlier (fed_matrix_stream_write), while
 *                          the task runs; PLACE: 5 digits
 *   task/ID/draw           fed_drawn: whom a draw by secret coins lets into this round
 *   task/ID/trace/VERSION  fed_trace: the cohort that made the version
 *   enrolled/KEY/POPULATION/NUMBER  a device that has shown its certificate, and until when
 *                          that holds; KEY: 16 digits of the enrolment key, NUMBER: decimal
 *   cohort/ID              fed_roster of a running cohort, or of one that has ended
 *   cohort/ID/log/NUMBER   records of its secure aggregation while it runs, in order
 *   ledger/POPULATION/N    its ledger: the header, then one record each
 *   blob/ADDRESS           content-addressed bytes: models, documents, plans
 *
 * ID and ADDRESS are 64 hex digits, VERSION is 16 decimal digits, N 8: keys sort by them.
 */
#ifndef FED_RECORDS_H
#define FED_RECORDS_H

#include "base.h"
#include "model.h"
#include "wire.h"

enum {
    FED_KEY_MAX = 192,
    FED_VERSIONS_KEPT = 4,
    /* The blobs of a version, in fed_head.kept: */
    FED_KEPT_MODEL = 0,
    FED_KEPT_DOCUMENT = 1,
    FED_KEPT_ROUND = 2,       /* when it does not stand in the document */
    FED_KEPT_DIFFERENCES = 3, /* the first of them */
    FED_KEPT_BLOBS = FED_KEPT_DIFFERENCES + FED_DIFFERENCES_MAX,
    FED_HEAD_BYTES_MAX = 512 + FED_VERSIONS_KEPT * FED_KEPT_BLOBS * FED_ADDRESS_BYTES
};

typedef enum fed_task_state {
    FED_TASK_RUNNING = 1,
    FED_TASK_DONE = 2,    /* rounds.count versions are made */
    FED_TASK_STOPPED = 3, /* by the operator */
    FED_TASK_EXPIRED = 4,
    FED_TASK_SPENT = 5 /* one more round would break the privacy that was promised */
} fed_task_state;

/** "running", "done", "stopped", "expired", "budget_spent". */
const char *fed_task_state_name(fed_task_state state);

typedef struct fed_head {
    fed_task_state state;
    uint64_t version;
    fed_address model, version_blob, task_blob;
    /* Of the newest versions, at [version % kept]: what a later version lets go. */
    fed_address kept[FED_VERSIONS_KEPT][FED_KEPT_BLOBS]; /* zeros: no such blob */
    uint64_t upload_bytes; /* of all input bodies that were accepted, all versions */
} fed_head;

/** A member of a cohort, as it is kept. */
typedef struct fed_roster_member {
    uint8_t device[32]; /* public key */
    uint8_t update_id[FED_UPDATE_ID_BYTES];
    bool survived;
} fed_roster_member;

/** A cohort, as it is kept: running (phase INPUT), or ended (DONE, ABORTED). */
typedef struct fed_roster {
    fed_address task;
    uint8_t cohort[FED_COHORT_ID_BYTES];
    uint64_t version; /* that its members trained on */
    fed_phase phase;
    char reason[128]; /* why it was aborted */
    uint32_t n;
    fed_roster_member *members; /* owned */
} fed_roster;

void fed_roster_fini(fed_roster *r);

/** A round's draw, as it is kept from before the first invitation until the round is over. The
 *  secret it came from is gone by then. */
typedef struct fed_drawn {
    uint64_t version;
    uint32_t attempt;  /* 0: nobody has been drawn for this version yet */
    uint32_t enrolled; /* when it was made */
    uint32_t n;
    uint8_t (*devices)[32]; /* public keys, ascending; owned */
} fed_drawn;

/** Wipes it: zeroed is empty. */
void fed_drawn_fini(fed_drawn *drawn);
bool fed_drawn_has(const fed_drawn *drawn, const uint8_t device[32]);

void fed_key_task(char key[FED_KEY_MAX], const fed_address *task, const char *leaf);
void fed_key_trace(char key[FED_KEY_MAX], const fed_address *task, uint64_t version);
void fed_key_noise(char key[FED_KEY_MAX], const fed_address *task, uint32_t place);
void fed_key_cohort(char key[FED_KEY_MAX], const uint8_t cohort[FED_COHORT_ID_BYTES]);
void fed_key_cohort_log(char key[FED_KEY_MAX], const uint8_t cohort[FED_COHORT_ID_BYTES],
                        uint32_t number);
void fed_key_ledger(char key[FED_KEY_MAX], const char *population, uint32_t number);
void fed_key_blob(char key[FED_KEY_MAX], const fed_address *address);

void fed_key_enrolled(char key[FED_KEY_MAX], const uint8_t enrolment_key[32],
                      const char *population, uint32_t number);

void fed_head_put(fed_bytes *out, const fed_head *head);
FED_MUST_CHECK fed_status fed_head_get(fed_head *head, fed_span bytes, fed_error *err);
void fed_roster_put(fed_bytes *out, const fed_roster *roster);
/** `roster` is the caller's, for fed_roster_fini(); empty after a failure. */
FED_MUST_CHECK fed_status fed_roster_get(fed_roster *roster, fed_span bytes,
                                         fed_error *err);
void fed_drawn_put(fed_bytes *out, const fed_drawn *drawn);
/** `drawn` is the caller's, for fed_drawn_fini(); empty after a failure. */
FED_MUST_CHECK fed_status fed_drawn_get(fed_drawn *drawn, fed_span bytes, fed_error *err);

#endif
