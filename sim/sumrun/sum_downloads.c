/* What devices fetch. No blob is sent at this fidelity, but each is made and weighed as the
 * server would send it; documents stand in with made-up addresses and signatures. */
#include "sumrun_internal.h"

#include <string.h>

#include "model.h"

#define POPULATION "simulated"

static uint64_t of_document(const fed_bytes *body)
{
    return body->len + FED_ED25519_SIGNATURE;
}

static fed_status weigh(const fed_bytes *blob, uint64_t *bytes, fed_error *err)
{
    return fed_blob_wire_bytes((fed_span){blob->data, blob->len}, bytes, err);
}

static fed_status price_task(fed_sum_downloads *d, const fed_task *task, fed_error *err)
{
    fed_task_document doc = {.population = POPULATION,
                             .name = POPULATION,
                             .plan_length = 1,
                             .model_length = 1,
                             .expires_ms = INT64_MAX};
    fed_bytes body;
    uint64_t plan;
    FED_TRY(fed_blob_wire_bytes(fed_task_numbers_of(task)->resolved, &plan, err));
    fed_bytes_init(&body, FED_TASK_DOCUMENT_MAX);
    fed_status status = fed_task_document_put(&doc, &body, err);
    d->task = plan + of_document(&body);
    fed_bytes_fini(&body);
    return status;
}

fed_status fed_sum_downloads_init(fed_sum_downloads *d, const fed_sumrun *run,
                                  fed_error *err)
{
    uint32_t clients = fed_population_clients(run->population);
    d->held = fed_calloc(clients, sizeof *d->held);
    if (!d->held) return fed_fail_nomem(err, clients * sizeof *d->held);
    return price_task(d, run->task, err);
}

void fed_sum_downloads_fini(fed_sum_downloads *d)
{
    fed_free(d->held);
    d->held = NULL;
}

/* ---- a version ------------------------------------------------------------------------- */

static fed_status price_model(fed_sum_downloads *d, const fed_sumrun *run, fed_error *err)
{
    fed_bytes file;
    fed_bytes_init(&file, SIZE_MAX);
    fed_status status = fed_task_write_model(run->task, run->state.params, &file, err);
    if (!status) status = weigh(&file, &d->model, err);
    fed_bytes_fini(&file);
    return status;
}

/* A device loads the difference that leads to the present version, if it is shorter than the
 * model. Few of them are asked for, so each is made when it is. */
static fed_status price_difference(fed_sum_downloads *d, const fed_sumrun *run,
                                   uint32_t back, uint64_t *out, fed_error *err)
{
    uint64_t *price = &d->differences[back - 1];
    fed_status status = FED_OK;
    if (!*price) {
        fed_bytes bytes;
        fed_bytes_init(&bytes, SIZE_MAX);
        status = fed_version_state_difference(&run->state, back, &bytes, err);
        bool pays = !status && bytes.len < fed_task_numbers_of(run->task)->model_bytes;
        *price = pays ? bytes.len : d->model;
        fed_bytes_fini(&bytes);
    }
    *out = *price;
    return status == FED_E_NUMERIC ? FED_OK : status;
}

static fed_status price_document(fed_sum_downloads *d, const fed_sumrun *run,
                                 const fed_bytes *round, fed_error *err)
{
    fed_version_document doc = {.task = {{1}},
                                .version = run->state.version,
                                .model = {{1}},
                                .round_length = round->len,
                                .n_differences = d->n_differences};
    if (doc.version) doc.parent.bytes[0] = 1;
    d->version = 0;
    if (round->len > FED_ROUND_INLINE_MAX) {
        doc.round_address.bytes[0] = 1;
        FED_TRY(weigh(round, &d->version, err));
    } else {
        doc.round = (fed_span){round->data, round->len};
    }
    for (uint32_t i = 0; i < d->n_differences; i++)
        doc.differences[i] = (fed_version_difference){{{1}}, 1};
    fed_bytes body;
    fed_bytes_init(&body, FED_VERSION_DOCUMENT_MAX);
    fed_status status = fed_version_document_put(&doc, &body, err);
    d->version += of_document(&body);
    fed_bytes_fini(&body);
    return status;
}

static fed_status price_version(fed_sum_downloads *d, const fed_sumrun *run,
                                fed_error *err)
{
    fed_bytes round;
    if (d->priced == run->state.version + 1) return FED_OK;
    uint64_t known = run->state.version - run->state.oldest;
    d->n_differences = known < run->state.reach ? (uint32_t)known : run->state.reach;
    memset(d->differences, 0, sizeof d->differences);
    FED_TRY(price_model(d, run, err));
    fed_bytes_init(&round, SIZE_MAX);
    fed_status status = fed_task_write_round(run->task, run->state.round, &round, err);
    if (!status) status = price_document(d, run, &round, err);
    fed_bytes_fini(&round);
    d->priced = run->state.version + 1;
    return status;
}

/* As fed_turn_fetch() goes about it. */
fed_status fed_sum_downloads_count(fed_sum_downloads *d, const fed_sumrun *run,
                                   uint32_t client, uint64_t *bytes, fed_error *err)
{
    uint64_t now = run->state.version + 1, held = d->held[client];
    FED_TRY(price_version(d, run, err));
    bool keeps = held && run->state.reach;
    uint64_t model = d->model;
    if (keeps && held == now)
        model = 0;
    else if (keeps && now - held <= d->n_differences)
        FED_TRY(price_difference(d, run, (uint32_t)(now - held), &model, err));
    *bytes = model + d->version + (held ? 0 : d->task);
    d->held[client] = now;
    return FED_OK;
}
