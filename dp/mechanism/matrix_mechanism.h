/*
 * The matrix mechanism (DP-FTRL) for populations that cannot be sampled: noise of different
 * rounds is correlated so that it largely cancels in the running sum. What counts is the
 * lower-triangular strategy C; with prefix sums A, the noise in round t's model is row t of
 * A C^-1 times z.
 *
 *   tree    binary tree of partial sums (Honaker 2015; Kairouz et al. 2021), noise on nodes
 *   sqrt    C = A^(1/2), Toeplitz, optimal for one participation (Fichtenberger, Henzinger,
 *           Upadhyay 2022)
 *   banded  the square root cut to `bands` (Kalinin, Lampert 2024)
 *   blt     c_j = sum_i omega_i theta_i^(j-1), buffered linear Toeplitz (McMahan, Xu, Xu
 *           2024); matrix_blt.c has parameters that follow the square root
 *
 * A device takes part at most k times, at least b rounds apart: both enforced by the device.
 * The stream works on integers: coefficients lie on a grid, z is a discrete Gaussian on that
 * grid, e_t = round(z_t - sum_j c_j e_(t-j)) with halves rounded up, which commutes with
 * adding integers (ties-to-even does not). So x_t + e_t is exact post-processing of Cx + z.
 */
#ifndef FED_MATRIX_MECHANISM_H
#define FED_MATRIX_MECHANISM_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"
#include "../sampling/noise.h"
#include "../sampling/sampler.h"
#include "../accounting/domination.h"

typedef enum fed_matrix_kind {
    FED_MATRIX_IDENTITY = 0,
    FED_MATRIX_TREE = 1,
    FED_MATRIX_SQRT = 2,
    FED_MATRIX_BANDED = 3,
    FED_MATRIX_BLT = 4
} fed_matrix_kind;

enum { FED_BLT_MAX = 8, FED_MATRIX_STEPS_MAX = 1 << 16, FED_MATRIX_GRID_BITS_MAX = 30 };

typedef struct fed_matrix_config {
    fed_matrix_kind kind;
    uint32_t steps;          /* n: rounds */
    uint32_t separation;     /* b >= 1: rounds between two participations of a device */
    uint32_t participations; /* k >= 1 */
    uint32_t bands;          /* banded only */
    uint32_t buffers;        /* blt only: 1..FED_BLT_MAX */
    double theta[FED_BLT_MAX], omega[FED_BLT_MAX];
    unsigned grid_bits; /* coefficients rounded to multiples of 2^-grid_bits; 0: not */
} fed_matrix_config;

/** Fill theta and omega of a BLT with config->buffers buffers, so that it follows the square root
 *  over config->steps rounds. */
void fed_matrix_fit_blt(fed_matrix_config *config);

typedef struct fed_matrix fed_matrix;

/** Compute the strategy. FED_E_INVALID names the field; FED_E_REFUSED when the coefficients
 *  are not non-negative and non-increasing, on which the sensitivity formula rests. */
FED_MUST_CHECK fed_status fed_matrix_new(fed_matrix **out,
                                         const fed_matrix_config *config, fed_error *err);
void fed_matrix_free(fed_matrix *m);
/** c_j of a Toeplitz strategy (c_0 = 1), 0 beyond; for the tree always 0. */
double fed_matrix_coefficient(const fed_matrix *m, uint32_t j);
/** Squared sensitivity of Cx for contributions of norm 1 under (b, k) participation:
 *  the noise multiplier of the whole run is sigma / sqrt of this, one Gaussian release. */
double fed_matrix_sensitivity_squared(const fed_matrix *m);
/** Largest variance of a prefix sum for z of variance 1: max row norm of A C^-1, squared. */
double fed_matrix_error_squared(const fed_matrix *m);

/** What the whole run releases, for the accountant (views.h): Cx on its grid for vectors of
 *  `dim` integers with sensitivity delta2, under z of standard deviation `sigma`. */
fed_integer_release fed_matrix_release(const fed_matrix *m, double sigma, double delta2,
                                       uint64_t dim);

/** max over patterns of at most k participations, at least b apart, of the sum over the nodes of
 *  a binary tree over `steps` leaves of (participations below the node)^2 (Kairouz et al.
 *  2021, appendix D.2), without restarts, incomplete right end included. */
FED_MUST_CHECK fed_status fed_tree_sensitivity_squared(uint32_t steps,
                                                       uint32_t separation,
                                                       uint32_t participations,
                                                       double *out, fed_error *err);

/** Rounds of noise for vectors of `dim` integers. `sigma` is the standard deviation of z in
 *  integers of x; the device's sensitivity in those integers is the caller's. Needs
 *  grid_bits > 0 for Toeplitz kinds. The state holds bands (or all past) rounds. The matrix
 *  is borrowed and must outlive the stream. */
typedef struct fed_matrix_stream fed_matrix_stream;
FED_MUST_CHECK fed_status fed_matrix_stream_new(fed_matrix_stream **out,
                                                const fed_matrix *m, size_t dim,
                                                double sigma, fed_sampler_kind kind,
                                                fed_error *err);
void fed_matrix_stream_free(fed_matrix_stream *s);
/** The noise e_t of the next round, e[dim]. FED_E_LIMIT after the last. */
FED_MUST_CHECK fed_status fed_matrix_stream_next(fed_matrix_stream *s, fed_noise *noise,
                                                 int64_t *e, fed_error *err);

#endif
