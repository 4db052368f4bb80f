/*
 * Where secrets end up: a federation of real processes under masks, logging all it can, is
 * searched again and again while it runs, and once it has stopped. Nothing that a device must
 * keep to itself may lie on the server's disk, in a log, or on the device's own disk unsealed.
 *
 * What is looked for is known in two ways. The devices are the seeded ones, so the test draws
 * the same secret bytes as they do. And each device is stopped now and then, its folder
 * copied, and the copy unsealed with the key in it: that gives updates, residuals and the
 * parties of cohorts, in every phase. That they are the real ones shows at the server, which
 * holds the public halves of the derived keys.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "crypto.h"
#include "federation.h"
#include "keep.h"
#include "keys.h"
#include "model.h"
#include "needles.h"
#include "secagg.h"
#include "seeded.h"
#include "shamir.h"
#include "task.h"
#include "wire.h"

enum {
    DEVICES = 5,
    VERSIONS = 200, /* more than will be made */
    DRAWS = 2000,   /* that a device may have made of one kind */
    UPDATES = 8,    /* of each device, that must have been looked for */
    TIME_MS = 90000
};

static const char plan[] =
    "{\"format\":\"fed-plan/"
    "1\",\"name\":\"secrets\",\"model\":{\"input\":{\"shape\":[20]}"
    ",\"layers\":[{\"op\":\"linear\",\"units\":64,\"activation\":\"relu\"},"
    "{\"op\":\"linear\",\"units\":4}],\"loss\":\"softmax_cross_entropy\"},"
    "\"train\":{\"lr\":0.1,\"batch\":5,\"epochs\":2},"
    "\"update\":{\"select\":\"voted\",\"fraction\":0.5,\"block\":8,\"bits\":8,"
    "\"residual\":true},"
    "\"secagg\":{\"enabled\":true,\"adversary\":\"active\",\"corrupt\":0.0,"
    "\"dropout\":0.2},"
    "\"rounds\":{\"count\":200,\"cohort\":5,\"over_select\":1.0,\"deadline_s\":60,"
    "\"phase_s\":60}}";

/** What is known of one device. */
typedef struct subject {
    fed_seeded secret;
    uint8_t master[32]; /* of the newest cohort seen */
    uint8_t update[32]; /* digest of the newest update seen */
    unsigned updates, cohorts;
    bool public_seen;        /* at the server: its public keys of a cohort */
    fed_needles public_keys; /* of all cohorts seen */
} subject;

typedef struct scene {
    fed_federation f;
    subject subjects[DEVICES];
    fed_needles secrets;
    fed_task *task;
    unsigned passes;
} scene;

static void path_in(const scene *s, const char *name, char path[FED_PATH_MAX])
{
    snprintf(path, FED_PATH_MAX, "%s/%s", s->f.folder, name);
}

/* ---- looking ----------------------------------------------------------------------------- */

static void look_in(scene *s, const char *name, fed_haystack which)
{
    char path[FED_PATH_MAX];
    path_in(s, name, path);
    size_t found = fed_needles_search(&s->secrets, path, which);
    CHECK_MSG(!found, "%s in %s (%zu files)", s->secrets.found, s->secrets.where, found);
}

static void look_everywhere(scene *s)
{
    look_in(s, "server", FED_AT_SERVER);
    look_in(s, "devices", FED_AT_DEVICES);
    look_in(s, "desk", FED_ANYWHERE);
    look_in(s, "server.log", FED_IN_LOGS);
    look_in(s, "devices.log", FED_IN_LOGS);
    s->passes++;
}

/* The server has every right to the public keys, so there the search must find something. */
static void look_for_public_keys(scene *s)
{
    char path[FED_PATH_MAX];
    path_in(s, "server", path);
    for (int i = 0; i < DEVICES; i++) {
        subject *d = &s->subjects[i];
        if (!d->public_seen && d->public_keys.n)
            d->public_seen = fed_needles_search(&d->public_keys, path, FED_AT_SERVER) > 0;
    }
}

/* ---- what is known from the seeds --------------------------------------------------------- */

static void add_draws(scene *s, const subject *d, const char *purpose, uint64_t n)
{
    uint8_t drawn[32];
    fed_random random = fed_seeded_random(&d->secret);
    for (uint64_t i = 0; i < n; i++)
        if (CHECK(!fed_random_fill(&random, purpose, i, drawn, sizeof drawn)))
            fed_needles_add(&s->secrets, purpose, FED_ANYWHERE, drawn, sizeof drawn);
}

