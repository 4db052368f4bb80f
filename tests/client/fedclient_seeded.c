/*
 * fedclient-seeded: the agent with repeatable randomness, for tests that let fedsim replay a
 * federation of real processes. Client i of a run with seed N has identity, device seed and
 * secrets that all follow from fed_seeded_device_seed(N, i), as in fedsim. Anybody who knows
 * N knows them too, so this program is never installed.
 */
#include "agent.h"

#include "seeded.h"

static uint64_t device_seed = 1;

static const fed_option options[] = {
    FED_OPT_HEADING("Repeatable randomness"),
    FED_OPT_U64("device-seed", 0, "N", &device_seed, 0, UINT64_MAX,
                "from which every client's secrets follow"),
    FED_OPT_END};

/* Sources must outlive their clients: they stay until all of those are closed. */
typedef struct source {
    fed_seeded seeded;
    struct source *next;
} source;

static source *sources;

static fed_status from_seed(uint32_t client, fed_client_origin *origin, fed_error *err)
{
    source *s = fed_calloc(1, sizeof *s);
    if (!s) return fed_fail_nomem(err, sizeof *s);
    s->next = sources;
    sources = s;
    fed_seeded_device_seed(device_seed, client, s->seeded.seed);
    *origin = (fed_client_origin){fed_seeded_random(&s->seeded), s->seeded.seed};
    return FED_OK;
}

int main(int argc, char **argv)
{
    static const fed_agent_build build = {
        .name = "fedclient-seeded", .options = options, .origin = from_seed};
    int code = fed_agent_main(&build, argc, argv);
    while (sources) {
        source *next = sources->next;
        fed_free(sources);
        sources = next;
    }
    return code;
}
