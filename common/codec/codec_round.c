/*
 * The blob of a round, little-endian:
 *
 *   "FCR1"  u64 version  f64 clip  u8 support  [chosen: u32 blocks, Golomb code of them]
 *
 * Everything else follows from it and from the configuration, so a device computes the step
 * and draws the signs itself, and there is nothing in the blob that could contradict them.
 */
#include "codec_round.h"

#include <math.h>
#include <string.h>

#include "codec_support.h"
#include "crypto.h"
#include "golomb.h"
#include "hadamard.h"

static const char magic[4] = {'F', 'C', 'R', '1'};

/* Half the range of a rounded coordinate. A rotated one has a standard deviation of at most
 * clip / sqrt(p); an unrotated one has no such bound, so four times as much is allowed. */
static double half_range(const fed_codec_config *c, double clip, size_t m)
{
    double half = c->rotate == FED_CODEC_HADAMARD
                      ? c->tail * clip / sqrt((double)fed_hadamard_size(m))
                      : 4 * c->tail * clip / sqrt((double)m);
    return half < clip ? half : clip;
}

static double step_of(const fed_codec *codec, double clip, size_t m)
{
    const fed_codec_config *c = &codec->config;
    if (c->quantise == FED_CODEC_GRID) return clip / c->grid;
    if (!codec->linear) return ldexp(clip, -FED_CODEC_EXACT_BITS);
    return 2 * half_range(c, clip, m) / (double)((UINT32_C(1) << c->bits) - 1);
}

static bool rotates(const fed_codec *codec)
{
    return codec->linear && codec->config.rotate == FED_CODEC_HADAMARD;
}

static fed_status list_marked(const fed_codec *codec, const uint8_t *marks,
                              fed_codec_round *round, fed_error *err)
{
    size_t n = 0;
    for (size_t j = 0; j < codec->n_blocks; j++)
        n += marks[j];
    round->blocks = fed_malloc(n * sizeof *round->blocks);
    if (!round->blocks) return fed_fail_nomem(err, n * sizeof *round->blocks);
    for (size_t j = 0; j < codec->n_blocks; j++)
        if (marks[j]) round->blocks[round->n_blocks++] = (uint32_t)j;
    return FED_OK;
}

static fed_status draw_blocks(const fed_codec *codec, fed_codec_round *round,
                              fed_error *err)
{
    uint8_t *marks = fed_calloc(codec->n_blocks, 1);
    if (!marks) return fed_fail_nomem(err, codec->n_blocks);
    size_t pinned = fed_support_mark_pinned(codec, marks), filled;
    size_t room = codec->budget > pinned ? codec->budget - pinned : 0;
    fed_status status =
        fed_support_draw(codec, round->version, room, true, marks, &filled, err);
    if (!status) status = list_marked(codec, marks, round, err);
    fed_free(marks);
    return status;
}

static fed_status copy_blocks(const fed_codec *codec, fed_codec_round *round,
                              const uint32_t *blocks, size_t n, fed_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (blocks[i] >= codec->n_blocks || (i && blocks[i] <= blocks[i - 1]))
            return fed_fail(err, FED_E_INVALID,
                            "blocks[%zu]: %u does not ascend below %zu", i, blocks[i],
                            codec->n_blocks);
    round->blocks = fed_memdup(blocks, n * sizeof *blocks);
    round->n_blocks = n;
    return round->blocks ? FED_OK : fed_fail_nomem(err, n * sizeof *blocks);
}

static fed_status choose_blocks(const fed_codec *codec, fed_codec_round *round,
                                const uint32_t *blocks, size_t n, fed_error *err)
{
    if (round->support == FED_CODEC_ALL) {
        round->m = codec->config.d;
        return FED_OK;
    }
    if (round->support == FED_CODEC_RANDOM)
        FED_TRY(draw_blocks(codec, round, err));
    else
        FED_TRY(copy_blocks(codec, round, blocks, n, err));
    for (size_t i = 0; i < round->n_blocks; i++)
        round->m += fed_codec_block_length(codec, round->blocks[i]);
    return FED_OK;
}

