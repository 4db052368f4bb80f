/* share: the mask secret and the self-mask seed, cut into shares for the k holders. */
#include <string.h>

#include "device_state.h"

/* Both secrets' shares, holder by holder: 2 x 34 bytes each. */
static fed_status make_shares(const fed_secagg_device *d, uint8_t *out, fed_error *err)
{
    uint32_t k = d->session.graph.k, t = d->session.graph.t;
    size_t size = (size_t)k * FED_SHAMIR_SHARE;
    uint32_t *points = fed_calloc(k, sizeof *points);
    uint8_t *mask = fed_malloc(size), *seed = fed_malloc(size);
    fed_status status = points && mask && seed ? FED_OK : fed_fail_nomem(err, 2 * size);
    for (uint32_t i = 0; points && i < k; i++)
        points[i] = d->picks[i] + 1;
    if (!status)
        status = fed_shamir_share(d->secrets.mask_secret, d->secrets.mask_shares_key, t,
                                  points, k, mask, err);
    if (!status)
        status = fed_shamir_share(d->secrets.self_seed, d->secrets.seed_shares_key, t,
                                  points, k, seed, err);
    for (uint32_t i = 0; !status && i < k; i++) {
        size_t from = (size_t)i * FED_SHAMIR_SHARE;
        memcpy(out + 2 * from, mask + from, FED_SHAMIR_SHARE);
        memcpy(out + 2 * from + FED_SHAMIR_SHARE, seed + from, FED_SHAMIR_SHARE);
    }
    fed_wipe_free(mask, size);
    fed_wipe_free(seed, size);
    fed_free(points);
    return status;
}

fed_status fed_device_share_write(fed_secagg_device *d, fed_bytes *out, fed_error *err)
{
    uint32_t k = d->session.graph.k;
    uint8_t *shares = fed_malloc((size_t)k * FED_SECAGG_SHARES),
            sealed[FED_SECAGG_SEALED];
    if (!shares) return fed_fail_nomem(err, (size_t)k * FED_SECAGG_SHARES);
    fed_status status = make_shares(d, shares, err);
    fed_secagg_put_header(out, d->params.cohort, FED_SECAGG_SHARE);
    for (uint32_t i = 0; !status && i < k; i++) {
        const fed_secagg_peer *p = fed_device_find_peer(d, d->picks[i]);
        fed_secagg_channel to = {&d->session, d->secrets.share_secret,
                                 p->bundle.share_key, d->index, p->index};
        status = fed_secagg_seal_shares(&to, shares + (size_t)i * FED_SECAGG_SHARES,
                                        sealed, err);
        if (status) fed_fail_in(err, status, "share for member %u", p->index);
        fed_bytes_put(out, sealed, sizeof sealed);
    }
    fed_wipe_free(shares, (size_t)k * FED_SECAGG_SHARES);
    return status;
}

/* What cannot be opened is only missing: it may be the sender's fault or the server's, and
 * thresholds allow for it. That the server swapped or reflected it shows here. */
static fed_status open_one(fed_secagg_device *d, fed_secagg_peer *p,
                           const uint8_t *sealed, fed_error *err)
{
    fed_secagg_channel from = {&d->session, d->secrets.share_secret, p->bundle.share_key,
                               p->index, d->index};
    fed_status status = fed_secagg_open_shares(&from, sealed, p->shares, err);
    p->opened = !status && fed_shamir_share_is_canonical(p->shares) &&
                fed_shamir_share_is_canonical(p->shares + FED_SHAMIR_SHARE);
    if (!p->opened) fed_wipe(p->shares, sizeof p->shares);
    return status == FED_E_AUTH ? FED_OK : status;
}

fed_status fed_device_share_read(fed_secagg_device *d, fed_span answer, fed_error *err)
{
    const unsigned type = FED_SECAGG_SHARE | FED_SECAGG_ANSWER;
    fed_reader r;
    fed_reader_init(&r, answer.data, answer.len);
    FED_TRY(fed_secagg_take_header(&r, d->params.cohort, type, err));
    FED_TRY(fed_device_read_map(d, &r, &d->u2, "U2", type, err));
    for (uint32_t i = 0; i < d->n_peers; i++) {
        fed_secagg_peer *p = &d->peers[i];
        if (!p->picker || !fed_map_has(d->u2, p->index)) continue;
        fed_span sealed = fed_reader_take(&r, FED_SECAGG_SEALED);
        if (r.failed) break;
        FED_TRY(open_one(d, p, sealed.data, err));
    }
    return fed_secagg_finish(&r, type, err);
}
