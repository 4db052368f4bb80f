/*
 * The discrete Gaussian in constant time. A base distribution of small standard deviation s0
 * has a table of P(|x| <= k) in units of 2^-128; a draw scans all of it (cdt_scan.c, or a
 * search that reads all of it, cdt_search.c) and adds a sign. A large sigma is a sum x1 + k x2 of two draws of sigma / sqrt(1 + k^2) (Micciancio,
 * Walter 2017, section 3), up to three times over.
 *
 * How far from the truth one draw is, in total variation: each cell is off by less than
 * 2^-128, and a sum x1 + k x2 has, at y, the wanted weight times the mass of a shifted lattice
 * Gaussian of deviation s = s1/sqrt(1+k^2), which by Poisson summation lies within a factor
 * 1 +- e of its mean, e = 2 exp(-2 pi^2 s^2) (1 + 2^-20): a distance below 2e.
 *
 * What is drawn has sigma = s0 sqrt(prod (1 + k_i^2)) exactly. s0 is rounded up to a multiple
 * of 2^-40, so that no rounding of sqrt() makes the noise smaller than asked.
 */
#include "dgauss_table.h"

#include <math.h>
#include <string.h>

#include "fixedpoint.h"

enum { LIMBS = FED_FIXED_LIMBS };
#define TARGET_LOG2 (-93.0) /* distance allowed per convolution */
#define PI          3.14159265358979323846

static double convolution_log2(double base, double k)
{
    double s2 = base * base / (1 + k * k);
    return 2.0 + 0x1p-19 - 2 * PI * PI * s2 / log(2.0);
}

/* The largest k for which two draws of sigma/sqrt(1+k^2) may be joined; 0 when none. */
static double widest(double sigma)
{
    double k = 0;
    for (double step = 0x1p20; step >= 1; step /= 2)
        if (convolution_log2(sigma / sqrt(1 + (k + step) * (k + step)), k + step) <
            TARGET_LOG2)
            k += step;
    return k;
}

/* ---- the table ---- */

/* 2^128 partial / total, both of LIMBS + 1 limbs. */
static void threshold(const mp_limb_t *partial, const mp_limb_t *total, uint64_t *high,
                      uint64_t *low)
{
    mp_limb_t wide[LIMBS + 3] = {0}, quotient[4] = {0}, rest[LIMBS + 1];
    memcpy(wide + 2, partial, (LIMBS + 1) * sizeof *wide);
    mpn_tdiv_qr(quotient, rest, 0, wide, LIMBS + 3, total, LIMBS + 1);
    *high = quotient[2] ? UINT64_MAX : quotient[1];
    *low = quotient[2] ? UINT64_MAX : quotient[0];
}

/* Walk through exp(-k^2 x), x = 1/(2 s0^2): w(k+1) = w(k) exp(-(2k+1) x). */
typedef struct walk {
    fed_fixed weight, step, ratio;
} walk;

static void walk_start(walk *w, double base)
{
    fed_fixed x;
    fed_fixed_half_precision(&x, base);
    fed_fixed_exp_minus(&w->step, &x);
    fed_fixed_multiply(&w->ratio, &w->step, &w->step);
    fed_fixed_one(&w->weight);
}

static void walk_on(walk *w)
{
    fed_fixed_multiply(&w->weight, &w->weight, &w->step);
    fed_fixed_multiply(&w->step, &w->step, &w->ratio);
}

static void add_weight(mp_limb_t *sum, const fed_fixed *weight, int times)
{
    while (times--)
        sum[LIMBS] += mpn_add_n(sum, sum, weight->w, LIMBS);
}

size_t fed_cdt_level_start(unsigned level)
{
    return level <= 3 ? 8 * (size_t)level : 16 + ((size_t)1 << level);
}

/* Node i of level l is the threshold at which a lower-bound search stands after l steps, i being
 * the steps taken to the right, as a binary number. Padded with all ones, never passed. */
static void build_tree(fed_cdt *cdt)
{
    cdt->levels = 1;
    while (((size_t)1 << cdt->levels) <= cdt->first)
        cdt->levels++;
    if (cdt->levels > FED_CDT_LEVELS_MAX) cdt->levels = 0;
    for (unsigned l = 0; l < cdt->levels; l++)
        for (size_t i = 0; i < (size_t)1 << l; i++) {
            size_t at = ((2 * i + 1) << (cdt->levels - 1 - l)) - 1;
            cdt->node[fed_cdt_level_start(l) + i] =
                at < cdt->first ? cdt->high[at] : UINT64_MAX;
        }
}

