/* Paths and queries as a stranger may write them. The first NUL ends the path. */
#include <stdint.h>
#include <string.h>

#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[512];
    uint8_t cohort[32], body[FED_ROUTE_BODY_MAX];
    size_t n = size < sizeof text - 1 ? size : sizeof text - 1, n_body;
    if (n) memcpy(text, data, n);
    text[n] = 0;
    const char *after = memchr(text, 0, n) ? text + strlen(text) + 1 : NULL;
    (void)fed_request_from_path(true, text, after, cohort, body, &n_body);
    (void)fed_request_from_path(false, text, after, cohort, body, &n_body);
    return 0;
}
