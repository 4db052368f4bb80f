/* What each reader makes of a small good input, and that no failing allocation is
 * lost. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"
#include "data_file.h"
#include "portable_math.h"
#include "readers/readers.h"

#define BYTES(text)                                                                      \
    {                                                                                    \
        (const uint8_t *)(text), sizeof(text) - 1                                        \
    }

static fed_data *new_set(void)
{
    fed_data *ds = NULL;
    fed_error err = {FED_OK, ""};
    CHECK_OK(fed_data_new(&ds, &err), &err);
    return ds;
}

/* ---- IDX --------------------------------------------------------------------------- */

static const fed_span idx_images =
    BYTES("\0\0\x08\3\0\0\0\3\0\0\0\1\0\0\0\2\x00\xff\1\2\3\4");
static const fed_span idx_labels = BYTES("\0\0\x08\1\0\0\0\3\2\0\1");

static void test_idx(void)
{
    fed_error err = {FED_OK, ""};
    fed_data *ds = new_set();
    if (!ds || !CHECK_OK(fed_idx_parse(ds, idx_images, idx_labels, 0, &err), &err))
        return;
    const fed_data_info *info = fed_data_describe(ds);
    CHECK_EQ(info->rows, 3);
    CHECK_EQ(info->rank, 3); /* a grey image has one channel, last */
    CHECK(info->shape[0] == 1 && info->shape[1] == 2 && info->shape[2] == 1);
    CHECK(info->input_len == 2 && info->target_len == 1 && info->classes == 3);
    const uint32_t rows[] = {2, 0, 2};
    float inputs[6];
    int32_t targets[3];
    CHECK_EQ(fed_data_fetch(ds, rows, 3, inputs, targets), FED_OK);
    CHECK(inputs[0] == 3 && inputs[1] == 4 && inputs[2] == 0 && inputs[3] == 255);
    CHECK(inputs[4] == 3 && inputs[5] == 4);
    CHECK(targets[0] == 1 && targets[1] == 2 && targets[2] == 1);
    CHECK_EQ(fed_data_fetch(ds, rows, 3, NULL, NULL), FED_OK);
    const uint32_t beyond = 3;
    CHECK_EQ(fed_data_fetch(ds, &beyond, 1, inputs, targets), FED_E_INVALID);
    CHECK(fed_data_user_name(ds, 0) == NULL && fed_data_class_name(ds, 0) == NULL);
    fed_data_free(ds);
}

static void test_idx_ranks(void)
{
    static const fed_span flat = BYTES("\0\0\x08\2\0\0\0\1\0\0\0\3abc");
    static const fed_span colour = BYTES("\0\0\x08\4\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\3rgb");
    static const fed_span label = BYTES("\0\0\x08\1\0\0\0\1\0");
    fed_error err = {FED_OK, ""};
    fed_data *ds = new_set(), *other = new_set();
    CHECK_OK(fed_idx_parse(ds, flat, label, 5, &err), &err);
    CHECK(fed_data_describe(ds)->rank == 1 && fed_data_describe(ds)->shape[0] == 3);
    CHECK_EQ(fed_data_describe(ds)->classes, 5);
    CHECK_OK(fed_idx_parse(other, colour, label, 0, &err), &err);
    CHECK(fed_data_describe(other)->rank == 3 && fed_data_describe(other)->shape[2] == 3);
    fed_data_free(ds);
    fed_data_free(other);
}

/* ---- CSV --------------------------------------------------------------------------- */

/* CRLF, quotes, blanks around fields, a missing line end; classes as numbers,
 * unordered. */
static const fed_span csv_text = BYTES("who,\"x, 1\",note,y,x2\r\n"
                                       "bob, 1.5 ,n/a,10,-2\r\n"
                                       "\"ann\",2e1,,9,.5\n"
                                       "bob,3,z,10,0");

