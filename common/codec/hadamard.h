/*
 * The randomised Walsh-Hadamard rotation of a vector of any length, without padding.
 *
 * With p the largest power of two <= m: flip signs at random and transform x[0..p-1]; then,
 * unless p = m, flip anew and transform x[m-p..m-1]. Each half is orthogonal (the transform
 * is divided by sqrt(p)), so the whole is, and it makes exactly m numbers. They overlap, so
 * wherever the energy E sat, no coordinate's expected square exceeds E/p < 2E/m: one public
 * scale fits all. (Suresh et al. 2017, section 3, and Vargaftik et al. 2021 rotate a padded
 * vector; here nothing that is padding is sent.)
 */
#ifndef FED_HADAMARD_H
#define FED_HADAMARD_H

#include "base.h"

/** The largest power of two <= m; m > 0. */
size_t fed_hadamard_size(size_t m);
/** Words of sign bits that a vector of m entries needs. */
size_t fed_hadamard_sign_words(size_t m);
/** Draw them: the public stream (seed, ROTATION, version). */
void fed_hadamard_draw(uint32_t *signs, size_t m, const uint8_t seed[FED_SEED_BYTES],
                       uint64_t version);
/** Rotate in place, and back. The order of all float32 operations is fixed. */
void fed_hadamard_forward(float *x, size_t m, const uint32_t *signs,
                          const fed_parallel *parallel);
void fed_hadamard_back(float *x, size_t m, const uint32_t *signs,
                       const fed_parallel *parallel);

#endif
