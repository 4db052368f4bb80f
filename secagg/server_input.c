/* input: masked vectors are added as they come; U3 are those whose vectors are in. */
#include "server_state.h"

/* All vectors are checked before the first is added: a bad upload leaves no trace. */
static fed_status check_vectors(const fed_secagg_server *s, fed_span packed[],
                                fed_reader *r, fed_error *err)
{
    for (uint32_t v = 0; v < s->params.n_vectors; v++)
        packed[v] =
            fed_reader_take(r, fed_ring_packed_bytes(s->sums[v].bits, s->sums[v].n));
    FED_TRY(fed_secagg_finish(r, FED_SECAGG_INPUT, err));
    for (uint32_t v = 0; v < s->params.n_vectors; v++) {
        fed_status status = fed_ring_check_packed(&s->sums[v], packed[v], err);
        if (status)
            return fed_fail_in(err, status, "input %s", s->params.vectors[v].name);
    }
    return FED_OK;
}

fed_status fed_server_input_take(fed_secagg_server *s, uint32_t i, fed_reader *r,
                                 fed_error *err)
{
    fed_span packed[FED_SECAGG_VECTORS_MAX];
    (void)i;
    FED_TRY(check_vectors(s, packed, r, err));
    for (uint32_t v = 0; v < s->params.n_vectors; v++)
        FED_TRY(fed_ring_add_packed(&s->sums[v], packed[v], err));
    return FED_OK;
}

fed_status fed_server_input_close(fed_secagg_server *s, fed_error *err)
{
    fed_free(s->u3);
    s->u3 = fed_server_map_of(s, FED_SECAGG_INPUT);
    if (!s->u3) return fed_fail_nomem(err, fed_map_bytes(s->n));
    fed_server_too_few(s, s->u3, "input");
    return FED_OK;
}

void fed_server_input_record(const fed_secagg_server *s, fed_bytes *record)
{
    fed_bytes_put(record, s->u3, fed_map_bytes(s->n));
    for (uint32_t v = 0; v < s->params.n_vectors; v++) {
        size_t bytes = fed_ring_packed_bytes(s->sums[v].bits, s->sums[v].n);
        uint8_t *at = fed_bytes_extend(record, bytes);
        if (at) fed_ring_pack(&s->sums[v], at);
    }
}

fed_status fed_server_input_restore(fed_secagg_server *s, fed_reader *r, fed_error *err)
{
    fed_span map = fed_reader_take(r, fed_map_bytes(s->n));
    if (r->failed || !fed_map_is_canonical(map.data, s->n) ||
        !fed_map_is_within(map.data, s->u2, s->n))
        return fed_fail(err, FED_E_FORMAT, "secagg record: no survivors");
    for (uint32_t v = 0; v < s->params.n_vectors; v++) {
        size_t bytes = fed_ring_packed_bytes(s->sums[v].bits, s->sums[v].n);
        FED_TRY(fed_ring_unpack(&s->sums[v], fed_reader_take(r, bytes), err));
    }
    fed_free(s->u3);
    s->u3 = fed_memdup(map.data, map.len);
    if (!s->u3) return fed_fail_nomem(err, map.len);
    for (uint32_t i = 0; i < s->n; i++)
        if (fed_map_has(s->u3, i)) s->members[i].sent = FED_SECAGG_INPUT;
    return FED_OK;
}

fed_status fed_server_input_answer(const fed_secagg_server *s, uint32_t i, fed_bytes *out,
                                   fed_error *err)
{
    (void)i, (void)err;
    fed_secagg_put_header(out, s->params.cohort, FED_SECAGG_INPUT | FED_SECAGG_ANSWER);
    fed_bytes_put(out, s->u3, fed_map_bytes(s->n));
    return FED_OK;
}
