#include "address.h"

#include <string.h>

#include "crypto.h"

fed_status fed_address_of(const void *data, size_t n, fed_address *out, fed_error *err)
{
    return fed_sha256(data, n, out->bytes, err);
}

fed_status fed_address_check(const fed_address *address, const void *data, size_t n,
                             fed_error *err)
{
    fed_address found;
    char is[FED_ADDRESS_TEXT], wanted[FED_ADDRESS_TEXT];
    FED_TRY(fed_address_of(data, n, &found, err));
    if (fed_address_equal(&found, address)) return FED_OK;
    fed_address_to_text(&found, is);
    fed_address_to_text(address, wanted);
    return fed_fail(err, FED_E_AUTH, "content: %zu bytes have the address %s, wanted %s",
                    n, is, wanted);
}

bool fed_address_equal(const fed_address *a, const fed_address *b)
{
    return memcmp(a->bytes, b->bytes, FED_ADDRESS_BYTES) == 0;
}

bool fed_address_is_zero(const fed_address *a)
{
    static const fed_address zero;
    return fed_address_equal(a, &zero);
}

void fed_address_to_text(const fed_address *a, char out[FED_ADDRESS_TEXT])
{
    fed_hex_encode(out, a->bytes, FED_ADDRESS_BYTES);
}

fed_status fed_address_from_text(const char *text, fed_address *out, fed_error *err)
{
    if (strlen(text) != FED_ADDRESS_TEXT - 1 ||
        strspn(text, "0123456789abcdef") != FED_ADDRESS_TEXT - 1 ||
        !fed_hex_decode(out->bytes, FED_ADDRESS_BYTES, text))
        return fed_fail(err, FED_E_FORMAT,
                        "address: \"%.70s\" is not 64 lower-case hexadecimal digits",
                        text);
    return FED_OK;
}
