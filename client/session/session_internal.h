/* The inside of a session, for this room's files only. */
#ifndef FED_SESSION_INTERNAL_H
#define FED_SESSION_INTERNAL_H

#include "session.h"

/** What is being fetched, in this order. */
typedef enum fed_fetch {
    FED_FETCH_TASK,
    FED_FETCH_PLAN,
    FED_FETCH_VERSION,
    FED_FETCH_ROUND,
    FED_FETCH_DIFFERENCE, /* to the model, from the one at hand */
    FED_FETCH_MODEL,
    FED_FETCH_NOTHING
} fed_fetch;

/** A task in which the distance between rounds counts, and this device's part in it. */
typedef struct fed_own_rounds {
    fed_address task;
    uint32_t taken; /* times that it took part: at least 1 */
    uint64_t next;  /* the first version in which it may again; FED_NO_ROUND: none */
} fed_own_rounds;

#define FED_NO_ROUND ((uint64_t)INT64_MAX)

struct fed_session {
    fed_session_config config;
    uint8_t device_key[32];
    fed_session_state state;
    int64_t wake_ms;
    uint64_t exchange;  /* number of the request under way, 0: none */
    uint64_t exchanges; /* requests made so far */
    uint32_t failures;  /* in a row: the back-off grows with them */
    uint32_t refusals;  /* of offers, since an update was last finished: likewise */
    uint64_t draws;

    /* The offer and what belongs to it. */
    fed_checkin_answer offer;
    fed_fetch fetching;
    fed_task_document document;
    fed_address task_id, version_blob;
    fed_task *task;        /* compiled; kept from round to round */
    uint8_t round_key[32]; /* address of the version document: what a place names */
    fed_codec_round *round;
    fed_version_document version;
    fed_bytes version_bytes; /* signed; `version.round` borrows from it */
    float *params;           /* the accepted model, */
    fed_address params_address;
    bool has_params; /* of version `accepted_version` */
    fed_trainer *trainer;

    /* The finished update. */
    uint8_t update_id[FED_UPDATE_ID_BYTES];
    uint8_t cohort[FED_COHORT_ID_BYTES];
    fed_phase phase; /* in a cohort: the message that is sent next, or was sent last */
    fed_secagg_device *party; /* NULL without secure aggregation */
    fed_bytes party_state;    /* of a party that was restored and not made yet */
    uint32_t resends;         /* in a row */
    uint32_t attempts;
    bool spent;
    fed_bytes update;   /* the input's body */
    fed_bytes residual; /* float32[d], little-endian, of version `residual_version` */
    uint64_t residual_version;
    fed_bytes next_residual; /* takes its place when the update is spent */

    /* What was accepted and what was spent. */
    uint64_t accepted_version; /* of task_id */
    bool has_accepted;
    fed_address spent_models[FED_SESSION_SPENT_KEPT];
    uint32_t n_spent; /* in all; the newest are kept */
    int64_t spent_ms; /* by the wall clock: when the newest was */

    /* What it has cost so far: one ledger for the population, whatever the task. */
    fed_ledger *ledger; /* NULL: no task needed one yet */
    fed_bytes ledger_bytes;
    char ledger_fault[160]; /* why it cannot be believed; then nothing is carried out */
    fed_own_rounds rounds[FED_SESSION_ROUNDS_KEPT];
    uint32_t n_rounds;

    fed_session_info info;
};

/** One step in progress. */
typedef struct fed_turn {
    fed_session *s;
    int64_t now;
    fed_outbox *outbox;
    fed_error *err;
} fed_turn;

/** Send a request and remember its number. */
fed_status fed_turn_ask(fed_turn *t, fed_request type, const void *body, size_t n);
/** Send a signed cohort message. */
fed_status fed_turn_ask_signed(fed_turn *t, fed_request type, fed_span body);
/** Wait `ms` in the present state. */
fed_status fed_turn_sleep(fed_turn *t, int64_t ms);
/** Wait a time that grows with the failures in a row, with jitter. */
fed_status fed_turn_back_off(fed_turn *t);
/** Go to WAIT after `ms`. */
fed_status fed_turn_rest(fed_turn *t, int64_t ms);
/** Give up the offer: say why, count it, rest. The failure of memory and the like is
 *  returned instead. */
