#include "mask.h"

#include <stdatomic.h>
#include <string.h>

#include "mask_vaes.h"

enum {
    TILE = 32768, /* bytes of a vector that stay in the cache while all pairs are added */
    PIECE = 8192  /* bytes of stream made by OpenSSL before they are added */
};

bool fed_mask_is_fused(void)
{
    return fed_mask_vaes_available() && fed_kernel_active() == FED_KERNEL_AVX512;
}

/* ---- Through OpenSSL ---------------------------------------------------------------- */

/* Lanes are little-endian in the stream and native in memory. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE(type, load, p) (*(p))
#else
#define NATIVE(type, load, p) ((type)load((const uint8_t *)(p)))
#endif

#define ADD_LANES(type, load)                                                            \
    do {                                                                                 \
        type *restrict a = acc;                                                          \
        const type *restrict s = stream;                                                 \
        size_t n = bytes / sizeof(type);                                                 \
        if (subtract)                                                                    \
            for (size_t i = 0; i < n; i++)                                               \
                a[i] = (type)(a[i] - NATIVE(type, load, s + i));                         \
        else                                                                             \
            for (size_t i = 0; i < n; i++)                                               \
                a[i] = (type)(a[i] + NATIVE(type, load, s + i));                         \
    } while (0)

#define ADD_BODY                                                                         \
    do {                                                                                 \
        if (lane_bytes == 2)                                                             \
            ADD_LANES(uint16_t, fed_load_u16);                                           \
        else if (lane_bytes == 4)                                                        \
            ADD_LANES(uint32_t, fed_load_u32);                                           \
        else                                                                             \
            ADD_LANES(uint64_t, fed_load_u64);                                           \
    } while (0)

typedef void adder(void *acc, const void *stream, size_t bytes, unsigned lane_bytes,
                   bool subtract);

static void add_plain(void *acc, const void *stream, size_t bytes, unsigned lane_bytes,
                      bool subtract)
{
    ADD_BODY;
}

#if FED_X86_KERNELS
/* The same loops for wider registers: left to the compiler. */
__attribute__((target("avx2"))) static void
add_avx2(void *acc, const void *stream, size_t bytes, unsigned lane_bytes, bool subtract)
{
    ADD_BODY;
}

__attribute__((target("avx512f,avx512bw"))) static void
add_avx512(void *acc, const void *stream, size_t bytes, unsigned lane_bytes,
           bool subtract)
{
    ADD_BODY;
}
#endif

static adder *best_adder(void)
{
#if FED_X86_KERNELS
    if (fed_kernel_active() == FED_KERNEL_AVX512) return add_avx512;
    if (fed_kernel_active() == FED_KERNEL_AVX2) return add_avx2;
#endif
    return add_plain;
}

typedef struct evp_worker {
    fed_keystream *stream;
    void *piece;
} evp_worker;

typedef struct job {
    uint8_t *lanes;
    size_t bytes;
    unsigned lane_bytes;
    const fed_mask *masks;
    const uint8_t *schedules; /* fused: FED_VAES_SCHEDULE bytes per mask */
    size_t count;
    evp_worker *workers; /* through OpenSSL */
    adder *add;
    atomic_int status;
} job;

static size_t tile_bytes(const job *j, size_t tile)
{
    size_t left = j->bytes - tile * TILE;
    return left < TILE ? left : TILE;
}

static fed_status evp_tile(job *j, size_t tile, evp_worker *w)
{
    size_t bytes = tile_bytes(j, tile);
    for (size_t m = 0; m < j->count; m++) {
        FED_TRY(fed_keystream_start(w->stream, j->masks[m].key, NULL, NULL));
        if (tile)
            FED_TRY(
                fed_keystream_seek(w->stream, tile * (TILE / FED_KEYSTREAM_BLOCK), NULL));
        for (size_t at = 0, take; at < bytes; at += take) {
            take = bytes - at < PIECE ? bytes - at : PIECE;
            FED_TRY(fed_keystream_fill(w->stream, w->piece, take, NULL));
            j->add(j->lanes + tile * TILE + at, w->piece, take, j->lane_bytes,
                   j->masks[m].subtract);
        }
    }
    return FED_OK;
}

static void evp_body(void *arg, size_t tile, unsigned worker)
{
    job *j = arg;
    fed_status status = evp_tile(j, tile, &j->workers[worker]);
    if (status) atomic_store(&j->status, (int)status);
}

