/* The end: the server has committed the sum. */
#include "device_state.h"

fed_status fed_device_done_read(fed_secagg_device *d, fed_span answer, fed_error *err)
{
    const unsigned type = FED_SECAGG_REVEAL | FED_SECAGG_ANSWER;
    fed_reader r;
    fed_reader_init(&r, answer.data, answer.len);
    FED_TRY(fed_secagg_take_header(&r, d->params.cohort, type, err));
    uint8_t committed = fed_reader_u8(&r);
    FED_TRY(fed_secagg_finish(&r, type, err));
    if (committed != 1)
        return fed_fail(err, FED_E_FORMAT, "answer to reveal: %u, wanted 1 (committed)",
                        committed);
    d->phase = FED_SECAGG_DONE;
    fed_device_wipe(d);
    return FED_OK;
}
