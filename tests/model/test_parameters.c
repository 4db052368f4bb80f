/* A flat vector to a model file and back. */
#include "harness.h"

#include "crypto.h"
#include "model.h"

static const fed_model_tensor tensors[] = {
    {.name = "dense.weight", .rank = 2, .shape = {2, 3}, .offset = 4},
    {.name = "conv.bias", .rank = 1, .shape = {3}, .offset = 0},
    {.name = "scale", .rank = 0, .offset = 11},
};
static const fed_model_layout layout = {tensors, 3,
                                        12}; /* values 3 and 10 belong to none */
static const float values[12] = {1.5f,  -2.25f, 3e-8f, 99,    -1,  -0.75f,
                                 -0.5f, -0.25f, 0,     0.25f, -99, 0.5f};

static fed_bytes write_model(const fed_model_layout *l, const float *v)
{
    fed_bytes file;
    fed_error err;
    fed_bytes_init(&file, 1 << 16);
    CHECK_OK(fed_model_write(l, v, &file, &err), &err);
    return file;
}

/* SHA-256 of what the reference implementation writes (Python package safetensors 0.8.0,
 * safetensors.numpy.save) for the same three tensors: 240 bytes. */
static void test_is_what_the_reference_writes(void)
{
    char text[FED_ADDRESS_TEXT];
    fed_address address;
    fed_bytes file = write_model(&layout, values);
    CHECK_EQ(file.len, 240);
    CHECK_OK(fed_address_of(file.data, file.len, &address, NULL), NULL);
    fed_address_to_text(&address, text);
    CHECK_STR(text, "3438df1b6769d57dc3885ed6a6704ed4ff1ae6e32ba66939dd33dec875c15e03");
    fed_bytes_fini(&file);
}

static void test_round_trip(void)
{
    float back[12] = {[3] = 7, [10] = 8};
    fed_error err;
    fed_bytes file = write_model(&layout, values);
    CHECK_OK(fed_model_read(&layout, (fed_span){file.data, file.len}, back, &err), &err);
    CHECK_EQ(back[3], 7); /* what belongs to no tensor is not touched */
    CHECK_EQ(back[10], 8);
    back[3] = values[3], back[10] = values[10];
    CHECK_MEM(back, values, sizeof values);
    fed_bytes_fini(&file);
}

/* The order of the table is no part of the file: equal parameters, equal bytes. */
static void test_order_does_not_matter(void)
{
    const fed_model_tensor turned[] = {tensors[2], tensors[0], tensors[1]};
    const fed_model_layout other = {turned, 3, 12};
    fed_bytes a = write_model(&layout, values), b = write_model(&other, values);
    CHECK_EQ(a.len, b.len);
    if (a.len == b.len) CHECK_MEM(a.data, b.data, a.len);
    fed_bytes_fini(&a);
    fed_bytes_fini(&b);
}

static void test_appends(void)
{
    float back[12];
    fed_bytes file;
    fed_error err;
    fed_bytes_init(&file, 1 << 16);
    fed_bytes_put_text(&file, "abc");
    CHECK_OK(fed_model_write(&layout, values, &file, &err), &err);
    CHECK_EQ(file.len, 243);
    CHECK_OK(fed_model_read(&layout, (fed_span){file.data + 3, 240}, back, &err), &err);
    fed_bytes_fini(&file);
}

static void test_no_tensors(void)
{
    const fed_model_layout none = {NULL, 0, 0};
    fed_error err;
    fed_bytes file = write_model(&none, NULL);
    CHECK_EQ(file.len, 16);
    CHECK_OK(fed_model_read(&none, (fed_span){file.data, file.len}, NULL, &err), &err);
    CHECK_FAILS(fed_model_read(&layout, (fed_span){file.data, file.len}, NULL, &err),
                FED_E_FORMAT, &err, "model: tensor \"conv.bias\" is missing");
    fed_bytes_fini(&file);
}

