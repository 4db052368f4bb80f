/* MNIST, when it is there, through the whole room. */
#include <stdio.h>

#include "harness.h"
#include "data.h"

static void test_mnist(void)
{
    fed_error err = {0};
    const char *dir = fed_data_path("mnist");
    if (!dir) return;
    char spec[2048];
    snprintf(spec, sizeof spec, "mnist:%s?partition=shards:2&clients=20&seed=1", dir);
    fed_data *ds = NULL, *test = NULL;
    if (!CHECK_OK(fed_data_open(spec, FED_DATA_TRAIN, &ds, &err), &err)) return;
    CHECK_OK(fed_data_open(spec, FED_DATA_TEST, &test, &err), &err);
    CHECK_EQ(fed_data_describe(ds)->rows, 60000);
    CHECK_EQ(fed_data_describe(test)->rows, 10000);
    CHECK_EQ(fed_data_describe(ds)->input_len, 784);
    CHECK_EQ(fed_data_describe(ds)->classes, 10);
    fed_data_spec s;
    CHECK_OK(fed_data_spec_parse(&s, spec, &err), &err);
    static const char *const hows[] = {"iid", "shards:2", "dirichlet:0.1", "powerlaw:2"};
    for (int i = 0; i < 4; i++) {
        fed_partition *p = NULL;
        if (!CHECK_OK(fed_partition_make(ds, hows[i], 20, 1, &p, &err), &err)) continue;
        uint32_t total = 0, counts[10];
        for (uint32_t c = 0; c < 20; c++) {
            const uint32_t *rows;
            uint32_t n = fed_partition_rows(p, c, &rows);
            fed_data_count_classes(ds, rows, n, counts);
            total += n;
        }
        CHECK_EQ(total, 60000);
        fed_partition_free(p);
    }
    fed_data_free(ds);
    fed_data_free(test);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_mnist)};
    return fed_run("data", cases, 1);
}
