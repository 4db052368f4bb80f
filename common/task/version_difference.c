/* Models on their way to devices: on the plan's grid, and as differences between versions. */
#include "task_internal.h"

#include <string.h>

static unsigned fraction_bits(const fed_task *task)
{
    return (unsigned)task->plan->download.fraction_bits; /* 0: no grid */
}

void fed_task_round_params(const fed_task *task, float *params, float *carry)
{
    if (fraction_bits(task))
        fed_model_grid_round(params, carry, task->numbers.params, fraction_bits(task));
}

void fed_task_publish_params(const fed_task *task, float *params, float *carry,
                             const float *before)
{
    size_t n = task->numbers.params;
    if (!fraction_bits(task)) return;
    fed_task_round_params(task, params, carry);
    if (memcmp(params, before, n * sizeof *params) == 0)
        fed_model_grid_nudge(params, carry, n, fraction_bits(task));
}

static fed_status check_grid(const fed_task *task, fed_error *err)
{
    return fraction_bits(task) ? FED_OK
                               : fed_fail(err, FED_E_STATE,
                                          "model difference: the plan has no grid "
                                          "(download.fraction_bits)");
}

fed_status fed_task_write_difference(const fed_task *task, const float *from,
                                     const float *to, fed_bytes *out, fed_error *err)
{
    fed_bytes plain;
    FED_TRY(check_grid(task, err));
    fed_bytes_init(&plain, SIZE_MAX);
    fed_status status = fed_model_diff_encode(from, to, task->numbers.params,
                                              fraction_bits(task), &plain, err);
    if (!status)
        status = fed_blob_compress((fed_span){plain.data, plain.len}, FED_BLOB_LEVEL, out,
                                   err);
    fed_bytes_fini(&plain);
    return status;
}

fed_status fed_task_apply_difference(const fed_task *task, float *params,
                                     fed_span difference, fed_error *err)
{
    fed_bytes plain;
    size_t n = task->numbers.params;
    FED_TRY(check_grid(task, err));
    fed_bytes_init(&plain, SIZE_MAX);
    fed_status status =
        fed_blob_decompress(difference, fed_model_diff_bytes_max(n), &plain, err);
    if (status == FED_E_LIMIT) status = FED_E_FORMAT;
    if (!status)
        status = fed_model_diff_apply(params, n, fraction_bits(task),
                                      (fed_span){plain.data, plain.len}, err);
    fed_bytes_fini(&plain);
    return status;
}
