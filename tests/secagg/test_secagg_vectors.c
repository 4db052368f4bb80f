/*
 * Our own vectors, since for pairwise-mask aggregation no standard ones exist: this test
 * makes the JSON files of tests/vectors/secagg/ anew and compares them byte for byte
 * (FED_VECTORS_WRITE=1 writes them). tests/vectors/check_secagg.py reproduces them with
 * nothing of ours.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cohort_driver.h"
#include "device_state.h"
#include "mask.h"
#include "shamir.h"

enum { FILE_MAX = 4 << 20 };

static fed_bytes json;

static void put_hex(const char *before, const void *data, size_t n, const char *after)
{
    fed_bytes_put_text(&json, before);
    for (size_t i = 0; i < n; i++)
        fed_bytes_printf(&json, "%02x", ((const uint8_t *)data)[i]);
    fed_bytes_put_text(&json, after);
}

/* ---- Comparing with, or writing, what is stored ----------------------------------------- */

static void path_of(const char *name, char *out, size_t n)
{
    snprintf(out, n, "%s/%s", FED_VECTORS, name);
}

static void check_file(const char *name)
{
    char path[512];
    path_of(name, path, sizeof path);
    bool write = getenv("FED_VECTORS_WRITE") != NULL;
    FILE *f = fopen(path, write ? "wb" : "rb");
    CHECK_MSG(f != NULL, "%s", path);
    if (f && write) {
        CHECK_EQ(fwrite(json.data, 1, json.len, f), json.len);
    } else if (f) {
        uint8_t *stored = fed_malloc(FILE_MAX);
        size_t n = stored ? fread(stored, 1, FILE_MAX, f) : 0;
        CHECK_EQ(n, json.len);
        if (n == json.len) CHECK_MEM(json.data, stored, n);
        fed_free(stored);
    }
    if (f) fclose(f);
    fed_bytes_fini(&json);
}

static void begin(const char *what)
{
    fed_bytes_init(&json, FILE_MAX);
    fed_bytes_printf(&json, "{\n  \"version\": 1,\n  \"what\": \"%s\",\n", what);
}

/* ---- Seed to mask -------------------------------------------------------------------------- */

static void put_mask(unsigned lane, fed_keystream_kind kind, uint8_t byte, bool last)
{
    fed_error err;
    uint8_t key[32];
    uint64_t out[20];
    enum { ENTRIES = 19 };
    for (int i = 0; i < 32; i++)
        key[i] = (uint8_t)(byte + 5 * i);
    CHECK_OK(fed_mask_expand(key, lane, ENTRIES, kind, out, &err), &err);
    fed_bytes_printf(&json, "    {\"stream\": \"%s\", \"lane_bytes\": %u, ",
                     kind == FED_KEYSTREAM_CHACHA20 ? "chacha20" : "aes-256-ctr", lane);
    put_hex("\"key\": \"", key, 32, "\", \"entries\": [");
    for (int i = 0; i < ENTRIES; i++) {
        uint64_t v = lane == 2   ? ((const uint16_t *)(const void *)out)[i]
                     : lane == 4 ? ((const uint32_t *)(const void *)out)[i]
                                 : out[i];
        fed_bytes_printf(&json, "%s%llu", i ? ", " : "", (unsigned long long)v);
    }
    fed_bytes_printf(&json, "]}%s\n", last ? "" : ",");
}

static void test_masks(void)
{
    begin("key to mask: the stream cut into little-endian lanes");
    fed_bytes_put_text(&json, "  \"masks\": [\n");
    for (unsigned lane = 2; lane <= 8; lane *= 2) {
        put_mask(lane, FED_KEYSTREAM_AES256_CTR, (uint8_t)lane, false);
        put_mask(lane, FED_KEYSTREAM_CHACHA20, (uint8_t)(lane + 1), lane == 8);
    }
    fed_bytes_put_text(&json, "  ]\n}\n");
    check_file("masks.json");
}

/* ---- Shamir ---------------------------------------------------------------------------------- */

