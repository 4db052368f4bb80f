/* input: the vectors under the self mask and the masks of all neighbours in U2. */
#include <string.h>

#include "device_state.h"
#include "masking.h"

static fed_status check_shapes(const fed_secagg_device *d, const fed_ring *vectors,
                               fed_error *err)
{
    for (uint32_t i = 0; i < d->params.n_vectors; i++) {
        const fed_secagg_vector *v = &d->params.vectors[i];
        if (vectors[i].bits != v->bits || vectors[i].n != v->length)
            return fed_fail(
                err, FED_E_INVALID,
                "secagg: vector %s has %zu entries of %u bits, wanted %u of %u", v->name,
                vectors[i].n, vectors[i].bits, v->length, v->bits);
    }
    return FED_OK;
}

/* Of a pair the lower index adds, the higher subtracts. */
static size_t list_masks(const fed_secagg_device *d, const fed_x25519_key *key,
                         fed_mask_source *out)
{
    size_t count = 0;
    out[count++] = (fed_mask_source){.seed = d->secrets.self_seed, .index = d->index};
    for (uint32_t i = 0; i < d->n_peers; i++) {
        const fed_secagg_peer *p = &d->peers[i];
        if (!fed_map_has(d->u2, p->index)) continue;
        out[count++] = (fed_mask_source){.key = key,
                                         .peer = p->bundle.mask_key,
                                         .index = d->index,
                                         .other = p->index,
                                         .subtract = d->index > p->index};
    }
    return count;
}

static void rings_fini(fed_ring *rings, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        fed_ring_fini(&rings[i]);
}

static fed_status copy_vectors(const fed_ring *from, uint32_t n, fed_ring *to,
                               fed_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        FED_TRY(fed_ring_init(&to[i], from[i].bits, from[i].n, err));
        memcpy(to[i].lanes, from[i].lanes, from[i].n * fed_ring_lane_bytes(from[i].bits));
    }
    return FED_OK;
}

static fed_status write_packed(const fed_secagg_device *d, const fed_ring *y,
                               fed_bytes *out, fed_error *err)
{
    fed_secagg_put_header(out, d->params.cohort, FED_SECAGG_INPUT);
    for (uint32_t i = 0; i < d->params.n_vectors; i++) {
        size_t bytes = fed_ring_packed_bytes(y[i].bits, y[i].n);
        uint8_t *at = fed_bytes_extend(out, bytes);
        if (!at) return fed_fail(err, out->status, "input: no room for %zu bytes", bytes);
        fed_ring_pack(&y[i], at);
    }
    return out->status ? fed_fail(err, out->status, "input: no room") : FED_OK;
}

fed_status fed_secagg_device_input(fed_secagg_device *d, const fed_ring *vectors,
                                   const fed_parallel *parallel, fed_bytes *out,
                                   fed_error *err)
{
    fed_error local;
    if (!err) err = &local;
    if (d->phase != FED_SECAGG_INPUT)
        return fed_fail(err, FED_E_STATE, "secagg: no input in phase %s",
                        fed_secagg_phase_name(d->phase));
    FED_TRY(check_shapes(d, vectors, err));
    fed_ring y[FED_SECAGG_VECTORS_MAX] = {{0}};
    fed_x25519_key *key = NULL;
    fed_mask_source *sources = fed_calloc((size_t)d->n_peers + 1, sizeof *sources);
    fed_status status =
        sources ? FED_OK : fed_fail_nomem(err, (d->n_peers + 1) * sizeof *sources);
    if (!status) status = fed_x25519_key_new(&key, d->secrets.mask_secret, err);
    if (!status) status = copy_vectors(vectors, d->params.n_vectors, y, err);
    if (!status)
        status = fed_masking_apply(&d->params, &d->session, sources,
                                   list_masks(d, key, sources), y, parallel, err);
    if (!status) status = write_packed(d, y, out, err);
    rings_fini(y, d->params.n_vectors); /* wipes: until masked they are the update */
    fed_x25519_key_free(key);
    fed_free(sources);
    if (status == FED_E_CRYPTO) fed_secagg_device_abort(d, err->text);
    return status;
}

fed_status fed_device_input_read(fed_secagg_device *d, fed_span answer, fed_error *err)
{
    const unsigned type = FED_SECAGG_INPUT | FED_SECAGG_ANSWER;
    fed_reader r;
    fed_reader_init(&r, answer.data, answer.len);
    FED_TRY(fed_secagg_take_header(&r, d->params.cohort, type, err));
    FED_TRY(fed_device_read_map(d, &r, &d->u3, "U3", type, err));
    FED_TRY(fed_secagg_finish(&r, type, err));
    if (!fed_map_is_within(d->u3, d->u2, d->session.graph.n))
        return fed_fail(err, FED_E_REFUSED, "U3: members that are not in U2");
    return FED_OK;
}
