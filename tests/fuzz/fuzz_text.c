/* Input: one byte of options, then the play. */
#include "fuzz_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_error err;
    fed_span flags = fuzz_take(&data, &size, 1);
    unsigned f = flags.len ? flags.data[0] : 0;
    fed_text_options options = {.seq = 1 + (f & 7),
                                .min_chars = f >> 3 & 3,
                                .ascii = (f & 32) != 0,
                                .test = f & 64 ? 0.5 : 0};
    fed_data *ds = fuzz_new_set();
    fed_data_part part = f & 128 ? FED_DATA_TEST : FED_DATA_TRAIN;
    if (fed_text_parse(ds, (fed_span){data, size}, &options, part, &err) == FED_OK)
        fuzz_use_set(ds);
    fed_data_free(ds);
    return 0;
}
