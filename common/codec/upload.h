/*
 * Inside the codec: updates that travel as bytes because they are not sums of ring vectors
 * (top_k, sign, float32; secure aggregation off). Little-endian:
 *
 *   u8 format = 1  u8 norm bucket  u32 weight  u64 scale
 *   top_k: u32 length, Golomb code of k indices
 *   values: bits, sign: packed integers (two's complement; 1 is +, 0 is -); float32: as such
 *
 * The scale counts units of clip * 2^-40, so a value is an exact integer q * scale, and the
 * server adds integers: the order in which updates arrive changes nothing.
 */
#ifndef FED_UPLOAD_H
#define FED_UPLOAD_H

#include "codec_server.h"
#include "codec_tables.h"

/** Fill out->upload and out->report from the corrected update `source`; `x` has room for
 *  all that travels. Updates the residual as delivered. */
FED_MUST_CHECK fed_status fed_upload_encode(const fed_codec *codec,
                                            const fed_codec_round *round,
                                            const fed_codec_input *in,
                                            const float *source, float *x,
                                            fed_codec_update *out, fed_error *err);
/** Add hostile bytes to sum->exact, or refuse them and leave it unchanged. */
FED_MUST_CHECK fed_status fed_upload_add(const fed_codec *codec,
                                         const fed_codec_round *round, fed_codec_sum *sum,
                                         fed_span upload, fed_error *err);

#endif
