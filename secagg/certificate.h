/*
 * Certificates: the enrolment key says that a device key is enrolled, until when. Devices
 * pin the enrolment key; it need not, and to keep the promise against a server that lies
 * must not, be the server's.
 *
 *   "FSC1" | device public key (32) | expiry, Unix seconds (8) | Ed25519 signature (64)
 */
#ifndef FED_SECAGG_CERTIFICATE_H
#define FED_SECAGG_CERTIFICATE_H

#include "base.h"
#include "crypto.h"

enum { FED_CERTIFICATE_BYTES = 4 + FED_ED25519_BYTES + 8 + FED_ED25519_SIGNATURE };

typedef struct fed_certificate {
    uint8_t device_key[FED_ED25519_BYTES];
    int64_t expires_s; /* seconds since 1970-01-01 UTC */
    uint8_t signature[FED_ED25519_SIGNATURE];
} fed_certificate;

/** Fill in the signature of the enrolment key with this seed. */
FED_MUST_CHECK fed_status fed_certificate_sign(fed_certificate *certificate,
                                               const uint8_t enrolment_seed[32],
                                               fed_error *err);
void fed_certificate_encode(const fed_certificate *certificate,
                            uint8_t out[FED_CERTIFICATE_BYTES]);
/** Exactly FED_CERTIFICATE_BYTES, else FED_E_FORMAT. Verifies nothing. */
FED_MUST_CHECK fed_status fed_certificate_parse(fed_certificate *out, fed_span bytes,
                                                fed_error *err);
/** FED_E_AUTH when it is not of this enrolment key, or expired at `now_s`. */
FED_MUST_CHECK fed_status fed_certificate_verify(
    const fed_certificate *certificate, const uint8_t enrolment_key[FED_ED25519_BYTES],
    int64_t now_s, fed_error *err);
/** The device's name everywhere else: SHA-256 of its public key. */
FED_MUST_CHECK fed_status fed_certificate_device_id(const fed_certificate *certificate,
                                                    uint8_t id[FED_SHA256_BYTES],
                                                    fed_error *err);

#endif
