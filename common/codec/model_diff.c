/*
 * The bytes, little-endian: "FMD1"  u32 d  u8 planes (0..4)  planes × d bytes.
 *
 * The whole numbers are folded (0, -1, 1, -2, …, as 0, 1, 2, 3, …), and plane p holds byte p
 * of each, so that what is nearly always zero stands together: an entropy coder for bytes
 * comes close to what the numbers are worth.
 */
#include "model_diff.h"

#include <math.h>
#include <string.h>

static const char magic[4] = {'F', 'M', 'D', '1'};

enum { PLANES_MAX = 4, HEAD = sizeof magic + 4 + 1 };

/* Beyond 2^24 steps the values of a float32 lie further apart than the grid's. */
#define STEPS_MAX 16777216.0

void fed_model_grid_round(float *values, float *carry, size_t n, unsigned fraction_bits)
{
    double scale = ldexp(1, (int)fraction_bits), step = ldexp(1, -(int)fraction_bits);
    for (size_t i = 0; i < n; i++) {
        double exact = (double)values[i] + (carry ? (double)carry[i] : 0);
        double steps = floor(exact * scale + 0.5);
        bool fits = fabs(steps) <= STEPS_MAX; /* false for a NaN */
        values[i] = (float)(fits ? steps * step : exact);
        if (carry) carry[i] = fits ? (float)(exact - (double)values[i]) : 0;
    }
}

void fed_model_grid_nudge(float *values, float *carry, size_t n, unsigned fraction_bits)
{
    float step = ldexpf(1, -(int)fraction_bits);
    size_t most = 0;
    for (size_t i = 1; i < n; i++)
        if (fabsf(carry[i]) > fabsf(carry[most])) most = i;
    if (!n || carry[most] == 0) return;
    float by = copysignf(step, carry[most]);
    values[most] += by;
    carry[most] -= by;
}

/* What a weight becomes: the one place that decides the bits of a rebuilt model. */
static float move(float from, int32_t steps, float step)
{
    return from + (float)steps * step;
}

static uint32_t fold(int32_t v)
{
    return v < 0 ? ~((uint32_t)v << 1) : (uint32_t)v << 1;
}

static int32_t unfold(uint32_t u)
{
    int32_t half = (int32_t)(u >> 1);
    return u & 1 ? -half - 1 : half;
}

static bool same_bits(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* The whole numbers, folded; false when they do not lead from one to the other exactly. */
static bool find_steps(const float *from, const float *to, size_t d,
                       unsigned fraction_bits, uint32_t *folded, uint32_t *all)
{
    double scale = ldexp(1, (int)fraction_bits);
    float step = ldexpf(1, -(int)fraction_bits);
    *all = 0;
    for (size_t i = 0; i < d; i++) {
        double steps = ((double)to[i] - (double)from[i]) * scale;
        if (!(fabs(steps) <= INT32_MAX)) return false;
        int32_t whole = (int32_t)steps;
        if (!same_bits(move(from[i], whole, step), to[i])) return false;
        folded[i] = fold(whole);
        *all |= folded[i];
    }
    return true;
}

static unsigned planes_for(uint32_t all)
{
    unsigned planes = 0;
    for (; all; all >>= 8)
        planes++;
    return planes;
}

static fed_status put_planes(const uint32_t *folded, size_t d, unsigned planes,
                             fed_bytes *out, fed_error *err)
{
    uint8_t *to = fed_bytes_extend(out, HEAD + planes * d);
    if (!to)
        return fed_fail(err, out->status, "model difference: no room for %zu bytes",
                        HEAD + planes * d);
    memcpy(to, magic, sizeof magic);
    fed_store_u32(to + sizeof magic, (uint32_t)d);
    to[HEAD - 1] = (uint8_t)planes;
    to += HEAD;
    for (unsigned p = 0; p < planes; p++)
        for (size_t i = 0; i < d; i++)
            *to++ = (uint8_t)(folded[i] >> 8 * p);
    return FED_OK;
}

fed_status fed_model_diff_encode(const float *from, const float *to, size_t d,
                                 unsigned fraction_bits, fed_bytes *out, fed_error *err)
{
    uint32_t all;
    if (!d || d > INT32_MAX)
        return fed_fail(err, FED_E_INVALID, "model difference: of %zu weights", d);
    uint32_t *folded = fed_malloc(d * sizeof *folded);
    if (!folded) return fed_fail_nomem(err, d * sizeof *folded);
    fed_status status;
    if (find_steps(from, to, d, fraction_bits, folded, &all))
        status = put_planes(folded, d, planes_for(all), out, err);
    else
        status = fed_fail(err, FED_E_NUMERIC,
                          "model difference: the weights are not multiples of 2^-%u, or "
                          "too large for that",
                          fraction_bits);
    fed_free(folded);
    return status;
}

/* A parsed difference. */
typedef struct diff_planes {
    const uint8_t *bytes;
    unsigned n;
} diff_planes;

static fed_status parse_diff(diff_planes *p, size_t d, fed_span diff, fed_error *err)
{
    fed_reader r;
    char head[sizeof magic];
    fed_reader_init(&r, diff.data, diff.len);
    fed_reader_copy(&r, head, sizeof head);
    uint32_t length = fed_reader_u32(&r);
    p->n = fed_reader_u8(&r);
    if (r.failed || memcmp(head, magic, sizeof magic) != 0)
        return fed_fail(err, FED_E_FORMAT, "model difference: cut short, or not FMD1");
    if (length != d)
        return fed_fail(err, FED_E_FORMAT, "model difference: of %u weights, not %zu",
                        length, d);
    if (p->n > PLANES_MAX)
        return fed_fail(err, FED_E_FORMAT, "model difference: %u planes, at most %d",
                        p->n, PLANES_MAX);
    if (fed_reader_left(&r) != p->n * d)
        return fed_fail(err, FED_E_FORMAT,
                        "model difference: %zu bytes do not hold %u planes of %zu",
                        fed_reader_left(&r), p->n, d);
    p->bytes = fed_reader_take(&r, p->n * d).data;
    return FED_OK;
}

static int32_t steps_at(const diff_planes *p, size_t d, size_t i)
{
    uint32_t folded = 0;
    for (unsigned k = 0; k < p->n; k++)
        folded |= (uint32_t)p->bytes[k * d + i] << 8 * k;
    return unfold(folded);
}

fed_status fed_model_diff_apply(float *model, size_t d, unsigned fraction_bits,
                                fed_span diff, fed_error *err)
{
    diff_planes p = {0};
    float step = ldexpf(1, -(int)fraction_bits);
    if (!d || d > INT32_MAX)
        return fed_fail(err, FED_E_INVALID, "model difference: of %zu weights", d);
    FED_TRY(parse_diff(&p, d, diff, err));
    for (size_t i = 0; i < d; i++)
        if (!isfinite(move(model[i], steps_at(&p, d, i), step)))
            return fed_fail(err, FED_E_FORMAT,
                            "model difference: weight %zu would not be finite", i);
    for (size_t i = 0; p.n && i < d; i++)
        model[i] = move(model[i], steps_at(&p, d, i), step);
    return FED_OK;
}

size_t fed_model_diff_bytes_max(size_t d)
{
    return HEAD + PLANES_MAX * d;
}
