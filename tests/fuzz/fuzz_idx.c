/* Input: length of the image file (u16), the image file, the label file. */
#include "fuzz_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_error err;
    fed_data *ds = fuzz_new_set();
    fed_span images = fuzz_take(&data, &size, fuzz_take_length(&data, &size));
    if (fed_idx_parse(ds, images, (fed_span){data, size}, 0, &err) == FED_OK)
        fuzz_use_set(ds);
    fed_data_free(ds);
    return 0;
}
