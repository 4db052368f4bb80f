#include "benchmark_models.h"

#include <math.h>
#include <string.h>

#define SEPARABLE(in, out, stride)                                                       \
    "conv2d filters=" in " groups=" in " kernel=3 pad=1 stride=" stride                  \
    " activation=relu | conv2d filters=" out " kernel=1 activation=relu |"
#define SPEECH_BLOCK  SEPARABLE("64", "64", "1") SEPARABLE("64", "64", "1")
#define NORMED(first) first " bias=0 | batch_norm | relu |"
#define NORMED_BLOCK                                                                     \
    NORMED("conv2d filters=64 groups=64 kernel=3 pad=1")                                 \
    NORMED("conv2d filters=64 kernel=1")
#define TRANSFORMER_BLOCK(x, y, z)                                                       \
    "layer_norm <" x " | linear units=384 | attention heads=4 causal=1 |"                \
    "linear units=128 @" y "p | add <" x " <" y "p @" y " |"                             \
    "layer_norm | linear units=512 activation=gelu | linear units=128 @" z "p |"         \
    "add <" y " <" z "p @" z " |"

const benchmark_model benchmark_models[] = {
    {"mlp",
     "linear units=128 activation=relu | linear units=10",
     {1, {784}},
     0,
     101770,
     32,
     32,
     {.kind = FED_SGD, .lr = 0.1}},
    {"2nn",
     "linear units=200 activation=relu | linear units=200 activation=relu | linear "
     "units=10",
     {1, {784}},
     0,
     199210,
     10,
     10,
     {.kind = FED_MOMENTUM, .lr = 0.02, .momentum = 0.9, .weight_decay = 0.01}},
    {"cnn",
     "conv2d filters=32 kernel=5 padding=same activation=relu | max_pool2d size=2 |"
     "conv2d filters=64 kernel=5 padding=same activation=relu | max_pool2d size=2 |"
     "flatten | linear units=512 activation=relu | linear units=10",
     {3, {28, 28, 1}},
     0,
     1663370,
     10,
     4,
     {.kind = FED_SGD, .lr = 0.05}},
    {"lstm",
     "embedding vocabulary=90 units=8 | lstm units=256 | lstm units=256 | linear "
     "units=90",
     {1, {80}},
     90,
     904114,
     10,
     2,
     {.kind = FED_SGD, .lr = 0.5, .clip_norm = 0.25}},
    {"depthwise",
     "conv2d filters=64 kernel=10,4 stride=2 pad=5,1 activation=relu |" SPEECH_BLOCK
         SPEECH_BLOCK "global_avg_pool | linear units=12",
     {3, {49, 10, 1}},
     0,
     22604,
     32,
     8,
     {.kind = FED_ADAM, .lr = 0.002, .epsilon = 1e-4}},
    {"separable",
     "conv2d filters=16 kernel=3 pad=1 activation=relu |" SEPARABLE("16", "32", "2")
         SEPARABLE("32", "64", "2") SEPARABLE("64", "64", "1")
             SEPARABLE("64", "128", "2") "global_avg_pool | linear units=10",
     {3, {32, 32, 3}},
     0,
     18634,
     32,
     8,
     {.kind = FED_NESTEROV, .lr = 0.05, .momentum = 0.9}},
    {"transformer",
     "embedding vocabulary=90 units=128 | positional_embedding @x |" TRANSFORMER_BLOCK(
         "x", "y1", "z1")
         TRANSFORMER_BLOCK("z1", "y2", "z2") "layer_norm | linear units=90",
     {1, {64}},
     90,
     428122,
     8,
     2,
     {.kind = FED_ADAMW, .lr = 0.001, .epsilon = 1e-4, .weight_decay = 0.1}},
    {"depthwise_normed",
     NORMED("conv2d filters=64 kernel=10,4 stride=2 pad=5,1")
         NORMED_BLOCK NORMED_BLOCK NORMED_BLOCK NORMED_BLOCK
     "global_avg_pool | linear units=12",
     {3, {49, 10, 1}},
     0,
     24332,
     32,
     8,
     {.kind = FED_SGD, .lr = 0.01}},
    {NULL, NULL, {0, {0}}, 0, 0, 0, 0, {.kind = FED_SGD}},
};

/* The finaliser of MurmurHash3 (Appleby) over a Weyl sequence. */
static uint32_t hash(uint32_t seed, uint32_t i)
{
    uint32_t h = i * 0x9e3779b9u + seed * 0x85ebca6bu;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return h ^ h >> 16;
}

float hash_noise(uint32_t seed, uint32_t i)
{
    return (float)(hash(seed, i) >> 8) / 8388608.0f - 1;
}

/* Weights shrink with their fan-in, scales are near 1, statistics as they start. */
void fill_golden_params(const fed_program *program, float *params)
{
    for (size_t v = 0; v < fed_program_view_count(program); v++) {
        const fed_param_view *view = fed_program_view(program, v);
        const char *kind = strrchr(view->name, '.') + 1;
        size_t last = view->shape.dim[view->shape.rank - 1];
        bool matrix = view->shape.rank > 1;
        float size = matrix ? (float)sqrt(1.0 / (double)(view->count / last)) : 0.1f;
        float base = strcmp(kind, "scale") == 0 || strcmp(kind, "variance") == 0;
        if (!view->trainable) size = 0;
        for (size_t i = 0; i < view->count; i++)
            params[view->offset + i] =
                base + size * hash_noise(7, (uint32_t)(view->offset + i));
    }
}

void fill_golden_batch(const benchmark_model *model, const fed_program *program,
                       uint32_t step, size_t count, float *features, int32_t *tokens,
                       int32_t *classes)
{
    fed_shape out = fed_program_output_shape(program);
    size_t width = out.dim[out.rank - 1];
    size_t inputs = count * fed_shape_count(&model->in);
    for (size_t i = 0; i < inputs; i++)
        if (model->vocabulary)
            tokens[i] = (int32_t)(hash(100 + step, (uint32_t)i) % model->vocabulary);
        else
            features[i] = 0.5f + 0.5f * hash_noise(100 + step, (uint32_t)i);
    for (size_t i = 0; i < count * fed_shape_count(&out) / width; i++)
        classes[i] = (int32_t)(hash(200 + step, (uint32_t)i) % width);
}
