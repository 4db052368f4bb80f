/* Neighbours: reading their bundles and finding them again. */
#include <stdlib.h>
#include <string.h>

#include "device_state.h"

fed_status fed_device_own_bundle(const fed_secagg_device *d, fed_secagg_bundle *out,
                                 fed_error *err)
{
    memset(out, 0, sizeof *out);
    memcpy(out->params_hash, d->params_hash, sizeof out->params_hash);
    memcpy(out->update_id, d->update_id, sizeof out->update_id);
    out->certificate = d->certificate;
    FED_TRY(fed_x25519_public(d->secrets.share_secret, out->share_key, err));
    FED_TRY(fed_x25519_public(d->secrets.mask_secret, out->mask_key, err));
    return fed_secagg_commit(d->params.cohort, d->secrets.self_seed, out->commitment,
                             err);
}

/* The Merkle proof that follows a bundle. */
static fed_status check_proof(const fed_secagg_device *d, fed_reader *r, fed_span bundle,
                              uint32_t index, fed_error *err)
{
    uint8_t leaf[FED_MERKLE_HASH];
    fed_merkle_proof proof;
    proof.length = fed_merkle_proof_length(index, d->session.graph.n);
    for (uint32_t i = 0; i < proof.length; i++)
        fed_reader_copy(r, proof.siblings[i], FED_MERKLE_HASH);
    if (r->failed) return FED_OK; /* the caller's fed_secagg_finish says so */
    FED_TRY(fed_merkle_leaf(bundle.data, bundle.len, leaf, err));
    fed_status status =
        fed_merkle_verify(leaf, index, d->session.graph.n, &proof, d->session.root, err);
    return fed_fail_in(err, status, "bundle of member %u", index);
}

static fed_status read_entry(fed_secagg_device *d, fed_reader *r, uint32_t wanted,
                             unsigned type, fed_error *err)
{
    fed_secagg_peer *p = &d->peers[d->n_peers];
    uint32_t index = fed_reader_u32(r);
    fed_span bundle = fed_reader_take(r, FED_SECAGG_BUNDLE);
    if (r->failed) return fed_secagg_finish(r, type, err);
    if (index != wanted)
        return fed_fail(err, FED_E_REFUSED,
                        "bundle of member %u is missing (there is one of %u)", wanted,
                        index);
    FED_TRY(check_proof(d, r, bundle, index, err));
    if (r->failed) return fed_secagg_finish(r, type, err);
    memset(p, 0, sizeof *p);
    fed_status status = fed_secagg_bundle_read(&d->params, d->params_hash, d->now_s,
                                               bundle, &p->bundle, err);
    if (status) return fed_fail_in(err, status, "bundle of member %u", index);
    if (d->roster && memcmp(d->roster + (size_t)index * FED_SECAGG_ROSTER,
                            p->bundle.certificate.device_key, FED_SECAGG_ROSTER) != 0)
        return fed_fail(err, FED_E_REFUSED,
                        "bundle of member %u: of another identity than the roster says",
                        index);
    p->index = index;
    d->n_peers++;
    return FED_OK;
}

fed_status fed_device_read_entries(fed_secagg_device *d, fed_reader *r,
                                   const uint32_t *wanted, uint32_t n, unsigned type,
                                   fed_error *err)
{
    for (uint32_t i = 0; i < n; i++)
        FED_TRY(read_entry(d, r, wanted[i], type, err));
    return FED_OK;
}

static bool is_same_person(const fed_secagg_bundle *a, const fed_secagg_bundle *b)
{
    return memcmp(a->certificate.device_key, b->certificate.device_key,
                  FED_ED25519_BYTES) == 0 ||
           memcmp(a->share_key, b->share_key, FED_X25519_BYTES) == 0 ||
           memcmp(a->mask_key, b->mask_key, FED_X25519_BYTES) == 0;
}

fed_status fed_device_check_distinct(const fed_secagg_device *d, fed_error *err)
{
    fed_secagg_bundle own;
    FED_TRY(fed_device_own_bundle(d, &own, err));
    for (uint32_t i = 0; i < d->n_peers; i++) {
        const fed_secagg_peer *p = &d->peers[i];
        if (p->index == d->index || is_same_person(&p->bundle, &own))
            return fed_fail(err, FED_E_REFUSED,
                            "member %u has this device's identity or key", p->index);
        for (uint32_t j = 0; j < i; j++)
            if (is_same_person(&p->bundle, &d->peers[j].bundle))
                return fed_fail(err, FED_E_REFUSED,
                                "members %u and %u have one identity or key",
                                d->peers[j].index, p->index);
    }
    return FED_OK;
}

static int by_index(const void *a, const void *b)
{
    const fed_secagg_peer *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

void fed_device_sort_peers(fed_secagg_device *d)
{
    qsort(d->peers, d->n_peers, sizeof *d->peers, by_index);
}

fed_secagg_peer *fed_device_find_peer(const fed_secagg_device *d, uint32_t index)
{
    fed_secagg_peer key = {.index = index};
    return bsearch(&key, d->peers, d->n_peers, sizeof *d->peers, by_index);
}

static uint32_t holders_in(const fed_secagg_device *d, const uint8_t *map)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < d->session.graph.k; i++)
        count += fed_map_has(map, d->picks[i]);
    return count;
}

static fed_status check_map(const fed_secagg_device *d, const uint8_t *map,
                            const char *where, fed_error *err)
{
    const fed_secagg_graph *g = &d->session.graph;
    if (!fed_map_is_canonical(map, g->n))
        return fed_fail(err, FED_E_FORMAT, "%s: bits beyond the %u members", where, g->n);
    if (!fed_map_has(map, d->index))
        return fed_fail(err, FED_E_REFUSED, "%s: this device is listed as gone", where);
    uint32_t survivors = fed_map_count(map, g->n), floor = fed_device_survivors_floor(d);
    if (survivors < floor)
        return fed_fail(err, FED_E_REFUSED, "%s: %u members, at least %u must be left",
                        where, survivors, floor);
    uint32_t holders = holders_in(d, map);
    if (holders < g->t)
        return fed_fail(err, FED_E_REFUSED,
                        "%s: %u of this device's %u holders, at least %u must be left",
                        where, holders, g->k, g->t);
    return FED_OK;
}

fed_status fed_device_read_map(const fed_secagg_device *d, fed_reader *r, uint8_t **out,
                               const char *where, unsigned type, fed_error *err)
{
    fed_span map = fed_reader_take(r, fed_map_bytes(d->session.graph.n));
    if (r->failed) return fed_secagg_finish(r, type, err);
    FED_TRY(check_map(d, map.data, where, err));
    uint8_t *copy = fed_memdup(map.data, map.len);
    if (!copy) return fed_fail_nomem(err, map.len);
    fed_free(*out);
    *out = copy;
    return FED_OK;
}
