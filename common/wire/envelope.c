#include "envelope.h"

#include <string.h>

#include "crypto.h"

static const uint8_t magic[4] = {'F', 'E', 'D', 'M'};

enum { ENVELOPE_VERSION = 1, DOMAIN = 13, SIGNED = DOMAIN + FED_SHA256_BYTES };

/* What is signed: a domain text and the hash of the frame, never the frame itself. */
static fed_status signed_bytes(uint8_t out[SIGNED], const void *frame, size_t n,
                               fed_error *err)
{
    memcpy(out, "fed-message/1", DOMAIN);
    return fed_sha256(frame, n, out + DOMAIN, err);
}

fed_status fed_envelope_seal(fed_bytes *out, const fed_envelope *e,
                             const uint8_t identity_seed[32], fed_error *err)
{
    size_t start = out->len;
    uint8_t digest[SIGNED], signature[FED_ENVELOPE_SIGNATURE];
    fed_bytes_put(out, magic, sizeof magic);
    fed_bytes_put_u8(out, ENVELOPE_VERSION);
    fed_bytes_put_u8(out, (uint8_t)e->type);
    fed_bytes_put_u16(out, 0);
    fed_bytes_put(out, e->cohort, sizeof e->cohort);
    fed_bytes_put(out, e->sender, sizeof e->sender);
    fed_bytes_put_block(out, e->body.data, e->body.len);
    if (out->status)
        return fed_fail(err, out->status, "message: body of %zu bytes: %s", e->body.len,
                        fed_status_name(out->status));
    FED_TRY(signed_bytes(digest, out->data + start, out->len - start, err));
    FED_TRY(fed_ed25519_sign(identity_seed, digest, sizeof digest, signature, err));
    fed_bytes_put(out, signature, sizeof signature);
    return out->status ? fed_fail(err, out->status, "message: no room for the signature")
                       : FED_OK;
}

static bool known_type(unsigned type)
{
    return type == FED_REQUEST_PLACE || fed_request_phase_name((fed_request)type);
}

static fed_status read_head(fed_envelope *e, fed_reader *r, fed_error *err)
{
    uint8_t found[4];
    fed_reader_copy(r, found, sizeof found);
    unsigned version = fed_reader_u8(r);
    unsigned type = fed_reader_u8(r);
    unsigned zero = fed_reader_u16(r);
    fed_reader_copy(r, e->cohort, sizeof e->cohort);
    fed_reader_copy(r, e->sender, sizeof e->sender);
    if (r->failed) return fed_fail(err, FED_E_FORMAT, "message: shorter than its head");
    if (memcmp(found, magic, sizeof magic) != 0)
        return fed_fail(err, FED_E_FORMAT, "message: does not begin with FEDM");
    if (version != ENVELOPE_VERSION)
        return fed_fail(err, FED_E_FORMAT, "message: version %u, only %d is known",
                        version, ENVELOPE_VERSION);
    if (!known_type(type) || zero)
        return fed_fail(err, FED_E_FORMAT, "message: type %u.%u is not known", type,
                        zero);
    e->type = (fed_request)type;
    return FED_OK;
}

fed_status fed_envelope_open(fed_envelope *e, const void *data, size_t n, size_t max_body,
                             fed_error *err)
{
    fed_reader r;
    uint8_t digest[SIGNED];
    fed_reader_init(&r, data, n);
    FED_TRY(read_head(e, &r, err));
    uint32_t length = fed_reader_u32(&r);
    if (!r.failed && length > max_body)
        return fed_fail(err, FED_E_LIMIT, "message: body of %u bytes, at most %zu",
                        length, max_body);
    e->body = fed_reader_take(&r, length);
    size_t framed = n - fed_reader_left(&r);
    fed_span signature = fed_reader_take(&r, FED_ENVELOPE_SIGNATURE);
    if (fed_reader_finish(&r))
        return fed_fail(err, FED_E_FORMAT, "message: %zu bytes do not hold a body of %u",
                        n, length);
    FED_TRY(signed_bytes(digest, data, framed, err));
    fed_status status =
        fed_ed25519_verify(e->sender, digest, sizeof digest, signature.data, NULL);
    return status ? fed_fail(err, status, "message: the signature does not verify")
                  : FED_OK;
}
