#include "codec_support.h"

#include <string.h>

size_t fed_support_mark_pinned(const fed_codec *codec, uint8_t *marks)
{
    size_t filled = 0;
    for (size_t j = 0; j < codec->n_blocks; j++) {
        marks[j] = codec->pinned[j];
        if (marks[j]) filled += fed_codec_block_length(codec, j);
    }
    return filled;
}

/* Draws without replacement: the Fisher-Yates shuffle, stopped as soon as the room is full. */
fed_status fed_support_draw(const fed_codec *codec, uint64_t version, size_t room,
                            bool at_least_one, uint8_t *marks, size_t *filled,
                            fed_error *err)
{
    uint32_t *left = fed_malloc(codec->n_blocks * sizeof *left);
    if (!left) return fed_fail_nomem(err, codec->n_blocks * sizeof *left);
    size_t n = 0;
    for (size_t j = 0; j < codec->n_blocks; j++)
        if (!marks[j]) left[n++] = (uint32_t)j;
    fed_stream s;
    fed_stream_init(&s, codec->config.seed, FED_PURPOSE_SUPPORT, version);
    *filled = 0;
    while (n) {
        uint32_t pick = fed_stream_below(&s, (uint32_t)n), j = left[pick];
        size_t length = fed_codec_block_length(codec, j);
        if (*filled + length > room && !(at_least_one && !*filled)) break;
        marks[j] = 1;
        *filled += length;
        left[pick] = left[--n];
    }
    fed_free(left);
    return FED_OK;
}

void fed_support_gather(const fed_codec *codec, const fed_codec_round *round,
                        const float *dense, float *out)
{
    if (round->support == FED_CODEC_ALL) {
        memcpy(out, dense, codec->config.d * sizeof *out);
        return;
    }
    for (size_t i = 0; i < round->n_blocks; i++) {
        size_t length = fed_codec_block_length(codec, round->blocks[i]);
        memcpy(out, dense + codec->starts[round->blocks[i]], length * sizeof *out);
        out += length;
    }
}

void fed_support_scatter(const fed_codec *codec, const fed_codec_round *round,
                         const float *values, float *dense)
{
    if (round->support == FED_CODEC_ALL) {
        memcpy(dense, values, codec->config.d * sizeof *dense);
        return;
    }
    for (size_t i = 0; i < round->n_blocks; i++) {
        size_t length = fed_codec_block_length(codec, round->blocks[i]);
        memcpy(dense + codec->starts[round->blocks[i]], values, length * sizeof *values);
        values += length;
    }
}

void fed_support_indices(const fed_codec *codec, const fed_codec_round *round,
                         uint32_t *indices)
{
    if (round->support == FED_CODEC_ALL)
        for (size_t i = 0; i < codec->config.d; i++)
            indices[i] = (uint32_t)i;
    for (size_t i = 0; i < round->n_blocks; i++)
        for (uint32_t at = codec->starts[round->blocks[i]];
             at < codec->starts[round->blocks[i] + 1]; at++)
            *indices++ = at;
}
