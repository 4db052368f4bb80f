#include "feature_scale.h"

#include <float.h>
#include <math.h>
#include <string.h>

fed_status fed_scaling_from_spec(const fed_data_spec *spec, fed_scaling *out,
                                 fed_error *err)
{
    static const char *const names[] = {"none", "standard", "minmax"};
    const char *text = fed_data_spec_option(spec, "normalize");
    *out = FED_SCALE_NONE;
    for (unsigned i = 0; text && i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (fed_scaling)i;
            return FED_OK;
        }
    if (!text) return FED_OK;
    return fed_fail(err, FED_E_INVALID,
                    "data spec: normalize=%s is none of none, standard, minmax", text);
}

typedef struct column_view {
    const float *table;
    uint32_t rows, columns, used; /* used: rows that are not skipped */
    const uint8_t *skip;
} column_view;

static void fit_standard(const column_view *v, uint32_t column, double *mean,
                         double *factor)
{
    double sum = 0, squares = 0, n = v->used;
    for (uint32_t r = 0; r < v->rows; r++)
        if (!(v->skip && v->skip[r])) sum += v->table[(size_t)r * v->columns + column];
    *mean = n > 0 ? sum / n : 0;
    for (uint32_t r = 0; r < v->rows; r++) {
        if (v->skip && v->skip[r]) continue;
        double d = v->table[(size_t)r * v->columns + column] - *mean;
        squares += d * d;
    }
    double deviation = n > 0 ? sqrt(squares / n) : 0;
    *factor = deviation > 1e-9 * fabs(*mean) && deviation > 0 ? 1 / deviation : 1;
}

static void fit_minmax(const column_view *v, uint32_t column, double *least,
                       double *factor)
{
    double low = INFINITY, high = -INFINITY;
    for (uint32_t r = 0; r < v->rows; r++) {
        if (v->skip && v->skip[r]) continue;
        double x = v->table[(size_t)r * v->columns + column];
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    *least = low <= high ? low : 0;
    *factor = high > low ? 1 / (high - low) : 1;
}

void fed_scale_fit(fed_scaling scaling, const float *table, uint32_t rows,
                   uint32_t columns, const uint8_t *skip, double *offset, double *factor)
{
    column_view view = {table, rows, columns, 0, skip};
    for (uint32_t r = 0; r < rows; r++)
        view.used += !(skip && skip[r]);
    for (uint32_t c = 0; c < columns; c++) {
        offset[c] = 0, factor[c] = 1;
        if (scaling == FED_SCALE_STANDARD) fit_standard(&view, c, &offset[c], &factor[c]);
        if (scaling == FED_SCALE_MINMAX) fit_minmax(&view, c, &offset[c], &factor[c]);
    }
}

fed_status fed_scale_apply(float *table, size_t rows, uint32_t columns,
                           const double *offset, const double *factor, fed_error *err)
{
    for (size_t r = 0; r < rows; r++) {
        float *row = table + r * columns;
        for (uint32_t c = 0; c < columns; c++) {
            double x = (row[c] - offset[c]) * factor[c];
            if (!(fabs(x) <= FLT_MAX))
                return fed_fail(
                    err, FED_E_NUMERIC,
                    "row %zu, feature %u: normalising makes %g, beyond float32", r, c, x);
            row[c] = (float)x;
        }
    }
    return FED_OK;
}
