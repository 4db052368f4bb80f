/* The fast Fourier transform of complex doubles, in place. */
#ifndef FED_FOURIER_H
#define FED_FOURIER_H

#include <stddef.h>

#include "base.h"

typedef struct fed_complex {
    double re, im;
} fed_complex;

typedef struct fed_fourier {
    size_t n;
    fed_complex *root; /* exp(-2 pi i k / n), k < n/2 */
} fed_fourier;

/** Tables for length n, a power of two. */
FED_MUST_CHECK fed_status fed_fourier_init(fed_fourier *f, size_t n, fed_error *err);
void fed_fourier_fini(fed_fourier *f);
/** x[k] = sum_j x[j] exp(-2 pi i j k / n), left in bit-reversed order (decimation in
 *  frequency): what pointwise products do not mind. */
void fed_fourier_forward(const fed_fourier *f, fed_complex *x);
/** The inverse without its 1/n, from bit-reversed order back to natural order. */
void fed_fourier_inverse(const fed_fourier *f, fed_complex *x);
/** Bound on the absolute error of each output of either, as a multiple of sum |x|: each of
 *  log2 n stages multiplies by a rounded root and adds. */
double fed_fourier_error(const fed_fourier *f);

#endif
