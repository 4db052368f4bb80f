/* Devices' routes are the wire room's; operators' routes are the table here. */
#include "http_routes.h"

#include <string.h>

#include "operator_json.h"
#include "round.h"

enum { CREATE_BODY = FED_PLAN_MAX_BYTES + FED_TASK_DOCUMENT_MAX + 64, STOP_BODY = 256 };

const fed_operator_route fed_operator_routes[] = {
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
    {0}};

enum { HEX = 64, ENVELOPE_COHORT_AT = 8 };

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

static void refuse_method(fed_exchange *x, const char *allow)
{
    x->allow = allow;
    fed_exchange_say(x, MHD_HTTP_METHOD_NOT_ALLOWED, "this path takes another method");
}

static const char *both_methods(const char *seen, const char *method)
{
    return seen ? "GET, POST" : method;
}

static void route_operator(fed_exchange *x, const char *path, const char *method)
{
    const char *allow = NULL;
    for (const fed_operator_route *r = fed_operator_routes; r->path; r++) {
        if (!matches(r->path, path, &x->subject)) continue;
        allow = both_methods(allow, r->method);
        if (strcmp(r->method, method) != 0) continue;
        x->type = r->type;
        x->query = r->query;
        x->has_subject = r->type == FED_REQUEST_TASK_STOP;
        fed_bytes_init(&x->body, r->body_max);
        return;
    }
    if (allow)
        refuse_method(x, allow);
    else
        fed_exchange_say(x, FED_HTTP_NOT_FOUND, "no such path");
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

static const char *argument(const fed_exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* The method that one of the devices' paths takes; NULL: it is none of them. */
static const char *device_method(const char *path, const char *after)
{
    uint8_t cohort[32], body[FED_ROUTE_BODY_MAX];
    size_t n;
    if (fed_request_from_path(true, path, after, cohort, body, &n)) return "POST";
    return fed_request_from_path(false, path, after, cohort, body, &n) ? "GET" : NULL;
}

static void route_device(fed_exchange *x, const fed_server_config *config,
                         fed_request type, const uint8_t *body, size_t n)
{
    x->type = type;
    x->has_subject = fed_request_phase_name(type) != NULL;
    x->subject_at = ENVELOPE_COHORT_AT;
    fed_bytes_init(&x->body, n ? n : body_limit(type, config));
    fed_bytes_put(&x->body, body, n);
}

void fed_http_route(fed_exchange *x, const fed_server_config *config, const char *path,
                    const char *method)
{
    uint8_t body[FED_ROUTE_BODY_MAX];
    size_t n = 0;
    bool post = strcmp(method, "POST") == 0, get = strcmp(method, "GET") == 0;
    const char *after = argument(x, "after"), *from = argument(x, "from");
    fed_request type = FED_REQUEST_NONE;
    fed_bytes_init(&x->body, 0);
    if (from && !fed_text_to_u64(from, INT64_MAX, &x->from)) {
        fed_exchange_say(x, FED_HTTP_BAD_REQUEST, "from: not a version");
        return;
    }
    if (post || get)
        type = fed_request_from_path(post, path, after, x->subject.bytes, body, &n);
    const char *allow = device_method(path, after);
    if (type != FED_REQUEST_NONE)
        route_device(x, config, type, body, n);
    else if (allow)
        refuse_method(x, allow);
    else
        route_operator(x, path, method);
}

bool fed_http_body_fits(const fed_exchange *x)
{
    size_t end = x->subject_at + sizeof x->subject.bytes;
    if (!x->has_subject) return true;
    return x->body.len >= end && memcmp(x->body.data + x->subject_at, x->subject.bytes,
                                        sizeof x->subject.bytes) == 0;
}
