#include "reader.h"

#include <string.h>

void fed_reader_init(fed_reader *r, const void *data, size_t n)
{
    static const uint8_t nothing[1];
    r->at = n ? data : nothing;
    r->end = r->at + n;
    r->failed = false;
}

size_t fed_reader_left(const fed_reader *r)
{
    return r->failed ? 0 : (size_t)(r->end - r->at);
}

fed_span fed_reader_take(fed_reader *r, size_t n)
{
    if (n > fed_reader_left(r)) {
        r->failed = true;
        return (fed_span){r->end, 0};
    }
    fed_span span = {r->at, n};
    r->at += n;
    return span;
}

void fed_reader_copy(fed_reader *r, void *out, size_t n)
{
    fed_span span = fed_reader_take(r, n);
    if (span.len == n && n)
        memcpy(out, span.data, n);
    else if (n)
        memset(out, 0, n);
}

uint8_t fed_reader_u8(fed_reader *r)
{
    uint8_t raw[1];
    fed_reader_copy(r, raw, 1);
    return raw[0];
}

uint16_t fed_reader_u16(fed_reader *r)
{
    uint8_t raw[2];
    fed_reader_copy(r, raw, sizeof raw);
    return fed_load_u16(raw);
}

uint32_t fed_reader_u32(fed_reader *r)
{
    uint8_t raw[4];
    fed_reader_copy(r, raw, sizeof raw);
    return fed_load_u32(raw);
}

uint64_t fed_reader_u64(fed_reader *r)
{
    uint8_t raw[8];
    fed_reader_copy(r, raw, sizeof raw);
    return fed_load_u64(raw);
}

float fed_reader_f32(fed_reader *r)
{
    uint32_t bits = fed_reader_u32(r);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

fed_span fed_reader_block(fed_reader *r, size_t max)
{
    uint32_t n = fed_reader_u32(r);
    if (n > max) r->failed = true;
    return fed_reader_take(r, r->failed ? 0 : n);
}

fed_status fed_reader_finish(const fed_reader *r)
{
    return !r->failed && r->at == r->end ? FED_OK : FED_E_FORMAT;
}
