/*
 * Composition of privacy loss distributions. The sum S of all losses is wanted above epsilon,
 * far in its tail, where a plain FFT has only round-off. So each distribution is tilted first,
 * p(l) -> p(l) e^(theta l) / K(theta), which moves the mean of S to where delta is reached;
 * the composed mass is tilted back when it is read:
 *
 *   delta(e) = sum_{l > e} p(l) (1 - e^(e-l)),   p(l) = p~(l) e^(log K_total - theta l).
 *
 * theta minimises the Chernoff bound log K_total - theta e + log 1/delta, which also gives the
 * window of the transform: what lies above it is charged to delta outright; what lies below
 * wraps around to its top and can only add to delta.
 *
 * Round-off. Each forward output is off by at most a = fed_fourier_error (inputs sum to 1), so
 * the product of the spectra F_i^(T_i) by at most sum_i T_i a (|F_i|+a)^(T_i - 1) prod_others,
 * plus 4 T u of itself for the powers; the inverse adds a times the mean modulus. The mean of
 * all that over the frequencies bounds the error of every single p~(l): it is added to each.
 */
#include "pld.h"

#include <float.h>
#include <string.h>

#include "fourier.h"
#include "loss_grid.h"
#include "logmath.h"

enum { EVENTS_MAX = 256, LOG2_MAX = 22, COARSE_CELLS = 8192, SINGLE_CELLS = 1 << 17 };
#define TAIL_SHARE 1e-6 /* of delta, given away for the window's top */

typedef struct release {
    fed_loss_grid grid;
    uint64_t count;
} release;

typedef struct composition {
    release *item;
    size_t n;
    double step, total; /* releases in all */
    double infinite;    /* mass at infinity of the composition, at most */
} composition;

/** The composed masses, tilted. */
typedef struct composed {
    double *mass;
    size_t n;
    int64_t from;
    double step, theta, log_k;
    double error;    /* of each mass, absolute */
    double relative; /* of each mass, relative */
    double extra;    /* charged to delta outright */
} composed;

/* ---- the releases on a grid ---- */

static void composition_fini(composition *c)
{
    for (size_t i = 0; c->item && i < c->n; i++)
        fed_loss_grid_fini(&c->item[i].grid);
    fed_free(c->item);
    memset(c, 0, sizeof *c);
}

static fed_status composition_init(composition *c, const fed_pld_event *events, size_t n,
                                   fed_loss_direction direction, double step, double tail,
                                   fed_error *err)
{
    memset(c, 0, sizeof *c);
    c->step = step, c->n = n;
    c->item = fed_calloc(n, sizeof *c->item);
    if (!c->item) return fed_fail_nomem(err, n * sizeof *c->item);
    for (size_t i = 0; i < n; i++) {
        const fed_pld_event *e = &events[i];
        fed_loss_direction d = e->both_ways ? FED_LOSS_BOTH : direction;
        c->item[i].count = e->count;
        c->total += (double)e->count;
        FED_TRY(fed_loss_grid_init(&c->item[i].grid, d, e->sigma, e->q, step, tail, err));
        c->infinite += (double)e->count * c->item[i].grid.infinite;
    }
    return FED_OK;
}

/* ---- tilting ---- */

typedef struct moments {
    double log_k, mean, variance;
} moments;

/* Of one loss tilted by theta >= 0. Weights are relative to the highest point with mass, so
 * none overflows and what underflows does not count. */
static moments grid_moments(const fed_loss_grid *g, double theta)
{
    size_t top = g->n - 1;
    while (top && !(g->mass[top] > 0))
        top--;
    double weight = 1, ratio = exp(-theta * g->step), sum = 0, first = 0, second = 0;
    for (size_t i = top + 1; i-- > 0; weight *= ratio) {
        double m = g->mass[i] * weight, below = (double)(top - i);
        sum += m, first += m * below, second += m * below * below;
        if (weight < 1e-290) break;
    }
    double highest = (double)(g->from + (int64_t)top) * g->step, mean = first / sum;
    return (moments){log(sum) + theta * highest, highest - mean * g->step,
                     (second / sum - mean * mean) * g->step * g->step};
}

