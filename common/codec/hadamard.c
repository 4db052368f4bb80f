#include "hadamard.h"

#include <math.h>

#include "codec_kernels.h"

size_t fed_hadamard_size(size_t m)
{
    size_t p = 1;
    while (p <= m / 2)
        p *= 2;
    return p;
}

static size_t words_of(size_t p)
{
    return (p + 31) / 32;
}

size_t fed_hadamard_sign_words(size_t m)
{
    size_t p = fed_hadamard_size(m);
    return p == m ? words_of(p) : 2 * words_of(p);
}

void fed_hadamard_draw(uint32_t *signs, size_t m, const uint8_t seed[FED_SEED_BYTES],
                       uint64_t version)
{
    fed_stream s;
    fed_stream_init(&s, seed, FED_PURPOSE_ROTATION, version);
    for (size_t i = 0; i < fed_hadamard_sign_words(m); i++)
        signs[i] = fed_stream_u32(&s);
}

/* One transform of p entries in two kinds of steps: whole blocks that fit the first-level
 * cache (distances below the block), then groups of up to three levels across blocks, in
 * columns. */
typedef struct transform {
    const fed_codec_kernels *kernels;
    float *x;
    size_t p, block, columns;
    size_t h;
    unsigned levels;
    const uint32_t *signs;
    float factor;
} transform;

static void levels_in_block(const transform *t, float *x)
{
    t->kernels->hadamard16(x, t->block);
    for (size_t h = 16; h < t->block;) {
        unsigned levels = 8 * h <= t->block ? 3 : 4 * h <= t->block ? 2 : 1;
        for (size_t group = 0; group < t->block; group += h << levels)
            t->kernels->butterflies(x + group, h, levels, 0, h);
        h <<= levels;
    }
}

static void flip_and_transform_block(void *arg, size_t index, unsigned worker)
{
    (void)worker;
    const transform *t = arg;
    float *x = t->x + index * t->block;
    if (t->signs)
        t->kernels->flip(x, t->signs + index * t->block / 32, t->factor, t->block);
    else
        t->kernels->scale(x, t->factor, t->block);
    levels_in_block(t, x);
}

static void transform_columns(void *arg, size_t index, unsigned worker)
{
    (void)worker;
    const transform *t = arg;
    size_t per_group = t->h / t->columns;
    size_t group = index / per_group, from = index % per_group * t->columns;
    t->kernels->butterflies(t->x + group * (t->h << t->levels), t->h, t->levels, from,
                            from + t->columns);
}

/* Fewer than 16 entries: too few for the kernels. */
static void transform_short(float *x, size_t p, const uint32_t *signs, float factor)
{
    const fed_codec_kernels *kernels = fed_codec_kernels_of(FED_KERNEL_SCALAR);
    if (signs)
        kernels->flip(x, signs, factor, p);
    else
        kernels->scale(x, factor, p);
    for (size_t h = 1; h < p; h *= 2)
        for (size_t group = 0; group < p; group += 2 * h)
            kernels->butterflies(x + group, h, 1, 0, h);
}

/* x = H(flip(x)) / sqrt(p); without signs nothing is flipped. */
static void flip_and_transform(float *x, size_t p, const uint32_t *signs,
                               const fed_parallel *parallel)
{
    float factor = (float)(1 / sqrt((double)p));
    if (p < 32) {
        transform_short(x, p, signs, factor);
        return;
    }
    transform t = {.kernels = fed_codec_kernels_active(),
                   .x = x,
                   .p = p,
                   .block = p < FED_HADAMARD_BLOCK ? p : FED_HADAMARD_BLOCK,
                   .columns = 1024,
                   .signs = signs,
                   .factor = factor};
    fed_parallel_for(parallel, p / t.block, flip_and_transform_block, &t);
    for (t.h = t.block; t.h < p; t.h <<= t.levels) {
        t.levels = 8 * t.h <= p ? 3 : 4 * t.h <= p ? 2 : 1;
        fed_parallel_for(parallel, (p >> t.levels) / t.columns, transform_columns, &t);
    }
}

static void flip_only(float *x, size_t p, const uint32_t *signs)
{
    fed_codec_kernels_active()->flip(x, signs, 1, p);
}

void fed_hadamard_forward(float *x, size_t m, const uint32_t *signs,
                          const fed_parallel *parallel)
{
    size_t p = fed_hadamard_size(m);
    flip_and_transform(x, p, signs, parallel);
    if (p < m) flip_and_transform(x + m - p, p, signs + words_of(p), parallel);
}

void fed_hadamard_back(float *x, size_t m, const uint32_t *signs,
                       const fed_parallel *parallel)
{
    size_t p = fed_hadamard_size(m);
    if (p < m) {
        flip_and_transform(x + m - p, p, NULL, parallel);
        flip_only(x + m - p, p, signs + words_of(p));
    }
    flip_and_transform(x, p, NULL, parallel);
    flip_only(x, p, signs);
}