static void put_sharing(uint32_t t, uint32_t n, uint8_t byte, bool last)
{
    fed_error err;
    uint8_t secret[32], key[32], shares[16 * FED_SHAMIR_SHARE];
    uint32_t points[16];
    for (int i = 0; i < 32; i++)
        secret[i] = (uint8_t)(byte * 3 + 7 * i), key[i] = (uint8_t)(byte + 11 * i);
    if (byte == 255) memset(secret, 255, sizeof secret);
    for (uint32_t i = 0; i < n; i++)
        points[i] = 1 + i * i * 65; /* the last of 16: 14626 */
    CHECK_OK(fed_shamir_share(secret, key, t, points, n, shares, &err), &err);
    fed_bytes_printf(&json, "    {\"threshold\": %u, ", t);
    put_hex("\"secret\": \"", secret, 32, "\", ");
    put_hex("\"coefficient_key\": \"", key, 32, "\", \"shares\": [\n");
    for (uint32_t i = 0; i < n; i++) {
        fed_bytes_printf(&json, "      {\"point\": %u, ", points[i]);
        put_hex("\"share\": \"", shares + i * FED_SHAMIR_SHARE, FED_SHAMIR_SHARE, "\"}");
        fed_bytes_put_text(&json, i + 1 < n ? ",\n" : "\n");
    }
    fed_bytes_printf(&json, "    ]}%s\n", last ? "" : ",");
}

static void put_refused_share(uint8_t *share, const char *why, bool last)
{
    CHECK(!fed_shamir_share_is_canonical(share));
    put_hex("    {\"share\": \"", share, FED_SHAMIR_SHARE, "\", ");
    fed_bytes_printf(&json, "\"why\": \"%s\"}%s\n", why, last ? "" : ",");
}

static void test_shamir(void)
{
    uint8_t share[FED_SHAMIR_SHARE] = {0};
    begin("32-byte secrets over the field of 2^89 - 1 elements");
    fed_bytes_put_text(&json, "  \"sharings\": [\n");
    put_sharing(2, 3, 1, false);
    put_sharing(5, 8, 2, false);
    put_sharing(16, 16, 3, false);
    put_sharing(3, 7, 255, true);
    fed_bytes_put_text(&json, "  ],\n  \"not_canonical\": [\n");
    share[33] = 8;
    put_refused_share(share, "a bit beyond 267", false);
    memset(share, 0, sizeof share);
    memset(share, 0xff, 11), share[11] = 1;
    put_refused_share(share, "chunk 0 is 2^89 - 1", true);
    fed_bytes_put_text(&json, "  ]\n}\n");
    check_file("shamir.json");
}

/* ---- Transcripts -------------------------------------------------------------------------------- */

static cohort c;
static bool first_body;

static void put_body(uint32_t member, fed_secagg_phase phase, const char *direction,
                     const fed_bytes *body)
{
    fed_bytes_printf(&json, "%s    {\"member\": %u, \"phase\": \"%s\", \"to\": \"%s\", ",
                     first_body ? "" : ",\n", member, fed_secagg_phase_name(phase),
                     direction);
    put_hex("\"body\": \"", body->data, body->len, "\"}");
    first_body = false;
}

static void to_server(cohort *x, uint32_t member, fed_secagg_phase phase, fed_bytes *body)
{
    (void)x;
    put_body(member, phase, "server", body);
}

static void to_device(cohort *x, uint32_t member, fed_secagg_phase phase, fed_bytes *body)
{
    (void)x;
    put_body(member, phase, "device", body);
}

static void put_ring(const fed_ring *r, const char *after)
{
    fed_bytes_put_text(&json, "[");
    for (size_t i = 0; i < r->n; i++)
        fed_bytes_printf(&json, "%s%llu", i ? ", " : "",
                         (unsigned long long)fed_ring_get(r, i));
    fed_bytes_printf(&json, "]%s", after);
}

static void put_params(void)
{
    const fed_secagg_params *p = &c.params;
    put_hex("  \"parameters\": {\"cohort\": \"", p->cohort, 32, "\", ");
    put_hex("\"plan\": \"", p->plan, 32, "\", ");
    put_hex("\"enrolment_key\": \"", p->enrolment_key, 32, "\",\n    ");
    fed_bytes_printf(
        &json,
        "\"model_version\": %llu, \"adversary\": %d, \"corrupt_ppm\": %u, "
        "\"dropout_ppm\": %u, \"stream\": %d,\n    \"n_min\": %u, \"n_max\": %u, "
        "\"s_min\": %u, \"vectors\": [",
        (unsigned long long)p->model_version, (int)p->threat.adversary,
        p->threat.corrupt_ppm, p->threat.dropout_ppm, (int)p->stream, p->n_min, p->n_max,
        p->s_min);
    for (uint32_t i = 0; i < p->n_vectors; i++)
        fed_bytes_printf(&json, "%s{\"name\": \"%s\", \"length\": %u, \"bits\": %u}",
                         i ? ", " : "", p->vectors[i].name, p->vectors[i].length,
                         p->vectors[i].bits);
    fed_bytes_put_text(&json, "]},\n");
}

