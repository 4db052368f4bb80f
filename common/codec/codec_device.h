/*
 * The device's half: an update becomes ring vectors (or bytes), and a residual.
 *
 * The residual is updated "as if delivered": write `residual_out` to disk in the step that marks
 * the update as spent, never before, and do not restore it after an abort.
 */
#ifndef FED_CODEC_DEVICE_H
#define FED_CODEC_DEVICE_H

#include "codec_round.h"
#include "ring.h"

enum { FED_CODEC_KEY_BYTES = 32 };

/** The place of differential privacy in the pipeline. `round` turns `n` reals, in units
 *  of one integer step, into integers, noise included; it may change the reals. `norm` bounds
 *  their L2 norm before rounding. `key` is the update's, for draws of its own: the codec
 *  itself uses it for nothing else then. `vector` is "values", "votes" or "bit".
 *  Pure; called once
 *  per vector. */
typedef struct fed_codec_rounder {
    fed_status (*round)(void *ctx, const char *vector, float *reals, size_t n,
                        double norm, const uint8_t *key, int64_t *out, fed_error *err);
    void *ctx;
} fed_codec_rounder;

/** What goes in. All pointers are borrowed. */
typedef struct fed_codec_input {
    const float *delta;    /* float32[d]: trained minus received */
    const float *residual; /* float32[d] of the version last delivered, or NULL */
    uint64_t missed;       /* versions between that one and this, for the decay */
    float *residual_out;   /* float32[d] to fill, or NULL; may be `residual` */
    uint32_t weight;       /* 1..max_weight */
    const uint8_t *key;    /* 32 secret bytes, new for each update: rounding */
    const fed_codec_rounder *rounder; /* NULL: unbiased stochastic rounding */
    const fed_parallel *parallel;
} fed_codec_input;

/** What the device may log: nothing of it leaves the device by itself. */
typedef struct fed_codec_report {
    double norm;          /* L2 norm of what was selected, weighted, before clipping */
    double residual_norm; /* of what is kept, after the cap */
    bool clipped, non_finite; /* non_finite: NaN or infinity, sent as the zero vector */
    uint64_t saturated; /* coordinates outside the public range; with a rounder, those
                                 that wrap around in the ring already */
} fed_codec_report;

typedef struct fed_codec_vector {
    const char *name; /* static */
    fed_ring ring;
} fed_codec_vector;

/** What comes out: ring vectors in the order of fed_codec_shapes(), or bytes. */
typedef struct fed_codec_update {
    fed_codec_vector vectors[FED_CODEC_VECTORS_MAX];
    size_t n_vectors;
    fed_bytes upload;
    fed_codec_report report;
} fed_codec_update;

/** Encode one update. `out` is filled (release it with fed_codec_update_fini), empty on
 *  failure. FED_E_INVALID for a weight out of bounds, a rounder without `grid`. */
FED_MUST_CHECK fed_status fed_codec_encode(const fed_codec *codec,
                                           const fed_codec_round *round,
                                           const fed_codec_input *in,
                                           fed_codec_update *out, fed_error *err);
/** Wipe and release. */
void fed_codec_update_fini(fed_codec_update *update);

/* The stages, callable one by one. */

/** L2 norm of x in float64: a fixed order of additions, the same on every processor. */
double fed_codec_norm(const float *x, size_t n, const fed_parallel *parallel);
/** Scale x to norm <= clip; NaN or infinity gives the zero vector. Fills norm, clipped and
 *  non_finite of `report`; returns the factor applied. */
float fed_codec_clip(float *x, size_t n, double clip, fed_codec_report *report,
                     const fed_parallel *parallel);
/** Rotate the m coordinates of a round in place (nothing without rotation); and back. */
void fed_codec_rotate_forward(const fed_codec_round *round, float *x,
                              const fed_parallel *parallel);
void fed_codec_rotate_back(const fed_codec_round *round, float *x,
                           const fed_parallel *parallel);
/** Round reals (in steps) to integers without bias (to 2^-24 of a step). Entry i uses word i of
 *  the key stream (key, stream id), so other ids give other roundings of the same reals. Reals
 *  beyond 2^30 saturate there. FED_E_CRYPTO when the key stream fails. */
FED_MUST_CHECK fed_status fed_codec_round_reals(const float *reals, size_t n,
                                                const uint8_t key[FED_CODEC_KEY_BYTES],
                                                uint64_t stream, int32_t *out,
                                                fed_error *err);

#endif
