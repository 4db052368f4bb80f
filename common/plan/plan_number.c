/*
 * Numbers of the resolved plan. Its bytes are hashed, so two machines must print one double
 * alike: the shortest digits that read back as the same double, laid out as ECMAScript does
 * (RFC 8785 section 3.2.2.3). Digits come from printf's %e, which is exact; the decimal
 * point, which depends on the locale, is skipped.
 */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct digits {
    char d[20];
    int n;        /* digits, no zero at either end unless the value is zero */
    int exponent; /* value = 0.d₁d₂… · 10^exponent */
} digits;

static void split(digits *out, double magnitude, int precision)
{
    char text[64];
    snprintf(text, sizeof text, "%.*e", precision - 1, magnitude);
    out->n = 0;
    const char *p = text;
    for (; *p && *p != 'e'; p++)
        if (*p >= '0' && *p <= '9') out->d[out->n++] = *p;
    out->exponent = *p ? (int)strtol(p + 1, NULL, 10) + 1 : 1;
    while (out->n > 1 && out->d[out->n - 1] == '0')
        out->n--;
}

static bool reads_back(const digits *d, double magnitude)
{
    char text[64];
    double back;
    int n = snprintf(text, sizeof text, "%c.%.*se%d", d->d[0], d->n - 1, d->d + 1,
                     d->exponent - 1);
    if (d->n == 1) n = snprintf(text, sizeof text, "%ce%d", d->d[0], d->exponent - 1);
    return fed_text_to_double(text, (size_t)n, &back) && back == magnitude;
}

static int lay_out(char *out, size_t room, const digits *d)
{
    int e = d->exponent;
    if (d->n <= e && e <= 21)
        return snprintf(out, room, "%.*s%.*s", d->n, d->d, e - d->n,
                        "000000000000000000000");
    if (0 < e && e <= 21)
        return snprintf(out, room, "%.*s.%.*s", e, d->d, d->n - e, d->d + e);
    if (-6 < e && e <= 0)
        return snprintf(out, room, "0.%.*s%.*s", -e, "000000", d->n, d->d);
    return snprintf(out, room, "%c%s%.*se%+d", d->d[0], d->n > 1 ? "." : "", d->n - 1,
                    d->d + 1, e - 1);
}

size_t fed_plan_print_number(char out[FED_PLAN_NUMBER_CHARS], double value)
{
    digits d;
    size_t sign = value < 0;
    double magnitude = sign ? -value : value;
    for (int precision = 1; precision <= 17; precision++) {
        split(&d, magnitude, precision);
        if (reads_back(&d, magnitude)) break;
    }
    if (sign) out[0] = '-';
    return sign + (size_t)lay_out(out + sign, FED_PLAN_NUMBER_CHARS - sign, &d);
}
