/* Plans from strangers, in both forms. Whatever is accepted has one resolved form, which is
 * accepted, and comes out as it went in. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int ok)
{
    if (!ok) abort();
}

static void check_round_trip(const fed_plan *plan)
{
    fed_bytes once, twice;
    fed_plan *again = NULL;
    fed_bytes_init(&once, FED_PLAN_MAX_BYTES);
    fed_bytes_init(&twice, FED_PLAN_MAX_BYTES);
    require(fed_plan_write(plan, &once, NULL) == FED_OK);
    require(fed_plan_parse(&again, once.data, once.len, FED_PLAN_RESOLVED, NULL) ==
            FED_OK);
    require(fed_plan_write(again, &twice, NULL) == FED_OK);
    require(once.len == twice.len && !memcmp(once.data, twice.data, once.len));
    fed_plan_free(again);
    fed_bytes_fini(&once);
    fed_bytes_fini(&twice);
}

/* The first line of the input as an assignment to the rest of it. */
static void try_set(const uint8_t *data, size_t size)
{
    char assignment[256];
    const uint8_t *end = memchr(data, '\n', size);
    size_t n = end ? (size_t)(end - data) : 0;
    if (!n || n >= sizeof assignment) return;
    memcpy(assignment, data, n);
    assignment[n] = 0;
    fed_bytes out;
    fed_bytes_init(&out, FED_PLAN_MAX_BYTES);
    (void)!fed_plan_set(end + 1, size - n - 1, assignment, &out, NULL);
    fed_bytes_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_error err;
    fed_plan *plan = NULL;
    if (!size) return 0;
    if (fed_plan_parse(&plan, data, size, FED_PLAN_AUTHOR, &err) == FED_OK)
        check_round_trip(plan);
    fed_plan_free(plan);
    (void)!fed_plan_parse(&plan, data, size, FED_PLAN_RESOLVED, &err);
    fed_plan_free(plan);
    try_set(data, size);
    return 0;
}
