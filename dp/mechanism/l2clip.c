#include "l2clip.h"

#include <math.h>
#include <string.h>

/* Two passes: squares of floats cannot overflow a double, so only a NaN or an infinity among
 * the inputs makes the sum not finite. */
fed_status fed_clip_l2(float *x, size_t n, double clip, fed_clip_report *report,
                       fed_error *err)
{
    if (!(clip > 0 && isfinite(clip)))
        return fed_fail(err, FED_E_INVALID, "update.clip: %g must be above 0", clip);
    fed_clip_report r = {0, false, false};
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    if (!isfinite(sum)) {
        memset(x, 0, n * sizeof *x);
        r.zeroed = true;
    } else {
        r.norm = sqrt(sum);
        r.clipped = r.norm > clip;
        double factor = r.clipped ? clip / r.norm : 1;
        for (size_t i = 0; r.clipped && i < n; i++)
            x[i] = (float)(x[i] * factor);
    }
    if (report) *report = r;
    return FED_OK;
}
