/* Key files: a key has one form, but for the end of the line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_as(fed_key_kind kind, fed_span text)
{
    uint8_t key[32];
    fed_error err;
    fed_bytes out;
    if (fed_keyfile_get(kind, text, key, &err)) return;
    fed_bytes_init(&out, FED_KEYFILE_MAX);
    if (fed_keyfile_put(kind, key, &out, &err)) abort();
    if (text.len < out.len - 1 || memcmp(out.data, text.data, out.len - 1) != 0) abort();
    fed_bytes_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_as(FED_KEY_PRIVATE, (fed_span){data, size});
    read_as(FED_KEY_PUBLIC, (fed_span){data, size});
    return 0;
}
