/*
 * pick (active): the device itself chooses, at random, who will hold its shares. Were the
 * server to choose, it could surround a victim with its own. Its masks run with those that
 * it picked and with those that picked it.
 */
#include <string.h>

#include "device_state.h"

/* Uniform in [0, bound) by rejection (the draws are secret, the choice is not). */
static fed_status draw_below(fed_keystream *s, uint32_t bound, uint32_t *out,
                             fed_error *err)
{
    uint32_t limit = UINT32_MAX - UINT32_MAX % bound, v;
    uint8_t raw[4];
    do {
        FED_TRY(fed_keystream_fill(s, raw, sizeof raw, err));
        v = fed_load_u32(raw);
    } while (v >= limit);
    *out = v % bound;
    return FED_OK;
}

/* Robert Floyd's sampling of k from the n - 1 others, as a map (CACM 30(9), 1987). */
static fed_status sample(const fed_secagg_device *d, fed_keystream *s, uint8_t *map,
                         fed_error *err)
{
    uint32_t others = d->session.graph.n - 1, k = d->session.graph.k;
    for (uint32_t j = others - k; j < others; j++) {
        uint32_t v;
        FED_TRY(draw_below(s, j + 1, &v, err));
        fed_map_add(map, fed_map_has(map, v) ? j : v);
    }
    return FED_OK;
}

static fed_status choose(fed_secagg_device *d, fed_error *err)
{
    uint32_t others = d->session.graph.n - 1, count = 0;
    uint8_t *map = fed_calloc(1, fed_map_bytes(others));
    fed_keystream *s = NULL;
    fed_status status;
    if (!map) return fed_fail_nomem(err, fed_map_bytes(others));
    FED_GO(fed_keystream_new(&s, FED_KEYSTREAM_AES256_CTR, err));
    FED_GO(fed_keystream_start(s, d->secrets.pick_key, NULL, err));
    FED_GO(sample(d, s, map, err));
    for (uint32_t i = 0; i < others; i++)
        if (fed_map_has(map, i)) d->picks[count++] = i < d->index ? i : i + 1;
out:
    fed_keystream_free(s);
    fed_free(map);
    return status;
}

fed_status fed_device_pick_write(fed_secagg_device *d, fed_bytes *out, fed_error *err)
{
    FED_TRY(choose(d, err));
    fed_secagg_put_header(out, d->params.cohort, FED_SECAGG_PICK);
    for (uint32_t i = 0; i < d->session.graph.k; i++)
        fed_bytes_put_u16(out, (uint16_t)d->picks[i]);
    return FED_OK;
}

/* The pickers' indices; those who are not peers yet go to `fresh`. */
static fed_status read_pickers(fed_secagg_device *d, fed_reader *r, uint32_t n,
                               uint32_t *fresh, uint32_t *n_fresh, fed_error *err)
{
    uint32_t last = 0;
    *n_fresh = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t index = fed_reader_u32(r);
        if (r->failed) return FED_OK;
        if (index >= d->session.graph.n || index == d->index || (i && index <= last))
            return fed_fail(err, FED_E_REFUSED,
                            "picked: picker %u is not in ascending order of others",
                            index);
        fed_secagg_peer *p = fed_device_find_peer(d, index);
        if (p)
            p->picker = true;
        else
            fresh[(*n_fresh)++] = index;
        last = index;
    }
    return FED_OK;
}

static fed_status read_pickers_and_entries(fed_secagg_device *d, fed_reader *r,
                                           unsigned type, fed_error *err)
{
    uint32_t n = fed_reader_u32(r), n_fresh;
    if (n > d->session.graph.in_max)
        return fed_fail(err, FED_E_REFUSED,
                        "picked: %u members picked this one, at most %u will do", n,
                        d->session.graph.in_max);
    uint32_t *fresh = fed_calloc((size_t)n + 1, sizeof *fresh);
    if (!fresh) return fed_fail_nomem(err, ((size_t)n + 1) * sizeof *fresh);
    fed_status status = read_pickers(d, r, n, fresh, &n_fresh, err);
    uint32_t first = d->n_peers;
    if (!status) status = fed_device_read_entries(d, r, fresh, n_fresh, type, err);
    for (uint32_t i = first; i < d->n_peers; i++)
        d->peers[i].picker = true;
    fed_free(fresh);
    return status;
}

fed_status fed_device_pick_read(fed_secagg_device *d, fed_span answer, fed_error *err)
{
    const unsigned type = FED_SECAGG_PICK | FED_SECAGG_ANSWER;
    fed_reader r;
    fed_reader_init(&r, answer.data, answer.len);
    d->n_peers = 0; /* an earlier try may have come half-way */
    FED_TRY(choose(d, err));
    FED_TRY(fed_secagg_take_header(&r, d->params.cohort, type, err));
    FED_TRY(fed_device_read_entries(d, &r, d->picks, d->session.graph.k, type, err));
    for (uint32_t i = 0; i < d->n_peers; i++)
        d->peers[i].picked = true;
    FED_TRY(read_pickers_and_entries(d, &r, type, err));
    fed_device_sort_peers(d);
    FED_TRY(fed_device_check_distinct(d, err));
    return fed_secagg_finish(&r, type, err);
}
