#include "residual.h"

#include <math.h>
#include <string.h>

#include "codec_kernels.h"

/* decay^n by squaring: the same bits everywhere, which pow() does not promise. */
static double power(double decay, uint64_t n)
{
    double result = 1;
    for (; n; n >>= 1, decay *= decay)
        if (n & 1) result *= decay;
    return result;
}

fed_status fed_residual_correct(const fed_codec *codec, const fed_codec_input *in,
                                float **own, const float **source, fed_error *err)
{
    size_t d = codec->config.d;
    float *to = codec->config.residual ? in->residual_out : NULL;
    *source = in->delta;
    if (!in->residual && !to) return FED_OK;
    if (!to) {
        to = *own = fed_malloc(d * sizeof *to);
        if (!to) return fed_fail_nomem(err, d * sizeof *to);
    }
    float decay = (float)power(codec->config.residual_decay, in->missed);
    fed_codec_kernels_active()->combine(to, in->delta, in->residual, decay, 1, d);
    *source = to;
    return FED_OK;
}

void fed_residual_cap(const fed_codec *codec, const fed_codec_round *round,
                      const fed_codec_input *in, fed_codec_report *report)
{
    fed_codec_report of_residual = {0};
    (void)fed_codec_clip(in->residual_out, codec->config.d,
                         codec->config.residual_cap * round->clip, &of_residual,
                         in->parallel);
    report->residual_norm =
        of_residual.clipped ? codec->config.residual_cap * round->clip : of_residual.norm;
}

void fed_residual_keep_unsent(const fed_codec *codec, const fed_codec_round *round,
                              const fed_codec_input *in, float factor,
                              fed_codec_report *report)
{
    float *kept = in->residual_out;
    if (!kept || !codec->config.residual) return;
    const fed_codec_kernels *kernels = fed_codec_kernels_active();
    if (report->non_finite)
        memset(kept, 0, codec->config.d * sizeof *kept);
    else if (round->support == FED_CODEC_ALL)
        kernels->scale(kept, 1 - factor, codec->config.d);
    else
        for (size_t i = 0; i < round->n_blocks; i++)
            kernels->scale(kept + codec->starts[round->blocks[i]], 1 - factor,
                           fed_codec_block_length(codec, round->blocks[i]));
    fed_residual_cap(codec, round, in, report);
}
