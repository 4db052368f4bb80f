/* From an RDP or zCDP guarantee to (epsilon, delta). */
#ifndef FED_CONVERSION_H
#define FED_CONVERSION_H

#include <stddef.h>

/** epsilon of RDP `rdp` at order alpha > 1 (Canonne, Kamath, Steinke 2020, proposition 12):
 *  rdp + log1p(-1/alpha) - log(delta alpha)/(alpha - 1), at least 0. */
double fed_rdp_to_epsilon(double alpha, double rdp, double delta);
/** The best of a curve; `best` (may be NULL) receives its index. */
double fed_rdp_curve_to_epsilon(const double *orders, const double *rdp, size_t n,
                                double delta, size_t *best);
/** zCDP rho (rdp = rho alpha for all alpha) at the best real order. */
double fed_zcdp_to_epsilon(double rho, double delta);

#endif
