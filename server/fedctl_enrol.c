/* fedctl enrol: the enrolment desk. A folder remembers which tokens are out and which are
 * used; the key stays wherever the desk is, which need not be near the server. */
#include "fedctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto.h"
#include "secagg.h"

static struct {
    const char *desk;
    uint64_t count, days;
} opt = {.count = 1, .days = 365};

#define OPT_DESK                                                                         \
    FED_OPT_REQUIRED("desk", 0, "DIR", &opt.desk, "folder that remembers the tokens")

const fed_option fed_ctl_enrol_tokens_options[] = {
    OPT_DESK, FED_OPT_U64("count", 'n', "N", &opt.count, 1, 1000000, "how many tokens"),
    FED_OPT_END};

const fed_option fed_ctl_enrol_sign_options[] = {
    OPT_DESK,
    FED_OPT_REQUIRED("key", 'k', "FILE", &fed_ctl.key, "the enrolment key, private"),
    FED_OPT_REQUIRED("out", 'o', "FILE", &fed_ctl.out, "where the certificate goes"),
    FED_OPT_U64("expires-days", 0, "N", &opt.days, 1, 36500, "how long it is good"),
    FED_OPT_END};

enum { PATH_BYTES = 4096, REQUESTS_MAX = 64 << 20 };

/* The desk keeps the hash of a token, never the token. */
static fed_status token_path(const uint8_t token[FED_TOKEN_BYTES], const char *ending,
                             char path[PATH_BYTES], fed_error *err)
{
    uint8_t hash[FED_SHA256_BYTES];
    char hex[2 * FED_SHA256_BYTES + 1];
    FED_TRY(fed_sha256(token, FED_TOKEN_BYTES, hash, err));
    fed_hex_encode(hex, hash, sizeof hash);
    int n = snprintf(path, PATH_BYTES, "%s/%s.%s", opt.desk, hex, ending);
    if (n >= 0 && n < PATH_BYTES) return FED_OK;
    return fed_fail(err, FED_E_INVALID, "--desk: a path of %zu characters",
                    strlen(opt.desk));
}

static fed_status make_token(uint64_t number, fed_error *err)
{
    char path[PATH_BYTES];
    uint8_t token[FED_TOKEN_BYTES];
    fed_bytes line;
    fed_random random = fed_random_system();
    FED_TRY(fed_random_fill(&random, "enrolment token", number, token, sizeof token));
    FED_TRY(token_path(token, "open", path, err));
    FED_TRY(fed_file_write(path, (fed_span){(const uint8_t *)"open\n", 5}, 0600,
                           FED_FILE_KEEP, err));
    fed_bytes_init(&line, FED_ENROLMENT_LINE_MAX);
    fed_status status = fed_token_write(token, &line, err);
    if (!status) fwrite(line.data, 1, line.len, stdout);
    fed_bytes_wipe(&line);
    fed_wipe(token, sizeof token);
    return status;
}

fed_status fed_ctl_enrol_tokens(const fed_operands *operands, fed_error *err)
{
    (void)operands;
    if (mkdir(opt.desk, 0700) && errno != EEXIST)
        return fed_fail(err, FED_E_IO, "--desk: %s: %s", opt.desk, strerror(errno));
    for (uint64_t i = 0; i < opt.count; i++)
        FED_TRY(make_token(i, err));
    return FED_OK;
}

/* A token is used up by renaming its file, which only one can do. The device that used it may
 * ask again: its certificate may have been lost on the way. */
static fed_status use_token(const uint8_t token[FED_TOKEN_BYTES],
                            const uint8_t device_key[32], fed_error *err)
{
    char open_path[PATH_BYTES], used_path[PATH_BYTES];
    fed_bytes before;
    fed_span key = {device_key, 32};
    FED_TRY(token_path(token, "open", open_path, err));
    FED_TRY(token_path(token, "used", used_path, err));
    if (rename(open_path, used_path) == 0)
        return fed_file_write(used_path, key, 0600, FED_FILE_REPLACE, err);
    fed_bytes_init(&before, 64);
    fed_status status = fed_file_read(used_path, &before, NULL);
    bool same = !status && before.len == 32 && memcmp(before.data, device_key, 32) == 0;
    fed_bytes_fini(&before);
    if (same) return FED_OK;
    return fed_fail(err, FED_E_REFUSED,
                    status ? "token: this desk did not give it out"
                           : "token: another device has used it");
}

/* One request in, one certificate out. */
static fed_status answer_request(fed_span line, const uint8_t seed[32], fed_bytes *out,
                                 fed_error *err)
{
    uint8_t token[FED_TOKEN_BYTES];
    fed_certificate certificate = {.expires_s = fed_clock_wall_ms() / 1000 +
                                                (int64_t)opt.days * 86400};
    FED_TRY(fed_enrolment_request_read(line, token, certificate.device_key, err));
    FED_TRY(use_token(token, certificate.device_key, err));
    FED_TRY(fed_certificate_sign(&certificate, seed, err));
    return fed_certificate_write(&certificate, out, err);
}

static fed_status answer_requests(fed_span text, const uint8_t seed[32], fed_bytes *out,
                                  fed_error *err)
{
    size_t at = 0;
    for (unsigned number = 1; at < text.len; number++) {
        const uint8_t *end = memchr(text.data + at, '\n', text.len - at);
        size_t n = end ? (size_t)(end - text.data) - at : text.len - at;
        fed_status status = answer_request((fed_span){text.data + at, n}, seed, out, err);
        if (status) return fed_fail_in(err, status, "line %u", number);
        at += n + 1;
    }
    return FED_OK;
}

fed_status fed_ctl_enrol_sign(const fed_operands *operands, fed_error *err)
{
    uint8_t seed[32];
    fed_bytes requests, out;
    FED_TRY(fed_ctl_read_key(fed_ctl.key, FED_KEY_PRIVATE, seed, err));
    fed_bytes_init(&requests, REQUESTS_MAX);
    fed_bytes_init(&out, REQUESTS_MAX);
    fed_status status = fed_file_read(operands->items[0], &requests, err);
    if (!status)
        status = fed_fail_in(
            err,
            answer_requests((fed_span){requests.data, requests.len}, seed, &out, err),
            "%s", operands->items[0]);
    if (!status)
        status = fed_file_write(fed_ctl.out, (fed_span){out.data, out.len}, 0644,
                                FED_FILE_REPLACE, err);
    fed_wipe(seed, sizeof seed);
    fed_bytes_wipe(&requests);
    fed_bytes_fini(&out);
    return status;
}
