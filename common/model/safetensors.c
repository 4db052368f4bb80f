#include "safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, VALUE_BYTES = 4 };

static fed_status read_dtype(const json_t *tensor, const char *name, fed_error *err)
{
    const char *dtype = json_string_value(json_object_get(tensor, "dtype"));
    if (!dtype)
        return fed_fail(err, FED_E_FORMAT, "tensor \"%.64s\": \"dtype\" must be a text",
                        name);
    if (strcmp(dtype, "F32") != 0)
        return fed_fail(err, FED_E_UNSUPPORTED,
                        "tensor \"%.64s\": dtype \"%.16s\", only \"F32\" is read", name,
                        dtype);
    return FED_OK;
}

/* Fills rank and shape, and gives the number of bytes that they mean. */
static fed_status read_shape(const json_t *tensor, fed_safetensors_entry *e,
                             uint64_t *bytes, fed_error *err)
{
    const json_t *shape = json_object_get(tensor, "shape");
    if (!json_is_array(shape) || json_array_size(shape) > FED_SAFETENSORS_RANK_MAX)
        return fed_fail(
            err, FED_E_FORMAT,
            "tensor \"%.64s\": \"shape\" must be an array of at most %d numbers", e->name,
            FED_SAFETENSORS_RANK_MAX);
    e->rank = (uint32_t)json_array_size(shape);
    *bytes = VALUE_BYTES;
    for (uint32_t i = 0; i < e->rank; i++) {
        const json_t *item = json_array_get(shape, i);
        json_int_t size = json_integer_value(item);
        if (!json_is_integer(item) || size < 1 || size > UINT32_MAX)
            return fed_fail(
                err, FED_E_FORMAT,
                "tensor \"%.64s\": shape[%u] must be an integer from 1 to 2^32-1",
                e->name, i);
        if (*bytes > UINT64_MAX / (uint64_t)size)
            return fed_fail(err, FED_E_FORMAT,
                            "tensor \"%.64s\": the shape's product overflows", e->name);
        *bytes *= (uint64_t)size;
        e->shape[i] = (uint32_t)size;
    }
    return FED_OK;
}

static bool read_offset(const json_t *offsets, size_t i, size_t max, size_t *out)
{
    const json_t *item = json_array_get(offsets, i);
    json_int_t v = json_integer_value(item);
    if (!json_is_integer(item) || v < 0 || (uint64_t)v > max) return false;
    *out = (size_t)v;
    return true;
}

static fed_status read_offsets(const json_t *tensor, fed_safetensors_entry *e,
                               size_t data, uint64_t bytes, fed_error *err)
{
    const json_t *offsets = json_object_get(tensor, "data_offsets");
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
        !read_offset(offsets, 0, data, &e->from) ||
        !read_offset(offsets, 1, data, &e->to) || e->from > e->to)
        return fed_fail(
            err, FED_E_FORMAT,
            "tensor \"%.64s\": \"data_offsets\" must be two rising integers from 0 "
            "to the %zu bytes of data",
            e->name, data);
    if (e->to - e->from != bytes)
        return fed_fail(
            err, FED_E_FORMAT,
            "tensor \"%.64s\": data_offsets hold %zu bytes, the shape needs %llu",
            e->name, e->to - e->from, (unsigned long long)bytes);
    return FED_OK;
}

static fed_status read_entry(const char *name, const json_t *tensor, size_t data,
                             fed_safetensors_entry *e, fed_error *err)
{
    uint64_t bytes = 0;
    size_t length = strlen(name);
    if (length < 1 || length > FED_SAFETENSORS_NAME_MAX)
        return fed_fail(err, FED_E_LIMIT,
                        "tensor \"%.64s\": a name of %zu bytes, 1 to %d", name, length,
                        FED_SAFETENSORS_NAME_MAX);
    /* Three fields must be there, and three are there: so no other is. */
    if (!json_is_object(tensor) || json_object_size(tensor) != 3)
        return fed_fail(
            err, FED_E_FORMAT,
            "tensor \"%.64s\": must be an object of dtype, shape and data_offsets", name);
    e->name = fed_strdup(name);
    if (!e->name) return fed_fail_nomem(err, length + 1);
    FED_TRY(read_dtype(tensor, name, err));
    FED_TRY(read_shape(tensor, e, &bytes, err));
    return read_offsets(tensor, e, data, bytes, err);
}

