/* Coordinator and sessions, wired to each other in memory: a whole federation without a
 * socket, in which every process can be killed between any two steps. */
#ifndef FED_ROUND_WORLD_H
#define FED_ROUND_WORLD_H

#include "harness.h"

#include "data.h"
#include "round.h"
#include "seeded.h"
#include "session.h"

enum { DEVICES = 4, QUEUE = 512 };

typedef struct node {
    fed_memory_journal *journal;
    int64_t wake_ms;
} node;

typedef struct letter {
    bool to_server;
    unsigned device;
    uint64_t peer; /* the device's exchange */
    uint32_t type, status;
    fed_bytes body;
} letter;

typedef struct device {
    node node;
    fed_session *session;
    fed_session_config config;
    fed_seeded seeded;
    fed_partition *partition;
    uint32_t client;
    uint64_t asked; /* its newest request: the only one that it can be waiting for */
    unsigned kills;
} device;

typedef struct world {
    fed_data *data;
    fed_partition *partition;
    device devices[DEVICES];
    node server;
    fed_coordinator *coordinator;
    fed_coordinator_config config;
    fed_seeded seeded;
    letter queue[QUEUE];
    size_t n_queue;
    int64_t now;
    unsigned server_epoch; /* exchanges of an earlier life get no answer */
    uint64_t wire_bytes;
    char answer[256]; /* to the operator */
    /* Different inputs that left each device; the newest, by their hash. */
    unsigned n_inputs[DEVICES];
    uint8_t last_input[DEVICES][32];
} world;

/** A server without tasks and four devices of population "p", all enrolled. */
void world_init(world *w);
void world_fini(world *w);
/** Make the session of a device, from its journal and its configuration. */
void world_start_device(world *w, unsigned i);
void world_kill_device(world *w, unsigned i);
/** What was under way to or from the server is lost. */
void world_kill_server(world *w);
/** The devices hear that no answer will come. */
void world_fail_waiting(world *w);
/** An author's plan becomes a task: the HTTP status of the answer, whose text is in
 *  `w->answer`. */
unsigned world_create(world *w, const char *plan);
/** The same, and it must be accepted. */
void world_create_task(world *w, const char *plan);
/** Of the newest task. */
fed_task_info world_info(const world *w);
/** Deliver one letter of those under way; or let time pass. */
void world_deliver(world *w, size_t which);
void world_pass_time(world *w);
/** The first letter, or time. */
void world_step(world *w);

#endif
