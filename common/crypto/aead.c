#include "aead.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "openssl_fail.h"

/* One call for both directions; OpenSSL takes a NULL output to mean "additional data". */
static bool update(EVP_CIPHER_CTX *ctx, uint8_t *out, fed_span in)
{
    int n;
    return !in.len || EVP_CipherUpdate(ctx, out, &n, in.data, (int)in.len) == 1;
}

static EVP_CIPHER_CTX *start(const uint8_t key[FED_AEAD_KEY],
                             const uint8_t nonce[FED_AEAD_NONCE], int encrypt)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx && EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce, encrypt) == 1)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

static fed_status check_lengths(size_t aad, size_t plain, fed_error *err)
{
    if (aad > FED_AEAD_MAX || plain > FED_AEAD_MAX)
        return fed_fail(err, FED_E_LIMIT,
                        "AES-256-GCM: %zu bytes and %zu additional, at most %d each",
                        plain, aad, FED_AEAD_MAX);
    return FED_OK;
}

fed_status fed_aead_seal(const uint8_t key[FED_AEAD_KEY],
                         const uint8_t nonce[FED_AEAD_NONCE], fed_span aad,
                         fed_span plain, uint8_t *out, fed_error *err)
{
    FED_TRY(check_lengths(aad.len, plain.len, err));
    fed_status status = FED_OK;
    int n;
    uint8_t *tag = out + plain.len;
    EVP_CIPHER_CTX *ctx = start(key, nonce, 1);
    if (!ctx || !update(ctx, NULL, aad) || !update(ctx, out, plain) ||
        EVP_EncryptFinal_ex(ctx, tag, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, FED_AEAD_TAG, tag) != 1) {
        fed_wipe(out, plain.len + FED_AEAD_TAG);
        status = fed_openssl_fail(err, "AES-256-GCM");
    }
    EVP_CIPHER_CTX_free(ctx);
    return status;
}

fed_status fed_aead_open(const uint8_t key[FED_AEAD_KEY],
                         const uint8_t nonce[FED_AEAD_NONCE], fed_span aad,
                         fed_span sealed, uint8_t *out, fed_error *err)
{
    if (sealed.len < FED_AEAD_TAG)
        return fed_fail(err, FED_E_FORMAT,
                        "AES-256-GCM: %zu bytes, shorter than a tag of %d", sealed.len,
                        FED_AEAD_TAG);
    fed_span cipher = {sealed.data, sealed.len - FED_AEAD_TAG};
    FED_TRY(check_lengths(aad.len, cipher.len, err));
    fed_status status = FED_OK;
    int n;
    uint8_t tag[FED_AEAD_TAG], rest[FED_AEAD_TAG];
    memcpy(tag, sealed.data + cipher.len, sizeof tag);
    EVP_CIPHER_CTX *ctx = start(key, nonce, 0);
    if (!ctx || !update(ctx, NULL, aad) || !update(ctx, out, cipher) ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, FED_AEAD_TAG, tag) != 1) {
        status = fed_openssl_fail(err, "AES-256-GCM");
    } else if (EVP_DecryptFinal_ex(ctx, rest, &n) != 1) {
        ERR_clear_error();
        status = fed_fail(err, FED_E_AUTH, "AES-256-GCM: the tag does not verify");
    }
    if (status) fed_wipe(out, cipher.len);
    EVP_CIPHER_CTX_free(ctx);
    return status;
}
