/* The real data sets, where they are ($FED_DATA): what is in them is known. */
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"
#include "data.h"

static fed_data *open_real(const char *kind, const char *name, const char *options,
                           fed_data_part part)
{
    char spec[2048];
    fed_error err = {FED_OK, ""};
    fed_data *ds = NULL;
    const char *path = fed_data_path(name);
    if (!path) return NULL;
    snprintf(spec, sizeof spec, "%s:%s%s", kind, path, options);
    CHECK_OK(fed_data_open(spec, part, &ds, &err), &err);
    return ds;
}

/* How often each class occurs, over all rows. */
static void count_all(const fed_data *ds, uint32_t *counts)
{
    uint32_t n = fed_data_describe(ds)->rows, *rows = malloc(n * sizeof *rows);
    for (uint32_t i = 0; i < n; i++)
        rows[i] = i;
    fed_data_count_classes(ds, rows, n, counts);
    free(rows);
}

/* Digit counts as every description of MNIST gives them. */
static void test_mnist(void)
{
    static const uint32_t wanted[2][10] = {
        {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949},
        {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}};
    static const uint32_t first[2] = {5, 7};
    for (int part = 0; part < 2; part++) {
        fed_data *ds = open_real("mnist", "mnist", "", (fed_data_part)part);
        if (!ds) return;
        const fed_data_info *info = fed_data_describe(ds);
        uint32_t counts[10];
        CHECK_EQ(info->rows, part ? 10000 : 60000);
        CHECK(info->classes == 10 && info->input_len == 784 && info->shape[2] == 1);
        count_all(ds, counts);
        CHECK_MEM(counts, wanted[part], sizeof counts);
        CHECK_EQ(fed_data_class(ds, 0), first[part]);
        fed_data_free(ds);
    }
}

/* The same files named one by one, as either part. */
static void test_idx_parts(void)
{
    const char *dir = fed_data_path("mnist");
    if (!dir) return;
    char files[4096], both[4200], test[4200];
    snprintf(files, sizeof files, "%s/t10k-images-idx3-ubyte,%s/t10k-labels-idx1-ubyte",
             dir, dir);
    snprintf(both, sizeof both, "idx:a,b,%s", files);
    snprintf(test, sizeof test, "idx:%s.gz?test=1&classes=12", files);
    const char *const specs[] = {both, test};
    for (int i = 0; i < 2; i++) {
        fed_data *ds = NULL;
        fed_error err = {FED_OK, ""};
        if (!CHECK_OK(fed_data_open(specs[i], FED_DATA_TEST, &ds, &err), &err)) continue;
        CHECK_EQ(fed_data_describe(ds)->rows, 10000);
        CHECK_EQ(fed_data_describe(ds)->classes, i ? 12 : 10);
        fed_data_free(ds);
    }
}

static void test_wisdm(void)
{
    static const char file[] = "wisdm51/phone_accel.csv.gz";
    fed_data *ds = open_real("csv", file, "?user=user&label=activity", FED_DATA_TRAIN);
    if (!ds) return;
    const fed_data_info *info = fed_data_describe(ds);
    uint32_t counts[18];
    CHECK(info->rows == 23074 && info->users == 44 && info->classes == 18);
    CHECK_EQ(info->input_len, 91);
    CHECK_STR(fed_data_class_name(ds, 0), "A");
    CHECK_STR(fed_data_class_name(ds, 17), "S");
    CHECK_STR(fed_data_user_name(ds, 0), "1600");
    count_all(ds, counts);
    CHECK(counts[0] == 1271 && counts[1] == 1314 && counts[17] == 1261);
    const uint32_t row = 0;
    float x[91];
    CHECK_EQ(fed_data_fetch(ds, &row, 1, x, NULL), FED_OK);
    CHECK(x[0] == 0.235f && x[90] == 10.0518f);
    fed_data_free(ds);
    fed_data *train =
        open_real("csv", file, "?user=user&label=activity&test=0.2&normalize=standard",
                  FED_DATA_TRAIN);
    fed_data *test =
        open_real("csv", file, "?user=user&label=activity&test=0.2&normalize=standard",
                  FED_DATA_TEST);
    if (train && test)
        CHECK_EQ(fed_data_describe(train)->rows + fed_data_describe(test)->rows, 23074);
    fed_data_free(train);
    fed_data_free(test);
}

static void test_shakespeare(void)
{
    static const char file[] = "tinyshakespeare/input.txt";
    fed_data *all =
        open_real("text", file, "?by=speaker&seq=1&min_chars=1", FED_DATA_TRAIN);
    if (!all) return;
    CHECK(fed_data_describe(all)->users == 299 && fed_data_describe(all)->vocab == 65);
    fed_data_free(all);
    fed_data *ds = open_real("text", file, "?by=speaker", FED_DATA_TRAIN);
    if (!ds) return;
    CHECK(fed_data_describe(ds)->users == 141 && fed_data_describe(ds)->input_len == 80);
    CHECK_STR(fed_data_user_name(ds, 0), "First Citizen");
    static const char wanted[] =
        "Before we proceed any further, hear me speak.\nYou are all "
        "resolved rather to die than";
    const uint32_t row = 0;
    int32_t x[80], y[80];
    CHECK_EQ(fed_data_fetch(ds, &row, 1, x, y), FED_OK);
    for (int i = 0; i < 80; i++) {
        CHECK_EQ(fed_data_class_name(ds, (uint32_t)x[i])[0], wanted[i]);
        CHECK_EQ(fed_data_class_name(ds, (uint32_t)y[i])[0], wanted[i + 1]);
    }
    fed_data_free(ds);
}

static void test_turbofan(void)
{
    fed_data *train =
        open_real("cmapss", "cmapss", "?normalize=standard", FED_DATA_TRAIN);
    fed_data *test = open_real("cmapss", "cmapss", "?normalize=standard", FED_DATA_TEST);
    if (!train || !test) return;
    const fed_data_info *info = fed_data_describe(train);
    CHECK(info->users == 100 && info->input_len == 30 * 21);
    CHECK_EQ(info->rows,
             20631 - 100 * 29); /* 20,631 cycles, 100 engines, windows of 30 */
    CHECK(fed_data_describe(test)->users == 100 && fed_data_describe(test)->rows == 100);
    static const float lives[3] = {112, 98, 69};
    for (uint32_t row = 0; row < 3; row++) {
        float y;
        CHECK_EQ(fed_data_fetch(test, &row, 1, NULL, &y), FED_OK);
        CHECK(y == lives[row]);
    }
    fed_data_free(train);
    fed_data_free(test);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_mnist), CASE(test_idx_parts),
                                     CASE(test_wisdm), CASE(test_shakespeare),
                                     CASE(test_turbofan)};
    return fed_run("data_real", cases, sizeof cases / sizeof *cases);
}
