#include "block_votes.h"

#include <math.h>
#include <string.h>

#include "codec_encode.h"
#include "codec_kernels.h"
#include "codec_support.h"
#include "select_largest.h"

enum { SCORE_ONE = 1 << 12 }; /* a score of one vote from every device */

/* Free blocks in order; those with ordinal = version mod vote_period are voted on now. */
static bool votes_now(const fed_codec *c, uint64_t version, size_t ordinal)
{
    return ordinal % c->config.vote_period == version % c->config.vote_period;
}

/* How many free blocks a support can hold, at least one. */
static size_t free_blocks_of_budget(const fed_codec *c, double share)
{
    size_t pinned = 0;
    for (size_t j = 0; j < c->n_blocks; j++)
        if (c->pinned[j]) pinned += fed_codec_block_length(c, j);
    size_t room = c->budget > pinned ? c->budget - pinned : 0;
    size_t n = (size_t)((double)room * share) / c->config.block;
    if (n > c->n_free) n = c->n_free;
    return n ? n : 1;
}

static float root_energy(const float *x, size_t n)
{
    double energy = 0;
    for (size_t at = 0; at < n; at += FED_CODEC_TILE)
        energy += fed_codec_kernels_active()->energy(
            x + at, n - at < FED_CODEC_TILE ? n - at : FED_CODEC_TILE);
    return (float)sqrt(energy);
}

/* Root energies of the free blocks; all zero when one is not finite. */
static void energies_of(const fed_codec *codec, const float *source, float *energies)
{
    size_t f = 0;
    bool finite = true;
    for (size_t j = 0; j < codec->n_blocks; j++) {
        if (codec->pinned[j]) continue;
        energies[f] =
            root_energy(source + codec->starts[j], fed_codec_block_length(codec, j));
        finite = finite && isfinite(energies[f]);
        f++;
    }
    if (!finite) memset(energies, 0, codec->n_free * sizeof *energies);
}

/* The energy that counts as a full vote: the k-th largest, or, when fewer than k blocks
 * changed at all, the largest. 0: nothing changed. */
static fed_status full_vote(const fed_codec *codec, const float *energies, float *full,
                            fed_error *err)
{
    uint32_t bits;
    size_t k = free_blocks_of_budget(codec, 1), n = codec->n_free;
    fed_status status = fed_select_kth(energies, FED_KEY_MAGNITUDE, n, k, &bits, err);
    if (!status && !bits)
        status = fed_select_kth(energies, FED_KEY_MAGNITUDE, n, 1, &bits, err);
    if (!status) memcpy(full, &bits, sizeof bits);
    return status;
}

/* Votes as reals in 0..2^vote_bits-1, moved to the front of `energies`; how many. */
static size_t votes_from_energies(const fed_codec *codec, uint64_t version, float full,
                                  float *energies)
{
    float most = (float)((1u << codec->config.vote_bits) - 1);
    size_t n = 0;
    for (size_t f = 0; f < codec->n_free; f++) {
        if (!votes_now(codec, version, f)) continue;
        float share = full > 0 ? energies[f] / full : 0;
        energies[n++] = share < 1 ? share * most : most;
    }
    return n;
}

fed_status fed_votes_encode(const fed_codec *codec, const fed_codec_round *round,
                            const fed_codec_input *in, const float *source,
                            fed_ring *votes, fed_error *err)
{
    const fed_codec_config *c = &codec->config;
    float *energies = fed_malloc(codec->n_free * sizeof *energies), full;
    if (!energies) return fed_fail_nomem(err, codec->n_free * sizeof *energies);
    energies_of(codec, source, energies);
    fed_status status = full_vote(codec, energies, &full, err);
    if (!status) {
        uint64_t saturated;
        fed_rounding r = {.x = energies,
                          .inverse = 1,
                          .range = {(float)((1u << c->vote_bits) - 1), 0},
                          .key = in->key,
                          .stream = FED_ROUNDING_VOTES,
                          .ring = votes};
        r.n = votes_from_energies(codec, round->version, full, energies);
        if (c->vote_clip > 0) {
            fed_codec_report of_votes = {0};
            (void)fed_codec_clip(energies, r.n, c->vote_clip, &of_votes, in->parallel);
        }
        status = fed_encode_vector(in, "votes", c->vote_clip, &r, &saturated, err);
    }
    fed_wipe_free(energies, codec->n_free * sizeof *energies);
    return status;
}

