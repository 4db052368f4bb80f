/* Headers that anybody may have made: each malformed one is refused with its message. */
#include "harness.h"

#include <stdio.h>

#include "model.h"

/* A file with this header (its length put in front) and `data` zero bytes. */
static fed_bytes make_file(const char *header, size_t header_length, size_t data)
{
    fed_bytes file;
    fed_bytes_init(&file, 2 * FED_SAFETENSORS_HEADER_MAX);
    fed_bytes_put_u64(&file, header_length);
    fed_bytes_put(&file, header, header_length);
    uint8_t *zeros = fed_bytes_extend(&file, data);
    if (CHECK(zeros != NULL)) memset(zeros, 0, data);
    return file;
}

static void check_refused(fed_bytes *file, fed_status wanted, const char *part)
{
    fed_safetensors index;
    fed_error err;
    CHECK_FAILS(fed_safetensors_parse((fed_span){file->data, file->len}, &index, &err),
                wanted, &err, part);
    CHECK(index.entries == NULL && index.n == 0);
    fed_bytes_fini(file);
}

#define T(offsets) "\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":" offsets
#define A          "\"a\":{" T("[0,8]") "}"

typedef struct bad_header {
    const char *header;
    size_t data;
    fed_status status;
    const char *text;
} bad_header;

static const bad_header bad_json[] = {
    {"", 0, FED_E_FORMAT, "does not start with {"},
    {"[]", 0, FED_E_FORMAT, "does not start with {"},
    {" {}", 0, FED_E_FORMAT, "does not start with {"},
    {"null", 0, FED_E_FORMAT, "does not start with {"},
    {"{", 0, FED_E_FORMAT, "not JSON"},
    {"{}}", 0, FED_E_FORMAT, "not JSON"},
    {"{} x", 0, FED_E_FORMAT, "not JSON"},
    {"{'a':1}", 0, FED_E_FORMAT, "not JSON"},
    {"{\"a\":1,}", 0, FED_E_FORMAT, "not JSON"},
    {"{\"a\xff\":1}", 0, FED_E_FORMAT, "not JSON"},
    {"{\"a\\u0000b\":{}}", 0, FED_E_FORMAT, "not JSON"},
    {"{\"a\\ud800\":{}}", 0, FED_E_FORMAT, "not JSON"},
    {"{\"a\":{\"shape\":[01]}}", 0, FED_E_FORMAT, "not JSON"},
    {"{\"a\":{\"shape\":[99999999999999999999]}}", 0, FED_E_FORMAT, "not JSON"},
    {"{" A "," A "}", 8, FED_E_FORMAT, "duplicate"},
    {"{\"a\":{\"dtype\":\"F32\"," T("[0,8]") "}}", 8, FED_E_FORMAT, "duplicate"},
    {"{\"a\":{" T("[0,8]") "}, // one\n}", 8, FED_E_FORMAT, "not JSON"}};

static const bad_header bad_tensors[] = {
    {"{\"\":{" T("[0,8]") "}}", 8, FED_E_LIMIT, "a name of 0 bytes, 1 to 255"},
    {"{\"a\":7}", 0, FED_E_FORMAT, "tensor \"a\": must be an object"},
    {"{\"a\":{}}", 0, FED_E_FORMAT, "tensor \"a\": must be an object of dtype"},
    {"{\"a\":{" T("[0,8]") ",\"strides\":[1]}}", 8, FED_E_FORMAT,
     "tensor \"a\": must be"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, FED_E_FORMAT,
     "tensor \"a\": must be"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"offsets\":[0,8]}}", 8, FED_E_FORMAT,
     "\"data_offsets\" must be"},
    {"{\"a\":{\"dtype\":32,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, FED_E_FORMAT,
     "tensor \"a\": \"dtype\" must be a text"},
    {"{\"a\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]}}", 8,
     FED_E_UNSUPPORTED, "tensor \"a\": dtype \"F16\", only \"F32\""},
    {"{\"a\":{\"dtype\":\"f32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
     FED_E_UNSUPPORTED, "dtype \"f32\""},
    {"{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8,
     FED_E_UNSUPPORTED, "dtype \"F64\""},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", 8, FED_E_FORMAT,
     "\"shape\" must be an array of at most 8"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}}",
     8, FED_E_FORMAT, "\"shape\" must be an array of at most 8"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}", 8,
     FED_E_FORMAT, "shape[0] must be an integer"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2,0],\"data_offsets\":[0,0]}}", 0,
     FED_E_FORMAT, "shape[1] must be an integer from 1"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, FED_E_FORMAT,
     "shape[0] must be an integer from 1"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[\"2\"],\"data_offsets\":[0,8]}}", 8,
     FED_E_FORMAT, "shape[0] must be an integer"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296],\"data_offsets\":[0,8]}}", 8,
     FED_E_FORMAT, "shape[0] must be an integer from 1 to 2^32-1"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967295,4294967295],\"data_offsets\":[0,8]}"
     "}",
     8, FED_E_FORMAT, "the shape's product overflows"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2147483648,2147483649],\"data_offsets\":[0,8]}"
     "}",
     8, FED_E_FORMAT, "the shape's product overflows"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, FED_E_FORMAT,
     "data_offsets hold 8 bytes, the shape needs 12"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8, FED_E_FORMAT,
     "data_offsets hold 8 bytes, the shape needs 4"}};

