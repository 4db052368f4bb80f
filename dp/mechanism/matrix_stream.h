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

struct fed_matrix_stream {
    const fed_matrix *matrix;
    fed_sampler *sampler;
    size_t dim;
    uint32_t round;   /* the next, from 0 */
    int64_t reach;    /* no number that is remembered is beyond it */
    int64_t *history; /* [places][dim]; Toeplitz: round t at t % places; tree: by level */
    uint32_t places;
    int64_t *drawn; /* [dim]: the noise of this round, */
    bool has_drawn; /* if it was drawn */
};

#endif
