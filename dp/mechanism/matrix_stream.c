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

enum { TREE_LEVELS = 17 };
#define STATE_MAX ((size_t)1 << 34) /* bytes */

struct fed_matrix_stream {
    const fed_matrix *matrix;
    fed_sampler *sampler;
    size_t dim;
    uint32_t round;
    int64_t *history; /* Toeplitz: the last used - 1 rounds; tree: one node per level */
    size_t rows;
};

fed_status fed_matrix_stream_new(fed_matrix_stream **out, const fed_matrix *m, size_t dim,
                                 double sigma, fed_sampler_kind kind, fed_error *err)
{
    bool tree = m->config.kind == FED_MATRIX_TREE;
    *out = NULL;
    if (!tree && m->used > 1 && !m->config.grid_bits)
        return fed_fail(err, FED_E_INVALID, "matrix: grid_bits must be set for a stream");
    size_t rows = tree ? TREE_LEVELS : m->used > 1 ? m->used - 1 : 1;
    if (!dim || dim > STATE_MAX / 8 / rows)
        return fed_fail(err, FED_E_LIMIT,
                        "matrix: %zu coordinates of %zu rounds in memory", dim, rows);
    fed_matrix_stream *s = fed_calloc(1, sizeof *s);
    if (!s) return fed_fail_nomem(err, sizeof *s);
    s->matrix = m, s->dim = dim, s->rows = rows;
    s->history = fed_calloc(rows * dim, sizeof *s->history);
    fed_status status = s->history ? FED_OK : fed_fail_nomem(err, rows * dim * 8);
    double unit = tree ? 1 : ldexp(1, (int)m->config.grid_bits);
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
    if (s->history) fed_wipe_free(s->history, s->rows * s->dim * sizeof *s->history);
    fed_free(s);
}

static int64_t *row(fed_matrix_stream *s, size_t r)
{
    return s->history + r * s->dim;
}

/* Arithmetic shift, also of negative numbers, without leaving C's defined behaviour. */
static int64_t floor_shift(int64_t x, unsigned bits)
{
    return x >= 0 ? x >> bits : -((-(x + 1) >> bits) + 1);
}

static void toeplitz_round(fed_matrix_stream *s, int64_t *z)
{
    const fed_matrix *m = s->matrix;
    unsigned bits = m->config.grid_bits;
    for (uint32_t j = 1; j < m->used && j <= s->round; j++) {
        const int64_t *past = row(s, (s->round - j) % s->rows);
        int64_t c = (int64_t)ldexp(m->c[j], (int)bits);
        for (size_t i = 0; i < s->dim; i++)
            z[i] -= c * past[i];
    }
    int64_t half = bits ? (int64_t)1 << (bits - 1) : 0;
    for (size_t i = 0; i < s->dim; i++)
        z[i] = floor_shift(z[i] + half, bits);
    memcpy(row(s, s->round % s->rows), z, s->dim * sizeof *z);
}

/* z opens a node at level h of prefix t = round + 1; the open nodes below it close. */
static void tree_round(fed_matrix_stream *s, int64_t *z)
{
    unsigned level = 0;
    uint32_t before = s->round;
    int64_t *opened;
    while (before >> level & 1)
        level++;
    opened = row(s, level);
    memcpy(opened, z, s->dim * sizeof *z);
    for (unsigned l = 0; l < level; l++) {
        int64_t *closed = row(s, l);
        for (size_t i = 0; i < s->dim; i++)
            z[i] -= closed[i], closed[i] = 0;
    }
}

fed_status fed_matrix_stream_next(fed_matrix_stream *s, fed_noise *noise, int64_t *e,
                                  fed_error *err)
{
    if (s->round >= s->matrix->config.steps)
        return fed_fail(err, FED_E_LIMIT, "matrix: all %u rounds are drawn", s->round);
    FED_TRY(fed_sampler_fill(s->sampler, noise, e, s->dim, err));
    if (s->matrix->config.kind == FED_MATRIX_TREE)
        tree_round(s, e);
    else
        toeplitz_round(s, e);
    s->round++;
    return FED_OK;
}
