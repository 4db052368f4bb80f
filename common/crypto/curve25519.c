#include "curve25519.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "openssl_fail.h"

/* Both curves: raw private bytes to raw public bytes. */
static fed_status raw_public(int type, const char *what, const uint8_t secret[32],
                             uint8_t public_key[32], fed_error *err)
{
    size_t n = 32;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(type, NULL, secret, 32);
    bool ok = key && EVP_PKEY_get_raw_public_key(key, public_key, &n) == 1 && n == 32;
    EVP_PKEY_free(key);
    if (ok) return FED_OK;
    fed_wipe(public_key, 32);
    return fed_openssl_fail(err, what);
}

fed_status fed_x25519_public(const uint8_t secret[FED_X25519_BYTES],
                             uint8_t public_key[FED_X25519_BYTES], fed_error *err)
{
    return raw_public(EVP_PKEY_X25519, "X25519 public key", secret, public_key, err);
}

/* The struct is never defined: the key is OpenSSL's object under another name. */
fed_status fed_x25519_new(fed_x25519 **out, const uint8_t secret[FED_X25519_BYTES],
                          fed_error *err)
{
    EVP_PKEY *key =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, FED_X25519_BYTES);
    *out = (fed_x25519 *)key;
    return key ? FED_OK : fed_openssl_fail(err, "X25519 secret key");
}

void fed_x25519_free(fed_x25519 *key)
{
    EVP_PKEY_free((EVP_PKEY *)key);
}

/* Without OpenSSL's check of the peer's key, which is another multiplication: any 32 bytes
 * are a public key, and what a bad one does shows in the result. */
static bool derive(EVP_PKEY *mine, EVP_PKEY *peer, uint8_t shared[FED_X25519_BYTES])
{
    size_t n = FED_X25519_BYTES;
    EVP_PKEY_CTX *ctx = peer ? EVP_PKEY_CTX_new(mine, NULL) : NULL;
    bool ok = ctx && EVP_PKEY_derive_init(ctx) == 1 &&
              EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
              EVP_PKEY_derive(ctx, shared, &n) == 1 && n == FED_X25519_BYTES;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

fed_status fed_x25519_agree(const fed_x25519 *key, const uint8_t peer[FED_X25519_BYTES],
                            uint8_t shared[FED_X25519_BYTES], fed_error *err)
{
    static const uint8_t zeros[FED_X25519_BYTES];
    fed_status status = FED_OK;
    EVP_PKEY *mine = (EVP_PKEY *)(uintptr_t)key; /* not changed by what follows */
    EVP_PKEY *theirs =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, FED_X25519_BYTES);
    /* OpenSSL refuses the all-zero result by itself; the promise here does not rest on it. */
    if (!derive(mine, theirs, shared) ||
        fed_compare_secret(shared, zeros, FED_X25519_BYTES) == 0) {
        status = fed_openssl_fail(err, "X25519: the peer's public key gives no secret");
        fed_wipe(shared, FED_X25519_BYTES);
    }
    EVP_PKEY_free(theirs);
    return status;
}

/* The opaque type is OpenSSL's own, under another name. */
static EVP_PKEY *pkey_of(const fed_x25519_key *key)
{
    return (
        EVP_PKEY *)(void *)(uintptr_t)key; /* OpenSSL wants it writable to count uses */
}

fed_status fed_x25519_key_new(fed_x25519_key **out,
                              const uint8_t secret[FED_X25519_BYTES], fed_error *err)
{
    *out = (fed_x25519_key *)(void *)EVP_PKEY_new_raw_private_key(
        EVP_PKEY_X25519, NULL, secret, FED_X25519_BYTES);
    return *out ? FED_OK : fed_openssl_fail(err, "X25519 secret key");
}

void fed_x25519_key_free(fed_x25519_key *key)
{
    EVP_PKEY_free(pkey_of(key));
}

fed_status fed_x25519_key_public(const fed_x25519_key *key,
                                 uint8_t public_key[FED_X25519_BYTES], fed_error *err)
{
    size_t n = FED_X25519_BYTES;
    if (EVP_PKEY_get_raw_public_key(pkey_of(key), public_key, &n) == 1) return FED_OK;
    fed_wipe(public_key, FED_X25519_BYTES);
    return fed_openssl_fail(err, "X25519 public key");
}

fed_status fed_x25519_key_shared(const fed_x25519_key *key,
                                 const uint8_t peer[FED_X25519_BYTES],
                                 uint8_t shared[FED_X25519_BYTES], fed_error *err)
{
    static const uint8_t zeros[FED_X25519_BYTES];
    fed_status status = FED_OK;
    EVP_PKEY *theirs =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, FED_X25519_BYTES);
    /* OpenSSL refuses the all-zero result by itself; the promise here does not rest on it. */
    if (!derive(pkey_of(key), theirs, shared) ||
        fed_compare_secret(shared, zeros, FED_X25519_BYTES) == 0) {
        status = fed_openssl_fail(err, "X25519: the peer's public key gives no secret");
        fed_wipe(shared, FED_X25519_BYTES);
    }
    EVP_PKEY_free(theirs);
    return status;
}

fed_status fed_x25519_shared(const uint8_t secret[FED_X25519_BYTES],
                             const uint8_t peer[FED_X25519_BYTES],
                             uint8_t shared[FED_X25519_BYTES], fed_error *err)
{
    fed_x25519_key *mine;
    fed_status status = fed_x25519_key_new(&mine, secret, err);
    if (status)
        fed_wipe(shared, FED_X25519_BYTES);
    else
        status = fed_x25519_key_shared(mine, peer, shared, err);
    fed_x25519_key_free(mine);
    return status;
}

fed_status fed_ed25519_public(const uint8_t seed[FED_ED25519_BYTES],
                              uint8_t public_key[FED_ED25519_BYTES], fed_error *err)
{
    return raw_public(EVP_PKEY_ED25519, "Ed25519 public key", seed, public_key, err);
}

fed_status fed_ed25519_sign(const uint8_t seed[FED_ED25519_BYTES], const void *data,
                            size_t n, uint8_t signature[FED_ED25519_SIGNATURE],
                            fed_error *err)
{
    size_t length = FED_ED25519_SIGNATURE;
    fed_status status = FED_OK;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY *key =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, FED_ED25519_BYTES);
    if (!ctx || !key || EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 ||
        EVP_DigestSign(ctx, signature, &length, n ? data : (const void *)"", n) != 1) {
        fed_wipe(signature, FED_ED25519_SIGNATURE);
        status = fed_openssl_fail(err, "Ed25519 signature");
    }
    EVP_PKEY_free(key);
    EVP_MD_CTX_free(ctx);
    return status;
}

fed_status fed_ed25519_verify(const uint8_t public_key[FED_ED25519_BYTES],
                              const void *data, size_t n,
                              const uint8_t signature[FED_ED25519_SIGNATURE],
                              fed_error *err)
{
    fed_status status = FED_OK;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key,
                                                FED_ED25519_BYTES);
    if (!ctx || !key || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) != 1) {
        status = fed_openssl_fail(err, "Ed25519 public key");
    } else if (EVP_DigestVerify(ctx, signature, FED_ED25519_SIGNATURE,
                                n ? data : (const void *)"", n) != 1) {
        ERR_clear_error();
        status = fed_fail(err, FED_E_AUTH, "Ed25519: the signature does not verify");
    }
    EVP_PKEY_free(key);
    EVP_MD_CTX_free(ctx);
    return status;
}
