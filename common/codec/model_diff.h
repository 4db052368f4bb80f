/*
 * A model as the difference from an earlier version of it.
 *
 * Versions stand on a grid: every published weight is a multiple of 2^-fraction_bits. So the
 * difference of any two versions is a vector of whole numbers, mostly small ones, and a device
 * that adds it to the version that it holds arrives at the same bits as one that loads the
 * model whole. What rounding to the grid takes from a weight (the carry, float32[d], part of
 * the server's state) is added to it before the next rounding, so nothing is lost on the way.
 *
 * The bytes of a difference are laid out to be compressed afterwards.
 */
#ifndef FED_MODEL_DIFF_H
#define FED_MODEL_DIFF_H

#include "base.h"

enum { FED_MODEL_FRACTION_BITS_MAX = 24 };

/** Move `n` values to the grid of 2^-fraction_bits (1..24). With `carry` (may be NULL) its
 *  values are added first, and become what the rounding left over. Values that are too large
 *  for the grid, and those that are not finite, stay where they are and carry nothing. */
void fed_model_grid_round(float *values, float *carry, size_t n, unsigned fraction_bits);
/** Move the value with the largest carry by one step toward it: for a model that rounding left
 *  exactly where it was. Nothing happens when nothing is carried. */
void fed_model_grid_nudge(float *values, float *carry, size_t n, unsigned fraction_bits);
/** Append the difference that leads from `from` to `to`, both float32[d] on the grid.
 *  FED_E_NUMERIC when adding it would not give `to` bit for bit (they are not on the grid, or
 *  too large for it); FED_E_NOMEM, FED_E_LIMIT. Then nothing is appended. */
FED_MUST_CHECK fed_status fed_model_diff_encode(const float *from, const float *to,
                                                size_t d, unsigned fraction_bits,
                                                fed_bytes *out, fed_error *err);
/** Add a difference to `model` in place. Hostile bytes, and what would not leave every value
 *  finite, are refused with FED_E_FORMAT before anything is written. */
FED_MUST_CHECK fed_status fed_model_diff_apply(float *model, size_t d,
                                               unsigned fraction_bits, fed_span diff,
                                               fed_error *err);
/** The most bytes that a difference of `d` values takes. */
size_t fed_model_diff_bytes_max(size_t d);

#endif
