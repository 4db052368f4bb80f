#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

static fed_log_level threshold = FED_LOG_OFF;
static fed_log_sink chosen_sink;
static void *chosen_ctx;

void fed_log_configure(fed_log_level from, fed_log_sink sink, void *ctx)
{
    threshold = from;
    chosen_sink = sink;
    chosen_ctx = ctx;
}

int fed_log_level_from_name(const char *name)
{
    for (int i = 0; i <= FED_LOG_OFF; i++)
        if (strcmp(name, level_names[i]) == 0) return i;
    return -1;
}

static void format_time(char *out, size_t size)
{
    int64_t ms = fed_clock_wall_ms();
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    size_t n = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out + n, size - n, ".%03dZ", (int)(ms % 1000));
}

/* One character of a JSON string, escaped. */
static size_t put_escaped(char *to, size_t left, char c)
{
    if (c == '"' || c == '\\') return (size_t)snprintf(to, left, "\\%c", c);
    if ((unsigned char)c < 0x20)
        return (size_t)snprintf(to, left, "\\u%04x", (unsigned)c);
    return (size_t)snprintf(to, left, "%c", c);
}

/* key=value key="two words" as the members of a JSON object. */
static void fields_to_json(const char *p, char *to, size_t size)
{
    size_t n = 0;
    to[0] = 0;
    while (*p && n + 16 < size) {
        n += (size_t)snprintf(to + n, size - n, ",\"");
        while (*p && *p != '=' && n + 16 < size)
            n += put_escaped(to + n, size - n, *p++);
        n += (size_t)snprintf(to + n, size - n, "\":\"");
        if (*p == '=') p++;
        char end = ' ';
        if (*p == '"') end = *p++;
        while (*p && *p != end && n + 16 < size)
            n += put_escaped(to + n, size - n, *p++);
        n += (size_t)snprintf(to + n, size - n, "\"");
        while (*p && (*p == end || *p == ' '))
            p++;
    }
}

void fed_log_to_stderr(fed_log_level level, const char *event, const char *fields)
{
    char when[40], line[2600];
    format_time(when, sizeof when);
    if (isatty(STDERR_FILENO)) {
        snprintf(line, sizeof line, "%s %-5s %s%s%s\n", when, level_names[level], event,
                 *fields ? " " : "", fields);
    } else {
        char members[2400];
        fields_to_json(fields, members, sizeof members);
        snprintf(line, sizeof line,
                 "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"%s}\n", when,
                 level_names[level], event, members);
    }
    fputs(line, stderr); /* one call, one line: lines of threads do not mix */
}

void fed_log(fed_log_level level, const char *event, const char *fields, ...)
{
    if (level < threshold || threshold == FED_LOG_OFF) return;
    char text[1024];
    va_list args;
    va_start(args, fields);
    vsnprintf(text, sizeof text, fields, args);
    va_end(args);
    if (chosen_sink)
        chosen_sink(chosen_ctx, level, event, text);
    else
        fed_log_to_stderr(level, event, text);
}
