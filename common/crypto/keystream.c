#include "keystream.h"

#include <openssl/evp.h>
#include <string.h>

#include "openssl_fail.h"

struct fed_keystream {
    EVP_CIPHER_CTX *ctx;
    fed_keystream_kind kind;
    bool keyed;
    uint8_t initial[FED_KEYSTREAM_BLOCK];
    uint64_t at, end; /* in bytes: the next one, and how many there are */
};

enum {
    TILE = 16384, /* zeros are encrypted; so many that a call costs nothing beside them */
    CHACHA_BLOCK = 64
};
#define AES_END (UINT64_C(1) << 62) /* bytes; the counter itself goes to 2^132 */

static const EVP_CIPHER *cipher_of(fed_keystream_kind kind)
{
    if (kind == FED_KEYSTREAM_AES256_CTR) return EVP_aes_256_ctr();
    return kind == FED_KEYSTREAM_CHACHA20 ? EVP_chacha20() : NULL;
}

fed_status fed_keystream_new(fed_keystream **out, fed_keystream_kind kind, fed_error *err)
{
    *out = NULL;
    const EVP_CIPHER *cipher = cipher_of(kind);
    if (!cipher)
        return fed_fail(err, FED_E_INVALID, "key stream: kind %d is not known",
                        (int)kind);
    fed_keystream *s = fed_calloc(1, sizeof *s);
    if (!s) return fed_fail_nomem(err, sizeof *s);
    s->kind = kind;
    s->ctx = EVP_CIPHER_CTX_new();
    if (!s->ctx || EVP_EncryptInit_ex(s->ctx, cipher, NULL, NULL, NULL) != 1) {
        fed_keystream_free(s);
        return fed_openssl_fail(err, "key stream");
    }
    *out = s;
    return FED_OK;
}

void fed_keystream_free(fed_keystream *s)
{
    if (!s) return;
    EVP_CIPHER_CTX_free(s->ctx); /* wipes its key schedule */
    fed_wipe_free(s, sizeof *s);
}

/* The counter block that gives bytes [16 block, ...): initial + block, modulo 2^128. */
static void aes_counter(uint8_t counter[16], const uint8_t initial[16], uint64_t block)
{
    unsigned carry = 0;
    for (int i = 15; i >= 0; i--) {
        unsigned sum = initial[i] + (unsigned)(block & 0xff) + carry;
        counter[i] = (uint8_t)sum;
        carry = sum >> 8;
        block >>= 8;
    }
}

static void chacha_counter(uint8_t counter[16], const uint8_t initial[16], uint64_t block)
{
    memcpy(counter, initial, 16);
    fed_store_u32(counter, fed_load_u32(initial) + (uint32_t)block);
}

/* Draw and drop the `n` < 64 bytes that lie before the place asked for. */
static bool skip(fed_keystream *s, size_t n)
{
    uint8_t drop[CHACHA_BLOCK] = {0};
    int done;
    bool ok = !n || EVP_EncryptUpdate(s->ctx, drop, &done, drop, (int)n) == 1;
    fed_wipe(drop, sizeof drop);
    return ok;
}

static fed_status move(fed_keystream *s, const uint8_t *key, uint64_t at, fed_error *err)
{
    uint8_t counter[16];
    bool aes = s->kind == FED_KEYSTREAM_AES256_CTR;
    unsigned block = aes ? FED_KEYSTREAM_BLOCK : CHACHA_BLOCK;
    (aes ? aes_counter : chacha_counter)(counter, s->initial, at / block);
    if (EVP_EncryptInit_ex(s->ctx, NULL, NULL, key, counter) != 1 ||
        !skip(s, at % block)) {
        s->keyed = false;
        return fed_openssl_fail(err, "key stream");
    }
    s->at = at;
    return FED_OK;
}

fed_status fed_keystream_start(fed_keystream *s, const uint8_t key[FED_KEYSTREAM_KEY],
                               const uint8_t initial[FED_KEYSTREAM_BLOCK], fed_error *err)
{
    memset(s->initial, 0, sizeof s->initial);
    if (initial) memcpy(s->initial, initial, sizeof s->initial);
    s->end = s->kind == FED_KEYSTREAM_AES256_CTR
                 ? AES_END
                 : ((UINT64_C(1) << 32) - fed_load_u32(s->initial)) * CHACHA_BLOCK;
    s->keyed = true;
    return move(s, key, 0, err);
}

static fed_status check_range(const fed_keystream *s, uint64_t from, uint64_t n,
                              fed_error *err)
{
    if (!s->keyed) return fed_fail(err, FED_E_STATE, "key stream: no key is set");
    if (from > s->end || n > s->end - from)
        return fed_fail(
            err, FED_E_LIMIT, "key stream: %llu bytes from %llu on, the stream has %llu",
            (unsigned long long)n, (unsigned long long)from, (unsigned long long)s->end);
    return FED_OK;
}

fed_status fed_keystream_seek(fed_keystream *s, uint64_t block, fed_error *err)
{
    uint64_t at = block > UINT64_MAX / FED_KEYSTREAM_BLOCK ? UINT64_MAX
                                                           : block * FED_KEYSTREAM_BLOCK;
    FED_TRY(check_range(s, at, 1, err));
    return move(s, NULL, at, err);
}

fed_status fed_keystream_fill(fed_keystream *s, void *out, size_t n, fed_error *err)
{
    static const uint8_t zeros[TILE];
    uint8_t *to = out;
    fed_status status = check_range(s, s->at, n, err);
    for (size_t done = 0, take; !status && done < n; done += take) {
        int written;
        take = n - done < TILE ? n - done : TILE;
        if (EVP_EncryptUpdate(s->ctx, to + done, &written, zeros, (int)take) != 1) {
            s->keyed = false; /* nobody knows where the stream stands now */
            status = fed_openssl_fail(err, "key stream");
        }
    }
    if (status)
        fed_wipe(out, n);
    else
        s->at += n;
    return status;
}
