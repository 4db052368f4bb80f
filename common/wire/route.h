/* Request types and the paths they travel on, for both sides. */
#ifndef FED_ROUTE_H
#define FED_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a device asks. Values are on the wire (the type byte of the envelope). */
typedef enum fed_request {
    FED_REQUEST_NONE = 0,
    FED_REQUEST_CHECKIN = 1, /* POST /v1/checkin, JSON */
    FED_REQUEST_BLOB = 2,    /* GET /v1/blobs/{sha256}; body: the 32-byte address */
    FED_REQUEST_PLACE = 3,   /* POST /v1/cohorts */
    FED_REQUEST_INBOX = 4,   /* GET {cohort}/inbox?after=PHASE; body: fed_inbox_query */
    FED_REQUEST_JOIN = 10,   /* POST {cohort}/join, and so on */
    FED_REQUEST_PICK = 11,
    FED_REQUEST_SHARE = 12,
    FED_REQUEST_INPUT = 13,
    FED_REQUEST_CONFIRM = 14,
    FED_REQUEST_REVEAL = 15
} fed_request;

enum { FED_ROUTE_MAX = 192, FED_ROUTE_BODY_MAX = 96 };

/** HTTP's numbers, as far as the protocol gives them a meaning. */
enum {
    FED_HTTP_OK = 200,
    FED_HTTP_ACCEPTED = 202,    /* held for as long as is held: ask the inbox */
    FED_HTTP_BAD_REQUEST = 400, /* the bytes do not parse or break a bound */
    FED_HTTP_FORBIDDEN = 403,   /* the signature or the sender is not right */
    FED_HTTP_NOT_FOUND = 404,   /* no such blob, cohort or task */
    FED_HTTP_CONFLICT = 409,    /* "resend", or the version is not the current one */
    FED_HTTP_GONE = 410, /* the cohort was aborted, or went on without this device */
    FED_HTTP_TOO_LARGE = 413,
    FED_HTTP_TOO_MANY = 429, /* not now; the body says when */
    FED_HTTP_INTERNAL = 500,
    FED_HTTP_UNAVAILABLE = 503
};

/** The word of a cohort phase in a path ("join"), or NULL. */
const char *fed_request_phase_name(fed_request type);
/** True for POST, false for GET. */
bool fed_request_is_post(fed_request type);
/** Write the path (with its query) that a request of `type` with this body goes to.
 *  False when the body is too short to hold what the path needs. */
bool fed_request_to_path(fed_request type, const uint8_t *body, size_t n,
                         char path[FED_ROUTE_MAX]);
/** The reverse, for the server: the type that a method, path and query mean, and, for GET,
 *  the body that stands for it (at most 96 bytes). FED_REQUEST_NONE when there is no such
 *  route. For a cohort path the cohort's id is written to `cohort`. */
fed_request fed_request_from_path(bool post, const char *path, const char *after,
                                  uint8_t cohort[32], uint8_t body[FED_ROUTE_BODY_MAX],
                                  size_t *n);

#endif
