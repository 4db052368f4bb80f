/* Partitions: each row once, the promised shape, the same bytes on every machine. */
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"
#include "data.h"

static const char *const kinds[] = {"iid",         "shards:2",      "shards:1",
                                    "dirichlet:1", "dirichlet:100", "dirichlet:0.01",
                                    "powerlaw:2",  "user"};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static fed_data *open_set(const char *spec)
{
    fed_data *ds = NULL;
    fed_error err = {FED_OK, ""};
    CHECK_OK(fed_data_open(spec, FED_DATA_TRAIN, &ds, &err), &err);
    return ds;
}

static fed_partition *make(const fed_data *ds, const char *how, uint32_t clients,
                           uint64_t seed)
{
    fed_partition *p = NULL;
    fed_error err = {FED_OK, ""};
    CHECK_OK(fed_partition_make(ds, how, clients, seed, &p, &err), &err);
    return p;
}

/* FNV-1a over who owns what. */
static uint64_t digest(const fed_partition *p)
{
    uint64_t h = 14695981039346656037u;
    for (uint32_t c = 0; c < fed_partition_clients(p); c++) {
        const uint32_t *rows;
        uint32_t n = fed_partition_rows(p, c, &rows);
        for (uint32_t i = 0; i < n; i++)
            h = (h ^ rows[i]) * 1099511628211u;
        h = (h ^ 0xffffffffu) * 1099511628211u;
    }
    return h;
}

/* Each row once; `all`: and none left out. */
static void check_cover(const fed_data *ds, const fed_partition *p, const char *how,
                        bool all)
{
    uint32_t n = fed_data_describe(ds)->rows, total = 0, twice = 0, unordered = 0;
    uint8_t *seen = calloc(n, 1);
    for (uint32_t c = 0; c < fed_partition_clients(p); c++) {
        const uint32_t *rows;
        uint32_t count = fed_partition_rows(p, c, &rows);
        for (uint32_t i = 0; i < count; i++) {
            twice += seen[rows[i]]++;
            unordered += i && rows[i] <= rows[i - 1];
        }
        total += count;
    }
    CHECK_MSG((total == n || !all) && !twice && !unordered,
              "%s: %u of %u rows, %u twice, %u unordered", how, total, n, twice,
              unordered);
    free(seen);
}

static void test_every_row_once(void)
{
    static const uint32_t clients[] = {1, 7, 13};
    fed_data *ds = open_set("synthetic:gaussian?rows=1003&dims=1&users=13");
    for (int k = 0; ds && k < N_KINDS; k++)
        for (int i = 0; i < 3; i++) {
            bool by_user = strcmp(kinds[k], "user") == 0;
            fed_partition *p = make(ds, kinds[k], by_user ? 13 : clients[i], 5);
            /* powerlaw:2 leaves out classes that none of few clients holds */
            bool all = strcmp(kinds[k], "powerlaw:2") != 0 || clients[i] >= 10;
            if (p) check_cover(ds, p, kinds[k], all);
            fed_partition_free(p);
        }
    fed_data_free(ds);
}

static void test_seeds(void)
{
    fed_data *ds = open_set("synthetic:gaussian?rows=1000&dims=1");
    for (int k = 0; ds && k < N_KINDS - 1; k++) { /* `user` draws nothing */
        fed_partition *a = make(ds, kinds[k], 10, 1), *b = make(ds, kinds[k], 10, 1);
        fed_partition *c = make(ds, kinds[k], 10, 2);
        CHECK_MSG(digest(a) == digest(b), "%s: one seed, two partitions", kinds[k]);
        CHECK_MSG(digest(a) != digest(c), "%s: two seeds, one partition", kinds[k]);
        fed_partition_free(a);
        fed_partition_free(b);
        fed_partition_free(c);
    }
    fed_data_free(ds);
}

/* Digests seen on x86-64 (gcc 12, clang 14) and on aarch64: every machine must see the
 * same. */
