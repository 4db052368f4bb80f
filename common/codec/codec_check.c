/* Bounds of single numbers first, then combinations that would be unsound or senseless. */
#include "codec_config.h"

#include <math.h>

#include "ring.h"

void fed_codec_config_init(fed_codec_config *c)
{
    *c = (fed_codec_config){
        .select = FED_CODEC_DENSE,
        .fraction = 1,
        .block = 64,
        .vote_bits = 1,
        .vote_period = 4,
        .vote_memory = 0.5,
        .residual_decay = 1,
        .residual_cap = 4,
        .rotate = FED_CODEC_HADAMARD,
        .quantise = FED_CODEC_BITS,
        .bits = 8,
        .tail = 3,
        .weight = FED_CODEC_UNIFORM,
        .max_weight = 1,
        .clip = 1,
        .clip_quantile = 0.9,
    };
}

static fed_status check_whole(const char *field, uint64_t value, uint64_t min,
                              uint64_t max, fed_error *err)
{
    if (value >= min && value <= max) return FED_OK;
    return fed_fail(err, FED_E_INVALID, "%s: %llu is not in %llu..%llu", field,
                    (unsigned long long)value, (unsigned long long)min,
                    (unsigned long long)max);
}

/* min <= value <= max; a NaN fails. */
static fed_status check_real(const char *field, double value, double min, double max,
                             fed_error *err)
{
    if (value >= min && value <= max) return FED_OK;
    return fed_fail(err, FED_E_INVALID, "%s: %g is not in [%g, %g]", field, value, min,
                    max);
}

static fed_status check_boundaries(const fed_codec_config *c, fed_error *err)
{
    for (size_t i = 0; i < c->n_boundaries; i++) {
        if (c->boundaries[i] >= c->d)
            return fed_fail(err, FED_E_INVALID,
                            "boundaries[%zu]: %u is not below d = %zu", i,
                            c->boundaries[i], c->d);
        if (i && c->boundaries[i] <= c->boundaries[i - 1])
            return fed_fail(err, FED_E_INVALID, "boundaries[%zu]: %u does not ascend", i,
                            c->boundaries[i]);
    }
    return FED_OK;
}

static fed_status check_selection(const fed_codec_config *c, fed_error *err)
{
    if (c->select == FED_CODEC_DENSE) return FED_OK;
    FED_TRY(check_real("update.fraction", c->fraction, 1e-6, 1, err));
    if (c->select == FED_CODEC_TOP_K) return FED_OK;
    FED_TRY(check_whole("update.block", c->block, 1, FED_CODEC_BLOCK_MAX, err));
    double budget = floor(c->fraction * (double)c->d + 0.5);
    if (c->block > 1 && c->block > budget)
        return fed_fail(err, FED_E_INVALID,
                        "update.block: %u coordinates are more than the %.0f of %zu that "
                        "update.fraction, %g, lets travel",
                        c->block, budget, c->d, c->fraction);
    FED_TRY(check_boundaries(c, err));
    if (c->select == FED_CODEC_RAND_K) return FED_OK;
    FED_TRY(
        check_whole("update.vote_bits", c->vote_bits, 1, FED_CODEC_VOTE_BITS_MAX, err));
    FED_TRY(check_whole("update.vote_period", c->vote_period, 1,
                        FED_CODEC_VOTE_PERIOD_MAX, err));
    FED_TRY(check_whole("update.warm_up", c->warm_up, 0, FED_CODEC_WARM_UP_MAX, err));
    FED_TRY(check_real("update.vote_memory", c->vote_memory, 0, 0.999, err));
    return check_real("update.explore", c->explore, 0, 0.999, err);
}

