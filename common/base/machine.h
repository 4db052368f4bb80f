/*
 * The one shape of every state machine: fed_x_step(x, event, now, outbox).
 *
 * A machine opens no socket, reads no clock and starts no thread. It is told what happened
 * (an event) and what time it is (milliseconds, monotonic), and answers in an outbox:
 * records to make durable, messages to send, and when it wants to be woken. The records of
 * one step are one transaction. A message goes out only after the records of its own step
 * and of every step before it are durable. A shell that stores in the background says so
 * with FED_EVENT_STORED; those here store first and send then, so none of them needs to.
 * The shells (HTTP server, libcurl client, simulator) do nothing else, so the simulator runs
 * the production code.
 */
#ifndef FED_MACHINE_H
#define FED_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

typedef enum fed_event_kind {
    FED_EVENT_START,   /* first step after creation or after a journal was restored */
    FED_EVENT_MESSAGE, /* a request (on a server) or an answer (on a device) */
    FED_EVENT_TIMER,   /* the deadline asked for has come */
    FED_EVENT_STORED,  /* the records of step `stored` and of all before it are durable */
    FED_EVENT_FAILED /* a message could not be delivered (device side): no answer came */
} fed_event_kind;

/** What happened. All pointers are borrowed for the length of the step. */
typedef struct fed_event {
    fed_event_kind kind;
    uint64_t peer;   /* MESSAGE: which exchange; the answer carries the same number */
    uint32_t type;   /* MESSAGE: the room's own message type */
    uint32_t status; /* MESSAGE: status of an answer (HTTP's numbers), 0 for a request */
    fed_span body;   /* MESSAGE */
    uint64_t stored; /* STORED */
} fed_event;

typedef struct fed_message {
    uint64_t peer;
    uint32_t type;
    uint32_t status;
    fed_bytes body; /* owned by the outbox */
} fed_message;

/** A durable fact: a text key and its bytes, or its removal. */
typedef struct fed_record {
    char *key;
    bool erase;
    fed_bytes value; /* owned by the outbox */
} fed_record;

#define FED_NEVER INT64_MAX

/** What a step wants done. Filled by the machine, drained and cleared by the shell. */
typedef struct fed_outbox {
    fed_message *messages;
    size_t n_messages, cap_messages;
    fed_record *records;
    size_t n_records, cap_records;
    int64_t wake_ms;   /* the earliest deadline asked for, or FED_NEVER */
    fed_status status; /* the first failure while filling it; then nothing may go out */
} fed_outbox;

void fed_outbox_init(fed_outbox *o);
/** Drop all contents, keep the arrays. */
void fed_outbox_clear(fed_outbox *o);
void fed_outbox_fini(fed_outbox *o);

/** Queue a message; the bytes are copied. A failure also sticks in `o->status`. */
fed_status fed_outbox_send(fed_outbox *o, uint64_t peer, uint32_t type, uint32_t status,
                           const void *data, size_t n);
/** Queue a message; `body` is taken, and empty afterwards, even on failure. */
fed_status fed_outbox_send_taken(fed_outbox *o, uint64_t peer, uint32_t type,
                                 uint32_t status, fed_bytes *body);
/** Queue a record; key and bytes are copied. */
fed_status fed_outbox_store(fed_outbox *o, const char *key, const void *data, size_t n);
/** Queue a record; `value` is taken, and empty afterwards, even on failure. */
fed_status fed_outbox_store_taken(fed_outbox *o, const char *key, fed_bytes *value);
/** Queue the removal of a record. */
fed_status fed_outbox_erase(fed_outbox *o, const char *key);
/** Ask to be woken at `at_ms` at the latest. */
void fed_outbox_wake(fed_outbox *o, int64_t at_ms);

#endif
