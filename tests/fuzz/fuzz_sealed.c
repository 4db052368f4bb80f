/* Sealed records: nothing opens but what was sealed, and what was sealed opens. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[32] = {1};
static const fed_span context = {(const uint8_t *)"fuzz", 4};

static fed_status zero_salt(void *ctx, const char *purpose, uint64_t index, void *out,
                            size_t n)
{
    (void)ctx, (void)purpose, (void)index;
    memset(out, 0, n);
    return FED_OK;
}

/* The first bytes of the input say which byte of the record is changed, and how. */
static void seal_and_change(const uint8_t *data, size_t size)
{
    static const fed_random random = {zero_salt, NULL};
    fed_bytes sealed, plain;
    fed_bytes_init(&sealed, (size_t)1 << 24);
    fed_bytes_init(&plain, (size_t)1 << 24);
    fed_span whole = {data + 5, size - 5};
    if (fed_sealed_seal(key, context, &random, 0, whole, &sealed, NULL)) abort();
    fed_span s = {sealed.data, sealed.len};
    if (fed_sealed_open(key, context, s, &plain, NULL)) abort();
    if (plain.len != whole.len || memcmp(plain.data, whole.data, whole.len) != 0) abort();
    sealed.data[fed_load_u32(data) % sealed.len] ^= (uint8_t)(data[4] | 1);
    if (fed_sealed_open(key, context, s, &plain, NULL) == FED_OK) abort();
    fed_bytes_fini(&plain);
    fed_bytes_fini(&sealed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_error err;
    fed_bytes out;
    fed_bytes_init(&out, 1 << 20);
    if (fed_sealed_open(key, context, (fed_span){data, size}, &out, &err) && out.len)
        abort();
    fed_bytes_fini(&out);
    if (size > 5) seal_and_change(data, size);
    return 0;
}
