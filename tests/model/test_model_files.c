/* Addresses, key files and compressed blobs. */
#include "harness.h"

#include "model.h"

static fed_span span_of(const fed_bytes *b)
{
    return (fed_span){b->data, b->len};
}

static fed_span text_span(const char *text)
{
    return (fed_span){(const uint8_t *)text, strlen(text)};
}

/* ---- addresses --------------------------------------------------------------------- */

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void test_addresses(void)
{
    char text[FED_ADDRESS_TEXT];
    fed_address a, b = {{0}};
    fed_error err;
    CHECK(fed_address_is_zero(&b));
    CHECK_OK(fed_address_of("abc", 3, &a, &err), &err);
    fed_address_to_text(&a, text);
    CHECK_STR(text, ABC); /* FIPS 180-4 */
    CHECK_OK(fed_address_from_text(text, &b, &err), &err);
    CHECK(fed_address_equal(&a, &b) && !fed_address_is_zero(&b));
    CHECK_OK(fed_address_check(&a, "abc", 3, &err), &err);
    CHECK_FAILS(fed_address_check(&a, "abd", 3, &err), FED_E_AUTH, &err, "wanted " ABC);
}

static void test_bad_address_texts(void)
{
    static const char *const cases[] = {
        "",
        "ba78",
        ABC "0",
        " " ABC,
        "BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "0x7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fed_address a;
        fed_error err;
        CHECK_FAILS(fed_address_from_text(cases[i], &a, &err), FED_E_FORMAT, &err,
                    "is not 64 lower-case hexadecimal digits");
    }
}

/* ---- key files --------------------------------------------------------------------- */

#define PRIVATE "fed-ed25519-private "
#define PUBLIC  "fed-ed25519-public "

static void test_key_files(void)
{
    for (fed_key_kind kind = FED_KEY_PRIVATE; kind <= FED_KEY_PUBLIC; kind++) {
        uint8_t key[32] = {1, 2, 0xfe}, back[32];
        fed_bytes file;
        fed_error err;
        fed_bytes_init(&file, FED_KEYFILE_MAX);
        CHECK_OK(fed_keyfile_put(kind, key, &file, &err), &err);
        CHECK_OK(fed_keyfile_get(kind, span_of(&file), back, &err), &err);
        CHECK_MEM(back, key, sizeof key);
        file.len--; /* the line feed may be missing */
        CHECK_OK(fed_keyfile_get(kind, span_of(&file), back, &err), &err);
        fed_bytes_put_text(&file, "\r\n");
        CHECK_OK(fed_keyfile_get(kind, span_of(&file), back, &err), &err);
        CHECK_FAILS(fed_keyfile_get(!kind, span_of(&file), back, &err), FED_E_FORMAT,
                    &err,
                    kind == FED_KEY_PRIVATE ? "holds a private key, wanted the public"
                                            : "holds a public key, wanted the private");
        fed_bytes_wipe(&file);
    }
}

static void test_bad_key_files(void)
{
    static const struct {
        const char *file, *text;
    } cases[] = {
        {"", "must start with \"fed-ed25519-private \""},
        {"\n", "must start with"},
        {ABC, "must start with"},
        {"fed-ed25519-private", "must start with"},
        {"fed-ed25519-private\t" ABC, "must start with"},
        {" " PRIVATE ABC, "must start with"},
        {"FED-ED25519-PRIVATE " ABC, "must start with"},
        {"-----BEGIN PRIVATE KEY-----\n", "must start with"},
        {PUBLIC ABC, "holds a public key"},
        {PRIVATE, "one line of 20 characters, wanted 84"},
        {PRIVATE ABC "0", "one line of 85 characters"},
        {PRIVATE " " ABC, "one line of 85 characters"},
        {PRIVATE ABC " ", "one line of 85 characters"},
        {PRIVATE ABC "\n\n", "one line of 85 characters"},
        {PRIVATE ABC "\n" PUBLIC ABC, "one line of"},
        {PRIVATE "Ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
         "64 lower-case hexadecimal digits"},
        {PRIVATE "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015",
         "64 lower-case hexadecimal digits"},
        {PRIVATE "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a ",
         "64 lower-case hexadecimal digits"}};
    static const uint8_t zeros[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t key[32] = {1};
        fed_error err;
        CHECK_FAILS(fed_keyfile_get(FED_KEY_PRIVATE, text_span(cases[i].file), key, &err),
                    FED_E_FORMAT, &err, cases[i].text);
        CHECK_MEM(key, zeros, sizeof key);
        CHECK(strstr(err.text, "7816bf8f") == NULL); /* never shows the key */
    }
}

/* ---- blobs ------------------------------------------------------------------------- */

enum { LONG = 300000 };
static uint8_t plain[LONG];

static fed_bytes compress(size_t n, int level)
{
    fed_bytes packed;
    fed_error err;
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)(i * i / 100);
    fed_bytes_init(&packed, 1 << 20);
    CHECK_OK(fed_blob_compress((fed_span){plain, n}, level, &packed, &err), &err);
    return packed;
}

