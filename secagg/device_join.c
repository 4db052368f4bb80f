/* join: one-time keys and a commitment out; the graph's numbers and the root in. */
#include <stdlib.h>
#include <string.h>

#include "device_state.h"

fed_status fed_device_join_write(fed_secagg_device *d, fed_bytes *out, fed_error *err)
{
    fed_secagg_bundle own;
    FED_TRY(fed_device_own_bundle(d, &own, err));
    return fed_secagg_bundle_write(out, d->params.cohort, &own, d->identity_seed, err);
}

/* Safe for the fraction that the plan assumes, which is no less than the floor's. */
static fed_status check_graph(const fed_secagg_device *d, const fed_secagg_graph *g,
                              fed_error *err)
{
    const fed_secagg_floor *f = &d->floor;
    uint32_t n_min = d->params.n_min > f->n_min ? d->params.n_min : f->n_min;
    if (g->n < n_min || g->n > d->params.n_max)
        return fed_fail(err, FED_E_REFUSED, "joined: %u members, wanted %u to %u", g->n,
                        n_min, d->params.n_max);
    FED_TRY(fed_secagg_graph_check(&d->params.threat, g, err));
    if (g->k < f->k_min && g->k != g->n - 1)
        return fed_fail(err, FED_E_REFUSED,
                        "joined: %u holders, this device insists on %u or all", g->k,
                        f->k_min);
    if ((uint64_t)g->t * FED_SECAGG_PPM < (uint64_t)g->k * f->threshold_ppm)
        return fed_fail(err, FED_E_REFUSED,
                        "joined: threshold %u of %u, this device insists on %u ppm", g->t,
                        g->k, f->threshold_ppm);
    return FED_OK;
}

/* The root must commit to what this device signed. */
static fed_status check_own_place(fed_secagg_device *d, fed_reader *r, unsigned type,
                                  fed_error *err)
{
    uint8_t leaf[FED_MERKLE_HASH];
    fed_merkle_proof proof;
    fed_bytes own;
    proof.length = fed_merkle_proof_length(d->index, d->session.graph.n);
    for (uint32_t i = 0; i < proof.length; i++)
        fed_reader_copy(r, proof.siblings[i], FED_MERKLE_HASH);
    if (r->failed) return fed_secagg_finish(r, type, err);
    fed_bytes_init(&own, FED_SECAGG_BUNDLE);
    fed_status status = fed_device_join_write(d, &own, err);
    if (!status) status = fed_merkle_leaf(own.data, own.len, leaf, err);
    if (!status)
        status = fed_merkle_verify(leaf, d->index, d->session.graph.n, &proof,
                                   d->session.root, err);
    fed_bytes_fini(&own);
    return fed_fail_in(err, status, "joined: this device's own bundle");
}

/* Unless active, the server says who the neighbours are: k entries, each both ways. */
static fed_status read_neighbours(fed_secagg_device *d, fed_reader *r, unsigned type,
                                  fed_error *err)
{
    uint32_t k = d->session.graph.k;
    for (uint32_t i = 0; i < k; i++) {
        d->picks[i] = fed_reader_u32(r);
        if (!r->failed && (d->picks[i] >= d->session.graph.n || d->picks[i] == d->index ||
                           (i && d->picks[i] <= d->picks[i - 1])))
            return fed_fail(err, FED_E_REFUSED,
                            "joined: neighbour %u is not in ascending order of others",
                            d->picks[i]);
    }
    FED_TRY(fed_device_read_entries(d, r, d->picks, k, type, err));
    for (uint32_t i = 0; i < k; i++)
        d->peers[i].picked = d->peers[i].picker = true;
    return fed_device_check_distinct(d, err);
}

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, FED_SECAGG_ROSTER);
}

static fed_status check_roster(const fed_secagg_device *d, uint8_t *sorted,
                               fed_error *err)
{
    uint32_t n = d->session.graph.n;
    if (memcmp(d->roster + (size_t)d->index * FED_SECAGG_ROSTER,
               d->certificate.device_key, FED_SECAGG_ROSTER) != 0)
        return fed_fail(err, FED_E_REFUSED, "joined: another key in this device's place");
    qsort(sorted, n, FED_SECAGG_ROSTER, by_key);
    for (uint32_t i = 1; i < n; i++)
        if (by_key(sorted + (size_t)(i - 1) * FED_SECAGG_ROSTER,
                   sorted + (size_t)i * FED_SECAGG_ROSTER) == 0)
            return fed_fail(err, FED_E_REFUSED, "joined: one identity has two places");
    return FED_OK;
}

/* Active: who else is in the cohort. A device sees few bundles; so that an identity cannot
 * have many places under the root, no key may be here twice, and each bundle that the
 * device does see must be of the key in its place. */
static fed_status read_roster(fed_secagg_device *d, fed_reader *r, unsigned type,
                              fed_error *err)
{
    size_t bytes = (size_t)d->session.graph.n * FED_SECAGG_ROSTER;
    fed_span roster = fed_reader_take(r, bytes);
    if (r->failed) return fed_secagg_finish(r, type, err);
    fed_free(d->roster);
    d->roster = fed_memdup(roster.data, bytes);
    uint8_t *sorted = fed_memdup(roster.data, bytes);
    fed_status status =
        d->roster && sorted ? check_roster(d, sorted, err) : fed_fail_nomem(err, bytes);
    fed_free(sorted);
    return status;
}

static fed_status make_room(fed_secagg_device *d, fed_error *err)
{
    const fed_secagg_graph *g = &d->session.graph;
    size_t peers = (size_t)g->k + g->in_max;
    fed_free(d->picks), fed_free(d->peers);
    d->n_peers = 0;
    d->picks = fed_calloc(g->k, sizeof *d->picks);
    d->peers = fed_calloc(peers, sizeof *d->peers);
    if (d->picks && d->peers) return FED_OK;
    return fed_fail_nomem(err, peers * sizeof *d->peers);
}

static fed_status take_session(fed_secagg_device *d, fed_reader *r, unsigned type,
                               fed_error *err)
{
    fed_secagg_session *s = &d->session;
    memcpy(s->cohort, d->params.cohort, sizeof s->cohort);
    memcpy(s->params_hash, d->params_hash, sizeof s->params_hash);
    s->graph.n = fed_reader_u32(r);
    d->index = fed_reader_u32(r);
    s->graph.k = fed_reader_u32(r);
    s->graph.t = fed_reader_u32(r);
    s->graph.in_max = fed_reader_u32(r);
    fed_reader_copy(r, s->root, sizeof s->root);
    if (r->failed) return fed_secagg_finish(r, type, err);
    if (d->index >= s->graph.n)
        return fed_fail(err, FED_E_REFUSED, "joined: index %u of %u members", d->index,
                        s->graph.n);
    FED_TRY(check_graph(d, &s->graph, err));
    return fed_secagg_session_seal(s, err);
}

fed_status fed_device_join_read(fed_secagg_device *d, fed_span answer, fed_error *err)
{
    const unsigned type = FED_SECAGG_JOIN | FED_SECAGG_ANSWER;
    fed_reader r;
    fed_reader_init(&r, answer.data, answer.len);
    FED_TRY(fed_secagg_take_header(&r, d->params.cohort, type, err));
    FED_TRY(take_session(d, &r, type, err));
    FED_TRY(check_own_place(d, &r, type, err));
    FED_TRY(make_room(d, err));
    FED_TRY(d->params.threat.adversary == FED_SECAGG_ACTIVE
                ? read_roster(d, &r, type, err)
                : read_neighbours(d, &r, type, err));
    return fed_secagg_finish(&r, type, err);
}
