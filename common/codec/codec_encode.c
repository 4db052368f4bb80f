/* The device's half, stage by stage; see codec.h for the order. */
#include "codec_encode.h"

#include <math.h>
#include <string.h>

#include "codec_kernels.h"
#include "codec_support.h"
#include "hadamard.h"
#include "residual.h"
#include "rounding.h"
#include "upload.h"
#include "block_votes.h"

void fed_codec_rotate_forward(const fed_codec_round *round, float *x,
                              const fed_parallel *parallel)
{
    if (round->signs) fed_hadamard_forward(x, round->m, round->signs, parallel);
}

void fed_codec_rotate_back(const fed_codec_round *round, float *x,
                           const fed_parallel *parallel)
{
    if (round->signs) fed_hadamard_back(x, round->m, round->signs, parallel);
}

static fed_status check_input(const fed_codec *codec, const fed_codec_input *in,
                              fed_error *err)
{
    const fed_codec_config *c = &codec->config;
    uint32_t most = c->weight == FED_CODEC_EXAMPLES ? c->max_weight : 1;
    if (in->weight < 1 || in->weight > most)
        return fed_fail(err, FED_E_INVALID, "weight: %u is not in 1..%u", in->weight,
                        most);
    if (in->rounder && c->quantise != FED_CODEC_GRID)
        return fed_fail(err, FED_E_INVALID, "rounder: only with the grid quantiser");
    if ((in->residual || in->residual_out) && !c->residual)
        return fed_fail(err, FED_E_INVALID, "residual: the configuration keeps none");
    return FED_OK;
}

/* How many entries are outside [-2^(B-1), 2^(B-1)). */
static uint64_t count_wrapped(const int64_t *x, size_t n, unsigned bits)
{
    uint64_t wrapped = 0;
    for (size_t i = 0; i < n; i++)
        wrapped += ((uint64_t)x[i] + (UINT64_C(1) << (bits - 1))) >> (bits - 1) > 1;
    return wrapped;
}

/* Whole-vector noise, or rounding of the caller's making: reals in steps go out, integers
 * come back. */
static fed_status round_by_caller(const fed_rounding *r, const fed_codec_rounder *rounder,
                                  const char *name, double norm, uint64_t *wrapped,
                                  fed_error *err)
{
    float *reals = fed_memdup(r->x, r->n * sizeof *reals);
    int64_t *integers = fed_malloc(r->n * sizeof *integers);
    fed_status status = FED_OK;
    if (!reals || !integers) {
        status = fed_fail_nomem(err, r->n * (sizeof *reals + sizeof *integers));
        goto out;
    }
    fed_codec_kernels_active()->scale(reals, r->inverse, r->n);
    FED_GO(rounder->round(rounder->ctx, name, reals, r->n, norm, r->key, integers, err));
    *wrapped = count_wrapped(integers, r->n, r->ring->bits);
    fed_ring_put_i64(r->ring, 0, integers, r->n);
out:
    if (reals) fed_wipe_free(reals, r->n * sizeof *reals);
    if (integers) fed_wipe_free(integers, r->n * sizeof *integers);
    return status;
}

fed_status fed_encode_vector(const fed_codec_input *in, const char *name, double norm,
                             const fed_rounding *r, uint64_t *saturated, fed_error *err)
{
    *saturated = 0;
    if (in->rounder) return round_by_caller(r, in->rounder, name, norm, saturated, err);
    return fed_rounding_run(r, saturated, in->parallel, err);
}

static fed_status encode_values(const fed_codec *codec, const fed_codec_round *round,
                                const fed_codec_input *in, float *x, fed_ring *ring,
                                fed_codec_report *report, fed_error *err)
{
    const fed_codec_config *c = &codec->config;
    fed_codec_rotate_forward(round, x, in->parallel);
    fed_rounding r = {.x = x,
                      .n = round->m,
                      .inverse = (float)(1 / round->step),
                      .key = in->key,
                      .stream = FED_ROUNDING_VALUES,
                      .ring = ring};
    if (c->quantise == FED_CODEC_BITS) {
        r.range.half = (float)((UINT32_C(1) << c->bits) - 1) / 2;
        r.range.shift = 0.5f;
        r.offset = INT32_C(1) << (c->bits - 1);
    } else {
        r.range.half =
            ring->bits > 30 ? 0x1p30f : (float)((UINT32_C(1) << (ring->bits - 1)) - 1);
    }
    return fed_encode_vector(in, "values", c->grid, &r, &report->saturated, err);
}

/* Bucket j of the histogram holds norms in clip * 2^((j-16)/2) and up to sqrt(2) times that;
 * the first and the last also hold what lies beyond. */
unsigned fed_norm_bucket(double norm, double clip)
{
    double ratio = norm / clip;
    if (!(ratio > 0)) return 0;
    int exponent;
    (void)frexp(ratio * ratio, &exponent); /* in [2^(exponent-1), 2^exponent) */
    int bucket = exponent - 1 + FED_CODEC_NORM_BUCKETS / 2;
    if (bucket < 0) return 0;
    return bucket >= FED_CODEC_NORM_BUCKETS ? FED_CODEC_NORM_BUCKETS - 1
                                            : (unsigned)bucket;
}

static void put_one(fed_ring *ring, size_t i, int64_t v)
{
    fed_ring_put_i64(ring, i, &v, 1);
}

