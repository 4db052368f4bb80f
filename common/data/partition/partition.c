/*
 * Partitions: which client owns which rows. All are one order of the rows, cut at clients
 * + 1 places: 4 bytes per row, whatever the number of clients. Draws come from one stream
 * named (seed, partition), and integers decide wherever they can, so the same seed gives
 * the same partition on every machine.
 */
#include <stdlib.h>
#include <string.h>

#include "partition_kinds.h"

typedef struct partition_kind {
    const char *name;
    bool takes_argument, needs_classes;
    fed_status (*make)(const fed_partition_job *job);
} partition_kind;

void fed_partition_free(fed_partition *p)
{
    if (!p) return;
    fed_free(p->order);
    fed_free(p->start);
    fed_free(p);
}

uint32_t fed_partition_clients(const fed_partition *p)
{
    return p->clients;
}

uint32_t fed_partition_rows(const fed_partition *p, uint32_t client,
                            const uint32_t **rows)
{
    *rows = NULL;
    if (client >= p->clients) return 0;
    *rows = p->order + p->start[client];
    return p->start[client + 1] - p->start[client];
}

/* Where part `i` of `parts` of `n` things begins. */
static uint32_t cut_at(uint32_t n, uint64_t i, uint64_t parts)
{
    return (uint32_t)(n * i / parts);
}

void fed_partition_cut_evenly(fed_partition *p)
{
    for (uint32_t i = 0; i <= p->clients; i++)
        p->start[i] = cut_at(p->n, i, p->clients);
}

fed_status fed_partition_sort_by_class(const fed_partition_job *job, uint32_t **first)
{
    uint32_t classes = fed_data_describe(job->ds)->classes, n = job->p->n;
    uint32_t *next = fed_calloc((size_t)classes + 2, sizeof *next);
    if (!next) return fed_fail_nomem(job->err, ((size_t)classes + 2) * sizeof *next);
    for (uint32_t row = 0; row < n; row++)
        next[fed_data_class(job->ds, row) + 2]++;
    for (uint32_t c = 2; c <= classes; c++)
        next[c] += next[c - 1];
    for (uint32_t row = 0; row < n;
         row++) /* next[c+1] moves from the begin of c to its end */
        job->p->order[next[fed_data_class(job->ds, row) + 1]++] = row;
    *first = next;
    return FED_OK;
}

static fed_status make_iid(const fed_partition_job *job)
{
    fed_stream_shuffle(job->stream, job->p->order, job->p->n);
    fed_partition_cut_evenly(job->p);
    return FED_OK;
}

/* Copy the shards, dealt in shuffled order, behind one another. */
static void deal_shards(const fed_partition_job *job, const uint32_t *sorted,
                        const uint32_t *deck, uint32_t shards, uint32_t per_client)
{
    fed_partition *p = job->p;
    uint32_t at = 0;
    for (uint32_t i = 0; i < shards; i++) {
        if (i % per_client == 0) p->start[i / per_client] = at;
        uint32_t from = cut_at(p->n, deck[i], shards),
                 to = cut_at(p->n, deck[i] + 1u, shards);
        memcpy(p->order + at, sorted + from, (to - from) * sizeof *sorted);
        at += to - from;
    }
    p->start[p->clients] = at;
}

static fed_status make_shards(const fed_partition_job *job)
{
    uint64_t per_client;
    uint32_t n = job->p->n, clients = job->p->clients;
    if (!fed_text_to_u64(job->argument, n / clients, &per_client) || per_client < 1)
        return fed_fail(
            job->err, FED_E_INVALID,
            "partition shards:%s: not a whole number between 1 and %u (%u rows for "
            "%u clients)",
            job->argument, n / clients, n, clients);
    uint32_t shards = clients * (uint32_t)per_client, *first = NULL;
    fed_status status = fed_partition_sort_by_class(job, &first);
    uint32_t *sorted = fed_memdup(job->p->order, n * sizeof *sorted);
    uint32_t *deck = fed_malloc(shards * sizeof *deck);
    if (!status && (!sorted || !deck))
        status = fed_fail_nomem(job->err, n * sizeof *sorted);
    if (!status) {
        for (uint32_t i = 0; i < shards; i++)
            deck[i] = i;
        fed_stream_shuffle(job->stream, deck, shards);
        deal_shards(job, sorted, deck, shards, (uint32_t)per_client);
    }
    fed_free(deck);
    fed_free(sorted);
    fed_free(first);
    return status;
}

/* Counting sort by user; rows of users beyond the last client belong to nobody. */
static fed_status make_user(const fed_partition_job *job)
{
    fed_partition *p = job->p;
    uint32_t users = fed_data_describe(job->ds)->users, at = 0;
    uint32_t *next = fed_calloc((size_t)users + 1, sizeof *next);
    if (!next) return fed_fail_nomem(job->err, ((size_t)users + 1) * sizeof *next);
    for (uint32_t row = 0; row < p->n; row++)
        next[fed_data_user(job->ds, row)]++;
    for (uint32_t u = 0; u < p->clients; u++) {
        uint32_t count = next[u];
        p->start[u] = next[u] = at;
        at += count;
    }
    p->start[p->clients] = at;
    for (uint32_t row = 0; row < p->n; row++) {
        uint32_t u = fed_data_user(job->ds, row);
        if (u < p->clients) p->order[next[u]++] = row;
    }
    fed_free(next);
    return FED_OK;
}

