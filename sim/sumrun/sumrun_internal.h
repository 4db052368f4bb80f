/* The inside of a sumrun, for this room's files only. */
#ifndef FED_SUMRUN_INTERNAL_H
#define FED_SUMRUN_INTERNAL_H

#include "sumrun.h"

#include "trainer.h"

/* What a client keeps from round to round: only its residual. */
typedef struct fed_kept_residual {
    float *values; /* NULL: it has spent no version yet */
    uint64_t version;
} fed_kept_residual;

/** A member with its finished update, in the open cohort. */
typedef struct fed_sum_seat {
    fed_attendee who;
    fed_health health;
    fed_status status; /* of its training */
    fed_error error;
    fed_bytes upload;
    float *next_residual; /* takes the old one's place when the update is spent */
    double loss;
    uint64_t steps;
    bool is_new; /* it trained in this round */
} fed_sum_seat;

/** What devices fetch, in bytes on the wire, for the present version. */
typedef struct fed_sum_downloads {
    uint64_t *held;   /* version that each client holds, plus one; 0: it was never here */
    uint64_t priced;  /* the version that the rest is about, plus one */
    uint64_t task;    /* task document and plan: once for each client */
    uint64_t version; /* version document and round: each time */
    uint64_t model;
    uint64_t differences[FED_PLAN_MAX_DIFFERENCES]; /* [i]: from i + 1 versions before */
    uint32_t n_differences;
} fed_sum_downloads;

struct fed_sumrun {
    const fed_task *task;
    const fed_population *population;
    const fed_parallel *parallel;
    const fed_turnout *turnout; /* of the round under way; NULL in a replay */
    fed_version_state state;
    fed_trainer **trainers; /* one for each thread */
    unsigned threads;
    fed_kept_residual *residuals; /* one for each client; NULL when the plan keeps none */
    fed_sum_seat *seats;          /* as many as are invited */
    uint32_t n_seats; /* held by earlier rounds of this cohort, and by this one */
    fed_attendee *drawn;
    fed_population_ledger *ledger; /* NULL without privacy */
    bool is_spent;                 /* one more round would not fit it */
    fed_seat *roster;              /* of the last cohort that closed */
    fed_sum_downloads downloads;
};

FED_MUST_CHECK fed_status fed_sum_downloads_init(fed_sum_downloads *d,
                                                 const fed_sumrun *run, fed_error *err);
void fed_sum_downloads_fini(fed_sum_downloads *d);
/** The client fetches what it needs to train on the present version. */
FED_MUST_CHECK fed_status fed_sum_downloads_count(fed_sum_downloads *d,
                                                  const fed_sumrun *run, uint32_t client,
                                                  uint64_t *bytes, fed_error *err);

/** The ledger that the server would keep: in memory only. */
FED_MUST_CHECK fed_status fed_sumrun_open_ledger(fed_sumrun *r, fed_error *err);
/** Charge the cohort whose sum is about to be applied, and the version that it makes. */
FED_MUST_CHECK fed_status fed_sumrun_charge(fed_sumrun *r, fed_error *err);
/** Train those of the seats from `first` on whose fate lets them, in parallel. */
void fed_sumrun_train(fed_sumrun *r, uint32_t first);

#endif