fed_status fed_turn_refuse(fed_turn *t, fed_status why);
/** A failure of the device itself, which no server can cause. */
bool fed_session_is_own_failure(fed_status why);
/** Give up the update: it is not wanted, or lost. Erases it. */
fed_status fed_turn_drop(fed_turn *t, const char *why);

/* A file each. */
fed_status fed_turn_checkin(fed_turn *t);
fed_status fed_turn_checkin_answer(fed_turn *t, const fed_event *event);
fed_status fed_turn_fetch(fed_turn *t);
fed_status fed_turn_fetch_answer(fed_turn *t, const fed_event *event);
fed_status fed_turn_train(fed_turn *t);
fed_status fed_turn_place(fed_turn *t);
fed_status fed_turn_place_answer(fed_turn *t, const fed_event *event);
fed_status fed_turn_inbox(fed_turn *t);
/** After a restart: make the party from its stored state, or give the cohort up. */
fed_status fed_turn_revive_party(fed_turn *t);
fed_status fed_turn_cohort_answer(fed_turn *t, const fed_event *event);

/** May this device take part in this version? FED_E_BUDGET, FED_E_REFUSED: no. */
fed_status fed_session_check_ledger(const fed_session *s, uint64_t version,
                                    fed_error *err);
/** Charge the participation that begins with this step, in its records. */
fed_status fed_turn_charge(fed_turn *t);
/** Put the ledger back; a broken one becomes `ledger_fault`. */
fed_status fed_session_restore_ledger(fed_session *s, const fed_journal *journal,
                                      fed_error *err);

/** The part of the question that is about rounds and participations: session_rounds.c. */
fed_status fed_session_check_rounds(const fed_session *s, uint64_t version,
                                    fed_error *err);
/** Record that it takes part in the accepted version, in this step's records. It was checked. */
fed_status fed_turn_store_rounds(fed_turn *t);
/** Put the record back; FED_E_FORMAT unless it agrees with the ledger. */
fed_status fed_session_restore_rounds(fed_session *s, const fed_journal *journal,
                                      fed_error *err);
/** Participations that one charge stands for, beside itself. */
uint64_t fed_session_uncharged(const fed_session *s);
/** Do not believe the books any more: nothing is carried out. */
fed_status fed_session_distrust(fed_session *s, const char *why);

/** The hash that the ledger ends with; zeros when there is none. It is kept beside the ledger,
 *  and one that ends with another is not believed. */
void fed_session_ledger_head(const fed_session *s, uint8_t head[32]);
fed_status fed_session_check_head(fed_session *s, const uint8_t expected[32]);

/* Records. */
fed_status fed_turn_store_progress(fed_turn *t);
fed_status fed_turn_store_update(fed_turn *t);
fed_status fed_turn_store_residual(fed_turn *t);
/** The accepted model, when the plan makes differences that lead on from it. */
fed_status fed_turn_store_model(fed_turn *t);
/** The party's state, or its removal when there is none. */
fed_status fed_turn_store_party(fed_turn *t);
fed_status fed_turn_store_task(fed_turn *t, fed_span signed_document, fed_span plan);
fed_status fed_turn_erase_update(fed_turn *t);

/** Compile the task of `document` from its plan, in place of the one before. */
fed_status fed_session_set_task(fed_session *s, const fed_task_document *document,
                                const fed_address *id, fed_span plan, fed_error *err);
/** Make the party for the present cohort: anew, or from its stored state (not empty). */
fed_status fed_session_make_party(fed_session *s, int64_t now, fed_span state,
                                  fed_error *err);
/** Milliseconds until the plan at hand lets the device take part again; 0: now. */
int64_t fed_session_rest_left(fed_session *s, int64_t now);
bool fed_session_has_spent(const fed_session *s, const fed_address *model,
                           uint64_t version);

#endif
