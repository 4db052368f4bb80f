/*
 * Noise that the server adds to a sum of integers before it makes anything else of it: all of
 * it, in plans that trust it with the sum; and where devices are drawn by secret coins and each
 * adds a share, the shares that are missing up to n_max. Without those the noise would tell how
 * many came, and, to who knows of the others, whether one did (docs/decisions/017).
 *
 * One sum must never be released under two noises: together they would show more than was
 * paid for. Two sums must never be released under one noise: their difference would have
 * none. A server may die between a sum and the version made of it, and then make the same sum
 * once more, or another from those who answer this time. So the noise is a function of a
 * stored secret and of the sum itself,
 *
 *   key = HKDF-SHA256(secret, name of the vector, SHA-256 of its sum),
 *
 * and whatever is repeated is repeated exactly. The secret moves on with each version, in the
 * record that holds the version's state: from what is left nobody can compute, and subtract,
 * the noise of versions that are out; unless the mechanism has to remember it (matrix: the noise
 * of a round takes back part of that of earlier ones, docs/decisions/020-correlated-noise.md).
 */
#include "task_internal.h"

#include <string.h>

enum { TILE = 512 };

static bool fills_noise(const fed_task *task)
{
    const fed_privacy *promise = fed_task_privacy(task);
    return promise && fed_task_noise_is_shared(promise) && fed_task_is_drawn(task);
}

bool fed_task_server_adds_noise(const fed_task *task)
{
    return task->plan->privacy.mechanism == FED_MECHANISM_CENTRAL_GAUSSIAN ||
           task->privacy.matrix || fills_noise(task);
}

fed_status fed_task_open_correlation(const fed_task *task, fed_matrix_stream **out,
                                     fed_error *err)
{
    const fed_distributed *d = &task->privacy.noise.promise.distributed;
    *out = NULL;
    if (!task->privacy.matrix) return FED_OK;
    return fed_fail_in(err,
                       fed_matrix_stream_new(out, task->privacy.matrix, d->config.dim,
                                             d->sigma_local, FED_SAMPLER_GAUSSIAN_FAST,
                                             err),
                       "privacy.matrix");
}

bool fed_task_has_noise(const fed_codec_sum *sum)
{
    return sum->n_vectors && sum->vectors[0].ring.bits == FED_RING_BITS_MAX;
}

/* The same on every machine: entries as 64-bit two's complement, little-endian. */
static fed_status hash_entries(const int64_t *x, size_t n, uint8_t out[FED_SHA256_BYTES],
                               fed_error *err)
{
    fed_digest digest;
    uint8_t bytes[8 * TILE];
    FED_TRY(fed_digest_init(&digest, err));
    for (size_t at = 0; at < n; at += TILE) {
        size_t m = n - at < TILE ? n - at : TILE;
        for (size_t i = 0; i < m; i++)
            fed_store_u64(bytes + 8 * i, (uint64_t)x[at + i]);
        fed_digest_update(&digest, bytes, 8 * m);
    }
    fed_status status = fed_digest_final(&digest, out, err);
    fed_digest_fini(&digest);
    fed_wipe(bytes, sizeof bytes);
    return status;
}

static fed_status open_noise(fed_noise *noise, const uint8_t *secret, const char *vector,
                             const int64_t *x, size_t n, fed_error *err)
{
    static const char salt[] = "libfed server noise 1";
    uint8_t own[32], info[16 + FED_SHA256_BYTES] = {0};
    memcpy(info, vector, strlen(vector)); /* "values", "votes", "bit" */
    FED_TRY(hash_entries(x, n, info + 16, err));
    fed_span from = {(const uint8_t *)salt, sizeof salt - 1};
    fed_span key = {secret, FED_TASK_SECRET_BYTES}, about = {info, sizeof info};
    fed_status status = fed_hkdf_sha256(from, key, about, own, sizeof own, err);
    if (!status) status = fed_noise_init(noise, own, err);
    fed_wipe(own, sizeof own);
    return status;
}