static void add_seeds(scene *s)
{
    for (unsigned i = 0; i < DEVICES; i++) {
        subject *d = &s->subjects[i];
        fed_seeded_device_seed(s->f.seed, i, d->secret.seed);
        fed_needles_add(&s->secrets, "identity", FED_ANYWHERE, d->secret.seed, 32);
        add_draws(s, d, "update rounding", VERSIONS);
        add_draws(s, d, "secagg", DRAWS);
    }
}

/* ---- what is known from files ------------------------------------------------------------- */

static bool read_file(const char *path, fed_bytes *out)
{
    fed_error err;
    fed_bytes_init(out, 1 << 24);
    return CHECK_OK(fed_durable_read(path, 1 << 24, out, &err), &err);
}

static void add_private_key(scene *s, const char *file, const char *name,
                            unsigned banned_from)
{
    char path[FED_PATH_MAX];
    fed_error err;
    fed_bytes text;
    uint8_t seed[32];
    path_in(s, file, path);
    if (read_file(path, &text) &&
        CHECK_OK(
            fed_keyfile_get(FED_KEY_PRIVATE, (fed_span){text.data, text.len}, seed, &err),
            &err))
        fed_needles_add(&s->secrets, name, banned_from, seed, sizeof seed);
    fed_bytes_fini(&text);
}

/* Used by now; where the desk wrote them for the devices, the search must find them. */
static void add_tokens(scene *s)
{
    char path[FED_PATH_MAX];
    fed_error err;
    fed_bytes text;
    uint8_t token[FED_TOKEN_BYTES];
    unsigned tokens = 0;
    path_in(s, "tokens", path);
    CHECK(read_file(path, &text));
    for (size_t at = 0; at < text.len; tokens++) {
        const uint8_t *end = memchr(text.data + at, '\n', text.len - at);
        size_t n = end ? (size_t)(end - text.data) - at : text.len - at;
        if (CHECK_OK(fed_token_read((fed_span){text.data + at, n}, token, &err), &err))
            fed_needles_add(&s->secrets, "token", FED_ANYWHERE, token, sizeof token);
        at += n + 1;
    }
    CHECK_EQ(tokens, DEVICES);
    CHECK_EQ(fed_needles_search(&s->secrets, path, FED_AT_DEVICES), 1);
    CHECK(s->secrets.found && strcmp(s->secrets.found, "token") == 0);
    fed_bytes_fini(&text);
}

/* ---- what is known from a device's state -------------------------------------------------- */

static void copy_file(const char *from, const char *to, const char *name)
{
    char source[FED_PATH_MAX], target[FED_PATH_MAX];
    fed_bytes bytes;
    fed_error err;
    if (!CHECK(snprintf(source, sizeof source, "%s/%s", from, name) < FED_PATH_MAX) ||
        !CHECK(snprintf(target, sizeof target, "%s/%s", to, name) < FED_PATH_MAX))
        return;
    if (read_file(source, &bytes))
        CHECK_OK(fed_durable_write(target, (fed_span){bytes.data, bytes.len}, &err),
                 &err);
    fed_bytes_fini(&bytes);
}

static void copy_folder(const char *from, const char *to)
{
    const struct dirent *file;
    fed_error err;
    DIR *folder = opendir(from);
    CHECK_OK(fed_folder_create(to, &err), &err);
    while (CHECK(folder) && (file = readdir(folder))) {
        if (file->d_name[0] == '.' || strcmp(file->d_name, "lock") == 0) continue;
        copy_file(from, to, file->d_name);
    }
    if (folder) closedir(folder);
}

/* As a crash at this moment would leave it. */
static bool copy_state(scene *s, unsigned i, char copy[FED_PATH_MAX])
{
    char state[FED_PATH_MAX], name[64];
    int status;
    snprintf(name, sizeof name, "devices/client%03u", i);
    path_in(s, name, state);
    path_in(s, "copy", copy);
    kill(s->f.clients[i], SIGSTOP);
    if (!CHECK(waitpid(s->f.clients[i], &status, WUNTRACED) == s->f.clients[i] &&
               WIFSTOPPED(status)))
        return false;
    copy_folder(state, copy);
    kill(s->f.clients[i], SIGCONT);
    return true;
}

