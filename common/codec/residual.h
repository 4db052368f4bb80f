/* Inside the codec: what did not travel stays on the device. */
#ifndef FED_RESIDUAL_H
#define FED_RESIDUAL_H

#include "codec_device.h"
#include "codec_tables.h"

/** *source becomes the corrected update delta + decay^missed * residual: in->residual_out, or
 *  *own (allocated) when there is a residual but no such place, or delta itself. */
FED_MUST_CHECK fed_status fed_residual_correct(const fed_codec *codec,
                                               const fed_codec_input *in, float **own,
                                               const float **source, fed_error *err);
/** In residual_out (which holds the corrected update; NULL is fine) keep what `factor` clipped
 *  away of what travelled, and all of the rest; then cap it. */
void fed_residual_keep_unsent(const fed_codec *codec, const fed_codec_round *round,
                              const fed_codec_input *in, float factor,
                              fed_codec_report *report);
/** Cap residual_out at residual_cap * clip; one that is not finite is dropped. */
void fed_residual_cap(const fed_codec *codec, const fed_codec_round *round,
                      const fed_codec_input *in, fed_codec_report *report);

#endif
