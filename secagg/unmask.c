/*
 * Unmasking, verified: one secret of each member of U2 is put together from its holders'
 * shares, the self-mask seed of those in U3, the mask secret of those who dropped out after
 * sharing. Nothing is believed: a seed must match its commitment, a secret its public key.
 * Where the first t shares do not, all of them are decoded as a Reed-Solomon code; if that
 * does not match either the cohort is lost, and it cannot be said whether dealer or holders
 * are to blame.
 */
#include <stdatomic.h>
#include <string.h>

#include "masking.h"
#include "server_state.h"

/* What one worker of the parallel loop needs. */
typedef struct workbench {
    fed_shamir_weights weights;
    uint32_t *points;
    const uint8_t **shares;
    uint32_t *places; /* of the shares among the dealer's k */
    bool *wrong;
} workbench;

enum { INTACT = 0, TOO_FEW = 1, LOST = 2 };

typedef struct recovery {
    fed_secagg_server *s;
    const uint8_t **shares; /* k for each member, in the order of its picks; NULL: none */
    bool *wrong;            /* the same shape: differs from the verified polynomial */
    uint8_t (*secrets)[FED_SHAMIR_SECRET]; /* for each member */
    fed_x25519_key **keys; /* made of the secrets of those who dropped out */
    uint8_t *outcome;      /* for each member */
    workbench *benches;
    unsigned threads;
    atomic_int status;
} recovery;

/* ---- From messages to shares, dealer by dealer -------------------------------------------- */

static void sort_reveal(recovery *rec, uint32_t holder)
{
    const fed_secagg_server *s = rec->s;
    const fed_secagg_member *m = &s->members[holder];
    uint32_t k = s->session.graph.k, dealers = 0, at = 0;
    for (uint32_t j = 0; j < m->n_pickers; j++)
        dealers += fed_map_has(s->u2, m->pickers[j]);
    const uint8_t *share = m->reveal + fed_map_bytes(dealers);
    for (uint32_t j = 0; j < m->n_pickers; j++) {
        uint32_t dealer = m->pickers[j];
        if (!fed_map_has(s->u2, dealer) || !fed_map_has(m->reveal, at++)) continue;
        int64_t place = fed_server_place_of(s->members[dealer].picks, k, holder);
        if (place >= 0) rec->shares[(size_t)dealer * k + (size_t)place] = share;
        share += FED_SHAMIR_SHARE;
    }
}

static fed_status recovery_init(recovery *rec, fed_secagg_server *s, fed_error *err)
{
    size_t cells = (size_t)s->n * s->session.graph.k;
    *rec = (recovery){.s = s, .threads = fed_parallel_threads(s->parallel)};
    rec->shares = fed_calloc(cells, sizeof *rec->shares);
    rec->wrong = fed_calloc(cells, sizeof *rec->wrong);
    rec->secrets = fed_calloc(s->n, sizeof *rec->secrets);
    rec->keys = fed_calloc(s->n, sizeof(fed_x25519_key *));
    rec->outcome = fed_calloc(s->n, 1);
    rec->benches = fed_calloc(rec->threads, sizeof *rec->benches);
    bool ok = rec->shares && rec->wrong && rec->secrets && rec->keys && rec->outcome &&
              rec->benches;
    for (unsigned i = 0; ok && i < rec->threads; i++) {
        workbench *b = &rec->benches[i];
        b->points = fed_calloc(s->session.graph.k, sizeof *b->points);
        b->shares = fed_calloc(s->session.graph.k, sizeof *b->shares);
        b->places = fed_calloc(s->session.graph.k, sizeof *b->places);
        b->wrong = fed_calloc(s->session.graph.k, sizeof *b->wrong);
        ok = b->points && b->shares && b->places && b->wrong;
    }
    return ok ? FED_OK : fed_fail_nomem(err, cells * sizeof *rec->shares);
}

