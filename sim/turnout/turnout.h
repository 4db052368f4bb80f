/*
 * turnout: who takes part in a round, and what becomes of them, decided before the round.
 *
 * A round is one attempt at a version. Members are drawn from the devices that are eligible
 * and free (all of them, or those that the secret coins of privacy.sampling let in); each is
 * given a fate: the phase in which it drops, or none. Some devices are
 * broken or hostile for good. All of it follows from the seed, so both fidelities, which obey
 * it, see the same round.
 *
 *   faults.c       the file of --faults
 *   turnout.c      draws, fates, and who is free
 */
#ifndef FED_TURNOUT_H
#define FED_TURNOUT_H

#include "base.h"
#include "population.h"
#include "task.h"

/** Where a device drops: its work counts from AFTER_INPUT on. */
typedef enum fed_fate {
    FED_FATE_BEFORE_TRAINING,
    FED_FATE_BEFORE_PLACE,
    FED_FATE_BEFORE_JOIN,
    FED_FATE_BEFORE_INPUT,
    FED_FATE_AFTER_INPUT, /* its input is there, but it never hears of the result */
    FED_FATE_NONE,
    FED_FATES = FED_FATE_NONE /* fates that are drop-outs */
} fed_fate;

/** "before_training" and so on: the keys of a faults file. */
const char *fed_fate_name(fed_fate fate);

/** What a device is, in every round. */
typedef enum fed_health {
    FED_HEALTHY,
    FED_NOT_FINITE, /* its data hold a NaN: it cannot train */
    FED_GARBAGE     /* it uploads bytes that mean nothing */
} fed_health;

/** Probabilities; zeroed means that nothing goes wrong. */
typedef struct fed_faults {
    double drop[FED_FATES];     /* that a member drops there, in each round */
    double not_finite, garbage; /* shares of the population */
    double server_crash;        /* before or after each step; fidelity `protocol` only */
} fed_faults;

enum { FED_FAULTS_MAX_BYTES = 65536 };

/** Read a faults file:
 *  {"format": "fed-faults/1", "drop": {"before_input": 0.1}, "garbage": 0.01}.
 *  What is left out is 0. FED_E_FORMAT: not JSON; FED_E_INVALID: field, value and bound. */
FED_MUST_CHECK fed_status fed_faults_parse(fed_faults *out, fed_span json,
                                           fed_error *err);

/** A member of a round. */
typedef struct fed_attendee {
    uint32_t client;
    fed_fate fate;
} fed_attendee;

/** One thread at a time. */
typedef struct fed_turnout fed_turnout;

/** Task and population are borrowed. FED_E_INVALID when fewer devices are eligible than the
 *  plan invites, or when the data cannot show a fault. */
FED_MUST_CHECK fed_status fed_turnout_new(fed_turnout **out,
                                          const fed_population *population,
                                          const fed_task *task, uint64_t seed,
                                          const fed_faults *faults, fed_error *err);
void fed_turnout_free(fed_turnout *t);

/** The next round: at most `places` members into `members`, fewer when fewer are free. Where the
 *  plan asks for draws (privacy.sampling), those who were drawn and are free, drawn as
 *  server/round draws: with one seed both draw the same. */
FED_MUST_CHECK fed_status fed_turnout_draw(fed_turnout *t, uint32_t places,
                                           fed_attendee *members, uint32_t *n,
                                           fed_error *err);
/** Have so many devices taken part as often as the plan lets them that no cohort can come
 *  together any more? */
bool fed_turnout_is_exhausted(const fed_turnout *t);
/** Rounds drawn so far. */
uint64_t fed_turnout_rounds(const fed_turnout *t);

/** This client holds a place in the open cohort, and is not drawn again before it ends. */
void fed_turnout_engage(fed_turnout *t, uint32_t client);
/** It has spent the present version, and is not drawn again before the next; never again
 *  once that was its last participation. */
void fed_turnout_spend(fed_turnout *t, uint32_t client);
/** The cohort is over or went on without them: whoever has not spent the version is free. */
void fed_turnout_reopen(fed_turnout *t);
/** Time was up with too few. True when the same draw is tried again (there is none: always);
 *  false when patience is at an end, and the cohort is aborted. */
bool fed_turnout_is_patient(fed_turnout *t);
/** The cohort was aborted: where the plan asks for draws, others are drawn. */
void fed_turnout_redraw(fed_turnout *t);
/** A new version: everybody is free. */
void fed_turnout_next(fed_turnout *t);

fed_health fed_turnout_health(const fed_turnout *t, uint32_t client);
/** `view` with the client's own faults in its examples; `inner` must stay where it is. */
void fed_turnout_examples(const fed_turnout *t, uint32_t client,
                          const fed_client_view *inner, fed_examples *out);

/* ---- what a round was like, in either fidelity ------------------------------------------ */

typedef enum fed_round_outcome {
    FED_ROUND_COMMITTED, /* a new version */
    FED_ROUND_FILLING, /* too few came in time: the next round adds to the same cohort */
    FED_ROUND_ABORTED  /* too few inputs came */
} fed_round_outcome;

typedef struct fed_seat {
    uint32_t client;
    bool survived;
} fed_seat;

typedef struct fed_round_result {
    fed_round_outcome outcome;
    uint64_t version;          /* the present one, afterwards */
    uint32_t invited, trained; /* in this round */
    uint32_t survivors;
    uint32_t dropped[FED_FATES];
    uint32_t not_finite, refused; /* members whose data, or whose upload, were no good */
    uint32_t crashes;             /* of the server */
    uint32_t uploads;             /* devices whose input left */
    uint64_t upload_bytes;        /* of all cohort messages of those */
    uint64_t download_bytes;      /* of all that were trained */
    double train_loss;            /* mean over those trained of their mean loss */
    uint64_t steps;               /* training steps of all of them */
    uint8_t cohort[32];
    const fed_seat *seats; /* the closed roster; borrowed until the next round */
    size_t n_seats;
} fed_round_result;

#endif
