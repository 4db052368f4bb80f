/* What the codec is asked to do, in plain numbers, and whether that is sound. */
#ifndef FED_CODEC_CONFIG_H
#define FED_CODEC_CONFIG_H

#include "base.h"

typedef enum fed_codec_select {
    FED_CODEC_DENSE,  /* every coordinate travels */
    FED_CODEC_VOTED,  /* blocks that the devices of earlier versions voted for */
    FED_CODEC_RAND_K, /* blocks drawn anew for each version from the public stream */
    FED_CODEC_TOP_K   /* each device's own largest coordinates (no secure aggregation) */
} fed_codec_select;

typedef enum fed_codec_quantise {
    FED_CODEC_BITS, /* 2^bits levels over a public range, stochastic rounding */
    FED_CODEC_GRID, /* whole multiples of a public step without a range: with DP noise */
    FED_CODEC_SIGN, /* one bit and a scale per device (no secure aggregation) */
    FED_CODEC_FLOAT32 /* as they are (no secure aggregation) */
} fed_codec_quantise;

typedef enum fed_codec_rotate { FED_CODEC_PLAIN, FED_CODEC_HADAMARD } fed_codec_rotate;
typedef enum fed_codec_weight { FED_CODEC_UNIFORM, FED_CODEC_EXAMPLES } fed_codec_weight;

enum {
    FED_CODEC_D_MAX = 0x7fffffff,    /* coordinates */
    FED_CODEC_BITS_MAX = 16,         /* quantise.bits */
    FED_CODEC_VOTE_BITS_MAX = 8,     /* vote_bits */
    FED_CODEC_BLOCK_MAX = 1 << 20,   /* coordinates of a block */
    FED_CODEC_N_MAX = 1 << 20,       /* members of a cohort */
    FED_CODEC_WEIGHT_MAX = 1 << 20,  /* max_weight */
    FED_CODEC_VOTE_PERIOD_MAX = 64,  /* vote_period */
    FED_CODEC_WARM_UP_MAX = 1 << 20, /* warm_up */
    FED_CODEC_NORM_BUCKETS = 32      /* of the histogram of norms (clip_auto) */
};

/** Everything that both halves must agree on. Fill it with fed_codec_config_init(), then
 *  set what the resolved plan says. */
typedef struct fed_codec_config {
    size_t d; /* coordinates of an update */
    fed_codec_select select;
    double fraction; /* (0, 1]: coordinates that travel; not with dense */
    uint32_t block;  /* coordinates per block (voted, rand_k) */
    const uint32_t
        *boundaries; /* borrowed: offsets (ascending) that no block crosses, such
                                    as where tensors start; may be NULL */
    size_t n_boundaries;
    uint32_t always_below; /* stretches between boundaries with at most this many
                                    coordinates always travel and are not voted on; 0: none */

    unsigned vote_bits;   /* 1..8 bits per vote */
    unsigned vote_period; /* each block is voted on in every vote_period-th version */
    double vote_memory;   /* [0, 1): share of the old votes that is kept */
    double explore;       /* [0, 1): share of the support drawn at random */
    uint32_t warm_up;     /* versions, counted from 0, in which all travels */

    double vote_clip; /* grid: L2 norm of the votes, in units of a vote's last bit */
    unsigned vote_ring_bits; /* grid: B of the votes, read as signed numbers */

    /* grid: each device says whether its norm was within the clip, as +bit_unit or -bit_unit */
    double bit_unit;
    unsigned bit_ring_bits; /* B of that; 0: it does not */

    bool residual;         /* the device keeps what did not travel */
    double residual_decay; /* [0, 1]: factor per version missed */
    double residual_cap;   /* its norm stays below this many clip norms */

    fed_codec_rotate rotate;
    bool one_rotation; /* that of version 0 in all versions, so that noise which is
                                    correlated over versions meets its like */
    fed_codec_quantise quantise;
    unsigned bits;      /* 1..16: of a level (bits), of a value (top_k with bits) */
    double tail;        /* bits: half the range, in standard deviations of a
                                    rotated coordinate of an update of norm clip */
    double grid;        /* grid: steps per clip norm */
    unsigned ring_bits; /* B of the values; 0: the least that cannot overflow
                                    (with grid it must be given) */

    fed_codec_weight weight;
    uint32_t max_weight;  /* examples: weights are 1..max_weight; else 1 */
    uint32_t n_max;       /* members of a cohort at most */
    double clip;          /* L2 norm, after weighting; the first one with clip_auto */
    bool clip_auto;       /* later clips follow the cohort's histogram of norms */
    double clip_quantile; /* (0, 1): share of the updates that is not clipped */
    uint8_t seed[FED_SEED_BYTES]; /* the task's public seed */
} fed_codec_config;

/** Defaults: dense, rotated, 8 bits, uniform weights, clip 1; for votes and residuals what
 *  did best in docs/decisions/007-cheap-votes.md. d and n_max are zero. */
void fed_codec_config_init(fed_codec_config *c);

/** FED_OK when the combination is in bounds and sound. FED_E_INVALID: a number out of its
 *  bounds. FED_E_REFUSED: what secure aggregation cannot carry, with the reason. Field
 *  names in the texts are those of the plan's `update`. */
FED_MUST_CHECK fed_status fed_codec_check(const fed_codec_config *c, bool secagg,
                                          fed_error *err);

#endif
