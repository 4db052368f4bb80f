/* Elementwise loops and ordered sums over flat vectors. */
#ifndef FED_VECTOR_H
#define FED_VECTOR_H

#include "simd.h"

#define fed_vector_scale       FED_IN_PATH(fed_vector_scale)
#define fed_vector_add         FED_IN_PATH(fed_vector_add)
#define fed_vector_axpy        FED_IN_PATH(fed_vector_axpy)
#define fed_vector_sum         FED_IN_PATH(fed_vector_sum)
#define fed_vector_dot         FED_IN_PATH(fed_vector_dot)
#define fed_vector_max         FED_IN_PATH(fed_vector_max)
#define fed_vector_sum_squares FED_IN_PATH(fed_vector_sum_squares)
#define fed_vector_all_finite  FED_IN_PATH(fed_vector_all_finite)
#define fed_matrix_sum_rows    FED_IN_PATH(fed_matrix_sum_rows)

/** y = factor x (y may be x) */
void fed_vector_scale(size_t n, float factor, const float *x, float *y);
/** y += x */
void fed_vector_add(size_t n, const float *x, float *y);
/** y += factor x */
void fed_vector_axpy(size_t n, float factor, const float *x, float *y);
float fed_vector_sum(size_t n, const float *x);
float fed_vector_dot(size_t n, const float *x, const float *y);
/** The greatest of n >= 1 values. */
float fed_vector_max(size_t n, const float *x);
/** In double precision. */
double fed_vector_sum_squares(size_t n, const float *x);
bool fed_vector_all_finite(size_t n, const float *x);
/** out[j] = (or +=) the sum of x[i * width + j] over the rows i. */
void fed_matrix_sum_rows(size_t rows, size_t width, const float *x, float *out,
                         bool accumulate);

#endif
