/* join: bundles in; when the cohort is full its numbers, its root and its graph. */
#include <stdlib.h>
#include <string.h>

#include "server_state.h"

/* A key of low order would make every neighbour leave. */
static fed_status check_key(const uint8_t key[FED_X25519_BYTES], fed_error *err)
{
    static const uint8_t any_secret[FED_X25519_BYTES] = {1};
    uint8_t shared[FED_X25519_BYTES];
    fed_status status = fed_x25519_shared(any_secret, key, shared, err);
    return fed_fail_in(err, status, "join");
}

static bool is_taken(const fed_secagg_bundle *a, const fed_secagg_bundle *b)
{
    return memcmp(a->certificate.device_key, b->certificate.device_key,
                  FED_ED25519_BYTES) == 0 ||
           memcmp(a->share_key, b->share_key, FED_X25519_BYTES) == 0 ||
           memcmp(a->mask_key, b->mask_key, FED_X25519_BYTES) == 0;
}

static fed_status admit(fed_secagg_server *s, const fed_secagg_bundle *bundle,
                        fed_span body, int64_t now_s, fed_bytes *record, fed_error *err)
{
    if (s->n == s->params.n_max)
        return fed_fail(err, FED_E_LIMIT, "join: the cohort has its %u members", s->n);
    for (uint32_t i = 0; i < s->n; i++)
        if (is_taken(&s->members[i].bundle, bundle))
            return fed_fail(err, FED_E_EXISTS, "join: identity or key of member %u", i);
    if (record) {
        fed_bytes_put_u8(record, FED_RECORD_JOIN);
        fed_bytes_put_u64(record, (uint64_t)now_s);
        fed_bytes_put_block(record, body.data, body.len);
        if (record->status)
            return fed_fail(err, record->status, "secagg: no room for the record");
    }
    fed_secagg_member *m = &s->members[s->n++];
    memcpy(m->signed_bundle, body.data, FED_SECAGG_BUNDLE);
    m->bundle = *bundle;
    m->sent = FED_SECAGG_JOIN;
    return FED_OK;
}

fed_status fed_secagg_server_claimed(fed_span body, uint8_t key[FED_ED25519_BYTES],
                                     fed_error *err)
{
    enum { CERTIFICATE_AT = FED_SECAGG_HEADER + FED_SHA256_BYTES + FED_SECAGG_UPDATE_ID };
    fed_certificate c;
    if (body.len != FED_SECAGG_BUNDLE)
        return fed_fail(err, FED_E_FORMAT, "join: %zu bytes, not %d", body.len,
                        FED_SECAGG_BUNDLE);
    fed_span part = {body.data + CERTIFICATE_AT, FED_CERTIFICATE_BYTES};
    FED_TRY(fed_certificate_parse(&c, part, err));
    memcpy(key, c.device_key, FED_ED25519_BYTES);
    return FED_OK;
}

fed_status fed_secagg_server_join(fed_secagg_server *s, fed_span body, int64_t now_s,
                                  uint32_t *member, fed_bytes *record, fed_error *err)
{
    fed_secagg_bundle bundle;
    for (uint32_t i = 0; body.len == FED_SECAGG_BUNDLE && i < s->n; i++)
        if (memcmp(s->members[i].signed_bundle, body.data, FED_SECAGG_BUNDLE) == 0) {
            *member = i;
            return FED_OK;
        }
    if (s->phase != FED_SECAGG_JOIN)
        return fed_fail(err, FED_E_STATE, "join is late: the phase is %s",
                        fed_secagg_phase_name(s->phase));
    FED_TRY(
        fed_secagg_bundle_read(&s->params, s->params_hash, now_s, body, &bundle, err));
    FED_TRY(check_key(bundle.share_key, err));
    FED_TRY(check_key(bundle.mask_key, err));
    FED_TRY(admit(s, &bundle, body, now_s, record, err));
    *member = s->n - 1;
    return FED_OK;
}

/* ---- Closing ---------------------------------------------------------------------------- */

