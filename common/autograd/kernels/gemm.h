/*
 * The matrix product that every heavy operator ends in: C = A B (+ C) (+ bias, rectifier).
 *
 * A has any strides, so a transposed A costs nothing. One of B's strides must be 1; when
 * it is b_row (a transposed B) the product either packs panels of B or, for few rows,
 * computes C' = B' A'.
 */
#ifndef FED_GEMM_H
#define FED_GEMM_H

#include "simd.h"

/** A step of plain SGD in place of a gradient: C is the parameter and moves by `rate` times the
 *  product, with the bits that the gradient, stored and then applied, would give it. */
typedef struct fed_step {
    float rate;
    bool finite; /* out: becomes false when the gradient is not */
} fed_step;

typedef struct fed_gemm {
    size_t m, n, k;
    const float *a;
    size_t a_row, a_col; /* A[i][k] is a[i * a_row + k * a_col] */
    const float *b;
    size_t b_row, b_col; /* B[k][j] is b[k * b_row + j * b_col] */
    float *c;
    size_t c_row;      /* C[i][j] is c[i * c_row + j] */
    bool accumulate;   /* add to C instead of overwriting it */
    const float *bias; /* NULL or n values, added to every row */
    bool relu;         /* then clamp at 0 from below */
    fed_step *step;    /* not NULL: move C, see above; k at most FED_GEMM_DEPTH */
} fed_gemm;

enum {
    FED_GEMM_DEPTH = 512, /* how much of K is worked on at a time */
    FED_GEMM_WIDTH = 32,  /* the widest panel of any path */
    FED_GEMM_SCRATCH = FED_GEMM_DEPTH * FED_GEMM_WIDTH + 512 /* floats */
};

/** `scratch` holds FED_GEMM_SCRATCH floats. k = 0 gives zeros (or C) plus bias. */
#define fed_gemm_run FED_IN_PATH(fed_gemm_run)
void fed_gemm_run(const fed_gemm *g, float *scratch);

#endif
