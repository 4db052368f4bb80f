/*
 * A flat vector of float32 parameters to a model file, and back. The file is safetensors in
 * one canonical form, so that equal parameters are equal bytes, and so one address, on every
 * machine: tensors sorted by name, compact JSON in the field order dtype, shape,
 * data_offsets, no metadata, spaces up to a multiple of 8, little-endian values. It is what
 * the reference implementation writes for the same tensors. Any valid file is read, in
 * whatever order it lists its tensors.
 */
#ifndef FED_PARAMETERS_H
#define FED_PARAMETERS_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"
#include "safetensors.h"

/** A named view of the flat vector. */
typedef struct fed_model_tensor {
    const char
        *name;     /* borrowed: 1 to 255 printable ASCII characters, no space, " or \ */
    uint32_t rank; /* at most FED_SAFETENSORS_RANK_MAX; 0 is a single number */
    uint32_t shape[FED_SAFETENSORS_RANK_MAX];
    size_t offset; /* of its first value in the flat vector */
} fed_model_tensor;

/** What a model consists of: views that do not overlap, with names that differ. */
typedef struct fed_model_layout {
    const fed_model_tensor *tensors; /* borrowed */
    size_t n;                        /* at most FED_SAFETENSORS_TENSORS_MAX */
    size_t length;                   /* of the flat vector, in values */
} fed_model_layout;

/** Append the model file of `values` (layout->length of them) to `out`. FED_E_INVALID for a
 *  layout that breaks its rules, FED_E_NUMERIC for a NaN or an infinity (named), FED_E_LIMIT,
 *  FED_E_NOMEM; then nothing is appended. */
FED_MUST_CHECK fed_status fed_model_write(const fed_model_layout *layout,
                                          const float *values, fed_bytes *out,
                                          fed_error *err);
/** Fill `values` from a model file that has exactly the tensors of the layout, each in its
 *  shape. Values outside all views are not touched. FED_E_FORMAT for a tensor that is
 *  missing, not wanted or of another shape, FED_E_NUMERIC for a NaN or an infinity, and what
 *  fed_safetensors_parse says; `values` is then undefined. */
FED_MUST_CHECK fed_status fed_model_read(const fed_model_layout *layout, fed_span file,
                                         float *values, fed_error *err);

#endif
