#include "message.h"

#include <stdio.h>
#include <string.h>

static const uint8_t MAGIC[4] = {'F', 'S', 'A', '1'};
enum { VERSION = 1, TYPE_AT = 5, LABEL_MAX = 32 };

void fed_secagg_put_header(fed_bytes *b, const uint8_t cohort[FED_SECAGG_ID],
                           unsigned type)
{
    fed_bytes_put(b, MAGIC, sizeof MAGIC);
    fed_bytes_put_u8(b, VERSION);
    fed_bytes_put_u8(b, (uint8_t)type);
    fed_bytes_put_u16(b, 0);
    fed_bytes_put(b, cohort, FED_SECAGG_ID);
}

/* "share", or "answer to share". */
static const char *type_name(unsigned type, char out[LABEL_MAX])
{
    unsigned phase = type & (FED_SECAGG_ANSWER - 1);
    const char *name = fed_secagg_phase_name((fed_secagg_phase)phase);
    snprintf(out, LABEL_MAX, "%s%s", type >= FED_SECAGG_ANSWER ? "answer to " : "",
             name ? name : "message");
    return out;
}

fed_status fed_secagg_take_header(fed_reader *r, const uint8_t cohort[FED_SECAGG_ID],
                                  unsigned type, fed_error *err)
{
    char name[LABEL_MAX];
    fed_span magic = fed_reader_take(r, sizeof MAGIC);
    uint8_t version = fed_reader_u8(r), found = fed_reader_u8(r);
    uint16_t zero = fed_reader_u16(r);
    fed_span id = fed_reader_take(r, FED_SECAGG_ID);
    if (r->failed || memcmp(magic.data, MAGIC, sizeof MAGIC) != 0 || zero != 0)
        return fed_fail(err, FED_E_FORMAT, "%s: no secure-aggregation header",
                        type_name(type, name));
    if (version != VERSION)
        return fed_fail(err, FED_E_FORMAT, "%s: version %u, this is version %d",
                        type_name(type, name), version, VERSION);
    if (found != type)
        return fed_fail(err, FED_E_FORMAT, "%s: type %u, wanted %u",
                        type_name(type, name), found, type);
    if (memcmp(id.data, cohort, FED_SECAGG_ID) != 0)
        return fed_fail(err, FED_E_REFUSED, "%s: of another cohort",
                        type_name(type, name));
    return FED_OK;
}

unsigned fed_secagg_message_type(fed_span body)
{
    return body.len >= FED_SECAGG_HEADER ? body.data[TYPE_AT] : 0;
}

fed_status fed_secagg_finish(const fed_reader *r, unsigned type, fed_error *err)
{
    char name[LABEL_MAX];
    if (fed_reader_finish(r) == FED_OK) return FED_OK;
    return fed_fail(err, FED_E_FORMAT, "%s: %s", type_name(type, name),
                    r->failed ? "too short" : "left-over bytes");
}

/* ---- Bundles ------------------------------------------------------------------------ */

fed_status fed_secagg_bundle_write(fed_bytes *b, const uint8_t cohort[FED_SECAGG_ID],
                                   const fed_secagg_bundle *bundle,
                                   const uint8_t identity_seed[32], fed_error *err)
{
    uint8_t certificate[FED_CERTIFICATE_BYTES], signature[FED_ED25519_SIGNATURE];
    size_t start = b->len;
    fed_certificate_encode(&bundle->certificate, certificate);
    fed_secagg_put_header(b, cohort, FED_SECAGG_JOIN);
    fed_bytes_put(b, bundle->params_hash, sizeof bundle->params_hash);
    fed_bytes_put(b, bundle->update_id, sizeof bundle->update_id);
    fed_bytes_put(b, certificate, sizeof certificate);
    fed_bytes_put(b, bundle->share_key, sizeof bundle->share_key);
    fed_bytes_put(b, bundle->mask_key, sizeof bundle->mask_key);
    fed_bytes_put(b, bundle->commitment, sizeof bundle->commitment);
    if (b->status) return fed_fail(err, b->status, "join: no room for the message");
    FED_TRY(
        fed_ed25519_sign(identity_seed, b->data + start, b->len - start, signature, err));
    fed_bytes_put(b, signature, sizeof signature);
    return b->status ? fed_fail(err, b->status, "join: no room for the message") : FED_OK;
}

