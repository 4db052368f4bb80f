/*
 * Strategies. For a Toeplitz C with coefficients c_0 = 1 >= c_1 >= ... >= 0 the worst pattern of
 * at most k participations at least b apart is the first steps 0, b, 2b, ... (Kalinin, Lampert
 * 2024, theorem 2; all entries of C^T C are then non-negative and largest there):
 *
 *   sensitivity^2 = sum_t (sum_i c_(t - i b))^2.
 *
 * The largest row of A C^-1 is the last one; its entries are the prefix sums of the
 * coefficients of 1/C.
 */
#include "matrix_mechanism.h"

#include <math.h>
#include <string.h>

#include "matrix_stream.h"

static fed_status check(const fed_matrix_config *c, fed_error *err)
{
    if (c->kind < FED_MATRIX_IDENTITY || c->kind > FED_MATRIX_BLT)
        return fed_fail(err, FED_E_INVALID, "matrix: kind %d is unknown", (int)c->kind);
    if (!c->steps || c->steps > FED_MATRIX_STEPS_MAX)
        return fed_fail(err, FED_E_INVALID, "matrix: %u steps, outside [1, %d]", c->steps,
                        FED_MATRIX_STEPS_MAX);
    if (!c->separation || !c->participations)
        return fed_fail(err, FED_E_INVALID,
                        "matrix: separation %u and participations %u must not be 0",
                        c->separation, c->participations);
    if (c->kind == FED_MATRIX_BANDED && (!c->bands || c->bands > c->steps))
        return fed_fail(err, FED_E_INVALID, "matrix: %u bands, outside [1, %u]", c->bands,
                        c->steps);
    if (c->grid_bits > FED_MATRIX_GRID_BITS_MAX)
        return fed_fail(err, FED_E_INVALID, "matrix: grid_bits %u is above %d",
                        c->grid_bits, FED_MATRIX_GRID_BITS_MAX);
    if (c->kind != FED_MATRIX_BLT) return FED_OK;
    if (!c->buffers || c->buffers > FED_BLT_MAX)
        return fed_fail(err, FED_E_INVALID, "matrix: %u buffers, outside [1, %d]",
                        c->buffers, FED_BLT_MAX);
    for (uint32_t i = 0; i < c->buffers; i++)
        if (!(c->theta[i] >= 0 && c->theta[i] < 1) || !(c->omega[i] >= 0))
            return fed_fail(err, FED_E_INVALID,
                            "matrix: buffer %u has theta %g, outside [0, 1), or omega %g",
                            i, c->theta[i], c->omega[i]);
    return FED_OK;
}

static double coefficient(const fed_matrix_config *c, uint32_t j, double before)
{
    switch (c->kind) {
    case FED_MATRIX_BANDED:
    case FED_MATRIX_SQRT: /* of 1/sqrt(1 - x): (2j choose j) / 4^j */
        if (c->kind == FED_MATRIX_BANDED && j >= c->bands) return 0;
        return before * (2.0 * j - 1) / (2.0 * j);
    case FED_MATRIX_BLT: {
        double sum = 0;
        for (uint32_t i = 0; i < c->buffers; i++)
            sum += c->omega[i] * pow(c->theta[i], j - 1.0);
        return sum;
    }
    default:
        return 0;
    }
}

static fed_status fill_coefficients(fed_matrix *m, fed_error *err)
{
    const fed_matrix_config *c = &m->config;
    double before = 1, grid = ldexp(1, (int)c->grid_bits);
    m->c[0] = 1, m->used = 1;
    for (uint32_t j = 1; j < c->steps; j++) {
        before = coefficient(c, j, before);
        m->c[j] = c->grid_bits ? floor(before * grid + 0.5) / grid : before;
        if (m->c[j] > 0) m->used = j + 1;
        if (m->c[j] < 0 || m->c[j] > m->c[j - 1])
            return fed_fail(
                err, FED_E_REFUSED,
                "matrix: coefficient %u is %g after %g; the sensitivity formula "
                "holds for 1 >= c_1 >= c_2 >= ... >= 0 only",
                j, m->c[j], m->c[j - 1]);
    }
    return FED_OK;
}

