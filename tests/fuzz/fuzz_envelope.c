/* The signed frame of cohort messages. */
#include <stdint.h>

#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_envelope e;
    fed_error err;
    (void)!fed_envelope_open(&e, data, size, 1 << 16, &err);
    return 0;
}
