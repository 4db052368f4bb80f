#include "adaptive_clip.h"

#include <math.h>
#include <string.h>

#include "distributed.h"

fed_status fed_adaptive_clip_derive(fed_adaptive_clip *clip, double z, uint32_t n,
                                    uint32_t n_max, uint32_t shares, double quantile,
                                    double rate, double bit_sigma, fed_error *err)
{
    memset(clip, 0, sizeof *clip);
    if (!(z > 0) || !n || n_max < n || !shares)
        return fed_fail(err, FED_E_INVALID,
                        "adaptive clip: z %g, n %u, n_max %u, shares %u", z, n, n_max,
                        shares);
    clip->z = z;
    clip->quantile = quantile != 0 ? quantile : 0.5;
    clip->rate = rate != 0 ? rate : 0.2;
    clip->bit_sigma = bit_sigma != 0 ? bit_sigma : n / 20.0;
    if (!(clip->quantile > 0 && clip->quantile < 1) ||
        !(clip->rate > 0 && clip->rate <= 10) || !(clip->bit_sigma > 0))
        return fed_fail(err, FED_E_INVALID,
                        "adaptive clip: quantile %g, rate %g, bit sigma %g",
                        clip->quantile, clip->rate, clip->bit_sigma);
    double twice = 2 * clip->bit_sigma;
    if (z >= twice)
        return fed_fail(err, FED_E_REFUSED,
                        "privacy.adaptive.bit_sigma: the noise multiplier %g is not "
                        "below twice it, %g: "
                        "the count alone would spend more than the whole release may",
                        z, twice);
    clip->z_update = 1 / sqrt(1 / (z * z) - 1 / (twice * twice));
    double share_of_one = twice / sqrt((double)shares);
    clip->unit = (int64_t)ceil(FED_SIGMA_LOCAL_MIN / share_of_one);
    if (clip->unit < 1) clip->unit = 1;
    clip->unit_sigma = (double)clip->unit * share_of_one;
    double reach =
        n_max * (double)clip->unit + 16 * clip->unit_sigma * sqrt((double)n_max);
    clip->bits = (unsigned)ceil(log2(2 * reach + 1));
    return FED_OK;
}

int64_t fed_adaptive_clip_bit(const fed_adaptive_clip *clip, bool within)
{
    return within ? clip->unit : -clip->unit;
}

double fed_adaptive_clip_next(const fed_adaptive_clip *clip, double current, int64_t sum,
                              uint32_t n)
{
    double b = 0.5 + (double)sum / (2.0 * (double)clip->unit * n);
    b = fmin(1, fmax(0, b));
    return current * exp(-clip->rate * (b - clip->quantile));
}