static const partition_kind kinds[] = {
    {"iid", false, false, make_iid},
    {"shards", true, true, make_shards},
    {"dirichlet", true, true, fed_partition_dirichlet},
    {"powerlaw", true, true, fed_partition_powerlaw},
    {"user", false, false, make_user},
};

static fed_status find_kind(const char *how, const partition_kind **out,
                            const char **argument, fed_error *err)
{
    size_t n = strcspn(how, ":");
    *argument = how[n] ? how + n + 1 : "";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        *out = &kinds[i];
        if (strlen(kinds[i].name) != n || memcmp(how, kinds[i].name, n) != 0) continue;
        if (kinds[i].takes_argument == (how[n] == ':')) return FED_OK;
        return fed_fail(
            err, FED_E_INVALID, "partition %.64s: %s takes %s", how, kinds[i].name,
            kinds[i].takes_argument ? "a number, as in shards:2" : "no argument");
    }
    return fed_fail(
        err, FED_E_UNSUPPORTED,
        "partition \"%.64s\" is none of iid, shards:K, dirichlet:A, powerlaw:K, "
        "user",
        how);
}

static fed_status check_fit(const fed_data_info *info, const partition_kind *kind,
                            uint32_t clients, fed_error *err)
{
    bool by_user = kind->make == make_user;
    uint32_t most = by_user ? info->users : info->rows;
    if (kind->needs_classes && info->target != FED_TARGET_CLASS)
        return fed_fail(err, FED_E_INVALID,
                        "partition %s: needs classes, but this set's targets are none",
                        kind->name);
    if (by_user && !info->users)
        return fed_fail(err, FED_E_INVALID, "partition user: this set knows no users");
    if (clients < 1 || clients > most)
        return fed_fail(err, FED_E_INVALID, "partition %s: %u clients, not 1..%u (%s)",
                        kind->name, clients, most, by_user ? "users" : "rows");
    return FED_OK;
}

static fed_status new_partition(fed_partition **out, uint32_t n, uint32_t clients,
                                fed_error *err)
{
    fed_partition *p = fed_calloc(1, sizeof *p);
    *out = p;
    if (p) p->order = fed_malloc(n * sizeof *p->order);
    if (p) p->start = fed_calloc((size_t)clients + 1, sizeof *p->start);
    if (!p || !p->order || !p->start)
        return fed_fail_nomem(err, ((size_t)n + clients) * sizeof *p->order);
    p->n = n;
    p->clients = clients;
    for (uint32_t row = 0; row < n; row++)
        p->order[row] = row;
    return FED_OK;
}

static int compare_rows(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

fed_status fed_partition_make(const fed_data *ds, const char *how, uint32_t clients,
                              uint64_t seed, fed_partition **out, fed_error *err)
{
    const fed_data_info *info = fed_data_describe(ds);
    const partition_kind *kind;
    uint8_t key[FED_SEED_BYTES];
    fed_stream stream;
    fed_partition_job job = {.ds = ds, .stream = &stream, .err = err};
    *out = NULL;
    if (!how) how = info->users ? "user" : "iid";
    FED_TRY(find_kind(how, &kind, &job.argument, err));
    if (kind->make == make_user && !clients) clients = info->users;
    FED_TRY(check_fit(info, kind, clients, err));
    fed_seed_from_u64(key, seed);
    fed_stream_init(&stream, key, FED_PURPOSE_PARTITION, 0);
    fed_status status = new_partition(&job.p, info->rows, clients, err);
    if (!status) status = kind->make(&job);
    if (status) {
        fed_partition_free(job.p);
        return status;
    }
    for (uint32_t c = 0; c < clients; c++)
        qsort(job.p->order + job.p->start[c], job.p->start[c + 1] - job.p->start[c],
              sizeof *job.p->order, compare_rows);
    *out = job.p;
    return FED_OK;
}

fed_status fed_partition_from_spec(const fed_data *ds, const fed_data_spec *spec,
                                   fed_partition **out, fed_error *err)
{
    uint64_t clients, seed;
    const fed_data_info *info = fed_data_describe(ds);
    *out = NULL;
    FED_TRY(fed_data_spec_number(spec, "clients", 1, UINT32_MAX, 0, &clients, err));
    FED_TRY(fed_data_spec_number(spec, "seed", 0, UINT64_MAX, 1, &seed, err));
    const char *how = fed_data_spec_option(spec, "partition");
    if (!clients && !(how ? strcmp(how, "user") == 0 : info->users))
        return fed_fail(err, FED_E_INVALID,
                        "data spec: clients=N is missing (this partition needs it)");
    return fed_partition_make(ds, how, (uint32_t)clients, seed, out, err);
}