/* A sum of noisy votes is a signed number, and may be below zero. */
static int64_t vote_sum(const fed_codec *codec, const fed_ring *sum, size_t i)
{
    int64_t v;
    if (codec->config.quantise == FED_CODEC_GRID)
        fed_ring_centre(sum, i, &v, 1);
    else
        fed_ring_read(sum, i, &v, 1);
    return v;
}

fed_status fed_votes_remember(const fed_codec *codec, const fed_codec_round *round,
                              const fed_ring *sum, uint32_t n, fed_codec_memory *memory,
                              fed_error *err)
{
    if (sum->n != fed_codec_votes(codec, round->version) || !n)
        return fed_fail(err, FED_E_INVALID, "votes: %zu entries of %u devices, not %zu",
                        sum->n, n, fed_codec_votes(codec, round->version));
    uint64_t keep = (uint64_t)(codec->config.vote_memory * 65536 + 0.5);
    int64_t most = ((INT64_C(1) << codec->config.vote_bits) - 1) * n;
    size_t f = 0, i = 0;
    for (size_t j = 0; j < codec->n_blocks; j++) {
        if (codec->pinned[j] || !votes_now(codec, round->version, f++)) continue;
        int64_t v = vote_sum(codec, sum, i++);
        v = v < 0 ? 0 : v > most ? most : v;
        memory->scores[j] =
            (uint32_t)((memory->scores[j] * keep >> 16) + (uint64_t)v * SCORE_ONE / n);
    }
    return FED_OK;
}

/* Mark the best-scored blocks, never one without a score; the coordinates they hold. */
static fed_status mark_best(const fed_codec *codec, const fed_codec_memory *memory,
                            uint8_t *marks, size_t *filled, fed_error *err)
{
    size_t k = free_blocks_of_budget(codec, 1 - codec->config.explore);
    uint32_t *best = fed_malloc(k * sizeof *best);
    if (!best) return fed_fail_nomem(err, k * sizeof *best);
    fed_status status =
        fed_select_largest(memory->scores, UINT32_MAX >> 1, memory->n, k, best, err);
    *filled = 0;
    for (size_t i = 0; !status && i < k; i++) {
        if (!memory->scores[best[i]] || marks[best[i]]) continue;
        marks[best[i]] = 1;
        *filled += fed_codec_block_length(codec, best[i]);
    }
    fed_free(best);
    return status;
}

static fed_status list_blocks(const fed_codec *codec, const uint8_t *marks,
                              uint32_t **blocks, size_t *n, fed_error *err)
{
    *blocks = fed_malloc(codec->n_blocks * sizeof **blocks);
    if (!*blocks) return fed_fail_nomem(err, codec->n_blocks * sizeof **blocks);
    *n = 0;
    for (size_t j = 0; j < codec->n_blocks; j++)
        if (marks[j]) (*blocks)[(*n)++] = (uint32_t)j;
    return FED_OK;
}

fed_status fed_votes_choose(const fed_codec *codec, uint64_t version,
                            const fed_codec_memory *memory, fed_codec_support *support,
                            uint32_t **blocks, size_t *n_blocks, fed_error *err)
{
    *blocks = NULL, *n_blocks = 0, *support = FED_CODEC_RANDOM;
    uint8_t *marks = fed_calloc(codec->n_blocks, 1);
    if (!marks) return fed_fail_nomem(err, codec->n_blocks);
    fed_status status = FED_OK;
    size_t pinned = fed_support_mark_pinned(codec, marks), voted = 0, drawn = 0;
    FED_GO(mark_best(codec, memory, marks, &voted, err));
    if (!voted) goto out;
    size_t used = pinned + voted, room = codec->budget > used ? codec->budget - used : 0;
    FED_GO(fed_support_draw(codec, version, room, false, marks, &drawn, err));
    *support = FED_CODEC_CHOSEN;
    status = list_blocks(codec, marks, blocks, n_blocks, err);
out:
    fed_free(marks);
    return status;
}
