/*
 * The server's side of byte uploads. It sees each update, so it checks what it can: exactly k
 * ascending indices below d, a weight within bounds, a norm that clipping would have allowed.
 * Nothing is added before everything has been checked.
 */
#include <math.h>
#include <string.h>

#include "codec_support.h"
#include "golomb.h"
#include "upload.h"
#include "upload_values.h"

unsigned fed_upload_value_bits(const fed_codec *codec)
{
    switch (codec->config.quantise) {
    case FED_CODEC_SIGN:
        return 1;
    case FED_CODEC_FLOAT32:
        return 32;
    default:
        return codec->config.bits;
    }
}

int32_t fed_upload_integer_max(const fed_codec *codec)
{
    if (codec->config.quantise == FED_CODEC_SIGN) return 1;
    return (INT32_C(1) << (codec->config.bits - 1)) - 1;
}

size_t fed_codec_upload_bytes(const fed_codec *codec, const fed_codec_round *round)
{
    size_t total = 0;
    if (codec->linear) {
        fed_codec_shape shapes[FED_CODEC_VECTORS_MAX];
        size_t n = fed_codec_shapes(codec, round, shapes);
        for (size_t i = 0; i < n; i++)
            total += fed_ring_packed_bytes(shapes[i].bits, shapes[i].n);
        return total;
    }
    size_t k = fed_codec_travelling(codec, round);
    if (codec->config.select == FED_CODEC_TOP_K)
        total += 4 + fed_golomb_bytes_max(k, codec->config.d);
    return total + FED_UPLOAD_HEAD +
           fed_ring_packed_bytes(fed_upload_value_bits(codec), k);
}

typedef struct head {
    uint8_t bucket;
    uint32_t weight;
    uint64_t scale;
} head;

static fed_status read_head(const fed_codec *codec, fed_reader *r, head *h,
                            fed_error *err)
{
    const fed_codec_config *c = &codec->config;
    uint8_t format = fed_reader_u8(r);
    h->bucket = fed_reader_u8(r);
    h->weight = fed_reader_u32(r);
    h->scale = fed_reader_u64(r);
    uint32_t most = c->weight == FED_CODEC_EXAMPLES ? c->max_weight : 1;
    if (r->failed || format != FED_UPLOAD_FORMAT)
        return fed_fail(err, FED_E_FORMAT, "upload: cut short, or format %u is not %d",
                        format, FED_UPLOAD_FORMAT);
    if (h->bucket >= (codec->norm_bits ? FED_CODEC_NORM_BUCKETS : 1))
        return fed_fail(err, FED_E_FORMAT, "upload.norm: bucket %u is out of range",
                        h->bucket);
    if (h->weight < 1 || h->weight > most)
        return fed_fail(err, FED_E_FORMAT, "upload.weight: %u is not in 1..%u", h->weight,
                        most);
    /* The clip itself, and what rounding to float32 may add to it. */
    uint64_t most_units = (UINT64_C(1) << FED_CODEC_EXACT_BITS) + (UINT64_C(1) << 20);
    uint64_t bound = most_units / (uint64_t)fed_upload_integer_max(codec) + 1;
    if (c->quantise == FED_CODEC_FLOAT32) bound = 0;
    if (h->scale > bound)
        return fed_fail(err, FED_E_FORMAT, "upload.scale: %llu is not in 0..%llu",
                        (unsigned long long)h->scale, (unsigned long long)bound);
    return FED_OK;
}

static fed_status read_indices(const fed_codec *codec, const fed_codec_round *round,
                               fed_reader *r, uint32_t *indices, size_t k, fed_error *err)
{
    if (codec->config.select != FED_CODEC_TOP_K) {
        fed_support_indices(codec, round, indices);
        return FED_OK;
    }
    fed_span code = fed_reader_block(r, fed_golomb_bytes_max(k, codec->config.d));
    if (r->failed)
        return fed_fail(err, FED_E_FORMAT, "upload.indices: cut short or too long");
    return fed_golomb_decode(code, k, codec->config.d, indices, err);
}

