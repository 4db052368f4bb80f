/* Golomb codes: four bytes give k and n, the rest is the code. What is accepted must be
 * ascending, below n, and encode to the same bytes again. */
#include <stdlib.h>
#include <string.h>

#include "golomb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const uint32_t *indices, size_t k, size_t n, fed_span code)
{
    fed_bytes again;
    fed_bytes_init(&again, 1 << 24);
    if (fed_golomb_encode(indices, k, n, &again, NULL) != FED_OK) abort();
    if (again.len != code.len ||
        (code.len && memcmp(again.data, code.data, code.len) != 0))
        abort();
    if (again.len > fed_golomb_bytes_max(k, n)) abort();
    fed_bytes_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) return 0;
    size_t k = data[0] | (size_t)data[1] << 8, n = 1 + (data[2] | (size_t)data[3] << 8);
    fed_span code = {data + 4, size - 4};
    uint32_t *indices = malloc((k + 1) * sizeof *indices);
    fed_error err;
    if (!indices) abort();
    if (fed_golomb_decode(code, k, n, indices, &err) == FED_OK)
        check_again(indices, k, n, code);
    free(indices);
    return 0;
}
