/*
 * What is public in one model version: the norm to clip at, the step of the integers, and which
 * coordinates travel. The server decides it, publishes it with the version as a small blob,
 * and a device knows it before it trains.
 */
#ifndef FED_CODEC_ROUND_H
#define FED_CODEC_ROUND_H

#include "codec_config.h"

/** A checked configuration and what follows from it (block table, ring widths). Immutable,
 *  so threads may share it. */
typedef struct fed_codec fed_codec;

/** Check `config` (as fed_codec_check) and derive. The configuration is copied. */
FED_MUST_CHECK fed_status fed_codec_new(fed_codec **out, const fed_codec_config *config,
                                        bool secagg, fed_error *err);
void fed_codec_free(fed_codec *codec);
/** Borrowed; `boundaries` is a copy of the codec's own. */
const fed_codec_config *fed_codec_config_of(const fed_codec *codec);

typedef enum fed_codec_support {
    FED_CODEC_ALL = 0,    /* every coordinate (dense, warm-up, top_k) */
    FED_CODEC_RANDOM = 1, /* drawn from the stream (seed, SUPPORT, version) */
    FED_CODEC_CHOSEN = 2  /* the listed blocks */
} fed_codec_support;

/** Public state of one version. Immutable once made; threads may share it. Read its fields,
 *  do not write them. */
typedef struct fed_codec_round {
    uint64_t version;
    double clip; /* L2 norm */
    double step; /* one integer step, in units of the update */
    fed_codec_support support;
    uint32_t *blocks; /* ascending; NULL with FED_CODEC_ALL */
    size_t n_blocks;
    size_t m;        /* coordinates that travel */
    uint32_t *signs; /* sign bits of the rotation; NULL without */
} fed_codec_round;

/** Round of the first version: clip from the configuration; the support is all
 *  coordinates (dense, warm-up) or public and random. */
FED_MUST_CHECK fed_status fed_codec_round_first(const fed_codec *codec, uint64_t version,
                                                fed_codec_round **out, fed_error *err);
void fed_codec_round_free(fed_codec_round *round);

/** Append the blob that is published with the version. Deterministic. */
FED_MUST_CHECK fed_status fed_codec_round_encode(const fed_codec *codec,
                                                 const fed_codec_round *round,
                                                 fed_bytes *out, fed_error *err);
/** Parse a blob from outside; only the canonical encoding of a round that fits `codec` is
 *  accepted (FED_E_FORMAT). */
FED_MUST_CHECK fed_status fed_codec_round_parse(const fed_codec *codec, fed_span blob,
                                                fed_codec_round **out, fed_error *err);
/** SHA-256 of the blob: a cohort holds updates of exactly one. */
FED_MUST_CHECK fed_status fed_codec_round_address(const fed_codec *codec,
                                                  const fed_codec_round *round,
                                                  uint8_t address[32], fed_error *err);
/** A random support of the version, or the listed blocks, as FED_CODEC_CHOSEN; used by the
 *  server half. `blocks` is copied, ascending. */
FED_MUST_CHECK fed_status fed_codec_round_make(const fed_codec *codec, uint64_t version,
                                               double clip, fed_codec_support support,
                                               const uint32_t *blocks, size_t n_blocks,
                                               fed_codec_round **out, fed_error *err);

/** The named vectors of a version, in the order in which they are sent. */
enum { FED_CODEC_VECTORS_MAX = 4 }; /* weight and norms never stand beside a bit */
typedef struct fed_codec_shape {
    const char *name; /* "values", "votes", "bit", "weight", "norms"; static */
    unsigned bits;    /* B */
    size_t n;
} fed_codec_shape;

/** Fill `shapes`; returns how many there are. With a select or quantise that is not linear
 *  there are none: such an update travels as bytes (fed_codec_update.upload). */
size_t fed_codec_shapes(const fed_codec *codec, const fed_codec_round *round,
                        fed_codec_shape shapes[FED_CODEC_VECTORS_MAX]);
/** Bounds that hold for every version: coordinates that travel, over how many of them at
 *  least a rotation spreads a vector (1: not rotated), entries of the votes (0: none). */
typedef struct fed_codec_extent {
    size_t values, spread, votes;
} fed_codec_extent;
fed_codec_extent fed_codec_extent_of(const fed_codec *codec);

/** True when updates are sums of ring vectors, false when they are bytes. */
bool fed_codec_is_linear(const fed_codec *codec);
/** Bytes that one device uploads in this round: the packed vectors, or a bound for bytes. */
size_t fed_codec_upload_bytes(const fed_codec *codec, const fed_codec_round *round);

#endif
