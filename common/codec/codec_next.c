/* What one version's sum decides about the next: blocks by votes, clip by norms. */
#include <math.h>
#include <string.h>

#include "codec_encode.h"
#include "block_votes.h"

fed_status fed_codec_memory_init(const fed_codec *codec, fed_codec_memory *memory,
                                 fed_error *err)
{
    *memory = (fed_codec_memory){0};
    if (codec->config.select != FED_CODEC_VOTED) return FED_OK;
    memory->scores = fed_calloc(codec->n_blocks, sizeof *memory->scores);
    if (!memory->scores)
        return fed_fail_nomem(err, codec->n_blocks * sizeof *memory->scores);
    memory->n = codec->n_blocks;
    return FED_OK;
}

void fed_codec_memory_fini(fed_codec_memory *memory)
{
    fed_free(memory->scores);
    *memory = (fed_codec_memory){0};
}

fed_status fed_codec_memory_encode(const fed_codec_memory *memory, fed_bytes *out,
                                   fed_error *err)
{
    for (size_t i = 0; i < memory->n; i++)
        fed_bytes_put_u32(out, memory->scores[i]);
    if (out->status) return fed_fail(err, out->status, "votes: no room for the scores");
    return FED_OK;
}

fed_status fed_codec_memory_parse(const fed_codec *codec, fed_span bytes,
                                  fed_codec_memory *out, fed_error *err)
{
    FED_TRY(fed_codec_memory_init(codec, out, err));
    size_t i = 0;
    if (bytes.len == 4 * out->n)
        for (; i < out->n; i++) {
            out->scores[i] = fed_load_u32(bytes.data + 4 * i);
            if (out->scores[i] > INT32_MAX) break;
        }
    if (i == out->n && bytes.len == 4 * out->n) return FED_OK;
    fed_status status =
        fed_fail(err, FED_E_FORMAT, "votes: %zu bytes are not %zu scores below 2^31",
                 bytes.len, out->n);
    fed_codec_memory_fini(out);
    return status;
}

static void read_norms(const fed_codec_sum *sum, uint64_t norms[FED_CODEC_NORM_BUCKETS])
{
    for (int j = 0; j < FED_CODEC_NORM_BUCKETS; j++)
        norms[j] = sum->norms[j];
    for (size_t i = 0; i < sum->n_vectors; i++)
        if (strcmp(sum->vectors[i].name, "norms") == 0)
            for (int j = 0; j < FED_CODEC_NORM_BUCKETS; j++)
                norms[j] = fed_ring_get(&sum->vectors[i].ring, (size_t)j);
}

/* The lower edge of bucket j, relative to the clip. Only ldexp and one product: the same
 * bits everywhere. */
static double bucket_edge(int j)
{
    int half_powers = j - FED_CODEC_NORM_BUCKETS / 2;
    double edge = ldexp(1, half_powers >> 1);
    return half_powers & 1 ? edge * 1.4142135623730951 : edge;
}

/* The clip that leaves the share clip_quantile of the norms whole, interpolated in a bucket. */
static double clip_from_norms(const fed_codec_config *c, double clip,
                              const fed_codec_sum *sum)
{
    uint64_t norms[FED_CODEC_NORM_BUCKETS], total = 0, below = 0;
    read_norms(sum, norms);
    for (int j = 0; j < FED_CODEC_NORM_BUCKETS; j++)
        total += norms[j];
    if (!total) return clip;
    double wanted = c->clip_quantile * (double)total;
    int j = 0;
    while (j < FED_CODEC_NORM_BUCKETS - 1 && (double)(below + norms[j]) < wanted)
        below += norms[j++];
    double low = bucket_edge(j), high = bucket_edge(j + 1);
    double share = norms[j] ? (wanted - (double)below) / (double)norms[j] : 1;
    double next = clip * (low + (high - low) * (share < 1 ? share : 1));
    return next < 1e-15 ? 1e-15 : next > 1e15 ? 1e15 : next;
}

static const fed_ring *votes_of(const fed_codec_sum *sum)
{
    for (size_t i = 0; i < sum->n_vectors; i++)
        if (strcmp(sum->vectors[i].name, "votes") == 0) return &sum->vectors[i].ring;
    return NULL;
}

fed_status fed_codec_round_next(const fed_codec *codec, const fed_codec_round *round,
                                const fed_codec_sum *sum, fed_codec_memory *memory,
                                uint64_t version, double clip, fed_codec_round **out,
                                fed_error *err)
{
    const fed_codec_config *c = &codec->config;
    *out = NULL;
    if (!(clip > 0))
        clip = sum && c->clip_auto ? clip_from_norms(c, round->clip, sum) : round->clip;
    fed_codec_support support =
        c->select == FED_CODEC_RAND_K ? FED_CODEC_RANDOM : FED_CODEC_ALL;
    uint32_t *blocks = NULL;
    size_t n_blocks = 0;
    if (c->select == FED_CODEC_VOTED) {
        if (memory->n != codec->n_blocks)
            return fed_fail(err, FED_E_INVALID, "votes: %zu scores, not %zu", memory->n,
                            codec->n_blocks);
        const fed_ring *votes = sum ? votes_of(sum) : NULL;
        if (votes) FED_TRY(fed_votes_remember(codec, round, votes, sum->n, memory, err));
        if (version >= c->warm_up)
            FED_TRY(fed_votes_choose(codec, version, memory, &support, &blocks, &n_blocks,
                                     err));
    }
    fed_status status =
        fed_codec_round_make(codec, version, clip, support, blocks, n_blocks, out, err);
    fed_free(blocks);
    return status;
}
