/* Input: a gzip file; what comes out never exceeds the maximum. */
#include "data_file.h"
#include "fuzz_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX = 100000 };
    fed_error err;
    fed_bytes out;
    fed_bytes_init(&out, MAX);
    fed_status status = fed_data_gunzip((fed_span){data, size}, &out, &err);
    if (out.len > MAX || (status && !err.text[0])) abort();
    fed_bytes_fini(&out);
    return 0;
}