static fed_status check_numbers(const fed_codec_config *c, fed_error *err)
{
    FED_TRY(check_whole("d", c->d, 1, FED_CODEC_D_MAX, err));
    FED_TRY(check_whole("rounds.cohort", c->n_max, 1, FED_CODEC_N_MAX, err));
    FED_TRY(check_selection(c, err));
    if (c->quantise == FED_CODEC_BITS) {
        FED_TRY(check_whole("update.bits", c->bits, 1, FED_CODEC_BITS_MAX, err));
        FED_TRY(check_real("update.tail", c->tail, 0.1, 1000, err));
    }
    if (c->quantise == FED_CODEC_GRID) {
        FED_TRY(check_real("update.grid", c->grid, 1e-3, 1e9, err));
        FED_TRY(check_whole("update.ring_bits", c->ring_bits, 2, FED_RING_BITS_MAX, err));
        if (c->select == FED_CODEC_VOTED) {
            FED_TRY(check_real("update.vote_clip", c->vote_clip, 1e-3, 1e9, err));
            FED_TRY(check_whole("update.vote_ring_bits", c->vote_ring_bits, 2,
                                FED_RING_BITS_MAX, err));
        }
    }
    if (c->bit_ring_bits) {
        FED_TRY(check_whole("update.bit_ring_bits", c->bit_ring_bits, 2,
                            c->quantise == FED_CODEC_GRID ? FED_RING_BITS_MAX : 0, err));
        FED_TRY(check_real("update.bit_unit", c->bit_unit, 1, 0x1p24, err));
    }
    FED_TRY(check_whole("update.max_weight", c->max_weight, 1,
                        c->weight == FED_CODEC_EXAMPLES ? FED_CODEC_WEIGHT_MAX : 1, err));
    FED_TRY(check_real("update.clip", c->clip, 1e-15, 1e15, err));
    if (c->clip_auto)
        FED_TRY(check_real("update.clip_quantile", c->clip_quantile, 0.01, 0.999, err));
    if (c->residual) {
        FED_TRY(check_real("update.residual_decay", c->residual_decay, 0, 1, err));
        FED_TRY(check_real("update.residual_cap", c->residual_cap, 0, 1e6, err));
    }
    return FED_OK;
}

/* Levels and contributors must fit the ring, or the sum would wrap. */
static fed_status check_ring(const fed_codec_config *c, fed_error *err)
{
    if (c->quantise != FED_CODEC_BITS || c->select == FED_CODEC_TOP_K || !c->ring_bits)
        return FED_OK;
    unsigned least = fed_codec_ring_bits_unsigned(c->n_max, (UINT64_C(1) << c->bits) - 1);
    return check_whole("update.ring_bits", c->ring_bits, least, FED_RING_BITS_MAX, err);
}

static fed_status check_secagg(const fed_codec_config *c, fed_error *err)
{
    if (c->select == FED_CODEC_TOP_K)
        return fed_fail(
            err, FED_E_REFUSED,
            "update.select: top_k with secure aggregation: a device's own indices "
            "would show its data, and indices that differ cannot be summed; use "
            "voted or rand_k");
    if (c->quantise == FED_CODEC_SIGN)
        return fed_fail(
            err, FED_E_REFUSED,
            "update.quantise: sign with secure aggregation: each device's own scale "
            "would be seen, and signs of different scales cannot be summed; use "
            "bits 1");
    if (c->quantise == FED_CODEC_FLOAT32)
        return fed_fail(
            err, FED_E_REFUSED,
            "update.quantise: float32 with secure aggregation: masks are added in "
            "a ring of integers; use bits 1..16");
    return FED_OK;
}

static fed_status check_combination(const fed_codec_config *c, fed_error *err)
{
    if (c->select == FED_CODEC_TOP_K && c->quantise == FED_CODEC_GRID)
        return fed_fail(err, FED_E_REFUSED,
                        "update.select: top_k with noise: which coordinates travel would "
                        "show the data however large the noise on their values");
    if (c->select == FED_CODEC_TOP_K && c->quantise == FED_CODEC_BITS && c->bits < 2)
        return fed_fail(err, FED_E_INVALID,
                        "update.bits: 1 with top_k is not in 2..16; use sign");
    if (c->select == FED_CODEC_VOTED && c->quantise != FED_CODEC_BITS &&
        c->quantise != FED_CODEC_GRID)
        return fed_fail(
            err, FED_E_REFUSED,
            "update.select: voted without integers: votes are summed beside the "
            "values; use bits 1..16, or top_k");
    if (c->quantise == FED_CODEC_GRID && c->clip_auto)
        return fed_fail(
            err, FED_E_REFUSED,
            "update.clip: auto with noise: the histogram of norms is a release "
            "without noise; use a number");
    if (c->quantise == FED_CODEC_GRID && c->weight == FED_CODEC_EXAMPLES)
        return fed_fail(
            err, FED_E_REFUSED,
            "update.weight: examples with noise: the sum of weights is a release "
            "without noise; use uniform");
    return FED_OK;
}

fed_status fed_codec_check(const fed_codec_config *c, bool secagg, fed_error *err)
{
    FED_TRY(check_numbers(c, err));
    FED_TRY(check_combination(c, err));
    if (secagg) FED_TRY(check_secagg(c, err));
    return check_ring(c, err);
}
