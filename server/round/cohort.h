/*
 * cohort: one aggregation session. It lasts seconds: its members have finished training.
 *
 *     JOIN ─▶ (PICK ─▶ SHARE ─▶) INPUT ─▶ (CONFIRM ─▶ REVEAL ─▶) DONE
 *       └────────── too few, or something is wrong ──────────▶ ABORTED
 *
 * What is in brackets is there with secure aggregation: then the cohort wraps the server's
 * party (secagg room), and `sum` holds nothing until the masks are off. A phase ends when
 * nobody is waited for any more, or when its time is up.
 *
 * A request that has to wait is remembered (`waiting`) and answered when the phase changes;
 * what a member should see now can be asked for at any time, so an answer that got lost is
 * simply asked for again.
 */
#ifndef FED_COHORT_H
#define FED_COHORT_H

#include "records.h"
#include "task.h"

typedef struct fed_member {
    uint8_t device[32];
    uint8_t update_id[FED_UPDATE_ID_BYTES];
    bool joined;
    bool submitted;  /* its input is here; when DONE: in the sum */
    uint32_t number; /* in the party */
    bool is_waiting;
    uint64_t waiting; /* the exchange that is held open, if is_waiting */
    fed_phase after;  /* the phase that the waiting device has finished */
} fed_member;

typedef struct fed_cohort {
    uint8_t id[FED_COHORT_ID_BYTES];
    fed_address task;
    uint64_t version;
    fed_phase phase; /* JOIN, INPUT, DONE or ABORTED */
    uint32_t cap, n, n_joined, n_submitted;
    fed_member *members; /* cap of them */
    int64_t phase_end_ms;
    uint32_t phase_ms;
    fed_codec_sum sum;        /* from INPUT on; with secure aggregation in DONE */
    fed_secagg_server *party; /* NULL without secure aggregation */
    fed_bytes log;            /* records of the party that are not stored yet */
    uint32_t logged;          /* log records stored so far */
    char reason[128];
    uint64_t upload_bytes; /* of the inputs in the sum */
} fed_cohort;

/** An empty cohort in phase JOIN for at most `cap` members. */
FED_MUST_CHECK fed_status fed_cohort_init(fed_cohort *c, const uint8_t id[32],
                                          const fed_address *task, uint64_t version,
                                          uint32_t cap, uint32_t phase_ms,
                                          fed_error *err);
void fed_cohort_fini(fed_cohort *c);
/** A cohort in phase INPUT, or an ended one, from its record. */
FED_MUST_CHECK fed_status fed_cohort_restore(fed_cohort *c, const fed_roster *roster,
                                             uint32_t phase_ms, fed_error *err);
/** Its record. `roster` is the caller's. */
FED_MUST_CHECK fed_status fed_cohort_record(const fed_cohort *c, fed_roster *roster,
                                            fed_error *err);

/** Turn secure aggregation on; before anybody joins. */
FED_MUST_CHECK fed_status fed_cohort_use_secagg(fed_cohort *c,
                                                const fed_secagg_server_config *config,
                                                fed_error *err);
/** Put the party of a restored cohort back, one stored log at a time, in order. */
FED_MUST_CHECK fed_status fed_cohort_replay(fed_cohort *c, fed_span log, fed_error *err);

fed_member *fed_cohort_find(fed_cohort *c, const uint8_t device[32]);

/** Give a device a place. The same device with the same update again is fine. FED_E_STATE:
 *  not in phase JOIN; FED_E_EXISTS: another update of this device is here; FED_E_LIMIT: full. */
FED_MUST_CHECK fed_status fed_cohort_place(fed_cohort *c, const uint8_t device[32],
                                           const uint8_t update_id[FED_UPDATE_ID_BYTES],
                                           fed_error *err);
/** A device that has a place is here and ready. FED_E_NOT_FOUND, FED_E_INVALID (another
 *  update), FED_E_STATE (the roster is closed without it). */
FED_MUST_CHECK fed_status fed_cohort_join(fed_cohort *c, const uint8_t device[32],
                                          const uint8_t update_id[FED_UPDATE_ID_BYTES],
                                          fed_span bundle, int64_t wall_s,
                                          fed_error *err);
/** Those who have a place and have not joined lose it; in phase JOIN. */
void fed_cohort_drop_absent(fed_cohort *c);
/** Close the roster: those who have not joined lose their place; the next phase begins. */
FED_MUST_CHECK fed_status fed_cohort_close_roster(fed_cohort *c, const fed_task *task,
                                                  const fed_codec_round *round,
                                                  int64_t now, fed_error *err);
/** Add a member's input. Twice is fine and counts once. FED_E_STATE outside phase INPUT;
 *  FED_E_FORMAT for bytes that do not fit the round. */
FED_MUST_CHECK fed_status fed_cohort_input(fed_cohort *c, const fed_task *task,
                                           const fed_codec_round *round,
                                           const uint8_t device[32], fed_span body,
                                           fed_error *err);
/** Any later message of the secure aggregation, by its phase. */
FED_MUST_CHECK fed_status fed_cohort_receive(fed_cohort *c, fed_member *member,
                                             fed_phase phase, fed_span body,
                                             fed_error *err);
/** True when the present phase (after JOIN) waits for nobody. */
bool fed_cohort_is_complete(const fed_cohort *c);
/** End the present phase (after JOIN) with those who came: the next one, DONE, or ABORTED
 *  (fewer than `min_survivors`, or the party's reason). */
FED_MUST_CHECK fed_status fed_cohort_close_phase(fed_cohort *c, const fed_task *task,
                                                 const fed_codec_round *round,
                                                 uint32_t min_survivors, int64_t now,
                                                 fed_error *err);
void fed_cohort_abort(fed_cohort *c, const char *format, ...) FED_PRINTF(2, 3);

/** What a member that has finished phase `after` should see now. `status` receives HTTP's: 200
 *  with `answer` filled, 202 when it has to wait, 409 when its message of `after` must be sent
 *  again, 410 (answer: ABORTED) when the cohort went on or ended without it. The answer's
 *  payload borrows from `payload`, which is the caller's. */
FED_MUST_CHECK fed_status fed_cohort_answer(const fed_cohort *c, const fed_member *member,
                                            fed_phase after, int64_t now,
                                            fed_answer *answer, fed_bytes *payload,
                                            unsigned *status, fed_error *err);

#endif
