/* reveal: of each member whose shares this device holds one, never both. */
#include <string.h>

#include "device_state.h"

fed_status fed_device_reveal_write(fed_secagg_device *d, fed_bytes *out, fed_error *err)
{
    uint32_t senders = 0, at = 0;
    for (uint32_t i = 0; i < d->n_peers; i++)
        senders += d->peers[i].picker && fed_map_has(d->u2, d->peers[i].index);
    fed_secagg_put_header(out, d->params.cohort, FED_SECAGG_REVEAL);
    size_t map_at = out->len;
    uint8_t *map = fed_bytes_extend(out, fed_map_bytes(senders));
    if (!map) return fed_fail(err, out->status, "reveal: no room");
    memset(map, 0, fed_map_bytes(senders));
    for (uint32_t i = 0; i < d->n_peers; i++) {
        const fed_secagg_peer *p = &d->peers[i];
        if (!p->picker || !fed_map_has(d->u2, p->index)) continue;
        bool survived = fed_map_has(d->u3, p->index);
        if (p->opened && !out->status) {
            fed_map_add(out->data + map_at, at);
            fed_bytes_put(out, p->shares + (survived ? FED_SHAMIR_SHARE : 0),
                          FED_SHAMIR_SHARE);
        }
        at++;
    }
    return FED_OK;
}
