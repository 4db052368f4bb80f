/* reveal: for each member of U2 that picked the sender, one share of the one secret. */
#include "server_state.h"

/* Those whose shares member i holds. */
static uint32_t count_dealers(const fed_secagg_server *s, uint32_t i)
{
    const fed_secagg_member *m = &s->members[i];
    uint32_t count = 0;
    for (uint32_t j = 0; j < m->n_pickers; j++)
        count += fed_map_has(s->u2, m->pickers[j]);
    return count;
}

static fed_status check_reveal(uint32_t dealers, fed_reader *r, fed_error *err)
{
    fed_span map = fed_reader_take(r, fed_map_bytes(dealers));
    if (r->failed) return fed_secagg_finish(r, FED_SECAGG_REVEAL, err);
    if (!fed_map_is_canonical(map.data, dealers))
        return fed_fail(err, FED_E_FORMAT, "reveal: bits beyond the %u dealers", dealers);
    for (uint32_t j = 0; j < dealers; j++) {
        if (!fed_map_has(map.data, j)) continue;
        fed_span share = fed_reader_take(r, FED_SHAMIR_SHARE);
        if (r->failed) break;
        if (!fed_shamir_share_is_canonical(share.data))
            return fed_fail(err, FED_E_FORMAT, "reveal: share %u is not canonical", j);
    }
    return fed_secagg_finish(r, FED_SECAGG_REVEAL, err);
}

fed_status fed_server_reveal_take(fed_secagg_server *s, uint32_t i, fed_reader *r,
                                  fed_error *err)
{
    fed_secagg_member *m = &s->members[i];
    fed_span body = {r->at, fed_reader_left(r)};
    FED_TRY(check_reveal(count_dealers(s, i), r, err));
    m->reveal = fed_memdup(body.data, body.len);
    if (!m->reveal) return fed_fail_nomem(err, body.len);
    m->reveal_len = body.len;
    return FED_OK;
}
