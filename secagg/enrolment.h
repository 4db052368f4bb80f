/*
 * Enrolment: how a device comes by its certificate. Whoever runs the enrolment desk gives out
 * one-time tokens; a device answers one with a request, signed by the identity it made; the
 * desk checks the token, uses it up, and signs a certificate. The desk's key need not, and to
 * keep the promise against a server that lies must not, be the server's.
 *
 * All three travel as one line of text:
 *
 *     fed-enrolment-token   64 hex digits: 32 random bytes
 *     fed-enrolment-request 256 hex digits: token, device key, signature over both
 *     fed-certificate       216 hex digits: see certificate.h
 */
#ifndef FED_ENROLMENT_H
#define FED_ENROLMENT_H

#include "base.h"
#include "certificate.h"

enum { FED_TOKEN_BYTES = 32, FED_ENROLMENT_LINE_MAX = 512 };

/** Append the line of a token. */
FED_MUST_CHECK fed_status fed_token_write(const uint8_t token[FED_TOKEN_BYTES],
                                          fed_bytes *out, fed_error *err);
/** Read one; a line feed may follow. FED_E_FORMAT; the text never shows the token. */
FED_MUST_CHECK fed_status fed_token_read(fed_span line, uint8_t token[FED_TOKEN_BYTES],
                                         fed_error *err);
/** Append the request of the identity with this seed. */
FED_MUST_CHECK fed_status fed_enrolment_request_write(
    const uint8_t token[FED_TOKEN_BYTES], const uint8_t identity_seed[32], fed_bytes *out,
    fed_error *err);
/** Read one and verify its signature: FED_E_FORMAT, FED_E_AUTH. */
FED_MUST_CHECK fed_status fed_enrolment_request_read(fed_span line,
                                                     uint8_t token[FED_TOKEN_BYTES],
                                                     uint8_t device_key[32],
                                                     fed_error *err);
/** A certificate as a line, and back; verifies nothing. */
FED_MUST_CHECK fed_status fed_certificate_write(const fed_certificate *certificate,
                                                fed_bytes *out, fed_error *err);
FED_MUST_CHECK fed_status fed_certificate_read(fed_span line, fed_certificate *out,
                                               fed_error *err);

#endif
