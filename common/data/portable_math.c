/* log: x = m 2^e with m in [1/sqrt 2, sqrt 2), then ln m = 2 artanh((m-1)/(m+1)) as a
 * series. exp: x = k ln 2 + r with |r| <= ln 2 / 2, then the Taylor series of e^r, times
 * 2^k. frexp, ldexp, floor and sqrt are exact or correctly rounded everywhere (IEEE 754,
 * 5.4.1). */
#include "portable_math.h"

#include <math.h>

/* ln 2 in two parts: the first has 33 significant bits, so that k times it is exact. */
static const double LN2_HIGH = 0x1.62e42feep-1, LN2_LOW = 0x1.a39ef35793c76p-33;

double fed_portable_log(double x)
{
    int e;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752) m *= 2, e--;
    double s = (m - 1) / (m + 1), square = s * s, sum = 0;
    for (int k = 23; k >= 1; k -= 2) /* |s| < 0.172, so s^25 is below 2^-63 */
        sum = sum * square + 1.0 / k;
    return e * LN2_HIGH + (2 * s * sum + e * LN2_LOW);
}

double fed_portable_exp(double x)
{
    if (x < -708) return 0;
    if (x > 708) x = 708;
    double k = floor(x / (LN2_HIGH + LN2_LOW) + 0.5);
    double r = (x - k * LN2_HIGH) - k * LN2_LOW, sum = 1;
    for (int n = 14; n >= 1; n--) /* 0.347^15 / 15! is below 2^-63 */
        sum = 1 + sum * r / n;
    return ldexp(sum, (int)k);
}

double fed_portable_normal(fed_stream *s)
{
    for (;;) {
        double u = 2 * fed_stream_uniform_double(s) - 1;
        double v = 2 * fed_stream_uniform_double(s) - 1;
        double r = u * u + v * v;
        if (r > 0 && r < 1) return u * sqrt(-2 * fed_portable_log(r) / r);
    }
}
