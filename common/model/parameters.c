#include "parameters.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_BYTES = 4, ALIGN = 8 };

static uint64_t count_values(uint32_t rank, const uint32_t *shape)
{
    uint64_t count = 1;
    for (uint32_t i = 0; i < rank; i++)
        count = shape[i] && count > UINT64_MAX / shape[i] ? UINT64_MAX : count * shape[i];
    return count;
}

static bool name_is_plain(const char *name)
{
    size_t n = 0;
    for (; name[n]; n++)
        if (name[n] < 0x21 || name[n] > 0x7e || name[n] == '"' || name[n] == '\\')
            return false;
    return n >= 1 && n <= FED_SAFETENSORS_NAME_MAX && strcmp(name, "__metadata__") != 0;
}

static fed_status check_tensor(const fed_model_tensor *t, size_t length, fed_error *err)
{
    if (!name_is_plain(t->name))
        return fed_fail(err, FED_E_INVALID,
                        "tensor \"%.64s\": a name is 1 to %d printable ASCII characters",
                        t->name, FED_SAFETENSORS_NAME_MAX);
    if (t->rank > FED_SAFETENSORS_RANK_MAX)
        return fed_fail(err, FED_E_INVALID, "tensor \"%.64s\": rank %u, at most %d",
                        t->name, t->rank, FED_SAFETENSORS_RANK_MAX);
    uint64_t count = count_values(t->rank, t->shape);
    if (count < 1 || t->offset > length || count > length - t->offset)
        return fed_fail(err, FED_E_INVALID,
                        "tensor \"%.64s\": %" PRIu64
                        " values from %zu on, the vector has %zu",
                        t->name, count, t->offset, length);
    return FED_OK;
}

static int by_name(const void *a, const void *b)
{
    const fed_model_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static int by_offset(const void *a, const void *b)
{
    const fed_model_tensor *const *x = a, *const *y = b;
    return ((*x)->offset > (*y)->offset) - ((*x)->offset < (*y)->offset);
}

static fed_status check_neighbours(const fed_model_tensor **sorted, size_t n,
                                   fed_error *err)
{
    qsort(sorted, n, sizeof *sorted, by_offset);
    for (size_t i = 1; i < n; i++) {
        const fed_model_tensor *a = sorted[i - 1], *b = sorted[i];
        if (b->offset - a->offset < count_values(a->rank, a->shape))
            return fed_fail(err, FED_E_INVALID, "tensor \"%.64s\" overlaps \"%.64s\"",
                            b->name, a->name);
    }
    qsort(sorted, n, sizeof *sorted, by_name);
    for (size_t i = 1; i < n; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            return fed_fail(err, FED_E_INVALID, "tensor \"%.64s\" is there twice",
                            sorted[i]->name);
    return FED_OK;
}

/* Check the whole layout and give its tensors sorted by name; the caller frees `*out`. */
static fed_status sort_layout(const fed_model_layout *layout,
                              const fed_model_tensor ***out, fed_error *err)
{
    *out = NULL;
    if (layout->n > FED_SAFETENSORS_TENSORS_MAX)
        return fed_fail(err, FED_E_INVALID, "%zu tensors, at most %d", layout->n,
                        FED_SAFETENSORS_TENSORS_MAX);
    for (size_t i = 0; i < layout->n; i++)
        FED_TRY(check_tensor(&layout->tensors[i], layout->length, err));
    const fed_model_tensor **sorted = fed_calloc(layout->n, sizeof *sorted);
    if (!sorted) return fed_fail_nomem(err, layout->n * sizeof *sorted);
    for (size_t i = 0; i < layout->n; i++)
        sorted[i] = &layout->tensors[i];
    fed_status status = check_neighbours(sorted, layout->n, err);
    if (status)
        fed_free(sorted);
    else
        *out = sorted;
    return status;
}

static fed_status fail_value(const char *name, size_t index, float v, fed_error *err)
{
    const char *what = isnan(v) ? "a NaN" : v > 0 ? "+infinity" : "-infinity";
    return fed_fail(err, FED_E_NUMERIC, "tensor \"%.64s\": value %zu is %s", name, index,
                    what);
}

/* ---- writing ----------------------------------------------------------------------- */

static void put_header(fed_bytes *out, const fed_model_tensor **sorted, size_t n)
{
    uint64_t at = 0;
    fed_bytes_put_text(out, "{");
    for (size_t i = 0; i < n; i++) {
        const fed_model_tensor *t = sorted[i];
        uint64_t bytes = count_values(t->rank, t->shape) * VALUE_BYTES;
        fed_bytes_printf(out, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", i ? "," : "",
                         t->name);
        for (uint32_t j = 0; j < t->rank; j++)
            fed_bytes_printf(out, "%s%" PRIu32, j ? "," : "", t->shape[j]);
        fed_bytes_printf(out, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", at,
                         at + bytes);
        at += bytes;
    }
    fed_bytes_put_text(out, "}");
}

static fed_status put_values(fed_bytes *out, const fed_model_tensor *t,
                             const float *values, fed_error *err)
{
    size_t n = (size_t)count_values(t->rank, t->shape);
    uint8_t *to = fed_bytes_extend(out, n * VALUE_BYTES);
    for (size_t i = 0; to && i < n; i++) {
        uint32_t bits;
        float v = values[t->offset + i];
        if (!isfinite(v)) return fail_value(t->name, i, v, err);
        memcpy(&bits, &v, sizeof bits);
        fed_store_u32(to + VALUE_BYTES * i, bits);
    }
    return out->status;
}

fed_status fed_model_write(const fed_model_layout *layout, const float *values,
                           fed_bytes *out, fed_error *err)
{
    const fed_model_tensor **sorted = NULL;
    size_t before = out->len;
    fed_status status;
    FED_GO(sort_layout(layout, &sorted, err));
    fed_bytes_put_u64(out, 0); /* the header's length, once it is known */
    put_header(out, sorted, layout->n);
    while (out->status == FED_OK && (out->len - before) % ALIGN)
        fed_bytes_put_u8(out, ' ');
    status = out->status;
    if (!status) fed_store_u64(out->data + before, out->len - before - 8);
    for (size_t i = 0; !status && i < layout->n; i++)
        status = put_values(out, sorted[i], values, err);
    if (out->status)
        fed_fail(err, status, "model file: no room beyond %zu bytes", out->len - before);
out:
    if (status) out->len = before;
    fed_free(sorted);
    return status ? fed_fail_in(err, status, "model") : FED_OK;
}

/* ---- reading ----------------------------------------------------------------------- */

enum { SHAPE_TEXT = 11 * FED_SAFETENSORS_RANK_MAX + 3 };

static const char *shape_text(uint32_t rank, const uint32_t *shape, char out[SHAPE_TEXT])
{
    size_t n = 1;
    out[0] = '[';
    for (uint32_t i = 0; i < rank; i++)
        n += (size_t)snprintf(out + n, SHAPE_TEXT - n, "%s%" PRIu32, i ? "," : "",
                              shape[i]);
    snprintf(out + n, SHAPE_TEXT - n, "]");
    return out;
}

static fed_status check_shape(const fed_model_tensor *t, const fed_safetensors_entry *e,
                              fed_error *err)
{
    char is[SHAPE_TEXT], wanted[SHAPE_TEXT];
    if (t->rank == e->rank && memcmp(t->shape, e->shape, t->rank * sizeof *t->shape) == 0)
        return FED_OK;
    return fed_fail(err, FED_E_FORMAT, "tensor \"%.64s\": shape %s, wanted %s", t->name,
                    shape_text(e->rank, e->shape, is),
                    shape_text(t->rank, t->shape, wanted));
}

static fed_status get_values(const fed_model_tensor *t, const uint8_t *from, size_t n,
                             float *values, fed_error *err)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = fed_load_u32(from + VALUE_BYTES * i);
        float v;
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v)) return fail_value(t->name, i, v, err);
        values[t->offset + i] = v;
    }
    return FED_OK;
}

