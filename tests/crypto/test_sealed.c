/* Records at rest: known answers, and every way to change one. */
#include "harness.h"
#include "hex_vector.h"

#include "crypto.h"

enum {
    HEAD = 4 + FED_SEALED_SALT,
    CHUNK = FED_SEALED_CHUNK + FED_AEAD_TAG,
    LONG = 200000
};

static uint8_t key[32], plain[LONG];

/* A salt of 100, 101, ... */
static fed_status known_salt(void *ctx, const char *purpose, uint64_t index, void *out,
                             size_t n)
{
    uint8_t *to = out;
    (void)ctx, (void)index;
    CHECK_STR(purpose, "sealed");
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(100 + i);
    return FED_OK;
}

static fed_status no_salt(void *ctx, const char *purpose, uint64_t index, void *out,
                          size_t n)
{
    (void)ctx, (void)purpose, (void)index, (void)out, (void)n;
    return FED_E_CRYPTO;
}

static void setup(void)
{
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)(i % 251);
}

static fed_bytes seal(size_t n)
{
    static const fed_random random = {known_salt, NULL};
    fed_bytes sealed;
    fed_error err;
    setup();
    fed_bytes_init(&sealed, 1 << 20);
    CHECK_OK(fed_sealed_seal(key, text_span("state/update"), &random, 0,
                             (fed_span){plain, n}, &sealed, &err),
             &err);
    return sealed;
}

/* Opening must fail with `wanted` and `part`, and leave nothing behind. */
static void check_refused(fed_span sealed, const char *context, fed_status wanted,
                          const char *part)
{
    fed_bytes out;
    fed_error err;
    fed_bytes_init(&out, 1 << 20);
    fed_bytes_put_text(&out, "before");
    CHECK_FAILS(fed_sealed_open(key, text_span(context), sealed, &out, &err), wanted,
                &err, part);
    CHECK_EQ(out.len, 6);
    fed_bytes_fini(&out);
}

static void check_opens(fed_span sealed, size_t n)
{
    fed_bytes out;
    fed_error err;
    fed_bytes_init(&out, n ? n : 1);
    CHECK_OK(fed_sealed_open(key, text_span("state/update"), sealed, &out, &err), &err);
    CHECK_EQ(out.len, n);
    if (out.len == n && n) CHECK_MEM(out.data, plain, n);
    fed_bytes_fini(&out);
}

/* SHA-256 of records made by an independent program (Python, package cryptography: HKDF and
 * AESGCM) with key 00..1f, salt 64..83, context "state/update", plaintext i mod 251. */
static void test_known_records(void)
{
    static const struct {
        size_t n;
        const char *digest;
    } cases[] = {
        {0, "5cb623e1df002432e9b897ce150aec9554ca187404989e08775ba208d3e45581"},
        {5, "41ad4a14f9aae44d45d02373f8f0cc6c153dda251cf9a150bea471a6998fa4c3"},
        {65536, "5cfe31aa0ad140a6f82f254da5205769e7ce35606556760e63d152ff71fa8d80"},
        {65537, "222d74f46db5b620d76efaa768bdc9f53fa787afe1e5e333258a0e62dbc8495d"},
        {LONG, "ec6c7c364ddd2107558b1367b5806f45e87e98a9b10fe1424e427961e1c1cdd6"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t digest[32];
        fed_bytes sealed = seal(cases[i].n);
        CHECK_EQ(sealed.len, fed_sealed_length(cases[i].n));
        CHECK_OK(fed_sha256(sealed.data, sealed.len, digest, NULL), NULL);
        CHECK_MEM(digest, from_hex(cases[i].digest).data, sizeof digest);
        check_opens((fed_span){sealed.data, sealed.len}, cases[i].n);
        fed_bytes_fini(&sealed);
    }
}

static void test_every_byte_counts(void)
{
    fed_bytes sealed = seal(100);
    fed_span s = {sealed.data, sealed.len};
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.data[i] ^= 0x40;
        if (i < 4)
            check_refused(s, "state/update", FED_E_FORMAT, "does not start with FSR1");
        else
            check_refused(s, "state/update", FED_E_AUTH, "chunk 0 of 1");
        sealed.data[i] ^= 0x40;
    }
    for (size_t n = 0; n < sealed.len; n++)
        check_refused((fed_span){sealed.data, n}, "state/update",
                      n < HEAD + FED_AEAD_TAG ? FED_E_FORMAT : FED_E_AUTH,
                      "sealed record");
    check_opens(s, 100);
    fed_bytes_fini(&sealed);
}