static moments total_moments(const composition *c, double theta)
{
    moments total = {0, 0, 0};
    for (size_t i = 0; i < c->n; i++) {
        moments m = grid_moments(&c->item[i].grid, theta);
        double count = (double)c->item[i].count;
        total.log_k += count * m.log_k;
        total.mean += count * m.mean;
        total.variance += count * m.variance;
    }
    return total;
}

/* Chernoff: P(S > bound) <= exp(log K - theta bound). For a tail probability the best bound
 * and its theta; for a bound the best tail probability (as a log) and its theta. */
static double chernoff_objective(const composition *c, double log_theta, double log_tail,
                                 const double *epsilon)
{
    double theta = exp(log_theta), log_k = total_moments(c, theta).log_k;
    return epsilon ? log_k - theta * *epsilon : (log_k - log_tail) / theta;
}

static double chernoff(const composition *c, double log_tail, const double *epsilon,
                       double *theta)
{
    const double golden = 0.61803398874989485;
    double low = log(1e-5), high = log(1e6), a = high - golden * (high - low);
    double b = low + golden * (high - low);
    double fa = chernoff_objective(c, a, log_tail, epsilon);
    double fb = chernoff_objective(c, b, log_tail, epsilon);
    while (high - low > 0.02) {
        if (fa < fb) {
            high = b, b = a, fb = fa, a = high - golden * (high - low);
            fa = chernoff_objective(c, a, log_tail, epsilon);
        } else {
            low = a, a = b, fa = fb, b = low + golden * (high - low);
            fb = chernoff_objective(c, b, log_tail, epsilon);
        }
    }
    *theta = exp(fa < fb ? a : b);
    return fmin(fa, fb);
}

/* ---- the transform ---- */

static void load_tilted(fed_complex *x, size_t n, const fed_loss_grid *g, double theta,
                        double log_k)
{
    memset(x, 0, n * sizeof *x);
    for (size_t i = 0; i < g->n; i++) {
        if (!(g->mass[i] > 0)) continue;
        double loss = (double)(g->from + (int64_t)i) * g->step;
        x[(size_t)i & (n - 1)].re += g->mass[i] * exp(theta * loss - log_k);
    }
}

static fed_complex power(fed_complex base, uint64_t exponent)
{
    fed_complex result = {1, 0};
    for (; exponent; exponent >>= 1) {
        if (exponent & 1)
            result = (fed_complex){result.re * base.re - result.im * base.im,
                                   result.re * base.im + result.im * base.re};
        base =
            (fed_complex){base.re * base.re - base.im * base.im, 2 * base.re * base.im};
    }
    return result;
}

/* product[k] *= F[k]^count, and slope[k] accumulates the error of the product relative to
 * `bound`[k], the product of (|F| + a)^count. */
static void multiply_spectrum(fed_complex *product, double *error, double *bound,
                              const fed_complex *f, size_t n, uint64_t count, double a)
{
    const double u = DBL_EPSILON / 2;
    for (size_t k = 0; k < n; k++) {
        fed_complex p = power(f[k], count), old = product[k];
        product[k] =
            (fed_complex){old.re * p.re - old.im * p.im, old.re * p.im + old.im * p.re};
        double modulus = hypot(f[k].re, f[k].im) + a;
        double less = exp((double)(count - 1) * log(modulus)), full = less * modulus;
        error[k] = error[k] * full +
                   bound[k] * ((double)count * a * less + 4 * (double)count * u * full);
        bound[k] *= full;
    }
}

typedef struct workspace {
    fed_fourier fourier;
    fed_complex *x, *product;
    double *error, *bound;
} workspace;

static void workspace_fini(workspace *w)
{
    fed_fourier_fini(&w->fourier);
    fed_free(w->x), fed_free(w->product), fed_free(w->error), fed_free(w->bound);
}

static fed_status workspace_init(workspace *w, size_t n, fed_error *err)
{
    memset(w, 0, sizeof *w);
    FED_TRY(fed_fourier_init(&w->fourier, n, err));
    w->x = fed_malloc(n * sizeof *w->x);
    w->product = fed_malloc(n * sizeof *w->product);
    w->error = fed_calloc(n, sizeof *w->error);
    w->bound = fed_malloc(n * sizeof *w->bound);
    if (!w->x || !w->product || !w->error || !w->bound)
        return fed_fail_nomem(err, n * sizeof *w->x);
    for (size_t k = 0; k < n; k++)
        w->product[k] = (fed_complex){1, 0}, w->bound[k] = 1;
    return FED_OK;
}

