#include "shamir.h"

#include <string.h>

#include "crypto.h"

enum { BLOCK = 4, COEFFICIENT_BYTES = 12, SECRET_CHUNK = 86 };

/* `count` <= 57 bits from bit `at` on, little-endian; reads at most 8 bytes, inside n. */
static uint64_t take_bits(const uint8_t *data, size_t n, unsigned at, unsigned count)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 8 && at / 8 + i < n; i++)
        v |= (uint64_t)data[at / 8 + i] << (8 * i);
    return v >> (at % 8) & ((UINT64_C(1) << count) - 1);
}

/* Or `count` <= 57 bits into zeroed bytes. */
static void give_bits(uint8_t *data, size_t n, unsigned at, unsigned count, uint64_t v)
{
    v = (v & ((UINT64_C(1) << count) - 1)) << (at % 8);
    for (unsigned i = 0; i < 8 && at / 8 + i < n; i++)
        data[at / 8 + i] |= (uint8_t)(v >> (8 * i));
}

static fed_f89 take_element(const uint8_t *data, size_t n, unsigned at, unsigned bits)
{
    return (fed_f89){take_bits(data, n, at, FED_F89_LOW),
                     take_bits(data, n, at + FED_F89_LOW, bits - FED_F89_LOW)};
}

void fed_shamir_unpack(const uint8_t share[FED_SHAMIR_SHARE],
                       fed_f89 out[FED_SHAMIR_CHUNKS])
{
    for (unsigned c = 0; c < FED_SHAMIR_CHUNKS; c++)
        out[c] = take_element(share, FED_SHAMIR_SHARE, c * FED_F89_BITS, FED_F89_BITS);
}

static void pack_share(const fed_f89 chunks[FED_SHAMIR_CHUNKS],
                       uint8_t share[FED_SHAMIR_SHARE])
{
    memset(share, 0, FED_SHAMIR_SHARE);
    for (unsigned c = 0; c < FED_SHAMIR_CHUNKS; c++) {
        unsigned at = c * FED_F89_BITS;
        give_bits(share, FED_SHAMIR_SHARE, at, FED_F89_LOW, chunks[c].low);
        give_bits(share, FED_SHAMIR_SHARE, at + FED_F89_LOW, FED_F89_HIGH,
                  chunks[c].high);
    }
}

static unsigned secret_bits(unsigned chunk)
{
    return chunk + 1 < FED_SHAMIR_CHUNKS ? SECRET_CHUNK : 256 - 2 * SECRET_CHUNK;
}

static void split_secret(const uint8_t secret[FED_SHAMIR_SECRET],
                         fed_f89 out[FED_SHAMIR_CHUNKS])
{
    for (unsigned c = 0; c < FED_SHAMIR_CHUNKS; c++)
        out[c] =
            take_element(secret, FED_SHAMIR_SECRET, c * SECRET_CHUNK, secret_bits(c));
}

bool fed_shamir_join(const fed_f89 chunks[FED_SHAMIR_CHUNKS],
                     uint8_t secret[FED_SHAMIR_SECRET])
{
    uint64_t over = 0;
    memset(secret, 0, FED_SHAMIR_SECRET);
    for (unsigned c = 0; c < FED_SHAMIR_CHUNKS; c++) {
        unsigned at = c * SECRET_CHUNK, high = secret_bits(c) - FED_F89_LOW;
        give_bits(secret, FED_SHAMIR_SECRET, at, FED_F89_LOW, chunks[c].low);
        give_bits(secret, FED_SHAMIR_SECRET, at + FED_F89_LOW, high, chunks[c].high);
        over |= chunks[c].high >> high;
    }
    return over == 0;
}

bool fed_shamir_share_is_canonical(const uint8_t share[FED_SHAMIR_SHARE])
{
    fed_f89 chunks[FED_SHAMIR_CHUNKS];
    fed_shamir_unpack(share, chunks);
    uint64_t bad = share[FED_SHAMIR_SHARE - 1] >> 3; /* 267 bits of 272 */
    for (unsigned c = 0; c < FED_SHAMIR_CHUNKS; c++) {
        fed_f89 r = fed_f89_reduce(chunks[c]);
        bad |= (r.low ^ chunks[c].low) | (r.high ^ chunks[c].high);
    }
    fed_wipe(chunks, sizeof chunks);
    return bad == 0;
}

/* ---- Sharing ------------------------------------------------------------------------ */

