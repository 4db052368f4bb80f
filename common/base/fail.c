#include "fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *fed_status_name(fed_status status)
{
    static const char *const names[] = {
        "ok",      "invalid",      "format",      "out of memory", "limit",
        "crypto",  "not verified", "i/o",         "not found",     "exists",
        "state",   "refused",      "unsupported", "again",         "timeout",
        "numeric", "budget spent", "internal"};
    size_t i = (size_t)status;
    return i < sizeof names / sizeof *names ? names[i] : "unknown";
}

fed_status fed_fail(fed_error *err, fed_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        err->status = status;
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return status;
}

fed_status fed_fail_in(fed_error *err, fed_status status, const char *format, ...)
{
    if (err && status != FED_OK) {
        char inner[sizeof err->text];
        memcpy(inner, err->text, sizeof inner);
        va_list args;
        va_start(args, format);
        int n = vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        if (n > 0 && (size_t)n < sizeof err->text) {
            size_t left = sizeof err->text - (size_t)n;
            int m = snprintf(err->text + n, left, ": %s", inner);
            (void)m; /* a text cut short still names the place first */
        }
        err->status = status;
    }
    return status;
}

fed_status fed_fail_nomem(fed_error *err, unsigned long long bytes)
{
    return fed_fail(err, FED_E_NOMEM, "out of memory: %llu bytes", bytes);
}