/* Sums below `out->from` or beyond its end wrap around. */
static fed_status transform(const composition *c, composed *out, fed_error *err)
{
    workspace w;
    fed_status status = workspace_init(&w, out->n, err);
    if (status != FED_OK) goto out;
    double a = fed_fourier_error(&w.fourier), mean_error = 0, mean_bound = 0;
    int64_t offset = 0;
    for (size_t i = 0; i < c->n; i++) {
        const fed_loss_grid *g = &c->item[i].grid;
        load_tilted(w.x, out->n, g, out->theta, grid_moments(g, out->theta).log_k);
        fed_fourier_forward(&w.fourier, w.x);
        multiply_spectrum(w.product, w.error, w.bound, w.x, out->n, c->item[i].count, a);
        offset += (int64_t)c->item[i].count * g->from;
    }
    for (size_t k = 0; k < out->n; k++)
        mean_error += w.error[k], mean_bound += w.bound[k];
    fed_fourier_inverse(&w.fourier, w.product);
    double scale = 1 / (double)out->n;
    out->error = (mean_error + a * mean_bound) * scale;
    for (size_t i = 0; i < out->n; i++) {
        uint64_t at = (uint64_t)(out->from + (int64_t)i) - (uint64_t)offset;
        out->mass[i] = w.product[at & (out->n - 1)].re * scale;
    }
out:
    workspace_fini(&w);
    return status;
}

/* ---- choosing grid and window ---- */

typedef struct target {
    double delta;          /* asked for, or */
    const double *epsilon; /* asked at */
} target;

/* Theta, the tail that is given away, and the top and bottom of the window. */
static void choose_window(const composition *c, const target *t, double *theta,
                          double *tail, double *bottom, double *top)
{
    double log_delta = log(t->delta), unused;
    double value = chernoff(c, log_delta, t->epsilon, theta);
    if (t->epsilon) log_delta = fmax(fmin(value, -0.1), -650);
    *tail = TAIL_SHARE * exp(log_delta);
    *top = chernoff(c, log_delta + log(TAIL_SHARE), NULL, &unused);
    moments m = total_moments(c, *theta);
    *bottom = m.mean - 8 * sqrt(fmax(m.variance, 0));
    if (t->epsilon && *bottom > *t->epsilon) *bottom = *t->epsilon;
    *bottom -= 2 * c->step;
}

/* How wide a release's loss is, to choose a first, coarse step. */
static double widest_loss(const fed_pld_event *events, size_t n, double tail)
{
    double widest = 0;
    for (size_t i = 0; i < n; i++) {
        double s = events[i].sigma, reach = s * sqrt(-2 * log(tail)) + 1;
        widest = fmax(widest, (2 * reach + 1) / (s * s));
    }
    return widest;
}

/* log K at theta on a grid of this step. */
static fed_status log_k_at(const fed_pld_event *events, size_t n,
                           fed_loss_direction direction, double step, double tail,
                           double theta, double *log_k, fed_error *err)
{
    composition c;
    fed_status status = composition_init(&c, events, n, direction, step, tail, err);
    if (status == FED_OK) *log_k = total_moments(&c, theta).log_k;
    composition_fini(&c);
    return status;
}

/* Connecting dots of spacing h raises log K(theta) by an amount that falls like h^2; halving h
 * shows how much is left. Refine until that moves epsilon by less than 5e-5 of itself (or
 * 1e-4), or until the grid may not be finer. */
static fed_status refine(const fed_pld_event *events, size_t n,
                         fed_loss_direction direction, const target *t, double tail,
                         double theta, double least, double *step, fed_error *err)
{
    double coarse = 0, fine = 0;
    for (int i = 0; i < 8 && *step > least; i++) {
        FED_TRY(log_k_at(events, n, direction, *step, tail, theta, &coarse, err));
        *step /= 2;
        FED_TRY(log_k_at(events, n, direction, *step, tail, theta, &fine, err));
        double left = (coarse - fine) / 3, epsilon = (fine - log(t->delta)) / theta;
        double limit = t->epsilon ? 1e-3 : theta * fmin(1e-4, 5e-5 * epsilon);
        if (!(left > limit)) break;
        *step *= fmax(0.9 * sqrt(limit / left), 1.0 / 16);
    }
    if (*step < least) *step = least;
    return FED_OK;
}

