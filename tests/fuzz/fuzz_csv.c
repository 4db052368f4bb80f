/* Input: one byte of options, then the file; columns u (user) and y (label or target). */
#include "fuzz_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_error err;
    fed_span flags = fuzz_take(&data, &size, 1);
    unsigned f = flags.len ? flags.data[0] : 0;
    fed_csv_options options = {.columns = {.user = f & 1 ? "u" : NULL,
                                           .label = f & 2 ? NULL : "y",
                                           .target = f & 2 ? "y" : NULL,
                                           .classes = f & 4 ? "a,b,c" : NULL},
                               .normalize = (fed_scaling)((f >> 3 & 3) % 3),
                               .test = f & 32 ? 0.5 : 0};
    fed_data *ds = fuzz_new_set();
    fed_data_part part = f & 64 ? FED_DATA_TEST : FED_DATA_TRAIN;
    if (fed_csv_parse(ds, (fed_span){data, size}, &options, part, &err) == FED_OK)
        fuzz_use_set(ds);
    fed_data_free(ds);
    return 0;
}