static fed_status take_bundle(const uint8_t cohort[FED_SECAGG_ID], fed_span bytes,
                              fed_secagg_bundle *out, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, bytes.data, bytes.len);
    FED_TRY(fed_secagg_take_header(&r, cohort, FED_SECAGG_JOIN, err));
    fed_reader_copy(&r, out->params_hash, sizeof out->params_hash);
    fed_reader_copy(&r, out->update_id, sizeof out->update_id);
    fed_span certificate = fed_reader_take(&r, FED_CERTIFICATE_BYTES);
    fed_reader_copy(&r, out->share_key, sizeof out->share_key);
    fed_reader_copy(&r, out->mask_key, sizeof out->mask_key);
    fed_reader_copy(&r, out->commitment, sizeof out->commitment);
    fed_reader_take(&r, FED_ED25519_SIGNATURE);
    FED_TRY(fed_secagg_finish(&r, FED_SECAGG_JOIN, err));
    return fed_certificate_parse(&out->certificate, certificate, err);
}

fed_status fed_secagg_bundle_read(const fed_secagg_params *params,
                                  const uint8_t params_hash[FED_SHA256_BYTES],
                                  int64_t now_s, fed_span bytes, fed_secagg_bundle *out,
                                  fed_error *err)
{
    FED_TRY(take_bundle(params->cohort, bytes, out, err));
    if (memcmp(out->params_hash, params_hash, FED_SHA256_BYTES) != 0)
        return fed_fail(err, FED_E_REFUSED,
                        "join: signed for other parameters than this cohort's");
    FED_TRY(fed_certificate_verify(&out->certificate, params->enrolment_key, now_s, err));
    size_t n = FED_SECAGG_BUNDLE - FED_ED25519_SIGNATURE;
    fed_status status = fed_ed25519_verify(out->certificate.device_key, bytes.data, n,
                                           bytes.data + n, err);
    return fed_fail_in(err, status, "join");
}

/* ---- Confirmations, sealed shares --------------------------------------------------- */

fed_status fed_secagg_confirm_hash(const fed_secagg_session *session, const uint8_t *u2,
                                   const uint8_t *u3, uint8_t hash[FED_SHA256_BYTES],
                                   fed_error *err)
{
    static const char label[] = "libfed secagg 1 confirm";
    size_t map = fed_map_bytes(session->graph.n);
    fed_digest d;
    FED_TRY(fed_digest_init(&d, err));
    fed_digest_update(&d, label, sizeof label);
    fed_digest_update(&d, session->hash, sizeof session->hash);
    fed_digest_update(&d, u2, map);
    fed_digest_update(&d, u3, map);
    fed_status status = fed_digest_final(&d, hash, err);
    fed_digest_fini(&d);
    return status;
}

enum { AAD = FED_SECAGG_ID + 12 };

/* fed_aead_seal or fed_aead_open. */
typedef fed_status aead(const uint8_t *key, const uint8_t *nonce, fed_span aad,
                        fed_span in, uint8_t *out, fed_error *err);

/* The key serves for this one message, so the nonce may be zero. */
static fed_status apply(aead *operation, const fed_secagg_channel *c, fed_span in,
                        uint8_t *out, fed_error *err)
{
    static const uint8_t nonce[FED_AEAD_NONCE];
    uint8_t shared[FED_X25519_BYTES], key[FED_KEY], aad[AAD];
    FED_TRY(fed_x25519_shared(c->secret, c->peer, shared, err));
    fed_status status =
        fed_secagg_share_key(c->session, shared, c->sender, c->receiver, key, err);
    memcpy(aad, c->session->cohort, FED_SECAGG_ID);
    fed_store_u32(aad + FED_SECAGG_ID, FED_SECAGG_SHARE);
    fed_store_u32(aad + FED_SECAGG_ID + 4, c->sender);
    fed_store_u32(aad + FED_SECAGG_ID + 8, c->receiver);
    if (!status) status = operation(key, nonce, (fed_span){aad, AAD}, in, out, err);
    fed_wipe(shared, sizeof shared);
    fed_wipe(key, sizeof key);
    return status;
}

fed_status fed_secagg_seal_shares(const fed_secagg_channel *channel,
                                  const uint8_t shares[FED_SECAGG_SHARES],
                                  uint8_t out[FED_SECAGG_SEALED], fed_error *err)
{
    return apply(fed_aead_seal, channel, (fed_span){shares, FED_SECAGG_SHARES}, out, err);
}

fed_status fed_secagg_open_shares(const fed_secagg_channel *channel,
                                  const uint8_t sealed[FED_SECAGG_SEALED],
                                  uint8_t out[FED_SECAGG_SHARES], fed_error *err)
{
    return apply(fed_aead_open, channel, (fed_span){sealed, FED_SECAGG_SEALED}, out, err);
}
