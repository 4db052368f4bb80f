#include "harness.h"

#include "crypto.h"
#include "model.h"

static const fed_model_tensor tensors[] = {
    {.name = "b.weight", .rank = 2, .shape = {2, 3}, .offset = 0},
    {.name = "a.bias", .rank = 1, .shape = {3}, .offset = 6},
};
static const fed_model_layout layout = {tensors, 2, 9};

static void test_round_trip(void)
{
    float in[9], out[9] = {0};
    fed_bytes file;
    fed_error err;
    for (int i = 0; i < 9; i++)
        in[i] = (float)i / 4 - 1;
    fed_bytes_init(&file, 1 << 16);
    CHECK_OK(fed_model_write(&layout, in, &file, &err), &err);
    CHECK_OK(fed_model_read(&layout, (fed_span){file.data, file.len}, out, &err), &err);
    CHECK_MEM(in, out, sizeof in);
    fed_bytes_fini(&file);
}

static void test_documents(void)
{
    uint8_t operator_seed[32] = {1}, server_seed[32] = {2}, operator_key[32];
    fed_task_document t = {.population = "p",
                           .name = "n",
                           .plan_length = 5,
                           .model_length = 9,
                           .created_ms = 1,
                           .expires_ms = 2},
                      back;
    fed_address address, again;
    fed_bytes b;
    fed_error err;
    fed_bytes_init(&b, 1 << 17);
    CHECK_OK(fed_ed25519_public(server_seed, t.server_key, &err), &err);
    CHECK_OK(fed_ed25519_public(operator_seed, operator_key, &err), &err);
    CHECK_OK(fed_task_document_sign(&t, operator_seed, &b, &err), &err);
    CHECK_OK(fed_task_document_open((fed_span){b.data, b.len}, operator_key, &back,
                                    &address, &err),
             &err);
    CHECK_MEM(&t, &back, sizeof t);
    CHECK_OK(fed_task_document_address(&t, &again, &err), &err);
    CHECK_MEM(&address, &again, sizeof again);
    fed_version_document v = {.task = address,
                              .model = {{7}},
                              .round_length = 3,
                              .round = {(const uint8_t *)"abc", 3}},
                         w;
    fed_bytes_clear(&b);
    CHECK_OK(fed_version_document_sign(&v, server_seed, &b, &err), &err);
    CHECK_OK(fed_version_document_open((fed_span){b.data, b.len}, &t, &address, &w, &err),
             &err);
    CHECK_EQ(w.round.len, 3);
    fed_bytes_fini(&b);
}

static void test_blob(void)
{
    static uint8_t zeros[300000];
    fed_bytes packed, plain;
    fed_error err;
    fed_bytes_init(&packed, 1 << 20);
    fed_bytes_init(&plain, sizeof zeros);
    CHECK_OK(fed_blob_compress((fed_span){zeros, sizeof zeros}, 3, &packed, &err), &err);
    fed_span p = {packed.data, packed.len};
    CHECK_OK(fed_blob_decompress(p, sizeof zeros, &plain, &err), &err);
    CHECK_EQ(plain.len, sizeof zeros);
    fed_bytes_clear(&plain);
    CHECK_FAILS(fed_blob_decompress(p, sizeof zeros - 1, &plain, &err), FED_E_LIMIT, &err,
                "299999");
    fed_bytes_fini(&packed);
    fed_bytes_fini(&plain);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_round_trip), CASE(test_documents),
                                     CASE(test_blob)};
    return fed_run("model", cases, sizeof cases / sizeof *cases);
}
