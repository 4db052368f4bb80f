#include "task_offer.h"

#include <string.h>

#include "round.h"

static fed_status put_text(char to[FED_DOCUMENT_TEXT_MAX + 1], const char *field,
                           const char *text, fed_error *err)
{
    size_t n = strlen(text);
    if (n > FED_DOCUMENT_TEXT_MAX)
        return fed_fail(err, FED_E_INVALID, "%s: %zu characters are above %d", field, n,
                        FED_DOCUMENT_TEXT_MAX);
    memcpy(to, text, n + 1);
    return FED_OK;
}

/* The initial model's address and length; the bytes themselves are not sent. */
static fed_status describe_model(const fed_task *task, fed_task_document *doc,
                                 fed_error *err)
{
    size_t n = fed_task_numbers_of(task)->params;
    fed_bytes file;
    float *params = fed_calloc(n, sizeof *params);
    if (!params) return fed_fail_nomem(err, n * sizeof *params);
    fed_bytes_init(&file, SIZE_MAX);
    fed_task_init_params(task, params);
    fed_status status = fed_task_write_model(task, params, &file, err);
    if (!status) status = fed_address_of(file.data, file.len, &doc->model, err);
    doc->model_length = file.len;
    fed_bytes_fini(&file);
    fed_free(params);
    return status;
}

static fed_status describe(const fed_task_offer *offer, const fed_task *task,
                           fed_task_document *doc, fed_error *err)
{
    fed_span plan = fed_task_numbers_of(task)->resolved;
    const char *name = offer->name ? offer->name : fed_task_plan(task)->name;
    FED_TRY(put_text(doc->population, "population", offer->population, err));
    FED_TRY(put_text(doc->name, "name", name, err));
    FED_TRY(fed_address_of(plan.data, plan.len, &doc->plan, err));
    doc->plan_length = plan.len;
    doc->created_ms = offer->created_ms;
    doc->expires_ms = offer->expires_ms;
    memcpy(doc->server_key, offer->server_key, sizeof doc->server_key);
    return describe_model(task, doc, err);
}

fed_status fed_task_offer_put(const fed_task_offer *offer, fed_bytes *body,
                              fed_address *id, fed_error *err)
{
    fed_task_document doc = {0};
    fed_task *task = NULL;
    fed_bytes document;
    fed_seed_from_u64(doc.seed, offer->seed);
    FED_TRY(fed_task_parse(&task, offer->plan, FED_PLAN_AUTHOR, doc.seed, err));
    fed_bytes_init(&document, FED_TASK_DOCUMENT_MAX);
    fed_status status = describe(offer, task, &doc, err);
    if (!status) status = fed_task_document_address(&doc, id, err);
    if (!status)
        status = fed_task_document_sign(&doc, offer->operator_seed, &document, err);
    if (!status)
        status = fed_task_create_put(body, (fed_span){document.data, document.len},
                                     fed_task_numbers_of(task)->resolved, err);
    fed_bytes_fini(&document);
    fed_task_free(task);
    return status;
}