static void test_csv(void)
{
    fed_error err = {FED_OK, ""};
    fed_csv_options options = {.columns = {.label = "y", .user = "who", .drop = "note"}};
    fed_data *ds = new_set();
    if (!ds ||
        !CHECK_OK(fed_csv_parse(ds, csv_text, &options, FED_DATA_TRAIN, &err), &err))
        return;
    const fed_data_info *info = fed_data_describe(ds);
    CHECK(info->rows == 3 && info->input_len == 2 && info->classes == 2 &&
          info->users == 2);
    CHECK_STR(fed_data_user_name(ds, 0), "bob"); /* users: in order of appearance */
    CHECK_STR(fed_data_user_name(ds, 1), "ann");
    CHECK_STR(fed_data_class_name(ds, 0), "9"); /* classes: in order, as numbers */
    CHECK_STR(fed_data_class_name(ds, 1), "10");
    CHECK(fed_data_class_name(ds, 2) == NULL);
    CHECK(fed_data_user(ds, 0) == 0 && fed_data_user(ds, 1) == 1 &&
          fed_data_user(ds, 2) == 0);
    const uint32_t rows[] = {0, 1, 2};
    float x[6];
    int32_t y[3];
    static const float wanted[6] = {1.5f, -2, 20, .5f, 3, 0};
    CHECK_EQ(fed_data_fetch(ds, rows, 3, x, y), FED_OK);
    CHECK_MEM(x, wanted, sizeof wanted);
    CHECK(y[0] == 1 && y[1] == 0 && y[2] == 1);
    uint32_t counts[2];
    fed_data_count_classes(ds, rows, 3, counts);
    CHECK(counts[0] == 1 && counts[1] == 2);
    fed_data_free(ds);
}

static void test_csv_classes_and_targets(void)
{
    fed_error err = {FED_OK, ""};
    fed_csv_options named = {
        .columns = {.label = "y", .drop = "who,note", .classes = "10,7,9"}};
    fed_csv_options vector = {.columns = {.target = "y,x2", .drop = "who,note"}};
    fed_data *ds = new_set(), *other = new_set();
    const uint32_t rows[] = {1, 2};
    int32_t y[2];
    float v[4];
    CHECK_OK(fed_csv_parse(ds, csv_text, &named, FED_DATA_TRAIN, &err), &err);
    CHECK_EQ(fed_data_describe(ds)->classes, 3);
    CHECK_EQ(fed_data_fetch(ds, rows, 2, NULL, y), FED_OK);
    CHECK(y[0] == 2 && y[1] == 0); /* the order that the SPEC gives */
    CHECK_OK(fed_csv_parse(other, csv_text, &vector, FED_DATA_TRAIN, &err), &err);
    CHECK_EQ(fed_data_describe(other)->target, FED_TARGET_VECTOR);
    CHECK_EQ(fed_data_describe(other)->target_len, 2);
    CHECK_EQ(fed_data_fetch(other, rows, 2, NULL, v), FED_OK);
    CHECK(v[0] == 9 && v[1] == .5f && v[2] == 10 && v[3] == 0);
    fed_data_free(ds);
    fed_data_free(other);
}

enum { TABLE_ROWS = 200, TABLE_USERS = 5 };

static char *make_table(void)
{
    enum { ROOM = TABLE_ROWS * 32 };
    char *text = malloc(ROOM);
    int n = snprintf(text, ROOM, "u,x,c,y\n");
    for (int i = 0; i < TABLE_ROWS; i++)
        n += snprintf(text + n, (size_t)(ROOM - n), "u%d,%d,7,%c\n", i % TABLE_USERS, i,
                      'a' + i % 3);
    return text;
}

static fed_data *open_table(const char *text, fed_data_part part, fed_scaling scaling)
{
    fed_error err = {FED_OK, ""};
    fed_csv_options options = {.columns = {.label = "y", .user = "u"},
                               .normalize = scaling,
                               .test = 0.25,
                               .data_seed = 3};
    fed_data *ds = new_set();
    fed_span span = {(const uint8_t *)text, strlen(text)};
    CHECK_OK(fed_csv_parse(ds, span, &options, part, &err), &err);
    return ds;
}

/* The parts share no row, miss none, and take the same share of each user. */
static void test_csv_parts(void)
{
    char *text = make_table();
    bool seen[TABLE_ROWS] = {false};
    uint32_t total = 0;
    for (int part = 0; part < 2; part++) {
        fed_data *ds = open_table(text, (fed_data_part)part, FED_SCALE_NONE);
        uint32_t of_user[TABLE_USERS] = {0}, n = fed_data_describe(ds)->rows;
        CHECK_EQ(n, part ? TABLE_ROWS / 4 : TABLE_ROWS - TABLE_ROWS / 4);
        CHECK_EQ(fed_data_describe(ds)->classes, 3);
        for (uint32_t row = 0; row < n; row++) {
            float x[2];
            int32_t y;
            CHECK_EQ(fed_data_fetch(ds, &row, 1, x, &y), FED_OK);
            int i = (int)x[0];
            CHECK(!seen[i] && x[1] == 7 && y == i % 3);
            CHECK_EQ(fed_data_user(ds, row), i % TABLE_USERS);
            seen[i] = true;
            of_user[fed_data_user(ds, row)]++;
            total++;
        }
        for (int u = 0; u < TABLE_USERS; u++)
            CHECK_EQ(of_user[u], n / TABLE_USERS);
        fed_data_free(ds);
    }
    CHECK_EQ(total, TABLE_ROWS);
    free(text);
}

