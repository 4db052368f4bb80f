/*
 * A device's party in one cohort. It opens no socket and stores nothing: whoever embeds it
 * carries bodies to and from the server and keeps the state.
 *
 *     fed_secagg_device_new(&d, &config, random, index, &err);
 *     while (fed_secagg_device_phase(d) < FED_SECAGG_DONE) {
 *         make fed_secagg_device_encode(d) durable
 *         send fed_secagg_device_message(d)    (in INPUT: fed_secagg_device_input(d, x))
 *         fed_secagg_device_receive(d, what the server answered)
 *     }
 *
 * In each phase the message is the same bytes however often it is made, also after a
 * restart, so it may be sent again at any time. An answer may come again too; another answer
 * to the same question ends the cohort for this device, since that is how a server would
 * ask for two views. The state holds what was accepted: once it is durable a restarted
 * device stands by it. It also holds the cohort's secrets: store it encrypted.
 *
 * FED_E_FORMAT and FED_E_NOMEM change nothing: ask again. FED_E_AUTH, FED_E_REFUSED and
 * FED_E_CRYPTO mean that something is wrong: the device has then left the cohort, wiped its
 * secrets, and fed_secagg_device_reason() says why. One thread at a time.
 */
#ifndef FED_SECAGG_DEVICE_H
#define FED_SECAGG_DEVICE_H

#include "base.h"
#include "certificate.h"
#include "protocol.h"

/** What this device insists on, from its own configuration; no server can lower it. */
typedef struct fed_secagg_floor {
    fed_secagg_adversary adversary; /* ACTIVE: nothing less will do */
    uint32_t corrupt_ppm;           /* graphs must be safe against this many corrupt */
    uint32_t n_min;                 /* members */
    uint32_t k_min;                 /* holders, or the complete graph */
    uint32_t threshold_ppm;         /* t/k */
    uint32_t s_min;                 /* survivors */
    uint32_t bits_min;              /* of every vector */
} fed_secagg_floor;

typedef struct fed_secagg_device_config {
    const fed_secagg_params *params; /* copied; from the signed task */
    const fed_secagg_floor *floor;   /* copied */
    uint8_t identity_seed[32];       /* Ed25519; copied, wiped with the device */
    fed_certificate certificate;     /* of that identity */
    uint8_t update_id[FED_SECAGG_UPDATE_ID];
    int64_t now_s; /* wall clock, for the peers' certificates */
} fed_secagg_device_config;

typedef struct fed_secagg_device fed_secagg_device;

/** A device about to join. Draws 32 secret bytes as ("secagg", index). FED_E_REFUSED when the
 *  parameters are below the floor, FED_E_INVALID, FED_E_NOMEM, FED_E_CRYPTO. */
FED_MUST_CHECK fed_status fed_secagg_device_new(fed_secagg_device **out,
                                                const fed_secagg_device_config *config,
                                                const fed_random *random, uint64_t index,
                                                fed_error *err);
/** Wipes all secrets. NULL is fine. */
void fed_secagg_device_free(fed_secagg_device *device);

/** Append the state, secrets included. */
FED_MUST_CHECK fed_status fed_secagg_device_encode(const fed_secagg_device *device,
                                                   fed_bytes *out, fed_error *err);
/** The device that was encoded, given the same configuration (FED_E_REFUSED otherwise). */
FED_MUST_CHECK fed_status
fed_secagg_device_restore(fed_secagg_device **out, const fed_secagg_device_config *config,
                          fed_span state, fed_error *err);

/** What it sends next, or DONE, or ABORTED. */
fed_secagg_phase fed_secagg_device_phase(const fed_secagg_device *device);
/** Why it left; "" while it has not. */
const char *fed_secagg_device_reason(const fed_secagg_device *device);
/** How many peers sent it shares that it could not open (FED_SECAGG_REVEAL and before). */
uint32_t fed_secagg_device_unreadable(const fed_secagg_device *device);

/** Append the message of the present phase; FED_E_STATE in INPUT, DONE and ABORTED. */
FED_MUST_CHECK fed_status fed_secagg_device_message(fed_secagg_device *device,
                                                    fed_bytes *out, fed_error *err);
/** INPUT only: append the masked vectors. vectors[i] (borrowed, unchanged) has the shape of
 *  params->vectors[i]. Never call it with other values after the bytes were sent. */
FED_MUST_CHECK fed_status fed_secagg_device_input(fed_secagg_device *device,
                                                  const fed_ring *vectors,
                                                  const fed_parallel *parallel,
                                                  fed_bytes *out, fed_error *err);
/** The server's answer to the present phase's message (or to an earlier one, again). */
FED_MUST_CHECK fed_status fed_secagg_device_receive(fed_secagg_device *device,
                                                    fed_span answer, fed_error *err);
/** Leave: wipe the secrets, remember the reason. */
void fed_secagg_device_abort(fed_secagg_device *device, const char *reason);

/** What a member sends in all phases of a cohort with this graph that nobody leaves, beside
 *  the packed vectors. It is the mean over the members, to a byte, where they pick each other
 *  and one may hold more shares than another; else it is exact. */
size_t fed_secagg_device_bytes(const fed_secagg_graph *graph,
                               fed_secagg_adversary adversary);

#endif
