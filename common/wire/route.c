#include "route.h"

#include <stdio.h>
#include <string.h>

#include "base.h"
#include "cohort_messages.h"
#include "envelope.h"

static const struct {
    fed_request type;
    const char *name;
} phases[] = {{FED_REQUEST_JOIN, "join"},       {FED_REQUEST_PICK, "pick"},
              {FED_REQUEST_SHARE, "share"},     {FED_REQUEST_INPUT, "input"},
              {FED_REQUEST_CONFIRM, "confirm"}, {FED_REQUEST_REVEAL, "reveal"}};

enum { N_PHASES = sizeof phases / sizeof *phases, COHORT_OFFSET = 8, HEX = 64 };

static const char blobs_prefix[] = "/v1/blobs/";
static const char cohorts_prefix[] = "/v1/cohorts/";

const char *fed_request_phase_name(fed_request type)
{
    for (size_t i = 0; i < N_PHASES; i++)
        if (phases[i].type == type) return phases[i].name;
    return NULL;
}

bool fed_request_is_post(fed_request type)
{
    return type != FED_REQUEST_BLOB && type != FED_REQUEST_INBOX;
}

static bool inbox_path(const uint8_t *body, size_t n, char path[FED_ROUTE_MAX])
{
    fed_inbox_query query;
    if (fed_inbox_query_get(&query, (fed_span){body, n}, NULL) != FED_OK) return false;
    char cohort[HEX + 1], sender[HEX + 1];
    fed_hex_encode(cohort, query.cohort, sizeof query.cohort);
    fed_hex_encode(sender, query.sender, sizeof query.sender);
    int length = snprintf(path, FED_ROUTE_MAX, "%s%s/inbox?after=%s.%s", cohorts_prefix,
                          cohort, fed_phase_name(query.after), sender);
    return length < FED_ROUTE_MAX;
}

bool fed_request_to_path(fed_request type, const uint8_t *body, size_t n,
                         char path[FED_ROUTE_MAX])
{
    char hex[HEX + 1];
    switch (type) {
    case FED_REQUEST_CHECKIN:
        snprintf(path, FED_ROUTE_MAX, "/v1/checkin");
        return true;
    case FED_REQUEST_PLACE:
        snprintf(path, FED_ROUTE_MAX, "/v1/cohorts");
        return true;
    case FED_REQUEST_BLOB:
        if (n != 32) return false;
        fed_hex_encode(hex, body, 32);
        snprintf(path, FED_ROUTE_MAX, "%s%s", blobs_prefix, hex);
        return true;
    case FED_REQUEST_INBOX:
        return inbox_path(body, n, path);
    default:
        break;
    }
    const char *phase = fed_request_phase_name(type);
    if (!phase || n < COHORT_OFFSET + FED_COHORT_ID_BYTES) return false;
    fed_hex_encode(hex, body + COHORT_OFFSET, FED_COHORT_ID_BYTES);
    snprintf(path, FED_ROUTE_MAX, "%s%s/%s", cohorts_prefix, hex, phase);
    return true;
}

/* 64 hex digits at the start of `text`; what follows is returned, or NULL. */
static const char *leading_address(const char *text, uint8_t out[32])
{
    char digits[HEX + 1];
    if (strlen(text) < HEX) return NULL;
    memcpy(digits, text, HEX);
    digits[HEX] = 0;
    return fed_hex_decode(out, 32, digits) ? text + HEX : NULL;
}

/* "PHASE.SENDER": the phase that a device has finished, and its public key. */
static bool read_after(const char *after, fed_inbox_query *query)
{
    const char *dot = after ? strchr(after, '.') : NULL;
    char name[16];
    if (!dot || (size_t)(dot - after) >= sizeof name) return false;
    memcpy(name, after, (size_t)(dot - after));
    name[dot - after] = 0;
    int phase = fed_phase_from_name(name);
    if (phase < 0 || !fed_hex_decode(query->sender, 32, dot + 1)) return false;
    query->after = (fed_phase)phase;
    return true;
}

static fed_request cohort_request(bool post, const char *action, const char *after,
                                  const uint8_t cohort[32],
                                  uint8_t body[FED_ROUTE_BODY_MAX], size_t *n)
{
    for (size_t i = 0; post && i < N_PHASES; i++)
        if (strcmp(action, phases[i].name) == 0) return phases[i].type;
    fed_inbox_query query;
    if (post || strcmp(action, "inbox") != 0 || !read_after(after, &query))
        return FED_REQUEST_NONE;
    memcpy(query.cohort, cohort, sizeof query.cohort);
    fed_bytes raw;
    fed_bytes_init(&raw, FED_INBOX_QUERY_BYTES);
    fed_inbox_query_put(&raw, &query);
    fed_request type = raw.status ? FED_REQUEST_NONE : FED_REQUEST_INBOX;
    if (!raw.status) memcpy(body, raw.data, *n = raw.len);
    fed_bytes_fini(&raw);
    return type;
}

fed_request fed_request_from_path(bool post, const char *path, const char *after,
                                  uint8_t cohort[32], uint8_t body[FED_ROUTE_BODY_MAX],
                                  size_t *n)
{
    *n = 0;
    if (post && strcmp(path, "/v1/checkin") == 0) return FED_REQUEST_CHECKIN;
    if (post && strcmp(path, "/v1/cohorts") == 0) return FED_REQUEST_PLACE;
    if (!post && strncmp(path, blobs_prefix, sizeof blobs_prefix - 1) == 0) {
        const char *rest = leading_address(path + sizeof blobs_prefix - 1, body);
        if (!rest || *rest) return FED_REQUEST_NONE;
        *n = 32;
        return FED_REQUEST_BLOB;
    }
    if (strncmp(path, cohorts_prefix, sizeof cohorts_prefix - 1) == 0) {
        const char *rest = leading_address(path + sizeof cohorts_prefix - 1, cohort);
        if (rest && *rest == '/')
            return cohort_request(post, rest + 1, after, cohort, body, n);
    }
    return FED_REQUEST_NONE;
}
