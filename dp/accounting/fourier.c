/*
 * Radix-2, decimation in frequency forward and in time backward, so no bit reversal is ever
 * done. Each output is a sum of inputs times products of log2 n roots; a complex product with
 * a root that is itself rounded is off by at most 4.5 units in 2^-53, an addition by one; so
 * an output is off by at most 6 log2(n) 2^-53 times the sum of the inputs' moduli.
 */
#include "fourier.h"

#include <float.h>
#include <math.h>

#include "logmath.h"

fed_status fed_fourier_init(fed_fourier *f, size_t n, fed_error *err)
{
    f->n = n;
    f->root = fed_malloc((n / 2 + 1) * sizeof *f->root);
    if (!f->root) return fed_fail_nomem(err, (n / 2 + 1) * sizeof *f->root);
    for (size_t k = 0; k < n / 2 + 1; k++) {
        double angle = -2 * FED_PI * ((double)k / (double)n);
        f->root[k] = (fed_complex){cos(angle), sin(angle)};
    }
    return FED_OK;
}

void fed_fourier_fini(fed_fourier *f)
{
    fed_free(f->root);
    f->root = NULL;
}

void fed_fourier_forward(const fed_fourier *f, fed_complex *x)
{
    for (size_t half = f->n / 2, stride = 1; half; half /= 2, stride *= 2)
        for (size_t start = 0; start < f->n; start += 2 * half)
            for (size_t k = 0; k < half; k++) {
                fed_complex *a = &x[start + k], *b = a + half, w = f->root[k * stride];
                double re = a->re - b->re, im = a->im - b->im;
                a->re += b->re, a->im += b->im;
                b->re = re * w.re - im * w.im, b->im = re * w.im + im * w.re;
            }
}

void fed_fourier_inverse(const fed_fourier *f, fed_complex *x)
{
    for (size_t half = 1, stride = f->n / 2; stride; half *= 2, stride /= 2)
        for (size_t start = 0; start < f->n; start += 2 * half)
            for (size_t k = 0; k < half; k++) {
                fed_complex *a = &x[start + k], *b = a + half, w = f->root[k * stride];
                double re = b->re * w.re + b->im * w.im, im = b->im * w.re - b->re * w.im;
                b->re = a->re - re, b->im = a->im - im;
                a->re += re, a->im += im;
            }
}

double fed_fourier_error(const fed_fourier *f)
{
    return 6 * log2((double)f->n) * (DBL_EPSILON / 2);
}
