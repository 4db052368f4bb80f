/* Inside the codec: unbiased stochastic rounding, tile by tile, from reals to integers or
 * straight into a ring. */
#ifndef FED_ROUNDING_H
#define FED_ROUNDING_H

#include "codec_device.h"
#include "codec_kernels.h"

/* Key stream ids: the first 8 bytes of the first counter block. */
enum { FED_ROUNDING_VALUES = 1, FED_ROUNDING_VOTES = 2, FED_ROUNDING_BIT = 3 };

typedef struct fed_rounding {
    const float *x;
    size_t n;
    float inverse; /* reals are x * inverse */
    fed_round_range range;
    int32_t offset; /* added to each integer */
    const uint8_t *key;
    uint64_t stream;
    int32_t *integers; /* where they go: here, or */
    fed_ring *ring;    /* here (offset included) */
} fed_rounding;

/** Round all; the number that saturated goes to `saturated`. FED_E_CRYPTO, FED_E_NOMEM. */
FED_MUST_CHECK fed_status fed_rounding_run(const fed_rounding *r, uint64_t *saturated,
                                           const fed_parallel *parallel, fed_error *err);

#endif
