/*
 * A model as the quantised difference from the version before it.
 *
 * Rounding the difference would leave server and devices with different models. So the server
 * makes what devices can rebuild its own model: published = previous + rounded(target -
 * previous), every float32 operation in a fixed order, and carries the rounding error
 * (float32[d], part of its state) into the next version's target. Then every device, whether it
 * adds differences one after the other or loads the whole model, holds the same bits, and
 * they are those that were hashed and signed. A device that is several versions behind adds
 * the differences in turn while that is smaller than the model itself.
 */
#ifndef FED_MODEL_DIFF_H
#define FED_MODEL_DIFF_H

#include "base.h"

enum { FED_MODEL_DIFF_CHUNK = 256, FED_MODEL_DIFF_BITS_MAX = 16 };

/** Append the difference that leads from `model` (float32[d], published before) toward `target`
 *  plus the carried error, in `bits` (2..16) bits per coordinate with one scale for each
 *  chunk of 256; chunks without a change cost one bit. `model` becomes the published model,
 *  `error` (NULL: dropped) what is left over. FED_E_NUMERIC for NaN or infinity, which
 *  leaves both unchanged; FED_E_NOMEM. */
FED_MUST_CHECK fed_status fed_model_diff_publish(float *model, const float *target,
                                                 float *error, size_t d, unsigned bits,
                                                 fed_bytes *out, fed_error *err);
/** Apply one difference to `model` in place. Hostile bytes are refused with FED_E_FORMAT
 *  before anything is written. */
FED_MUST_CHECK fed_status fed_model_diff_apply(float *model, size_t d, fed_span diff,
                                               fed_error *err);

#endif
