/* The bodies of cohort messages, and of the server's answers to them. */
#ifndef FED_COHORT_MESSAGES_H
#define FED_COHORT_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"
#include "envelope.h"

/** Phases of a cohort, in order; on the wire in answers and in `inbox?after=`. */
typedef enum fed_phase {
    FED_PHASE_PLACE = 0,
    FED_PHASE_JOIN = 1,
    FED_PHASE_PICK = 2,
    FED_PHASE_SHARE = 3,
    FED_PHASE_INPUT = 4,
    FED_PHASE_CONFIRM = 5,
    FED_PHASE_REVEAL = 6,
    FED_PHASE_DONE = 7,
    FED_PHASE_ABORTED = 8
} fed_phase;

/** "place", "join", … "aborted"; "unknown" for anything else. */
const char *fed_phase_name(fed_phase phase);
/** The phase of a name, or -1. */
int fed_phase_from_name(const char *name);

/** Place: a device holds a finished update of (task, version) and asks for a cohort. */
typedef struct fed_place {
    uint8_t task[32]; /* address of the task document */
    uint64_t version; /* the model version it trained on */
    uint8_t
        round[32]; /* address of that version's document: support, clip and scale agree */
    uint8_t update_id[FED_UPDATE_ID_BYTES];
} fed_place;

/** The answer: which cohort, and how long (from now) it may take to join. */
typedef struct fed_placed {
    uint8_t cohort[FED_COHORT_ID_BYTES];
    uint32_t join_by_ms;
} fed_placed;

/** Join: the update, and what secure aggregation needs of its owner (empty without). */
typedef struct fed_join {
    uint8_t update_id[FED_UPDATE_ID_BYTES];
    fed_span bundle; /* borrowed when parsed */
} fed_join;

enum { FED_JOIN_BUNDLE_MAX = 4096 };

/** What the server tells a member; `phase` is the phase that the device enters by it. */
typedef struct fed_answer {
    fed_phase phase;
    uint32_t members;  /* n, once the roster is closed */
    uint32_t index;    /* this device's place in it */
    uint32_t phase_ms; /* how long the phase may take, from now */
    uint64_t version;  /* DONE: the version that the sum made */
    fed_span
        payload; /* secure aggregation's part; ABORTED: the reason as text. Borrowed */
} fed_answer;

enum { FED_ANSWER_PAYLOAD_MAX = 64 << 20 };

/** Inbox: what came after the phase that the device has finished. */
typedef struct fed_inbox_query {
    uint8_t cohort[FED_COHORT_ID_BYTES];
    uint8_t sender[32];
    fed_phase after;
} fed_inbox_query;

enum { FED_INBOX_QUERY_BYTES = 65, FED_PLACE_BYTES = 88, FED_PLACED_BYTES = 36 };

void fed_place_put(fed_bytes *out, const fed_place *m);
FED_MUST_CHECK fed_status fed_place_get(fed_place *m, fed_span body, fed_error *err);
void fed_placed_put(fed_bytes *out, const fed_placed *m);
FED_MUST_CHECK fed_status fed_placed_get(fed_placed *m, fed_span body, fed_error *err);
void fed_join_put(fed_bytes *out, const fed_join *m);
FED_MUST_CHECK fed_status fed_join_get(fed_join *m, fed_span body, fed_error *err);
void fed_answer_put(fed_bytes *out, const fed_answer *m);
FED_MUST_CHECK fed_status fed_answer_get(fed_answer *m, fed_span body, fed_error *err);
void fed_inbox_query_put(fed_bytes *out, const fed_inbox_query *m);
FED_MUST_CHECK fed_status fed_inbox_query_get(fed_inbox_query *m, fed_span body,
                                              fed_error *err);

#endif
