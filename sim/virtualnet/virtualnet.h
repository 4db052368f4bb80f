/*
 * virtualnet: rounds at fidelity `protocol`. The production coordinator and one production
 * session for each device that takes part, over a virtual network and clock.
 *
 * The shells here do what the real ones do: they carry out records before messages, serve
 * blobs from the journal, and tell a device when no answer will come. What they add is fate:
 * a device that drops does so at the phase that the turnout drew, and is started again from
 * its journal when it is drawn the next time. Sessions exist for members of the present
 * round only; between rounds a device is its journal, without the model that it holds: that
 * is kept once for all devices that hold the same version.
 *
 * Training is the only work that takes long, and a device that trains waits for nobody, so
 * all that are about to train do it at once, on all threads, and their results are held until
 * their time comes. The order of events never depends on the threads.
 */
#ifndef FED_VIRTUALNET_H
#define FED_VIRTUALNET_H

#include "base.h"
#include "population.h"
#include "round.h"
#include "task.h"
#include "turnout.h"

/** One thread at a time. */
typedef struct fed_virtualnet fed_virtualnet;

typedef struct fed_virtualnet_config {
    const fed_task *task; /* the first four are borrowed */
    const fed_population *population;
    const fed_parallel *parallel; /* may be NULL */
    const fed_faults *faults;     /* of which only server_crash is read; may be NULL */
    uint64_t seed;
} fed_virtualnet_config;

/** A server that has just been given the task, and nobody else. */
FED_MUST_CHECK fed_status fed_virtualnet_new(fed_virtualnet **out,
                                             const fed_virtualnet_config *config,
                                             fed_error *err);
void fed_virtualnet_free(fed_virtualnet *net);

/** One round, whose members `turnout` draws: until a version is made, the cohort is aborted,
 *  or the time to fill it is up. */
FED_MUST_CHECK fed_status fed_virtualnet_round(fed_virtualnet *net, fed_turnout *turnout,
                                               fed_round_result *out, fed_error *err);

/** The parameters of the present version; borrowed until the next round. */
const float *fed_virtualnet_params(const fed_virtualnet *net);
/** Its number. */
uint64_t fed_virtualnet_version(const fed_virtualnet *net);
/** What the versions have cost, and whether the server has ended the task over it. */
fed_privacy_spent fed_virtualnet_privacy(const fed_virtualnet *net);
bool fed_virtualnet_is_spent(const fed_virtualnet *net);
/** The address of the signed task document, which is the task's name. */
void fed_virtualnet_task(const fed_virtualnet *net, uint8_t task[32]);
/** The virtual time that has passed, and the events that were carried out. */
int64_t fed_virtualnet_now_ms(const fed_virtualnet *net);
uint64_t fed_virtualnet_events(const fed_virtualnet *net);

#endif
