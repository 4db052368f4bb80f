/* Known answers stand in the tests as hexadecimal text. */
#ifndef FED_HEX_VECTOR_H
#define FED_HEX_VECTOR_H

#include "harness.h"

typedef struct hex_vector {
    uint8_t data[1024];
    size_t len;
} hex_vector;

static inline hex_vector from_hex(const char *text)
{
    hex_vector v = {{0}, strlen(text) / 2};
    CHECK_MSG(v.len <= sizeof v.data && fed_hex_decode(v.data, v.len, text),
              "bad hex: %s", text);
    return v;
}

static inline fed_span vector_span(const hex_vector *v)
{
    return (fed_span){v->data, v->len};
}

static inline fed_span text_span(const char *text)
{
    return (fed_span){(const uint8_t *)text, strlen(text)};
}

#endif
