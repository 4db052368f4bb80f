/* pick (active): each member names its k holders; it learns who named it. */
#include "server_state.h"

int64_t fed_server_place_of(const uint32_t *list, uint32_t n, uint32_t value)
{
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (list[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && list[low] == value ? (int64_t)low : -1;
}

fed_status fed_server_pick_take(fed_secagg_server *s, uint32_t i, fed_reader *r,
                                fed_error *err)
{
    uint32_t *picks = s->members[i].picks, k = s->session.graph.k;
    for (uint32_t j = 0; j < k; j++) {
        picks[j] = fed_reader_u16(r);
        if (!r->failed &&
            (picks[j] >= s->n || picks[j] == i || (j && picks[j] <= picks[j - 1])))
            return fed_fail(err, FED_E_FORMAT,
                            "pick: %u is not in ascending order of others", picks[j]);
    }
    return fed_secagg_finish(r, FED_SECAGG_PICK, err);
}

/* Those who have not picked hold shares of others, but nobody holds theirs. */
static bool has_picked(const fed_secagg_server *s, uint32_t i)
{
    return s->params.threat.adversary != FED_SECAGG_ACTIVE ||
           s->members[i].sent >= FED_SECAGG_PICK;
}

static fed_status give_room(fed_secagg_server *s, fed_error *err)
{
    for (uint32_t i = 0; i < s->n; i++) {
        fed_secagg_member *m = &s->members[i];
        fed_free(m->pickers);
        m->pickers = fed_calloc((size_t)m->n_pickers + 1, sizeof *m->pickers);
        if (!m->pickers) return fed_fail_nomem(err, m->n_pickers * sizeof *m->pickers);
        m->n_pickers = 0;
    }
    return FED_OK;
}

fed_status fed_server_find_pickers(fed_secagg_server *s, fed_error *err)
{
    uint32_t k = s->session.graph.k;
    for (uint32_t i = 0; i < s->n; i++)
        s->members[i].n_pickers = 0;
    for (uint32_t i = 0; i < s->n; i++)
        for (uint32_t j = 0; has_picked(s, i) && j < k; j++)
            s->members[s->members[i].picks[j]].n_pickers++;
    FED_TRY(give_room(s, err));
    for (uint32_t i = 0; i < s->n; i++)
        for (uint32_t j = 0; has_picked(s, i) && j < k; j++) {
            fed_secagg_member *m = &s->members[s->members[i].picks[j]];
            m->pickers[m->n_pickers++] = i;
        }
    return FED_OK;
}

fed_status fed_server_pick_close(fed_secagg_server *s, fed_error *err)
{
    uint8_t *map = fed_server_map_of(s, FED_SECAGG_PICK);
    if (!map) return fed_fail_nomem(err, fed_map_bytes(s->n));
    bool few = fed_server_too_few(s, map, "pick");
    fed_free(map);
    return few ? FED_OK : fed_server_find_pickers(s, err);
}

fed_status fed_server_pick_answer(const fed_secagg_server *s, uint32_t i, fed_bytes *out,
                                  fed_error *err)
{
    const fed_secagg_member *m = &s->members[i];
    uint32_t k = s->session.graph.k;
    fed_secagg_put_header(out, s->params.cohort, FED_SECAGG_PICK | FED_SECAGG_ANSWER);
    for (uint32_t j = 0; j < k; j++)
        FED_TRY(fed_server_put_entry(s, m->picks[j], out, err));
    fed_bytes_put_u32(out, m->n_pickers);
    for (uint32_t j = 0; j < m->n_pickers; j++)
        fed_bytes_put_u32(out, m->pickers[j]);
    for (uint32_t j = 0; j < m->n_pickers; j++)
        if (fed_server_place_of(m->picks, k, m->pickers[j]) < 0)
            FED_TRY(fed_server_put_entry(s, m->pickers[j], out, err));
    return FED_OK;
}
