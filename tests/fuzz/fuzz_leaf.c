/* Input: one JSON file. */
#include "fuzz_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_error err;
    fed_leaf leaf;
    fed_data *ds = fuzz_new_set();
    fed_leaf_init(&leaf);
    if (fed_leaf_add(&leaf, (fed_span){data, size}, &err) == FED_OK &&
        fed_leaf_finish(&leaf, ds, 0, &err) == FED_OK)
        fuzz_use_set(ds);
    fed_leaf_fini(&leaf);
    fed_data_free(ds);
    return 0;
}
