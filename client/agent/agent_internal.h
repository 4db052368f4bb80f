/* The inside of the agent, for its own files only. */
#ifndef FED_AGENT_INTERNAL_H
#define FED_AGENT_INTERNAL_H

#include "agent.h"
#include "data.h"

enum { FED_AGENT_DEVICES_MAX = 4096 };

/** What the command line says. */
typedef struct fed_agent_options {
    const char *server, *operator_key, *population, *data, *clients, *state;
    const char *ca_file, *conditions, *status;
    const char *enrolment_key, *enrol, *request, *certificate;
    bool require_secagg, require_privacy;
    double max_epsilon;
    uint64_t max_participations, max_step_ms, updates;
} fed_agent_options;

typedef struct fed_agent_device {
    uint32_t number; /* in the partition */
    fed_data *rows;
    fed_client *client;
} fed_agent_device;

typedef struct fed_agent {
    const fed_agent_options *options;
    const fed_agent_build *build;
    fed_network *network;
    fed_client_conditions conditions; /* unless they are looked up */
    fed_agent_device *devices;
    size_t n;
} fed_agent;

/** "3", "0-9", "0-4,7": the numbers, in an array to be freed; each at most once. */
FED_MUST_CHECK fed_status fed_agent_parse_clients(const char *text, uint32_t **numbers,
                                                  size_t *n, fed_error *err);
/** Open data, network and devices. On failure what was opened is there to be closed. */
FED_MUST_CHECK fed_status fed_agent_open(fed_agent *a, fed_error *err);
void fed_agent_close(fed_agent *a);
/** Write an enrolment request for each device, from the tokens in --enrol. */
FED_MUST_CHECK fed_status fed_agent_write_requests(const fed_agent *a, fed_error *err);
/** Give each device its certificate out of --certificate, if that was said. */
FED_MUST_CHECK fed_status fed_agent_take_certificates(fed_agent *a, fed_error *err);
/** Replace the status file: one JSON object that says how each device is. */
FED_MUST_CHECK fed_status fed_agent_write_status(const fed_agent *a, fed_error *err);

#endif
