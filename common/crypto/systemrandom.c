#include "systemrandom.h"

#include <openssl/rand.h>

#include "openssl_fail.h"

static fed_status draw(void *ctx, const char *purpose, uint64_t index, void *out,
                       size_t n)
{
    (void)ctx, (void)purpose, (void)index;
    enum { AT_ONCE = 1 << 20 }; /* the library counts in int */
    uint8_t *to = out;
    for (size_t done = 0; done < n; done += AT_ONCE) {
        size_t left = n - done;
        if (RAND_priv_bytes(to + done, (int)(left < AT_ONCE ? left : AT_ONCE)) != 1)
            return fed_openssl_fail(NULL, "random");
    }
    return FED_OK;
}

fed_random fed_random_system(void)
{
    return (fed_random){draw, NULL};
}
