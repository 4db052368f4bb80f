#include "digest.h"

#include <openssl/evp.h>
#include <string.h>

#include "openssl_fail.h"

fed_status fed_sha256(const void *data, size_t n, uint8_t out[FED_SHA256_BYTES],
                      fed_error *err)
{
    if (!EVP_Digest(n ? data : "", n, out, NULL, EVP_sha256(), NULL)) {
        fed_wipe(out, FED_SHA256_BYTES);
        return fed_openssl_fail(err, "SHA-256");
    }
    return FED_OK;
}

fed_status fed_digest_init(fed_digest *d, fed_error *err)
{
    d->state = EVP_MD_CTX_new();
    d->status = d->state && EVP_DigestInit_ex(d->state, EVP_sha256(), NULL)
                    ? FED_OK
                    : fed_openssl_fail(err, "SHA-256");
    if (d->status) fed_digest_fini(d);
    return d->status;
}

void fed_digest_update(fed_digest *d, const void *data, size_t n)
{
    if (d->status == FED_OK && n && !EVP_DigestUpdate(d->state, data, n))
        d->status = FED_E_CRYPTO;
}

fed_status fed_digest_final(fed_digest *d, uint8_t out[FED_SHA256_BYTES], fed_error *err)
{
    if (d->status || !EVP_DigestFinal_ex(d->state, out, NULL) ||
        !EVP_DigestInit_ex(d->state, NULL, NULL)) {
        d->status = fed_openssl_fail(err, "SHA-256");
        fed_wipe(out, FED_SHA256_BYTES);
    }
    return d->status;
}

void fed_digest_fini(fed_digest *d)
{
    EVP_MD_CTX_free(d->state);
    d->state = NULL;
}

fed_status fed_hmac_sha256(fed_span key, fed_span data, uint8_t out[FED_SHA256_BYTES],
                           fed_error *err)
{
    static const uint8_t nothing[1];
    const uint8_t *k = key.len ? key.data : nothing, *d = data.len ? data.data : nothing;
    if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, k, key.len, d, data.len, out,
                   FED_SHA256_BYTES, NULL)) {
        fed_wipe(out, FED_SHA256_BYTES);
        return fed_openssl_fail(err, "HMAC-SHA256");
    }
    return FED_OK;
}

fed_status fed_hkdf_extract(fed_span salt, fed_span ikm, uint8_t prk[FED_SHA256_BYTES],
                            fed_error *err)
{
    /* RFC 5869 section 2.2: without a salt, 32 zeros; HMAC pads an empty key to the same. */
    return fed_hmac_sha256(salt, ikm, prk, err);
}

/* T(i) = HMAC(prk, T(i-1) | info | i), RFC 5869 section 2.3. `block` holds T(i-1), info and
 * the counter, ready to be hashed; it is updated in place. */
static fed_status expand_into(fed_span prk, fed_bytes *block, uint8_t *out, size_t n,
                              fed_error *err)
{
    uint8_t t[FED_SHA256_BYTES];
    fed_status status = FED_OK;
    size_t skip = FED_SHA256_BYTES; /* T(0) is empty */
    for (uint8_t i = 1; n; i++, skip = 0) {
        block->data[block->len - 1] = i;
        FED_GO(fed_hmac_sha256(prk, (fed_span){block->data + skip, block->len - skip}, t,
                               err));
        size_t take = n < sizeof t ? n : sizeof t;
        memcpy(out, t, take);
        memcpy(block->data, t, sizeof t);
        out += take;
        n -= take;
    }
out:
    fed_wipe(t, sizeof t);
    return status;
}

fed_status fed_hkdf_expand(const uint8_t prk[FED_SHA256_BYTES], fed_span info,
                           uint8_t *out, size_t n, fed_error *err)
{
    if (n > FED_HKDF_MAX)
        return fed_fail(err, FED_E_LIMIT, "HKDF: %zu bytes asked for, at most %d", n,
                        FED_HKDF_MAX);
    static const uint8_t zeros[FED_SHA256_BYTES];
    fed_status status;
    fed_bytes block;
    fed_bytes_init(&block, SIZE_MAX);
    fed_bytes_put(&block, zeros, sizeof zeros);
    fed_bytes_put(&block, info.data, info.len);
    fed_bytes_put_u8(&block, 0);
    status = block.status
                 ? fed_fail_nomem(err, info.len + sizeof zeros + 1)
                 : expand_into((fed_span){prk, FED_SHA256_BYTES}, &block, out, n, err);
    if (status) fed_wipe(out, n);
    fed_bytes_wipe(&block);
    return status;
}

fed_status fed_hkdf_sha256(fed_span salt, fed_span ikm, fed_span info, uint8_t *out,
                           size_t n, fed_error *err)
{
    uint8_t prk[FED_SHA256_BYTES];
    fed_status status = fed_hkdf_extract(salt, ikm, prk, err);
    if (status)
        fed_wipe(out, n);
    else
        status = fed_hkdf_expand(prk, info, out, n, err);
    fed_wipe(prk, sizeof prk);
    return status;
}
