/* Masks of many pairs on many vectors: from secrets to lanes. Internal. */
#ifndef FED_SECAGG_MASKING_H
#define FED_SECAGG_MASKING_H

#include "keys.h"

/** One pair's mask, or, with a `seed`, one member's self mask. */
typedef struct fed_mask_source {
    const uint8_t *seed;       /* of a self mask; borrowed */
    const fed_x25519_key *key; /* of a pair: the one's secret and */
    const uint8_t *peer;       /* the other's public key; borrowed */
    uint32_t index, other;     /* members; `other` is ignored for a self mask */
    bool subtract;
} fed_mask_source;

/** Add (subtract) all masks to params->n_vectors rings. Keys are agreed on `parallel` (may be
 *  NULL), and tiles spread over it. On failure the rings are spoiled. */
FED_MUST_CHECK fed_status fed_masking_apply(const fed_secagg_params *params,
                                            const fed_secagg_session *session,
                                            const fed_mask_source *sources, size_t count,
                                            fed_ring *vectors,
                                            const fed_parallel *parallel, fed_error *err);

#endif
