/* What the fuzz targets of the data room share: a set that was accepted must also
 * work. */
#ifndef FED_FUZZ_DATA_H
#define FED_FUZZ_DATA_H

#include <stdlib.h>

#include "readers/readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Fetch every row (up to a few hundred values at a time) and share the rows out. */
static inline void fuzz_use_set(const fed_data *ds)
{
    const fed_data_info *info = fed_data_describe(ds);
    uint32_t *inputs = malloc((size_t)info->input_len * 4);
    uint32_t *targets = malloc((size_t)info->target_len * 4);
    if (!inputs || !targets) abort();
    for (uint32_t row = 0; row < info->rows && row < 1000; row++) {
        if (fed_data_fetch(ds, &row, 1, inputs, targets)) abort();
        if (info->target == FED_TARGET_CLASS && targets[0] >= info->classes) abort();
        if (info->target == FED_TARGET_TOKEN && targets[0] >= info->classes) abort();
        if (info->input == FED_INPUT_TOKEN && inputs[0] >= info->vocab) abort();
        if (info->users && fed_data_user(ds, row) >= info->users) abort();
        if (info->users && !fed_data_user_name(ds, fed_data_user(ds, row))) abort();
    }
    free(inputs);
    free(targets);
    fed_partition *p;
    if (fed_partition_make(ds, NULL, info->users ? 0 : 1, 1, &p, NULL)) abort();
    fed_partition_free(p);
}

static inline fed_data *fuzz_new_set(void)
{
    fed_data *ds;
    if (fed_data_new(&ds, NULL)) abort();
    return ds;
}

/* Take `n` bytes, or what is left, from the front. */
static inline fed_span fuzz_take(const uint8_t **data, size_t *size, size_t n)
{
    fed_span taken = {*data, n < *size ? n : *size};
    *data += taken.len;
    *size -= taken.len;
    return taken;
}

/* A length in two bytes, little-endian; 0 when there are not so many. */
static inline size_t fuzz_take_length(const uint8_t **data, size_t *size)
{
    fed_span raw = fuzz_take(data, size, 2);
    return raw.len == 2 ? fed_load_u16(raw.data) : 0;
}

#endif
