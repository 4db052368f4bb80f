/* A stored task's head: what parses is written back as the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "round.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_head head;
    fed_error err;
    fed_bytes out;
    if (fed_head_get(&head, (fed_span){data, size}, &err)) return 0;
    fed_bytes_init(&out, FED_HEAD_BYTES_MAX);
    fed_head_put(&out, &head);
    if (out.len != size || memcmp(out.data, data, size) != 0) abort();
    fed_bytes_fini(&out);
    return 0;
}