static void test_numbers_only(void)
{
    static const struct {
        float value;
        const char *text;
    } cases[] = {{NAN, "tensor \"dense.weight\": value 2 is a NaN"},
                 {INFINITY, "tensor \"dense.weight\": value 2 is +infinity"},
                 {-INFINITY, "tensor \"dense.weight\": value 2 is -infinity"}};
    for (size_t i = 0; i < 3; i++) {
        float bad[12], back[12];
        uint32_t bits;
        fed_error err;
        fed_bytes file = write_model(&layout, values);
        memcpy(bad, values, sizeof bad);
        bad[6] = cases[i].value;
        memcpy(&bits, &cases[i].value, sizeof bits);
        fed_store_u32(file.data + 200 + 12 + 4 * 2, bits); /* behind conv.bias */
        CHECK_FAILS(fed_model_read(&layout, (fed_span){file.data, file.len}, back, &err),
                    FED_E_NUMERIC, &err, cases[i].text);
        CHECK_FAILS(fed_model_write(&layout, bad, &file, &err), FED_E_NUMERIC, &err,
                    cases[i].text);
        CHECK_EQ(file.len, 240);
        fed_bytes_fini(&file);
    }
}

/* A file of one model does not pass for another's. */
static void test_other_models(void)
{
    static const struct {
        fed_model_tensor tensor; /* in the place of scale */
        size_t n;
        const char *text;
    } cases[] = {
        {{.name = "scale", .rank = 1, .shape = {1}, .offset = 11},
         3,
         "tensor \"scale\": shape [], wanted [1]"},
        {{.name = "scala", .rank = 0, .offset = 11}, 3, "tensor \"scala\" is missing"},
        {{.name = "Scale", .rank = 0, .offset = 11}, 3, "tensor \"Scale\" is missing"},
        {{.name = "scale.", .rank = 0, .offset = 11}, 3, "tensor \"scale.\" is missing"},
        {{.name = "scale", .rank = 0, .offset = 11},
         2,
         "tensor \"scale\" is not part of this model"},
    };
    fed_bytes file = write_model(&layout, values);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const fed_model_tensor other[] = {tensors[0], tensors[1], cases[i].tensor};
        const fed_model_layout wanted = {other, cases[i].n, 12};
        float back[12];
        fed_error err;
        CHECK_FAILS(fed_model_read(&wanted, (fed_span){file.data, file.len}, back, &err),
                    FED_E_FORMAT, &err, cases[i].text);
    }
    const fed_model_tensor turned[] = {
        {.name = "dense.weight", .rank = 2, .shape = {3, 2}, .offset = 4},
        tensors[1],
        tensors[2]};
    const fed_model_layout wanted = {turned, 3, 12};
    float back[12];
    fed_error err;
    CHECK_FAILS(fed_model_read(&wanted, (fed_span){file.data, file.len}, back, &err),
                FED_E_FORMAT, &err, "tensor \"dense.weight\": shape [2,3], wanted [3,2]");
    fed_bytes_fini(&file);
}

