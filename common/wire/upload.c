#include "upload.h"

#include <string.h>

uint64_t fed_vector_packed_bytes(const fed_vector_shape *shape)
{
    return ((uint64_t)shape->length * shape->bits + 7) / 8;
}

fed_status fed_upload_put(fed_bytes *out, const fed_vector_shape *shapes,
                          const uint8_t *const *packed, unsigned n, fed_error *err)
{
    if (n > FED_VECTORS_MAX)
        return fed_fail(err, FED_E_LIMIT, "upload: %u vectors, at most %d", n,
                        FED_VECTORS_MAX);
    fed_bytes_put_u8(out, (uint8_t)n);
    for (unsigned i = 0; i < n; i++) {
        size_t name = strlen(shapes[i].name);
        fed_bytes_put_u8(out, (uint8_t)name);
        fed_bytes_put(out, shapes[i].name, name);
        fed_bytes_put_u8(out, shapes[i].bits);
        fed_bytes_put_u32(out, shapes[i].length);
        fed_bytes_put(out, packed[i], (size_t)fed_vector_packed_bytes(&shapes[i]));
    }
    return out->status
               ? fed_fail(err, out->status, "upload: does not fit %zu bytes", out->max)
               : FED_OK;
}

static fed_status get_vector(fed_reader *r, const fed_vector_shape *expected,
                             fed_span *packed, fed_error *err)
{
    size_t name = fed_reader_u8(r);
    fed_span text = fed_reader_take(r, name);
    uint8_t bits = fed_reader_u8(r);
    uint32_t length = fed_reader_u32(r);
    if (r->failed)
        return fed_fail(err, FED_E_FORMAT, "upload: ends inside the header of \"%s\"",
                        expected->name);
    if (name != strlen(expected->name) || memcmp(text.data, expected->name, name) != 0)
        return fed_fail(err, FED_E_FORMAT,
                        "upload: another vector where \"%s\" is wanted", expected->name);
    if (bits != expected->bits || length != expected->length)
        return fed_fail(err, FED_E_FORMAT,
                        "upload: \"%s\" has %u entries of %u bits, wanted %u of %u",
                        expected->name, length, bits, expected->length, expected->bits);
    uint64_t bytes = fed_vector_packed_bytes(expected);
    if (bytes > fed_reader_left(r))
        return fed_fail(err, FED_E_FORMAT,
                        "upload: \"%s\" has %zu bytes left, wanted %llu", expected->name,
                        fed_reader_left(r), (unsigned long long)bytes);
    *packed = fed_reader_take(r, (size_t)bytes);
    return FED_OK;
}

fed_status fed_upload_get(fed_span body, const fed_vector_shape *expected, unsigned n,
                          fed_span *packed, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, body.data, body.len);
    unsigned count = fed_reader_u8(&r);
    if (r.failed || count != n)
        return fed_fail(err, FED_E_FORMAT, "upload: %u vectors, wanted %u", count, n);
    for (unsigned i = 0; i < n; i++)
        FED_TRY(get_vector(&r, &expected[i], &packed[i], err));
    if (fed_reader_finish(&r))
        return fed_fail(err, FED_E_FORMAT, "upload: %zu bytes left over",
                        fed_reader_left(&r));
    return FED_OK;
}
