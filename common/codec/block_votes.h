/*
 * Inside the codec: votes, the top-k that works under secure aggregation.
 *
 * A device's own top-k indices would show its data, and indices that differ cannot be summed.
 * So each device says, in a few bits per block, how much of its update's energy lies there,
 * relative to its own k-th largest block; the votes are summed under the same masks as the
 * values, and the sum decides which blocks travel in the next version. What helps beyond that:
 * scores remember old votes (vote_memory), since a cohort sees a few devices only; a part of
 * the support is drawn at random (explore), so that no residual waits for ever; blocks do
 * not cross tensors; small tensors always travel (always_below); blocks take turns at being
 * voted on (vote_period), which saves bytes; the first versions may be dense (warm_up).
 */
#ifndef FED_BLOCK_VOTES_H
#define FED_BLOCK_VOTES_H

#include "codec_server.h"
#include "codec_tables.h"

/** The votes of one device on its corrected update `source` (float32[d]). */
FED_MUST_CHECK fed_status fed_votes_encode(const fed_codec *codec,
                                           const fed_codec_round *round,
                                           const fed_codec_input *in, const float *source,
                                           fed_ring *votes, fed_error *err);
/** Take the sum of the votes of `n` devices into the scores. */
FED_MUST_CHECK fed_status fed_votes_remember(const fed_codec *codec,
                                             const fed_codec_round *round,
                                             const fed_ring *sum, uint32_t n,
                                             fed_codec_memory *memory, fed_error *err);
/** The support of `version` by the scores: FED_CODEC_CHOSEN with `blocks` (allocated), or
 *  FED_CODEC_RANDOM while there are no scores. */
FED_MUST_CHECK fed_status fed_votes_choose(const fed_codec *codec, uint64_t version,
                                           const fed_codec_memory *memory,
                                           fed_codec_support *support, uint32_t **blocks,
                                           size_t *n_blocks, fed_error *err);

#endif
