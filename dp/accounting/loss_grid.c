/*
 * Connect the dots (Doroshenko, Ghazi, Kamath, Kumar, Manurangsi 2022). The hockey-stick curve
 * of a discrete loss on the grid is linear in e^epsilon between grid points; the tightest
 * such curve above the true one meets it at all of them. That is the same as giving the
 * masses P and Q of each cell (e_i, e_i + h] to its two ends so that both are conserved:
 *
 *   top + bottom = P,   top e^-(e_i + h) + bottom e^-e_i = Q
 *   top = (P - e^e_i Q) / (1 - e^-h).
 *
 * The loss is monotone in the output x, so a cell is an interval of x and its masses are
 * differences of normal distribution functions. Below the grid, mass moves up to its lowest
 * point; above, to infinity.
 */
#include "loss_grid.h"

#include <string.h>

#include "gaussian_exact.h"
#include "logmath.h"

/* x with P(N(0,1) > x) = p, from above. */
static double upper_quantile(double p)
{
    double low = 0, high = 40;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (0.5 * erfc(middle / FED_SQRT2) > p)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* The output x (in units of the sensitivity) whose remove-loss is `loss`. */
static double output_of(double loss, double sigma, double q)
{
    double odds = expm1(loss) + q; /* e^loss - (1 - q) */
    if (odds <= 0) return -INFINITY;
    if (loss > 500) return sigma * sigma * (loss - log(q)) + 0.5;
    return sigma * sigma * log(odds / q) + 0.5;
}

static double loss_of(double x, double sigma, double q)
{
    double log_ratio = (2 * x - 1) / (2 * sigma * sigma);
    if (log_ratio > 500) return log(q) + log_ratio;
    return log1p(q * expm1(log_ratio));
}

/* Where a cell ends, with the tails of both normals there: below x when x lies left of the
 * mean, above it otherwise, so that differences are accurate on either side. */
typedef struct edge {
    double x, tail0, tail1;
} edge;

static double near_tail(double z)
{
    return 0.5 * erfc(fabs(z) / FED_SQRT2);
}

static edge edge_at(double x, double sigma)
{
    return (edge){x, near_tail(x / sigma), near_tail((x - 1) / sigma)};
}

/* P(low < X <= high) from the tails at both ends; `mean` is the normal's. */
static double between(double low, double low_tail, double high, double high_tail,
                      double mean)
{
    double mass = low_tail - high_tail;
    if (high < mean)
        mass = -mass;
    else if (low < mean)
        mass = 1 - low_tail - high_tail;
    return mass > 0 ? mass : 0;
}

/* P of a cell between two outputs, and P - e^at Q. */
static void weigh(const edge *low, const edge *high, bool add, double q, double at,
                  double *p, double *excess)
{
    double m0 = between(low->x, low->tail0, high->x, high->tail0, 0);
    double m1 = between(low->x, low->tail1, high->x, high->tail1, 1);
    if (add) {
        *p = m0;
        *excess = m0 - exp(at) * ((1 - q) * m0 + q * m1);
    } else {
        *p = (1 - q) * m0 + q * m1;
        *excess = q * m1 - (expm1(at) + q) * m0;
    }
}

/* The two ends of the loss, in the direction's own sign. */
static void ends(fed_loss_direction direction, double sigma, double q, double tail,
                 double *low, double *high)
{
    double reach = upper_quantile(tail) * sigma;
    double least = loss_of(-reach, sigma, q), most = loss_of(1 + reach, sigma, q);
    *low = direction == FED_LOSS_ADD ? -most : least;
    *high = direction == FED_LOSS_ADD ? -least : most;
}

static void fill_cell(fed_loss_grid *g, size_t i, bool add, double q, const edge *low,
                      const edge *high)
{
    double at = (double)(g->from + (int64_t)i) * g->step, p, excess;
    weigh(low, high, add, q, at, &p, &excess);
    double top = excess / -expm1(-g->step);
    if (!(top > 0)) top = 0;
    if (top > p) top = p;
    g->mass[i] += p - top;
    g->mass[i + 1] += top;
}

static edge grid_edge(const fed_loss_grid *g, size_t i, bool add, double sigma, double q)
{
    double loss = (double)(g->from + (int64_t)i) * g->step;
    return edge_at(output_of(add ? -loss : loss, sigma, q), sigma);
}

/* Cell i covers the losses from + i .. from + i + 1; the last point has none above it. */
static void fill_cells(fed_loss_grid *g, bool add, double sigma, double q)
{
    edge here = grid_edge(g, 0, add, sigma, q);
    double first = here.x;
    for (size_t i = 0; i + 1 < g->n; i++) {
        edge next = grid_edge(g, i + 1, add, sigma, q);
        fill_cell(g, i, add, q, add ? &next : &here, add ? &here : &next);
        here = next;
    }
    double x = here.x;
    if (add) { /* losses fall as x grows: below the grid is x > first, above is x < last */
        g->mass[0] += fed_normal_between(first / sigma, INFINITY);
        g->infinite = fed_normal_between(-INFINITY, x / sigma);
    } else {
        g->mass[0] += (1 - q) * fed_normal_between(-INFINITY, first / sigma) +
                      q * fed_normal_between(-INFINITY, (first - 1) / sigma);
        g->infinite = (1 - q) * fed_normal_between(x / sigma, INFINITY) +
                      q * fed_normal_between((x - 1) / sigma, INFINITY);
    }
}

static fed_status init_one(fed_loss_grid *g, fed_loss_direction direction, double sigma,
                           double q, double step, double tail, fed_error *err)
{
    double low, high;
    memset(g, 0, sizeof *g);
    ends(direction, sigma, q, tail, &low, &high);
    double cells = floor(high / step) + 2 - floor(low / step);
    if (!(cells > 0 && cells < FED_LOSS_CELLS_MAX))
        return fed_fail(err, FED_E_LIMIT,
                        "accountant: the loss of sigma %g spans %g cells, at most %d are "
                        "handled",
                        sigma, cells, FED_LOSS_CELLS_MAX);
    g->step = step;
    g->from = (int64_t)floor(low / step);
    g->n = (size_t)cells;
    g->mass = fed_calloc(g->n, sizeof *g->mass);
    if (!g->mass) return fed_fail_nomem(err, g->n * sizeof *g->mass);
    fill_cells(g, direction == FED_LOSS_ADD, sigma, q);
    return FED_OK;
}

/* The curve that is the remove direction's for e^epsilon >= 1 and the add direction's below
 * (Zhu, Dong, Wang 2022, theorem 11): positive losses of the one, negative of the other, and
 * at zero what is left of the mass. */
static fed_status join(fed_loss_grid *g, const fed_loss_grid *remove,
                       const fed_loss_grid *add, fed_error *err)
{
    int64_t to = remove->from + (int64_t)remove->n;
    g->step = remove->step, g->from = add->from < 0 ? add->from : 0;
    g->n = (size_t)((to > 1 ? to : 1) - g->from);
    g->infinite = remove->infinite;
    g->mass = fed_calloc(g->n, sizeof *g->mass);
    if (!g->mass) return fed_fail_nomem(err, g->n * sizeof *g->mass);
    double rest = 1 - g->infinite;
    for (int64_t i = g->from; i < to; i++) {
        const fed_loss_grid *source = i < 0 ? add : remove;
        int64_t at = i - source->from;
        if (i == 0 || at < 0 || at >= (int64_t)source->n) continue;
        g->mass[i - g->from] = source->mass[at];
        rest -= source->mass[at];
    }
    g->mass[-g->from] = rest > 0 ? rest : 0;
    return FED_OK;
}

fed_status fed_loss_grid_init(fed_loss_grid *g, fed_loss_direction direction,
                              double sigma, double q, double step, double tail,
                              fed_error *err)
{
    if (direction != FED_LOSS_BOTH || q >= 1)
        return init_one(g, direction == FED_LOSS_ADD ? FED_LOSS_ADD : FED_LOSS_REMOVE,
                        sigma, q, step, tail, err);
    fed_loss_grid remove = {0}, add = {0};
    memset(g, 0, sizeof *g);
    fed_status status = init_one(&remove, FED_LOSS_REMOVE, sigma, q, step, tail, err);
    if (status == FED_OK)
        status = init_one(&add, FED_LOSS_ADD, sigma, q, step, tail, err);
    if (status == FED_OK) status = join(g, &remove, &add, err);
    fed_loss_grid_fini(&remove);
    fed_loss_grid_fini(&add);
    return status;
}

void fed_loss_grid_fini(fed_loss_grid *g)
{
    fed_free(g->mass);
    memset(g, 0, sizeof *g);
}
