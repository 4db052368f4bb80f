/* A stored place of correlated noise: byte 0 chooses the strategy, byte 1 the round, byte 2 the
 * place, the rest is its bytes. What is accepted is written in the same bytes again, and noise
 * can be drawn on it. */
#include <stdlib.h>
#include <string.h>

#include "dp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 12, DIM = 5 };

static fed_matrix_stream *open_stream(uint8_t choice, fed_matrix **m)
{
    fed_matrix_stream *s;
    fed_error err;
    fed_matrix_config c = {.kind = (fed_matrix_kind)(choice % (FED_MATRIX_BLT + 1)),
                           .steps = STEPS,
                           .separation = 3,
                           .participations = 2,
                           .bands = 4,
                           .buffers = 2,
                           .grid_bits = 16};
    if (c.kind == FED_MATRIX_BLT) fed_matrix_fit_blt(&c);
    if (fed_matrix_new(m, &c, &err) != FED_OK) abort();
    if (fed_matrix_stream_new(&s, *m, DIM, 4, FED_SAMPLER_GAUSSIAN_FAST, &err) != FED_OK)
        abort();
    return s;
}

static void write_again(const fed_matrix_stream *s, uint32_t place, fed_span bytes)
{
    fed_bytes out;
    fed_bytes_init(&out, SIZE_MAX);
    if (fed_matrix_stream_write(s, place, &out, NULL) != FED_OK) abort();
    if (out.len != bytes.len || memcmp(out.data, bytes.data, bytes.len) != 0) abort();
    fed_bytes_fini(&out);
}

static void go_on(fed_matrix_stream *s)
{
    int64_t e[DIM];
    const uint8_t key[32] = {1};
    fed_noise noise;
    if (fed_noise_init(&noise, key, NULL) != FED_OK) abort();
    while (fed_matrix_stream_next(s, &noise, e, NULL) == FED_OK)
        ;
    fed_noise_fini(&noise);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_matrix *m;
    fed_error err;
    if (size < 3) return 0;
    fed_matrix_stream *s = open_stream(data[0], &m);
    fed_span bytes = {data + 3, size - 3};
    if (fed_matrix_stream_seek(s, data[1], &err) == FED_OK &&
        fed_matrix_stream_read(s, data[2], bytes, &err) == FED_OK) {
        write_again(s, data[2], bytes);
        go_on(s);
    }
    fed_matrix_stream_free(s);
    fed_matrix_free(m);
    return 0;
}
