#include "random.h"

#include "memory.h"

fed_status fed_random_fill(const fed_random *random, const char *purpose, uint64_t index,
                           void *out, size_t n)
{
    fed_status status = random->fill(random->ctx, purpose, index, out, n);
    if (status != FED_OK) fed_wipe(out, n);
    return status;
}