/* Integers q of all values; the sum of their squares. */
static fed_status read_integers(const fed_codec *codec, fed_span packed, int64_t *q,
                                size_t k, double *energy, fed_error *err)
{
    fed_ring ring;
    FED_TRY(fed_ring_init(&ring, fed_upload_value_bits(codec), k, err));
    fed_status status = fed_ring_unpack(&ring, packed, err);
    if (!status) {
        int64_t most = fed_upload_integer_max(codec), squares = 0;
        fed_ring_centre(&ring, 0, q, k);
        for (size_t i = 0; i < k && !status; i++) {
            if (codec->config.quantise == FED_CODEC_SIGN) q[i] = q[i] ? 1 : -1;
            if (q[i] < -most)
                status =
                    fed_fail(err, FED_E_FORMAT, "upload.values[%zu]: %lld is below %lld",
                             i, (long long)q[i], (long long)-most);
            squares += q[i] * q[i];
        }
        *energy = (double)squares;
    }
    fed_ring_fini(&ring);
    return status;
}

/* float32 values as exact integers in the round's unit, which is clip * 2^-40. */
static fed_status read_floats(const fed_codec_round *round, fed_span bytes, int64_t *q,
                              size_t k, double *energy, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, bytes.data, bytes.len);
    *energy = 0;
    for (size_t i = 0; i < k; i++) {
        double v = (double)fed_reader_f32(&r) / round->step;
        if (!(fabs(v) <= ldexp(1.001, FED_CODEC_EXACT_BITS)))
            return fed_fail(err, FED_E_FORMAT,
                            "upload.values[%zu]: beyond the clip of %g", i, round->clip);
        q[i] = (int64_t)floor(v + 0.5);
        *energy += v * v;
    }
    return FED_OK;
}

/* What rounding to nearest may add to a clipped norm is half a step per value. */
static fed_status check_norm(const fed_codec *codec, double energy, uint64_t scale,
                             size_t k, fed_error *err)
{
    double one = ldexp(1, FED_CODEC_EXACT_BITS), limit = one * (1 + 1e-6),
           norm = sqrt(energy);
    if (codec->config.quantise != FED_CODEC_FLOAT32) {
        norm *= (double)scale;
        limit += 0.5 * (double)scale * sqrt((double)k);
    }
    if (norm <= limit) return FED_OK;
    return fed_fail(err, FED_E_FORMAT, "upload: its norm is %g times the clip",
                    norm / one);
}

static fed_status read_values(const fed_codec *codec, const fed_codec_round *round,
                              fed_reader *r, uint64_t *scale, int64_t *q, size_t k,
                              fed_error *err)
{
    double energy;
    fed_span rest = fed_reader_take(r, fed_reader_left(r));
    size_t want = fed_ring_packed_bytes(fed_upload_value_bits(codec), k);
    if (rest.len != want)
        return fed_fail(err, FED_E_FORMAT, "upload.values: %zu bytes, not %zu", rest.len,
                        want);
    bool floats = codec->config.quantise == FED_CODEC_FLOAT32;
    FED_TRY(floats ? read_floats(round, rest, q, k, &energy, err)
                   : read_integers(codec, rest, q, k, &energy, err));
    FED_TRY(check_norm(codec, energy, *scale, k, err));
    if (floats) *scale = 1;
    return FED_OK;
}

fed_status fed_upload_add(const fed_codec *codec, const fed_codec_round *round,
                          fed_codec_sum *sum, fed_span upload, fed_error *err)
{
    fed_status status = FED_OK;
    head h;
    fed_reader r;
    size_t k = fed_codec_travelling(codec, round);
    uint32_t *indices = fed_malloc(k * sizeof *indices);
    int64_t *q = fed_malloc(k * sizeof *q);
    if (!indices || !q) {
        status = fed_fail_nomem(err, k * (sizeof *indices + sizeof *q));
        goto out;
    }
    fed_reader_init(&r, upload.data, upload.len);
    FED_GO(read_head(codec, &r, &h, err));
    FED_GO(read_indices(codec, round, &r, indices, k, err));
    FED_GO(read_values(codec, round, &r, &h.scale, q, k, err));
    for (size_t i = 0; i < k; i++)
        sum->exact[indices[i]] += q[i] * (int64_t)h.scale;
    sum->weight += h.weight;
    if (codec->norm_bits) sum->norms[h.bucket]++;
out:
    fed_free(indices);
    fed_free(q);
    return status;
}
