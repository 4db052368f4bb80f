/* Input: a SPEC. */
#include <string.h>

#include "fuzz_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_error err;
    fed_data_spec spec;
    uint64_t n;
    char *text = malloc(size + 1);
    if (!text) abort();
    if (size) memcpy(text, data, size);
    text[size] = 0;
    if (fed_data_spec_parse(&spec, text, &err) == FED_OK) {
        if (!spec.kind[0] || !spec.path[0]) abort();
        for (size_t i = 0; i < spec.n_options; i++)
            if (fed_data_spec_option(&spec, spec.options[i].key) != spec.options[i].value)
                abort();
        if (fed_data_spec_number(&spec, "seed", 1, 9, 5, &n, &err) == FED_OK &&
            (n < 1 || n > 9))
            abort();
    }
    free(text);
    return 0;
}
