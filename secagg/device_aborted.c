/* Leaving: by the server's word, or because something is wrong. */
#include <stdio.h>

#include "device_state.h"

void fed_secagg_device_abort(fed_secagg_device *d, const char *reason)
{
    if (d->phase >= FED_SECAGG_DONE) return;
    snprintf(d->reason, sizeof d->reason, "%s", reason);
    d->phase = FED_SECAGG_ABORTED;
    fed_device_wipe(d);
}

/* The text may end up in a log: printable ASCII only. */
fed_status fed_device_aborted_read(fed_secagg_device *d, fed_span answer, fed_error *err)
{
    const unsigned type = FED_SECAGG_ABORTED | FED_SECAGG_ANSWER;
    char text[FED_SECAGG_REASON + 1], reason[FED_SECAGG_REASON + 32];
    fed_reader r;
    fed_reader_init(&r, answer.data, answer.len);
    FED_TRY(fed_secagg_take_header(&r, d->params.cohort, type, err));
    fed_span said = fed_reader_block(&r, FED_SECAGG_REASON);
    FED_TRY(fed_secagg_finish(&r, type, err));
    for (size_t i = 0; i < said.len; i++)
        text[i] = said.data[i] >= ' ' && said.data[i] <= '~' ? (char)said.data[i] : '?';
    text[said.len] = 0;
    snprintf(reason, sizeof reason, "the server aborted: %s", text);
    fed_secagg_device_abort(d, reason);
    return FED_OK;
}
