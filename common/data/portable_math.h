/* Logarithm and exponential whose bits are the same on every IEEE 754 machine: additions,
 * multiplications and divisions in a fixed order, no call into the C library's own (which
 * differs between libraries and CPUs). Accurate to a few units in the last place. */
#ifndef FED_PORTABLE_MATH_H
#define FED_PORTABLE_MATH_H

#include "base.h"

/** Natural logarithm of a finite x > 0. */
double fed_portable_log(double x);
/** e to the x; 0 below -708, a huge finite number above 708. */
double fed_portable_exp(double x);
/** Standard normal (Marsaglia, Bray 1964) by the functions above. */
double fed_portable_normal(fed_stream *s);

#endif
