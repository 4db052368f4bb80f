/* What the HTTP threads count, for /metrics. */
#ifndef FED_HTTP_COUNTERS_H
#define FED_HTTP_COUNTERS_H

#include <stdatomic.h>

enum { FED_STATUS_CLASSES = 6 };

typedef struct fed_http_counters {
    atomic_ullong answers[FED_STATUS_CLASSES]; /* by the first digit of their status */
    atomic_uint connections;
    atomic_uint slots_used; /* of config.upload_slots */
} fed_http_counters;

#endif
