/*
 * Shares of which some are wrong: Gao's decoder. Let g0 = prod (x - x_i), g1 the polynomial
 * through all shares. The extended Euclidean algorithm on g0, g1, stopped when the degree of
 * the remainder g = u g0 + v g1 falls below (m + t)/2, gives f = g / v if at most (m - t)/2
 * shares are wrong; then v is zero exactly at the wrong ones' points.
 */
#include <string.h>

#include "shamir.h"

/* c[0] + c[1] x + ...; degree -1: zero. `room` coefficients. */
typedef struct poly {
    fed_f89 *c;
    int64_t degree;
} poly;

typedef struct decoder {
    uint32_t m, t;
    const uint32_t *points;
    fed_f89 *memory; /* all polynomials, m + 1 coefficients each, and the values */
    size_t length;
    poly g0, g1, v0, v1, f;
    fed_f89 *values;
} decoder;

static void trim(poly *p)
{
    while (p->degree >= 0 && fed_f89_is_zero(p->c[p->degree]))
        p->degree--;
}

static fed_f89 negate(fed_f89 a)
{
    return fed_f89_sub((fed_f89){0, 0}, a);
}

static fed_f89 value_at(const poly *p, uint32_t x)
{
    fed_f89 a = {0, 0};
    for (int64_t i = p->degree; i >= 0; i--)
        a = fed_f89_step(a, x, p->c[i]);
    return fed_f89_reduce(a);
}

/* p times (x - point); `c` has room for one more. */
static void multiply_root(fed_f89 *c, uint32_t degree, uint32_t point)
{
    fed_f89 minus = negate((fed_f89){point, 0});
    c[degree + 1] = c[degree];
    for (uint32_t i = degree; i > 0; i--)
        c[i] = fed_f89_add(c[i - 1], fed_f89_mul(c[i], minus));
    c[0] = fed_f89_mul(c[0], minus);
}

/* Newton's interpolation: g1 through all values, g0 zero at all points. */
static void interpolate(decoder *d)
{
    poly *basis = &d->g0, *sum = &d->g1;
    memset(sum->c, 0, (d->m + 1) * sizeof *sum->c);
    memset(basis->c, 0, (d->m + 1) * sizeof *basis->c);
    basis->c[0] = (fed_f89){1, 0};
    sum->degree = -1, basis->degree = 0;
    for (uint32_t i = 0; i < d->m; i++) {
        fed_f89 missing = fed_f89_sub(d->values[i], value_at(sum, d->points[i]));
        fed_f89 factor =
            fed_f89_mul(missing, fed_f89_invert(value_at(basis, d->points[i])));
        for (uint32_t j = 0; j <= i; j++)
            sum->c[j] = fed_f89_add(sum->c[j], fed_f89_mul(factor, basis->c[j]));
        sum->degree = i;
        multiply_root(basis->c, i, d->points[i]);
        basis->degree = i + 1;
    }
    trim(sum);
}

/* a -= b q x^shift, where q x^shift is the leading quotient; then the same for va -= vb. */
static void cancel(poly *a, const poly *b, poly *va, const poly *vb, fed_f89 lead)
{
    int64_t shift = a->degree - b->degree;
    fed_f89 q = negate(fed_f89_mul(a->c[a->degree], lead));
    for (int64_t i = 0; i <= b->degree; i++)
        a->c[i + shift] = fed_f89_add(a->c[i + shift], fed_f89_mul(q, b->c[i]));
    for (int64_t i = 0; i <= vb->degree; i++)
        va->c[i + shift] = fed_f89_add(va->c[i + shift], fed_f89_mul(q, vb->c[i]));
    if (vb->degree >= 0 && vb->degree + shift > va->degree)
        va->degree = vb->degree + shift;
    trim(a);
    trim(va);
}

static void swap(poly *a, poly *b)
{
    poly keep = *a;
    *a = *b;
    *b = keep;
}