static void recovery_fini(recovery *rec)
{
    for (unsigned i = 0; rec->benches && i < rec->threads; i++) {
        workbench *b = &rec->benches[i];
        fed_shamir_weights_fini(&b->weights);
        fed_free(b->points);
        fed_free(b->shares);
        fed_free(b->places);
        fed_free(b->wrong);
    }
    fed_free(rec->benches);
    fed_free(rec->outcome);
    for (uint32_t i = 0; rec->keys && i < rec->s->n; i++)
        fed_x25519_key_free(rec->keys[i]);
    fed_free(rec->keys);
    fed_wipe_free(rec->secrets, rec->s->n * sizeof *rec->secrets);
    fed_free(rec->wrong);
    fed_free(rec->shares);
}

/* ---- One secret ----------------------------------------------------------------------------- */

/* The seed of its commitment; or the secret of its public key, which is then kept ready. */
static bool matches(recovery *rec, uint32_t dealer)
{
    const fed_secagg_server *s = rec->s;
    const fed_secagg_bundle *b = &s->members[dealer].bundle;
    const uint8_t *secret = rec->secrets[dealer];
    uint8_t check[32];
    if (fed_map_has(s->u3, dealer))
        return !fed_secagg_commit(s->params.cohort, secret, check, NULL) &&
               memcmp(check, b->commitment, sizeof check) == 0;
    fed_x25519_key_free(rec->keys[dealer]);
    return !fed_x25519_key_new(&rec->keys[dealer], secret, NULL) &&
           !fed_x25519_key_public(rec->keys[dealer], check, NULL) &&
           memcmp(check, b->mask_key, sizeof check) == 0;
}

/* The dealer's shares that are there, side by side. */
static uint32_t gather(const recovery *rec, uint32_t dealer, workbench *b)
{
    uint32_t k = rec->s->session.graph.k, m = 0;
    for (uint32_t j = 0; j < k; j++) {
        const uint8_t *share = rec->shares[(size_t)dealer * k + j];
        if (!share) continue;
        b->points[m] = rec->s->members[dealer].picks[j] + 1;
        b->places[m] = j;
        b->shares[m++] = share;
    }
    return m;
}

/* All m shares, and which of them are wrong. */
static fed_status decode(recovery *rec, uint32_t dealer, workbench *b, uint32_t m)
{
    const fed_secagg_graph *g = &rec->s->session.graph;
    fed_status status = fed_shamir_decode(b->points, b->shares, m, g->t,
                                          rec->secrets[dealer], b->wrong, NULL);
    if (status == FED_E_NOMEM) return status;
    if (status || !matches(rec, dealer)) {
        rec->outcome[dealer] = LOST;
        return FED_OK;
    }
    for (uint32_t i = 0; i < m; i++)
        rec->wrong[(size_t)dealer * g->k + b->places[i]] = b->wrong[i];
    return FED_OK;
}

static fed_status recover(recovery *rec, uint32_t dealer, workbench *b)
{
    uint32_t t = rec->s->session.graph.t, m = gather(rec, dealer, b);
    if (m < t) {
        rec->outcome[dealer] = TOO_FEW;
        return FED_OK;
    }
    FED_TRY(fed_shamir_weights_set(&b->weights, b->points, t, NULL));
    fed_status status =
        fed_shamir_recover(&b->weights, b->shares, rec->secrets[dealer], NULL);
    if (!status && matches(rec, dealer)) return FED_OK;
    return decode(rec, dealer, b, m);
}

static void recover_body(void *arg, size_t dealer, unsigned worker)
{
    recovery *rec = arg;
    if (!fed_map_has(rec->s->u2, (uint32_t)dealer)) return;
    fed_status status = recover(rec, (uint32_t)dealer, &rec->benches[worker]);
    if (status) atomic_store(&rec->status, (int)status);
}

/* ---- What came of it ------------------------------------------------------------------------ */

static fed_status name_suspects(const recovery *rec, fed_error *err)
{
    fed_secagg_server *s = rec->s;
    size_t k = s->session.graph.k, count = 0;
    for (size_t i = 0; i < s->n * k; i++)
        count += rec->wrong[i];
    if (!count) return FED_OK;
    fed_free(s->suspects);
    s->n_suspects = 0;
    s->suspects = fed_calloc(count, sizeof *s->suspects);
    if (!s->suspects) return fed_fail_nomem(err, count * sizeof *s->suspects);
    for (size_t i = 0; i < s->n * k; i++)
        if (rec->wrong[i])
            s->suspects[s->n_suspects++] =
                (fed_secagg_suspect){s->members[i / k].picks[i % k], (uint32_t)(i / k)};
    return FED_OK;
}