static void test_blobs(void)
{
    static const size_t sizes[] = {0, 1, 1000, 131072, LONG};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int level = 1; level <= FED_BLOB_LEVEL_MAX; level += 9) {
            fed_bytes packed = compress(sizes[i], level), back;
            fed_error err;
            fed_bytes_init(&back, sizes[i]);
            CHECK_OK(fed_blob_decompress(span_of(&packed), sizes[i], &back, &err), &err);
            CHECK_EQ(back.len, sizes[i]);
            if (sizes[i] && back.len == sizes[i]) CHECK_MEM(back.data, plain, sizes[i]);
            fed_bytes_fini(&back);
            fed_bytes_fini(&packed);
        }
}

static void check_blob_refused(fed_span packed, size_t max, fed_status wanted,
                               const char *part)
{
    fed_bytes out;
    fed_error err;
    fed_bytes_init(&out, 1 << 20);
    fed_bytes_put_text(&out, "before");
    CHECK_FAILS(fed_blob_decompress(packed, max, &out, &err), wanted, &err, part);
    CHECK_EQ(out.len, 6);
    fed_bytes_fini(&out);
}

static void test_bad_blobs(void)
{
    fed_bytes packed = compress(LONG, 3);
    check_blob_refused(span_of(&packed), LONG - 1, FED_E_LIMIT, "at most 299999 bytes");
    check_blob_refused(span_of(&packed), 0, FED_E_LIMIT, "at most 0 bytes");
    check_blob_refused(text_span("not zstd at all"), LONG, FED_E_FORMAT,
                       "not a zstd frame");
    check_blob_refused((fed_span){NULL, 0}, LONG, FED_E_FORMAT,
                       "cut short after 0 bytes");
    for (size_t n = 1; n < packed.len; n += packed.len / 50)
        check_blob_refused((fed_span){packed.data, n}, LONG, FED_E_FORMAT, "cut short");
    fed_bytes_put_u8(&packed, 0);
    check_blob_refused(span_of(&packed), LONG, FED_E_FORMAT, "1 bytes follow");
    fed_bytes_fini(&packed);
}

/* RFC 8878 section 3.1.1.1.2: the window descriptor, byte 5, may ask for terabytes (0xff). More
 * than 8 MiB (0x68) is not given; the content here is empty. */
static void test_blob_windows(void)
{
    uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68, 0x01, 0x00, 0x00};
    fed_span packed = {frame, sizeof frame};
    fed_bytes out;
    fed_error err;
    fed_bytes_init(&out, 100);
    CHECK_OK(fed_blob_decompress(packed, 100, &out, &err), &err);
    CHECK_EQ(out.len, 0);
    fed_bytes_fini(&out);
    frame[5] = 0x69;
    check_blob_refused(packed, LONG, FED_E_FORMAT, "too much memory");
    frame[5] = 0xff;
    check_blob_refused(packed, LONG, FED_E_FORMAT, "too much memory");
}

/* Section 3.1.2: a skippable frame is not the blob. */
static void test_blob_with_skippable_frame(void)
{
    static const uint8_t skip[] = {0x50, 0x2a, 0x4d, 0x18, 0x01, 0x00, 0x00, 0x00, 0xaa};
    fed_bytes both, packed = compress(100, 3);
    fed_bytes_init(&both, 1 << 16);
    fed_bytes_put(&both, skip, sizeof skip);
    fed_bytes_put(&both, packed.data, packed.len);
    check_blob_refused(span_of(&both), LONG, FED_E_FORMAT, "follow the zstd frame");
    fed_bytes_fini(&both);
    fed_bytes_fini(&packed);
}

static void test_blob_bounds(void)
{
    static const int levels[] = {0, -1, 20};
    fed_bytes out;
    fed_error err;
    fed_bytes_init(&out, 100);
    for (size_t i = 0; i < 3; i++)
        CHECK_FAILS(fed_blob_compress(text_span("x"), levels[i], &out, &err),
                    FED_E_INVALID, &err, "must be 1 to 19");
    CHECK_FAILS(fed_blob_compress((fed_span){plain, LONG}, 1, &out, &err), FED_E_LIMIT,
                &err, "no room");
    fed_bytes_fini(&out);
}

static fed_status pack_and_unpack(void *ctx)
{
    fed_bytes packed, back;
    fed_status status;
    (void)ctx;
    fed_bytes_init(&packed, 1 << 20);
    fed_bytes_init(&back, LONG);
    FED_GO(fed_blob_compress((fed_span){plain, LONG}, 3, &packed, NULL));
    FED_GO(fed_blob_decompress(span_of(&packed), LONG, &back, NULL));
out:
    fed_bytes_fini(&packed);
    fed_bytes_fini(&back);
    return status;
}

static void test_allocation_failures(void)
{
    CHECK(fed_torture(pack_and_unpack, NULL) >= 3);
}

int main(void)
{
    static const fed_case cases[] = {
        CASE(test_addresses),    CASE(test_bad_address_texts),
        CASE(test_key_files),    CASE(test_bad_key_files),
        CASE(test_blobs),        CASE(test_bad_blobs),
        CASE(test_blob_windows), CASE(test_blob_with_skippable_frame),
        CASE(test_blob_bounds),  CASE(test_allocation_failures)};
    return fed_run("model_files", cases, sizeof cases / sizeof *cases);
}