static const bad_header bad_places[] = {
    {"{\"a\":{" T("{}") "}}", 8, FED_E_FORMAT, "\"data_offsets\" must be two rising"},
    {"{\"a\":{" T("[0]") "}}", 8, FED_E_FORMAT, "\"data_offsets\" must be two rising"},
    {"{\"a\":{" T("[0,8,16]") "}}", 8, FED_E_FORMAT,
     "\"data_offsets\" must be two rising"},
    {"{\"a\":{" T("[0,8.0]") "}}", 8, FED_E_FORMAT,
     "\"data_offsets\" must be two rising"},
    {"{\"a\":{" T("[-8,0]") "}}", 8, FED_E_FORMAT, "\"data_offsets\" must be two rising"},
    {"{\"a\":{" T("[8,0]") "}}", 8, FED_E_FORMAT, "\"data_offsets\" must be two rising"},
    {"{\"a\":{" T("[0,16]") "}}", 8, FED_E_FORMAT, "to the 8 bytes of data"},
    {"{\"a\":{" T("[9223372036854775800,9223372036854775807]") "}}", 8, FED_E_FORMAT,
     "to the 8 bytes of data"},
    {"{\"a\":{" T("[4,12]") "}}", 12, FED_E_FORMAT,
     "starts at byte 4, a gap: the one before ends at 0"},
    {"{" A ",\"b\":{" T("[12,20]") "}}", 20, FED_E_FORMAT,
     "tensor \"b\": starts at byte 12, a gap: the one before ends at 8"},
    {"{" A ",\"b\":{" T("[4,12]") "}}", 12, FED_E_FORMAT,
     "tensor \"b\": starts at byte 4, an overlap: the one before ends at 8"},
    {"{" A ",\"b\":{" T("[0,8]") "}}", 8, FED_E_FORMAT, "an overlap"},
    {"{" A "}", 12, FED_E_FORMAT, "4 bytes of data belong to no tensor (8 of 12)"},
    {"{}", 1, FED_E_FORMAT, "1 bytes of data belong to no tensor"},
    {"{\"__metadata__\":[]," A "}", 8, FED_E_FORMAT,
     "\"__metadata__\" must be an object"},
    {"{\"__metadata__\":{\"n\":1}," A "}", 8, FED_E_FORMAT,
     "__metadata__: \"n\" must be a text"}};

static void check_table(const bad_header *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fed_bytes file =
            make_file(cases[i].header, strlen(cases[i].header), cases[i].data);
        check_refused(&file, cases[i].status, cases[i].text);
    }
}

static void test_bad_headers(void)
{
    check_table(bad_json, sizeof bad_json / sizeof *bad_json);
    check_table(bad_tensors, sizeof bad_tensors / sizeof *bad_tensors);
    check_table(bad_places, sizeof bad_places / sizeof *bad_places);
    fed_note("%zu malformed headers",
             (sizeof bad_json + sizeof bad_tensors + sizeof bad_places) /
                 sizeof *bad_json);
}

/* A NUL inside the header does not end it early. */
static void test_nul_in_header(void)
{
    fed_bytes file = make_file("{}\0{", 4, 0);
    check_refused(&file, FED_E_FORMAT, "not JSON");
}

