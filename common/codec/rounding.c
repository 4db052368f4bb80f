/*
 * x becomes floor(x) or floor(x) + 1, the latter with probability x - floor(x): unbiased
 * whatever x is. The random words are those of AES-256-CTR under a secret key; entry i uses
 * word i, so neither tiles nor threads change the result. That the key is secret matters:
 * who knew it could undo part of the noise that rounding adds.
 */
#include "rounding.h"

#include "crypto.h"

typedef struct rounding_worker {
    fed_keystream *stream;
    uint32_t words[FED_CODEC_TILE];
    int32_t integers[FED_CODEC_TILE];
    uint64_t saturated;
    fed_error error;
    fed_status status;
} rounding_worker;

typedef struct rounding_job {
    const fed_rounding *r;
    rounding_worker *workers;
} rounding_job;

/* Words `first` and following, little-endian on every machine. */
static fed_status draw_words(rounding_worker *w, size_t first, size_t n)
{
    FED_TRY(fed_keystream_seek(w->stream, first * 4 / FED_KEYSTREAM_BLOCK, &w->error));
    FED_TRY(fed_keystream_fill(w->stream, w->words, n * 4, &w->error));
    for (size_t i = 0; i < n; i++)
        w->words[i] = fed_load_u32((const uint8_t *)&w->words[i]);
    return FED_OK;
}

static void round_tile(void *arg, size_t index, unsigned worker)
{
    rounding_job *job = arg;
    const fed_rounding *r = job->r;
    rounding_worker *w = &job->workers[worker];
    size_t first = index * FED_CODEC_TILE, n = r->n - first;
    if (n > FED_CODEC_TILE) n = FED_CODEC_TILE;
    if (w->status || (w->status = draw_words(w, first, n)) != FED_OK) return;
    int32_t *out = r->integers ? r->integers + first : w->integers;
    w->saturated += fed_codec_kernels_active()->round(r->x + first, r->inverse, r->range,
                                                      w->words, out, n);
    for (size_t i = 0; r->offset && i < n; i++)
        out[i] += r->offset;
    if (r->ring) fed_ring_put_i32(r->ring, first, out, n);
}

static fed_status start_worker(const fed_rounding *r, rounding_worker *w, fed_error *err)
{
    uint8_t initial[FED_KEYSTREAM_BLOCK] = {0};
    fed_store_u64(initial, r->stream);
    FED_TRY(fed_keystream_new(&w->stream, FED_KEYSTREAM_AES256_CTR, err));
    return fed_keystream_start(w->stream, r->key, initial, err);
}

fed_status fed_rounding_run(const fed_rounding *r, uint64_t *saturated,
                            const fed_parallel *parallel, fed_error *err)
{
    fed_status status = FED_OK;
    size_t threads = fed_parallel_threads(parallel),
           bytes = threads * sizeof(rounding_worker);
    rounding_job job = {r, fed_calloc(threads, sizeof(rounding_worker))};
    *saturated = 0;
    if (!job.workers) return fed_fail_nomem(err, bytes);
    for (size_t t = 0; t < threads; t++)
        FED_GO(start_worker(r, &job.workers[t], err));
    fed_parallel_for(parallel, (r->n + FED_CODEC_TILE - 1) / FED_CODEC_TILE, round_tile,
                     &job);
    for (size_t t = 0; t < threads; t++) {
        *saturated += job.workers[t].saturated;
        if (!job.workers[t].status) continue;
        if (err) *err = job.workers[t].error;
        status = job.workers[t].status;
    }
out:
    for (size_t t = 0; t < threads; t++)
        fed_keystream_free(job.workers[t].stream);
    fed_wipe_free(job.workers, bytes);
    return status;
}

fed_status fed_codec_round_reals(const float *reals, size_t n,
                                 const uint8_t key[FED_CODEC_KEY_BYTES], uint64_t stream,
                                 int32_t *out, fed_error *err)
{
    uint64_t saturated;
    fed_rounding r = {.x = reals,
                      .n = n,
                      .inverse = 1,
                      .range = {0x1p30f, 0},
                      .key = key,
                      .stream = stream,
                      .integers = out};
    return fed_rounding_run(&r, &saturated, NULL, err);
}