static fed_status check_metadata(const json_t *metadata, fed_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return fed_fail(err, FED_E_FORMAT, "\"__metadata__\" must be an object");
    json_object_foreach((json_t *)metadata, key, value) if (
        !json_is_string(value)) return fed_fail(err, FED_E_FORMAT,
                                                "__metadata__: \"%.64s\" must be a text",
                                                key);
    return FED_OK;
}

static int by_place(const void *a, const void *b)
{
    const fed_safetensors_entry *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

/* Sorted by place, each tensor starts where the one before ends, and the last one ends where
 * the file does: nothing is read twice, and no byte is left unread. */
static fed_status check_places(fed_safetensors *index, fed_error *err)
{
    size_t at = 0;
    if (index->n) qsort(index->entries, index->n, sizeof *index->entries, by_place);
    for (size_t i = 0; i < index->n; i++) {
        const fed_safetensors_entry *e = &index->entries[i];
        if (e->from != at)
            return fed_fail(
                err, FED_E_FORMAT,
                "tensor \"%.64s\": starts at byte %zu, %s the one before ends at %zu",
                e->name, e->from, e->from < at ? "an overlap:" : "a gap:", at);
        at = e->to;
    }
    if (at != index->data.len)
        return fed_fail(err, FED_E_FORMAT,
                        "%zu bytes of data belong to no tensor (%zu of %zu)",
                        index->data.len - at, at, index->data.len);
    return FED_OK;
}

static fed_status read_header(const json_t *root, fed_safetensors *out, fed_error *err)
{
    const char *name;
    json_t *value;
    size_t n = json_object_size(root);
    if (n > FED_SAFETENSORS_TENSORS_MAX)
        return fed_fail(err, FED_E_LIMIT, "%zu tensors, at most %d", n,
                        FED_SAFETENSORS_TENSORS_MAX);
    out->entries = fed_calloc(n, sizeof *out->entries);
    if (!out->entries) return fed_fail_nomem(err, n * sizeof *out->entries);
    json_object_foreach((json_t *)root, name, value)
    {
        if (strcmp(name, "__metadata__") == 0)
            FED_TRY(check_metadata(value, err));
        else
            FED_TRY(read_entry(name, value, out->data.len, &out->entries[out->n++], err));
    }
    return check_places(out, err);
}

/* Split the file into header and data. */
static fed_status split(fed_span file, fed_span *header, fed_span *data, fed_error *err)
{
    if (file.len < LENGTH_BYTES)
        return fed_fail(err, FED_E_FORMAT, "%zu bytes, at least 8", file.len);
    uint64_t n = fed_load_u64(file.data);
    if (n > FED_SAFETENSORS_HEADER_MAX)
        return fed_fail(err, FED_E_LIMIT, "a header of %llu bytes, at most %d",
                        (unsigned long long)n, FED_SAFETENSORS_HEADER_MAX);
    if (n > file.len - LENGTH_BYTES)
        return fed_fail(err, FED_E_FORMAT, "a header of %llu bytes, the file has %zu",
                        (unsigned long long)n, file.len - LENGTH_BYTES);
    *header = (fed_span){file.data + LENGTH_BYTES, (size_t)n};
    *data = (fed_span){header->data + n, file.len - LENGTH_BYTES - (size_t)n};
    if (!n || header->data[0] != '{')
        return fed_fail(err, FED_E_FORMAT, "the header does not start with {");
    return FED_OK;
}

fed_status fed_safetensors_parse(fed_span file, fed_safetensors *out, fed_error *err)
{
    fed_span header = {NULL, 0};
    json_error_t where;
    json_t *root = NULL;
    fed_status status;
    *out = (fed_safetensors){.entries = NULL};
    FED_GO(split(file, &header, &out->data, err));
    root =
        json_loadb((const char *)header.data, header.len, JSON_REJECT_DUPLICATES, &where);
    if (!root)
        FED_GO(fed_fail(err, FED_E_FORMAT, "the header is not JSON: %s (byte %d)",
                        where.text, where.position));
    FED_GO(read_header(root, out, err));
out:
    json_decref(root);
    if (status) {
        fed_safetensors_fini(out);
        return fed_fail_in(err, status, "safetensors");
    }
    return FED_OK;
}

void fed_safetensors_fini(fed_safetensors *index)
{
    for (size_t i = 0; i < index->n; i++)
        fed_free(index->entries[i].name);
    fed_free(index->entries);
    *index = (fed_safetensors){.entries = NULL};
}

const fed_safetensors_entry *fed_safetensors_find(const fed_safetensors *index,
                                                  const char *name)
{
    for (size_t i = 0; i < index->n; i++)
        if (strcmp(index->entries[i].name, name) == 0) return &index->entries[i];
    return NULL;
}
