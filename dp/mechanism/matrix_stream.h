/* What a strategy holds; shared by its arithmetic and its stream of noise. */
#ifndef FED_MATRIX_STREAM_H
#define FED_MATRIX_STREAM_H

#include "matrix_mechanism.h"

struct fed_matrix {
    fed_matrix_config config;
    double *c;     /* Toeplitz coefficients; NULL for the tree */
    uint32_t used; /* coefficients up to the last that is not zero */
    double sensitivity, error;
};

#endif
