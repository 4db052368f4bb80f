/*
 * Inside the codec: the loops that cost time, once for each kernel path. All paths give the
 * same bits: a butterfly is one addition and one subtraction whatever the order in which
 * butterflies of a level are done, and sums have a fixed shape.
 */
#ifndef FED_CODEC_KERNELS_H
#define FED_CODEC_KERNELS_H

#include "base.h"

enum {
    FED_CODEC_TILE = 4096, /* entries that one call works on, and a thread at a time */
    FED_HADAMARD_BLOCK = 1 << 13 /* entries that stay in the first-level cache */
};

/** Public range of rounded reals, in steps. */
typedef struct fed_round_range {
    float half;  /* reals beyond +-half saturate */
    float shift; /* grid points lie at whole numbers + shift */
} fed_round_range;

typedef struct fed_codec_kernels {
    /** Sum of squares in float64: 16 running sums, added pairwise at the end. */
    double (*energy)(const float *x, size_t n);
    /** u = (delta + decay * residual) * weight; `residual` may be NULL. */
    void (*combine)(float *u, const float *delta, const float *residual, float decay,
                    float weight, size_t n);
    void (*scale)(float *x, float factor, size_t n);
    /** x = (+-1) * factor * x, the sign of entry i being bit i of `signs` (whole words). */
    void (*flip)(float *x, const uint32_t *signs, float factor, size_t n);
    /** Butterflies at distance 1, 2, 4, 8 over n entries, a multiple of 16. */
    void (*hadamard16)(float *x, size_t n);
    /** `levels` (1 to 3) butterfly levels at distance h, 2h, .. in columns from .. to-1 (from
     *  and to multiples of 16) of one group of h << levels entries. */
    void (*butterflies)(float *x, size_t h, unsigned levels, size_t from, size_t to);
    /** out = floor(x * inverse - shift) + [fraction > random], unbiased up to 2^-24;
     *  returns how many saturated. */
    size_t (*round)(const float *x, float inverse, fed_round_range range,
                    const uint32_t *random, int32_t *out, size_t n);
    /** out = (float)((double)x * unit). */
    void (*dequantise)(float *out, const int64_t *x, double unit, size_t n);
    /** Collect, ascending, each i with (keys[i] & mask) >= bound into `hits`, which has room
     *  for n + 1; returns how many. `keys` are n numbers of 32 bits, or float32. */
    size_t (*filter)(const void *keys, uint32_t mask, size_t n, uint32_t bound,
                     uint32_t *hits);
} fed_codec_kernels;

/** The table of a path (the scalar one when the path is not built in). */
const fed_codec_kernels *fed_codec_kernels_of(fed_kernel kernel);
/** The table of this processor. */
const fed_codec_kernels *fed_codec_kernels_active(void);

#endif
