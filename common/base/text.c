#include "text.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

void fed_hex_encode(char *out, const void *data, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = data;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool fed_hex_decode(void *out, size_t n, const char *text)
{
    uint8_t *to = out;
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(text[2 * i]);
        int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
        if (low < 0) return false;
        to[i] = (uint8_t)(high << 4 | low);
    }
    return text[2 * n] == 0;
}

bool fed_text_to_u64(const char *text, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    if (!*text) return false;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9') return false;
        unsigned digit = (unsigned)(*p - '0');
        if (v > (UINT64_MAX - digit) / 10) return false;
        v = v * 10 + digit;
    }
    if (v > max) return false;
    *out = v;
    return true;
}

bool fed_text_to_i64(const char *text, int64_t min, int64_t max, int64_t *out)
{
    bool negative = *text == '-';
    uint64_t magnitude;
    if (!fed_text_to_u64(text + negative, (uint64_t)INT64_MAX, &magnitude)) return false;
    int64_t v = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    if (v < min || v > max) return false;
    *out = v;
    return true;
}

static locale_t c_locale;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static locale_t get_c_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_c_locale);
    return c_locale;
}

/* strtod on a bounded copy; only digits, sign, point and exponent are let through, so that
 * "nan", "inf", hexadecimal and leading space are not numbers. */
static bool copy_number(char copy[64], const char *text, size_t n)
{
    if (n == 0 || n >= 64) return false;
    for (size_t i = 0; i < n; i++)
        if (!strchr("0123456789+-.eE", text[i]) || !text[i]) return false;
    memcpy(copy, text, n);
    copy[n] = 0;
    return true;
}

typedef double number_reader(const char *, char **);

static double read_double(const char *text, char **end)
{
    return strtod(text, end);
}

static double read_float(const char *text, char **end)
{
    return strtof(text, end);
}

static bool to_number(const char *text, size_t n, number_reader *read, double *out)
{
    char copy[64], *end;
    if (!copy_number(copy, text, n)) return false;
    locale_t c = get_c_locale();
    locale_t before = c ? uselocale(c) : (locale_t)0;
    double v = read(copy, &end);
    if (before) uselocale(before);
    if (*end || end == copy || !isfinite(v)) return false;
    *out = v;
    return true;
}

bool fed_text_to_double(const char *text, size_t n, double *out)
{
    return to_number(text, n, read_double, out);
}

bool fed_text_to_float(const char *text, size_t n, float *out)
{
    double v;
    if (!to_number(text, n, read_float, &v)) return false;
    *out = (float)v;
    return true;
}