static double toeplitz_sensitivity(const fed_matrix *m)
{
    uint32_t n = m->config.steps, b = m->config.separation;
    double sum = 0;
    for (uint32_t t = 0; t < n; t++) {
        double entry = 0;
        for (uint32_t i = 0; i < m->config.participations && (uint64_t)i * b <= t; i++)
            entry += m->c[t - i * b];
        sum += entry * entry;
    }
    return sum;
}

/* The inverse series d: d_0 = 1, d_t = -sum_j c_j d_(t-j). */
static fed_status toeplitz_error(const fed_matrix *m, double *out, fed_error *err)
{
    uint32_t n = m->config.steps;
    double *inverse = fed_malloc(n * sizeof *inverse), prefix = 0;
    if (!inverse) return fed_fail_nomem(err, n * sizeof *inverse);
    *out = 0;
    for (uint32_t t = 0; t < n; t++) {
        inverse[t] = t ? 0 : 1;
        for (uint32_t j = 1; j <= t && j < m->used; j++)
            inverse[t] -= m->c[j] * inverse[t - j];
        prefix += inverse[t];
        *out += prefix * prefix;
    }
    fed_free(inverse);
    return FED_OK;
}

/* A prefix is the sum of as many nodes as it has binary ones. */
static double tree_error(uint32_t steps)
{
    unsigned most = 0;
    for (uint32_t t = 1; t <= steps; t++) {
        unsigned ones = 0;
        for (uint32_t x = t; x; x &= x - 1)
            ones++;
        if (ones > most) most = ones;
    }
    return most;
}

static fed_status compute(fed_matrix *m, fed_error *err)
{
    const fed_matrix_config *c = &m->config;
    if (c->kind == FED_MATRIX_TREE) {
        m->error = tree_error(c->steps);
        return fed_tree_sensitivity_squared(c->steps, c->separation, c->participations,
                                            &m->sensitivity, err);
    }
    m->c = fed_calloc(c->steps, sizeof *m->c);
    if (!m->c) return fed_fail_nomem(err, c->steps * sizeof *m->c);
    FED_TRY(fill_coefficients(m, err));
    m->sensitivity = toeplitz_sensitivity(m);
    return toeplitz_error(m, &m->error, err);
}

fed_status fed_matrix_new(fed_matrix **out, const fed_matrix_config *config,
                          fed_error *err)
{
    *out = NULL;
    FED_TRY(check(config, err));
    fed_matrix *m = fed_calloc(1, sizeof *m);
    if (!m) return fed_fail_nomem(err, sizeof *m);
    m->config = *config;
    fed_status status = compute(m, err);
    if (status != FED_OK) {
        fed_matrix_free(m);
        return status;
    }
    *out = m;
    return FED_OK;
}

void fed_matrix_free(fed_matrix *m)
{
    if (!m) return;
    fed_free(m->c);
    fed_free(m);
}

double fed_matrix_coefficient(const fed_matrix *m, uint32_t j)
{
    return m->c && j < m->config.steps ? m->c[j] : 0;
}

double fed_matrix_sensitivity_squared(const fed_matrix *m)
{
    return m->sensitivity;
}

double fed_matrix_error_squared(const fed_matrix *m)
{
    return m->error;
}

/* A tree over n leaves has fewer than 2n nodes. */
fed_integer_release fed_matrix_release(const fed_matrix *m, double sigma, double delta2,
                                       uint64_t dim)
{
    bool tree = m->config.kind == FED_MATRIX_TREE;
    double unit = tree ? 1 : ldexp(1, (int)m->config.grid_bits);
    uint64_t rows = (uint64_t)m->config.steps * (tree ? 2 : 1);
    return (fed_integer_release){sigma * unit, delta2 * unit * sqrt(m->sensitivity),
                                 dim * rows};
}
