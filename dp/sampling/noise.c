#include "noise.h"

#include <string.h>

#include "crypto.h"

fed_status fed_noise_init(fed_noise *noise, const uint8_t key[32], fed_error *err)
{
    memset(noise, 0, sizeof *noise);
    noise->used = FED_NOISE_WORDS;
    fed_status status = fed_keystream_new(&noise->stream, FED_KEYSTREAM_AES256_CTR, err);
    if (status == FED_OK) status = fed_keystream_start(noise->stream, key, NULL, err);
    if (status != FED_OK) {
        fed_noise_fini(noise);
        noise->status = fed_fail(&noise->why, status, "noise: no key stream");
    }
    return status;
}

fed_status fed_noise_init_random(fed_noise *noise, const fed_random *random,
                                 const char *purpose, uint64_t index, fed_error *err)
{
    uint8_t key[32];
    memset(noise, 0, sizeof *noise);
    fed_status status = fed_random_fill(random, purpose, index, key, sizeof key);
    if (status != FED_OK)
        return fed_fail(err, status, "noise: no random key for %s", purpose);
    status = fed_noise_init(noise, key, err);
    fed_wipe(key, sizeof key);
    return status;
}

void fed_noise_fini(fed_noise *noise)
{
    fed_keystream_free(noise->stream);
    fed_wipe(noise, sizeof *noise);
    noise->used = FED_NOISE_WORDS;
}

fed_status fed_noise_check(const fed_noise *noise, fed_error *err)
{
    if (noise->status == FED_OK) return FED_OK;
    return fed_fail(err, noise->status, "%s", noise->why.text);
}

/* Public words, drawn after a failure: their only job is to let rejection loops end. */
static void fill_publicly(uint64_t *out, size_t n)
{
    static const uint8_t key[32] = {0};
    fed_stream stream;
    fed_stream_init(&stream, key, FED_PURPOSE_TEST, 0);
    fed_stream_fill(&stream, out, n * sizeof *out);
}

static void draw(fed_noise *noise, uint64_t *out, size_t n)
{
    fed_status status = FED_E_STATE;
    if (noise->stream)
        status = fed_keystream_fill(noise->stream, out, n * sizeof *out, &noise->why);
    if (status != FED_OK && noise->status == FED_OK)
        noise->status = fed_fail(&noise->why, status, "noise: the key stream failed");
    if (noise->status != FED_OK) fill_publicly(out, n);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    for (size_t i = 0; i < n; i++)
        out[i] = fed_load_u64((const uint8_t *)(out + i));
#endif
}

void fed_noise_refill(fed_noise *noise)
{
    draw(noise, noise->word, FED_NOISE_WORDS);
    noise->used = 0;
}

void fed_noise_words(fed_noise *noise, uint64_t *out, size_t n)
{
    size_t buffered = FED_NOISE_WORDS - noise->used;
    size_t take = n < buffered ? n : buffered;
    memcpy(out, noise->word + noise->used, take * sizeof *out);
    noise->used += take;
    out += take, n -= take;
    if (n >= FED_NOISE_WORDS / 4) {
        draw(noise, out, n);
    } else if (n) {
        fed_noise_refill(noise);
        memcpy(out, noise->word, n * sizeof *out);
        noise->used = n;
    }
}
