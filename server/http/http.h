/*
 * http: fedserver's shell around the pure coordinator.
 *
 *   HTTP threads ──exchange──▶ engine thread: step the coordinator ▸ commit to the store ▸
 *        ▲                     answer, by resuming the suspended connection
 *        └──────── answers ───────────┘ └── a new version ──▶ evaluator thread
 *
 * Many requests that are there at once are stepped one by one and committed together. An
 * answer leaves only after the records of its step are durable. A step that fails (out of
 * memory, no randomness, a full disk) ends the server: it starts again from what it stored.
 */
#ifndef FED_HTTP_H
#define FED_HTTP_H

#include "base.h"

typedef struct fed_server_config {
    const char *listen;  /* "127.0.0.1:8080", "[::1]:0"; port 0: any */
    const char *folder;  /* state */
    const char *holdout; /* data SPEC, or NULL */
    bool insecure;       /* allow other than loopback addresses */
    uint8_t operator_key[32];
    bool has_enrolment_key; /* else tasks with secure aggregation are refused */
    uint8_t enrolment_key[32];
    unsigned threads;      /* HTTP threads */
    unsigned connections;  /* at most */
    size_t max_body;       /* bytes of a cohort message */
    unsigned upload_slots; /* bodies above 64 KiB in memory at once */
    unsigned idle_s;       /* a connection on which nothing comes for so long is closed */
    uint32_t hold_ms;      /* how long a request may wait for others before it gets 202 */
    uint32_t retry_min_ms, retry_max_ms;
} fed_server_config;

/** Serve until `stop_fd` is readable; then answer what waits, and return. The server's public
 *  key is written to FOLDER/server.key.pub and the chosen port to FOLDER/port once requests
 *  are answered. FED_E_IO when it ends by itself: all that was answered is stored. */
FED_MUST_CHECK fed_status fed_server_run(const fed_server_config *config, int stop_fd,
                                         fed_error *err);

#endif
