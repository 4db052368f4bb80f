/* The server's half: adding, and from the sum to the mean update. */
#include <math.h>
#include <string.h>

#include "codec_encode.h"
#include "codec_kernels.h"
#include "codec_support.h"
#include "upload.h"

fed_status fed_codec_sum_init(const fed_codec *codec, const fed_codec_round *round,
                              fed_codec_sum *sum, fed_error *err)
{
    *sum = (fed_codec_sum){0};
    fed_status status = FED_OK;
    if (codec->linear) {
        status = fed_codec_make_vectors(codec, round, sum->vectors, &sum->n_vectors, err);
    } else {
        sum->exact = fed_calloc(codec->config.d, sizeof *sum->exact);
        if (!sum->exact) status = fed_fail_nomem(err, 8 * codec->config.d);
    }
    if (status) fed_codec_sum_fini(sum);
    return status;
}

void fed_codec_sum_fini(fed_codec_sum *sum)
{
    for (size_t i = 0; i < FED_CODEC_VECTORS_MAX; i++)
        fed_ring_fini(&sum->vectors[i].ring);
    fed_free(sum->exact);
    *sum = (fed_codec_sum){0};
}

static fed_status check_room(const fed_codec *codec, const fed_codec_sum *sum,
                             fed_error *err)
{
    if (sum->n < codec->config.n_max) return FED_OK;
    return fed_fail(err, FED_E_LIMIT, "cohort: more than n_max = %u updates",
                    codec->config.n_max);
}

fed_status fed_codec_sum_add(const fed_codec *codec, fed_codec_sum *sum,
                             const fed_codec_update *update, fed_error *err)
{
    FED_TRY(check_room(codec, sum, err));
    if (!codec->linear || sum->n_vectors != update->n_vectors)
        return fed_fail(err, FED_E_INVALID, "sum: %zu vectors and %zu", sum->n_vectors,
                        update->n_vectors);
    for (size_t i = 0; i < sum->n_vectors; i++)
        if (sum->vectors[i].ring.n != update->vectors[i].ring.n ||
            sum->vectors[i].ring.bits != update->vectors[i].ring.bits)
            return fed_fail(err, FED_E_INVALID, "sum: the shapes of %s differ",
                            sum->vectors[i].name);
    for (size_t i = 0; i < sum->n_vectors; i++)
        FED_TRY(fed_ring_add(&sum->vectors[i].ring, &update->vectors[i].ring, err));
    sum->n++;
    return FED_OK;
}

/* All vectors are looked at before any is added, so a refusal leaves the sum as it was. */
static fed_status add_packed(fed_codec_sum *sum, fed_span upload, fed_error *err)
{
    size_t want = 0;
    for (size_t i = 0; i < sum->n_vectors; i++)
        want += fed_ring_packed_bytes(sum->vectors[i].ring.bits, sum->vectors[i].ring.n);
    if (upload.len != want)
        return fed_fail(err, FED_E_FORMAT, "upload: %zu bytes, not %zu", upload.len,
                        want);
    for (int adding = 0; adding < 2; adding++) {
        const uint8_t *at = upload.data;
        for (size_t i = 0; i < sum->n_vectors; i++) {
            fed_ring *ring = &sum->vectors[i].ring;
            fed_span packed = {at, fed_ring_packed_bytes(ring->bits, ring->n)};
            at += packed.len;
            fed_status status = adding ? fed_ring_add_packed(ring, packed, err)
                                       : fed_ring_check_packed(ring, packed, err);
            if (status)
                return fed_fail_in(err, status, "upload.%s", sum->vectors[i].name);
        }
    }
    return FED_OK;
}

fed_status fed_codec_sum_add_bytes(const fed_codec *codec, const fed_codec_round *round,
                                   fed_codec_sum *sum, fed_span upload, fed_error *err)
{
    FED_TRY(check_room(codec, sum, err));
    FED_TRY(codec->linear ? add_packed(sum, upload, err)
                          : fed_upload_add(codec, round, sum, upload, err));
    sum->n++;
    return FED_OK;
}

fed_status fed_codec_update_write(const fed_codec_update *update, fed_bytes *out,
                                  fed_error *err)
{
    fed_bytes_put(out, update->upload.data, update->upload.len);
    for (size_t i = 0; i < update->n_vectors; i++) {
        const fed_ring *ring = &update->vectors[i].ring;
        uint8_t *to = fed_bytes_extend(out, fed_ring_packed_bytes(ring->bits, ring->n));
        if (to) fed_ring_pack(ring, to);
    }
    if (out->status) return fed_fail(err, out->status, "upload: no room for it");
    return FED_OK;
}

