#include "enrolment.h"

#include <string.h>

static const char token_word[] = "fed-enrolment-token";
static const char request_word[] = "fed-enrolment-request";
static const char certificate_word[] = "fed-certificate";
static const char label[] = "libfed enrolment 1";

enum {
    REQUEST = FED_TOKEN_BYTES + FED_ED25519_BYTES + FED_ED25519_SIGNATURE,
    SIGNED = sizeof label + FED_TOKEN_BYTES + FED_ED25519_BYTES
};

/* ---- one line of text ------------------------------------------------------------------ */

static fed_status write_line(const char *word, const uint8_t *data, size_t n,
                             fed_bytes *out, fed_error *err)
{
    char hex[FED_ENROLMENT_LINE_MAX];
    fed_hex_encode(hex, data, n);
    fed_bytes_printf(out, "%s %s\n", word, hex);
    fed_wipe(hex, sizeof hex);
    return out->status ? fed_fail(err, out->status, "%s: no room", word) : FED_OK;
}

static fed_status read_line(const char *word, fed_span line, uint8_t *data, size_t n,
                            fed_error *err)
{
    char text[FED_ENROLMENT_LINE_MAX];
    size_t length = line.len, skip = strlen(word) + 1;
    while (length && (line.data[length - 1] == '\n' || line.data[length - 1] == '\r'))
        length--;
    bool ok = length == skip + 2 * n && length < sizeof text;
    if (ok) {
        memcpy(text, line.data, length);
        text[length] = 0;
        ok = strncmp(text, word, skip - 1) == 0 && text[skip - 1] == ' ' &&
             fed_hex_decode(data, n, text + skip);
        fed_wipe(text, sizeof text);
    }
    if (ok) return FED_OK;
    fed_wipe(data, n);
    return fed_fail(err, FED_E_FORMAT, "not a line \"%s\" and %zu hex digits", word,
                    2 * n);
}

fed_status fed_token_write(const uint8_t token[FED_TOKEN_BYTES], fed_bytes *out,
                           fed_error *err)
{
    return write_line(token_word, token, FED_TOKEN_BYTES, out, err);
}

fed_status fed_token_read(fed_span line, uint8_t token[FED_TOKEN_BYTES], fed_error *err)
{
    return read_line(token_word, line, token, FED_TOKEN_BYTES, err);
}

fed_status fed_certificate_write(const fed_certificate *certificate, fed_bytes *out,
                                 fed_error *err)
{
    uint8_t bytes[FED_CERTIFICATE_BYTES];
    fed_certificate_encode(certificate, bytes);
    return write_line(certificate_word, bytes, sizeof bytes, out, err);
}

fed_status fed_certificate_read(fed_span line, fed_certificate *out, fed_error *err)
{
    uint8_t bytes[FED_CERTIFICATE_BYTES];
    FED_TRY(read_line(certificate_word, line, bytes, sizeof bytes, err));
    return fed_certificate_parse(out, (fed_span){bytes, sizeof bytes}, err);
}

/* ---- requests -------------------------------------------------------------------------- */

static void signed_bytes(uint8_t out[SIGNED], const uint8_t *token, const uint8_t *key)
{
    memcpy(out, label, sizeof label);
    memcpy(out + sizeof label, token, FED_TOKEN_BYTES);
    memcpy(out + sizeof label + FED_TOKEN_BYTES, key, FED_ED25519_BYTES);
}

fed_status fed_enrolment_request_write(const uint8_t token[FED_TOKEN_BYTES],
                                       const uint8_t identity_seed[32], fed_bytes *out,
                                       fed_error *err)
{
    uint8_t request[REQUEST], message[SIGNED];
    uint8_t *key = request + FED_TOKEN_BYTES;
    memcpy(request, token, FED_TOKEN_BYTES);
    FED_TRY(fed_ed25519_public(identity_seed, key, err));
    signed_bytes(message, token, key);
    FED_TRY(fed_ed25519_sign(identity_seed, message, sizeof message,
                             key + FED_ED25519_BYTES, err));
    fed_status status = write_line(request_word, request, sizeof request, out, err);
    fed_wipe(request, sizeof request);
    return status;
}

fed_status fed_enrolment_request_read(fed_span line, uint8_t token[FED_TOKEN_BYTES],
                                      uint8_t device_key[32], fed_error *err)
{
    uint8_t request[REQUEST], message[SIGNED];
    FED_TRY(read_line(request_word, line, request, sizeof request, err));
    memcpy(token, request, FED_TOKEN_BYTES);
    memcpy(device_key, request + FED_TOKEN_BYTES, FED_ED25519_BYTES);
    signed_bytes(message, token, device_key);
    fed_status status =
        fed_ed25519_verify(device_key, message, sizeof message,
                           request + FED_TOKEN_BYTES + FED_ED25519_BYTES, err);
    fed_wipe(request, sizeof request);
    return fed_fail_in(err, status, "enrolment request");
}
