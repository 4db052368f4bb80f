#include "versiondocument.h"

#include <string.h>

#include "document.h"

static fed_status check_round(const fed_version_document *d, fed_error *err)
{
    if (d->round_length > FED_ROUND_BYTES_MAX)
        return fed_fail(err, FED_E_INVALID, "round_length: %llu, at most %llu",
                        (unsigned long long)d->round_length,
                        (unsigned long long)FED_ROUND_BYTES_MAX);
    bool is_inline = d->round_length <= FED_ROUND_INLINE_MAX;
    if (d->round.len != (is_inline ? d->round_length : 0))
        return fed_fail(err, FED_E_INVALID,
                        "round: %zu bytes here, round_length says %llu", d->round.len,
                        (unsigned long long)d->round_length);
    if (fed_address_is_zero(&d->round_address) != is_inline)
        return fed_fail(err, FED_E_INVALID,
                        "round_address: must be there exactly for more than %d bytes",
                        FED_ROUND_INLINE_MAX);
    return FED_OK;
}

static fed_status check_differences(const fed_version_document *d, fed_error *err)
{
    if (d->n_differences > FED_DIFFERENCES_MAX || d->n_differences > d->version)
        return fed_fail(err, FED_E_INVALID,
                        "differences: %u, at most %d, and at most the version, %llu",
                        d->n_differences, FED_DIFFERENCES_MAX,
                        (unsigned long long)d->version);
    for (uint32_t i = 0; i < d->n_differences; i++)
        if (fed_address_is_zero(&d->differences[i].address) || !d->differences[i].length)
            return fed_fail(err, FED_E_INVALID,
                            "differences[%u]: address and length must not be zero", i);
    return FED_OK;
}

static fed_status check_document(const fed_version_document *d, fed_error *err)
{
    if (fed_address_is_zero(&d->task) || fed_address_is_zero(&d->model))
        return fed_fail(err, FED_E_INVALID, "%s: must not be zero",
                        fed_address_is_zero(&d->task) ? "task" : "model");
    if (fed_address_is_zero(&d->parent) != (d->version == 0))
        return fed_fail(err, FED_E_INVALID,
                        "parent: must be zero exactly for version 0, is %llu",
                        (unsigned long long)d->version);
    FED_TRY(check_differences(d, err));
    return check_round(d, err);
}

fed_status fed_version_document_put(const fed_version_document *d, fed_bytes *out,
                                    fed_error *err)
{
    fed_status status = check_document(d, err);
    if (status) return fed_fail_in(err, status, "version document");
    fed_document_put_head(out, FED_DOCUMENT_VERSION);
    fed_bytes_put(out, d->task.bytes, sizeof d->task.bytes);
    fed_bytes_put_u64(out, d->version);
    fed_bytes_put(out, d->parent.bytes, sizeof d->parent.bytes);
    fed_bytes_put(out, d->model.bytes, sizeof d->model.bytes);
    fed_bytes_put_u64(out, d->round_length);
    if (d->round_length <= FED_ROUND_INLINE_MAX)
        fed_bytes_put(out, d->round.data, d->round.len);
    else
        fed_bytes_put(out, d->round_address.bytes, sizeof d->round_address.bytes);
    fed_bytes_put_u8(out, (uint8_t)d->n_differences);
    for (uint32_t i = 0; i < d->n_differences; i++) {
        fed_bytes_put(out, d->differences[i].address.bytes, FED_ADDRESS_BYTES);
        fed_bytes_put_u64(out, d->differences[i].length);
    }
    return out->status ? fed_fail(err, out->status, "version document: no room") : FED_OK;
}

/* Beyond the maximum nothing is stored: the check refuses the number. */
static void get_differences(fed_reader *r, fed_version_document *d)
{
    d->n_differences = fed_reader_u8(r);
    for (uint32_t i = 0; i < d->n_differences; i++) {
        fed_version_difference difference;
        fed_reader_copy(r, difference.address.bytes, FED_ADDRESS_BYTES);
        difference.length = fed_reader_u64(r);
        if (i < FED_DIFFERENCES_MAX) d->differences[i] = difference;
    }
}

static fed_status get_document(fed_span bytes, fed_version_document *d, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, bytes.data, bytes.len);
    FED_TRY(fed_document_get_head(&r, FED_DOCUMENT_VERSION, err));
    fed_reader_copy(&r, d->task.bytes, sizeof d->task.bytes);
    d->version = fed_reader_u64(&r);
    fed_reader_copy(&r, d->parent.bytes, sizeof d->parent.bytes);
    fed_reader_copy(&r, d->model.bytes, sizeof d->model.bytes);
    d->round_length = fed_reader_u64(&r);
    if (d->round_length <= FED_ROUND_INLINE_MAX)
        d->round = fed_reader_take(&r, (size_t)d->round_length);
    else
        fed_reader_copy(&r, d->round_address.bytes, sizeof d->round_address.bytes);
    get_differences(&r, d);
    FED_TRY(fed_document_finish(&r, bytes.len, err));
    return check_document(d, err) ? FED_E_FORMAT : FED_OK;
}

fed_status fed_version_document_get(fed_span bytes, fed_version_document *d,
                                    fed_error *err)
{
    memset(d, 0, sizeof *d);
    fed_status status = get_document(bytes, d, err);
    if (status) memset(d, 0, sizeof *d);
    return status ? fed_fail_in(err, status, "version document") : FED_OK;
}

fed_status fed_version_document_sign(const fed_version_document *d,
                                     const uint8_t server_seed[32], fed_bytes *out,
                                     fed_error *err)
{
    size_t start = out->len;
    fed_status status = fed_version_document_put(d, out, err);
    if (!status) status = fed_document_sign(out, start, server_seed, err);
    if (status) out->len = start;
    return status;
}

fed_status fed_version_document_open(fed_span signed_bytes, const fed_task_document *task,
                                     const fed_address *address, fed_version_document *d,
                                     fed_error *err)
{
    fed_span body = {NULL, 0};
    memset(d, 0, sizeof *d);
    fed_status status = fed_document_verify(signed_bytes, task->server_key, &body, err);
    if (status) return fed_fail_in(err, status, "version document");
    FED_TRY(fed_version_document_get(body, d, err));
    if (fed_address_equal(&d->task, address)) return FED_OK;
    memset(d, 0, sizeof *d);
    return fed_fail(err, FED_E_AUTH, "version document: it is of another task");
}