static void test_the_same_everywhere(void)
{
    static const struct {
        const char *how;
        uint64_t digest;
    } known[] = {
        {"iid", 0xa158c7ae392230b7},
        {"shards:2", 0xeebc4e4512d2000b},
        {"dirichlet:0.3", 0xa5146312491399dd},
        {"powerlaw:2", 0xdee48bd1c5db67bd},
    };
    fed_data *ds = open_set("synthetic:digits?rows=500");
    for (size_t i = 0; ds && i < sizeof known / sizeof *known; i++) {
        fed_partition *p = make(ds, known[i].how, 20, 42);
        CHECK_MSG(digest(p) == known[i].digest, "%s: digest 0x%016llx", known[i].how,
                  (unsigned long long)digest(p));
        fed_partition_free(p);
    }
    fed_data_free(ds);
}

static unsigned classes_held(const fed_data *ds, const fed_partition *p, uint32_t client)
{
    uint32_t counts[10];
    const uint32_t *rows;
    uint32_t n = fed_partition_rows(p, client, &rows);
    unsigned held = 0;
    fed_data_count_classes(ds, rows, n, counts);
    for (int c = 0; c < 10; c++)
        held += counts[c] > 0;
    return held;
}

static void test_sizes_and_classes(void)
{
    fed_data *ds = open_set("synthetic:gaussian?rows=10000&dims=1");
    fed_partition *iid = make(ds, "iid", 100, 1), *shards = make(ds, "shards:2", 100, 1);
    fed_partition *power = make(ds, "powerlaw:2", 100, 1);
    uint32_t most = 0, least = UINT32_MAX;
    for (uint32_t c = 0; c < 100; c++) {
        const uint32_t *rows;
        CHECK_EQ(fed_partition_rows(iid, c, &rows), 100);
        CHECK_EQ(fed_partition_rows(shards, c, &rows), 100);
        /* A shard of 50 lies in one class, or across one border. */
        CHECK(classes_held(ds, shards, c) <= 4);
        CHECK(classes_held(ds, iid, c) >= 8);
        CHECK(classes_held(ds, power, c) == 2);
        uint32_t n = fed_partition_rows(power, c, &rows);
        most = n > most ? n : most, least = n < least ? n : least;
    }
    CHECK_MSG(least >= 10 && most > 20 * least, "power law: sizes %u..%u", least, most);
    const uint32_t *rows;
    CHECK(fed_partition_rows(iid, 100, &rows) == 0 && rows == NULL);
    fed_partition_free(iid);
    fed_partition_free(shards);
    fed_partition_free(power);
    fed_data_free(ds);
}

/* How far a client's mix of classes is from the set's: 0 the same, towards 1 disjoint. */
static double skew(const fed_data *ds, const char *how)
{
    fed_partition *p = make(ds, how, 50, 3);
    double total = 0;
    for (uint32_t c = 0; p && c < 50; c++) {
        uint32_t counts[10];
        const uint32_t *rows;
        uint32_t n = fed_partition_rows(p, c, &rows);
        fed_data_count_classes(ds, rows, n, counts);
        for (int k = 0; k < 10; k++)
            total += fabs((double)counts[k] / n - 0.1) / 2 / 50;
    }
    fed_partition_free(p);
    return total;
}

static void test_dirichlet_skew(void)
{
    fed_data *ds = open_set("synthetic:gaussian?rows=20000&dims=1");
    double even = skew(ds, "iid"), a = skew(ds, "dirichlet:1000"),
           b = skew(ds, "dirichlet:10");
    double c = skew(ds, "dirichlet:1"), d = skew(ds, "dirichlet:0.1");
    fed_note(
        "distance from the even mix: iid %.3f, A = 1000 %.3f, 10 %.3f, 1 %.3f, 0.1 %.3f",
        even, a, b, c, d);
    CHECK(a < 2 * even && a < b && b < c && c < d && d > 0.7);
    fed_data_free(ds);
}

/* The shares are Dirichlet(A p) as promised: of class k the mean is p_k and the variance
 * p_k (1 - p_k) / (A + 1) (Kotz et al., Continuous Multivariate Distributions, ch. 49).
 * Only early clients count, before any class runs out. */
