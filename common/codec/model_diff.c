/*
 * The bytes, little-endian: "FMD1"  u32 d  u8 bits  one bit per chunk (does it change?)
 * one f32 step per chunk that does  their coordinates, packed two's complement.
 */
#include "model_diff.h"

#include <math.h>
#include <string.h>

#include "ring.h"

enum { CHUNK = FED_MODEL_DIFF_CHUNK };

static const char magic[4] = {'F', 'M', 'D', '1'};

static size_t chunk_length(size_t d, size_t chunk)
{
    size_t left = d - chunk * CHUNK;
    return left < CHUNK ? left : CHUNK;
}

/* What a chunk becomes. The one place that decides the bits of a published model. */
static void add_chunk(float *model, const int32_t *q, float step, size_t n)
{
    for (size_t i = 0; i < n; i++)
        model[i] += (float)q[i] * step;
}

/* The step of a chunk of wanted differences, 0 when nothing is to change. */
static float step_for(const float *wanted, size_t n, int32_t most)
{
    float largest = 0;
    for (size_t i = 0; i < n; i++)
        if (fabsf(wanted[i]) > largest) largest = fabsf(wanted[i]);
    float step = largest / (float)most;
    return step >= 1e-37f ? step : 0; /* below that its inverse would not be finite */
}

static void round_chunk(const float *wanted, float step, int32_t most, int32_t *q,
                        size_t n)
{
    float inverse = 1 / step;
    for (size_t i = 0; i < n; i++) {
        float v = floorf(wanted[i] * inverse + 0.5f);
        q[i] = v > (float)most ? most : v < (float)-most ? -most : (int32_t)v;
    }
}

/* Chunks of a difference while it is made. */
typedef struct diff_writer {
    fed_ring values; /* of the chunks that change, one behind the other */
    uint8_t *changes;
    float *steps;
    size_t n_chunks, n_changes, n_values;
} diff_writer;

static fed_status writer_init(diff_writer *w, size_t d, unsigned bits, fed_error *err)
{
    *w = (diff_writer){.n_chunks = (d + CHUNK - 1) / CHUNK};
    w->changes = fed_calloc((w->n_chunks + 7) / 8, 1);
    w->steps = fed_malloc(w->n_chunks * sizeof *w->steps);
    if (!w->changes || !w->steps) return fed_fail_nomem(err, 5 * w->n_chunks);
    return fed_ring_init(&w->values, bits, d, err);
}

static void writer_fini(diff_writer *w)
{
    fed_ring_fini(&w->values);
    fed_free(w->steps);
    fed_free(w->changes);
}

/* Publish one chunk: model, error and the writer's lists move on. */
static void publish_chunk(diff_writer *w, size_t chunk, float *model, const float *target,
                          float *error, size_t n, unsigned bits)
{
    float wanted[CHUNK], before[CHUNK];
    int32_t q[CHUNK], most = (INT32_C(1) << (bits - 1)) - 1;
    for (size_t i = 0; i < n; i++)
        wanted[i] = target[i] - model[i] + (error ? error[i] : 0);
    float step = step_for(wanted, n, most);
    if (step > 0) {
        memcpy(before, model, n * sizeof *model);
        round_chunk(wanted, step, most, q, n);
        add_chunk(model, q, step, n);
        for (size_t i = 0; i < n; i++)
            wanted[i] -= model[i] - before[i];
        w->changes[chunk / 8] |= (uint8_t)(1u << chunk % 8);
        w->steps[w->n_changes++] = step;
        fed_ring_put_i32(&w->values, w->n_values, q, n);
        w->n_values += n;
    }
    if (error) memcpy(error, wanted, n * sizeof *error);
}

static fed_status write_diff(diff_writer *w, size_t d, unsigned bits, fed_bytes *out,
                             fed_error *err)
{
    fed_bytes_put(out, magic, sizeof magic);
    fed_bytes_put_u32(out, (uint32_t)d);
    fed_bytes_put_u8(out, (uint8_t)bits);
    fed_bytes_put(out, w->changes, (w->n_chunks + 7) / 8);
    for (size_t i = 0; i < w->n_changes; i++)
        fed_bytes_put_f32(out, w->steps[i]);
    fed_ring changed = {bits, w->n_values, w->values.lanes};
    uint8_t *to = fed_bytes_extend(out, fed_ring_packed_bytes(bits, w->n_values));
    if (to) fed_ring_pack(&changed, to);
    return out->status ? fed_fail(err, out->status, "model difference: no room for it")
                       : FED_OK;
}

/* Sums that could overflow to infinity are refused as well. */
static fed_status check_finite(const float *model, const float *target,
                               const float *error, size_t d, fed_error *err)
{
    for (size_t i = 0; i < d; i++) {
        float wanted = target[i] - model[i] + (error ? error[i] : 0);
        if (!(fabsf(wanted) <= 1e30f && fabsf(model[i]) <= 1e30f))
            return fed_fail(err, FED_E_NUMERIC,
                            "model difference: coordinate %zu is %g, toward %g", i,
                            (double)model[i], (double)target[i]);
    }
    return FED_OK;
}