static fed_status workers_new(job *j, unsigned n, fed_keystream_kind kind, fed_error *err)
{
    j->workers = fed_calloc(n, sizeof *j->workers);
    if (!j->workers) return fed_fail_nomem(err, n * sizeof *j->workers);
    for (unsigned i = 0; i < n; i++) {
        FED_TRY(fed_keystream_new(&j->workers[i].stream, kind, err));
        j->workers[i].piece = fed_malloc(PIECE);
        if (!j->workers[i].piece) return fed_fail_nomem(err, PIECE);
    }
    return FED_OK;
}

static void workers_free(job *j, unsigned n)
{
    for (unsigned i = 0; j->workers && i < n; i++) {
        fed_keystream_free(j->workers[i].stream);
        fed_wipe_free(j->workers[i].piece, PIECE);
    }
    fed_free(j->workers);
}

static size_t tiles_of(const job *j)
{
    return (j->bytes + TILE - 1) / TILE;
}

fed_status fed_mask_apply_evp(void *lanes, unsigned lane_bytes, size_t n,
                              const fed_mask *masks, size_t count,
                              fed_keystream_kind kind, const fed_parallel *parallel,
                              fed_error *err)
{
    job j = {.lanes = lanes,
             .bytes = n * lane_bytes,
             .lane_bytes = lane_bytes,
             .masks = masks,
             .count = count,
             .add = best_adder()};
    unsigned threads = fed_parallel_threads(parallel);
    fed_status status = workers_new(&j, threads, kind, err);
    if (!status) fed_parallel_for(parallel, tiles_of(&j), evp_body, &j);
    workers_free(&j, threads);
    if (!status && atomic_load(&j.status))
        status = fed_fail(err, (fed_status)atomic_load(&j.status), "mask: no key stream");
    return status;
}

/* ---- Fused -------------------------------------------------------------------------- */

static void fused_body(void *arg, size_t tile, unsigned worker)
{
    const job *j = arg;
    (void)worker;
    for (size_t m = 0; m < j->count; m++)
        fed_mask_vaes_add(j->schedules + m * FED_VAES_SCHEDULE,
                          tile * (TILE / FED_KEYSTREAM_BLOCK), j->lane_bytes,
                          j->masks[m].subtract, j->lanes + tile * TILE,
                          tile_bytes(j, tile));
}

static fed_status apply_fused(job *j, const fed_parallel *parallel, fed_error *err)
{
    size_t size = j->count * FED_VAES_SCHEDULE;
    uint8_t *schedules = fed_malloc(size);
    if (!schedules) return fed_fail_nomem(err, size);
    for (size_t m = 0; m < j->count; m++)
        fed_mask_vaes_schedule(j->masks[m].key, schedules + m * FED_VAES_SCHEDULE);
    j->schedules = schedules;
    fed_parallel_for(parallel, tiles_of(j), fused_body, j);
    fed_wipe_free(schedules, size);
    return FED_OK;
}

fed_status fed_mask_apply(void *lanes, unsigned lane_bytes, size_t n,
                          const fed_mask *masks, size_t count, fed_keystream_kind kind,
                          const fed_parallel *parallel, fed_error *err)
{
    if (kind != FED_KEYSTREAM_AES256_CTR || !fed_mask_is_fused())
        return fed_mask_apply_evp(lanes, lane_bytes, n, masks, count, kind, parallel,
                                  err);
    job j = {.lanes = lanes,
             .bytes = n * lane_bytes,
             .lane_bytes = lane_bytes,
             .masks = masks,
             .count = count};
    return apply_fused(&j, parallel, err);
}

fed_status fed_mask_expand(const uint8_t key[FED_KEYSTREAM_KEY], unsigned lane_bytes,
                           size_t n, fed_keystream_kind kind, void *out, fed_error *err)
{
    fed_keystream *stream;
    size_t bytes = n * lane_bytes;
    void *raw = fed_malloc(bytes);
    if (!raw) return fed_fail_nomem(err, bytes);
    fed_status status = fed_keystream_new(&stream, kind, err);
    if (!status) status = fed_keystream_start(stream, key, NULL, err);
    if (!status) status = fed_keystream_fill(stream, raw, bytes, err);
    memset(out, 0, bytes);
    if (!status) add_plain(out, raw, bytes, lane_bytes, false);
    fed_keystream_free(stream);
    fed_wipe_free(raw, bytes);
    return status;
}
