#include "certificate.h"

#include <string.h>

static const uint8_t MAGIC[4] = {'F', 'S', 'C', '1'};
static const char LABEL[] = "libfed certificate 1";

enum {
    BODY = FED_CERTIFICATE_BYTES - FED_ED25519_SIGNATURE,
    SIGNED = sizeof LABEL + BODY
};

static void signed_bytes(const fed_certificate *c, uint8_t out[SIGNED])
{
    uint8_t whole[FED_CERTIFICATE_BYTES];
    fed_certificate_encode(c, whole);
    memcpy(out, LABEL, sizeof LABEL);
    memcpy(out + sizeof LABEL, whole, BODY);
}

fed_status fed_certificate_sign(fed_certificate *c, const uint8_t enrolment_seed[32],
                                fed_error *err)
{
    uint8_t message[SIGNED];
    signed_bytes(c, message);
    return fed_ed25519_sign(enrolment_seed, message, sizeof message, c->signature, err);
}

void fed_certificate_encode(const fed_certificate *c, uint8_t out[FED_CERTIFICATE_BYTES])
{
    memcpy(out, MAGIC, sizeof MAGIC);
    memcpy(out + 4, c->device_key, sizeof c->device_key);
    fed_store_u64(out + 36, (uint64_t)c->expires_s);
    memcpy(out + 44, c->signature, sizeof c->signature);
}

fed_status fed_certificate_parse(fed_certificate *out, fed_span bytes, fed_error *err)
{
    if (bytes.len != FED_CERTIFICATE_BYTES ||
        memcmp(bytes.data, MAGIC, sizeof MAGIC) != 0)
        return fed_fail(err, FED_E_FORMAT, "certificate: not one (%zu bytes)", bytes.len);
    memcpy(out->device_key, bytes.data + 4, sizeof out->device_key);
    out->expires_s = (int64_t)fed_load_u64(bytes.data + 36);
    memcpy(out->signature, bytes.data + 44, sizeof out->signature);
    return FED_OK;
}

fed_status fed_certificate_verify(const fed_certificate *c,
                                  const uint8_t enrolment_key[FED_ED25519_BYTES],
                                  int64_t now_s, fed_error *err)
{
    uint8_t message[SIGNED];
    signed_bytes(c, message);
    fed_status status =
        fed_ed25519_verify(enrolment_key, message, sizeof message, c->signature, err);
    if (status) return fed_fail_in(err, status, "certificate");
    if (now_s >= c->expires_s)
        return fed_fail(err, FED_E_AUTH, "certificate: expired at %lld, it is %lld",
                        (long long)c->expires_s, (long long)now_s);
    return FED_OK;
}

fed_status fed_certificate_device_id(const fed_certificate *c,
                                     uint8_t id[FED_SHA256_BYTES], fed_error *err)
{
    return fed_sha256(c->device_key, sizeof c->device_key, id, err);
}
