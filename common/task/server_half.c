/* The server's half of the pipeline: the mean of a cohort, and a version's public state. */
#include "task_internal.h"

fed_status fed_task_decode(const fed_task *task, const fed_codec_round *round,
                           const fed_codec_sum *sum, float *mean,
                           fed_codec_outcome *outcome, const fed_parallel *parallel,
                           fed_error *err)
{
    bool fixed = task->plan->privacy.mechanism != FED_MECHANISM_NONE &&
                 task->plan->privacy.unit == FED_UNIT_DEVICE;
    if (fed_task_server_adds_noise(task) && !fed_task_has_noise(sum))
        return fed_fail(err, FED_E_INTERNAL, "sum: the server's noise is not in it yet");
    fed_codec_divisor by = {.fixed = fixed ? (uint32_t)task->plan->rounds.cohort : 0};
    return fed_codec_decode(task->codec, round, sum, by, mean, outcome, parallel, err);
}

fed_status fed_task_write_round(const fed_task *task, const fed_codec_round *round,
                                fed_bytes *out, fed_error *err)
{
    return fed_codec_round_encode(task->codec, round, out, err);
}

fed_status fed_task_read_round(const fed_task *task, fed_span blob, uint64_t version,
                               fed_codec_round **out, fed_error *err)
{
    FED_TRY(fed_codec_round_parse(task->codec, blob, out, err));
    fed_status status = FED_OK;
    if ((*out)->version != version)
        status =
            fed_fail(err, FED_E_FORMAT, "round: of version %llu, wanted %llu",
                     (unsigned long long)(*out)->version, (unsigned long long)version);
    else
        status = fed_task_check_private_round(task, *out, err);
    if (!status) return FED_OK;
    fed_codec_round_free(*out);
    *out = NULL;
    return status;
}
