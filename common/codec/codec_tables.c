/*
 * Blocks follow the tensors: each stretch between two boundaries is cut into blocks of
 * `block` coordinates, the last of which may be shorter, so that no block mixes two tensors.
 */
#include "codec_tables.h"

#include <string.h>

#include "hadamard.h"
#include "ring.h"

/* Calls visit for each stretch between boundaries. */
static void each_stretch(const fed_codec_config *c,
                         void (*visit)(void *ctx, size_t from, size_t to), void *ctx)
{
    size_t from = 0;
    for (size_t i = 0; i < c->n_boundaries; i++) {
        if (c->boundaries[i] > from) visit(ctx, from, c->boundaries[i]);
        from = c->boundaries[i];
    }
    visit(ctx, from, c->d);
}

static void count_blocks(void *ctx, size_t from, size_t to)
{
    fed_codec *codec = ctx;
    codec->n_blocks += (to - from + codec->config.block - 1) / codec->config.block;
}

static void fill_blocks(void *ctx, size_t from, size_t to)
{
    fed_codec *codec = ctx;
    bool pinned = to - from <= codec->config.always_below;
    for (size_t at = from; at < to; at += codec->config.block) {
        codec->starts[codec->n_blocks] = (uint32_t)at;
        codec->pinned[codec->n_blocks++] = pinned;
        if (!pinned) codec->n_free++;
    }
}

static fed_status make_blocks(fed_codec *codec, fed_error *err)
{
    each_stretch(&codec->config, count_blocks, codec);
    codec->starts = fed_calloc(codec->n_blocks + 1, sizeof *codec->starts);
    codec->pinned = fed_calloc(codec->n_blocks, 1);
    if (!codec->starts || !codec->pinned) return fed_fail_nomem(err, 5 * codec->n_blocks);
    codec->starts[codec->n_blocks] = (uint32_t)codec->config.d;
    codec->n_blocks = 0;
    each_stretch(&codec->config, fill_blocks, codec);
    return FED_OK;
}

static void derive_widths(fed_codec *codec)
{
    const fed_codec_config *c = &codec->config;
    codec->value_bits = c->ring_bits;
    if (!codec->value_bits && c->quantise == FED_CODEC_BITS)
        codec->value_bits =
            fed_codec_ring_bits_unsigned(c->n_max, (UINT64_C(1) << c->bits) - 1);
    if (c->select == FED_CODEC_VOTED)
        codec->vote_bits = c->quantise == FED_CODEC_GRID
                               ? c->vote_ring_bits
                               : fed_codec_ring_bits_unsigned(
                                     c->n_max, (UINT64_C(1) << c->vote_bits) - 1);
    codec->bit_bits = c->bit_ring_bits;
    if (c->weight == FED_CODEC_EXAMPLES)
        codec->weight_bits = fed_codec_ring_bits_unsigned(c->n_max, c->max_weight);
    if (c->clip_auto) codec->norm_bits = fed_codec_ring_bits_unsigned(c->n_max, 1);
}

static fed_status derive(fed_codec *codec, fed_error *err)
{
    fed_codec_config *c = &codec->config;
    codec->linear = c->select != FED_CODEC_TOP_K &&
                    (c->quantise == FED_CODEC_BITS || c->quantise == FED_CODEC_GRID);
    double share = c->select == FED_CODEC_DENSE ? 1 : c->fraction;
    codec->budget = (size_t)(share * (double)c->d + 0.5);
    if (!codec->budget) codec->budget = 1;
    derive_widths(codec);
    if (c->n_boundaries) {
        c->boundaries =
            fed_memdup(c->boundaries, c->n_boundaries * sizeof *c->boundaries);
        if (!c->boundaries) return fed_fail_nomem(err, 4 * c->n_boundaries);
    } else {
        c->boundaries = NULL;
    }
    bool blocks = c->select == FED_CODEC_VOTED || c->select == FED_CODEC_RAND_K;
    return blocks ? make_blocks(codec, err) : FED_OK;
}

fed_status fed_codec_new(fed_codec **out, const fed_codec_config *config, bool secagg,
                         fed_error *err)
{
    *out = NULL;
    FED_TRY(fed_codec_check(config, secagg, err));
    fed_codec *codec = fed_calloc(1, sizeof *codec);
    if (!codec) return fed_fail_nomem(err, sizeof *codec);
    codec->config = *config;
    codec->config.boundaries = NULL;
    codec->config.n_boundaries = 0;
    if (config->select == FED_CODEC_VOTED || config->select == FED_CODEC_RAND_K) {
        codec->config.boundaries = config->boundaries;
        codec->config.n_boundaries = config->n_boundaries;
    }
    fed_status status = derive(codec, err);
    if (status) {
        fed_codec_free(codec);
        return status;
    }
    *out = codec;
    return FED_OK;
}

void fed_codec_free(fed_codec *codec)
{
    if (!codec) return;
    fed_free((void *)(uintptr_t)codec->config.boundaries);
    fed_free(codec->starts);
    fed_free(codec->pinned);
    fed_free(codec);
}

const fed_codec_config *fed_codec_config_of(const fed_codec *codec)
{
    return &codec->config;
}

bool fed_codec_is_linear(const fed_codec *codec)
{
    return codec->linear;
}

size_t fed_codec_travelling(const fed_codec *c, const fed_codec_round *round)
{
    return c->config.select == FED_CODEC_TOP_K ? c->budget : round->m;
}

size_t fed_codec_votes(const fed_codec *c, uint64_t version)
{
    size_t period = c->config.vote_period, phase = (size_t)(version % period);
    return c->n_free > phase ? (c->n_free - phase - 1) / period + 1 : 0;
}

/* Blocks are drawn until the next does not fit, so a sparse support lacks less than one block of
 * its budget; the pinned ones, and one more, travel in any case. */
static void extent_of_sparse(const fed_codec *c, size_t *least, size_t *most)
{
    size_t pinned = 0, longest = 0;
    for (size_t j = 0; j < c->n_blocks; j++) {
        size_t length = fed_codec_block_length(c, j);
        if (c->pinned[j])
            pinned += length;
        else if (length > longest)
            longest = length;
    }
    size_t room = c->budget > pinned ? c->budget - pinned : 0;
    *least = pinned + (longest ? (room > longest ? room - longest + 1 : 1) : 0);
    *most = pinned + (room > longest ? room : longest);
}

fed_codec_extent fed_codec_extent_of(const fed_codec *codec)
{
    const fed_codec_config *c = &codec->config;
    size_t least = c->d, most = c->d;
    if (c->select == FED_CODEC_TOP_K) least = most = codec->budget;
    if (codec->n_blocks) extent_of_sparse(codec, &least, &most);
    if (most > c->d || (c->select == FED_CODEC_VOTED && c->warm_up)) most = c->d;
    bool rotates = codec->linear && c->rotate == FED_CODEC_HADAMARD;
    return (fed_codec_extent){
        .values = most,
        .spread = rotates ? fed_hadamard_size(least) : 1,
        .votes = c->select == FED_CODEC_VOTED ? fed_codec_votes(codec, 0) : 0};
}
