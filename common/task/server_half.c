/* The server's half of the pipeline: the mean of a cohort, and a version's public state. */
#include "task_internal.h"

#include <math.h>
#include <string.h>

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

/* A norm that a codec takes, whatever the noise says. */
static double within_bounds(double clip)
{
    return fmin(fmax(clip, 1e-15), 1e15);
}

double fed_task_next_clip(const fed_task *task, const fed_codec_round *round,
                          const fed_codec_sum *sum)
{
    const fed_adaptive_clip *adaptive = fed_task_adaptive_clip(task);
    for (size_t i = 0; adaptive && i < sum->n_vectors; i++) {
        int64_t bits;
        if (strcmp(sum->vectors[i].name, "bit") != 0) continue;
        fed_ring_centre(&sum->vectors[i].ring, 0, &bits, 1);
        return within_bounds(fed_adaptive_clip_next(adaptive, round->clip, bits,
                                                    (uint32_t)task->plan->rounds.cohort));
    }
    return 0;
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
