/* Version documents: what is read is written as the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fed_task_document task = {.server_key = {1}};
    static const fed_address address = {{1}};
    fed_version_document doc;
    fed_error err;
    fed_bytes out;
    if (fed_version_document_open((fed_span){data, size}, &task, &address, &doc, &err) ==
        FED_OK)
        abort();
    if (fed_version_document_get((fed_span){data, size}, &doc, &err)) return 0;
    fed_bytes_init(&out, FED_VERSION_DOCUMENT_MAX);
    if (fed_version_document_put(&doc, &out, &err)) abort();
    if (out.len != size || memcmp(out.data, data, size) != 0) abort();
    fed_bytes_fini(&out);
    return 0;
}
