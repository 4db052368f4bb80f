/* fedclient: the agent, with the system's randomness. */
#include "agent.h"

#include "crypto.h"

static fed_status from_system(uint32_t client, fed_client_origin *origin, fed_error *err)
{
    (void)client, (void)err;
    *origin = (fed_client_origin){.random = fed_random_system()};
    return FED_OK;
}

int main(int argc, char **argv)
{
    static const fed_agent_build build = {.name = "fedclient", .origin = from_system};
    return fed_agent_main(&build, argc, argv);
}
