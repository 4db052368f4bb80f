#include "sealed.h"

#include <string.h>

#include "aead.h"
#include "digest.h"

static const uint8_t magic[4] = {'F', 'S', 'R', '1'};
enum {
    HEAD = sizeof magic + FED_SEALED_SALT,
    SEALED_CHUNK = FED_SEALED_CHUNK + FED_AEAD_TAG
};

static size_t count_chunks(size_t n)
{
    return n ? (n - 1) / FED_SEALED_CHUNK + 1 : 1;
}

size_t fed_sealed_length(size_t n)
{
    return HEAD + n + count_chunks(n) * FED_AEAD_TAG;
}

static fed_status record_key(const uint8_t key[FED_SEALED_KEY], fed_span context,
                             const uint8_t salt[FED_SEALED_SALT],
                             uint8_t out[FED_AEAD_KEY], fed_error *err)
{
    static const char label[] = "fed sealed record"; /* its NUL ends the label */
    uint8_t info[sizeof label + FED_SEALED_CONTEXT_MAX];
    if (context.len > FED_SEALED_CONTEXT_MAX)
        return fed_fail(err, FED_E_LIMIT,
                        "sealed record: a context of %zu bytes, at most %d", context.len,
                        FED_SEALED_CONTEXT_MAX);
    memcpy(info, label, sizeof label);
    if (context.len) memcpy(info + sizeof label, context.data, context.len);
    return fed_hkdf_sha256(
        (fed_span){salt, FED_SEALED_SALT}, (fed_span){key, FED_SEALED_KEY},
        (fed_span){info, sizeof label + context.len}, out, FED_AEAD_KEY, err);
}

static void chunk_nonce(uint8_t nonce[FED_AEAD_NONCE], uint64_t chunk, bool last)
{
    memset(nonce, 0, FED_AEAD_NONCE);
    for (int i = 0; i < 8; i++)
        nonce[10 - i] = (uint8_t)(chunk >> 8 * i);
    nonce[11] = last;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static fed_status seal_chunks(const uint8_t key[FED_AEAD_KEY], fed_span plain,
                              uint8_t *out, fed_error *err)
{
    size_t chunks = count_chunks(plain.len);
    for (size_t i = 0; i < chunks; i++) {
        uint8_t nonce[FED_AEAD_NONCE];
        chunk_nonce(nonce, i, i + 1 == chunks);
        size_t from = i * FED_SEALED_CHUNK;
        fed_span part = {plain.len ? plain.data + from : NULL,
                         smaller(plain.len - from, FED_SEALED_CHUNK)};
        FED_TRY(fed_aead_seal(key, nonce, (fed_span){NULL, 0}, part,
                              out + i * SEALED_CHUNK, err));
    }
    return FED_OK;
}

fed_status fed_sealed_seal(const uint8_t key[FED_SEALED_KEY], fed_span context,
                           const fed_random *random, uint64_t index, fed_span plain,
                           fed_bytes *out, fed_error *err)
{
    size_t before = out->len;
    fed_status status;
    uint8_t own[FED_AEAD_KEY] = {0};
    uint8_t *to = fed_bytes_extend(out, fed_sealed_length(plain.len));
    if (!to)
        return fed_fail(err, out->status, "sealed record: no room for %zu bytes",
                        fed_sealed_length(plain.len));
    memcpy(to, magic, sizeof magic);
    status = fed_random_fill(random, "sealed", index, to + sizeof magic, FED_SEALED_SALT);
    if (status) FED_GO(fed_fail(err, status, "sealed record: no random bytes"));
    FED_GO(record_key(key, context, to + sizeof magic, own, err));
    FED_GO(seal_chunks(own, plain, to + HEAD, err));
out:
    if (status) out->len = before;
    fed_wipe(own, sizeof own);
    return status;
}

static fed_status open_chunks(const uint8_t key[FED_AEAD_KEY], fed_span body,
                              uint8_t *out, fed_error *err)
{
    size_t chunks = (body.len - 1) / SEALED_CHUNK + 1;
    for (size_t i = 0; i < chunks; i++) {
        uint8_t nonce[FED_AEAD_NONCE];
        chunk_nonce(nonce, i, i + 1 == chunks);
        size_t from = i * SEALED_CHUNK;
        fed_span part = {body.data + from, smaller(body.len - from, SEALED_CHUNK)};
        fed_status status = fed_aead_open(key, nonce, (fed_span){NULL, 0}, part,
                                          out + i * FED_SEALED_CHUNK, err);
        if (status)
            return fed_fail_in(err, status, "sealed record, chunk %zu of %zu", i, chunks);
    }
    return FED_OK;
}

/* How many plaintext bytes a sealed record of `n` holds; refuses lengths no record has. */
static fed_status plain_length(fed_span sealed, size_t *plain, fed_error *err)
{
    if (sealed.len < HEAD + FED_AEAD_TAG)
        return fed_fail(err, FED_E_FORMAT, "sealed record: %zu bytes, at least %d",
                        sealed.len, HEAD + FED_AEAD_TAG);
    if (memcmp(sealed.data, magic, sizeof magic) != 0)
        return fed_fail(err, FED_E_FORMAT, "sealed record: it does not start with FSR1");
    size_t body = sealed.len - HEAD;
    size_t last = (body - 1) % SEALED_CHUNK + 1;
    if (last < FED_AEAD_TAG + (body > SEALED_CHUNK))
        return fed_fail(err, FED_E_FORMAT,
                        "sealed record: a last chunk of %zu bytes, at least %d", last,
                        FED_AEAD_TAG + (body > SEALED_CHUNK));
    *plain = body - ((body - 1) / SEALED_CHUNK + 1) * FED_AEAD_TAG;
    return FED_OK;
}

fed_status fed_sealed_open(const uint8_t key[FED_SEALED_KEY], fed_span context,
                           fed_span sealed, fed_bytes *out, fed_error *err)
{
    size_t before = out->len, n = 0;
    fed_status status;
    uint8_t own[FED_AEAD_KEY] = {0};
    FED_TRY(plain_length(sealed, &n, err));
    uint8_t *to = fed_bytes_extend(out, n);
    if (!to) return fed_fail(err, out->status, "sealed record: no room for %zu bytes", n);
    FED_GO(record_key(key, context, sealed.data + sizeof magic, own, err));
    FED_GO(open_chunks(own, (fed_span){sealed.data + HEAD, sealed.len - HEAD}, to, err));
out:
    if (status) {
        fed_wipe(to, n);
        out->len = before;
    }
    fed_wipe(own, sizeof own);
    return status;
}
