/*
 * The device's side of byte uploads. Values are rounded to the nearest integer, not
 * stochastically: which coordinates travel depends on their size already, so the whole is
 * biased in any case, and the residual (error feedback, Stich et al. 2018; Karimireddy et
 * al. 2019 for signs) sends later what was cut off now.
 */
#include <math.h>
#include <string.h>

#include "codec_encode.h"
#include "codec_kernels.h"
#include "codec_support.h"
#include "golomb.h"
#include "residual.h"
#include "select_largest.h"
#include "upload.h"
#include "upload_values.h"

static double largest_of(const float *x, size_t k)
{
    double most = 0;
    for (size_t i = 0; i < k; i++)
        if (fabs((double)x[i]) > most) most = fabs((double)x[i]);
    return most;
}

static double mean_magnitude_of(const float *x, size_t k)
{
    double sum = 0;
    for (size_t i = 0; i < k; i++)
        sum += fabs((double)x[i]);
    return sum / (double)k;
}

/* Integers q and the scale that makes q * scale * unit of them; x becomes that. */
static uint64_t quantise(const fed_codec *codec, double unit, float *x, size_t k,
                         int32_t *q)
{
    if (codec->config.quantise == FED_CODEC_SIGN) {
        uint64_t scale = (uint64_t)(mean_magnitude_of(x, k) / unit);
        for (size_t i = 0; i < k; i++) {
            q[i] = x[i] < 0 ? -1 : 1;
            x[i] = (float)((double)q[i] * (double)scale * unit);
        }
        return scale;
    }
    double most = fed_upload_integer_max(codec);
    uint64_t scale = (uint64_t)ceil(largest_of(x, k) / unit / most);
    double step = (double)scale * unit;
    for (size_t i = 0; i < k; i++) {
        double v = scale ? floor((double)x[i] / step + 0.5) : 0;
        q[i] = (int32_t)(v > most ? most : v < -most ? -most : v);
        x[i] = (float)((double)q[i] * step);
    }
    return scale;
}

static fed_status put_integers(const fed_codec *codec, const int32_t *q, size_t k,
                               fed_bytes *out, fed_error *err)
{
    fed_ring ring;
    FED_TRY(fed_ring_init(&ring, fed_upload_value_bits(codec), k, err));
    for (size_t i = 0; i < k; i++) {
        int32_t v = codec->config.quantise == FED_CODEC_SIGN ? q[i] > 0 : q[i];
        fed_ring_put_i32(&ring, i, &v, 1);
    }
    uint8_t *to = fed_bytes_extend(out, fed_ring_packed_bytes(ring.bits, k));
    if (to) fed_ring_pack(&ring, to);
    fed_ring_fini(&ring);
    return FED_OK;
}

static fed_status put_indices(const fed_codec *codec, const uint32_t *indices, size_t k,
                              fed_bytes *out, fed_error *err)
{
    size_t at = out->len;
    fed_bytes_put_u32(out, 0);
    FED_TRY(fed_golomb_encode(indices, k, codec->config.d, out, err));
    fed_store_u32(out->data + at, (uint32_t)(out->len - at - 4));
    return FED_OK;
}

static void put_head(const fed_codec *codec, const fed_codec_round *round,
                     const fed_codec_input *in, uint64_t scale, fed_codec_update *out)
{
    fed_bytes *b = &out->upload;
    fed_bytes_put_u8(b, FED_UPLOAD_FORMAT);
    fed_bytes_put_u8(b, codec->norm_bits
                            ? (uint8_t)fed_norm_bucket(out->report.norm, round->clip)
                            : 0);
    fed_bytes_put_u32(b, in->weight);
    fed_bytes_put_u64(b, scale);
}

/* residual_out holds the corrected update; subtract from it what travels. */
static void keep_rest(const fed_codec *codec, const fed_codec_round *round,
                      const fed_codec_input *in, const uint32_t *indices, const float *x,
                      size_t k, fed_codec_report *report)
{
    float *kept = in->residual_out, weight = (float)in->weight;
    if (!kept) return;
    for (size_t i = 0; i < k; i++)
        kept[indices[i]] -= x[i] / weight;
    if (report->non_finite) memset(kept, 0, codec->config.d * sizeof *kept);
    fed_residual_cap(codec, round, in, report);
}

/* x = the selected coordinates, weighted and clipped. */
static fed_status select_values(const fed_codec *codec, const fed_codec_round *round,
                                const fed_codec_input *in, const float *source,
                                uint32_t *indices, size_t k, float *x,
                                fed_codec_report *report, fed_error *err)
{
    if (codec->config.select == FED_CODEC_TOP_K)
        FED_TRY(fed_select_largest(source, FED_KEY_MAGNITUDE, codec->config.d, k, indices,
                                   err));
    else
        fed_support_indices(codec, round, indices);
    for (size_t i = 0; i < k; i++)
        x[i] = source[indices[i]] * (float)in->weight;
    (void)fed_codec_clip(x, k, round->clip, report, in->parallel);
    return FED_OK;
}

static fed_status put_values(const fed_codec *codec, const fed_codec_round *round,
                             const fed_codec_input *in, const uint32_t *indices, float *x,
                             size_t k, int32_t *q, fed_codec_update *out, fed_error *err)
{
    bool integers = codec->config.quantise != FED_CODEC_FLOAT32;
    put_head(codec, round, in, integers ? quantise(codec, round->step, x, k, q) : 0, out);
    if (codec->config.select == FED_CODEC_TOP_K)
        FED_TRY(put_indices(codec, indices, k, &out->upload, err));
    if (integers) FED_TRY(put_integers(codec, q, k, &out->upload, err));
    for (size_t i = 0; !integers && i < k; i++)
        fed_bytes_put_f32(&out->upload, x[i]);
    if (out->upload.status)
        return fed_fail(err, out->upload.status, "upload: no room for it");
    return FED_OK;
}

fed_status fed_upload_encode(const fed_codec *codec, const fed_codec_round *round,
                             const fed_codec_input *in, const float *source, float *x,
                             fed_codec_update *out, fed_error *err)
{
    fed_status status = FED_OK;
    size_t k = fed_codec_travelling(codec, round);
    uint32_t *indices = fed_malloc(k * sizeof *indices);
    int32_t *q = fed_malloc(k * sizeof *q);
    if (!indices || !q) {
        status = fed_fail_nomem(err, k * (sizeof *indices + sizeof *q));
        goto out;
    }
    status = fed_bytes_reserve(&out->upload, fed_codec_upload_bytes(codec, round));
    if (status) {
        status = fed_fail(err, status, "upload: no room for it");
        goto out;
    }
    FED_GO(select_values(codec, round, in, source, indices, k, x, &out->report, err));
    FED_GO(put_values(codec, round, in, indices, x, k, q, out, err));
    keep_rest(codec, round, in, indices, x, k, &out->report);
out:
    if (q) fed_wipe_free(q, k * sizeof *q);
    if (indices) fed_wipe_free(indices, k * sizeof *indices);
    return status;
}
