#include "harness.h"

#include "crypto.h"
#include "seeded.h"

static void hex(void *out, size_t n, const char *text)
{
    CHECK(fed_hex_decode(out, n, text));
}

/* FIPS 180-4 examples: "abc". */
static void test_sha256(void)
{
    uint8_t got[32], want[32];
    hex(want, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_OK(fed_sha256("abc", 3, got, NULL), NULL);
    CHECK_MEM(got, want, 32);
}

static void test_x25519_agrees(void)
{
    uint8_t a[32] = {1, 2, 3}, b[32] = {4, 5, 6}, pa[32], pb[32], ab[32], ba[32];
    fed_error err;
    CHECK_OK(fed_x25519_public(a, pa, &err), &err);
    CHECK_OK(fed_x25519_public(b, pb, &err), &err);
    CHECK_OK(fed_x25519_shared(a, pb, ab, &err), &err);
    CHECK_OK(fed_x25519_shared(b, pa, ba, &err), &err);
    CHECK_MEM(ab, ba, sizeof ab);
}

static void test_sealed_round_trip(void)
{
    fed_seeded source = {{1}};
    fed_random r = fed_seeded_random(&source);
    uint8_t key[32] = {3};
    static uint8_t plain[200000];
    size_t sizes[] = {0, 1, 65535, 65536, 65537, 131072, 200000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fed_bytes sealed, back;
        fed_error err;
        fed_bytes_init(&sealed, 1 << 20);
        fed_bytes_init(&back, 1 << 20);
        fed_span p = {plain, sizes[i]}, ctx = {(const uint8_t *)"x", 1};
        CHECK_OK(fed_sealed_seal(key, ctx, &r, i, p, &sealed, &err), &err);
        CHECK_EQ(sealed.len, fed_sealed_length(sizes[i]));
        CHECK_OK(
            fed_sealed_open(key, ctx, (fed_span){sealed.data, sealed.len}, &back, &err),
            &err);
        CHECK_EQ(back.len, sizes[i]);
        fed_bytes_fini(&sealed);
        fed_bytes_fini(&back);
    }
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_sha256), CASE(test_x25519_agrees),
                                     CASE(test_sealed_round_trip)};
    return fed_run("crypto", cases, sizeof cases / sizeof *cases);
}
