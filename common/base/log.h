/*
 * One log: an event name and key=value fields. A terminal gets logfmt, anything else one
 * JSON object per line. What should stay on a device is never a field.
 *
 *   fed_log(FED_LOG_INFO, "cohort_closed", "cohort=%s survivors=%u", id, n);
 *
 * The fields are a printf format of space-separated key=value pairs; a value with spaces is
 * written in double quotes: error=\"%s\".
 */
#ifndef FED_LOG_H
#define FED_LOG_H

#include "public/fed/status.h"

typedef enum fed_log_level {
    FED_LOG_DEBUG,
    FED_LOG_INFO,
    FED_LOG_WARN,
    FED_LOG_ERROR,
    FED_LOG_OFF
} fed_log_level;

/** Receives each event; `fields` is the formatted key=value text. */
typedef void (*fed_log_sink)(void *ctx, fed_log_level level, const char *event,
                             const char *fields);

/** Where events go (NULL: standard error) and from which level on. Not thread-safe: call it
 *  before threads start. Without a call nothing is logged (a library stays silent). */
void fed_log_configure(fed_log_level from, fed_log_sink sink, void *ctx);
/** Log one event. Thread-safe. */
void fed_log(fed_log_level level, const char *event, const char *fields, ...)
    FED_PRINTF(3, 4);
/** What the default sink does, for sinks that only stand in front of it. Thread-safe. */
void fed_log_to_stderr(fed_log_level level, const char *event, const char *fields);
/** The level of a name (debug, info, warn, error, off), or -1. */
int fed_log_level_from_name(const char *name);

#endif
