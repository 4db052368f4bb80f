/* The inside of a virtual network, for this room's files only. */
#ifndef FED_VIRTUALNET_INTERNAL_H
#define FED_VIRTUALNET_INTERNAL_H

#include "virtualnet.h"

#include "event_queue.h"
#include "round.h"
#include "seeded.h"
#include "session.h"

#define FED_NET_POPULATION "simulated"

enum { FED_NET_OPERATOR = UINT32_MAX }; /* in the place of a client */

/** One device: its disk, and while it is on its session. */
typedef struct fed_virtual_device {
    uint32_t client;
    uint8_t key[32]; /* public */
    fed_memory_journal *journal;
    fed_session *session; /* NULL: it is off */
    fed_client_view view;
    fed_health health;
    fed_fate fate;

    uint64_t exchange, peer; /* under way: its number here, and the session's; 0: none */
    uint64_t timer;          /* number of its newest timer; older ones are void */
    int64_t timer_at;        /* FED_NEVER: none */
    bool is_ahead;           /* the training that this timer begins is done already: */
    fed_outbox ahead;
    fed_status ahead_status;
    fed_error ahead_error;

    /* Since it was drawn. */
    bool is_counted; /* what its training cost is in a round's result */
    bool is_placed, has_sent, has_trained, is_not_finite, is_refused;
    double loss;
    uint64_t upload_bytes, download_bytes;
} fed_virtual_device;

/** A model as a device keeps it, once for all devices that hold the version. */
typedef struct fed_shelved_model {
    uint64_t version;
    fed_bytes record; /* empty: none yet */
} fed_shelved_model;

/** What a blob takes on the wire: the same ones are asked for again and again. */
typedef struct fed_weighed_blob {
    fed_address address;
    uint64_t wire_bytes;
} fed_weighed_blob;

enum { FED_NET_WEIGHED = 32 };

struct fed_virtualnet {
    fed_virtualnet_config config;
    fed_seeded secret; /* of operator and server */
    uint8_t operator_key[32], enrolment_seed[32];
    fed_address task_id;

    /* The server. */
    fed_coordinator *coordinator;
    fed_coordinator_config server_config;
    fed_seeded server_secret;
    fed_memory_journal *journal;
    fed_weighed_blob weighed[FED_NET_WEIGHED];
    unsigned next_weighed;
    uint64_t server_timer; /* number of its newest timer; older ones are void */
    uint32_t lives;

    /* Time and wires. */
    fed_event_queue queue;
    fed_stream chance; /* delays, crashes */
    int64_t now;
    int64_t delay_ms;    /* the longest of a message */
    int64_t training_ms; /* the longest time that training takes */
    uint64_t exchanges, events;

    /* Devices. */
    const fed_turnout *turnout;
    fed_virtual_device **devices; /* one for each client; NULL: never here */
    fed_virtual_device **active;  /* those of this round, and of earlier ones that still
                                     hold a place in the open cohort */
    size_t n_active;
    fed_shelved_model *shelf; /* at [version % n_shelf]: those that still lead on */
    uint64_t n_shelf;         /* 0: devices keep no model */
    fed_attendee *drawn;
    fed_seat *roster;
    bool is_draining; /* the round is decided: only answers under way are delivered */
    bool is_over;
    fed_round_result *result; /* of the round under way */
};

/** A message's time on the wire. */
int64_t fed_net_delay(fed_virtualnet *net);
/** Queue an event `after` milliseconds from now. Takes its body. */
FED_MUST_CHECK fed_status fed_net_push(fed_virtualnet *net, int64_t after,
                                       fed_net_event *event);

/* virtual_server.c */
FED_MUST_CHECK fed_status fed_virtual_server_start(fed_virtualnet *net, fed_error *err);
/** Create the task: what the operator does, before the first round. */
FED_MUST_CHECK fed_status fed_virtual_server_create_task(fed_virtualnet *net,
                                                         fed_error *err);
/** Where the task draws among enrolled devices: every client shows its certificate. */
FED_MUST_CHECK fed_status fed_virtual_server_enrol(fed_virtualnet *net, fed_error *err);
FED_MUST_CHECK fed_status fed_virtual_server_request(fed_virtualnet *net,
                                                     const fed_net_event *event,
                                                     fed_error *err);
FED_MUST_CHECK fed_status fed_virtual_server_timer(fed_virtualnet *net,
                                                   const fed_net_event *event,
                                                   fed_error *err);
fed_task_info fed_virtual_server_info(const fed_virtualnet *net);

/* virtual_device.c */
/** The device of a client, made when it is not there; it becomes active with this fate. */
FED_MUST_CHECK fed_status fed_virtual_device_enlist(fed_virtualnet *net, fed_attendee who,
                                                    fed_error *err);
void fed_virtual_device_free(fed_virtual_device *d);
/** The certificate of a client with this public key. */
FED_MUST_CHECK fed_status fed_virtual_device_certify(const fed_virtualnet *net,
                                                     const uint8_t key[32],
                                                     fed_certificate *out,
                                                     fed_error *err);
FED_MUST_CHECK fed_status fed_virtual_device_event(fed_virtualnet *net,
                                                   fed_net_event *event, fed_error *err);
/** Switch it off: what it had not stored is gone. */
void fed_virtual_device_off(fed_virtual_device *d);

#endif
