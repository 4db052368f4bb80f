/* Check-in: the one exchange in JSON between device and server. */
#ifndef FED_CHECKIN_H
#define FED_CHECKIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base.h"

enum {
    FED_POPULATION_MAX = 64,
    FED_CHECKIN_TASKS_MAX = 16,
    FED_CHECKIN_JSON_MAX = 16384,
    FED_CHECKIN_CERTIFICATE = 108, /* bytes of a certificate of enrolment */
    FED_CHECKIN_SIGNATURE = 64,
    FED_RETRY_AFTER_MAX_S = 7 * 86400
};

/** A version of a task that a device holds. */
typedef struct fed_held {
    uint8_t task[32];
    uint64_t version;
} fed_held;

/** A task in which a device takes no part before a version; INT64_MAX: never again. */
typedef struct fed_rest {
    uint8_t task[32];
    uint64_t until; /* at least 1 */
} fed_rest;

/** What a device says of itself. Nothing here is derived from its data but `examples`, which
 *  eligibility needs, and which is rounded down to a power of two before it is sent. */
typedef struct fed_checkin {
    char population[FED_POPULATION_MAX + 1];
    uint8_t device[32]; /* Ed25519 public key */
    uint32_t examples;
    bool charging, unmetered, idle;
    fed_held held[FED_CHECKIN_TASKS_MAX];
    unsigned n_held;
    fed_rest rests[FED_CHECKIN_TASKS_MAX]; /* so that it is not invited for nothing */
    unsigned n_rests;                      /* 0: no such member */
    /* What an enrolled device adds, so that nobody else can ask in its name. */
    bool is_signed;
    uint8_t certificate[FED_CHECKIN_CERTIFICATE];
    uint8_t signature[FED_CHECKIN_SIGNATURE];
} fed_checkin;

/** What the server answers: a task, or when to come back. All blobs are fetched by address. */
typedef struct fed_checkin_answer {
    bool has_task;
    uint32_t retry_after_ms;  /* without a task */
    uint8_t task[32];         /* address of the signed task document's unsigned part */
    uint8_t task_blob[32];    /* address of the signed document */
    uint8_t version_blob[32]; /* address of the signed version document */
    uint64_t version;
    uint32_t train_by_ms; /* from now: later than that the update is not wanted */
} fed_checkin_answer;

FED_MUST_CHECK fed_status fed_checkin_put(fed_bytes *out, const fed_checkin *m,
                                          fed_error *err);
FED_MUST_CHECK fed_status fed_checkin_get(fed_checkin *m, fed_span json, fed_error *err);
/** Fill in the signature of the device's identity, over "fed-checkin/1" and the SHA-256 of the
 *  JSON without it; all other members, the certificate included, must be there. */
FED_MUST_CHECK fed_status fed_checkin_sign(fed_checkin *m,
                                           const uint8_t identity_seed[32],
                                           fed_error *err);
/** Is a signed check-in signed by the device that it names? FED_E_AUTH. What the certificate
 *  says is not looked at. */
FED_MUST_CHECK fed_status fed_checkin_verify(const fed_checkin *m, fed_error *err);
FED_MUST_CHECK fed_status fed_checkin_answer_put(fed_bytes *out,
                                                 const fed_checkin_answer *m,
                                                 fed_error *err);
FED_MUST_CHECK fed_status fed_checkin_answer_get(fed_checkin_answer *m, fed_span json,
                                                 fed_error *err);

#endif
