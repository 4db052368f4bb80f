/*
 * Label skew after Hsu, Qi, Brown 2019 ("Measuring the Effects of Non-Identical Data
 * Distribution for Federated Visual Classification", section 4): every client gets the
 * same number of rows and its own mix of classes, drawn from Dirichlet(A p) around the
 * set's mix p; rows are taken one at a time by that mix, and a class that has run out is
 * left out of it.
 */
#include <math.h>
#include <string.h>

#include "../portable_math.h"
#include "partition_kinds.h"

/* ln of a Gamma(shape) draw: Marsaglia, Tsang 2000 ("A simple method for generating gamma
 * variables") for shape + 1, then the boost by U^(1/shape) of their section 6, in
 * logarithms, since for small shapes the draw itself underflows. */
static double log_gamma_draw(fed_stream *s, double shape)
{
    double d = shape + 1 - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = fed_portable_normal(s), v = 1 + c * x;
        double u = 1 - fed_stream_uniform_double(s); /* in (0, 1] */
        if (v <= 0) continue;
        v = v * v * v;
        if (fed_portable_log(u) >= 0.5 * x * x + d - d * v + d * fed_portable_log(v))
            continue;
        u = 1 - fed_stream_uniform_double(s);
        return fed_portable_log(d * v) + fed_portable_log(u) / shape;
    }
}

typedef struct class_pool {
    uint32_t classes;
    const uint32_t *sorted, *first; /* rows by class, shuffled within each */
    uint32_t *taken;                /* of each class */
    double *prior, *mix;
} class_pool;

static uint32_t left_of(const class_pool *pool, uint32_t c)
{
    return pool->first[c + 1] - pool->first[c] - pool->taken[c];
}

static void draw_mix(class_pool *pool, double concentration, fed_stream *s)
{
    double largest = -INFINITY;
    for (uint32_t c = 0; c < pool->classes; c++) {
        pool->mix[c] = -INFINITY;
        if (pool->prior[c] > 0)
            pool->mix[c] = log_gamma_draw(s, concentration * pool->prior[c]);
        if (pool->mix[c] > largest) largest = pool->mix[c];
    }
    for (uint32_t c = 0; c < pool->classes; c++)
        pool->mix[c] = pool->prior[c] > 0 ? fed_portable_exp(pool->mix[c] - largest) : 0;
}

/* The mix over what is left. When nothing of it is left: over all that is, evenly. */
static double weight_left(const class_pool *pool, uint32_t c, bool evenly)
{
    uint32_t left = left_of(pool, c);
    if (evenly) return left;
    return left ? pool->mix[c] : 0;
}

static uint32_t pick_class(const class_pool *pool, fed_stream *s)
{
    double total = 0;
    for (uint32_t c = 0; c < pool->classes; c++)
        total += weight_left(pool, c, false);
    bool evenly = total <= 0;
    for (uint32_t c = 0; evenly && c < pool->classes; c++)
        total += weight_left(pool, c, true);
    double point = fed_stream_uniform_double(s) * total;
    uint32_t picked = 0;
    for (uint32_t c = 0; c < pool->classes; c++) {
        double weight = weight_left(pool, c, evenly);
        if (weight <= 0) continue;
        picked = c; /* the last one stands when rounding leaves `point` positive */
        point -= weight;
        if (point < 0) break;
    }
    return picked;
}

static void fill_clients(class_pool *pool, const fed_partition_job *job,
                         double concentration)
{
    fed_partition *p = job->p;
    for (uint32_t client = 0; client < p->clients; client++) {
        draw_mix(pool, concentration, job->stream);
        for (uint32_t i = p->start[client]; i < p->start[client + 1]; i++) {
            uint32_t c = pick_class(pool, job->stream);
            p->order[i] = pool->sorted[pool->first[c] + pool->taken[c]++];
        }
    }
}

static fed_status make_pool(class_pool *pool, const fed_partition_job *job,
                            uint32_t **first, uint32_t **sorted)
{
    uint32_t n = job->p->n, classes = fed_data_describe(job->ds)->classes;
    FED_TRY(fed_partition_sort_by_class(job, first));
    *sorted = fed_memdup(job->p->order, n * sizeof **sorted);
    pool->taken = fed_calloc(classes, sizeof *pool->taken);
    pool->prior = fed_calloc(classes, sizeof *pool->prior);
    pool->mix = fed_calloc(classes, sizeof *pool->mix);
    if (!*sorted || !pool->taken || !pool->prior || !pool->mix)
        return fed_fail_nomem(job->err, n * sizeof **sorted);
    pool->classes = classes;
    pool->first = *first;
    pool->sorted = *sorted;
    for (uint32_t c = 0; c < classes; c++) {
        uint32_t count = pool->first[c + 1] - pool->first[c];
        pool->prior[c] = (double)count / n;
        fed_stream_shuffle(job->stream, *sorted + pool->first[c], count);
    }
    return FED_OK;
}

fed_status fed_partition_dirichlet(const fed_partition_job *job)
{
    double a;
    class_pool pool = {0};
    uint32_t *first = NULL, *sorted = NULL;
    if (!fed_text_to_double(job->argument, strlen(job->argument), &a) || a < 1e-4 ||
        a > 1e6)
        return fed_fail(job->err, FED_E_INVALID,
                        "partition dirichlet:%s: not a number between 0.0001 and 1000000",
                        job->argument);
    fed_status status = make_pool(&pool, job, &first, &sorted);
    if (!status) {
        fed_partition_cut_evenly(job->p);
        fill_clients(&pool, job, a);
    }
    fed_free(pool.mix);
    fed_free(pool.prior);
    fed_free(pool.taken);
    fed_free(sorted);
    fed_free(first);
    return status;
}