static fed_status choose_step(const fed_pld_event *events, size_t n,
                              fed_loss_direction direction, const target *t, double tail,
                              double *step, fed_error *err)
{
    double wide = widest_loss(events, n, tail), theta = 0, given, bottom = 0, top = 0;
    composition c;
    *step = wide / COARSE_CELLS;
    fed_status status = composition_init(&c, events, n, direction, *step, tail, err);
    double total = c.total;
    if (status == FED_OK) choose_window(&c, t, &theta, &given, &bottom, &top);
    composition_fini(&c);
    if (status != FED_OK) return status;
    if (total == 1) {
        *step = wide / SINGLE_CELLS;
        return FED_OK;
    }
    double least = fmax((top - bottom) / (0.8 * (1 << LOG2_MAX)), wide / (1 << LOG2_MAX));
    return refine(events, n, direction, t, tail, theta, least, step, err);
}

static fed_status fit_window(const composition *c, composed *out, double bottom,
                             double top, fed_error *err)
{
    double cells = ceil(top / c->step) - floor(bottom / c->step) + 2;
    unsigned bits = 8;
    while (bits <= LOG2_MAX + 1 && (double)(1u << bits) < cells)
        bits++;
    if (bits > LOG2_MAX + 1)
        return fed_fail(err, FED_E_LIMIT,
                        "accountant: the composed loss spans %g cells, at most 2^%d are "
                        "handled",
                        cells, LOG2_MAX + 1);
    out->n = (size_t)1 << bits;
    out->from = (int64_t)ceil(top / c->step) + 1 - (int64_t)out->n;
    return FED_OK;
}

static fed_status compose_grid(const composition *c, const target *t, composed *out,
                               fed_error *err)
{
    double bottom, top, tail;
    choose_window(c, t, &out->theta, &tail, &bottom, &top);
    FED_TRY(fit_window(c, out, bottom, top, err));
    out->log_k = total_moments(c, out->theta).log_k;
    out->extra = c->infinite + tail;
    /* exp(theta l - log k) is off by its argument's rounding, the masses by a few units */
    double reach = out->theta * (fabs(top) + fabs(bottom)) + fabs(out->log_k);
    out->relative = (c->total + reach) * 16 * DBL_EPSILON;
    out->mass = fed_malloc(out->n * sizeof *out->mass);
    if (!out->mass) return fed_fail_nomem(err, out->n * sizeof *out->mass);
    return transform(c, out, err);
}

/* A single release is its own composition. */
static fed_status compose_single(composition *c, composed *out)
{
    fed_loss_grid *g = &c->item[0].grid;
    out->mass = g->mass, out->n = g->n, out->from = g->from;
    g->mass = NULL;
    out->extra = c->infinite;
    out->relative = 16 * DBL_EPSILON;
    return FED_OK;
}

static fed_status compose(const fed_pld_event *events, size_t n,
                          fed_loss_direction direction, const target *t, composed *out,
                          fed_error *err)
{
    composition c = {0};
    double total = 0;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < n; i++)
        total += (double)events[i].count;
    double tail = fmax(t->delta * 1e-7 / total, 1e-300);
    fed_status status = choose_step(events, n, direction, t, tail, &out->step, err);
    if (status != FED_OK) return status;
    FED_GO(composition_init(&c, events, n, direction, out->step, tail, err));
    FED_GO(total == 1 ? compose_single(&c, out) : compose_grid(&c, t, out, err));
out:
    composition_fini(&c);
    if (status != FED_OK) {
        fed_free(out->mass);
        out->mass = NULL;
    }
    return status;
}

/* ---- reading delta and epsilon ---- */

/* Walk down from the top: `lost` is delta at the present point, `weighed` = sum p e^(point-l)
 * over the points above and at it. All terms are positive: nothing cancels. */
typedef struct descent {
    double at, lost, weighed;
    size_t next;
} descent;

