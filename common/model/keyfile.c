#include "keyfile.h"

#include <string.h>

static const char *const label[] = {
    [FED_KEY_PRIVATE] = "fed-ed25519-private ", [FED_KEY_PUBLIC] = "fed-ed25519-public "};
enum { DIGITS = 64 };

fed_status fed_keyfile_put(fed_key_kind kind, const uint8_t key[32], fed_bytes *out,
                           fed_error *err)
{
    char digits[DIGITS + 1];
    fed_hex_encode(digits, key, 32);
    fed_bytes_put_text(out, label[kind]);
    fed_bytes_put_text(out, digits);
    fed_bytes_put_text(out, "\n");
    fed_wipe(digits, sizeof digits);
    return out->status ? fed_fail(err, out->status, "key file: no room") : FED_OK;
}

static bool starts_with(fed_span text, const char *prefix)
{
    size_t n = strlen(prefix);
    return text.len >= n && memcmp(text.data, prefix, n) == 0;
}

static fed_span without_line_end(fed_span text)
{
    if (text.len && text.data[text.len - 1] == '\n') {
        text.len--;
        if (text.len && text.data[text.len - 1] == '\r') text.len--;
    }
    return text;
}

/* Lower case alone, so that a key has one form. */
static bool read_digits(const uint8_t *from, uint8_t key[32])
{
    char digits[DIGITS + 1];
    memcpy(digits, from, DIGITS);
    digits[DIGITS] = 0;
    bool ok =
        strspn(digits, "0123456789abcdef") == DIGITS && fed_hex_decode(key, 32, digits);
    fed_wipe(digits, sizeof digits);
    return ok;
}

fed_status fed_keyfile_get(fed_key_kind kind, fed_span text, uint8_t key[32],
                           fed_error *err)
{
    fed_key_kind other = kind == FED_KEY_PRIVATE ? FED_KEY_PUBLIC : FED_KEY_PRIVATE;
    size_t prefix = strlen(label[kind]);
    memset(key, 0, 32);
    text = without_line_end(text);
    if (starts_with(text, label[other]))
        return fed_fail(err, FED_E_FORMAT,
                        "key file: it holds a %s key, wanted the %s key",
                        other == FED_KEY_PRIVATE ? "private" : "public",
                        kind == FED_KEY_PRIVATE ? "private" : "public");
    if (!starts_with(text, label[kind]))
        return fed_fail(err, FED_E_FORMAT, "key file: it must start with \"%s\"",
                        label[kind]);
    if (text.len != prefix + DIGITS)
        return fed_fail(err, FED_E_FORMAT,
                        "key file: one line of %zu characters, wanted %zu", text.len,
                        prefix + DIGITS);
    if (!read_digits(text.data + prefix, key)) {
        fed_wipe(key, 32);
        return fed_fail(
            err, FED_E_FORMAT,
            "key file: after the label come 64 lower-case hexadecimal digits");
    }
    return FED_OK;
}