static fed_status cdt_init(fed_cdt *cdt, double base, fed_error *err)
{
    size_t n = (size_t)(base * 13.6) + 3; /* sqrt(2 ln 2^132): beyond it P < 2^-130 */
    cdt->n = n, cdt->padded = (n + 15) / 8 * 8;
    size_t words = 2 * cdt->padded + FED_CDT_NODES;
    cdt->high = fed_malloc(words * sizeof *cdt->high);
    if (!cdt->high) return fed_fail_nomem(err, words * sizeof *cdt->high);
    cdt->low = cdt->high + cdt->padded, cdt->node = cdt->low + cdt->padded;
    memset(cdt->high, 0xff, words * sizeof *cdt->high);
    mp_limb_t total[LIMBS + 1] = {0}, partial[LIMBS + 1] = {0};
    walk w;
    walk_start(&w, base);
    add_weight(total, &w.weight, 1);
    for (size_t k = 1; k < n + 64; k++)
        walk_on(&w), add_weight(total, &w.weight, 2);
    walk_start(&w, base);
    for (size_t k = 0; k < n; k++) {
        add_weight(partial, &w.weight, k ? 2 : 1);
        threshold(partial, total, &cdt->high[k], &cdt->low[k]);
        walk_on(&w);
    }
    cdt->first = 0;
    while (cdt->first < n && cdt->high[cdt->first] != UINT64_MAX)
        cdt->first++;
    build_tree(cdt);
    return FED_OK;
}

fed_status fed_dgauss_table_init(fed_dgauss_table *t, double sigma, fed_error *err)
{
    memset(t, 0, sizeof *t);
    double factor2[3], width[3], distance = 0;
    t->weight[0] = 1;
    double base = sigma;
    while (t->levels < 3 && base > 16.5) {
        double k = widest(base);
        if (k < 2) break;
        width[t->levels] = k, factor2[t->levels] = 1 + k * k;
        base /= sqrt(factor2[t->levels++]);
    }
    t->base = ceil(base * (1 + 0x1p-48) * 0x1p40) * 0x1p-40;
    FED_TRY(cdt_init(&t->cdt, t->base, err));
    t->sigma = t->base;
    distance = exp2(-128) * (double)(t->cdt.n + 2);
    for (unsigned level = t->levels, parts = 1; level-- > 0; parts *= 2) {
        distance = 2 * distance + exp2(convolution_log2(t->sigma, width[level]));
        t->sigma *= sqrt(factor2[level]);
        for (unsigned i = 0; i < parts; i++)
            t->weight[parts + i] = (int64_t)width[level] * t->weight[i];
    }
    t->distance_log2 = log2(distance);
    return FED_OK;
}

void fed_dgauss_table_fini(fed_dgauss_table *t)
{
    fed_free(t->cdt.high);
    memset(t, 0, sizeof *t);
}

/* ---- drawing ---- */

typedef struct block {
    uint64_t u[FED_TABLE_BLOCK], count[FED_TABLE_BLOCK], sign[FED_TABLE_BLOCK / 64];
    int64_t sum[FED_TABLE_BLOCK];
} block;

/* Some first word equals a threshold's: draw second words for those, and count again. */
static void settle(const fed_cdt *cdt, fed_noise *noise, block *b)
{
    for (size_t i = 0; i < FED_TABLE_BLOCK; i++) {
        size_t k = b->count[i];
        if (k >= cdt->n || cdt->high[k] != b->u[i]) continue;
        uint64_t v = fed_noise_word(noise);
        while (k < cdt->n && cdt->high[k] == b->u[i] && cdt->low[k] <= v)
            k++;
        b->count[i] = k;
    }
}

/* A block of base draws: sum += weight * (+-count). */
static void add_part(const fed_dgauss_table *t, const fed_cdt_kernel *kernel,
                     fed_noise *noise, int64_t weight, block *b)
{
    fed_noise_words(noise, b->u, FED_TABLE_BLOCK);
    fed_noise_words(noise, b->sign, FED_TABLE_BLOCK / 64);
    if (kernel->scan(&t->cdt, b->u, b->count)) settle(&t->cdt, noise, b);
    kernel->apply(b->count, b->sign, weight, b->sum);
}

void fed_dgauss_table_fill(const fed_dgauss_table *t, fed_noise *noise, int64_t *out,
                           size_t n)
{
    const fed_cdt_kernel *kernel = fed_cdt_kernel_of(fed_kernel_active());
    block b;
    for (size_t done = 0; done < n; done += FED_TABLE_BLOCK) {
        size_t left = n - done < FED_TABLE_BLOCK ? n - done : FED_TABLE_BLOCK;
        memset(b.sum, 0, sizeof b.sum);
        for (unsigned part = 0; part < 1u << t->levels; part++)
            add_part(t, kernel, noise, t->weight[part], &b);
        memcpy(out + done, b.sum, left * sizeof *b.sum);
    }
    fed_wipe(&b, sizeof b);
}
