/* A whole cohort in memory: real devices, a real server, and anything between them. */
#ifndef FED_TEST_COHORT_H
#define FED_TEST_COHORT_H

#include "harness.h"
#include "secagg.h"

enum { COHORT_MEMBERS = 1000, COHORT_VECTORS = 3 };

typedef struct cohort cohort;

/** May change (or empty) a body on its way; `member` is the device it goes to or is from. */
typedef void (*cohort_tamper)(cohort *c, uint32_t member, fed_secagg_phase phase,
                              fed_bytes *body);

struct cohort {
    uint32_t n;
    uint64_t seed;
    uint8_t enrolment_seed[32];
    fed_secagg_params params;
    fed_secagg_floor floor;
    fed_secagg_device_config configs[COHORT_MEMBERS];
    fed_secagg_device *devices[COHORT_MEMBERS];
    fed_ring inputs[COHORT_MEMBERS][COHORT_VECTORS];
    fed_secagg_phase drops[COHORT_MEMBERS]; /* never sends this one; 0: stays */
    uint32_t member_of[COHORT_MEMBERS];     /* device -> number that the server gave it */
    fed_secagg_server *server;
    fed_bytes journal;
    fed_pool *pool;
    cohort_tamper to_server, to_device;                        /* may be NULL */
    void (*on_body)(cohort *c, fed_span body, bool to_server); /* sees everything */
    bool restart; /* encode and restore everything between phases */
    void *ctx;
    fed_status last[COHORT_MEMBERS]; /* of each device's last step */
    fed_error why[COHORT_MEMBERS];
    fed_bytes bodies[COHORT_MEMBERS]; /* each device's last message */
};

/** Parameters, identities, inputs; nobody has joined. Default fractions 5 % and 20 %. */
void cohort_init(cohort *c, uint32_t n, fed_secagg_adversary adversary, uint64_t seed);
/** The same with other fractions (parts per million). */
void cohort_init_with(cohort *c, uint32_t n, fed_secagg_threat threat, uint64_t seed);
void cohort_fini(cohort *c);
/** (Re)make devices and server after a change of params or floor. */
void cohort_make(cohort *c);
/** All devices send their message of the present phase, the server closes it, all are told.
 *  False when the server has nothing more to ask. */
bool cohort_step(cohort *c);
/** Steps until `phase` is the server's phase (or the end). */
void cohort_run_to(cohort *c, fed_secagg_phase phase);
/** Steps to the end. */
void cohort_run(cohort *c);
/** The message of one device, now. */
fed_status cohort_message(cohort *c, uint32_t device, fed_bytes *out, fed_error *err);
/** Stop the server and start it from its journal. */
void cohort_restart_server(cohort *c);
void cohort_restart_device(cohort *c, uint32_t device);
/** True when the server is done and its sums are those of the survivors' inputs. */
bool cohort_sum_is_right(const cohort *c);
/** The device behind a member's number. */
uint32_t cohort_device_of(const cohort *c, uint32_t member);

#endif
