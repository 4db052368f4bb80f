/* Devices' routes are the wire room's; operators' routes are the table here. */
#include "http_routes.h"

#include <string.h>

#include "operator_json.h"
#include "round.h"

enum { CREATE_BODY = FED_PLAN_MAX_BYTES + FED_TASK_DOCUMENT_MAX + 64, STOP_BODY = 256 };

typedef struct operator_route {
    const char *method, *path; /* "*" stands for a task's 64 hex digits */
    uint32_t type;
    fed_exchange_query *query;
    size_t body_max;
} operator_route;

static const operator_route routes[] = {
    {"GET", "/v1/server", 0, fed_query_server, 0},
    {"GET", "/v1/tasks", 0, fed_query_tasks, 0},
    {"POST", "/v1/tasks", FED_REQUEST_TASK_CREATE, NULL, CREATE_BODY},
    {"GET", "/v1/tasks/*", 0, fed_query_task, 0},
    {"GET", "/v1/tasks/*/trace", 0, fed_query_trace, 0},
    {"GET", "/v1/tasks/*/versions", 0, fed_query_versions, 0},
    {"GET", "/v1/tasks/*/evaluations", 0, fed_query_evaluations, 0},
    {"POST", "/v1/tasks/*/stop", FED_REQUEST_TASK_STOP, NULL, STOP_BODY},
    {"GET", "/healthz", 0, fed_query_health, 0},
    {"GET", "/readyz", 0, fed_query_health, 0},
    {"GET", "/metrics", 0, fed_query_metrics, 0},
};

enum { N_ROUTES = sizeof routes / sizeof *routes, HEX = 64 };

/* Match a path against a pattern with at most one star. */
static bool matches(const char *pattern, const char *path, fed_address *subject)
{
    const char *star = strchr(pattern, '*');
    if (!star) return strcmp(pattern, path) == 0;
    size_t before = (size_t)(star - pattern);
    char digits[HEX + 1];
    if (strncmp(pattern, path, before) != 0 || strlen(path) < before + HEX) return false;
    memcpy(digits, path + before, HEX);
    digits[HEX] = 0;
    return fed_address_from_text(digits, subject, NULL) == FED_OK &&
           strcmp(star + 1, path + before + HEX) == 0;
}

static void answer_now(fed_exchange *x, unsigned status, const char *text)
{
    x->answered = true;
    x->status = status;
    fed_bytes_put_text(&x->answer, text);
}

static void route_operator(fed_exchange *x, const char *path, const char *method)
{
    bool path_known = false;
    for (size_t i = 0; i < N_ROUTES; i++) {
        const operator_route *r = &routes[i];
        if (!matches(r->path, path, &x->subject)) continue;
        path_known = true;
        if (strcmp(r->method, method) != 0) continue;
        x->type = r->type;
        x->query = r->query;
        fed_bytes_init(&x->body, r->body_max);
        return;
    }
    fed_bytes_init(&x->body, 0);
    if (path_known)
        answer_now(x, MHD_HTTP_METHOD_NOT_ALLOWED, "this path takes another method");
    else
        answer_now(x, FED_HTTP_NOT_FOUND, "no such path");
}

static size_t body_limit(fed_request type, const fed_server_config *config)
{
    switch (type) {
    case FED_REQUEST_CHECKIN:
        return FED_CHECKIN_JSON_MAX;
    case FED_REQUEST_PLACE:
    case FED_REQUEST_JOIN:
        return FED_JOIN_BUNDLE_MAX + FED_ENVELOPE_OVERHEAD + 64;
    default:
        return config->max_body;
    }
}

void fed_http_route(fed_exchange *x, const fed_server_config *config, const char *path,
                    const char *method)
{
    uint8_t cohort[32], body[FED_ROUTE_BODY_MAX];
    size_t n = 0;
    bool post = strcmp(method, "POST") == 0, get = strcmp(method, "GET") == 0;
    const char *after =
        MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, "after");
    fed_request type = FED_REQUEST_NONE;
    if (post || get) type = fed_request_from_path(post, path, after, cohort, body, &n);
    if (type == FED_REQUEST_NONE) {
        route_operator(x, path, method);
        return;
    }
    x->type = type;
    fed_bytes_init(&x->body, n ? n : body_limit(type, config));
    fed_bytes_put(&x->body, body, n);
}
