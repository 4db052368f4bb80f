/*
 * agent: libfedclient as a ready program, for several devices in one process. Each has a
 * state folder, an identity and a session of its own; they share the network, one thread,
 * and the file that their data come from.
 */
#ifndef FED_AGENT_H
#define FED_AGENT_H

#include "cli.h"
#include "library.h"

/** What differs between the shipped program and the one for tests that repeat a federation. */
typedef struct fed_agent_build {
    const char *name;
    const fed_option *options; /* beyond the agent's own; NULL: none */
    /** Where the randomness of a client comes from. What it points to must stay. */
    fed_status (*origin)(uint32_t client, fed_client_origin *origin, fed_error *err);
} fed_agent_build;

/** The whole of main(). */
int fed_agent_main(const fed_agent_build *build, int argc, char **argv);

#endif
