/* Input: lengths of the training and the test file (u16 each; 0: none), then training
 * file, test file, lives. */
#include "fuzz_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_error err;
    fed_cmapss_texts texts = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    size_t train = fuzz_take_length(&data, &size), test = fuzz_take_length(&data, &size);
    texts.train = fuzz_take(&data, &size, train);
    if (test) texts.test = fuzz_take(&data, &size, test);
    texts.lives = (fed_span){data, size};
    fed_cmapss_options options = {
        .window = 2, .cap = 125, .normalize = FED_SCALE_STANDARD};
    fed_data *ds = fuzz_new_set();
    if (fed_cmapss_parse(ds, &texts, &options, &err) == FED_OK) fuzz_use_set(ds);
    fed_data_free(ds);
    return 0;
}
