/* The signed frame, and the upload inside it. */
#include <stdint.h>

#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fed_vector_shape shapes[2] = {{"values", 3, 10}, {"votes", 9, 7}};
    fed_envelope e;
    fed_span packed[2];
    fed_error err;
    (void)!fed_envelope_open(&e, data, size, 1 << 16, &err);
    (void)!fed_upload_get((fed_span){data, size}, shapes, 2, packed, &err);
    return 0;
}
