/*
 * library: libfedclient = session + keep + transport, driven in bounded steps. The public
 * API is client/include/fed/client.h; this header adds what only our own programs and tests
 * may do: say where a device's randomness comes from.
 */
#ifndef FED_LIBRARY_H
#define FED_LIBRARY_H

#include "../include/fed/client.h"

#include "base.h"

/** Where a device's seeds and secrets come from. fed_client_open() uses the system's DRBG for
 *  both; tests that repeat a federation bit for bit use another. */
typedef struct fed_client_origin {
    fed_random random; /* the session's secrets */
    const uint8_t
        *seed; /* 32 bytes: identity and device seed of a new device; NULL: drawn */
} fed_client_origin;

/** As fed_client_open(). `origin` is copied, what it points to borrowed until the close. */
FED_MUST_CHECK fed_status fed_client_open_from(const fed_client_config *config,
                                               const fed_client_origin *origin,
                                               fed_client **out, fed_error *err);

#endif