/* Was the norm within the clip? What is not finite was not. */
static fed_status encode_bit(const fed_codec *codec, const fed_codec_input *in,
                             const fed_codec_report *report, fed_ring *ring,
                             fed_error *err)
{
    uint64_t saturated;
    float unit = (float)codec->config.bit_unit;
    float bit = report->clipped || report->non_finite ? -unit : unit;
    fed_rounding r = {.x = &bit,
                      .n = 1,
                      .inverse = 1,
                      .range = {unit, 0},
                      .key = in->key,
                      .stream = FED_ROUNDING_BIT,
                      .ring = ring};
    return fed_encode_vector(in, "bit", unit, &r, &saturated, err);
}

fed_status fed_codec_make_vectors(const fed_codec *codec, const fed_codec_round *round,
                                  fed_codec_vector *vectors, size_t *n, fed_error *err)
{
    fed_codec_shape shapes[FED_CODEC_VECTORS_MAX];
    size_t count = fed_codec_shapes(codec, round, shapes);
    for (*n = 0; *n < count; ++*n) {
        vectors[*n].name = shapes[*n].name;
        FED_TRY(fed_ring_init(&vectors[*n].ring, shapes[*n].bits, shapes[*n].n, err));
    }
    return FED_OK;
}

fed_ring *fed_codec_vector_named(fed_codec_vector *vectors, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(vectors[i].name, name) == 0) return &vectors[i].ring;
    return NULL;
}

static fed_status encode_vectors(const fed_codec *codec, const fed_codec_round *round,
                                 const fed_codec_input *in, const float *source, float *x,
                                 fed_codec_update *out, fed_error *err)
{
    FED_TRY(fed_codec_make_vectors(codec, round, out->vectors, &out->n_vectors, err));
    fed_codec_vector *v = out->vectors;
    size_t n = out->n_vectors;
    fed_ring *votes = fed_codec_vector_named(v, n, "votes"),
             *bit = fed_codec_vector_named(v, n, "bit"),
             *weight = fed_codec_vector_named(v, n, "weight"),
             *norms = fed_codec_vector_named(v, n, "norms");
    FED_TRY(encode_values(codec, round, in, x, &v[0].ring, &out->report, err));
    if (votes) FED_TRY(fed_votes_encode(codec, round, in, source, votes, err));
    if (bit) FED_TRY(encode_bit(codec, in, &out->report, bit, err));
    if (weight) put_one(weight, 0, in->weight);
    if (norms) put_one(norms, fed_norm_bucket(out->report.norm, round->clip), 1);
    return FED_OK;
}

typedef struct weigh_job {
    const float *from;
    float *to, weight;
    size_t n;
} weigh_job;

static void weigh_tile(void *arg, size_t index, unsigned worker)
{
    (void)worker;
    weigh_job *job = arg;
    size_t first = index * FED_CODEC_TILE, n = job->n - first;
    if (n > FED_CODEC_TILE) n = FED_CODEC_TILE;
    fed_codec_kernels_active()->combine(job->to + first, job->from + first, NULL, 0,
                                        job->weight, n);
}

/* x = weight * (the travelling coordinates of source). */
static void select_and_weigh(const fed_codec *codec, const fed_codec_round *round,
                             const fed_codec_input *in, const float *source, float *x)
{
    weigh_job job = {x, x, (float)in->weight, round->m};
    if (round->support == FED_CODEC_ALL)
        job.from = source;
    else
        fed_support_gather(codec, round, source, x);
    if (in->weight == 1 && round->support != FED_CODEC_ALL) return;
    fed_parallel_for(in->parallel, (round->m + FED_CODEC_TILE - 1) / FED_CODEC_TILE,
                     weigh_tile, &job);
}

fed_status fed_codec_encode(const fed_codec *codec, const fed_codec_round *round,
                            const fed_codec_input *in, fed_codec_update *out,
                            fed_error *err)
{
    *out = (fed_codec_update){0};
    fed_bytes_init(&out->upload, SIZE_MAX / 2);
    FED_TRY(check_input(codec, in, err));
    fed_status status = FED_OK;
    float *own = NULL; /* the corrected update, where the caller has no place for it */
    const float *source = in->delta;
    size_t bytes = fed_codec_travelling(codec, round) * sizeof(float);
    float *x = fed_malloc(bytes);
    if (!x) return fed_fail_nomem(err, bytes);
    FED_GO(fed_residual_correct(codec, in, &own, &source, err));
    if (codec->linear) {
        select_and_weigh(codec, round, in, source, x);
        float factor =
            fed_codec_clip(x, round->m, round->clip, &out->report, in->parallel);
        FED_GO(encode_vectors(codec, round, in, source, x, out, err));
        fed_residual_keep_unsent(codec, round, in, factor, &out->report);
    } else {
        FED_GO(fed_upload_encode(codec, round, in, source, x, out, err));
    }
out:
    fed_wipe_free(x, bytes);
    if (own) fed_wipe_free(own, codec->config.d * sizeof *own);
    if (status) fed_codec_update_fini(out);
    return status;
}

void fed_codec_update_fini(fed_codec_update *update)
{
    for (size_t i = 0; i < FED_CODEC_VECTORS_MAX; i++)
        fed_ring_fini(&update->vectors[i].ring);
    fed_bytes_wipe(&update->upload);
    *update = (fed_codec_update){0};
}
