/*
 * Canaries in a real federation: devices that encode with fed_task_encode(), a sum in the ring,
 * fed_task_decode() on the server; and the same pipeline with one thing wrong.
 *
 * A fair coin says whether a canary contributes its vector or the zero vector (its noise is
 * there in both cases: the neighbours of docs/accountants.md). The attacker projects the
 * released mean on the canary's direction, and guesses the coin.
 */
#ifndef FED_AUDIT_RIG_H
#define FED_AUDIT_RIG_H

#include "harness.h"
#include "task.h"

typedef enum mutant {
    SOUND,
    LESS_NOISE,   /* noise divided by sqrt 2 */
    HALF_SILENT,  /* every other device adds none */
    NOT_CLIPPED,  /* nor is the norm of the integers checked */
    NOISE_REUSED, /* a second round repeats the first one's noise */
    OFF_BY_ONE,   /* a contribution's integers are centred one too high */
} mutant;

/** What is audited, and how it is attacked. */
typedef struct attack {
    const char *name;
    mutant kind;
    const char *mechanism; /* NULL: distributed_gaussian; the mutants are of that */
    unsigned inputs;       /* of the model, which has 2 (inputs + 1) weights */
    unsigned devices;      /* in a round */
    unsigned ring;         /* bits; 0: as many as the plan finds */
    double z, delta;       /* of the plan */
    double length;         /* of a canary's vector; the clip is 1 */
    bool even;             /* a canary lies along (1, ..., 1) as the integers see it */
    bool together; /* every device is a canary, with a weight of its own; else one is */
    bool twice;    /* a second round without canaries is subtracted */
    double threshold; /* guess beyond this, in units of z C from the middle */
    unsigned rounds;  /* each with new devices; twice as many where `twice` */
} attack;

/** What came out. */
typedef struct trial {
    double claimed; /* epsilon as `fedsim check` says it: of the server, if it has any */
    double delta;
    uint64_t in, out;           /* coins */
    uint64_t in_said, out_said; /* of them, said to be in */
    uint64_t guesses, correct;
} trial;

/** Run it. The same attack gives the same trial. */
trial audit_run(const attack *a);

#endif
