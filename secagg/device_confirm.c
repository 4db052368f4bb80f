/*
 * confirm (active): each device signs what it was told, and reveals nothing before t of its
 * holders have signed the very same. Holders sign one view only, so two views cannot both
 * find t signers (docs/secagg-parameters.md).
 */
#include "device_state.h"

static fed_status view_hash(const fed_secagg_device *d, uint8_t hash[FED_SHA256_BYTES],
                            fed_error *err)
{
    return fed_secagg_confirm_hash(&d->session, d->u2, d->u3, hash, err);
}

fed_status fed_device_confirm_write(fed_secagg_device *d, fed_bytes *out, fed_error *err)
{
    uint8_t hash[FED_SHA256_BYTES], signature[FED_ED25519_SIGNATURE];
    FED_TRY(view_hash(d, hash, err));
    FED_TRY(fed_ed25519_sign(d->identity_seed, hash, sizeof hash, signature, err));
    fed_secagg_put_header(out, d->params.cohort, FED_SECAGG_CONFIRM);
    fed_bytes_put(out, signature, sizeof signature);
    return FED_OK;
}

/* How many of the holders that the answer names signed this device's view. */
static fed_status count_valid(const fed_secagg_device *d, fed_reader *r, fed_span map,
                              uint32_t *valid, fed_error *err)
{
    uint8_t hash[FED_SHA256_BYTES];
    FED_TRY(view_hash(d, hash, err));
    *valid = 0;
    for (uint32_t i = 0; i < d->session.graph.k; i++) {
        if (!fed_map_has(map.data, i)) continue;
        const fed_secagg_peer *p = fed_device_find_peer(d, d->picks[i]);
        fed_span signature = fed_reader_take(r, FED_ED25519_SIGNATURE);
        if (r->failed) return FED_OK;
        fed_status status = fed_ed25519_verify(p->bundle.certificate.device_key, hash,
                                               sizeof hash, signature.data, NULL);
        *valid += status == FED_OK;
    }
    return FED_OK;
}

fed_status fed_device_confirm_read(fed_secagg_device *d, fed_span answer, fed_error *err)
{
    const unsigned type = FED_SECAGG_CONFIRM | FED_SECAGG_ANSWER;
    const fed_secagg_graph *g = &d->session.graph;
    uint32_t valid;
    fed_reader r;
    fed_reader_init(&r, answer.data, answer.len);
    FED_TRY(fed_secagg_take_header(&r, d->params.cohort, type, err));
    fed_span map = fed_reader_take(&r, fed_map_bytes(g->k));
    if (r.failed) return fed_secagg_finish(&r, type, err);
    if (!fed_map_is_canonical(map.data, g->k))
        return fed_fail(err, FED_E_FORMAT, "confirmed: bits beyond the %u holders", g->k);
    FED_TRY(count_valid(d, &r, map, &valid, err));
    FED_TRY(fed_secagg_finish(&r, type, err));
    if (valid < g->t)
        return fed_fail(
            err, FED_E_REFUSED,
            "confirmed: %u of %u holders signed the same view, at least %u must", valid,
            g->k, g->t);
    return FED_OK;
}
