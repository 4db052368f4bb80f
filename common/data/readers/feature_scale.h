/* Column-wise normalisation of a table of float32. */
#ifndef FED_FEATURE_SCALE_H
#define FED_FEATURE_SCALE_H

#include "../dataset.h"

typedef enum fed_scaling {
    FED_SCALE_NONE,
    FED_SCALE_STANDARD, /* mean 0, standard deviation 1 */
    FED_SCALE_MINMAX    /* 0..1 */
} fed_scaling;

/** From the spec's `normalize` (none when it is not given). */
fed_status fed_scaling_from_spec(const fed_data_spec *spec, fed_scaling *out,
                                 fed_error *err);

/** What `scaling` subtracts and multiplies by, for each column of `rows` x `columns`
 *  values, counting only the rows r with skip[r] == 0 (`skip` may be NULL). A column that
 *  does not vary keeps factor 1. Sums are in double, in the order of the rows: the same
 *  everywhere. */
void fed_scale_fit(fed_scaling scaling, const float *table, uint32_t rows,
                   uint32_t columns, const uint8_t *skip, double *offset, double *factor);
/** value = (value - offset) * factor, in place. FED_E_NUMERIC when one leaves float32. */
fed_status fed_scale_apply(float *table, size_t rows, uint32_t columns,
                           const double *offset, const double *factor, fed_error *err);

#endif
