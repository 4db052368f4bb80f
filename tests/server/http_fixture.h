/* What the suites over HTTP share: one server with one task, and devices that talk to it. */
#ifndef FED_HTTP_FIXTURE_H
#define FED_HTTP_FIXTURE_H

#include <jansson.h>

#include "http_rig.h"

/* Three wanted, three asked, all must come: whoever is alone waits. */
#define ROUNDS "\"count\":2,\"cohort\":3,\"over_select\":1,\"min_survivors\":3"

extern http_rig server;
extern http_reply reply; /* the newest answer */
extern fed_task *task;   /* what the plan of start_with() comes to */
extern fed_address task_id;

/** A plan whose upload takes a slot. */
extern const char large_plan[];
/** A small plan without evaluation, with ROUNDS. Static. */
const char *small_plan(void);
/** Start the server that http_open() made, and create a task. */
void start_with(const char *plan);
/** Stop it, which must go well, and remove everything. */
void end(void);
/** "/v1/tasks/ID" and what follows. */
void task_path(char path[160], const char *leaf);
/** An answer that must be an object: the caller's. */
json_t *get_json(const char *path);
/** How many lines an answer of JSON lines has; each must be an object. */
unsigned count_lines(const char *path);

typedef struct device {
    unsigned number;
    int fd;
    uint8_t cohort[32];
} device;

/** The address of the present version's document. */
void round_address(uint8_t out[32]);
/** The body of a place request: the caller's. */
void place_body(fed_bytes *body, const uint8_t round[32]);
/** Connect, and take a place in the open cohort. */
void enter(device *d, unsigned number);
void send_message(device *d, fed_request type, fed_span body);
void send_join(device *d);
/** An update of version 0. */
void send_input(device *d);
/** The status of the next answer; 0 when none comes. */
unsigned receive_status(device *d);

#endif
