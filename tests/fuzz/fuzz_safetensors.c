/* Model files: what is read can be written, in one form, and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The layout that a file describes itself: its tensors one after the other. */
static fed_model_layout layout_of(const fed_safetensors *index, fed_model_tensor *tensors)
{
    for (size_t i = 0; i < index->n; i++) {
        const fed_safetensors_entry *e = &index->entries[i];
        tensors[i] =
            (fed_model_tensor){.name = e->name, .rank = e->rank, .offset = e->from / 4};
        memcpy(tensors[i].shape, e->shape, sizeof e->shape);
    }
    return (fed_model_layout){tensors, index->n, index->data.len / 4};
}

static void read_and_write(const fed_model_layout *layout, fed_span file, float *values)
{
    fed_bytes once, again;
    if (fed_model_read(layout, file, values, NULL)) return; /* odd names, not a number */
    fed_bytes_init(&once, (size_t)1 << 24);
    fed_bytes_init(&again, (size_t)1 << 24);
    if (fed_model_write(layout, values, &once, NULL)) abort();
    if (fed_model_read(layout, (fed_span){once.data, once.len}, values, NULL)) abort();
    if (fed_model_write(layout, values, &again, NULL)) abort();
    if (once.len != again.len || memcmp(once.data, again.data, once.len) != 0) abort();
    fed_bytes_fini(&again);
    fed_bytes_fini(&once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_safetensors index;
    fed_error err;
    fed_span file = {data, size};
    if (fed_safetensors_parse(file, &index, &err)) return 0;
    fed_model_tensor *tensors = fed_calloc(index.n, sizeof *tensors);
    float *values = fed_calloc(index.data.len / 4, sizeof *values);
    if (!tensors || !values) abort();
    fed_model_layout layout = layout_of(&index, tensors);
    read_and_write(&layout, file, values);
    fed_free(values);
    fed_free(tensors);
    fed_safetensors_fini(&index);
    return 0;
}
