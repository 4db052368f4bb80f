#include "document.h"

#include <string.h>

#include "crypto.h"

static const uint8_t magic[4] = {'F', 'E', 'D', 'D'};
enum { FORMAT_VERSION = 1 };

void fed_document_put_head(fed_bytes *out, fed_document_type type)
{
    fed_bytes_put(out, magic, sizeof magic);
    fed_bytes_put_u16(out, FORMAT_VERSION);
    fed_bytes_put_u16(out, (uint16_t)type);
}

fed_status fed_document_get_head(fed_reader *r, fed_document_type type, fed_error *err)
{
    uint8_t start[sizeof magic];
    fed_reader_copy(r, start, sizeof start);
    unsigned version = fed_reader_u16(r), found = fed_reader_u16(r);
    if (r->failed || memcmp(start, magic, sizeof magic) != 0)
        return fed_fail(err, FED_E_FORMAT, "it does not start with FEDD");
    if (version != FORMAT_VERSION)
        return fed_fail(err, FED_E_UNSUPPORTED,
                        "format version %u, this program reads %d", version,
                        FORMAT_VERSION);
    if (found != (unsigned)type)
        return fed_fail(err, FED_E_FORMAT, "type %u, wanted %d", found, (int)type);
    return FED_OK;
}

fed_status fed_document_finish(const fed_reader *r, size_t n, fed_error *err)
{
    if (r->failed)
        return fed_fail(err, FED_E_FORMAT, "%zu bytes do not hold all fields", n);
    if (fed_reader_finish(r))
        return fed_fail(err, FED_E_FORMAT, "%zu bytes are left over", fed_reader_left(r));
    return FED_OK;
}

fed_status fed_document_sign(fed_bytes *out, size_t start, const uint8_t seed[32],
                             fed_error *err)
{
    uint8_t signature[FED_ED25519_SIGNATURE];
    FED_TRY(fed_ed25519_sign(seed, out->data + start, out->len - start, signature, err));
    fed_bytes_put(out, signature, sizeof signature);
    return out->status ? fed_fail(err, out->status, "no room for the signature") : FED_OK;
}

fed_status fed_document_verify(fed_span signed_bytes, const uint8_t public_key[32],
                               fed_span *body, fed_error *err)
{
    if (signed_bytes.len < FED_ED25519_SIGNATURE)
        return fed_fail(err, FED_E_FORMAT, "%zu bytes, at least %d", signed_bytes.len,
                        FED_ED25519_SIGNATURE);
    *body = (fed_span){signed_bytes.data, signed_bytes.len - FED_ED25519_SIGNATURE};
    return fed_ed25519_verify(public_key, body->data, body->len, body->data + body->len,
                              err);
}