/* False when there is no such record at this moment. */
static bool get(fed_keep *keep, const char *key, fed_bytes *out)
{
    fed_error err;
    fed_journal journal = fed_keep_journal(keep);
    fed_bytes_init(out, 1 << 24);
    fed_status status = journal.get(journal.ctx, key, out, &err);
    CHECK_MSG(!status || status == FED_E_NOT_FOUND, "%s: %s", key, err.text);
    return !status;
}

static void take_identity(scene *s, const subject *d, fed_keep *keep)
{
    fed_bytes b;
    if (CHECK(get(keep, "device/secrets", &b)) && CHECK_EQ(b.len, 64))
        CHECK_MEM(b.data, d->secret.seed, 32);
    CHECK(fed_needles_are_in(&s->secrets, (fed_span){b.data, b.len}, FED_AT_DEVICES));
    fed_bytes_wipe(&b);
}

static void take_task(scene *s, fed_keep *keep)
{
    fed_bytes b;
    fed_reader r;
    fed_error err;
    fed_task_document document;
    if (!s->task && get(keep, "session/task", &b)) {
        fed_reader_init(&r, b.data, b.len);
        fed_span text = fed_reader_block(&r, FED_TASK_DOCUMENT_MAX);
        fed_span resolved = fed_reader_block(&r, FED_PLAN_BYTES_MAX);
        text.len -= FED_ED25519_SIGNATURE;
        if (CHECK_OK(fed_reader_finish(&r), NULL) &&
            CHECK_OK(fed_task_document_get(text, &document, &err), &err))
            CHECK_OK(fed_task_parse(&s->task, resolved, FED_PLAN_RESOLVED, document.seed,
                                    &err),
                     &err);
        fed_bytes_fini(&b);
    }
}

/* What would be sent were there no masks. */
static void add_rings(scene *s, fed_span update, fed_span round_bytes, uint64_t version)
{
    fed_error err;
    fed_codec_round *round = NULL;
    fed_ring rings[FED_CODEC_VECTORS_MAX];
    size_t n = 0;
    if (!CHECK_OK(fed_task_read_round(s->task, round_bytes, version, &round, &err), &err))
        return;
    CHECK_OK(fed_task_update_rings(s->task, round, update, rings, &n, &err), &err);
    while (n) {
        fed_ring *ring = &rings[--n];
        fed_bytes packed;
        fed_bytes_init(&packed, 1 << 24);
        uint8_t *at =
            fed_bytes_extend(&packed, fed_ring_packed_bytes(ring->bits, ring->n));
        if (CHECK(at)) fed_ring_pack(ring, at);
        if (packed.len >= 256) /* not the few numbers beside the update */
            fed_needles_add(&s->secrets, "unmasked vector", FED_ANYWHERE, packed.data,
                            packed.len);
        fed_bytes_fini(&packed);
        fed_ring_fini(ring);
    }
    fed_codec_round_free(round);
}

static void take_update(scene *s, subject *d, fed_keep *keep, uint64_t version)
{
    fed_bytes b;
    fed_reader r;
    uint8_t digest[32];
    if (!get(keep, "session/update", &b)) return;
    fed_reader_init(&r, b.data, b.len);
    fed_span update = fed_reader_block(&r, SIZE_MAX);
    fed_span residual = fed_reader_block(&r, SIZE_MAX);
    fed_span round = fed_reader_take(&r, fed_reader_left(&r));
    CHECK_OK(fed_sha256(update.data, update.len, digest, NULL), NULL);
    if (memcmp(digest, d->update, sizeof digest) != 0) {
        memcpy(d->update, digest, sizeof digest);
        d->updates++;
        fed_needles_add(&s->secrets, "update", FED_ANYWHERE, update.data, update.len);
        fed_needles_add(&s->secrets, "residual", FED_ANYWHERE, residual.data,
                        residual.len);
        add_rings(s, update, round, version);
        CHECK(fed_needles_are_in(&s->secrets, (fed_span){b.data, b.len}, FED_AT_DEVICES));
    }
    fed_bytes_wipe(&b);
}

/* Whatever the threshold: at most one of them is right, and the others are harmless. Shares
 * of the self mask are the server's to see, since nobody drops out. */
