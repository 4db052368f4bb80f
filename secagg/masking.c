#include "masking.h"

#include <stdatomic.h>

#include "mask.h"

/* Pairs are taken in batches, so that a large cohort's keys do not all lie in memory. */
enum { BATCH = 4096 };

typedef struct batch {
    const fed_secagg_session *session;
    const fed_secagg_vector *vector;
    const fed_mask_source *sources;
    fed_secagg_mask_root *roots;
    fed_mask *masks;
    atomic_int status;
} batch;

static void root_body(void *arg, size_t i, unsigned worker)
{
    batch *b = arg;
    const fed_mask_source *s = &b->sources[i];
    (void)worker;
    fed_status status = s->seed
                            ? fed_secagg_self_root(s->seed, s->index, &b->roots[i], NULL)
                            : fed_secagg_pair_root(s->key, s->peer, s->index, s->other,
                                                   &b->roots[i], NULL);
    if (status) atomic_store(&b->status, (int)status);
}

static void key_body(void *arg, size_t i, unsigned worker)
{
    batch *b = arg;
    (void)worker;
    b->masks[i].subtract = b->sources[i].subtract;
    fed_status status =
        fed_secagg_mask_key(b->session, &b->roots[i], b->vector, b->masks[i].key, NULL);
    if (status) atomic_store(&b->status, (int)status);
}

static fed_status apply_batch(const fed_secagg_params *params, batch *b, size_t count,
                              fed_ring *vectors, const fed_parallel *parallel,
                              fed_error *err)
{
    fed_parallel_for(parallel, count, root_body, b);
    for (uint32_t v = 0; v < params->n_vectors; v++) {
        b->vector = &params->vectors[v];
        fed_parallel_for(parallel, count, key_body, b);
        if (atomic_load(&b->status))
            return fed_fail(err, (fed_status)atomic_load(&b->status),
                            "masks: a neighbour's key gives no secret");
        FED_TRY(fed_mask_apply(
            vectors[v].lanes, (unsigned)fed_ring_lane_bytes(vectors[v].bits),
            vectors[v].n, b->masks, count, params->stream, parallel, err));
    }
    return FED_OK;
}

fed_status fed_masking_apply(const fed_secagg_params *params,
                             const fed_secagg_session *session,
                             const fed_mask_source *sources, size_t count,
                             fed_ring *vectors, const fed_parallel *parallel,
                             fed_error *err)
{
    size_t room = count < BATCH ? count : BATCH;
    batch b = {.session = session};
    fed_status status = FED_OK;
    if (!count) return FED_OK;
    b.roots = fed_calloc(room, sizeof *b.roots);
    b.masks = fed_calloc(room, sizeof *b.masks);
    if (!b.roots || !b.masks) status = fed_fail_nomem(err, room * sizeof *b.roots);
    for (size_t done = 0; !status && done < count; done += room) {
        b.sources = sources + done;
        status = apply_batch(params, &b, count - done < room ? count - done : room,
                             vectors, parallel, err);
    }
    fed_wipe_free(b.roots, room * sizeof *b.roots);
    fed_wipe_free(b.masks, room * sizeof *b.masks);
    return status;
}
