/* The JSON of check-in, both directions. */
#include <stdint.h>

#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_checkin request;
    fed_checkin_answer answer;
    fed_error err;
    (void)!fed_checkin_get(&request, (fed_span){data, size}, &err);
    (void)!fed_checkin_answer_get(&answer, (fed_span){data, size}, &err);
    return 0;
}
