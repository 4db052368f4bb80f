/* The JSON of check-in, both directions: what parses is written in a form that parses to the
 * same, for that form is what a signature is over. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read(const fed_checkin *m)
{
    fed_checkin again;
    fed_bytes out;
    fed_bytes_init(&out, 2 * FED_CHECKIN_JSON_MAX);
    if (fed_checkin_put(&out, m, NULL) ||
        fed_checkin_get(&again, (fed_span){out.data, out.len}, NULL) ||
        memcmp(again.device, m->device, sizeof m->device) != 0 ||
        memcmp(again.held, m->held, sizeof m->held) != 0 ||
        memcmp(again.certificate, m->certificate, sizeof m->certificate) != 0 ||
        again.is_signed != m->is_signed || again.examples != m->examples)
        abort();
    (void)!fed_checkin_verify(m, NULL);
    fed_bytes_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_checkin request;
    fed_checkin_answer answer;
    fed_error err;
    if (fed_checkin_get(&request, (fed_span){data, size}, &err) == FED_OK)
        write_and_read(&request);
    (void)!fed_checkin_answer_get(&answer, (fed_span){data, size}, &err);
    return 0;
}
