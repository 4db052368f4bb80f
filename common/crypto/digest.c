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

/*
 * HMAC and HKDF stand directly on the hash: three HMACs make a mask key, a server derives tens
 * of thousands of those per cohort, and OpenSSL looks its MAC up anew for each one, which
 * takes three times as long as the hashing.
 */
enum { HASH_BLOCK = 64 };

/* A key longer than a block is hashed first; a shorter one is padded with zeros. */
static fed_status prepare_key(fed_digest *d, fed_span key, uint8_t out[HASH_BLOCK],
                              fed_error *err)
{
    memset(out, 0, HASH_BLOCK);
    if (key.len > HASH_BLOCK) {
        fed_digest_update(d, key.data, key.len);
        return fed_digest_final(d, out, err);
    }
    if (key.len) memcpy(out, key.data, key.len);
    return FED_OK;
}

static void put_padded_key(fed_digest *d, const uint8_t key[HASH_BLOCK], uint8_t pad)
{
    uint8_t block[HASH_BLOCK];
    for (size_t i = 0; i < HASH_BLOCK; i++)
        block[i] = key[i] ^ pad;
    fed_digest_update(d, block, sizeof block);
    fed_wipe(block, sizeof block);
}

/* RFC 2104 section 2: H(key ^ opad | H(key ^ ipad | data)), the data in three pieces. */
static fed_status hmac(fed_digest *d, fed_span key, const fed_span data[3],
                       uint8_t out[FED_SHA256_BYTES], fed_error *err)
{
    uint8_t block[HASH_BLOCK];
    fed_status status;
    FED_GO(prepare_key(d, key, block, err));
    put_padded_key(d, block, 0x36);
    for (int i = 0; i < 3; i++)
        fed_digest_update(d, data[i].data, data[i].len);
    FED_GO(fed_digest_final(d, out, err));
    put_padded_key(d, block, 0x5c);
    fed_digest_update(d, out, FED_SHA256_BYTES);
    status = fed_digest_final(d, out, err);
out:
    fed_wipe(block, sizeof block);
    if (status) fed_wipe(out, FED_SHA256_BYTES);
    return status;
}

fed_status fed_hmac_sha256(fed_span key, fed_span data, uint8_t out[FED_SHA256_BYTES],
                           fed_error *err)
{
    fed_digest d;
    const fed_span pieces[3] = {data};
    FED_TRY(fed_digest_init(&d, err));
    fed_status status = hmac(&d, key, pieces, out, err);
    fed_digest_fini(&d);
    return status;
}

fed_status fed_hkdf_extract(fed_span salt, fed_span ikm, uint8_t prk[FED_SHA256_BYTES],
                            fed_error *err)
{
    /* RFC 5869 section 2.2: without a salt, 32 zeros; HMAC pads an empty key to the same. */
    return fed_hmac_sha256(salt, ikm, prk, err);
}

/* RFC 5869 section 2.3: T(i) = HMAC(prk, T(i-1) | info | i), T(0) empty. */
static fed_status expand(fed_digest *d, fed_span prk, fed_span info, uint8_t *out,
                         size_t n, fed_error *err)
{
    uint8_t t[FED_SHA256_BYTES];
    fed_status status = FED_OK;
    fed_span pieces[3] = {{t, 0}, info, {NULL, 1}};
    for (uint8_t i = 1; n; i++) {
        pieces[2].data = &i;
        FED_GO(hmac(d, prk, pieces, t, err));
        pieces[0].len = sizeof t;
        size_t take = n < sizeof t ? n : sizeof t;
        memcpy(out, t, take);
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
    fed_digest d;
    FED_TRY(fed_digest_init(&d, err));
    fed_status status = expand(&d, (fed_span){prk, FED_SHA256_BYTES}, info, out, n, err);
    if (status) fed_wipe(out, n);
    fed_digest_fini(&d);
    return status;
}

fed_status fed_hkdf_sha256(fed_span salt, fed_span ikm, fed_span info, uint8_t *out,
                           size_t n, fed_error *err)
{
    uint8_t prk[FED_SHA256_BYTES];
    fed_status status = fed_hkdf_extract(salt, ikm, prk, err);
    if (!status) status = fed_hkdf_expand(prk, info, out, n, err);
    fed_wipe(prk, sizeof prk);
    return status;
}
