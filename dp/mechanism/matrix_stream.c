/*
 * Correlated integer noise, round by round. Toeplitz: z_t is a discrete Gaussian in units of
 * 1/G, the coefficients are multiples of 1/G, so z_t - sum_j c_j e_(t-j) is an exact integer
 * number of those units, rounded to a whole with halves up:
 *
 *   e_t = floor((z_t - sum_j (G c_j) e_(t-j) + G/2) / G).
 *
 * Since round(w + x) = x + round(w) for integers x, the released x_t + e_t is the same function
 * of the earlier releases and of y_t = x_t + sum_j c_j x_(t-j) + z_t: post-processing of Cx + z.
 *
 * Tree: every node has its own discrete Gaussian; e_t is the noise of prefix t minus that of
 * prefix t - 1. Going from t - 1 to t, the nodes of the trailing ones of t - 1 close and one
 * node opens.
 */
#include <math.h>
#include <string.h>

#include "matrix_stream.h"

enum { TREE_LEVELS = 17, REACH_BITS = 40, SUM_BITS = 61 };
#define STATE_MAX ((uint64_t)1 << 34) /* bytes */

static bool is_tree(const fed_matrix *m)
{
    return m->config.kind == FED_MATRIX_TREE;
}

static uint32_t places_of(const fed_matrix *m)
{
    return is_tree(m) ? TREE_LEVELS : m->used - 1;
}

/* Numbers so large that z_t - sum_j c_j e_(t-j) stays within 64 bits: never, in practice. */
static int64_t reach_of(const fed_matrix *m)
{
    double sum = 1, reach;
    for (uint32_t j = 1; !is_tree(m) && j < m->used; j++)
        sum += ldexp(m->c[j], (int)m->config.grid_bits);
    reach = ldexp(1, SUM_BITS) / sum;
    return (int64_t)fmin(reach, ldexp(1, REACH_BITS));
}

fed_status fed_matrix_stream_new(fed_matrix_stream **out, const fed_matrix *m, size_t dim,
                                 double sigma, fed_sampler_kind kind, fed_error *err)
{
    *out = NULL;
    if (!is_tree(m) && m->used > 1 && !m->config.grid_bits)
        return fed_fail(err, FED_E_INVALID, "matrix: grid_bits must be set for a stream");
    uint64_t bytes = fed_matrix_stream_bytes(m, dim);
    if (!dim || bytes > STATE_MAX)
        return fed_fail(err, FED_E_LIMIT,
                        "matrix: %zu coordinates of %u rounds are more than %llu bytes "
                        "of memory; fewer bands need less",
                        dim, places_of(m), (unsigned long long)STATE_MAX);
    fed_matrix_stream *s = fed_calloc(1, sizeof *s);
    if (!s) return fed_fail_nomem(err, sizeof *s);
    s->matrix = m, s->dim = dim, s->places = places_of(m), s->reach = reach_of(m);
    if (bytes) s->history = fed_calloc((size_t)s->places * dim, sizeof *s->history);
    s->drawn = fed_calloc(dim, sizeof *s->drawn);
    fed_status status = s->drawn && (s->history || !bytes)
                            ? FED_OK
                            : fed_fail_nomem(err, bytes + dim * sizeof *s->drawn);
    double unit = is_tree(m) ? 1 : ldexp(1, (int)m->config.grid_bits);
    if (status == FED_OK) status = fed_sampler_new(&s->sampler, kind, sigma * unit, err);
    if (status != FED_OK) {
        fed_matrix_stream_free(s);
        return status;
    }
    *out = s;
    return FED_OK;
}

void fed_matrix_stream_free(fed_matrix_stream *s)
{
    if (!s) return;
    fed_sampler_free(s->sampler);
    fed_wipe_free(s->drawn, s->dim * sizeof *s->drawn);
    fed_wipe_free(s->history, s->places * s->dim * sizeof *s->history);
    fed_free(s);
}

uint32_t fed_matrix_stream_round(const fed_matrix_stream *s)
{
    return s->round;
}

uint32_t fed_matrix_stream_places(const fed_matrix_stream *s)
{
    return s->places;
}

uint64_t fed_matrix_stream_bytes(const fed_matrix *m, size_t dim)
{
    double bytes = (double)places_of(m) * (double)dim * sizeof(int64_t);
    return bytes < 0x1p63 ? (uint64_t)bytes : UINT64_MAX;
}