static fed_status draw_signs(const fed_codec *codec, fed_codec_round *round,
                             fed_error *err)
{
    if (!rotates(codec)) return FED_OK;
    size_t words = fed_hadamard_sign_words(round->m);
    round->signs = fed_malloc(words * sizeof *round->signs);
    if (!round->signs) return fed_fail_nomem(err, words * sizeof *round->signs);
    uint64_t version = codec->config.one_rotation ? 0 : round->version;
    fed_hadamard_draw(round->signs, round->m, codec->config.seed, version);
    return FED_OK;
}

/* Which supports a select may have: blocks exist with voted and rand_k alone. */
static fed_status check_support(const fed_codec *codec, fed_codec_support support,
                                size_t n_blocks, fed_error *err)
{
    fed_codec_select select = codec->config.select;
    bool sparse = select == FED_CODEC_VOTED || select == FED_CODEC_RAND_K;
    bool fits = support == FED_CODEC_ALL      ? select != FED_CODEC_RAND_K
                : support == FED_CODEC_RANDOM ? sparse
                                              : select == FED_CODEC_VOTED && n_blocks;
    if (fits) return FED_OK;
    return fed_fail(err, FED_E_INVALID,
                    "support: %d with %zu blocks does not fit select %d", (int)support,
                    n_blocks, (int)select);
}

fed_status fed_codec_round_make(const fed_codec *codec, uint64_t version, double clip,
                                fed_codec_support support, const uint32_t *blocks,
                                size_t n_blocks, fed_codec_round **out, fed_error *err)
{
    *out = NULL;
    if (!(clip >= 1e-20 && clip <= 1e20))
        return fed_fail(err, FED_E_INVALID, "clip: %g is not in [1e-20, 1e20]", clip);
    FED_TRY(check_support(codec, support, n_blocks, err));
    fed_status status = FED_OK;
    fed_codec_round *round = fed_calloc(1, sizeof *round);
    if (!round) return fed_fail_nomem(err, sizeof *round);
    round->version = version;
    round->clip = clip;
    round->support = support;
    FED_GO(choose_blocks(codec, round, blocks, n_blocks, err));
    round->step = step_of(codec, clip, round->m);
    FED_GO(draw_signs(codec, round, err));
    *out = round;
    return FED_OK;
out:
    fed_codec_round_free(round);
    return status;
}

fed_status fed_codec_round_first(const fed_codec *codec, uint64_t version,
                                 fed_codec_round **out, fed_error *err)
{
    const fed_codec_config *c = &codec->config;
    bool all = c->select == FED_CODEC_DENSE || c->select == FED_CODEC_TOP_K ||
               (c->select == FED_CODEC_VOTED && version < c->warm_up);
    return fed_codec_round_make(codec, version, c->clip,
                                all ? FED_CODEC_ALL : FED_CODEC_RANDOM, NULL, 0, out,
                                err);
}

void fed_codec_round_free(fed_codec_round *round)
{
    if (!round) return;
    fed_free(round->blocks);
    fed_free(round->signs);
    fed_free(round);
}

static void put_f64(fed_bytes *out, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    fed_bytes_put_u64(out, bits);
}

fed_status fed_codec_round_encode(const fed_codec *codec, const fed_codec_round *round,
                                  fed_bytes *out, fed_error *err)
{
    fed_bytes_put(out, magic, sizeof magic);
    fed_bytes_put_u64(out, round->version);
    put_f64(out, round->clip);
    fed_bytes_put_u8(out, (uint8_t)round->support);
    if (round->support == FED_CODEC_CHOSEN) {
        fed_bytes_put_u32(out, (uint32_t)round->n_blocks);
        FED_TRY(
            fed_golomb_encode(round->blocks, round->n_blocks, codec->n_blocks, out, err));
    }
    if (out->status) return fed_fail(err, out->status, "round: no room for its blob");
    return FED_OK;
}

static fed_status parse_blocks(const fed_codec *codec, fed_reader *r, uint32_t **blocks,
                               size_t *n, fed_error *err)
{
    *n = fed_reader_u32(r);
    if (!*n || *n > codec->n_blocks)
        return fed_fail(err, FED_E_FORMAT, "round: %zu blocks are not in 1..%zu", *n,
                        codec->n_blocks);
    *blocks = fed_malloc(*n * sizeof **blocks);
    if (!*blocks) return fed_fail_nomem(err, *n * sizeof **blocks);
    fed_span code = fed_reader_take(r, fed_reader_left(r));
    return fed_golomb_decode(code, *n, codec->n_blocks, *blocks, err);
}

