/* Packed vectors: byte 0 gives B, bytes 1 and 2 the length; the rest is the packed bytes. What
 * is accepted must pack to the same bytes again. */
#include <stdlib.h>
#include <string.h>

#include "codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) return 0;
    unsigned bits = data[0] % 64 + 1;
    size_t n = (data[1] | (size_t)data[2] << 8) % 4096;
    fed_span packed = {data + 3, size - 3};
    fed_ring r;
    fed_error err;
    if (fed_ring_init(&r, bits, n, &err) != FED_OK) abort();
    if (fed_ring_unpack(&r, packed, &err) == FED_OK) {
        uint8_t *again = malloc(packed.len + 1);
        if (!again) abort();
        fed_ring_pack(&r, again);
        if (packed.len && memcmp(again, packed.data, packed.len) != 0) abort();
        if (fed_ring_add_packed(&r, packed, &err) != FED_OK) abort();
        free(again);
    }
    fed_ring_fini(&r);
    return 0;
}
