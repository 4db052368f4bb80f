/* What operators see: queries that the engine's thread answers in JSON or text. */
#ifndef FED_OPERATOR_JSON_H
#define FED_OPERATOR_JSON_H

#include "exchange.h"

fed_exchange_query fed_query_server;      /* GET /v1/server */
fed_exchange_query fed_query_tasks;       /* GET /v1/tasks */
fed_exchange_query fed_query_task;        /* GET /v1/tasks/{id} */
fed_exchange_query fed_query_trace;       /* GET /v1/tasks/{id}/trace */
fed_exchange_query fed_query_versions;    /* GET /v1/tasks/{id}/versions */
fed_exchange_query fed_query_evaluations; /* GET /v1/tasks/{id}/evaluations */
fed_exchange_query fed_query_health;      /* GET /healthz, /readyz */
fed_exchange_query fed_query_metrics;     /* GET /metrics */

#endif