/* Pinned blocks travel in every version: a list without one is not ours. */
static fed_status check_pinned(const fed_codec *codec, const fed_codec_round *round,
                               fed_error *err)
{
    if (round->support != FED_CODEC_CHOSEN) return FED_OK;
    size_t i = 0;
    for (size_t j = 0; j < codec->n_blocks; j++) {
        if (i < round->n_blocks && round->blocks[i] == j)
            i++;
        else if (codec->pinned[j])
            return fed_fail(err, FED_E_FORMAT,
                            "round: block %zu, which always travels, is "
                            "missing",
                            j);
    }
    return FED_OK;
}

fed_status fed_codec_round_parse(const fed_codec *codec, fed_span blob,
                                 fed_codec_round **out, fed_error *err)
{
    *out = NULL;
    fed_status status = FED_OK;
    uint32_t *blocks = NULL;
    fed_codec_round *round = NULL;
    size_t n = 0;
    fed_reader r;
    fed_reader_init(&r, blob.data, blob.len);
    char head[sizeof magic];
    fed_reader_copy(&r, head, sizeof head);
    if (memcmp(head, magic, sizeof magic) != 0)
        return fed_fail(err, FED_E_FORMAT, "round: the blob does not begin with FCR1");
    uint64_t version = fed_reader_u64(&r), clip_bits = fed_reader_u64(&r);
    uint8_t support = fed_reader_u8(&r);
    double clip;
    memcpy(&clip, &clip_bits, sizeof clip);
    if (r.failed || support > FED_CODEC_CHOSEN)
        return fed_fail(err, FED_E_FORMAT,
                        "round: cut short, or support %u is not in 0..2", support);
    if (support == FED_CODEC_CHOSEN) FED_GO(parse_blocks(codec, &r, &blocks, &n, err));
    if (fed_reader_finish(&r)) {
        status = fed_fail(err, FED_E_FORMAT, "round: %zu bytes are left over",
                          fed_reader_left(&r));
        goto out;
    }
    status = fed_codec_round_make(codec, version, clip, (fed_codec_support)support,
                                  blocks, n, &round, err);
    if (status == FED_E_INVALID) status = fed_fail_in(err, FED_E_FORMAT, "round");
    if (!status) status = check_pinned(codec, round, err);
out:
    fed_free(blocks);
    if (status) fed_codec_round_free(round);
    if (!status) *out = round;
    return status;
}

fed_status fed_codec_round_address(const fed_codec *codec, const fed_codec_round *round,
                                   uint8_t address[32], fed_error *err)
{
    fed_bytes blob;
    fed_bytes_init(&blob, SIZE_MAX / 2);
    fed_status status = fed_codec_round_encode(codec, round, &blob, err);
    if (!status) status = fed_sha256(blob.data, blob.len, address, err);
    fed_bytes_fini(&blob);
    return status;
}

static void add_shape(fed_codec_shape *shapes, size_t *n, const char *name, unsigned bits,
                      size_t entries)
{
    if (entries) shapes[(*n)++] = (fed_codec_shape){name, bits, entries};
}

size_t fed_codec_shapes(const fed_codec *codec, const fed_codec_round *round,
                        fed_codec_shape shapes[FED_CODEC_VECTORS_MAX])
{
    size_t n = 0;
    if (!codec->linear) return 0;
    const fed_codec_config *c = &codec->config;
    add_shape(shapes, &n, "values", codec->value_bits, round->m);
    if (c->select == FED_CODEC_VOTED)
        add_shape(shapes, &n, "votes", codec->vote_bits,
                  fed_codec_votes(codec, round->version));
    if (codec->bit_bits) add_shape(shapes, &n, "bit", codec->bit_bits, 1);
    if (codec->weight_bits) add_shape(shapes, &n, "weight", codec->weight_bits, 1);
    if (codec->norm_bits)
        add_shape(shapes, &n, "norms", codec->norm_bits, FED_CODEC_NORM_BUCKETS);
    return n;
}
