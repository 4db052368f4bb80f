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

#include <stdbool.h>
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
 *  grid_bits > 0 for Toeplitz kinds. The matrix is borrowed and must outlive the stream. */
typedef struct fed_matrix_stream fed_matrix_stream;
FED_MUST_CHECK fed_status fed_matrix_stream_new(fed_matrix_stream **out,
                                                const fed_matrix *m, size_t dim,
                                                double sigma, fed_sampler_kind kind,
                                                fed_error *err);
void fed_matrix_stream_free(fed_matrix_stream *s);
/** The noise e_t of the next round: `e` receives dim integers, borrowed until the next call. The
 *  stream stays where it is: the same round may be drawn anew, for another sum and from other
 *  randomness, until it is kept. FED_E_LIMIT after the last round; FED_E_NUMERIC where 64 bits
 *  would not do. */
FED_MUST_CHECK fed_status fed_matrix_stream_draw(fed_matrix_stream *s, fed_noise *noise,
                                                 const int64_t **e, fed_error *err);
/** What was drawn last is released: remember it, and go on to the next round. FED_E_STATE when
 *  this round was not drawn. */
FED_MUST_CHECK fed_status fed_matrix_stream_keep(fed_matrix_stream *s, fed_error *err);
/** Both, into e[dim]. */
FED_MUST_CHECK fed_status fed_matrix_stream_next(fed_matrix_stream *s, fed_noise *noise,
                                                 int64_t *e, fed_error *err);
/** Rounds kept so far. */
uint32_t fed_matrix_stream_round(const fed_matrix_stream *s);

/* What later rounds need of earlier ones stands in places of `dim` integers each: the noise of
 * the last bands - 1 rounds (of all, without bands), or the open nodes of a tree. A round
 * writes one place, and may end others. */
uint32_t fed_matrix_stream_places(const fed_matrix_stream *s);
/** The memory of all of them, in bytes. */
uint64_t fed_matrix_stream_bytes(const fed_matrix *m, size_t dim);
/** Does the next round, or one after it, need this place? */
bool fed_matrix_stream_holds(const fed_matrix_stream *s, uint32_t place);
/** The place that the newest round wrote. Some round must have been kept. */
uint32_t fed_matrix_stream_newest(const fed_matrix_stream *s);
/** Append a place that is held: the round that wrote it, then dim integers of the least width. */
FED_MUST_CHECK fed_status fed_matrix_stream_write(const fed_matrix_stream *s,
                                                  uint32_t place, fed_bytes *out,
                                                  fed_error *err);
/** Go to where `round` rounds are kept, and forget all places: those that are held then must be
 *  read back. FED_E_FORMAT when there are not so many rounds. */
FED_MUST_CHECK fed_status fed_matrix_stream_seek(fed_matrix_stream *s, uint64_t round,
                                                 fed_error *err);
/** FED_E_FORMAT unless it is what was written of this place at this round. */
FED_MUST_CHECK fed_status fed_matrix_stream_read(fed_matrix_stream *s, uint32_t place,
                                                 fed_span bytes, fed_error *err);

#endif