static fed_status build_tree(fed_secagg_server *s, fed_error *err)
{
    uint8_t(*leaves)[FED_MERKLE_HASH] = fed_calloc(s->n, sizeof *leaves);
    if (!leaves) return fed_fail_nomem(err, s->n * sizeof *leaves);
    fed_status status = FED_OK;
    for (uint32_t i = 0; !status && i < s->n; i++)
        status = fed_merkle_leaf(s->members[i].signed_bundle, FED_SECAGG_BUNDLE,
                                 leaves[i], err);
    fed_merkle_free(s->tree), s->tree = NULL;
    if (!status)
        status = fed_merkle_new(&s->tree, (const uint8_t(*)[FED_MERKLE_HASH])leaves, s->n,
                                err);
    if (!status) memcpy(s->session.root, fed_merkle_root(s->tree), FED_MERKLE_HASH);
    fed_free(leaves);
    return status;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Members in random order on a circle, each with the k/2 before and behind it; with k = n - 1
 * odd one more, opposite, completes the graph. */
static fed_status circulant(fed_secagg_server *s, const uint8_t seed[32], fed_error *err)
{
    uint32_t n = s->n, k = s->session.graph.k;
    uint32_t *order = fed_calloc(n, sizeof *order);
    if (!order) return fed_fail_nomem(err, n * sizeof *order);
    fed_stream stream;
    fed_stream_init(&stream, seed, FED_PURPOSE_SECRET, 0);
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    fed_stream_shuffle(&stream, order, n);
    for (uint32_t p = 0; p < n; p++) {
        uint32_t *picks = s->members[order[p]].picks;
        for (uint32_t d = 0; d < k; d++)
            picks[d] = order[(p + n - k / 2 + d + (d >= k / 2)) % n];
        qsort(picks, k, sizeof *picks, ascending);
    }
    fed_free(order);
    return FED_OK;
}

static fed_status give_room(fed_secagg_server *s, fed_error *err)
{
    for (uint32_t i = 0; i < s->n; i++) {
        fed_free(s->members[i].picks);
        s->members[i].picks = fed_calloc(s->session.graph.k, sizeof(uint32_t));
        if (!s->members[i].picks)
            return fed_fail_nomem(err, s->session.graph.k * sizeof(uint32_t));
    }
    return FED_OK;
}

fed_status fed_server_join_close(fed_secagg_server *s, const uint8_t seed[32],
                                 fed_error *err)
{
    fed_error why;
    fed_secagg_session *session = &s->session;
    if (s->n < s->params.n_min) {
        fed_server_set_aborted(s, "join: %u members, at least %u are needed", s->n,
                               s->params.n_min);
        return FED_OK;
    }
    fed_status status =
        fed_secagg_graph_choose(&s->params.threat, s->n, &session->graph, &why);
    if (status) {
        fed_server_set_aborted(s, "%s", why.text);
        return FED_OK;
    }
    FED_TRY(build_tree(s, err));
    memcpy(session->cohort, s->params.cohort, sizeof session->cohort);
    memcpy(session->params_hash, s->params_hash, sizeof session->params_hash);
    FED_TRY(fed_secagg_session_seal(session, err));
    FED_TRY(give_room(s, err));
    if (s->params.threat.adversary == FED_SECAGG_ACTIVE) return FED_OK;
    FED_TRY(circulant(s, seed, err));
    return fed_server_find_pickers(s, err);
}

/* ---- The answer ---------------------------------------------------------------------------- */

fed_status fed_server_put_proof(const fed_secagg_server *s, uint32_t i, fed_bytes *out,
                                fed_error *err)
{
    fed_merkle_proof proof;
    FED_TRY(fed_merkle_prove(s->tree, i, &proof, err));
    for (uint32_t j = 0; j < proof.length; j++)
        fed_bytes_put(out, proof.siblings[j], FED_MERKLE_HASH);
    return FED_OK;
}

fed_status fed_server_put_entry(const fed_secagg_server *s, uint32_t i, fed_bytes *out,
                                fed_error *err)
{
    fed_bytes_put_u32(out, i);
    fed_bytes_put(out, s->members[i].signed_bundle, FED_SECAGG_BUNDLE);
    return fed_server_put_proof(s, i, out, err);
}

fed_status fed_server_join_answer(const fed_secagg_server *s, uint32_t i, fed_bytes *out,
                                  fed_error *err)
{
    const fed_secagg_graph *g = &s->session.graph;
    const uint32_t *picks = s->members[i].picks;
    fed_secagg_put_header(out, s->params.cohort, FED_SECAGG_JOIN | FED_SECAGG_ANSWER);
    fed_bytes_put_u32(out, g->n);
    fed_bytes_put_u32(out, i);
    fed_bytes_put_u32(out, g->k);
    fed_bytes_put_u32(out, g->t);
    fed_bytes_put_u32(out, g->in_max);
    fed_bytes_put(out, s->session.root, FED_MERKLE_HASH);
    FED_TRY(fed_server_put_proof(s, i, out, err));
    if (s->params.threat.adversary == FED_SECAGG_ACTIVE) {
        for (uint32_t j = 0; j < s->n; j++)
            fed_bytes_put(out, s->members[j].bundle.certificate.device_key,
                          FED_SECAGG_ROSTER);
        return FED_OK;
    }
    for (uint32_t j = 0; j < g->k; j++)
        fed_bytes_put_u32(out, picks[j]);
    for (uint32_t j = 0; j < g->k; j++)
        FED_TRY(fed_server_put_entry(s, picks[j], out, err));
    return FED_OK;
}