fed_status fed_model_diff_publish(float *model, const float *target, float *error,
                                  size_t d, unsigned bits, fed_bytes *out, fed_error *err)
{
    if (bits < 2 || bits > FED_MODEL_DIFF_BITS_MAX || !d || d > INT32_MAX)
        return fed_fail(err, FED_E_INVALID,
                        "model difference: %u bits (2..16) of %zu coordinates", bits, d);
    FED_TRY(check_finite(model, target, error, d, err));
    diff_writer w;
    fed_status status = writer_init(&w, d, bits, err);
    /* The most it can become; with that in hand nothing can fail after the model changed. */
    size_t bytes =
        9 + (w.n_chunks + 7) / 8 + 4 * w.n_chunks + fed_ring_packed_bytes(bits, d);
    if (!status && fed_bytes_reserve(out, bytes))
        status =
            fed_fail(err, out->status, "model difference: no room for %zu bytes", bytes);
    if (!status) {
        for (size_t c = 0; c < w.n_chunks; c++)
            publish_chunk(&w, c, model + c * CHUNK, target + c * CHUNK,
                          error ? error + c * CHUNK : NULL, chunk_length(d, c), bits);
        status = write_diff(&w, d, bits, out, err);
    }
    writer_fini(&w);
    return status;
}

/* A parsed difference. */
typedef struct diff_reader {
    const uint8_t *changes;
    const uint8_t *steps;
    fed_ring values;
} diff_reader;

static fed_status count_changes(const uint8_t *changes, size_t d, size_t *n_changes,
                                size_t *n_values, fed_error *err)
{
    size_t chunks = (d + CHUNK - 1) / CHUNK;
    *n_changes = 0, *n_values = 0;
    for (size_t c = 0; c < (chunks + 7) / 8 * 8; c++) {
        if (!(changes[c / 8] >> c % 8 & 1)) continue;
        if (c >= chunks)
            return fed_fail(err, FED_E_FORMAT, "model difference: chunk %zu of %zu", c,
                            chunks);
        ++*n_changes;
        *n_values += chunk_length(d, c);
    }
    return FED_OK;
}

static fed_status parse_diff(diff_reader *p, size_t d, fed_span diff, fed_error *err)
{
    fed_reader r;
    char head[sizeof magic];
    size_t n_changes, n_values;
    *p = (diff_reader){0};
    fed_reader_init(&r, diff.data, diff.len);
    fed_reader_copy(&r, head, sizeof head);
    uint32_t length = fed_reader_u32(&r);
    uint8_t bits = fed_reader_u8(&r);
    p->changes = fed_reader_take(&r, ((d + CHUNK - 1) / CHUNK + 7) / 8).data;
    if (r.failed || memcmp(head, magic, sizeof magic) != 0)
        return fed_fail(err, FED_E_FORMAT, "model difference: cut short, or not FMD1");
    if (length != d)
        return fed_fail(err, FED_E_FORMAT, "model difference: of %u coordinates, not %zu",
                        length, d);
    if (bits < 2 || bits > FED_MODEL_DIFF_BITS_MAX)
        return fed_fail(err, FED_E_FORMAT, "model difference: %u bits are not in 2..16",
                        bits);
    FED_TRY(count_changes(p->changes, d, &n_changes, &n_values, err));
    p->steps = fed_reader_take(&r, 4 * n_changes).data;
    if (r.failed)
        return fed_fail(err, FED_E_FORMAT, "model difference: its steps are cut short");
    FED_TRY(fed_ring_init(&p->values, bits, n_values, err));
    return fed_ring_unpack(&p->values, fed_reader_take(&r, fed_reader_left(&r)), err);
}

static bool chunk_is_sound(const float *model, const int32_t *q, float step, int32_t most,
                           size_t n)
{
    bool sound = step >= 1e-37f && step <= 1e31f;
    for (size_t i = 0; sound && i < n; i++)
        sound = q[i] >= -most && isfinite(model[i] + (float)q[i] * step);
    return sound;
}

/* One pass over the chunks that change: check them, or write them. */
static fed_status each_chunk(const diff_reader *p, float *model, size_t d, bool write,
                             fed_error *err)
{
    int64_t wide[CHUNK];
    int32_t q[CHUNK], most = (INT32_C(1) << (p->values.bits - 1)) - 1;
    size_t change = 0, at = 0;
    for (size_t c = 0; c * CHUNK < d; c++) {
        if (!(p->changes[c / 8] >> c % 8 & 1)) continue;
        size_t n = chunk_length(d, c);
        uint32_t bits = fed_load_u32(p->steps + 4 * change++);
        float step;
        memcpy(&step, &bits, sizeof step);
        fed_ring_centre(&p->values, at, wide, n);
        for (size_t i = 0; i < n; i++)
            q[i] = (int32_t)wide[i];
        at += n;
        if (write)
            add_chunk(model + c * CHUNK, q, step, n);
        else if (!chunk_is_sound(model + c * CHUNK, q, step, most, n))
            return fed_fail(
                err, FED_E_FORMAT,
                "model difference: chunk %zu has step %g or values out of range", c,
                (double)step);
    }
    return FED_OK;
}

fed_status fed_model_diff_apply(float *model, size_t d, fed_span diff, fed_error *err)
{
    if (!d || d > INT32_MAX)
        return fed_fail(err, FED_E_INVALID, "model difference: %zu coordinates", d);
    diff_reader p;
    fed_status status = parse_diff(&p, d, diff, err);
    if (!status) status = each_chunk(&p, model, d, false, err);
    if (!status) status = each_chunk(&p, model, d, true, err);
    fed_ring_fini(&p.values);
    return status;
}
