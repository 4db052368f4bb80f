/* Inside the codec: which blocks travel, and moving their coordinates together and back. */
#ifndef FED_CODEC_SUPPORT_H
#define FED_CODEC_SUPPORT_H

#include "codec_tables.h"

/** Marks of blocks: 1 travels. Pinned ones are marked; coordinates they hold are returned. */
size_t fed_support_mark_pinned(const fed_codec *codec, uint8_t *marks);
/** Mark free blocks not marked yet, drawn from the stream (seed, SUPPORT, version), while
 *  at most `room` coordinates are filled; with `at_least_one`, one is marked in any case.
 *  Returns the coordinates filled. */
FED_MUST_CHECK fed_status fed_support_draw(const fed_codec *codec, uint64_t version,
                                           size_t room, bool at_least_one, uint8_t *marks,
                                           size_t *filled, fed_error *err);
/** out[0..m-1] = the travelling coordinates of dense[0..d-1]; and back, leaving the others. */
void fed_support_gather(const fed_codec *codec, const fed_codec_round *round,
                        const float *dense, float *out);
void fed_support_scatter(const fed_codec *codec, const fed_codec_round *round,
                         const float *values, float *dense);
/** The m travelling coordinates, ascending. */
void fed_support_indices(const fed_codec *codec, const fed_codec_round *round,
                         uint32_t *indices);

#endif
