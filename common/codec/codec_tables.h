/* Inside the codec: a configuration with the tables that follow from it. */
#ifndef FED_CODEC_TABLES_H
#define FED_CODEC_TABLES_H

#include "codec_round.h"

struct fed_codec {
    fed_codec_config config;
    bool linear;   /* ring vectors, not bytes */
    size_t budget; /* coordinates that a sparse support may hold, or the k of top_k */
    /* voted, rand_k: block j holds coordinates starts[j] .. starts[j+1]-1. Blocks with
     * pinned[j] always travel; the others are voted on, or drawn. */
    uint32_t *starts;
    uint8_t *pinned;
    size_t n_blocks, n_free;
    unsigned value_bits, vote_bits, bit_bits, weight_bits, norm_bits; /* ring widths */
};

/** Coordinates of block j. */
static inline size_t fed_codec_block_length(const fed_codec *c, size_t j)
{
    return c->starts[j + 1] - c->starts[j];
}

/** Coordinates that one device sends: those of the round, or k of them. */
size_t fed_codec_travelling(const fed_codec *c, const fed_codec_round *round);
/** How many free blocks are voted on in a version. */
size_t fed_codec_votes(const fed_codec *c, uint64_t version);

/* fed_codec_sum.exact counts in units of clip * 2^-40. */
enum { FED_CODEC_EXACT_BITS = 40 };

#endif
