/* Clipping: x * min(1, C / |x|). What cannot be clipped becomes the zero vector, counted. */
#ifndef FED_L2CLIP_H
#define FED_L2CLIP_H

#include <stdbool.h>
#include <stddef.h>

#include "base.h"

typedef struct fed_clip_report {
    double norm;  /* before clipping; 0 when zeroed */
    bool clipped; /* the norm was above the clip */
    bool zeroed;  /* a NaN or an infinity: the vector is now zero */
} fed_clip_report;

/** Clip `x[n]` in place to Euclidean norm `clip` (> 0, finite). Rounding may leave the norm
 *  a few ulp above: privacy rests on the integer check, not on this. A NaN or an infinity
 *  anywhere, or a norm beyond double, turns the vector to zero. `report` may be NULL. */
FED_MUST_CHECK fed_status fed_clip_l2(float *x, size_t n, double clip,
                                      fed_clip_report *report, fed_error *err);

#endif