static void test_csv_normalize(void)
{
    char *text = make_table();
    double sum = 0, squares = 0, low = 1, high = 0;
    fed_data *standard = open_table(text, FED_DATA_TRAIN, FED_SCALE_STANDARD);
    fed_data *minmax = open_table(text, FED_DATA_TRAIN, FED_SCALE_MINMAX);
    uint32_t n = fed_data_describe(standard)->rows;
    for (uint32_t row = 0; row < n; row++) {
        float s[2], m[2];
        CHECK_EQ(fed_data_fetch(standard, &row, 1, s, NULL), FED_OK);
        CHECK_EQ(fed_data_fetch(minmax, &row, 1, m, NULL), FED_OK);
        CHECK(s[1] == 0 && m[1] == 0); /* a column that does not vary */
        sum += s[0], squares += s[0] * s[0];
        low = m[0] < low ? m[0] : low, high = m[0] > high ? m[0] : high;
    }
    CHECK_NEAR(sum / n, 0, 1e-6);
    CHECK_NEAR(squares / n, 1, 1e-6);
    CHECK(low == 0 && high == 1);
    /* The test part is moved by the training part's figures: the same x, the same
     * value. */
    fed_data *test = open_table(text, FED_DATA_TEST, FED_SCALE_MINMAX);
    fed_data *plain = open_table(text, FED_DATA_TEST, FED_SCALE_NONE);
    for (uint32_t row = 0; row < fed_data_describe(test)->rows; row++) {
        float a[2], b[2];
        CHECK_EQ(fed_data_fetch(test, &row, 1, a, NULL), FED_OK);
        CHECK_EQ(fed_data_fetch(plain, &row, 1, b, NULL), FED_OK);
        CHECK_NEAR(a[0], b[0] / (TABLE_ROWS - 1), 0.02);
    }
    fed_data_free(standard);
    fed_data_free(minmax);
    fed_data_free(test);
    fed_data_free(plain);
    free(text);
}

/* ---- text -------------------------------------------------------------------------- */

static const fed_span play =
    BYTES("ANN:\nabc\nde\n\nBOB:\nhi\n\nANN:\nfgh\n\nEVE:\n\nBOB:\nyo\n");

static void test_text(void)
{
    fed_error err = {FED_OK, ""};
    const fed_text_options options = {.seq = 3};
    fed_data *ds = new_set();
    if (!ds || !CHECK_OK(fed_text_parse(ds, play, &options, FED_DATA_TRAIN, &err), &err))
        return;
    const fed_data_info *info = fed_data_describe(ds);
    CHECK_EQ(info->users, 2); /* EVE says nothing */
    CHECK_EQ(info->rows,
             4); /* "abc\nde\nfgh\n" has 11 characters: 3 x 3 and a target more */
    CHECK(info->input == FED_INPUT_TOKEN && info->target == FED_TARGET_TOKEN);
    CHECK(info->input_len == 3 && info->target_len == 3 && info->vocab == info->classes);
    CHECK_STR(fed_data_user_name(ds, 0), "ANN");
    CHECK_STR(fed_data_user_name(ds, 1), "BOB");
    static const char *const inputs[] = {"abc", "\nde", "\nfg", "hi\n"};
    static const char *const targets[] = {"bc\n", "de\n", "fgh", "i\ny"};
    for (uint32_t row = 0; row < 4; row++) {
        int32_t x[3], y[3];
        CHECK_EQ(fed_data_fetch(ds, &row, 1, x, y), FED_OK);
        CHECK_EQ(fed_data_user(ds, row), row == 3);
        for (int i = 0; i < 3; i++) {
            CHECK_EQ(fed_data_class_name(ds, (uint32_t)x[i])[0], inputs[row][i]);
            CHECK_EQ(fed_data_class_name(ds, (uint32_t)y[i])[0], targets[row][i]);
        }
    }
    fed_data_free(ds);
}

