/* The end: masks come off, and those who helped are told. */
#include "server_state.h"

fed_status fed_server_done_close(fed_secagg_server *s, fed_error *err)
{
    return fed_unmask_sums(s, err);
}

fed_status fed_server_done_answer(const fed_secagg_server *s, uint32_t i, fed_bytes *out,
                                  fed_error *err)
{
    (void)i, (void)err;
    fed_secagg_put_header(out, s->params.cohort, FED_SECAGG_REVEAL | FED_SECAGG_ANSWER);
    fed_bytes_put_u8(out, 1);
    return FED_OK;
}
