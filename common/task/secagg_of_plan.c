/* The plan's secure aggregation as parameters that both sides compute for themselves. */
#include "task_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Shares of noise are counted on s_min - c honest members; against a server that lies, one
 * sum is proved to cover as many on the complete graph only (docs/secagg-parameters.md). */
static fed_secagg_threat threat_of(const fed_task *task)
{
    const fed_plan_secagg *plan = &task->plan->secagg;
    const fed_privacy *promise = fed_task_privacy(task);
    bool active = plan->adversary == FED_ADVERSARY_ACTIVE;
    return (fed_secagg_threat){
        .adversary = active ? FED_SECAGG_ACTIVE : FED_SECAGG_CURIOUS,
        .corrupt_ppm = (uint32_t)lround(plan->corrupt * FED_SECAGG_PPM),
        .dropout_ppm = (uint32_t)lround(plan->dropout * FED_SECAGG_PPM),
        .complete = active && promise && fed_task_noise_is_shared(promise)};
}

/* A cohort may start with as few members as may survive. */
static uint32_t members_min(const fed_task *task)
{
    uint32_t n = task->numbers.min_survivors;
    return n < FED_SECAGG_MEMBERS_MIN ? FED_SECAGG_MEMBERS_MIN : n;
}

fed_status fed_task_choose_graph(const fed_task *task, fed_secagg_graph *out,
                                 fed_error *err)
{
    const fed_plan_secagg *plan = &task->plan->secagg;
    *out = (fed_secagg_graph){0};
    if (!plan->enabled) return FED_OK;
    fed_secagg_threat threat = threat_of(task);
    if (task->numbers.invited > FED_SECAGG_MEMBERS_MAX)
        return fed_fail(err, FED_E_REFUSED, "secagg: %u members in a cohort, at most %d",
                        task->numbers.invited, FED_SECAGG_MEMBERS_MAX);
    fed_status status = fed_secagg_graph_choose(&threat, task->numbers.invited, out, err);
    return fed_fail_in(err, status, "secagg");
}

fed_status fed_task_secagg_params(const fed_task *task, const fed_codec_round *round,
                                  const uint8_t cohort[32],
                                  const uint8_t enrolment_key[32], fed_secagg_params *out,
                                  fed_error *err)
{
    const fed_plan_secagg *plan = &task->plan->secagg;
    fed_codec_shape shapes[FED_CODEC_VECTORS_MAX];
    if (!plan->enabled)
        return fed_fail(err, FED_E_STATE, "secagg.enabled: false in this plan");
    *out = (fed_secagg_params){.model_version = round->version,
                               .threat = threat_of(task),
                               .stream = plan->stream == FED_MASK_CHACHA20
                                             ? FED_KEYSTREAM_CHACHA20
                                             : FED_KEYSTREAM_AES256_CTR,
                               .n_min = members_min(task),
                               .n_max = task->numbers.invited,
                               .s_min = task->numbers.min_survivors};
    memcpy(out->cohort, cohort, sizeof out->cohort);
    memcpy(out->plan, task->numbers.plan_address, sizeof out->plan);
    memcpy(out->enrolment_key, enrolment_key, sizeof out->enrolment_key);
    out->n_vectors = (uint32_t)fed_codec_shapes(task->codec, round, shapes);
    for (uint32_t i = 0; i < out->n_vectors; i++) {
        fed_secagg_vector *v = &out->vectors[i];
        snprintf(v->name, sizeof v->name, "%s", shapes[i].name);
        v->length = (uint32_t)shapes[i].n;
        v->bits = shapes[i].bits;
    }
    return fed_secagg_params_check(out, err);
}

fed_status fed_task_update_rings(const fed_task *task, const fed_codec_round *round,
                                 fed_span update, fed_ring rings[FED_CODEC_VECTORS_MAX],
                                 size_t *n, fed_error *err)
{
    fed_codec_shape shapes[FED_CODEC_VECTORS_MAX];
    fed_reader r;
    fed_reader_init(&r, update.data, update.len);
    size_t count = fed_codec_shapes(task->codec, round, shapes);
    fed_status status = FED_OK;
    for (*n = 0; !status && *n < count; ++*n) {
        size_t bytes = fed_ring_packed_bytes(shapes[*n].bits, shapes[*n].n);
        status = fed_ring_init(&rings[*n], shapes[*n].bits, shapes[*n].n, err);
        if (status) break;
        status = fed_ring_unpack(&rings[*n], fed_reader_take(&r, bytes), err);
    }
    if (!status && fed_reader_finish(&r))
        status = fed_fail(err, FED_E_FORMAT, "update: %zu bytes do not fit the round",
                          update.len);
    if (status)
        while (*n)
            fed_ring_fini(&rings[--*n]);
    return status;
}