static void put_devices(void)
{
    fed_bytes_put_text(&json, "  \"devices\": [\n");
    for (uint32_t i = 0; i < c.n; i++) {
        const fed_secagg_device *d = c.devices[i];
        put_hex("    {\"master\": \"", d->master, 32, "\", ");
        put_hex("\"identity_seed\": \"", d->identity_seed, 32, "\",\n     ");
        put_hex("\"update_id\": \"", d->update_id, 16, "\", \"inputs\": [");
        for (uint32_t v = 0; v < c.params.n_vectors; v++)
            put_ring(&c.inputs[i][v], v + 1 < c.params.n_vectors ? ", " : "");
        fed_bytes_printf(&json, "]}%s\n", i + 1 < c.n ? "," : "");
    }
    fed_bytes_put_text(&json, "  ],\n");
}

static void transcript(const char *file, uint32_t n, fed_secagg_adversary adversary,
                       uint32_t dropped)
{
    begin("a whole cohort, one member of which drops out before its input");
    cohort_init(&c, n, adversary, 1000 + n);
    put_params();
    put_devices();
    fed_bytes_printf(&json, "  \"dropped\": %u,\n  \"bodies\": [\n", dropped);
    first_body = true;
    c.to_server = to_server, c.to_device = to_device;
    c.drops[dropped] = FED_SECAGG_INPUT;
    cohort_run(&c);
    CHECK_MSG(cohort_sum_is_right(&c), "%s", fed_secagg_server_reason(c.server));
    fed_bytes_put_text(&json, "\n  ],\n  \"sums\": [");
    for (uint32_t v = 0; v < c.params.n_vectors; v++)
        put_ring(fed_secagg_server_sum(c.server, v),
                 v + 1 < c.params.n_vectors ? ",\n    " : "]\n}\n");
    cohort_fini(&c);
    check_file(file);
}

static void test_active_transcript(void)
{
    transcript("transcript_active.json", 5, FED_SECAGG_ACTIVE, 2);
}

static void test_sparse_transcript(void)
{
    transcript("transcript_circulant.json", 10, FED_SECAGG_SEMI_MALICIOUS, 4);
}

/* ---- What must be refused ---------------------------------------------------------------------- */

static void put_refused(const char *why, fed_bytes *body, bool last)
{
    fed_error err;
    uint32_t member;
    fed_status status = fed_secagg_server_join(
        c.server, (fed_span){body->data, body->len}, 1800000000, &member, NULL, &err);
    CHECK_MSG(status == FED_E_FORMAT || status == FED_E_AUTH || status == FED_E_REFUSED,
              "%s: %s", why, fed_status_name(status));
    fed_bytes_printf(&json, "    {\"why\": \"%s\", \"status\": \"%s\",\n     ", why,
                     fed_status_name(status));
    put_hex("\"body\": \"", body->data, body->len, last ? "\"}\n" : "\"},\n");
}

static void test_negative(void)
{
    static const struct {
        const char *why;
        size_t at;
    } flips[] = {{"magic", 0},
                 {"version", 4},
                 {"type", 5},
                 {"reserved bytes", 6},
                 {"cohort", 8},
                 {"parameters hash", 40},
                 {"update id", 72},
                 {"certificate magic", 88},
                 {"device key", 92},
                 {"expiry", 124},
                 {"certificate signature", 132},
                 {"share key", 196},
                 {"mask key", 228},
                 {"commitment", 260},
                 {"signature", 292}};
    fed_error err;
    fed_bytes body;
    begin("join messages that must be refused: the first is good, each other has one "
          "change");
    cohort_init(&c, 4, FED_SECAGG_ACTIVE, 1000);
    put_params();
    fed_bytes_init(&body, 4096);
    CHECK_OK(cohort_message(&c, 0, &body, &err), &err);
    put_hex("  \"good\": \"", body.data, body.len, "\",\n  \"now_s\": 1800000000,\n");
    fed_bytes_put_text(&json, "  \"refused\": [\n");
    for (size_t i = 0; i < sizeof flips / sizeof *flips; i++) {
        body.data[flips[i].at] ^= 1;
        put_refused(flips[i].why, &body, false);
        body.data[flips[i].at] ^= 1;
    }
    body.len--;
    put_refused("a byte short", &body, false);
    body.len++;
    fed_bytes_put_u8(&body, 0);
    put_refused("a byte long", &body, true);
    fed_bytes_put_text(&json, "  ]\n}\n");
    fed_bytes_fini(&body);
    cohort_fini(&c);
    check_file("negative.json");
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_masks), CASE(test_shamir),
                                     CASE(test_active_transcript),
                                     CASE(test_sparse_transcript), CASE(test_negative)};
    return fed_run("secagg_vectors", cases, sizeof cases / sizeof *cases);
}
