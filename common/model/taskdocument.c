#include "taskdocument.h"

#include <string.h>

#include "crypto.h"
#include "document.h"

static fed_status check_text(const char *field, const char *text, fed_error *err)
{
    size_t n = 0;
    while (n <= FED_DOCUMENT_TEXT_MAX && text[n] >= 0x20 && text[n] <= 0x7e)
        n++;
    if (n < 1 || n > FED_DOCUMENT_TEXT_MAX || text[n])
        return fed_fail(err, FED_E_INVALID,
                        "%s: must be 1 to %d printable ASCII characters", field,
                        FED_DOCUMENT_TEXT_MAX);
    return FED_OK;
}

static fed_status check_length(const char *field, uint64_t n, uint64_t max,
                               fed_error *err)
{
    if (n < 1 || n > max)
        return fed_fail(err, FED_E_INVALID, "%s: %llu bytes, must be 1 to %llu", field,
                        (unsigned long long)n, (unsigned long long)max);
    return FED_OK;
}

/* The one set of bounds, for what is written and for what is read. */
static fed_status check_document(const fed_task_document *d, fed_error *err)
{
    FED_TRY(check_text("population", d->population, err));
    FED_TRY(check_text("name", d->name, err));
    FED_TRY(check_length("plan_length", d->plan_length, FED_PLAN_BYTES_MAX, err));
    FED_TRY(check_length("model_length", d->model_length, FED_MODEL_BYTES_MAX, err));
    if (d->created_ms < 0 || d->expires_ms <= d->created_ms)
        return fed_fail(err, FED_E_INVALID,
                        "expires_ms: created at %lld and expires at %lld, must be later",
                        (long long)d->created_ms, (long long)d->expires_ms);
    return FED_OK;
}

static void put_text(fed_bytes *out, const char *text)
{
    fed_bytes_put_u8(out, (uint8_t)strlen(text));
    fed_bytes_put_text(out, text);
}

fed_status fed_task_document_put(const fed_task_document *d, fed_bytes *out,
                                 fed_error *err)
{
    fed_status status = check_document(d, err);
    if (status) return fed_fail_in(err, status, "task document");
    fed_document_put_head(out, FED_DOCUMENT_TASK);
    put_text(out, d->population);
    put_text(out, d->name);
    fed_bytes_put(out, d->plan.bytes, sizeof d->plan.bytes);
    fed_bytes_put_u64(out, d->plan_length);
    fed_bytes_put(out, d->seed, sizeof d->seed);
    fed_bytes_put(out, d->model.bytes, sizeof d->model.bytes);
    fed_bytes_put_u64(out, d->model_length);
    fed_bytes_put(out, d->server_key, sizeof d->server_key);
    fed_bytes_put_u64(out, (uint64_t)d->created_ms);
    fed_bytes_put_u64(out, (uint64_t)d->expires_ms);
    return out->status ? fed_fail(err, out->status, "task document: no room") : FED_OK;
}

/* A NUL inside the text would hide what follows it: refused here, the rest by the bounds. */
static void get_text(fed_reader *r, char out[FED_DOCUMENT_TEXT_MAX + 1])
{
    size_t n = fed_reader_u8(r);
    if (n > FED_DOCUMENT_TEXT_MAX) r->failed = true;
    fed_span text = fed_reader_take(r, r->failed ? 0 : n);
    if (text.len && memchr(text.data, 0, text.len)) r->failed = true;
    memset(out, 0, FED_DOCUMENT_TEXT_MAX + 1);
    if (!r->failed && text.len) memcpy(out, text.data, text.len);
}

static fed_status get_document(fed_span bytes, fed_task_document *d, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, bytes.data, bytes.len);
    FED_TRY(fed_document_get_head(&r, FED_DOCUMENT_TASK, err));
    get_text(&r, d->population);
    get_text(&r, d->name);
    fed_reader_copy(&r, d->plan.bytes, sizeof d->plan.bytes);
    d->plan_length = fed_reader_u64(&r);
    fed_reader_copy(&r, d->seed, sizeof d->seed);
    fed_reader_copy(&r, d->model.bytes, sizeof d->model.bytes);
    d->model_length = fed_reader_u64(&r);
    fed_reader_copy(&r, d->server_key, sizeof d->server_key);
    d->created_ms = (int64_t)fed_reader_u64(&r);
    d->expires_ms = (int64_t)fed_reader_u64(&r);
    FED_TRY(fed_document_finish(&r, bytes.len, err));
    return check_document(d, err) ? FED_E_FORMAT : FED_OK;
}

fed_status fed_task_document_get(fed_span bytes, fed_task_document *d, fed_error *err)
{
    memset(d, 0, sizeof *d);
    fed_status status = get_document(bytes, d, err);
    if (status) memset(d, 0, sizeof *d);
    return status ? fed_fail_in(err, status, "task document") : FED_OK;
}

fed_status fed_task_document_address(const fed_task_document *d, fed_address *out,
                                     fed_error *err)
{
    fed_bytes bytes;
    fed_bytes_init(&bytes, FED_TASK_DOCUMENT_MAX);
    fed_status status = fed_task_document_put(d, &bytes, err);
    if (!status) status = fed_address_of(bytes.data, bytes.len, out, err);
    fed_bytes_fini(&bytes);
    return status;
}

fed_status fed_task_document_sign(const fed_task_document *d,
                                  const uint8_t operator_seed[32], fed_bytes *out,
                                  fed_error *err)
{
    size_t start = out->len;
    fed_status status = fed_task_document_put(d, out, err);
    if (!status) status = fed_document_sign(out, start, operator_seed, err);
    if (status) out->len = start;
    return status;
}

fed_status fed_task_document_open(fed_span signed_bytes, const uint8_t operator_key[32],
                                  fed_task_document *d, fed_address *task, fed_error *err)
{
    fed_span body = {NULL, 0};
    memset(d, 0, sizeof *d);
    fed_status status = fed_document_verify(signed_bytes, operator_key, &body, err);
    if (status) return fed_fail_in(err, status, "task document");
    FED_TRY(fed_task_document_get(body, d, err));
    return task ? fed_address_of(body.data, body.len, task, err) : FED_OK;
}
