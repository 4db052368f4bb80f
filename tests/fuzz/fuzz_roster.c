/* A stored cohort: what parses is written in a form that parses to the same. */
#include <stdlib.h>
#include <string.h>

#include "round.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read(const fed_roster *roster)
{
    fed_roster again;
    fed_bytes out;
    fed_bytes_init(&out, SIZE_MAX);
    fed_roster_put(&out, roster);
    if (fed_roster_get(&again, (fed_span){out.data, out.len}, NULL) ||
        again.n != roster->n || strcmp(again.reason, roster->reason) != 0 ||
        (roster->n && memcmp(again.members, roster->members,
                             roster->n * sizeof *roster->members) != 0))
        abort();
    fed_roster_fini(&again);
    fed_bytes_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_roster roster;
    fed_error err;
    if (fed_roster_get(&roster, (fed_span){data, size}, &err) == FED_OK)
        write_and_read(&roster);
    fed_roster_fini(&roster);
    return 0;
}
