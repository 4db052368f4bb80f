/*
 * Poisson by inversion of a cumulative table in units of 2^-128. The weights mu^k / k! start
 * from 1 at the mode and follow the ratio mu/k, with mu a multiple of 2^-20, so every step is
 * one exact multiplication and one division of a 512-bit number. A mean beyond 2^20 is split
 * into equal parts, whose sum is again Poisson. Skellam(mu, mu) is a difference of two draws.
 * Which table entries a draw reads depends on the draw: not for use where timing is watched.
 */
#include "poisson_table.h"

#include <math.h>
#include <string.h>

#include "fixedpoint.h"

enum { LIMBS = FED_FIXED_LIMBS, GRID = 1 << 20 };
#define PART_MAX 0x1p20

/* w <- w * num / den for num <= den: still below one. */
static void scale(fed_fixed *w, uint64_t num, uint64_t den)
{
    mp_limb_t wide[LIMBS + 1];
    wide[LIMBS] = mpn_mul_1(wide, w->w, LIMBS, num);
    mpn_divrem_1(wide, 0, wide, LIMBS + 1, den);
    memcpy(w->w, wide, sizeof w->w);
}

/* weight[i] relative to the mode for from <= k < from + n, the mean being units / GRID. */
static void fill_weights(fed_fixed *weight, uint64_t from, size_t n, uint64_t mode,
                         uint64_t units)
{
    fed_fixed w;
    fed_fixed_one(&w);
    for (uint64_t k = mode; k < from + n; k++) {
        weight[k - from] = w;
        scale(&w, units, (k + 1) * GRID);
    }
    fed_fixed_one(&w);
    for (uint64_t k = mode; k > from; k--) {
        scale(&w, k * GRID, units);
        weight[k - 1 - from] = w;
    }
}

static void fill_thresholds(fed_poisson_table *t, const fed_fixed *weight)
{
    mp_limb_t total[LIMBS + 1] = {0}, sum[LIMBS + 1] = {0};
    for (size_t i = 0; i < t->n; i++)
        total[LIMBS] += mpn_add_n(total, total, weight[i].w, LIMBS);
    mp_size_t limbs = total[LIMBS] ? LIMBS + 1 : LIMBS;
    for (size_t i = 0; i < t->n; i++) {
        mp_limb_t wide[LIMBS + 3] = {0}, quotient[5] = {0}, rest[LIMBS + 1];
        sum[LIMBS] += mpn_add_n(sum, sum, weight[i].w, LIMBS);
        memcpy(wide + 2, sum, sizeof sum);
        mpn_tdiv_qr(quotient, rest, 0, wide, LIMBS + 3, total, limbs);
        t->high[i] = quotient[2] ? UINT64_MAX : quotient[1];
        t->low[i] = quotient[2] ? UINT64_MAX : quotient[0];
    }
}

/* Beyond mean +- (14 sd + 110) a Poisson has less than 2^-130 (Bennett's inequality). */
fed_status fed_poisson_table_init(fed_poisson_table *t, double mean, fed_error *err)
{
    memset(t, 0, sizeof *t);
    t->parts = (unsigned)ceil(mean / PART_MAX);
    uint64_t units = (uint64_t)ceil(mean / t->parts * GRID);
    double part = (double)units / GRID, reach = 14 * sqrt(part) + 110;
    uint64_t mode = units / GRID;
    t->from = part > reach ? (uint64_t)(part - reach) : 0;
    t->n = (size_t)(part + reach) - t->from + 1;
    t->mean = part * t->parts;
    t->distance_log2 = log2((double)t->parts * (double)(t->n + 6)) - 128;
    fed_fixed *weight = fed_malloc(t->n * sizeof *weight);
    t->high = fed_malloc(2 * t->n * sizeof *t->high);
    if (weight && t->high) {
        t->low = t->high + t->n;
        fill_weights(weight, t->from, t->n, mode, units);
        fill_thresholds(t, weight);
    }
    fed_status status =
        weight && t->high ? FED_OK : fed_fail_nomem(err, t->n * sizeof *weight);
    fed_free(weight);
    if (status != FED_OK) fed_poisson_table_fini(t);
    return status;
}

void fed_poisson_table_fini(fed_poisson_table *t)
{
    fed_free(t->high);
    memset(t, 0, sizeof *t);
}

/* How many thresholds a 128-bit uniform reaches; its second word is drawn on a tie only. */
static uint64_t draw_part(const fed_poisson_table *t, fed_noise *noise)
{
    uint64_t u = fed_noise_word(noise);
    const uint64_t *base = t->high;
    for (size_t n = t->n; n > 1;) {
        size_t half = n / 2;
        base = base[half - 1] < u ? base + half : base;
        n -= half;
    }
    size_t i = (size_t)(base - t->high) + (*base < u);
    if (i < t->n && t->high[i] == u) {
        uint64_t v = fed_noise_word(noise);
        while (i < t->n && t->high[i] == u && t->low[i] <= v)
            i++;
    }
    return t->from + (i < t->n ? i : t->n - 1);
}

uint64_t fed_poisson_table_draw(const fed_poisson_table *t, fed_noise *noise)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < t->parts; i++)
        sum += draw_part(t, noise);
    return sum;
}