static void test_text_parts(void)
{
    fed_error err = {FED_OK, ""};
    const fed_text_options options = {.seq = 1, .ascii = true, .test = 0.3};
    fed_data *train = new_set(), *test = new_set();
    CHECK_OK(fed_text_parse(train, play, &options, FED_DATA_TRAIN, &err), &err);
    CHECK_OK(fed_text_parse(test, play, &options, FED_DATA_TEST, &err), &err);
    CHECK_EQ(fed_data_describe(train)->vocab, 96);
    CHECK_EQ(fed_data_describe(train)->rows + fed_data_describe(test)->rows, 10 + 5);
    CHECK_EQ(fed_data_describe(test)->rows, 3 + 1);
    const uint32_t first = 0;
    int32_t x;
    CHECK_EQ(fed_data_fetch(test, &first, 1, &x, NULL), FED_OK);
    CHECK_EQ(fed_data_class_name(test, (uint32_t)x)[0], 'f'); /* ANN's last: "fgh" */
    fed_data_free(train);
    fed_data_free(test);
}

/* ---- LEAF -------------------------------------------------------------------------- */

static const fed_span leaf_first =
    BYTES("{\"users\":[\"u\",\"v\"],\"num_samples\":[2,0],\"user_data\":"
          "{\"u\":{\"x\":[[1,2.5],[3,-4]],\"y\":[0,3]},\"v\":{\"x\":[],\"y\":[]}}}");
static const fed_span leaf_second =
    BYTES("{\"users\":[\"w\"],\"num_samples\":[1],\"user_data\":"
          "{\"w\":{\"x\":[[5,6]],\"y\":[1.0]}}}");
static const fed_span leaf_text =
    BYTES("{\"users\":[\"u\"],\"num_samples\":[1],\"user_data\":"
          "{\"u\":{\"x\":[\"a\\nb\"],\"y\":[\"c\"]}}}");

static fed_status read_leaf(fed_data *ds, fed_span first, fed_span second, fed_error *err)
{
    fed_leaf leaf;
    fed_leaf_init(&leaf);
    fed_status status = fed_leaf_add(&leaf, first, err);
    if (!status && second.len) status = fed_leaf_add(&leaf, second, err);
    if (!status) status = fed_leaf_finish(&leaf, ds, 0, err);
    fed_leaf_fini(&leaf);
    return status;
}

static void test_leaf(void)
{
    fed_error err = {FED_OK, ""};
    fed_data *ds = new_set();
    CHECK_OK(read_leaf(ds, leaf_first, leaf_second, &err), &err);
    const fed_data_info *info = fed_data_describe(ds);
    CHECK(info->rows == 3 && info->users == 3 && info->classes == 4 &&
          info->input_len == 2);
    const uint32_t rows[] = {0, 1, 2};
    float x[6];
    int32_t y[3];
    static const float wanted[6] = {1, 2.5f, 3, -4, 5, 6};
    CHECK_EQ(fed_data_fetch(ds, rows, 3, x, y), FED_OK);
    CHECK_MEM(x, wanted, sizeof wanted);
    CHECK(y[0] == 0 && y[1] == 3 && y[2] == 1);
    CHECK_EQ(fed_data_user(ds, 2), 2);
    CHECK_STR(fed_data_user_name(ds, 2), "w");
    fed_data_free(ds);
}

static void test_leaf_text(void)
{
    fed_error err = {FED_OK, ""};
    fed_data *ds = new_set();
    CHECK_OK(read_leaf(ds, leaf_text, (fed_span){NULL, 0}, &err), &err);
    CHECK_EQ(fed_data_describe(ds)->input, FED_INPUT_TOKEN);
    CHECK_EQ(fed_data_describe(ds)->classes, 96);
    const uint32_t row = 0;
    int32_t x[3], y;
    CHECK_EQ(fed_data_fetch(ds, &row, 1, x, &y), FED_OK);
    CHECK(x[0] == 'a' - 31 && x[1] == 0 && x[2] == 'b' - 31 && y == 'c' - 31);
    fed_data_free(ds);
}

/* ---- C-MAPSS ----------------------------------------------------------------------- */

#define REST " 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21\n"
static const char fleet[] =
    "1 1 0 0 0 10" REST "1 2 0 0 0 20" REST "1 3 0 0 0 30  \t" REST "2 1 0 0 0 40" REST
    "2 2 0 0 0 50" REST;