static void add_shares(scene *s, const fed_secagg_secrets *k)
{
    uint32_t points[DEVICES];
    uint8_t shares[DEVICES * FED_SHAMIR_SHARE];
    for (uint32_t i = 0; i < DEVICES; i++)
        points[i] = i + 1;
    for (uint32_t t = 2; t <= DEVICES; t++)
        for (int kind = 0; kind < 2; kind++) {
            CHECK(!fed_shamir_share(kind ? k->self_seed : k->mask_secret,
                                    kind ? k->seed_shares_key : k->mask_shares_key, t,
                                    points, DEVICES, shares, NULL));
            for (uint32_t i = 0; i < DEVICES; i++)
                fed_needles_add(&s->secrets, kind ? "share of a self mask" : "share",
                                kind ? FED_AT_DEVICES | FED_IN_LOGS : FED_ANYWHERE,
                                shares + i * FED_SHAMIR_SHARE, FED_SHAMIR_SHARE);
        }
}

static void add_cohort(scene *s, subject *d, const uint8_t cohort[32])
{
    fed_secagg_secrets k;
    uint8_t share_key[32], mask_key[32];
    const struct {
        const uint8_t *bytes;
        const char *name;
    } secrets[] = {{k.share_secret, "X25519 key for shares"},
                   {k.mask_secret, "X25519 key for masks"},
                   {k.self_seed, "self mask"},
                   {k.pick_key, "key of picks"},
                   {k.mask_shares_key, "key of shares"},
                   {k.seed_shares_key, "key of shares"}};
    if (!CHECK(!fed_secagg_secrets_derive(d->master, cohort, &k, NULL))) return;
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        fed_needles_add(&s->secrets, secrets[i].name, FED_ANYWHERE, secrets[i].bytes, 32);
    add_shares(s, &k);
    CHECK(!fed_x25519_public(k.share_secret, share_key, NULL));
    CHECK(!fed_x25519_public(k.mask_secret, mask_key, NULL));
    fed_needles_add(&d->public_keys, "public key", FED_AT_SERVER, share_key, 32);
    fed_needles_add(&d->public_keys, "public key", FED_AT_SERVER, mask_key, 32);
    d->cohorts++;
}

/* The party's state begins with a mark, a hash, its phase and a reason; then the 32 bytes that
 * it drew, from which all else follows. */
static void take_party(scene *s, subject *d, fed_keep *keep, const uint8_t cohort[32])
{
    fed_bytes b;
    fed_reader r;
    uint8_t master[32];
    if (!get(keep, "session/party", &b)) return;
    fed_reader_init(&r, b.data, b.len);
    fed_reader_take(&r, 4 + 32 + 1);
    fed_reader_block(&r, 256);
    fed_reader_copy(&r, master, sizeof master);
    if (CHECK(!r.failed) && memcmp(master, d->master, sizeof master) != 0) {
        memcpy(d->master, master, sizeof master);
        CHECK_MSG(fed_needles_are_in(&s->secrets, (fed_span){master, sizeof master},
                                     FED_AT_DEVICES),
                  "the device drew other secrets than the test");
        add_cohort(s, d, cohort);
    }
    fed_bytes_wipe(&b);
}

/* A device at this moment, as it would be found after a crash. */
static void take_state(scene *s, unsigned i)
{
    char copy[FED_PATH_MAX];
    uint8_t cohort[32];
    fed_error err;
    fed_bytes progress;
    fed_reader r;
    fed_keep *keep = NULL;
    fed_keep_config config = {.folder = copy, .random = fed_random_system()};
    if (!copy_state(s, i, copy)) return;
    if (CHECK_OK(fed_keep_open(&keep, &config, &err), &err)) {
        take_identity(s, &s->subjects[i], keep);
        take_task(s, keep);
        if (s->task && get(keep, "session/progress", &progress)) {
            fed_reader_init(&r, progress.data, progress.len);
            fed_reader_take(&r, 5); /* version, state, phase, spent, accepted */
            uint64_t version = fed_reader_u64(&r);
            fed_reader_take(&r, 32 + 32 + FED_UPDATE_ID_BYTES); /* model, round, update */
            fed_reader_copy(&r, cohort, sizeof cohort);
            take_update(s, &s->subjects[i], keep, version);
            take_party(s, &s->subjects[i], keep, cohort);
            fed_bytes_fini(&progress);
        }
    }
    fed_keep_close(keep);
    fed_folder_remove(copy);
}

/* ---- the run ------------------------------------------------------------------------------ */

static bool is_enough(const scene *s)
{
    for (int i = 0; i < DEVICES; i++)
        if (s->subjects[i].updates < UPDATES || s->subjects[i].cohorts < UPDATES ||
            !s->subjects[i].public_seen)
            return false;
    return fed_federation_number((fed_federation *)&s->f, "version") > 2;
}

