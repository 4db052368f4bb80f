/* Compressed blobs: never more than was allowed, and nothing after a failure. */
#include <stdint.h>
#include <stdlib.h>

#include "model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { ALLOWED = 1 << 16 };
    fed_bytes out;
    fed_error err;
    fed_bytes_init(&out, 1 << 20);
    fed_status status = fed_blob_decompress((fed_span){data, size}, ALLOWED, &out, &err);
    if (status ? out.len : out.len > ALLOWED) abort();
    fed_bytes_fini(&out);
    return 0;
}