static void test_bad_layouts(void)
{
    static const struct {
        fed_model_tensor tensor; /* beside conv.bias at 0..2 of 12 values */
        const char *text;
    } cases[] = {
        {{.name = "", .rank = 0, .offset = 5}, "tensor \"\": a name is 1 to 255"},
        {{.name = "a b", .rank = 0, .offset = 5}, "tensor \"a b\": a name is"},
        {{.name = "a\"", .rank = 0, .offset = 5}, "a name is"},
        {{.name = "a\\", .rank = 0, .offset = 5}, "a name is"},
        {{.name = "\xc3\xa4", .rank = 0, .offset = 5}, "a name is"},
        {{.name = "__metadata__", .rank = 0, .offset = 5}, "a name is"},
        {{.name = "a", .rank = 9, .offset = 5}, "rank 9, at most 8"},
        {{.name = "a", .rank = 1, .shape = {0}, .offset = 5}, "0 values from 5 on"},
        {{.name = "a", .rank = 0, .offset = 12},
         "1 values from 12 on, the vector has 12"},
        {{.name = "a", .rank = 1, .shape = {8}, .offset = 5}, "8 values from 5 on"},
        {{.name = "a", .rank = 0, .offset = SIZE_MAX}, "the vector has 12"},
        {{.name = "a", .rank = 3, .shape = {1u << 31, 1u << 31, 4}, .offset = 5},
         "18446744073709551615 values"},
        {{.name = "a", .rank = 0, .offset = 2}, "tensor \"a\" overlaps \"conv.bias\""},
        {{.name = "a", .rank = 1, .shape = {4}, .offset = 0}, "overlaps"},
        {{.name = "conv.bias", .rank = 0, .offset = 5},
         "tensor \"conv.bias\" is there twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const fed_model_tensor both[] = {tensors[1], cases[i].tensor};
        const fed_model_layout bad = {both, 2, 12};
        fed_bytes file;
        fed_error err;
        fed_bytes_init(&file, 1 << 16);
        CHECK_FAILS(fed_model_write(&bad, values, &file, &err), FED_E_INVALID, &err,
                    cases[i].text);
        CHECK_EQ(file.len, 0);
        fed_bytes_fini(&file);
    }
    const fed_model_layout many = {tensors, FED_SAFETENSORS_TENSORS_MAX + 1, 12};
    float back[12];
    fed_error err;
    CHECK_FAILS(fed_model_read(&many, (fed_span){NULL, 0}, back, &err), FED_E_INVALID,
                &err, "4097 tensors, at most 4096");
}

static void test_no_room(void)
{
    fed_bytes file;
    fed_error err;
    fed_bytes_init(&file, 239);
    CHECK_FAILS(fed_model_write(&layout, values, &file, &err), FED_E_LIMIT, &err,
                "no room");
    CHECK_EQ(file.len, 0);
    fed_bytes_fini(&file);
}

/* Any bits but those of NaN and infinity survive, subnormals and -0 among them. */
static void test_bits_survive(void)
{
    enum { N = 5000 };
    static float in[N], out[N];
    static const fed_model_tensor one[] = {{.name = "w", .rank = 1, .shape = {N}}};
    static const fed_model_layout flat = {one, 1, N};
    uint8_t seed[32] = {1};
    fed_stream s;
    fed_error err;
    fed_stream_init(&s, seed, FED_PURPOSE_TEST, 0);
    for (size_t i = 0; i < N; i++) {
        uint32_t bits = fed_stream_u32(&s);
        if ((bits & 0x7f800000) == 0x7f800000) bits &= 0x807fffff;
        memcpy(&in[i], &bits, sizeof bits);
    }
    fed_bytes file = write_model(&flat, in);
    CHECK_OK(fed_model_read(&flat, (fed_span){file.data, file.len}, out, &err), &err);
    CHECK_MEM(out, in, sizeof in);
    fed_bytes_fini(&file);
}

static fed_status write_and_read(void *ctx)
{
    float back[12];
    fed_bytes file;
    fed_status status;
    (void)ctx;
    fed_bytes_init(&file, 1 << 16);
    FED_GO(fed_model_write(&layout, values, &file, NULL));
    FED_GO(fed_model_read(&layout, (fed_span){file.data, file.len}, back, NULL));
out:
    fed_bytes_fini(&file);
    return status;
}

static void test_allocation_failures(void)
{
    CHECK(fed_torture(write_and_read, NULL) >= 6);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_is_what_the_reference_writes),
                                     CASE(test_round_trip),
                                     CASE(test_order_does_not_matter),
                                     CASE(test_appends),
                                     CASE(test_no_tensors),
                                     CASE(test_numbers_only),
                                     CASE(test_other_models),
                                     CASE(test_bad_layouts),
                                     CASE(test_no_room),
                                     CASE(test_bits_survive),
                                     CASE(test_allocation_failures)};
    return fed_run("parameters", cases, sizeof cases / sizeof *cases);
}
