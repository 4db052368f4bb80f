/* Whatever is wrong with a data set is said: every row of these tables is refused, with
 * the status and a text that names the place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "harness.h"
#include "data_file.h"
#include "readers/readers.h"

#define BYTES(text)                                                                      \
    {                                                                                    \
        (const uint8_t *)(text), sizeof(text) - 1                                        \
    }

static unsigned refused;

/* A reader that was given bad bytes, in an exact-size copy so that a sanitizer sees a
 * read past their end. */
static uint8_t *exact_copy(fed_span bytes)
{
    uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
    if (bytes.len) memcpy(copy, bytes.data, bytes.len);
    return copy;
}

/* ---- SPEC -------------------------------------------------------------------------- */

static void test_specs(void)
{
    static const struct {
        const char *spec;
        fed_status status;
        const char *part;
    } bad[] = {
        {"", FED_E_FORMAT, "kind and a colon"},
        {"mnist", FED_E_FORMAT, "kind and a colon"},
        {":dir", FED_E_FORMAT, "kind and a colon"},
        {"mnist:", FED_E_FORMAT, "no path"},
        {"mnist:?clients=2", FED_E_FORMAT, "no path"},
        {"averyveryverylongkind:x", FED_E_LIMIT, "the kind is longer than 15"},
        {"mnist:d?", FED_E_FORMAT, "not key=value"},
        {"mnist:d?clients", FED_E_FORMAT, "\"clients\" is not key=value"},
        {"mnist:d?=3", FED_E_FORMAT, "not key=value"},
        {"mnist:d?seed=1&seed=2", FED_E_FORMAT, "\"seed\" is given twice"},
        {"mnist:d?seed=1&&clients=2", FED_E_FORMAT, "not key=value"},
        {"mnist:%", FED_E_FORMAT, "two hex digits"},
        {"mnist:%4", FED_E_FORMAT, "two hex digits"},
        {"mnist:%zz", FED_E_FORMAT, "two hex digits"},
        {"mnist:a%00b", FED_E_FORMAT, "not 00"},
        {"mnist:d?averyveryverylongoptionname=1", FED_E_LIMIT, "a key is longer than 23"},
        {"x:d?a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1&j=1&k=1&l=1&m=1&n=1&o=1&p=1&q=1",
         FED_E_LIMIT, "more than 16 options"},
        {"hdf5:file", FED_E_UNSUPPORTED, "no kind \"hdf5\"; there are: mnist"},
        {"mnist:d?colour=red", FED_E_INVALID, "takes no key \"colour\""},
        {"mnist:/nowhere/at/all", FED_E_NOT_FOUND, "train-images-idx3-ubyte"},
        {"idx:only-images", FED_E_INVALID, "idx:IMAGES,LABELS"},
        {"idx:a,b,c", FED_E_INVALID, "idx:a,b,c is not"},
        {"idx:a,,c,d", FED_E_INVALID, "is not idx:IMAGES,LABELS"},
        {"idx:a,b,c,d,e", FED_E_INVALID, "is not idx:IMAGES,LABELS"},
        {"idx:a,b?test=0.5", FED_E_UNSUPPORTED, "test=0.5: two IDX files are one part"},
        {"idx:a,b,c,d?test=1", FED_E_UNSUPPORTED, "four are both"},
        {"idx:a,b?test=1", FED_E_INVALID, "test=1 leaves no training part"},
        {"idx:a,b?classes=0", FED_E_INVALID,
         "classes=0 is not a whole number between 1 and"},
        {"idx:a,b?classes=many", FED_E_INVALID, "classes=many"},
        {"csv:/nowhere?label=a", FED_E_NOT_FOUND, "/nowhere"},
        {"csv:x?test=1.5", FED_E_INVALID, "test=1.5 is not a share"},
        {"csv:x?test=-0.1", FED_E_INVALID, "test=-0.1"},
        {"csv:x?test=nan", FED_E_INVALID, "test=nan"},
        {"csv:x?normalize=maybe", FED_E_INVALID, "none of none, standard, minmax"},
        {"csv:x?data_seed=-1", FED_E_INVALID, "data_seed=-1"},
        {"text:x?by=scene", FED_E_UNSUPPORTED, "by=scene"},
        {"text:x?vocab=utf8", FED_E_INVALID, "vocab=utf8"},
        {"text:x?seq=0", FED_E_INVALID, "seq=0 is not a whole number between 1"},
        {"text:x?seq=99999999999999999999", FED_E_INVALID, "seq=9999"},
        {"leaf:/nowhere", FED_E_NOT_FOUND, "/nowhere/train"},
        {"cmapss:/nowhere", FED_E_NOT_FOUND, "train_FD001.txt"},
        {"cmapss:x?window=0", FED_E_INVALID, "window=0"},
        {"cmapss:x?cap=0", FED_E_INVALID, "cap=0"},
        {"synthetic:moons", FED_E_UNSUPPORTED, "none of digits, gaussian, linear"},
        {"synthetic:digits?rows=0", FED_E_INVALID, "rows=0"},
        {"synthetic:digits?rows=5&users=6", FED_E_INVALID, "users=6"},
        {"synthetic:digits?classes=10", FED_E_INVALID, "digits takes no key \"classes\""},
        {"synthetic:linear?classes=3", FED_E_INVALID, "linear takes no key \"classes\""},
        {"synthetic:digits?dims=3", FED_E_INVALID, "digits takes no key \"dims\""},
        {"synthetic:gaussian?classes=1", FED_E_INVALID, "classes=1 is not"},
        {"synthetic:linear?rows=4194304&dims=16384", FED_E_LIMIT, "dims=16384 exceed"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++, refused++) {
        fed_error err = {FED_OK, ""};
        fed_data *ds = NULL;
        CHECK_FAILS(fed_data_open(bad[i].spec, FED_DATA_TRAIN, &ds, &err), bad[i].status,
                    &err, bad[i].part);
        CHECK(ds == NULL);
    }
}

static void test_missing_test_parts(void)
{
    static const char *const specs[] = {"csv:x?label=a", "text:x", "idx:a,b"};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++, refused++) {
        fed_error err = {FED_OK, ""};
        fed_data *ds;
        CHECK_FAILS(fed_data_open(specs[i], FED_DATA_TEST, &ds, &err), FED_E_INVALID,
                    &err, "has no test part; test=0.2");
    }
}