/* Did all secrets come out? Aborts, and says of whom, if not. */
static bool is_intact(const recovery *rec)
{
    fed_secagg_server *s = rec->s;
    for (uint32_t i = 0; i < s->n; i++) {
        if (rec->outcome[i] == INTACT) continue;
        const char *what = fed_map_has(s->u3, i) ? "self-mask seed" : "mask secret";
        if (rec->outcome[i] == TOO_FEW)
            fed_server_set_aborted(
                s, "reveal: fewer than %u shares of member %u's %s are here",
                s->session.graph.t, i, what);
        else
            fed_server_set_aborted(
                s,
                "reveal: member %u's %s does not match what it is bound "
                "to: dealer or holders",
                i, what);
        return false;
    }
    return true;
}

/* ---- Masks off -------------------------------------------------------------------------------- */

/* The reverse of what each survivor did with each member that dropped out: once for each
 * neighbour, whichever of the two picked the other. */
static size_t list_pair(const recovery *rec, uint32_t gone, uint32_t neighbour,
                        fed_mask_source *out)
{
    const fed_secagg_server *s = rec->s;
    if (!fed_map_has(s->u3, neighbour)) return 0;
    *out = (fed_mask_source){.key = rec->keys[gone],
                             .peer = s->members[neighbour].bundle.mask_key,
                             .index = gone,
                             .other = neighbour,
                             .subtract = neighbour < gone};
    return 1;
}

static size_t list_member(const recovery *rec, uint32_t i, fed_mask_source *out)
{
    const fed_secagg_server *s = rec->s;
    const fed_secagg_member *m = &s->members[i];
    uint32_t k = s->session.graph.k;
    size_t count = 0;
    if (!fed_map_has(s->u2, i)) return 0;
    if (fed_map_has(s->u3, i)) {
        *out = (fed_mask_source){.seed = rec->secrets[i], .index = i, .subtract = true};
        return 1;
    }
    for (uint32_t j = 0; j < k; j++)
        count += list_pair(rec, i, m->picks[j], out + count);
    for (uint32_t j = 0; j < m->n_pickers; j++)
        if (fed_server_place_of(m->picks, k, m->pickers[j]) < 0)
            count += list_pair(rec, i, m->pickers[j], out + count);
    return count;
}

static fed_status take_masks_off(const recovery *rec, fed_error *err)
{
    fed_secagg_server *s = rec->s;
    size_t room = 0, count = 0;
    for (uint32_t i = 0; i < s->n; i++)
        room += fed_map_has(s->u3, i) ? 1 : s->session.graph.k + s->members[i].n_pickers;
    fed_mask_source *sources = fed_calloc(room, sizeof *sources);
    if (!sources) return fed_fail_nomem(err, room * sizeof *sources);
    for (uint32_t i = 0; i < s->n; i++)
        count += list_member(rec, i, sources + count);
    fed_status status = fed_masking_apply(&s->params, &s->session, sources, count,
                                          s->sums, s->parallel, err);
    fed_free(sources);
    return status;
}

fed_status fed_unmask_sums(fed_secagg_server *s, fed_error *err)
{
    recovery rec;
    fed_status status = recovery_init(&rec, s, err);
    for (uint32_t i = 0; !status && i < s->n; i++)
        if (s->members[i].reveal) sort_reveal(&rec, i);
    if (!status) fed_parallel_for(s->parallel, s->n, recover_body, &rec);
    if (!status && atomic_load(&rec.status))
        status =
            fed_fail(err, (fed_status)atomic_load(&rec.status), "unmask: no secrets");
    if (!status) status = name_suspects(&rec, err);
    if (!status && is_intact(&rec)) status = take_masks_off(&rec, err);
    recovery_fini(&rec);
    return status;
}
