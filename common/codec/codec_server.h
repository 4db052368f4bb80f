/*
 * The server's half: sums become the mean update, and the public state of the next version.
 */
#ifndef FED_CODEC_SERVER_H
#define FED_CODEC_SERVER_H

#include "codec_device.h"

/** The sum over a cohort: ring vectors of the round's shapes, or, for updates that travel as
 *  bytes, exact integers. The result does not depend on the order of arrival. */
typedef struct fed_codec_sum {
    fed_codec_vector vectors[FED_CODEC_VECTORS_MAX]; /* secure aggregation writes here */
    size_t n_vectors;
    int64_t *exact;  /* bytes: int64[d] in units of clip * 2^-40; else NULL */
    uint64_t weight; /* bytes: sum of weights */
    uint32_t norms[FED_CODEC_NORM_BUCKETS]; /* bytes: histogram of norms */
    uint32_t n; /* contributors; set it when the vectors were written directly */
} fed_codec_sum;

FED_MUST_CHECK fed_status fed_codec_sum_init(const fed_codec *codec,
                                             const fed_codec_round *round,
                                             fed_codec_sum *sum, fed_error *err);
void fed_codec_sum_fini(fed_codec_sum *sum);
/** Add a device's vectors. FED_E_LIMIT beyond n_max contributors. */
FED_MUST_CHECK fed_status fed_codec_sum_add(const fed_codec *codec, fed_codec_sum *sum,
                                            const fed_codec_update *update,
                                            fed_error *err);
/** Add one upload as it came over the wire: the packed vectors one behind the other, or the
 *  bytes. Hostile bytes are refused (FED_E_FORMAT) and leave the sum unchanged. */
FED_MUST_CHECK fed_status fed_codec_sum_add_bytes(const fed_codec *codec,
                                                  const fed_codec_round *round,
                                                  fed_codec_sum *sum, fed_span upload,
                                                  fed_error *err);
/** Append what fed_codec_sum_add_bytes() reads. */
FED_MUST_CHECK fed_status fed_codec_update_write(const fed_codec_update *update,
                                                 fed_bytes *out, fed_error *err);

/** How the sum is divided. */
typedef struct fed_codec_divisor {
    uint32_t fixed; /* 0: by the sum of weights; else by this (DP: a fixed denominator) */
} fed_codec_divisor;

/** What the server learns from a cohort besides the mean. */
typedef struct fed_codec_outcome {
    uint32_t n;       /* contributors */
    uint64_t weight;  /* sum of their weights */
    double mean_norm; /* L2 norm of the mean update */
    size_t travelled; /* coordinates that travelled */
} fed_codec_outcome;

/** Write the mean update into float32[d]: zero where nothing travelled. FED_E_INVALID when
 *  the sum has no contributor, weights below n, or another shape than the round. On the grid a
 *  ring may be wider than the round's: whoever holds the sum may have added to it. */
FED_MUST_CHECK fed_status fed_codec_decode(const fed_codec *codec,
                                           const fed_codec_round *round,
                                           const fed_codec_sum *sum,
                                           fed_codec_divisor divisor, float *mean,
                                           fed_codec_outcome *outcome,
                                           const fed_parallel *parallel, fed_error *err);

/** What the server remembers of votes; belongs to its stored state. */
typedef struct fed_codec_memory {
    uint32_t *scores; /* one for each block; NULL without votes */
    size_t n;
} fed_codec_memory;

FED_MUST_CHECK fed_status fed_codec_memory_init(const fed_codec *codec,
                                                fed_codec_memory *memory, fed_error *err);
void fed_codec_memory_fini(fed_codec_memory *memory);
FED_MUST_CHECK fed_status fed_codec_memory_encode(const fed_codec_memory *memory,
                                                  fed_bytes *out, fed_error *err);
/** FED_E_FORMAT unless the bytes are a memory of this codec. */
FED_MUST_CHECK fed_status fed_codec_memory_parse(const fed_codec *codec, fed_span bytes,
                                                 fed_codec_memory *out, fed_error *err);

/** The round of the next version: blocks by the votes in `sum` and in `memory` (which is
 *  updated). `sum` is NULL when a version brought none. `clip` > 0 sets the next norm (DP);
 *  0 keeps it, or with clip_auto lets it follow the histogram of norms. */
FED_MUST_CHECK fed_status fed_codec_round_next(const fed_codec *codec,
                                               const fed_codec_round *round,
                                               const fed_codec_sum *sum,
                                               fed_codec_memory *memory, uint64_t version,
                                               double clip, fed_codec_round **out,
                                               fed_error *err);

#endif
