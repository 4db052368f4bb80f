/* Turning a matrix over. */
#ifndef FED_TRANSPOSE_H
#define FED_TRANSPOSE_H

#include "simd.h"

#define fed_transpose FED_IN_PATH(fed_transpose)
/** to[j * to_row + i] = from[i * from_row + j] for i < rows, j < columns. */
void fed_transpose(size_t rows, size_t columns, const float *from, size_t from_row,
                   float *to, size_t to_row);

#endif
