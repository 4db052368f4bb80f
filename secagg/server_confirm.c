/* confirm (active): signatures over the one view in, passed on to those whose holders they
 * are. Only those that verify: a device counts what it gets. */
#include <string.h>

#include "server_state.h"

fed_status fed_server_confirm_take(fed_secagg_server *s, uint32_t i, fed_reader *r,
                                   fed_error *err)
{
    uint8_t hash[FED_SHA256_BYTES];
    fed_secagg_member *m = &s->members[i];
    fed_span signature = fed_reader_take(r, FED_ED25519_SIGNATURE);
    FED_TRY(fed_secagg_finish(r, FED_SECAGG_CONFIRM, err));
    FED_TRY(fed_secagg_confirm_hash(&s->session, s->u2, s->u3, hash, err));
    fed_status status = fed_ed25519_verify(m->bundle.certificate.device_key, hash,
                                           sizeof hash, signature.data, err);
    if (status) return fed_fail_in(err, status, "confirm of member %u", i);
    memcpy(m->signature, signature.data, sizeof m->signature);
    return FED_OK;
}

fed_status fed_server_confirm_answer(const fed_secagg_server *s, uint32_t i,
                                     fed_bytes *out, fed_error *err)
{
    uint32_t k = s->session.graph.k;
    const uint32_t *picks = s->members[i].picks;
    fed_secagg_put_header(out, s->params.cohort, FED_SECAGG_CONFIRM | FED_SECAGG_ANSWER);
    size_t map_at = out->len;
    uint8_t *map = fed_bytes_extend(out, fed_map_bytes(k));
    if (!map) return fed_fail(err, out->status, "confirm: no room for the answer");
    memset(map, 0, fed_map_bytes(k));
    for (uint32_t j = 0; j < k; j++) {
        const fed_secagg_member *holder = &s->members[picks[j]];
        if (holder->sent < FED_SECAGG_CONFIRM || out->status) continue;
        fed_map_add(out->data + map_at, j);
        fed_bytes_put(out, holder->signature, sizeof holder->signature);
    }
    return FED_OK;
}