/* Afterwards g1 is the first remainder of degree < (m + t)/2, v1 its factor of g1. */
static void partial_euclid(decoder *d)
{
    memset(d->v0.c, 0, (d->m + 1) * sizeof *d->v0.c);
    memset(d->v1.c, 0, (d->m + 1) * sizeof *d->v1.c);
    d->v0.degree = -1, d->v1.degree = 0;
    d->v1.c[0] = (fed_f89){1, 0};
    while (2 * d->g1.degree >= (int64_t)d->m + d->t) {
        fed_f89 lead = fed_f89_invert(d->g1.c[d->g1.degree]);
        while (d->g0.degree >= d->g1.degree)
            cancel(&d->g0, &d->g1, &d->v0, &d->v1, lead);
        swap(&d->g0, &d->g1);
        swap(&d->v0, &d->v1);
    }
}

/* f = g1 / v1, if that leaves nothing and its degree is below t. */
static bool divide(decoder *d)
{
    poly *g = &d->g1, *v = &d->v1;
    memset(d->f.c, 0, (d->m + 1) * sizeof *d->f.c);
    d->f.degree = g->degree - v->degree;
    if (v->degree < 0 || d->f.degree >= (int64_t)d->t) return false;
    fed_f89 lead = fed_f89_invert(v->c[v->degree]);
    poly none = {.degree = -1}, unused = {.degree = -1};
    while (g->degree >= v->degree) {
        d->f.c[g->degree - v->degree] = fed_f89_mul(g->c[g->degree], lead);
        cancel(g, v, &unused, &none, lead);
    }
    if (d->f.degree < -1) d->f.degree = -1;
    return g->degree < 0;
}

static bool decode_chunk(decoder *d, bool *wrong, fed_f89 *secret)
{
    interpolate(d);
    partial_euclid(d);
    if (!divide(d)) return false;
    for (uint32_t i = 0; i < d->m; i++) {
        fed_f89 off = fed_f89_sub(d->values[i], value_at(&d->f, d->points[i]));
        if (!fed_f89_is_zero(off)) wrong[i] = true;
    }
    *secret = d->f.degree < 0 ? (fed_f89){0, 0} : d->f.c[0];
    return true;
}

static fed_status decoder_init(decoder *d, const uint32_t *points, uint32_t m, uint32_t t,
                               fed_error *err)
{
    size_t each = (size_t)m + 1;
    *d = (decoder){.m = m, .t = t, .points = points, .length = 6 * each};
    d->memory = fed_calloc(d->length, sizeof *d->memory);
    if (!d->memory) return fed_fail_nomem(err, d->length * sizeof *d->memory);
    poly *all[] = {&d->g0, &d->g1, &d->v0, &d->v1, &d->f};
    for (size_t i = 0; i < 5; i++)
        all[i]->c = d->memory + i * each;
    d->values = d->memory + 5 * each;
    return FED_OK;
}

fed_status fed_shamir_decode(const uint32_t *points, const uint8_t *const *shares,
                             uint32_t m, uint32_t t, uint8_t secret[FED_SHAMIR_SECRET],
                             bool *wrong, fed_error *err)
{
    if (t < 1 || m < t)
        return fed_fail(err, FED_E_INVALID, "Shamir: %u shares, the threshold is %u", m,
                        t);
    decoder d;
    fed_f89 chunks[FED_SHAMIR_CHUNKS], found[FED_SHAMIR_CHUNKS];
    FED_TRY(decoder_init(&d, points, m, t, err));
    memset(wrong, 0, m * sizeof *wrong);
    bool ok = true;
    for (int c = 0; ok && c < FED_SHAMIR_CHUNKS; c++) {
        for (uint32_t i = 0; i < m; i++) {
            fed_shamir_unpack(shares[i], chunks);
            d.values[i] = fed_f89_reduce(chunks[c]);
        }
        ok = decode_chunk(&d, wrong, &found[c]);
    }
    uint32_t errors = 0;
    for (uint32_t i = 0; i < m; i++)
        errors += wrong[i];
    ok = ok && 2 * (uint64_t)errors <= m - t && fed_shamir_join(found, secret);
    fed_wipe_free(d.memory, d.length * sizeof *d.memory);
    fed_wipe(chunks, sizeof chunks);
    fed_wipe(found, sizeof found);
    if (ok) return FED_OK;
    fed_wipe(secret, FED_SHAMIR_SECRET);
    return fed_fail(err, FED_E_FORMAT,
                    "Shamir: of %u shares with threshold %u more than %u are wrong", m, t,
                    (m - t) / 2);
}
