/*
 * What both sides of a cohort agree on before and while it runs.
 *
 * The parameters come from the signed task and the cohort's id, on each side by itself; they
 * are never taken from a message, only their hash is compared. When the cohort is full the
 * graph and the Merkle root over all signed bundles join them, and the session hash over
 * everything is what confirmations sign and keys are derived with.
 */
#ifndef FED_SECAGG_PROTOCOL_H
#define FED_SECAGG_PROTOCOL_H

#include "base.h"
#include "codec.h"
#include "crypto.h"
#include "sharegraph.h"

enum {
    FED_SECAGG_ID = 32,
    FED_SECAGG_UPDATE_ID = 16,
    FED_SECAGG_VECTORS_MAX = 16,
    FED_SECAGG_NAME_MAX = 31,
    FED_SECAGG_LENGTH_MAX = 1 << 28
};

/** The phases, in this order; with a server that is not `active` there is no pick and no
 *  confirm. Values are part of the message format. */
typedef enum fed_secagg_phase {
    FED_SECAGG_JOIN = 1,
    FED_SECAGG_PICK = 2,
    FED_SECAGG_SHARE = 3,
    FED_SECAGG_INPUT = 4,
    FED_SECAGG_CONFIRM = 5,
    FED_SECAGG_REVEAL = 6,
    FED_SECAGG_DONE = 7,
    FED_SECAGG_ABORTED = 8
} fed_secagg_phase;

/** "join", "pick", ...; NULL for another value. */
const char *fed_secagg_phase_name(fed_secagg_phase phase);
/** What comes after `phase` when all goes well. */
fed_secagg_phase fed_secagg_phase_next(fed_secagg_phase phase,
                                       fed_secagg_adversary adversary);

/** A named vector over Z_2^bits: a fed_ring of the codec room in memory, exactly `bits` bits
 *  per entry on the wire. */
typedef struct fed_secagg_vector {
    char name[FED_SECAGG_NAME_MAX + 1];
    uint32_t length; /* entries */
    uint32_t bits;   /* 1 to 64 */
} fed_secagg_vector;

typedef struct fed_secagg_params {
    uint8_t cohort[FED_SECAGG_ID];
    uint8_t plan[FED_SECAGG_ID]; /* SHA-256 of the resolved plan */
    uint64_t model_version;
    fed_secagg_threat threat;
    fed_keystream_kind stream;
    uint32_t n_min, n_max; /* members */
    uint32_t s_min;        /* survivors, at least */
    uint8_t enrolment_key[FED_ED25519_BYTES];
    uint32_t n_vectors;
    fed_secagg_vector vectors[FED_SECAGG_VECTORS_MAX];
} fed_secagg_params;

/** FED_E_INVALID with the field, its value and its bound. */
FED_MUST_CHECK fed_status fed_secagg_params_check(const fed_secagg_params *params,
                                                  fed_error *err);
/** SHA-256 over all of them, in a fixed encoding. */
FED_MUST_CHECK fed_status fed_secagg_params_hash(const fed_secagg_params *params,
                                                 uint8_t hash[FED_SHA256_BYTES],
                                                 fed_error *err);

/** A cohort that is full. */
typedef struct fed_secagg_session {
    uint8_t cohort[FED_SECAGG_ID];
    uint8_t params_hash[FED_SHA256_BYTES];
    uint8_t root[FED_MERKLE_HASH];
    fed_secagg_graph graph;
    uint8_t hash[FED_SHA256_BYTES]; /* over all of the above */
} fed_secagg_session;

/** Compute `session->hash` from the rest. */
FED_MUST_CHECK fed_status fed_secagg_session_seal(fed_secagg_session *session,
                                                  fed_error *err);

/* ---- Sets of members as maps of n bits, bit i % 8 of byte i / 8 ---------------------- */

static inline size_t fed_map_bytes(uint32_t n)
{
    return (n + 7) / 8;
}
static inline bool fed_map_has(const uint8_t *map, uint32_t i)
{
    return map[i / 8] >> (i % 8) & 1;
}
static inline void fed_map_add(uint8_t *map, uint32_t i)
{
    map[i / 8] |= (uint8_t)(1u << (i % 8));
}
/** How many are in it. */
uint32_t fed_map_count(const uint8_t *map, uint32_t n);
/** No bit at or above n is set. */
bool fed_map_is_canonical(const uint8_t *map, uint32_t n);
/** Every member of `part` is in `whole`. */
bool fed_map_is_within(const uint8_t *part, const uint8_t *whole, uint32_t n);

#endif