static void test_cmapss(void)
{
    fed_error err = {FED_OK, ""};
    const fed_cmapss_options options = {.window = 2, .cap = 1};
    const fed_cmapss_texts train = {.train = BYTES(fleet)};
    const fed_cmapss_texts test = {BYTES(fleet), BYTES(fleet), BYTES("0 \n77\n")};
    fed_data *ds = new_set(), *other = new_set();
    CHECK_OK(fed_cmapss_parse(ds, &train, &options, &err), &err);
    CHECK_OK(fed_cmapss_parse(other, &test, &options, &err), &err);
    const fed_data_info *info = fed_data_describe(ds);
    CHECK(info->rows == 3 && info->rank == 2 && info->shape[0] == 2 &&
          info->shape[1] == 21);
    CHECK(info->users == 2 && fed_data_user(ds, 1) == 0 && fed_data_user(ds, 2) == 1);
    static const float first[] = {10, 20, 40}, lives[] = {1, 0, 0}, last[] = {20, 40};
    for (uint32_t row = 0; row < 3; row++) {
        float x[42], y;
        CHECK_EQ(fed_data_fetch(ds, &row, 1, x, &y), FED_OK);
        CHECK(x[0] == first[row] && x[21] == first[row] + 10 && x[20] == 21 &&
              y == lives[row]);
    }
    CHECK_EQ(fed_data_describe(other)->rows, 2); /* the last window of each engine */
    for (uint32_t row = 0; row < 2; row++) {
        float x[42], y;
        CHECK_EQ(fed_data_fetch(other, &row, 1, x, &y), FED_OK);
        CHECK(x[0] == last[row] && y == (row ? 1 : 0)); /* 77 is capped */
    }
    CHECK_STR(fed_data_user_name(other, 1), "2");
    fed_data_free(ds);
    fed_data_free(other);
}

/* ---- a selection ------------------------------------------------------------------- */

static void check_selection(fed_data *ds, const uint32_t *rows, uint32_t n)
{
    fed_error err = {FED_OK, ""};
    fed_data *few = NULL;
    const fed_data_info *info = fed_data_describe(ds);
    if (!CHECK_OK(fed_data_select(ds, rows, n, &few, &err), &err)) return;
    CHECK_EQ(fed_data_describe(few)->rows, n);
    CHECK(fed_data_describe(few)->users == info->users);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t a[64], b[64], c[4], d[4];
        CHECK_EQ(fed_data_fetch(ds, &rows[i], 1, a, c), FED_OK);
        CHECK_EQ(fed_data_fetch(few, &i, 1, b, d), FED_OK);
        CHECK_MEM(b, a, info->input_len * 4u);
        CHECK_MEM(d, c, info->target_len * 4u);
        CHECK_EQ(fed_data_user(few, i), fed_data_user(ds, rows[i]));
    }
    for (uint32_t u = 0; u < info->users; u++)
        CHECK_STR(fed_data_user_name(few, u), fed_data_user_name(ds, u));
    for (uint32_t k = 0; fed_data_class_name(ds, 0) && k < info->classes; k++)
        CHECK_STR(fed_data_class_name(few, k), fed_data_class_name(ds, k));
    fed_data_free(few);
}

static void test_select(void)
{
    fed_error err = {FED_OK, ""};
    const uint32_t rows[] = {2, 0, 2}, beyond[] = {0, 3};
    const fed_text_options text = {.seq = 3};
    const fed_csv_options csv = {
        .columns = {.label = "y", .user = "who", .drop = "note"}};
    fed_data *a = new_set(), *b = new_set(), *c = new_set(), *none = NULL;
    CHECK_OK(fed_idx_parse(a, idx_images, idx_labels, 0, &err), &err);
    CHECK_OK(fed_csv_parse(b, csv_text, &csv, FED_DATA_TRAIN, &err), &err);
    CHECK_OK(fed_text_parse(c, play, &text, FED_DATA_TRAIN, &err), &err);
    check_selection(a, rows, 3);
    check_selection(b, rows, 3);
    check_selection(c, rows, 3);
    CHECK_FAILS(fed_data_select(a, rows, 0, &none, &err), FED_E_INVALID, &err, "no rows");
    CHECK_FAILS(fed_data_select(a, beyond, 2, &none, &err), FED_E_INVALID, &err,
                "row 3 is not below 3");
    fed_data_free(a);
    fed_data_free(b);
    fed_data_free(c);
}

/* ---- gzip, numbers ----------------------------------------------------------------- */

