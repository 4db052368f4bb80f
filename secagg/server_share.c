/* share: sealed shares in, passed on to whom they are for; U2 are those who shared. */
#include <string.h>

#include "server_state.h"

fed_status fed_server_share_take(fed_secagg_server *s, uint32_t i, fed_reader *r,
                                 fed_error *err)
{
    size_t size = (size_t)s->session.graph.k * FED_SECAGG_SEALED;
    fed_span sealed = fed_reader_take(r, size);
    FED_TRY(fed_secagg_finish(r, FED_SECAGG_SHARE, err));
    fed_secagg_member *m = &s->members[i];
    m->sealed = fed_memdup(sealed.data, size);
    return m->sealed ? FED_OK : fed_fail_nomem(err, size);
}

fed_status fed_server_share_close(fed_secagg_server *s, fed_error *err)
{
    fed_free(s->u2);
    s->u2 = fed_server_map_of(s, FED_SECAGG_SHARE);
    if (!s->u2) return fed_fail_nomem(err, fed_map_bytes(s->n));
    fed_server_too_few(s, s->u2, "share");
    return FED_OK;
}

fed_status fed_server_share_answer(const fed_secagg_server *s, uint32_t i, fed_bytes *out,
                                   fed_error *err)
{
    const fed_secagg_member *m = &s->members[i];
    fed_secagg_put_header(out, s->params.cohort, FED_SECAGG_SHARE | FED_SECAGG_ANSWER);
    fed_bytes_put(out, s->u2, fed_map_bytes(s->n));
    for (uint32_t j = 0; j < m->n_pickers; j++) {
        const fed_secagg_member *dealer = &s->members[m->pickers[j]];
        if (!fed_map_has(s->u2, m->pickers[j])) continue;
        int64_t at = fed_server_place_of(dealer->picks, s->session.graph.k, i);
        if (at < 0) return fed_fail(err, FED_E_INTERNAL, "share: %u is no holder", i);
        fed_bytes_put(out, dealer->sealed + at * FED_SECAGG_SEALED, FED_SECAGG_SEALED);
    }
    return FED_OK;
}
