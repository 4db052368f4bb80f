/* SPEC = kind ":" path [ "?" key "=" value *( "&" key "=" value ) ], with %XX for what
 * would be taken for a separator. Whether kind and keys exist is open.c's business. */
#include "data.h"

#include <string.h>

/* Copy `text` into `to` (`size` bytes with the NUL), taking %XX for one byte. */
static fed_status copy_part(char *to, size_t size, fed_span text, const char *what,
                            fed_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.data[i];
        if (c == '%') {
            char hex[3] = {0};
            if (text.len - i > 2) memcpy(hex, text.data + i + 1, 2);
            if (!hex[0] || !fed_hex_decode(&c, 1, hex) || !c)
                return fed_fail(err, FED_E_FORMAT,
                                "data spec: %s has a %% without two hex digits (not 00) "
                                "behind it",
                                what);
            i += 2;
        }
        if (n + 1 >= size)
            return fed_fail(err, FED_E_LIMIT,
                            "data spec: %s is longer than %zu characters", what,
                            size - 1);
        to[n++] = c;
    }
    to[n] = 0;
    return FED_OK;
}

static fed_span span_until(const char *text, const char *stops)
{
    return (fed_span){(const uint8_t *)text, strcspn(text, stops)};
}

static fed_status parse_option(fed_data_spec *spec, fed_span option, fed_error *err)
{
    const uint8_t *equals = option.len ? memchr(option.data, '=', option.len) : NULL;
    if (!equals || equals == option.data)
        return fed_fail(err, FED_E_FORMAT, "data spec: option \"%.*s\" is not key=value",
                        (int)(option.len < 64 ? option.len : 64),
                        (const char *)option.data);
    if (spec->n_options == FED_DATA_MAX_OPTIONS)
        return fed_fail(err, FED_E_LIMIT, "data spec: more than %d options",
                        FED_DATA_MAX_OPTIONS);
    size_t i = spec->n_options, key_len = (size_t)(equals - option.data);
    fed_span key = {option.data, key_len};
    fed_span value = {equals + 1, option.len - key_len - 1};
    FED_TRY(
        copy_part(spec->options[i].key, sizeof spec->options[i].key, key, "a key", err));
    if (fed_data_spec_option(spec, spec->options[i].key))
        return fed_fail(err, FED_E_FORMAT, "data spec: key \"%s\" is given twice",
                        spec->options[i].key);
    FED_TRY(copy_part(spec->options[i].value, sizeof spec->options[i].value, value,
                      spec->options[i].key, err));
    spec->n_options++;
    return FED_OK;
}

fed_status fed_data_spec_parse(fed_data_spec *spec, const char *text, fed_error *err)
{
    memset(spec, 0, sizeof *spec);
    fed_span kind = span_until(text, ":");
    if (!kind.len || text[kind.len] != ':')
        return fed_fail(err, FED_E_FORMAT,
                        "data spec: \"%.64s\" does not begin with a kind and a colon "
                        "(mnist:DIR, csv:FILE?label=COL, synthetic:digits)",
                        text);
    FED_TRY(copy_part(spec->kind, sizeof spec->kind, kind, "the kind", err));
    text += kind.len + 1;
    fed_span path = span_until(text, "?");
    if (!path.len)
        return fed_fail(err, FED_E_FORMAT, "data spec: no path behind \"%s:\"",
                        spec->kind);
    FED_TRY(copy_part(spec->path, sizeof spec->path, path, "the path", err));
    text += path.len;
    while (*text) {
        fed_span option = span_until(++text, "&");
        FED_TRY(parse_option(spec, option, err));
        text += option.len;
    }
    return FED_OK;
}

const char *fed_data_spec_option(const fed_data_spec *spec, const char *key)
{
    for (size_t i = 0; i < spec->n_options; i++)
        if (strcmp(spec->options[i].key, key) == 0) return spec->options[i].value;
    return NULL;
}

fed_status fed_data_spec_number(const fed_data_spec *spec, const char *key, uint64_t min,
                                uint64_t max, uint64_t fallback, uint64_t *out,
                                fed_error *err)
{
    const char *text = fed_data_spec_option(spec, key);
    *out = fallback;
    if (!text || (fed_text_to_u64(text, max, out) && *out >= min)) return FED_OK;
    return fed_fail(err, FED_E_INVALID,
                    "data spec: %s=%s is not a whole number between %llu and %llu", key,
                    text, (unsigned long long)min, (unsigned long long)max);
}
