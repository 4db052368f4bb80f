/* Traces: what is read is written again as a trace that reads the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static fed_status write_again(const fed_trace *t, fed_bytes *out)
{
    FED_TRY(fed_trace_put_head(out, &t->head, NULL));
    for (size_t i = 0; i < t->n_versions; i++)
        FED_TRY(fed_trace_put_version(out, &t->versions[i], NULL));
    return fed_trace_put_end(out, t->n_versions, t->model, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_trace t, again;
    fed_error err;
    fed_bytes text;
    if (fed_trace_parse(&t, (fed_span){data, size}, &err) != FED_OK) return 0;
    fed_bytes_init(&text, SIZE_MAX);
    if (write_again(&t, &text) ||
        fed_trace_parse(&again, (fed_span){text.data, text.len}, &err))
        abort();
    if (again.n_versions != t.n_versions || memcmp(again.model, t.model, 32) != 0 ||
        memcmp(&again.head, &t.head, sizeof t.head) != 0)
        abort();
    fed_trace_fini(&again);
    fed_trace_fini(&t);
    fed_bytes_fini(&text);
    return 0;
}