/* Horner's rule for one chunk at BLOCK points at once: the chains are independent, which
 * keeps the multiplier busy. `coefficients` has a stride of FED_SHAMIR_CHUNKS. */
static void evaluate(const fed_f89 *coefficients, uint32_t t,
                     const uint32_t points[BLOCK], fed_f89 out[BLOCK])
{
    fed_f89 a[BLOCK];
    const fed_f89 *c = coefficients + (size_t)(t - 1) * FED_SHAMIR_CHUNKS;
    for (int i = 0; i < BLOCK; i++)
        a[i] = *c;
    while (c != coefficients) {
        c -= FED_SHAMIR_CHUNKS;
        for (int i = 0; i < BLOCK; i++)
            a[i] = fed_f89_step(a[i], points[i], *c);
    }
    for (int i = 0; i < BLOCK; i++)
        out[i] = fed_f89_reduce(a[i]);
    fed_wipe(a, sizeof a);
}

static void share_block(const fed_f89 *coefficients, uint32_t t, const uint32_t *points,
                        uint32_t n, uint8_t *shares)
{
    uint32_t at[BLOCK];
    fed_f89 values[FED_SHAMIR_CHUNKS][BLOCK], one[FED_SHAMIR_CHUNKS];
    for (uint32_t i = 0; i < BLOCK; i++)
        at[i] = points[i < n ? i : 0];
    for (int c = 0; c < FED_SHAMIR_CHUNKS; c++)
        evaluate(coefficients + c, t, at, values[c]);
    for (uint32_t i = 0; i < n; i++) {
        for (int c = 0; c < FED_SHAMIR_CHUNKS; c++)
            one[c] = values[c][i];
        pack_share(one, shares + (size_t)i * FED_SHAMIR_SHARE);
    }
    fed_wipe(values, sizeof values);
    fed_wipe(one, sizeof one);
}

/* Uniform but for 2^-89: 89 bits of 96, where 2^89 - 1 counts as 0. */
static fed_status draw_coefficients(const uint8_t key[32], fed_f89 *out, size_t n,
                                    fed_error *err)
{
    uint8_t raw[COEFFICIENT_BYTES];
    fed_keystream *stream = NULL;
    fed_status status;
    FED_GO(fed_keystream_new(&stream, FED_KEYSTREAM_AES256_CTR, err));
    FED_GO(fed_keystream_start(stream, key, NULL, err));
    for (size_t i = 0; i < n; i++) {
        FED_GO(fed_keystream_fill(stream, raw, sizeof raw, err));
        out[i] = fed_f89_reduce(take_element(raw, sizeof raw, 0, FED_F89_BITS));
    }
out:
    fed_wipe(raw, sizeof raw);
    fed_keystream_free(stream);
    return status;
}

static fed_status check_sharing(uint32_t t, const uint32_t *points, uint32_t n,
                                fed_error *err)
{
    if (t < 1 || t > n)
        return fed_fail(err, FED_E_INVALID, "Shamir: threshold %u of %u shares", t, n);
    for (uint32_t i = 0; i < n; i++)
        if (points[i] < 1 || points[i] > FED_SHAMIR_POINT_MAX)
            return fed_fail(err, FED_E_INVALID, "Shamir: point %u, allowed are 1 to %d",
                            points[i], FED_SHAMIR_POINT_MAX);
    return FED_OK;
}

fed_status fed_shamir_share(const uint8_t secret[FED_SHAMIR_SECRET],
                            const uint8_t key[32], uint32_t t, const uint32_t *points,
                            uint32_t n, uint8_t *shares, fed_error *err)
{
    FED_TRY(check_sharing(t, points, n, err));
    size_t count = (size_t)t * FED_SHAMIR_CHUNKS;
    fed_f89 *coefficients = fed_calloc(count, sizeof *coefficients);
    if (!coefficients) return fed_fail_nomem(err, count * sizeof *coefficients);
    split_secret(secret, coefficients);
    fed_status status = draw_coefficients(key, coefficients + FED_SHAMIR_CHUNKS,
                                          count - FED_SHAMIR_CHUNKS, err);
    for (uint32_t i = 0; !status && i < n; i += BLOCK)
        share_block(coefficients, t, points + i, n - i < BLOCK ? n - i : BLOCK,
                    shares + (size_t)i * FED_SHAMIR_SHARE);
    fed_wipe_free(coefficients, count * sizeof *coefficients);
    return status;
}

/* ---- Restoring ---------------------------------------------------------------------- */

void fed_shamir_weights_init(fed_shamir_weights *w)
{
    memset(w, 0, sizeof *w);
}

