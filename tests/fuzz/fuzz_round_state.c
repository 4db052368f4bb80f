/* The blob of a round: byte 0 chooses the codec, the rest is the blob. What is accepted must
 * encode to the same bytes again. */
#include <stdlib.h>
#include <string.h>

#include "codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static fed_codec *make_codec(uint8_t choice)
{
    static const uint32_t offsets[] = {0, 20, 700};
    fed_codec *codec;
    fed_codec_config c;
    fed_error err;
    fed_codec_config_init(&c);
    c.d = 1000;
    c.n_max = 4;
    c.select = (fed_codec_select)(choice % 4);
    c.fraction = 0.1;
    c.block = 8;
    if (choice & 0x40) {
        c.boundaries = offsets;
        c.n_boundaries = 3;
        c.always_below = 20;
    }
    if (fed_codec_new(&codec, &c, false, &err) != FED_OK) abort();
    return codec;
}

static void check_again(const fed_codec *codec, const fed_codec_round *round,
                        fed_span blob)
{
    fed_bytes again;
    fed_bytes_init(&again, 1 << 20);
    if (fed_codec_round_encode(codec, round, &again, NULL) != FED_OK) abort();
    if (again.len != blob.len || memcmp(again.data, blob.data, blob.len) != 0) abort();
    if (!(round->step > 0) || !round->m || round->m > 1000) abort();
    fed_bytes_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) return 0;
    fed_codec *codec = make_codec(data[0]);
    fed_codec_round *round;
    fed_error err;
    fed_span blob = {data + 1, size - 1};
    if (fed_codec_round_parse(codec, blob, &round, &err) == FED_OK)
        check_again(codec, round, blob);
    fed_codec_round_free(round);
    fed_codec_free(codec);
    return 0;
}
