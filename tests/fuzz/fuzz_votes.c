/* Votes: byte 0 chooses the codec, two bytes give the length of a stored memory, which
 * follows; the rest is an upload with votes. A memory that is accepted encodes to the same
 * bytes again, and whatever was voted, the next support is ascending and within its budget. */
#include <stdlib.h>
#include <string.h>

#include "codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { D = 1000, BUDGET = 100 };

static fed_codec *make_codec(uint8_t choice)
{
    static const uint32_t offsets[] = {0, 20, 700};
    fed_codec *codec;
    fed_codec_config c;
    fed_error err;
    fed_codec_config_init(&c);
    c.d = D;
    c.n_max = 4;
    c.select = FED_CODEC_VOTED;
    c.fraction = (double)BUDGET / D;
    c.block = 8;
    c.bits = 2;
    c.vote_bits = 1 + choice % 8;
    c.vote_period = 1 + choice / 8 % 4;
    c.explore = choice & 0x20 ? 0.3 : 0;
    c.boundaries = choice & 0x40 ? offsets : NULL;
    c.n_boundaries = choice & 0x40 ? 3 : 0;
    c.always_below = choice & 0x80 ? 20 : 0;
    if (fed_codec_new(&codec, &c, true, &err) != FED_OK) abort();
    return codec;
}

static void read_memory(const fed_codec *codec, fed_span bytes, fed_codec_memory *memory)
{
    fed_bytes again;
    if (fed_codec_memory_parse(codec, bytes, memory, NULL) != FED_OK) {
        if (fed_codec_memory_init(codec, memory, NULL) != FED_OK) abort();
        return;
    }
    fed_bytes_init(&again, 1 << 20);
    if (fed_codec_memory_encode(memory, &again, NULL) != FED_OK) abort();
    if (again.len != bytes.len || memcmp(again.data, bytes.data, bytes.len) != 0) abort();
    fed_bytes_fini(&again);
}

static void check_support(const fed_codec_round *round)
{
    if (round->support == FED_CODEC_ALL || round->m > BUDGET || !round->m) abort();
    for (size_t i = 1; i < round->n_blocks; i++)
        if (round->blocks[i] <= round->blocks[i - 1]) abort();
}

static void vote(const fed_codec *codec, fed_codec_memory *memory, fed_span upload)
{
    fed_codec_round *round, *next;
    fed_codec_sum sum;
    fed_error err;
    if (fed_codec_round_first(codec, 2, &round, &err) != FED_OK) abort();
    if (fed_codec_sum_init(codec, round, &sum, &err) != FED_OK) abort();
    fed_status status = fed_codec_sum_add_bytes(codec, round, &sum, upload, &err);
    if (sum.n != (status == FED_OK)) abort();
    if (fed_codec_round_next(codec, round, sum.n ? &sum : NULL, memory, 3, 0, &next,
                             &err) != FED_OK)
        abort();
    check_support(next);
    fed_codec_round_free(next);
    fed_codec_sum_fini(&sum);
    fed_codec_round_free(round);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fed_codec_memory memory;
    fed_reader r;
    if (size < 3) return 0;
    fed_codec *codec = make_codec(data[0]);
    fed_reader_init(&r, data + 1, size - 1);
    size_t length = fed_reader_u16(&r);
    if (length > fed_reader_left(&r)) length = fed_reader_left(&r);
    read_memory(codec, fed_reader_take(&r, length), &memory);
    vote(codec, &memory, fed_reader_take(&r, fed_reader_left(&r)));
    fed_codec_memory_fini(&memory);
    fed_codec_free(codec);
    return 0;
}
