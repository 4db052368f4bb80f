#include "conditional_rounding.h"

#include <math.h>
#include <string.h>

#include "sampling/bernoulli.h"

enum { BLOCK = 256 };

/* floor(delta2^2) for delta2 < 2^60, exactly: delta2 = m 2^e with m of 53 bits. */
static fed_u128 exact_square(double delta2)
{
    int e;
    uint64_t m = (uint64_t)ldexp(frexp(delta2, &e), 53);
    int shift = 2 * (e - 53);
    fed_u128 square = (fed_u128)m * m;
    if (shift >= 0) return square << shift;
    return shift > -128 ? square >> -shift : 0;
}

bool fed_norm_within(const int64_t *x, size_t n, double delta2)
{
    if (!(delta2 >= 0 && delta2 < 0x1p60)) return false;
    fed_u128 bound = exact_square(delta2), sum = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t magnitude = x[i] < 0 ? 0 - (uint64_t)x[i] : (uint64_t)x[i];
        if (magnitude >= (uint64_t)1 << 60) return false;
        sum += (fed_u128)magnitude * magnitude; /* bound + 2^120 fits */
        if (sum > bound) return false;
    }
    return true;
}

static bool representable(const float *x, size_t n, double scale)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)x[i] * scale) < FED_ROUND_LIMIT)) return false;
    return true;
}

/* Each coin is fair to 2^-53: unbiased for all purposes, and privacy does not rest on it. */
static void round_stochastic(const float *x, size_t n, double scale, fed_noise *noise,
                             int64_t *out)
{
    uint64_t u[BLOCK];
    for (size_t done = 0; done < n; done += BLOCK) {
        size_t left = n - done < BLOCK ? n - done : BLOCK;
        fed_noise_words(noise, u, left);
        for (size_t i = 0; i < left; i++) {
            double value = (double)x[done + i] * scale, low = floor(value);
            double part = value - low; /* -1e-30 has floor -1 and, rounded, part 1 */
            uint64_t threshold = part < 1 ? (uint64_t)(part * 0x1p64) : UINT64_MAX;
            out[done + i] = (int64_t)low + (u[i] < threshold);
        }
    }
    fed_wipe(u, sizeof u);
}

fed_status fed_round_stochastic(const float *x, size_t n, double scale, fed_noise *noise,
                                int64_t *out, fed_error *err)
{
    if (!representable(x, n, scale))
        return fed_fail(err, FED_E_NUMERIC,
                        "rounding: a value times %g is not finite or reaches 2^52",
                        scale);
    round_stochastic(x, n, scale, noise, out);
    fed_status status = fed_noise_check(noise, err);
    if (status != FED_OK) fed_wipe(out, n * sizeof *out);
    return status;
}

static fed_rounding_outcome round_within(const float *x, size_t n, double scale,
                                         double delta2, unsigned tries, fed_noise *noise,
                                         int64_t *out, unsigned *tried)
{
    for (*tried = 0; *tried < tries;) {
        ++*tried;
        round_stochastic(x, n, scale, noise, out);
        if (fed_norm_within(out, n, delta2)) return FED_ROUND_STOCHASTIC;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = (int64_t)((double)x[i] * scale); /* toward zero: never longer */
    return fed_norm_within(out, n, delta2) ? FED_ROUND_TRUNCATED : FED_ROUND_ZEROED;
}

fed_status fed_round_conditional(const float *x, size_t n, double scale, double delta2,
                                 unsigned tries, fed_noise *noise, int64_t *out,
                                 fed_rounding_report *report, fed_error *err)
{
    fed_rounding_report r = {FED_ROUND_ZEROED, 0};
    if (!(scale > 0 && isfinite(scale)) || !(delta2 > 0 && delta2 < 0x1p60))
        return fed_fail(err, FED_E_INVALID, "rounding: scale %g, delta2 %g", scale,
                        delta2);
    if (representable(x, n, scale))
        r.outcome = round_within(x, n, scale, delta2, tries, noise, out, &r.tries);
    if (r.outcome == FED_ROUND_ZEROED) memset(out, 0, n * sizeof *out);
    if (report) *report = r;
    fed_status status = fed_noise_check(noise, err);
    if (status != FED_OK) fed_wipe(out, n * sizeof *out);
    return status;
}
