/* Uploads as bytes: byte 0 chooses the codec, the rest is the upload. What is refused must
 * leave the sum as it was; what is accepted must keep every entry within the clip. */
#include <stdlib.h>

#include "codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { D = 300 };

typedef struct target {
    fed_codec *codec;
    fed_codec_round *round;
} target;

static target make_target(fed_codec_select select, fed_codec_quantise quantise,
                          bool weights)
{
    target t;
    fed_codec_config c;
    fed_error err;
    fed_codec_config_init(&c);
    c.d = D;
    c.n_max = 4;
    c.select = select;
    c.quantise = quantise;
    c.fraction = 0.05;
    c.block = 8;
    c.clip_auto = weights;
    c.weight = weights ? FED_CODEC_EXAMPLES : FED_CODEC_UNIFORM;
    c.max_weight = weights ? 100 : 1;
    if (fed_codec_new(&t.codec, &c, false, &err) != FED_OK) abort();
    if (fed_codec_round_first(t.codec, 1, &t.round, &err) != FED_OK) abort();
    return t;
}

static void add_upload(const target *t, fed_span upload)
{
    fed_codec_sum sum;
    fed_error err;
    if (fed_codec_sum_init(t->codec, t->round, &sum, &err) != FED_OK) abort();
    fed_status status = fed_codec_sum_add_bytes(t->codec, t->round, &sum, upload, &err);
    if (status != FED_OK && status != FED_E_FORMAT) abort();
    for (size_t i = 0; sum.exact && i < D; i++) {
        if (status && sum.exact[i]) abort();
        if (llabs(sum.exact[i]) > INT64_C(1) << 42) abort();
    }
    if (sum.n != (status == FED_OK)) abort();
    fed_codec_sum_fini(&sum);
}

static void free_target(target *t)
{
    fed_codec_round_free(t->round);
    fed_codec_free(t->codec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fed_codec_select selects[] = {FED_CODEC_TOP_K, FED_CODEC_DENSE,
                                               FED_CODEC_RAND_K};
    static const fed_codec_quantise quantisers[] = {FED_CODEC_BITS, FED_CODEC_SIGN,
                                                    FED_CODEC_FLOAT32};
    if (!size) return 0;
    target t =
        make_target(selects[data[0] % 3], quantisers[data[0] / 3 % 3], data[0] & 0x80);
    add_upload(&t, (fed_span){data + 1, size - 1});
    free_target(&t);
    return 0;
}
