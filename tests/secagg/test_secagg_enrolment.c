/* Tokens, requests and certificates as lines of text: round trips, and every way in which a
 * line can be wrong. */
#include "harness.h"

#include <stdio.h>

#include "secagg.h"

static const uint8_t identity[32] = {1, 2, 3}, desk[32] = {4, 5, 6};

static fed_span span(const fed_bytes *b)
{
    return (fed_span){b->data, b->len};
}

static void test_token_round_trip(void)
{
    fed_error err;
    fed_bytes line;
    uint8_t token[FED_TOKEN_BYTES] = {7, 8}, back[FED_TOKEN_BYTES];
    fed_bytes_init(&line, FED_ENROLMENT_LINE_MAX);
    CHECK_OK(fed_token_write(token, &line, &err), &err);
    CHECK_OK(fed_token_read(span(&line), back, &err), &err);
    CHECK_MEM(back, token, sizeof token);
    line.len--; /* the line feed may be missing */
    CHECK_OK(fed_token_read(span(&line), back, &err), &err);
    fed_bytes_fini(&line);
}

static void test_request_round_trip(void)
{
    fed_error err;
    fed_bytes line;
    uint8_t token[FED_TOKEN_BYTES] = {9}, back[FED_TOKEN_BYTES], key[32], own[32];
    fed_bytes_init(&line, FED_ENROLMENT_LINE_MAX);
    CHECK_OK(fed_enrolment_request_write(token, identity, &line, &err), &err);
    CHECK_OK(fed_enrolment_request_read(span(&line), back, key, &err), &err);
    CHECK_OK(fed_ed25519_public(identity, own, &err), &err);
    CHECK_MEM(back, token, sizeof token);
    CHECK_MEM(key, own, sizeof own);
    fed_bytes_fini(&line);
}

/* Another digit anywhere is another token, another key or another signature: none verifies. */
static void test_request_with_a_changed_digit(void)
{
    fed_bytes line;
    uint8_t token[FED_TOKEN_BYTES] = {9}, key[32];
    fed_bytes_init(&line, FED_ENROLMENT_LINE_MAX);
    CHECK_EQ(fed_enrolment_request_write(token, identity, &line, NULL), FED_OK);
    for (size_t i = strlen("fed-enrolment-request "); i + 1 < line.len; i++) {
        uint8_t before = line.data[i];
        line.data[i] = before == '0' ? '1' : '0';
        CHECK_MSG(fed_enrolment_request_read(span(&line), token, key, NULL) == FED_E_AUTH,
                  "digit %zu may change", i);
        line.data[i] = before;
    }
    fed_bytes_fini(&line);
}

static void test_certificate_round_trip(void)
{
    fed_error err;
    fed_bytes line;
    fed_certificate c = {.expires_s = 1000}, back;
    uint8_t desk_key[32];
    fed_bytes_init(&line, FED_ENROLMENT_LINE_MAX);
    CHECK_OK(fed_ed25519_public(identity, c.device_key, &err), &err);
    CHECK_OK(fed_ed25519_public(desk, desk_key, &err), &err);
    CHECK_OK(fed_certificate_sign(&c, desk, &err), &err);
    CHECK_OK(fed_certificate_write(&c, &line, &err), &err);
    CHECK_OK(fed_certificate_read(span(&line), &back, &err), &err);
    CHECK_OK(fed_certificate_verify(&back, desk_key, 999, &err), &err);
    CHECK_FAILS(fed_certificate_verify(&back, desk_key, 1000, &err), FED_E_AUTH, &err,
                "expired at 1000");
    fed_bytes_fini(&line);
}

static void test_lines_that_are_none(void)
{
    static const char digits[] =
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    static const char *const words[] = {"",
                                        "fed-enrolment-token",
                                        "fed-enrolment-request",
                                        "fed-certificate",
                                        "fed-enrolment-tokem",
                                        "FED-ENROLMENT-TOKEN"};
    static const char *const separators[] = {"", "  ", "\t", ":"};
    char text[256];
    uint8_t token[FED_TOKEN_BYTES], key[32];
    fed_certificate c;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        for (size_t k = 0; k < sizeof separators / sizeof *separators; k++) {
            int n =
                snprintf(text, sizeof text, "%s%s%s", words[i], separators[k], digits);
            fed_span line = {(const uint8_t *)text, (size_t)n};
            CHECK_EQ(fed_token_read(line, token, NULL), FED_E_FORMAT);
            CHECK_EQ(fed_enrolment_request_read(line, token, key, NULL), FED_E_FORMAT);
            CHECK_EQ(fed_certificate_read(line, &c, NULL), FED_E_FORMAT);
        }
    }
    int n = snprintf(text, sizeof text, "fed-enrolment-token %s", digits);
    CHECK_EQ(fed_token_read((fed_span){(const uint8_t *)text, (size_t)n}, token, NULL),
             FED_OK);
    for (int cut = 0; cut < n; cut++)
        CHECK_EQ(
            fed_token_read((fed_span){(const uint8_t *)text, (size_t)cut}, token, NULL),
            FED_E_FORMAT);
    text[n - 1] = 'g';
    CHECK_EQ(fed_token_read((fed_span){(const uint8_t *)text, (size_t)n}, token, NULL),
             FED_E_FORMAT);
}

/* An error about a token must not show it. */
static void test_errors_keep_the_token_secret(void)
{
    fed_error err;
    uint8_t token[FED_TOKEN_BYTES];
    static const char line[] = "fed-enrolment-token deadbeef";
    CHECK_FAILS(
        fed_token_read((fed_span){(const uint8_t *)line, sizeof line - 1}, token, &err),
        FED_E_FORMAT, &err, "64 hex digits");
    CHECK(!strstr(err.text, "deadbeef"));
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_token_round_trip),
                                     CASE(test_request_round_trip),
                                     CASE(test_request_with_a_changed_digit),
                                     CASE(test_certificate_round_trip),
                                     CASE(test_lines_that_are_none),
                                     CASE(test_errors_keep_the_token_secret)};
    return fed_run("secagg_enrolment", cases, sizeof cases / sizeof *cases);
}
