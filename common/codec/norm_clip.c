/* Norm and clip. The order of additions is fixed: each tile of 4096 entries by the kernel, then
 * the tiles' sums one after the other. Squares of float32 are exact in float64. */
#include <math.h>
#include <string.h>

#include "codec_device.h"
#include "codec_kernels.h"

/* Sums of at most this many tiles at a time are held, so that nothing is allocated. */
enum { TILES = 512 };

typedef struct energy_job {
    const float *x;
    size_t n;
    double sums[TILES];
} energy_job;

static void energy_of_tile(void *arg, size_t index, unsigned worker)
{
    (void)worker;
    energy_job *job = arg;
    size_t from = index * FED_CODEC_TILE, n = job->n - from;
    if (n > FED_CODEC_TILE) n = FED_CODEC_TILE;
    job->sums[index] = fed_codec_kernels_active()->energy(job->x + from, n);
}

double fed_codec_norm(const float *x, size_t n, const fed_parallel *parallel)
{
    double total = 0;
    for (size_t at = 0; at < n; at += (size_t)TILES * FED_CODEC_TILE) {
        energy_job job = {.x = x + at, .n = n - at};
        if (job.n > (size_t)TILES * FED_CODEC_TILE)
            job.n = (size_t)TILES * FED_CODEC_TILE;
        size_t tiles = (job.n + FED_CODEC_TILE - 1) / FED_CODEC_TILE;
        fed_parallel_for(parallel, tiles, energy_of_tile, &job);
        for (size_t t = 0; t < tiles; t++)
            total += job.sums[t];
    }
    return sqrt(total);
}

float fed_codec_clip(float *x, size_t n, double clip, fed_codec_report *report,
                     const fed_parallel *parallel)
{
    double norm = fed_codec_norm(x, n, parallel);
    report->norm = norm;
    report->non_finite = !isfinite(norm);
    report->clipped = norm > clip;
    if (report->non_finite) {
        memset(x, 0, n * sizeof *x);
        report->norm = 0;
        report->clipped = false;
        return 0;
    }
    if (!report->clipped) return 1;
    float factor = (float)(clip / norm);
    fed_codec_kernels_active()->scale(x, factor, n);
    return factor;
}
