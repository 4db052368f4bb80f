/* A stored draw: what parses is written in the same bytes, and all its devices are found. */
#include <stdlib.h>
#include <string.h>

#include "round.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(const fed_drawn *drawn, fed_span bytes)
{
    fed_bytes out;
    fed_bytes_init(&out, SIZE_MAX);
    fed_drawn_put(&out, drawn);
    if (out.len != bytes.len || memcmp(out.data, bytes.data, bytes.len) != 0) abort();
    for (uint32_t i = 0; i < drawn->n; i++)
        if (!fed_drawn_has(drawn, drawn->devices[i])) abort();
    fed_bytes_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_drawn drawn;
    fed_error err;
    if (fed_drawn_get(&drawn, (fed_span){data, size}, &err) == FED_OK)
        write_again(&drawn, (fed_span){data, size});
    fed_drawn_fini(&drawn);
    return 0;
}