/* Made by `printf 'hello, ' | gzip -n; printf 'world' | gzip -n`: two members. */
static const fed_span two_members =
    BYTES("\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\x48\xcd\xc9\xc9\xd7\x51\0\0"
          "\x99\x56\xea\x11\x07\0\0\0"
          "\x1f\x8b\x08\0\0\0\0\0\0\x03\x2b\xcf\x2f\xca\x49\x01\0"
          "\x43\x11\x77\x3a\x05\0\0\0");

static void test_gunzip(void)
{
    fed_error err = {FED_OK, ""};
    fed_bytes out;
    fed_bytes_init(&out, 12); /* exactly as many as there are */
    CHECK_OK(fed_data_gunzip(two_members, &out, &err), &err);
    CHECK_EQ(out.len, 12);
    if (out.len == 12) CHECK_MEM(out.data, "hello, world", 12);
    fed_bytes_fini(&out);
}

static void test_portable_math(void)
{
    for (double x = 1e-300; x < 1e300; x *= 1.37) {
        double l = fed_portable_log(x);
        CHECK_NEAR(l, log(x), 4e-16 * fabs(log(x)) + 1e-18);
        CHECK_NEAR(fed_portable_exp(l) / x, 1, 1e-12);
    }
    CHECK(fed_portable_log(1) == 0 && fed_portable_exp(0) == 1);
    CHECK(fed_portable_exp(-1000) == 0 && isfinite(fed_portable_exp(1e9)));
    /* Their bits, seen on x86-64 and on aarch64 (one unit above e, exactly ln 10). */
    CHECK(fed_portable_log(10) == 0x1.26bb1bbb55516p+1);
    CHECK(fed_portable_exp(1) == 0x1.5bf0a8b14576ap+1);
}

/* ---- failing allocations ----------------------------------------------------------- */

static fed_status torture_csv(void *ctx)
{
    fed_csv_options options = {.columns = {.label = "y", .user = "u"},
                               .normalize = FED_SCALE_STANDARD,
                               .test = 0.25};
    fed_data *ds = NULL;
    fed_error err;
    const char *text = ctx;
    fed_status status = fed_data_new(&ds, &err);
    if (!status)
        status = fed_csv_parse(ds, (fed_span){ctx, strlen(text)}, &options,
                               FED_DATA_TRAIN, &err);
    fed_data *few = NULL;
    const uint32_t row = 1;
    if (!status) status = fed_data_select(ds, &row, 1, &few, &err);
    fed_data_free(few);
    fed_data_free(ds);
    return status;
}

static fed_status torture_others(void *ctx)
{
    const fed_text_options text = {.seq = 2};
    const fed_cmapss_options engines = {
        .window = 2, .cap = 9, .normalize = FED_SCALE_MINMAX};
    const fed_cmapss_texts texts = {BYTES(fleet), BYTES(fleet), BYTES("0\n7\n")};
    fed_data *sets[4] = {NULL};
    fed_error err;
    fed_status status = FED_OK;
    fed_bytes out;
    (void)ctx;
    fed_bytes_init(&out, 100);
    for (int i = 0; !status && i < 4; i++)
        status = fed_data_new(&sets[i], &err);
    if (!status) status = fed_idx_parse(sets[0], idx_images, idx_labels, 0, &err);
    if (!status) status = fed_text_parse(sets[1], play, &text, FED_DATA_TRAIN, &err);
    if (!status) status = read_leaf(sets[2], leaf_first, leaf_second, &err);
    if (!status) status = fed_cmapss_parse(sets[3], &texts, &engines, &err);
    if (!status) status = fed_data_gunzip(two_members, &out, &err);
    for (int i = 0; i < 4; i++)
        fed_data_free(sets[i]);
    fed_bytes_fini(&out);
    return status;
}

static void test_failing_allocations(void)
{
    char *text = make_table();
    size_t csv = fed_torture(torture_csv, text),
           others = fed_torture(torture_others, NULL);
    CHECK(csv > 15 && others > 30);
    fed_note("%zu allocations failed, one at a time", csv + others);
    free(text);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_idx),
        CASE(test_idx_ranks),
        CASE(test_csv),
        CASE(test_csv_classes_and_targets),
        CASE(test_csv_parts),
        CASE(test_csv_normalize),
        CASE(test_text),
        CASE(test_text_parts),
        CASE(test_leaf),
        CASE(test_leaf_text),
        CASE(test_cmapss),
        CASE(test_select),
        CASE(test_gunzip),
        CASE(test_portable_math),
        CASE(test_failing_allocations),
    };
    return fed_run("data_readers", cases, sizeof cases / sizeof *cases);
}