void fed_shamir_weights_fini(fed_shamir_weights *w)
{
    fed_free(w->points);
    fed_free(w->weights);
    fed_shamir_weights_init(w);
}

static bool is_same_set(const fed_shamir_weights *w, const uint32_t *points, uint32_t t)
{
    return w->t == t && memcmp(w->points, points, t * sizeof *points) == 0;
}

static fed_status check_points(const uint32_t *points, uint32_t t, fed_error *err)
{
    for (uint32_t i = 0; i < t; i++)
        if (points[i] <= (i ? points[i - 1] : 0) || points[i] > FED_SHAMIR_POINT_MAX)
            return fed_fail(err, FED_E_INVALID,
                            "Shamir: point %u is not in ascending order from 1 to %d",
                            points[i], FED_SHAMIR_POINT_MAX);
    return t ? FED_OK : fed_fail(err, FED_E_INVALID, "Shamir: no points");
}

/* x_i times the distances to the BLOCK points' fellows; the sign is known from the order. */
static void distances(const uint32_t *points, uint32_t t, uint32_t from, fed_f89 *out)
{
    const fed_f89 zero = {0, 0};
    fed_f89 product[BLOCK];
    uint64_t own[BLOCK];
    for (uint32_t i = 0; i < BLOCK; i++) {
        own[i] = points[from + i < t ? from + i : t - 1];
        product[i] = (fed_f89){own[i], 0};
    }
    for (uint32_t j = 0; j < t; j++)
        for (uint32_t i = 0; i < BLOCK; i++) {
            uint64_t gap = points[j] > own[i] ? points[j] - own[i] : own[i] - points[j];
            product[i] = fed_f89_step(product[i], gap ? gap : 1, zero);
        }
    for (uint32_t i = 0; i < BLOCK && from + i < t; i++)
        out[from + i] = fed_f89_reduce(product[i]);
}

/* The Lagrange coefficients at 0: prod_{j != i} x_j / (x_j - x_i). */
static void compute_weights(fed_shamir_weights *w)
{
    const fed_f89 zero = {0, 0};
    fed_f89 all = {1, 0};
    for (uint32_t i = 0; i < w->t; i++)
        all = fed_f89_step(all, w->points[i], zero);
    all = fed_f89_reduce(all);
    for (uint32_t i = 0; i < w->t; i += BLOCK)
        distances(w->points, w->t, i, w->weights);
    fed_f89_invert_all(w->weights, w->weights + w->t, w->t);
    for (uint32_t i = 0; i < w->t; i++) {
        fed_f89 v = fed_f89_mul(all, w->weights[i]);
        w->weights[i] = i % 2 ? fed_f89_sub(zero, v) : v; /* i points lie below x_i */
    }
}

fed_status fed_shamir_weights_set(fed_shamir_weights *w, const uint32_t *points,
                                  uint32_t t, fed_error *err)
{
    if (w->t && is_same_set(w, points, t)) return FED_OK;
    FED_TRY(check_points(points, t, err));
    fed_shamir_weights_fini(w);
    w->points = fed_memdup(points, t * sizeof *points);
    w->weights = fed_calloc(2 * (size_t)t, sizeof *w->weights);
    if (!w->points || !w->weights) {
        fed_shamir_weights_fini(w);
        return fed_fail_nomem(err, 2 * (size_t)t * sizeof *w->weights);
    }
    w->t = t;
    compute_weights(w);
    return FED_OK;
}

fed_status fed_shamir_recover(const fed_shamir_weights *w, const uint8_t *const *shares,
                              uint8_t secret[FED_SHAMIR_SECRET], fed_error *err)
{
    fed_f89 sum[FED_SHAMIR_CHUNKS] = {{0, 0}}, chunks[FED_SHAMIR_CHUNKS];
    for (uint32_t i = 0; i < w->t; i++) {
        fed_shamir_unpack(shares[i], chunks);
        for (int c = 0; c < FED_SHAMIR_CHUNKS; c++)
            sum[c] = fed_f89_add(sum[c], fed_f89_mul(w->weights[i], chunks[c]));
    }
    bool fits = fed_shamir_join(sum, secret);
    fed_wipe(sum, sizeof sum);
    fed_wipe(chunks, sizeof chunks);
    if (fits) return FED_OK;
    fed_wipe(secret, FED_SHAMIR_SECRET);
    return fed_fail(err, FED_E_FORMAT, "Shamir: %u shares give no secret", w->t);
}