/* ---- IDX --------------------------------------------------------------------------- */

#define LABELS_2 "\0\0\x08\1\0\0\0\2\0\1"
#define IMAGES_2 "\0\0\x08\3\0\0\0\2\0\0\0\1\0\0\0\2abcd"

static void test_idx(void)
{
    static const struct {
        fed_span images, labels;
        uint32_t classes;
        fed_status status;
        const char *part;
    } bad[] = {
        {BYTES(""), BYTES(LABELS_2), 0, FED_E_FORMAT, "images: 0 bytes are too few"},
        {BYTES("\0\0\x08"), BYTES(LABELS_2), 0, FED_E_FORMAT, "3 bytes are too few"},
        {BYTES("\x89PNG"), BYTES(LABELS_2), 0, FED_E_FORMAT, "magic 89504e47"},
        {BYTES("\0\1\x08\3"), BYTES(LABELS_2), 0, FED_E_FORMAT, "not begin with 0000"},
        {BYTES("\0\0\x0d\3"), BYTES(LABELS_2), 0, FED_E_UNSUPPORTED, "cell type 0x0d"},
        {BYTES("\0\0\x08\0"), BYTES(LABELS_2), 0, FED_E_FORMAT, "0 dimensions, not 1..4"},
        {BYTES("\0\0\x08\5"), BYTES(LABELS_2), 0, FED_E_FORMAT, "5 dimensions"},
        {BYTES("\0\0\x08\3\0\0\0\2\0\0\0\1"), BYTES(LABELS_2), 0, FED_E_FORMAT,
         "header cut off: 12 of 16"},
        {BYTES("\0\0\x08\3\0\0\0\2\0\0\0\1\0\0\0\2abc"), BYTES(LABELS_2), 0, FED_E_FORMAT,
         "3 bytes of cells, but the dimensions say 4"},
        {BYTES("\0\0\x08\3\0\0\0\2\0\0\0\1\0\0\0\2abcde"), BYTES(LABELS_2), 0,
         FED_E_FORMAT, "5 bytes of cells, but the dimensions say 4"},
        {BYTES("\0\0\x08\3\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
         BYTES(LABELS_2), 0, FED_E_LIMIT, "dimension 0 = 4294967295"},
        {BYTES("\0\0\x08\4\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0"), BYTES(LABELS_2), 0,
         FED_E_LIMIT, "dimension 1 = 65536"},
        {BYTES("\0\0\x08\3\0\0\0\2\0\0\0\0\0\0\0\2"), BYTES(LABELS_2), 0, FED_E_FORMAT,
         "an input of 0 values"},
        {BYTES("\0\0\x08\3\0\0\0\0\0\0\0\1\0\0\0\2"), BYTES("\0\0\x08\1\0\0\0\0"), 0,
         FED_E_FORMAT, "images: 0 rows"},
        {BYTES("\0\0\x08\1\0\0\0\2ab"), BYTES(LABELS_2), 0, FED_E_FORMAT,
         "images: 1 dimension"},
        {BYTES(IMAGES_2), BYTES(""), 0, FED_E_FORMAT, "labels: 0 bytes"},
        {BYTES(IMAGES_2), BYTES(IMAGES_2), 0, FED_E_FORMAT,
         "labels: 3 dimensions, not 1"},
        {BYTES(IMAGES_2), BYTES("\0\0\x08\1\0\0\0\3\0\1\2"), 0, FED_E_FORMAT,
         "2 images, but 3 labels"},
        {BYTES(IMAGES_2), BYTES("\0\0\x08\1\0\0\0\2\0"), 0, FED_E_FORMAT,
         "labels: 1 bytes of cells"},
        {BYTES(IMAGES_2), BYTES("\0\0\x08\1\0\0\0\2\0\x0a"), 10, FED_E_FORMAT,
         "row 1: class 10 is not below 10"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++, refused++) {
        fed_error err = {FED_OK, ""};
        fed_data *ds;
        if (!CHECK_OK(fed_data_new(&ds, &err), &err)) return;
        uint8_t *images = exact_copy(bad[i].images), *labels = exact_copy(bad[i].labels);
        CHECK_FAILS(fed_idx_parse(ds, (fed_span){images, bad[i].images.len},
                                  (fed_span){labels, bad[i].labels.len}, bad[i].classes,
                                  &err),
                    bad[i].status, &err, bad[i].part);
        fed_data_free(ds);
        free(images);
        free(labels);
    }
}

/* ---- CSV --------------------------------------------------------------------------- */

static void check_csv(fed_span text, const fed_csv_options *options, fed_data_part part,
                      fed_status status, const char *said)
{
    fed_error err = {FED_OK, ""};
    fed_data *ds;
    if (!CHECK_OK(fed_data_new(&ds, &err), &err)) return;
    uint8_t *copy = exact_copy(text);
    CHECK_FAILS(fed_csv_parse(ds, (fed_span){copy, text.len}, options, part, &err),
                status, &err, said);
    fed_data_free(ds);
    free(copy);
    refused++;
}

static const struct {
    fed_span text;
    fed_csv_columns columns;
    fed_status status;
    const char *part;
} bad_csv[] = {
    {BYTES(""), {.label = "y"}, FED_E_FORMAT, "the file is empty"},
    {BYTES("\n"), {.label = "y"}, FED_E_FORMAT, "line 1 (header)"},
    {BYTES("x,y\n"), {.label = "y"}, FED_E_FORMAT, "a header, but no rows"},
    {BYTES("x,,y\n1,2,3\n"), {.label = "y"}, FED_E_FORMAT, "empty name"},
    {BYTES("x,y,x\n1,2,3\n"),
     {.label = "y"},
     FED_E_FORMAT,
     "two columns are called \"x\""},
    {BYTES("x,y\n1,a\n"), {.label = "z"}, FED_E_NOT_FOUND, "label=z: no such column"},
    {BYTES("x,y\n1,a\n"), {.label = "y", .user = "who"}, FED_E_NOT_FOUND, "user=who"},
    {BYTES("x,y\n1,a\n"), {.label = "y", .drop = "x,q"}, FED_E_NOT_FOUND, "drop=q"},
    {BYTES("x,y\n1,a\n"),
     {.label = "y", .user = "y"},
     FED_E_INVALID,
     "another use already"},
    {BYTES("x,y\n1,a\n"), {.label = "y", .drop = "x"}, FED_E_FORMAT, "no column is left"},
    {BYTES("x,y\n1,a\n"), {.user = "y"}, FED_E_INVALID, "label=COL"},
    {BYTES("x,y\n1,a\n"),
     {.label = "y", .target = "x"},
     FED_E_INVALID,
     "either label=COL"},
    {BYTES("x,y\n1,a\n"), {.label = "x,y"}, FED_E_INVALID, "names several columns"},
    {BYTES("x,y,u\n1,a,b\n"), {.label = "y", .user = "x,u"}, FED_E_INVALID, "several"},
    {BYTES("x,y\n1,a\n1\n"),
     {.label = "y"},
     FED_E_FORMAT,
     "line 3: 1 fields, but the header has 2"},
    {BYTES("x,y\n1,a\n1,a,2\n"),
     {.label = "y"},
     FED_E_FORMAT,
     "line 3: more than the header's 2"},
    {BYTES("x,y\n1,a\n\n"), {.label = "y"}, FED_E_NUMERIC, "line 3: column \"x\": \"\""},
    {BYTES("x,y\nabc,a\n"),
     {.label = "y"},
     FED_E_NUMERIC,
     "line 2: column \"x\": \"abc\""},
    {BYTES("x,y\nnan,a\n"), {.label = "y"}, FED_E_NUMERIC, "\"nan\" is not a finite"},
    {BYTES("x,y\ninf,a\n"), {.label = "y"}, FED_E_NUMERIC, "\"inf\""},
    {BYTES("x,y\n-1e39,a\n"), {.label = "y"}, FED_E_NUMERIC, "\"-1e39\""},
    {BYTES("x,y\n0x10,a\n"), {.label = "y"}, FED_E_NUMERIC, "\"0x10\""},
    {BYTES("x,y\n1 2,a\n"), {.label = "y"}, FED_E_NUMERIC, "\"1 2\""},
    {BYTES("x,y\n1\0002,a\n"), {.label = "y"}, FED_E_NUMERIC, "\"1?2\""},
    {BYTES("x,y\n\x1b[2J,a\n"), {.label = "y"}, FED_E_NUMERIC, "\"?[2J\""},
    {BYTES("x,y\n1,\n"),
     {.label = "y"},
     FED_E_FORMAT,
     "column \"y\": class: an empty name"},
    {BYTES("x,y\n1,c\n"),
     {.label = "y", .classes = "a,b"},
     FED_E_FORMAT,
     "\"c\" is not one of the 2"},
    {BYTES("x,y\n1,a\n"), {.label = "y", .classes = "a,a"}, FED_E_INVALID, "named twice"},
    {BYTES("x,y\n1,a\n"), {.label = "y", .classes = "a,,b"}, FED_E_FORMAT, "empty name"},
    {BYTES("x,y\n1,b\n"), {.target = "y"}, FED_E_NUMERIC, "column \"y\": \"b\""},
    {BYTES("x,y\n\"1,a\n"), {.label = "y"}, FED_E_UNSUPPORTED, "does not close"},
    {BYTES("x,y\n1,\"a\"\"b\"\n"), {.label = "y"}, FED_E_UNSUPPORTED, "a quote inside"},
    {BYTES("x,y\n\"1\"2,a\n"), {.label = "y"}, FED_E_FORMAT, "text behind the quoted"},
};

static void test_csv(void)
{
    for (size_t i = 0; i < sizeof bad_csv / sizeof *bad_csv; i++) {
        fed_csv_options options = {.columns = bad_csv[i].columns};
        check_csv(bad_csv[i].text, &options, FED_DATA_TRAIN, bad_csv[i].status,
                  bad_csv[i].part);
    }
}

static void test_csv_parts(void)
{
    fed_csv_options options = {.columns = {.label = "y"}, .test = 0.2};
    fed_span small = BYTES("x,y\n1,a\n2,b\n");
    check_csv(small, &options, FED_DATA_TEST, FED_E_FORMAT,
              "2 rows leave none for the test");
    options.test = 1;
    check_csv(small, &options, FED_DATA_TRAIN, FED_E_FORMAT,
              "leave none for the training");
    options.normalize = FED_SCALE_STANDARD;
    check_csv(small, &options, FED_DATA_TEST, FED_E_INVALID, "needs training rows");
    /* The test row is far outside of the training rows' range. */
    fed_span wide = BYTES("x,y\n0,a\n1e-38,b\n3e38,a\n");
    options.test = 0.4, options.normalize = FED_SCALE_MINMAX;
    for (options.data_seed = 0; options.data_seed < 64; options.data_seed++) {
        fed_data *ds;
        fed_error err = {FED_OK, ""};
        CHECK_OK(fed_data_new(&ds, &err), &err);
        fed_status status = fed_csv_parse(ds, wide, &options, FED_DATA_TEST, &err);
        fed_data_free(ds);
        if (status == FED_OK) continue;
        CHECK_FAILS(status, FED_E_NUMERIC, &err, "beyond float32");
        refused++;
        return;
    }
    CHECK_MSG(false, "no seed put the wide row into the test part");
}

/* Names and lines that are too long: built, since they do not fit on a page. */
static void test_csv_sizes(void)
{
    enum { LONG = FED_CSV_MAX_LINE + 100 };
    fed_csv_options options = {.columns = {.label = "y"}};
    char *text = malloc(LONG + 16);
    size_t n = (size_t)snprintf(text, 16, "x,y\n1,");
    memset(text + n, 'a', 300);
    text[n + 300] = '\n';
    check_csv((fed_span){(uint8_t *)text, n + 301}, &options, FED_DATA_TRAIN, FED_E_LIMIT,
              "class: a name of 300 bytes, more than 255");
    memset(text + n, '1', LONG);
    check_csv((fed_span){(uint8_t *)text, n + LONG}, &options, FED_DATA_TRAIN,
              FED_E_LIMIT, "line 2: ");
    free(text);
}

/* ---- text, LEAF, C-MAPSS ----------------------------------------------------------- */

static void test_text(void)
{
    static const struct {
        fed_span text;
        fed_text_options options;
        fed_data_part part;
        fed_status status;
        const char *said;
    } bad[] = {
        {BYTES(""), {.seq = 2}, FED_DATA_TRAIN, FED_E_FORMAT, "no speaker"},
        {BYTES("\n\n\n"), {.seq = 2}, FED_DATA_TRAIN, FED_E_FORMAT, "no speaker"},
        {BYTES("Hello\n"),
         {.seq = 2},
         FED_DATA_TRAIN,
         FED_E_FORMAT,
         "line 1: \"Hello\" before any speaker"},
        {BYTES("\n:\nHello\n"),
         {.seq = 2},
         FED_DATA_TRAIN,
         FED_E_FORMAT,
         "line 2: \":\" before"},
        {BYTES("A:\nhi\n"),
         {.seq = 3},
         FED_DATA_TRAIN,
         FED_E_FORMAT,
         "none of 1 speakers says 4 characters"},
        {BYTES("A:\nhello\n"),
         {.seq = 2, .min_chars = 7},
         FED_DATA_TRAIN,
         FED_E_FORMAT,
         "says 7 characters (min_chars=7"},
        {BYTES("A:\nh\xc3\xa9llo\n"),
         {.seq = 2, .ascii = true},
         FED_DATA_TRAIN,
         FED_E_FORMAT,
         "byte 4: 0xc3 is not in the vocabulary"},
        {BYTES("A:\nhello\n"),
         {.seq = 2},
         FED_DATA_TEST,
         FED_E_FORMAT,
         "no sequence is left"},
        {BYTES("A\0B:\nhello\n"), {.seq = 2}, FED_DATA_TRAIN, FED_E_FORMAT, "zero byte"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++, refused++) {
        fed_error err = {FED_OK, ""};
        fed_data *ds;
        if (!CHECK_OK(fed_data_new(&ds, &err), &err)) return;
        uint8_t *copy = exact_copy(bad[i].text);
        CHECK_FAILS(fed_text_parse(ds, (fed_span){copy, bad[i].text.len}, &bad[i].options,
                                   bad[i].part, &err),
                    bad[i].status, &err, bad[i].said);
        fed_data_free(ds);
        free(copy);
    }
}

#define USER(n, x, y)                                                                    \
    "{\"users\":[\"u\"],\"num_samples\":[" n "],\"user_data\":{\"u\":{\"x\":" x          \
    ",\"y\":" y "}}}"

static void test_leaf(void)
{
    static const struct {
        const char *text;
        fed_status status;
        const char *part;
    } bad[] = {
        {"", FED_E_FORMAT, "line 1"},
        {"{", FED_E_FORMAT, "line 1, column 1"},
        {"[]", FED_E_FORMAT, "not an object with users"},
        {"{\"users\":[\"u\"]}", FED_E_FORMAT, "not an object with users, num_samples"},
        {"{\"users\":[],\"num_samples\":[],\"user_data\":{}}", FED_E_FORMAT,
         "no samples"},
        {"{\"users\":[\"u\"],\"num_samples\":[],\"user_data\":{\"u\":{}}}", FED_E_FORMAT,
         "1 users, 0 num_samples, 1 user_data"},
        {"{\"users\":[\"u\"],\"num_samples\":[1],\"user_data\":{\"v\":{}}}", FED_E_FORMAT,
         "user_data.u has no arrays x and y"},
        {"{\"users\":[7],\"num_samples\":[1],\"user_data\":{\"7\":{}}}", FED_E_FORMAT,
         "users[0]: not a text"},
        {"{\"users\":[\"u\",\"u\"],\"num_samples\":[1,1],\"user_data\":"
         "{\"u\":{\"x\":[[1]],\"y\":[0]},\"v\":{\"x\":[[1]],\"y\":[0]}}}",
         FED_E_FORMAT, "users[1]: \"u\" is there twice"},
        {"{\"users\":[\"u\"],\"users\":[\"v\"]}", FED_E_FORMAT, "duplicate"},
        {USER("2", "[[1]]", "[0]"), FED_E_FORMAT, "1 x, 1 y, but num_samples says 2"},
        {USER("1", "[[1]]", "[0,1]"), FED_E_FORMAT, "1 x, 2 y"},
        {USER("2", "[[1],[1,2]]", "[0,1]"), FED_E_FORMAT,
         "x[1]: 2 values, but the first x has 1"},
        {USER("2", "[[1],\"a\"]", "[0,1]"), FED_E_FORMAT,
         "x[1]: a text, but the first x is"},
        {USER("1", "[[]]", "[0]"), FED_E_FORMAT, "x[0]: 0 values"},
        {USER("1", "[7]", "[0]"), FED_E_FORMAT, "neither an array of numbers nor a text"},
        {USER("1", "[[1,null]]", "[0]"), FED_E_NUMERIC, "value 1 is not a number"},
        {USER("1", "[[1e39]]", "[0]"), FED_E_NUMERIC,
         "value 0 is not a number in float32"},
        {USER("1", "[[1]]", "[-1]"), FED_E_FORMAT, "y[0]: not a class number"},
        {USER("1", "[[1]]", "[0.5]"), FED_E_FORMAT, "y[0]: not a class number"},
        {USER("1", "[[1]]", "[65536]"), FED_E_FORMAT, "y[0]: not a class number"},
        {USER("1", "[[1]]", "[\"a\"]"), FED_E_FORMAT, "y[0]: not a class number"},
        {USER("1", "[\"ab\"]", "[\"cd\"]"), FED_E_FORMAT, "y[0]: not one printable"},
        {USER("1", "[\"a\\tb\"]", "[\"c\"]"), FED_E_FORMAT, "byte 1: 0x09"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++, refused++) {
        fed_error err = {FED_OK, ""};
        fed_data *ds;
        fed_leaf leaf;
        if (!CHECK_OK(fed_data_new(&ds, &err), &err)) return;
        fed_span text = {(const uint8_t *)bad[i].text, strlen(bad[i].text)};
        uint8_t *copy = exact_copy(text);
        fed_leaf_init(&leaf);
        fed_status status = fed_leaf_add(&leaf, (fed_span){copy, text.len}, &err);
        if (!status) status = fed_leaf_finish(&leaf, ds, 0, &err);
        CHECK_FAILS(status, bad[i].status, &err, bad[i].part);
        fed_leaf_fini(&leaf);
        fed_data_free(ds);
        free(copy);
    }
}

#define SENSORS_21         " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21"
#define CYCLE(unit, cycle) unit " " cycle " 0 0 0" SENSORS_21 "\n"
#define TWO_CYCLES         CYCLE("1", "1") CYCLE("1", "2")

static void test_cmapss(void)
{
    static const struct {
        fed_cmapss_texts texts;
        fed_status status;
        const char *part;
    } bad[] = {
        {{.train = BYTES("")}, FED_E_FORMAT, "training file: no lines"},
        {{.train = BYTES("\n")}, FED_E_FORMAT, "line 1: 0 values, not 26"},
        {{.train = BYTES("1 1 0 0 0\n")}, FED_E_FORMAT, "line 1: 5 values, not 26"},
        {{.train = BYTES("1 1 0 0 0" SENSORS_21 " 22\n")},
         FED_E_FORMAT,
         "more than 26 values: \"22\""},
        {{.train = BYTES("1 1 0 0 x" SENSORS_21 "\n")}, FED_E_NUMERIC, "value 5: \"x\""},
        {{.train = BYTES(CYCLE("0", "1"))}, FED_E_FORMAT, "engine 0 begins at cycle 1"},
        {{.train = BYTES(CYCLE("1", "2"))}, FED_E_FORMAT, "engine 1 begins at cycle 2"},
        {{.train = BYTES(CYCLE("1.5", "1"))}, FED_E_FORMAT, "engine: 1.5 is not a whole"},
        {{.train = BYTES(CYCLE("-1", "1"))}, FED_E_FORMAT, "engine: -1 is not a whole"},
        {{.train = BYTES(CYCLE("1", "1") CYCLE("1", "3"))},
         FED_E_FORMAT,
         "line 2: engine 1, cycle 3 follows engine 1, cycle 1"},
        {{.train = BYTES(TWO_CYCLES CYCLE("3", "1"))},
         FED_E_FORMAT,
         "line 3: engine 3, cycle 1 follows engine 1, cycle 2"},
        {{.train = BYTES(CYCLE("1", "1"))},
         FED_E_FORMAT,
         "engine 1 has 1 cycles, fewer than window=2"},
        {{.train = BYTES(TWO_CYCLES), .test = BYTES("1")},
         FED_E_FORMAT,
         "test file: line 1"},
        {{.train = BYTES(TWO_CYCLES), .test = BYTES(TWO_CYCLES), .lives = BYTES("")},
         FED_E_FORMAT,
         "RUL file: 0 lives for 1 engines"},
        {{.train = BYTES(TWO_CYCLES),
          .test = BYTES(TWO_CYCLES),
          .lives = BYTES("5\n6\n")},
         FED_E_FORMAT,
         "line 2: more lives than the 1 engines"},
        {{.train = BYTES(TWO_CYCLES), .test = BYTES(TWO_CYCLES), .lives = BYTES("-5\n")},
         FED_E_FORMAT,
         "remaining life: -5"},
        {{.train = BYTES(TWO_CYCLES),
          .test = BYTES(TWO_CYCLES),
          .lives = BYTES("many\n")},
         FED_E_NUMERIC,
         "\"many\""},
    };
    const fed_cmapss_options options = {.window = 2, .cap = 125};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++, refused++) {
        fed_error err = {FED_OK, ""};
        fed_data *ds;
        if (!CHECK_OK(fed_data_new(&ds, &err), &err)) return;
        CHECK_FAILS(fed_cmapss_parse(ds, &bad[i].texts, &options, &err), bad[i].status,
                    &err, bad[i].part);
        fed_data_free(ds);
    }
}

/* ---- partitions -------------------------------------------------------------------- */

static void test_partitions(void)
{
    static const struct {
        const char *spec, *how;
        uint32_t clients;
        fed_status status;
        const char *part;
    } bad[] = {
        {"synthetic:gaussian?rows=20", "random", 2, FED_E_UNSUPPORTED,
         "\"random\" is none of"},
        {"synthetic:gaussian?rows=20", "", 2, FED_E_UNSUPPORTED, "is none of iid"},
        {"synthetic:gaussian?rows=20", "iid:3", 2, FED_E_INVALID,
         "iid takes no argument"},
        {"synthetic:gaussian?rows=20", "shards", 2, FED_E_INVALID, "takes a number"},
        {"synthetic:gaussian?rows=20", "iid", 0, FED_E_INVALID,
         "0 clients, not 1..20 (rows)"},
        {"synthetic:gaussian?rows=20", "iid", 21, FED_E_INVALID, "21 clients, not 1..20"},
        {"synthetic:gaussian?rows=20", "shards:0", 2, FED_E_INVALID, "shards:0"},
        {"synthetic:gaussian?rows=20", "shards:11", 2, FED_E_INVALID, "between 1 and 10"},
        {"synthetic:gaussian?rows=20", "shards:two", 2, FED_E_INVALID, "shards:two"},
        {"synthetic:gaussian?rows=20", "dirichlet:0", 2, FED_E_INVALID, "dirichlet:0"},
        {"synthetic:gaussian?rows=20", "dirichlet:-1", 2, FED_E_INVALID, "dirichlet:-1"},
        {"synthetic:gaussian?rows=20", "dirichlet:", 2, FED_E_INVALID,
         "not a number between"},
        {"synthetic:gaussian?rows=20", "powerlaw:11", 2, FED_E_INVALID,
         "between 1 and 10"},
        {"synthetic:gaussian?rows=20", "powerlaw:10", 20, FED_E_INVALID,
         "fewer than the 20"},
        {"synthetic:gaussian?rows=20", "user", 2, FED_E_INVALID, "knows no users"},
        {"synthetic:gaussian?rows=20&users=3", "user", 4, FED_E_INVALID,
         "4 clients, not 1..3 (users)"},
        {"synthetic:linear?rows=20", "shards:2", 2, FED_E_INVALID, "needs classes"},
        {"synthetic:linear?rows=20", "dirichlet:1", 2, FED_E_INVALID, "needs classes"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++, refused++) {
        fed_error err = {FED_OK, ""};
        fed_data *ds = NULL;
        fed_partition *p = NULL;
        if (!CHECK_OK(fed_data_open(bad[i].spec, FED_DATA_TRAIN, &ds, &err), &err))
            continue;
        CHECK_FAILS(fed_partition_make(ds, bad[i].how, bad[i].clients, 1, &p, &err),
                    bad[i].status, &err, bad[i].part);
        CHECK(p == NULL);
        fed_data_free(ds);
    }
}

/* ---- gzip and files ---------------------------------------------------------------- */

static size_t pack(const uint8_t *data, size_t n, uint8_t *out, size_t room)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)n};
    z.next_out = out, z.avail_out = (uInt)room;
    CHECK(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK);
    CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

static void check_gunzip(fed_span packed, size_t max, fed_status status, const char *part)
{
    fed_error err = {FED_OK, ""};
    fed_bytes out;
    fed_bytes_init(&out, max);
    CHECK_FAILS(fed_data_gunzip(packed, &out, &err), status, &err, part);
    fed_bytes_fini(&out);
    refused++;
}

static void test_gzip(void)
{
    enum { PLAIN = 4 << 20, ROOM = 64 << 10 };
    uint8_t *zeros = calloc(PLAIN, 1), *packed = malloc(ROOM);
    size_t n = pack(zeros, PLAIN, packed, ROOM);
    CHECK_MSG(n < 8192, "4 MiB of zeros pack into %zu bytes", n);
    check_gunzip((fed_span){packed, n}, PLAIN - 1, FED_E_LIMIT,
                 "more than 4194303 bytes");
    check_gunzip((fed_span){packed, n}, 1000, FED_E_LIMIT, "more than 1000 bytes");
    check_gunzip((fed_span){packed, n - 1}, PLAIN, FED_E_FORMAT, "cut off after 4194304");
    check_gunzip((fed_span){packed, 10}, PLAIN, FED_E_FORMAT, "cut off after 0");
    check_gunzip((fed_span){packed, 3}, PLAIN, FED_E_FORMAT, "cut off");
    packed[n - 6] ^= 1; /* the checksum */
    check_gunzip((fed_span){packed, n}, PLAIN, FED_E_FORMAT, "damaged");
    packed[n - 6] ^= 1;
    memset(packed + n, 'x', 3); /* left-over bytes are no gzip member */
    check_gunzip((fed_span){packed, n + 3}, PLAIN, FED_E_FORMAT, "");
    packed[20] ^= 0x55;
    check_gunzip((fed_span){packed, n}, PLAIN, FED_E_FORMAT, "");
    free(packed);
    free(zeros);
}

static void test_files(void)
{
    fed_error err = {FED_OK, ""};
    fed_bytes out;
    char path[] = "/tmp/fed-data-XXXXXX";
    int fd = mkstemp(path);
    if (!CHECK(fd >= 0)) return;
    CHECK(write(fd, "0123456789", 10) == 10);
    close(fd);
    fed_bytes_init(&out, 9);
    CHECK_FAILS(fed_data_file_read(path, &out, &err), FED_E_LIMIT, &err,
                "more than 9 bytes");
    fed_bytes_fini(&out);
    fed_bytes_init(&out, 10);
    CHECK_OK(fed_data_file_read(path, &out, &err), &err);
    CHECK_EQ(out.len, 10);
    fed_bytes_fini(&out);
    CHECK_FAILS(fed_data_file_read("/tmp", &out, &err), FED_E_IO, &err, "/tmp: ");
    CHECK_FAILS(fed_data_file_read("/no/file", &out, &err), FED_E_NOT_FOUND, &err,
                "/no/file");
    fed_bytes_fini(&out);
    unlink(path);
    refused += 3;
}

static void test_enough(void)
{
    fed_note("%u bad inputs refused", refused);
    CHECK(refused >= 60);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_specs),     CASE(test_missing_test_parts),
        CASE(test_idx),       CASE(test_csv),
        CASE(test_csv_parts), CASE(test_csv_sizes),
        CASE(test_text),      CASE(test_leaf),
        CASE(test_cmapss),    CASE(test_partitions),
        CASE(test_gzip),      CASE(test_files),
        CASE(test_enough),
    };
    return fed_run("data_refuse", cases, sizeof cases / sizeof *cases);
}
