#include "seeded.h"

#include <string.h>

#include "crypto.h"

static fed_status draw(void *ctx, const char *purpose, uint64_t index, void *out,
                       size_t n)
{
    const fed_seeded *s = ctx;
    uint8_t key[FED_SHA256_BYTES];
    fed_span name = {(const uint8_t *)purpose, strlen(purpose)};
    FED_TRY(fed_hmac_sha256((fed_span){s->seed, sizeof s->seed}, name, key, NULL));
    fed_stream stream;
    fed_stream_init(&stream, key, FED_PURPOSE_SECRET, index);
    fed_stream_fill(&stream, out, n);
    fed_wipe(&stream, sizeof stream);
    fed_wipe(key, sizeof key);
    return FED_OK;
}

fed_random fed_seeded_random(const fed_seeded *seeded)
{
    return (fed_random){draw, (void *)(uintptr_t)seeded}; /* only read through */
}

void fed_seeded_device_seed(uint64_t seed, uint64_t client, uint8_t out[FED_SEED_BYTES])
{
    uint8_t key[FED_SEED_BYTES];
    fed_stream stream;
    fed_seed_from_u64(key, seed);
    fed_stream_init(&stream, key, FED_PURPOSE_DEVICE, client);
    fed_stream_fill(&stream, out, FED_SEED_BYTES);
}

fed_status fed_seeded_server(uint64_t seed, uint64_t life, fed_seeded *out)
{
    fed_seeded all;
    fed_seed_from_u64(all.seed, seed);
    fed_random secret = fed_seeded_random(&all);
    return fed_random_fill(&secret, "server life", life, out->seed, sizeof out->seed);
}
