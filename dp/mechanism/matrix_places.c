/*
 * What a stream of correlated noise remembers, as bytes for a store, little-endian: u32 the
 * round that wrote the place, u8 the width w, then dim signed integers of w bytes. The round
 * is known to the reader, who refuses any other: a place of another time would make noise that
 * cancels nothing, and hides nothing.
 */
#include <string.h>

#include "matrix_stream.h"

enum { HEAD = 5, WIDTH_MAX = 8 };

static bool is_tree(const fed_matrix_stream *s)
{
    return s->matrix->config.kind == FED_MATRIX_TREE;
}

/* Toeplitz: one of the newest rounds. Tree: prefix t has an open node for each one of t. */
bool fed_matrix_stream_holds(const fed_matrix_stream *s, uint32_t place)
{
    if (place >= s->places || s->round >= s->matrix->config.steps) return false;
    if (is_tree(s)) return s->round >> place & 1;
    return place < s->round;
}

uint32_t fed_matrix_stream_newest(const fed_matrix_stream *s)
{
    uint32_t last = s->round - 1, level = 0;
    if (!is_tree(s)) return s->places ? last % s->places : 0;
    while (last >> level & 1)
        level++;
    return level;
}

/* Of a place that is held. */
static uint32_t writer_of(const fed_matrix_stream *s, uint32_t place)
{
    if (is_tree(s)) return (s->round >> place << place) - 1;
    uint32_t last = s->round - 1;
    return last - (last - place) % s->places;
}

static unsigned width_of(const int64_t *x, size_t n)
{
    unsigned width = 1;
    for (size_t i = 0; i < n; i++)
        while (width < WIDTH_MAX && (x[i] >= (int64_t)1 << (8 * width - 1) ||
                                     x[i] < -((int64_t)1 << (8 * width - 1))))
            width++;
    return width;
}

fed_status fed_matrix_stream_write(const fed_matrix_stream *s, uint32_t place,
                                   fed_bytes *out, fed_error *err)
{
    uint8_t word[8];
    if (!fed_matrix_stream_holds(s, place))
        return fed_fail(err, FED_E_INVALID, "matrix: place %u holds nothing", place);
    const int64_t *x = s->history + place * s->dim;
    unsigned width = width_of(x, s->dim);
    fed_bytes_put_u32(out, writer_of(s, place));
    fed_bytes_put_u8(out, (uint8_t)width);
    for (size_t i = 0; i < s->dim; i++) {
        fed_store_u64(word, (uint64_t)x[i]);
        fed_bytes_put(out, word, width);
    }
    fed_wipe(word, sizeof word);
    return out->status
               ? fed_fail(err, out->status, "matrix: place %u does not fit", place)
               : FED_OK;
}

fed_status fed_matrix_stream_seek(fed_matrix_stream *s, uint64_t round, fed_error *err)
{
    if (round > s->matrix->config.steps)
        return fed_fail(err, FED_E_FORMAT, "matrix: round %llu of %u",
                        (unsigned long long)round, s->matrix->config.steps);
    s->round = (uint32_t)round;
    s->has_drawn = false;
    if (s->places) memset(s->history, 0, s->places * s->dim * sizeof *s->history);
    return FED_OK;
}

/* Two's complement of `width` bytes. */
static int64_t load(const uint8_t *p, unsigned width)
{
    uint8_t word[8];
    memset(word, p[width - 1] & 0x80 ? 0xff : 0, sizeof word);
    memcpy(word, p, width);
    uint64_t bits = fed_load_u64(word);
    return bits >> 63 ? -(int64_t)~bits - 1 : (int64_t)bits;
}

static fed_status misshapen(uint32_t place, const char *why, fed_error *err)
{
    return fed_fail(err, FED_E_FORMAT, "matrix: place %u: %s", place, why);
}

fed_status fed_matrix_stream_read(fed_matrix_stream *s, uint32_t place, fed_span bytes,
                                  fed_error *err)
{
    if (!fed_matrix_stream_holds(s, place))
        return misshapen(place, "nothing is held there", err);
    if (bytes.len < HEAD) return misshapen(place, "too short", err);
    if (fed_load_u32(bytes.data) != writer_of(s, place))
        return misshapen(place, "of another round", err);
    unsigned width = bytes.data[4];
    if (!width || width > WIDTH_MAX || (bytes.len - HEAD) / width != s->dim ||
        (bytes.len - HEAD) % width)
        return misshapen(place, "of another length", err);
    int64_t *x = s->history + place * s->dim;
    for (size_t i = 0; i < s->dim; i++) {
        x[i] = load(bytes.data + HEAD + i * width, width);
        if (x[i] > s->reach || x[i] < -s->reach)
            return misshapen(place, "numbers too large", err);
    }
    if (width_of(x, s->dim) == width) return FED_OK;
    return misshapen(place, "wider than its numbers", err);
}