static void test_dirichlet_moments(void)
{
    enum { CLIENTS = 2000, USED = 400, EACH = 100 };
    fed_data *ds = open_set("synthetic:gaussian?rows=200000&dims=1&classes=2");
    fed_partition *p = make(ds, "dirichlet:4", CLIENTS, 11);
    double sum = 0, squares = 0;
    for (uint32_t c = 0; p && c < USED; c++) {
        uint32_t counts[2];
        const uint32_t *rows;
        CHECK_EQ(fed_partition_rows(p, c, &rows), EACH);
        fed_data_count_classes(ds, rows, EACH, counts);
        double share = (double)counts[0] / EACH;
        sum += share, squares += share * share;
    }
    double mean = sum / USED, variance = squares / USED - mean * mean;
    /* Beta-binomial: Dirichlet's variance 0.05 and (1 - 1/EACH) of it, plus sampling. */
    double wanted = 0.25 / 5 * (1 - 1.0 / EACH) + 0.25 / EACH;
    fed_note("Dirichlet(2, 2): mean %.4f (0.5), variance %.4f (%.4f)", mean, variance,
             wanted);
    CHECK_NEAR(mean, 0.5, 0.04);
    CHECK_NEAR(variance, wanted, 0.012);
    fed_partition_free(p);
    fed_data_free(ds);
}

static void test_by_user(void)
{
    fed_data *ds = open_set("synthetic:gaussian?rows=100&dims=1&users=7");
    fed_partition *all = make(ds, NULL, 0, 1), *some = make(ds, "user", 3, 9);
    CHECK(fed_partition_clients(all) == 7 && fed_partition_clients(some) == 3);
    for (uint32_t c = 0; c < 3; c++) {
        const uint32_t *a, *b;
        uint32_t n = fed_partition_rows(all, c, &a);
        CHECK_EQ(n, fed_partition_rows(some, c, &b)); /* client i is user i, always */
        CHECK_MEM(a, b, n * sizeof *a);
        for (uint32_t i = 0; i < n; i++)
            CHECK_EQ(fed_data_user(ds, a[i]), c);
    }
    fed_partition_free(all);
    fed_partition_free(some);
    fed_data_free(ds);
}

static void test_from_spec(void)
{
    static const char text[] =
        "synthetic:gaussian?rows=100&partition=shards:2&clients=5&seed=9";
    fed_error err = {FED_OK, ""};
    fed_data_spec spec;
    fed_partition *p = NULL, *same = NULL;
    fed_data *ds = open_set(text);
    CHECK_OK(fed_data_spec_parse(&spec, text, &err), &err);
    CHECK_STR(fed_data_spec_option(&spec, "partition"), "shards:2");
    CHECK_OK(fed_partition_from_spec(ds, &spec, &p, &err), &err);
    same = make(ds, "shards:2", 5, 9);
    CHECK(digest(p) == digest(same));
    fed_partition_free(p);
    fed_partition_free(same);
    CHECK_OK(fed_data_spec_parse(&spec, "synthetic:gaussian?partition=iid", &err), &err);
    CHECK_FAILS(fed_partition_from_spec(ds, &spec, &p, &err), FED_E_INVALID, &err,
                "clients=N is missing");
    CHECK_OK(fed_data_spec_parse(&spec, "synthetic:gaussian?clients=x", &err), &err);
    CHECK_FAILS(fed_partition_from_spec(ds, &spec, &p, &err), FED_E_INVALID, &err,
                "clients=x");
    fed_data_free(ds);
}

static fed_status torture_partitions(void *ctx)
{
    fed_data *ds = NULL;
    fed_error err;
    (void)ctx;
    fed_status status = fed_data_open(
        "synthetic:gaussian?rows=60&dims=2&users=4&classes=3", FED_DATA_TRAIN, &ds, &err);
    for (int k = 0; !status && k < N_KINDS; k++) {
        fed_partition *p = NULL;
        status = fed_partition_make(ds, kinds[k], 4, 1, &p, &err);
        fed_partition_free(p);
    }
    fed_data_free(ds);
    return status;
}

static void test_failing_allocations(void)
{
    CHECK(fed_torture(torture_partitions, NULL) > 30);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_every_row_once),
        CASE(test_seeds),
        CASE(test_the_same_everywhere),
        CASE(test_sizes_and_classes),
        CASE(test_dirichlet_skew),
        CASE(test_dirichlet_moments),
        CASE(test_by_user),
        CASE(test_from_spec),
        CASE(test_failing_allocations),
    };
    return fed_run("partition", cases, sizeof cases / sizeof *cases);
}
