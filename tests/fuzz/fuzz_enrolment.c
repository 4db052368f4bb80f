/* Tokens, enrolment requests and certificates as lines of text. */
#include <stdint.h>

#include "secagg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t token[FED_TOKEN_BYTES], key[32];
    fed_certificate certificate;
    fed_error err;
    (void)!fed_token_read((fed_span){data, size}, token, &err);
    (void)!fed_enrolment_request_read((fed_span){data, size}, token, key, &err);
    (void)!fed_certificate_read((fed_span){data, size}, &certificate, &err);
    return 0;
}