/* All the noise of a sum of n devices, or what it lacks. */
static fed_status add_draws(const fed_task *task, uint32_t devices, const char *vector,
                            fed_noise *noise, int64_t *x, size_t n, fed_error *err)
{
    bool fills = fills_noise(task);
    const fed_sampler *sampler =
        fills ? fed_task_sampler(task, vector) : fed_task_server_sampler(task, vector);
    uint32_t times = fills ? task->numbers.invited - devices : 1;
    if (!sampler || devices > task->numbers.invited)
        return fed_fail(err, FED_E_INTERNAL, "noise: none is known for %s of %u devices",
                        vector, devices);
    while (times--)
        FED_TRY(fed_sampler_add(sampler, noise, x, n, err));
    return FED_OK;
}

/* The noise of this round, which takes back some of that of earlier ones. */
static fed_status add_correlated(fed_matrix_stream *past, fed_noise *noise, int64_t *x,
                                 size_t n, size_t dim, fed_error *err)
{
    const int64_t *e;
    if (!past || n != dim)
        return fed_fail(err, FED_E_INTERNAL,
                        "noise: %zu entries, of %zu that correlate with earlier rounds",
                        n, past ? dim : 0);
    FED_TRY(fed_matrix_stream_draw(past, noise, &e, err));
    for (size_t i = 0; i < n; i++)
        x[i] += e[i];
    return FED_OK;
}

/* The sum, centred, moves to 64 bits: noise has room there, and nothing wraps. */
static fed_status add_to_vector(const fed_task *task, const uint8_t *secret,
                                fed_matrix_stream *past, uint32_t devices,
                                fed_codec_vector *v, fed_error *err)
{
    fed_ring wide = {0};
    fed_noise noise = {0};
    fed_status status = FED_OK;
    size_t n = v->ring.n;
    FED_TRY(fed_ring_init(&wide, FED_RING_BITS_MAX, n, err));
    int64_t *x = wide.lanes; /* whole lanes, so both readings agree */
    fed_ring_centre(&v->ring, 0, x, n);
    FED_GO(open_noise(&noise, secret, v->name, x, n, err));
    if (task->privacy.matrix)
        FED_GO(add_correlated(past, &noise, x, n, task->privacy.extent.values, err));
    else
        FED_GO(add_draws(task, devices, v->name, &noise, x, n, err));
    fed_ring_fini(&v->ring);
    v->ring = wide;
    wide = (fed_ring){0};
out:
    fed_noise_fini(&noise);
    fed_ring_fini(&wide);
    return status;
}

fed_status fed_task_add_noise(const fed_task *task,
                              const uint8_t secret[FED_TASK_SECRET_BYTES],
                              fed_matrix_stream *past, fed_codec_sum *sum, fed_error *err)
{
    if (fed_task_has_noise(sum))
        return fed_fail(err, FED_E_STATE, "sum: the server's noise is in it already");
    for (size_t i = 0; i < sum->n_vectors; i++)
        FED_TRY(add_to_vector(task, secret, past, sum->n, &sum->vectors[i], err));
    return FED_OK;
}

fed_status fed_task_advance_secret(uint8_t secret[FED_TASK_SECRET_BYTES], fed_error *err)
{
    static const char salt[] = "libfed server noise 1", next[] = "next";
    uint8_t old[FED_TASK_SECRET_BYTES];
    memcpy(old, secret, sizeof old);
    fed_span from = {(const uint8_t *)salt, sizeof salt - 1};
    fed_span about = {(const uint8_t *)next, sizeof next - 1};
    fed_status status = fed_hkdf_sha256(from, (fed_span){old, sizeof old}, about, secret,
                                        FED_TASK_SECRET_BYTES, err);
    fed_wipe(old, sizeof old);
    return status;
}