static void test_bad_lengths(void)
{
    static const struct {
        uint64_t says;
        size_t has;
        fed_status status;
        const char *text;
    } cases[] = {
        {2, 1, FED_E_FORMAT, "a header of 2 bytes, the file has 1"},
        {FED_SAFETENSORS_HEADER_MAX, 2, FED_E_FORMAT, "a header of 1048576 bytes"},
        {FED_SAFETENSORS_HEADER_MAX + 1, 2, FED_E_LIMIT,
         "1048577 bytes, at most 1048576"},
        {UINT64_MAX, 2, FED_E_LIMIT, "a header of 18446744073709551615 bytes"},
        {UINT64_MAX - 7, 2, FED_E_LIMIT, "a header of 18446744073709551608 bytes"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fed_bytes file = make_file("{}", cases[i].has, 0);
        fed_store_u64(file.data, cases[i].says);
        check_refused(&file, cases[i].status, cases[i].text);
    }
    for (size_t n = 0; n < 8; n++) {
        fed_bytes file = make_file("", 0, 0);
        file.len = n;
        check_refused(&file, FED_E_FORMAT, "bytes, at least 8");
    }
}

/* 10,000 nested arrays: no deep recursion. */
static void test_deep_nesting(void)
{
    char header[10001];
    memset(header, '[', sizeof header);
    memcpy(header, "{\"a\":", 5);
    fed_bytes file = make_file(header, sizeof header, 0);
    check_refused(&file, FED_E_FORMAT, "not JSON");
}

static void test_too_many_tensors(void)
{
    fed_bytes header;
    fed_bytes_init(&header, FED_SAFETENSORS_HEADER_MAX);
    fed_bytes_put_text(&header, "{\"a\":0");
    for (int i = 0; i < FED_SAFETENSORS_TENSORS_MAX; i++)
        fed_bytes_printf(&header, ",\"%d\":0", i);
    fed_bytes_put_text(&header, "}");
    fed_bytes file = make_file((const char *)header.data, header.len, 0);
    check_refused(&file, FED_E_LIMIT, "4097 tensors, at most 4096");
    fed_bytes_fini(&header);
}

static void test_long_names(void)
{
    for (int length = 255; length <= 256; length++) {
        char name[257] = {0}, header[400];
        memset(name, 'n', (size_t)length);
        snprintf(header, sizeof header, "{\"%s\":{" T("[0,8]") "}}", name);
        fed_bytes file = make_file(header, strlen(header), 8);
        fed_safetensors index;
        if (length == 256) {
            check_refused(&file, FED_E_LIMIT, "a name of 256 bytes, 1 to 255");
            continue;
        }
        CHECK_OK(fed_safetensors_parse((fed_span){file.data, file.len}, &index, NULL),
                 NULL);
        CHECK(fed_safetensors_find(&index, name) != NULL);
        fed_safetensors_fini(&index);
        fed_bytes_fini(&file);
    }
}

/* Order, white space, escapes and metadata are the writer's choice; the index is by place. */
static void test_valid_header(void)
{
    static const char header[] =
        "{ \"z\" : {\"data_offsets\":[8,20],\n\"shape\":[1,3],\"dtype\":\"F32\"},"
        "\"__metadata__\":{\"format\":\"pt\"},\"\\u0061\":{" T(
            "[0,8]") "},"
                     "\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[20,24]}}   "
                     " ";
    fed_bytes file = make_file(header, strlen(header), 24);
    fed_safetensors index;
    fed_error err;
    if (!CHECK_OK(fed_safetensors_parse((fed_span){file.data, file.len}, &index, &err),
                  &err))
        return;
    CHECK_EQ(index.n, 3);
    CHECK_EQ(index.data.len, 24);
    CHECK_STR(index.entries[0].name, "a");
    CHECK_STR(index.entries[1].name, "z");
    CHECK_EQ(index.entries[1].rank, 2);
    CHECK_EQ(index.entries[1].shape[1], 3);
    CHECK_EQ(index.entries[2].rank, 0);
    CHECK(fed_safetensors_find(&index, "s") == &index.entries[2]);
    CHECK(fed_safetensors_find(&index, "b") == NULL);
    fed_safetensors_fini(&index);
    fed_bytes_fini(&file);
}

static fed_status parse(void *ctx)
{
    const fed_bytes *file = ctx;
    fed_safetensors index;
    fed_error err;
    FED_TRY(fed_safetensors_parse((fed_span){file->data, file->len}, &index, &err));
    fed_safetensors_fini(&index);
    return FED_OK;
}

static void test_allocation_failures(void)
{
    static const char header[] = "{" A ",\"b\":{" T("[8,16]") "}}";
    fed_bytes file = make_file(header, strlen(header), 16);
    CHECK(fed_torture(parse, &file) >= 3);
    fed_bytes_fini(&file);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_bad_headers),  CASE(test_nul_in_header),      CASE(test_bad_lengths),
        CASE(test_deep_nesting), CASE(test_too_many_tensors),   CASE(test_long_names),
        CASE(test_valid_header), CASE(test_allocation_failures)};
    return fed_run("safetensors", cases, sizeof cases / sizeof *cases);
}