static void descend(const composed *c, descent *d)
{
    size_t i = d->next--;
    d->at = (double)(c->from + (int64_t)i) * c->step;
    double mass = (c->mass[i] > 0 ? c->mass[i] : 0) + c->error;
    d->weighed += mass * exp(c->log_k - c->theta * d->at) * (1 + c->relative);
}

static double read_epsilon(const composed *c, double delta)
{
    descent d = {0, c->extra, 0, c->n - 1};
    if (!(delta > c->extra)) return INFINITY;
    for (size_t i = c->n; i-- > 0;) {
        descend(c, &d);
        double step_down = -expm1(-c->step) * d.weighed;
        if (d.lost + step_down > delta) {
            double epsilon = d.at + log1p(-(delta - d.lost) / d.weighed);
            return epsilon > 0 ? epsilon : 0;
        }
        if (d.at <= 0) return 0;
        d.lost += step_down;
        d.weighed *= exp(-c->step);
    }
    return d.at > 0 ? d.at : 0;
}

static double read_delta(const composed *c, double epsilon)
{
    descent d = {0, c->extra, 0, c->n - 1};
    for (size_t i = c->n; i-- > 0;) {
        if ((double)(c->from + (int64_t)i) * c->step <= epsilon) break;
        descend(c, &d);
        double next = (double)(c->from + (int64_t)i - 1) * c->step;
        double by = fmin(d.at - epsilon, d.at - next);
        d.lost += -expm1(-by) * d.weighed;
        d.weighed *= exp(-by);
    }
    return d.lost < 1 ? d.lost : 1;
}

/* ---- the two questions ---- */

static fed_status check_events(const fed_pld_event *events, size_t n, fed_error *err)
{
    if (n > EVENTS_MAX)
        return fed_fail(err, FED_E_LIMIT, "accountant: %zu kinds of releases, at most %d",
                        n, EVENTS_MAX);
    for (size_t i = 0; i < n; i++) {
        const fed_pld_event *e = &events[i];
        if (!(e->sigma >= 1e-3 && e->sigma <= 1e6))
            return fed_fail(err, FED_E_INVALID,
                            "accountant: sigma %g is outside [1e-3, 1e6]", e->sigma);
        if (!(e->q > 0 && e->q <= 1))
            return fed_fail(err, FED_E_INVALID, "accountant: q %g is outside (0, 1]",
                            e->q);
        if (!e->count || e->count > (uint64_t)1 << 40)
            return fed_fail(err, FED_E_INVALID,
                            "accountant: count %llu is outside [1, 2^40]",
                            (unsigned long long)e->count);
    }
    return FED_OK;
}

/* Without sampling, or when every event speaks for both directions, one pass is enough. */
static bool is_symmetric(const fed_pld_event *events, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (events[i].q < 1 && !events[i].both_ways) return false;
    return true;
}

static fed_status ask(const fed_pld_event *events, size_t n, const target *t,
                      double *answer, fed_error *err)
{
    *answer = 0;
    FED_TRY(check_events(events, n, err));
    int directions = is_symmetric(events, n) ? 1 : 2;
    for (int direction = 0; n && direction < directions; direction++) {
        composed c;
        FED_TRY(compose(events, n, (fed_loss_direction)direction, t, &c, err));
        double found =
            t->epsilon ? read_delta(&c, *t->epsilon) : read_epsilon(&c, t->delta);
        fed_free(c.mass);
        if (found > *answer) *answer = found;
    }
    return FED_OK;
}

fed_status fed_pld_epsilon(const fed_pld_event *events, size_t n, double delta,
                           double *epsilon, fed_error *err)
{
    if (!(delta > 0 && delta < 1))
        return fed_fail(err, FED_E_INVALID, "accountant: delta %g is outside (0, 1)",
                        delta);
    target t = {delta, NULL};
    return ask(events, n, &t, epsilon, err);
}

fed_status fed_pld_delta(const fed_pld_event *events, size_t n, double epsilon,
                         double *delta, fed_error *err)
{
    if (!(epsilon >= 0))
        return fed_fail(err, FED_E_INVALID, "accountant: epsilon %g is negative",
                        epsilon);
    target t = {1e-20, &epsilon};
    return ask(events, n, &t, delta, err);
}
