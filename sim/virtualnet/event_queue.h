/* What is still to happen, in the order of (time, sequence): a binary heap. */
#ifndef FED_EVENT_QUEUE_H
#define FED_EVENT_QUEUE_H

#include "base.h"

typedef enum fed_net_kind {
    FED_NET_TO_SERVER,    /* a request arrives */
    FED_NET_TO_DEVICE,    /* an answer arrives */
    FED_NET_FAILED,       /* a device learns that no answer will come */
    FED_NET_POWER_ON,     /* a device starts */
    FED_NET_DEVICE_TIMER, /* the time that a device asked for */
    FED_NET_SERVER_TIMER
} fed_net_kind;

typedef struct fed_net_event {
    int64_t at;
    uint64_t sequence; /* of its pushing: events of one time keep their order */
    fed_net_kind kind;
    uint32_t client;
    uint64_t number; /* the exchange, or which of its owner's timers */
    uint32_t type, status;
    fed_bytes body;      /* owned */
    uint64_t wire_bytes; /* of a blob: fewer than the body's when it goes compressed */
} fed_net_event;

/** Zeroed is empty. */
typedef struct fed_event_queue {
    fed_net_event *heap;
    size_t n, cap;
    uint64_t pushed;
} fed_event_queue;

void fed_event_queue_fini(fed_event_queue *q);
/** Takes `event`, its body also on failure. FED_E_NOMEM. */
FED_MUST_CHECK fed_status fed_event_queue_push(fed_event_queue *q, fed_net_event *event);
/** The earliest event, which is the caller's from then on; false when there is none. */
bool fed_event_queue_pop(fed_event_queue *q, fed_net_event *out);

#endif
