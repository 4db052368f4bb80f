/* A cohort that cannot go on: nothing further is asked of anyone; members are told why. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server_state.h"

void fed_server_set_aborted(fed_secagg_server *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->reason, sizeof s->reason, format, args);
    va_end(args);
    s->phase = FED_SECAGG_ABORTED;
}

fed_status fed_server_aborted_answer(const fed_secagg_server *s, fed_bytes *out,
                                     fed_error *err)
{
    size_t n = strlen(s->reason);
    fed_secagg_put_header(out, s->params.cohort, FED_SECAGG_ABORTED | FED_SECAGG_ANSWER);
    fed_bytes_put_block(out, s->reason, n < FED_SECAGG_REASON ? n : FED_SECAGG_REASON);
    return out->status ? fed_fail(err, out->status, "secagg: no room for the answer")
                       : FED_OK;
}

uint8_t *fed_server_map_of(const fed_secagg_server *s, fed_secagg_phase phase)
{
    uint8_t *map = fed_calloc(1, fed_map_bytes(s->n));
    for (uint32_t i = 0; map && i < s->n; i++)
        if (s->members[i].sent >= phase) fed_map_add(map, i);
    return map;
}

bool fed_server_too_few(fed_secagg_server *s, const uint8_t *map, const char *phase)
{
    uint32_t left = fed_map_count(map, s->n);
    if (left >= s->params.s_min) return false;
    fed_server_set_aborted(s, "%s: %u of %u members are left, at least %u must be", phase,
                           left, s->n, s->params.s_min);
    return true;
}