/* ---- drawing ------------------------------------------------------------------------------ */

static int64_t *place_at(const fed_matrix_stream *s, size_t place)
{
    return s->history + place * s->dim;
}

/* Arithmetic shift, also of negative numbers, without leaving C's defined behaviour. */
static int64_t floor_shift(int64_t x, unsigned bits)
{
    return x >= 0 ? x >> bits : -((-(x + 1) >> bits) + 1);
}

static void toeplitz_round(const fed_matrix_stream *s, int64_t *z)
{
    const fed_matrix *m = s->matrix;
    unsigned bits = m->config.grid_bits;
    for (uint32_t j = 1; j < m->used && j <= s->round; j++) {
        const int64_t *past = place_at(s, (s->round - j) % s->places);
        int64_t c = (int64_t)ldexp(m->c[j], (int)bits);
        for (size_t i = 0; i < s->dim; i++)
            z[i] -= c * past[i];
    }
    int64_t half = bits ? (int64_t)1 << (bits - 1) : 0;
    for (size_t i = 0; i < s->dim; i++)
        z[i] = floor_shift(z[i] + half, bits);
}

/* The node that prefix `round` + 1 opens; the open nodes below it close. */
static unsigned opened_level(uint32_t round)
{
    unsigned level = 0;
    while (round >> level & 1)
        level++;
    return level;
}

/* From the opened node's noise to that of the round (sign -1), or back (+1). */
static void add_closed(const fed_matrix_stream *s, int64_t *x, int sign)
{
    for (unsigned l = 0; l < opened_level(s->round); l++) {
        const int64_t *closed = place_at(s, l);
        for (size_t i = 0; i < s->dim; i++)
            x[i] += sign * closed[i];
    }
}

static bool is_within(const int64_t *x, size_t n, int64_t reach)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] > reach || x[i] < -reach) return false;
    return true;
}

fed_status fed_matrix_stream_draw(fed_matrix_stream *s, fed_noise *noise,
                                  const int64_t **e, fed_error *err)
{
    *e = s->drawn;
    s->has_drawn = false;
    if (s->round >= s->matrix->config.steps)
        return fed_fail(err, FED_E_LIMIT, "matrix: all %u rounds are drawn", s->round);
    FED_TRY(fed_sampler_fill(s->sampler, noise, s->drawn, s->dim, err));
    bool fits = is_within(s->drawn, s->dim, (int64_t)1 << SUM_BITS);
    if (fits && is_tree(s->matrix))
        add_closed(s, s->drawn, -1);
    else if (fits)
        toeplitz_round(s, s->drawn);
    s->has_drawn = fits && is_within(s->drawn, s->dim, s->reach);
    if (s->has_drawn) return FED_OK;
    return fed_fail(err, FED_E_NUMERIC, "matrix: the noise of round %u is too large",
                    s->round);
}

/* An opened node is the noise of the round and all that closed with it. */
static void keep_node(fed_matrix_stream *s)
{
    unsigned level = opened_level(s->round);
    add_closed(s, s->drawn, 1);
    memcpy(place_at(s, level), s->drawn, s->dim * sizeof *s->drawn);
    if (level) fed_wipe(s->history, level * s->dim * sizeof *s->history);
}

fed_status fed_matrix_stream_keep(fed_matrix_stream *s, fed_error *err)
{
    if (!s->has_drawn)
        return fed_fail(err, FED_E_STATE, "matrix: round %u is not drawn yet", s->round);
    if (is_tree(s->matrix))
        keep_node(s);
    else if (s->places)
        memcpy(place_at(s, s->round % s->places), s->drawn, s->dim * sizeof *s->drawn);
    fed_wipe(s->drawn, s->dim * sizeof *s->drawn);
    s->has_drawn = false;
    s->round++;
    return FED_OK;
}

fed_status fed_matrix_stream_next(fed_matrix_stream *s, fed_noise *noise, int64_t *e,
                                  fed_error *err)
{
    const int64_t *drawn;
    FED_TRY(fed_matrix_stream_draw(s, noise, &drawn, err));
    memcpy(e, drawn, s->dim * sizeof *e);
    return fed_matrix_stream_keep(s, err);
}