static void watch(scene *s)
{
    int64_t end = fed_clock_monotonic_ms() + TIME_MS;
    while (!is_enough(s) && fed_clock_monotonic_ms() < end) {
        for (unsigned i = 0; i < DEVICES; i++)
            take_state(s, i);
        look_everywhere(s);
        look_for_public_keys(s);
    }
    for (unsigned i = 0; i < DEVICES; i++) {
        const subject *d = &s->subjects[i];
        CHECK_MSG(d->updates >= UPDATES && d->cohorts >= UPDATES && d->public_seen,
                  "device %u: %u updates and %u cohorts seen; public keys %s the server",
                  i, d->updates, d->cohorts, d->public_seen ? "at" : "not at");
    }
    CHECK(fed_federation_number(&s->f, "version") > 2);
}

static void stop_all(scene *s)
{
    int code = -1;
    for (unsigned i = 0; i < DEVICES; i++)
        kill(s->f.clients[i], SIGTERM);
    kill(s->f.server, SIGTERM);
    for (unsigned i = 0; i < DEVICES; i++) {
        if (CHECK(fed_process_wait(s->f.clients[i], 20000, &code))) s->f.clients[i] = 0;
        CHECK_EQ(code, 0);
    }
    if (CHECK(fed_process_wait(s->f.server, 20000, &code))) s->f.server = 0;
    CHECK_EQ(code, 0);
}

/* The search can fail: it sees what is planted, in any form, where it is not allowed. */
static void plant(scene *s, const char *name, fed_haystack which, const char *what,
                  const void *bytes, size_t n)
{
    char path[FED_PATH_MAX];
    path_in(s, name, path);
    FILE *file = fopen(path, "abe");
    if (!CHECK(file)) return;
    CHECK(fputs("planted: ", file) >= 0 && fwrite(bytes, 1, n, file) == n);
    CHECK(fclose(file) == 0);
    CHECK_EQ(fed_needles_search(&s->secrets, path, which), 1);
    CHECK_STR(s->secrets.found, what);
}

static void check_the_search_finds(scene *s)
{
    char digits[65];
    const uint8_t *seed = s->subjects[2].secret.seed, *master = s->subjects[3].master;
    plant(s, "server/planted", FED_AT_SERVER, "identity", seed, 32);
    fed_hex_encode(digits, seed, 32);
    plant(s, "server.log", FED_IN_LOGS, "identity", digits, 64);
    fed_hex_encode(digits, master, 32);
    for (int i = 0; i < 64; i++)
        if (digits[i] >= 'a') digits[i] = (char)(digits[i] - 'a' + 'A');
    plant(s, "devices.log", FED_IN_LOGS, "secagg", digits, 64);
    plant(s, "devices/planted", FED_AT_DEVICES, "secagg", master + 16, 16);
}

static void test_secrets_stay_at_home(void)
{
    static scene s = {.f = {.plan = plan,
                            .data = "synthetic:gaussian?dims=20&classes=4&rows=400",
                            .partition = "iid",
                            .devices = DEVICES,
                            .seed = 9,
                            .enrolled = true,
                            .log_level = "debug"}};
    if (fed_federation_begin(&s.f) && fed_federation_create_task(&s.f)) {
        add_tokens(&s);
        add_private_key(&s, "operator.key", "operator's key", FED_ANYWHERE);
        add_private_key(&s, "enrolment.key", "enrolment key", FED_ANYWHERE);
        add_private_key(&s, "server/server.key", "server's key",
                        FED_AT_DEVICES | FED_IN_LOGS);
        add_seeds(&s);
        for (unsigned i = 0; i < DEVICES; i++)
            CHECK(fed_federation_start_device(&s.f, i));
        watch(&s);
        stop_all(&s);
        look_everywhere(&s);
        fed_note(
            "%zu needles, %u searches, %.1f MB; %u updates and %u cohorts of a device",
            s.secrets.n, s.passes, (double)s.secrets.searched / 1e6,
            s.subjects[0].updates, s.subjects[0].cohorts);
        check_the_search_finds(&s);
    }
    fed_federation_end(&s.f);
    fed_task_free(s.task);
    fed_needles_fini(&s.secrets);
    for (int i = 0; i < DEVICES; i++)
        fed_needles_fini(&s.subjects[i].public_keys);
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_secrets_stay_at_home)};
    return fed_run("secrets", cases, sizeof cases / sizeof *cases);
}
