/*
 * A few classes and very different sizes, after the MNIST set of Li et al. 2020
 * ("Federated Optimization in Heterogeneous Networks", section 5.1 and its published
 * generator): client i holds the classes i, i+1, … i+K-1 (modulo the number of classes);
 * of each it gets a base of up to five rows and a share of the rest in proportion to a
 * lognormal(0, 2) draw. Every row of a class that a client holds belongs to one.
 */
#include <string.h>

#include "../portable_math.h"
#include "partition_kinds.h"

enum { BASE_ROWS = 5 };

/* One (client, class) pair: its draw, and what it gets of the class. */
typedef struct holding {
    double weight;
    uint32_t from, to; /* places among the rows sorted by class */
} holding;

typedef struct deal {
    uint32_t clients, classes, per_client;
    const uint32_t *first, *sorted;
    holding *holdings; /* clients x per_client */
} deal;

/* What `client` holds of class `c`, or NULL. */
static holding *find_holding(const deal *d, uint32_t client, uint32_t c)
{
    uint32_t j = (c + d->classes - client % d->classes) % d->classes;
    return j < d->per_client ? &d->holdings[(size_t)client * d->per_client + j] : NULL;
}

static uint32_t draw_weights(const deal *d, uint32_t c, fed_stream *s, double *total)
{
    uint32_t holders = 0;
    *total = 0;
    for (uint32_t client = 0; client < d->clients; client++) {
        holding *h = find_holding(d, client, c);
        if (!h) continue;
        h->weight = fed_portable_exp(2 * fed_portable_normal(s));
        *total += h->weight;
        holders++;
    }
    return holders;
}

/* Cut the rows of a class where the running sum of weights falls, so that no row is
 * lost. */
static fed_status deal_class(const deal *d, uint32_t c, fed_stream *s, fed_error *err)
{
    double total, sum = 0;
    uint32_t holders = draw_weights(d, c, s, &total), n = d->first[c + 1] - d->first[c];
    if (holders > n)
        return fed_fail(
            err, FED_E_INVALID,
            "partition powerlaw: class %u has %u rows, fewer than the %u clients "
            "that should hold it",
            c, n, holders);
    if (!holders) return FED_OK;
    uint32_t base = n / holders < BASE_ROWS ? n / holders : BASE_ROWS;
    uint32_t rest = n - base * holders, at = d->first[c], k = 0;
    for (uint32_t client = 0; client < d->clients; client++) {
        holding *h = find_holding(d, client, c);
        if (!h) continue;
        sum += h->weight;
        k++;
        h->from = at;
        h->to =
            d->first[c] + base * k + (uint32_t)(rest * (sum < total ? sum / total : 1));
        if (k == holders) h->to = d->first[c + 1];
        at = h->to;
    }
    return FED_OK;
}

static void collect(const deal *d, fed_partition *p)
{
    uint32_t at = 0;
    for (uint32_t client = 0; client < d->clients; client++) {
        p->start[client] = at;
        for (uint32_t j = 0; j < d->per_client; j++) {
            const holding *h = &d->holdings[(size_t)client * d->per_client + j];
            memcpy(p->order + at, d->sorted + h->from,
                   (h->to - h->from) * sizeof *p->order);
            at += h->to - h->from;
        }
    }
    p->start[d->clients] = at;
}

static fed_status deal_all(deal *d, const fed_partition_job *job)
{
    uint32_t *sorted = fed_memdup(job->p->order, job->p->n * sizeof *sorted);
    d->sorted = sorted;
    d->holdings = fed_calloc((size_t)d->clients * d->per_client, sizeof *d->holdings);
    if (!sorted || !d->holdings)
        return fed_fail_nomem(job->err, job->p->n * sizeof *sorted);
    for (uint32_t c = 0; c < d->classes; c++) {
        fed_stream_shuffle(job->stream, sorted + d->first[c],
                           d->first[c + 1] - d->first[c]);
        FED_TRY(deal_class(d, c, job->stream, job->err));
    }
    collect(d, job->p);
    return FED_OK;
}

fed_status fed_partition_powerlaw(const fed_partition_job *job)
{
    uint64_t per_client;
    uint32_t classes = fed_data_describe(job->ds)->classes, *first = NULL;
    if (!fed_text_to_u64(job->argument, classes, &per_client) || per_client < 1)
        return fed_fail(
            job->err, FED_E_INVALID,
            "partition powerlaw:%s: not a whole number between 1 and %u (classes)",
            job->argument, classes);
    fed_status status = fed_partition_sort_by_class(job, &first);
    deal d = {job->p->clients, classes, (uint32_t)per_client, first, NULL, NULL};
    if (!status) status = deal_all(&d, job);
    fed_free(d.holdings);
    fed_free((void *)(uintptr_t)d.sorted);
    fed_free(first);
    return status;
}