/* Contributors and weights must make sense before anything is divided by them. */
static fed_status weigh(const fed_codec *codec, const fed_codec_sum *sum,
                        fed_codec_outcome *outcome, fed_error *err)
{
    *outcome = (fed_codec_outcome){.n = sum->n, .weight = sum->n};
    if (!sum->n || sum->n > codec->config.n_max)
        return fed_fail(err, FED_E_INVALID, "sum: %u contributors are not in 1..%u",
                        sum->n, codec->config.n_max);
    if (codec->config.weight != FED_CODEC_EXAMPLES) return FED_OK;
    outcome->weight = sum->weight;
    for (size_t i = 0; i < sum->n_vectors; i++)
        if (strcmp(sum->vectors[i].name, "weight") == 0)
            outcome->weight = fed_ring_get(&sum->vectors[i].ring, 0);
    if (outcome->weight < sum->n ||
        outcome->weight > (uint64_t)sum->n * codec->config.max_weight)
        return fed_fail(err, FED_E_INVALID, "sum: weight %llu is not in %u..%llu",
                        (unsigned long long)outcome->weight, sum->n,
                        (unsigned long long)sum->n * codec->config.max_weight);
    return FED_OK;
}

typedef struct dequantise_job {
    const fed_codec *codec;
    const fed_ring *ring;
    float *out;
    double unit;
    uint32_t n;
} dequantise_job;

/* With `bits` an entry counts levels from the lowest, -(2^bits - 1)/2 steps, so that a sum of
 * n has its zero at n (2^bits - 1)/2; in half steps all of that is whole. */
static void dequantise_tile(void *arg, size_t index, unsigned worker)
{
    (void)worker;
    dequantise_job *job = arg;
    const fed_codec_config *c = &job->codec->config;
    int64_t x[FED_CODEC_TILE];
    size_t first = index * FED_CODEC_TILE, n = job->ring->n - first;
    if (n > FED_CODEC_TILE) n = FED_CODEC_TILE;
    if (c->quantise == FED_CODEC_GRID) {
        fed_ring_centre(job->ring, first, x, n);
    } else {
        int64_t zero = (int64_t)job->n * ((INT64_C(1) << c->bits) - 1);
        fed_ring_read(job->ring, first, x, n);
        for (size_t i = 0; i < n; i++)
            x[i] = 2 * x[i] - zero;
    }
    fed_codec_kernels_active()->dequantise(job->out + first, x, job->unit, n);
}

static fed_status decode_vectors(const fed_codec *codec, const fed_codec_round *round,
                                 const fed_codec_sum *sum, double divisor, float *mean,
                                 const fed_parallel *parallel, fed_error *err)
{
    const fed_ring *values = &sum->vectors[0].ring;
    bool is_grid = codec->config.quantise == FED_CODEC_GRID;
    bool fits =
        is_grid ? values->bits >= codec->value_bits : values->bits == codec->value_bits;
    if (!sum->n_vectors || values->n != round->m || !fits)
        return fed_fail(err, FED_E_INVALID, "sum: %zu values of %u bits, not %zu of %u",
                        values->n, values->bits, round->m, codec->value_bits);
    double step = is_grid ? round->step : round->step / 2;
    float *x = fed_malloc(round->m * sizeof *x);
    if (!x) return fed_fail_nomem(err, round->m * sizeof *x);
    dequantise_job job = {codec, values, x, step / divisor, sum->n};
    fed_parallel_for(parallel, (round->m + FED_CODEC_TILE - 1) / FED_CODEC_TILE,
                     dequantise_tile, &job);
    fed_codec_rotate_back(round, x, parallel);
    memset(mean, 0, codec->config.d * sizeof *mean);
    fed_support_scatter(codec, round, x, mean);
    fed_free(x);
    return FED_OK;
}

fed_status fed_codec_decode(const fed_codec *codec, const fed_codec_round *round,
                            const fed_codec_sum *sum, fed_codec_divisor divisor,
                            float *mean, fed_codec_outcome *outcome,
                            const fed_parallel *parallel, fed_error *err)
{
    FED_TRY(weigh(codec, sum, outcome, err));
    double by = divisor.fixed ? (double)divisor.fixed : (double)outcome->weight;
    if (codec->linear)
        FED_TRY(decode_vectors(codec, round, sum, by, mean, parallel, err));
    else
        fed_codec_kernels_active()->dequantise(mean, sum->exact, round->step / by,
                                               codec->config.d);
    outcome->travelled = fed_codec_travelling(codec, round);
    outcome->mean_norm = fed_codec_norm(mean, codec->config.d, parallel);
    return FED_OK;
}