static void test_chunks_keep_their_places(void)
{
    fed_bytes sealed = seal(3 * FED_SEALED_CHUNK);
    fed_span s = {sealed.data, sealed.len};
    uint8_t *first = sealed.data + HEAD, *second = first + CHUNK;
    uint8_t *kept = fed_memdup(first, CHUNK);
    if (!CHECK(kept != NULL)) return;
    memcpy(first, second, CHUNK); /* repeated */
    check_refused(s, "state/update", FED_E_AUTH, "chunk 0 of 3");
    memcpy(second, kept, CHUNK); /* exchanged */
    check_refused(s, "state/update", FED_E_AUTH, "chunk 0 of 3");
    memcpy(second, first, CHUNK);
    memcpy(first, kept, CHUNK);
    check_opens(s, 3 * FED_SEALED_CHUNK);
    s.len -= CHUNK; /* the last one dropped: the second was not made as the last */
    check_refused(s, "state/update", FED_E_AUTH, "chunk 1 of 2");
    s.len = HEAD; /* all dropped */
    check_refused(s, "state/update", FED_E_FORMAT, "at least 52");
    fed_free(kept);
    fed_bytes_fini(&sealed);
}

/* What follows the last chunk makes another the last, or is one that no record has. */
static void test_nothing_may_follow(void)
{
    static const uint8_t more[FED_AEAD_TAG + 1];
    fed_bytes sealed = seal(FED_SEALED_CHUNK);
    fed_bytes_put(&sealed, more, FED_AEAD_TAG);
    fed_span s = {sealed.data, sealed.len};
    check_refused(s, "state/update", FED_E_FORMAT,
                  "a last chunk of 16 bytes, at least 17");
    s.len--;
    check_refused(s, "state/update", FED_E_FORMAT,
                  "a last chunk of 15 bytes, at least 17");
    s.len++;
    fed_bytes_put_u8(&sealed, 0);
    s = (fed_span){sealed.data, sealed.len};
    check_refused(s, "state/update", FED_E_AUTH, "chunk 0 of 2");
    fed_bytes_fini(&sealed);
}

static void test_context_and_key_are_bound(void)
{
    fed_bytes sealed = seal(10);
    fed_span s = {sealed.data, sealed.len};
    check_refused(s, "state/model", FED_E_AUTH, "chunk 0 of 1");
    check_refused(s, "", FED_E_AUTH, "chunk 0 of 1");
    key[31] ^= 1;
    check_refused(s, "state/update", FED_E_AUTH, "chunk 0 of 1");
    key[31] ^= 1;
    check_opens(s, 10);
    fed_bytes_fini(&sealed);
}

static void test_bounds(void)
{
    static const fed_random good = {known_salt, NULL}, bad = {no_salt, NULL};
    static const uint8_t long_context[FED_SEALED_CONTEXT_MAX + 1];
    fed_span context = {long_context, sizeof long_context}, data = {plain, 10};
    fed_bytes out;
    fed_error err;
    setup();
    fed_bytes_init(&out, fed_sealed_length(10));
    CHECK_FAILS(fed_sealed_seal(key, context, &good, 0, data, &out, &err), FED_E_LIMIT,
                &err, "a context of 257 bytes, at most 256");
    context.len--;
    CHECK_FAILS(fed_sealed_seal(key, context, &bad, 0, data, &out, &err), FED_E_CRYPTO,
                &err, "random");
    CHECK_EQ(out.len, 0);
    CHECK_OK(fed_sealed_seal(key, context, &good, 0, data, &out, &err), &err);
    CHECK_FAILS(fed_sealed_seal(key, context, &good, 0, data, &out, &err), FED_E_LIMIT,
                &err, "no room for 62 bytes");
    CHECK_EQ(out.len, fed_sealed_length(10));
    fed_bytes_fini(&out);
}

static fed_status round_trip(void *ctx)
{
    static const fed_random random = {known_salt, NULL};
    fed_bytes sealed, back;
    fed_status status;
    (void)ctx;
    fed_bytes_init(&sealed, 1 << 20);
    fed_bytes_init(&back, 1 << 20);
    FED_GO(fed_sealed_seal(key, text_span("c"), &random, 0, (fed_span){plain, LONG},
                           &sealed, NULL));
    FED_GO(fed_sealed_open(key, text_span("c"), (fed_span){sealed.data, sealed.len},
                           &back, NULL));
out:
    fed_bytes_fini(&sealed);
    fed_bytes_wipe(&back);
    return status;
}

static void test_allocation_failures(void)
{
    setup();
    CHECK_EQ(fed_torture(round_trip, NULL), 2);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_known_records),
                                     CASE(test_every_byte_counts),
                                     CASE(test_chunks_keep_their_places),
                                     CASE(test_nothing_may_follow),
                                     CASE(test_context_and_key_are_bound),
                                     CASE(test_bounds),
                                     CASE(test_allocation_failures)};
    return fed_run("sealed", cases, sizeof cases / sizeof *cases);
}
