/* A device with any update and any stored residual: byte 0 chooses the codec, the rest is
 * float32 of the one, then of the other. What it sends is what the server accepts, and what it
 * keeps is finite and below its cap. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { D = 300, CAP = 4 };

static fed_codec *make_codec(uint8_t choice)
{
    static const fed_codec_select selects[] = {FED_CODEC_DENSE, FED_CODEC_RAND_K,
                                               FED_CODEC_VOTED, FED_CODEC_TOP_K};
    static const fed_codec_quantise quantisers[] = {FED_CODEC_BITS, FED_CODEC_SIGN,
                                                    FED_CODEC_FLOAT32};
    fed_codec *codec;
    fed_codec_config c;
    fed_error err;
    fed_codec_config_init(&c);
    c.d = D;
    c.n_max = 2;
    c.select = selects[choice % 4];
    c.quantise =
        c.select == FED_CODEC_VOTED ? FED_CODEC_BITS : quantisers[choice / 4 % 3];
    c.fraction = 0.1;
    c.block = 8;
    c.residual = true;
    c.residual_cap = CAP;
    c.clip_auto = choice & 0x40;
    c.rotate = choice & 0x80 ? FED_CODEC_HADAMARD : FED_CODEC_PLAIN;
    if (fed_codec_new(&codec, &c, false, &err) != FED_OK) abort();
    return codec;
}

static void read_floats(fed_reader *r, float *x)
{
    memset(x, 0, D * sizeof *x);
    for (size_t i = 0; i < D && fed_reader_left(r) >= sizeof *x; i++) {
        uint32_t bits = fed_reader_u32(r);
        memcpy(&x[i], &bits, sizeof bits);
    }
}

static void check_kept(const float *kept)
{
    double energy = 0;
    for (size_t i = 0; i < D; i++)
        energy += (double)kept[i] * kept[i];
    if (!(sqrt(energy) <= CAP * 1.0001)) abort(); /* the clip norm is 1 */
}

static void send(const fed_codec *codec, const fed_codec_round *round,
                 const fed_codec_input *in)
{
    fed_codec_update update;
    fed_codec_sum sum;
    fed_bytes upload;
    fed_error err;
    fed_bytes_init(&upload, 1 << 20);
    if (fed_codec_encode(codec, round, in, &update, &err) != FED_OK) abort();
    if (fed_codec_update_write(&update, &upload, &err) != FED_OK) abort();
    if (fed_codec_sum_init(codec, round, &sum, &err) != FED_OK) abort();
    fed_span bytes = {upload.data, upload.len};
    if (fed_codec_sum_add_bytes(codec, round, &sum, bytes, &err) != FED_OK) abort();
    check_kept(in->residual_out);
    fed_codec_sum_fini(&sum);
    fed_codec_update_fini(&update);
    fed_bytes_fini(&upload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[FED_CODEC_KEY_BYTES] = {1};
    static float delta[D], residual[D];
    fed_codec_round *round;
    fed_error err;
    fed_reader r;
    if (!size) return 0;
    fed_codec *codec = make_codec(data[0]);
    if (fed_codec_round_first(codec, 1, &round, &err) != FED_OK) abort();
    fed_reader_init(&r, data + 1, size - 1);
    read_floats(&r, delta);
    read_floats(&r, residual);
    fed_codec_input in = {.delta = delta,
                          .residual = residual,
                          .missed = 1,
                          .residual_out = residual,
                          .weight = 1,
                          .key = key};
    send(codec, round, &in);
    fed_codec_round_free(round);
    fed_codec_free(codec);
    return 0;
}