static fed_status get_tensor(const fed_model_tensor *t, const fed_safetensors *index,
                             float *values, fed_error *err)
{
    const fed_safetensors_entry *e = fed_safetensors_find(index, t->name);
    if (!e) return fed_fail(err, FED_E_FORMAT, "tensor \"%.64s\" is missing", t->name);
    FED_TRY(check_shape(t, e, err));
    return get_values(t, index->data.data + e->from, (e->to - e->from) / VALUE_BYTES,
                      values, err);
}

/* Every tensor that is wanted was found; so when the file has more, one is not wanted. */
static fed_status check_extra(const fed_model_tensor **sorted, size_t n,
                              const fed_safetensors *index, fed_error *err)
{
    for (size_t i = 0; index->n > n && i < index->n; i++) {
        fed_model_tensor probe = {.name = index->entries[i].name};
        const fed_model_tensor *key = &probe;
        if (!bsearch(&key, sorted, n, sizeof *sorted, by_name))
            return fed_fail(err, FED_E_FORMAT,
                            "tensor \"%.64s\" is not part of this model", probe.name);
    }
    return FED_OK;
}

fed_status fed_model_read(const fed_model_layout *layout, fed_span file, float *values,
                          fed_error *err)
{
    const fed_model_tensor **sorted = NULL;
    fed_safetensors index = {.entries = NULL};
    fed_status status;
    FED_GO(sort_layout(layout, &sorted, err));
    FED_GO(fed_safetensors_parse(file, &index, err));
    for (size_t i = 0; i < layout->n; i++)
        FED_GO(get_tensor(sorted[i], &index, values, err));
    status = check_extra(sorted, layout->n, &index, err);
out:
    fed_safetensors_fini(&index);
    fed_free(sorted);
    return status ? fed_fail_in(err, status, "model") : FED_OK;
}
