/* The encrypted folder: all or none under kill -9, and every kind of damage named. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "keep.h"

enum { BIG = 100000, KILLS = 60 };

static char folder[FED_FOLDER_MAX];

static void begin(void)
{
    fed_folder_make(folder);
}

static void end(void)
{
    fed_folder_remove(folder);
}

static fed_keep_config config_here(void)
{
    return (fed_keep_config){.folder = folder, .random = fed_random_system()};
}

static fed_keep *open_here(void)
{
    fed_error err;
    fed_keep *k = NULL;
    fed_keep_config config = config_here();
    CHECK_OK(fed_keep_open(&k, &config, &err), &err);
    return k;
}

/* Store `n` bytes of `value` under `key`, or erase it when n is 0. */
static fed_status put(fed_keep *k, const char *key, uint8_t value, size_t n,
                      fed_error *err)
{
    fed_outbox o;
    uint8_t *bytes = malloc(n + 1);
    memset(bytes, value, n);
    fed_outbox_init(&o);
    fed_status status =
        n ? fed_outbox_store(&o, key, bytes, n) : fed_outbox_erase(&o, key);
    if (!status) status = fed_keep_apply(k, &o, err);
    fed_outbox_fini(&o);
    free(bytes);
    return status;
}

static void check_value(fed_keep *k, const char *key, uint8_t value, size_t n)
{
    fed_error err;
    fed_bytes out;
    fed_journal j = fed_keep_journal(k);
    fed_bytes_init(&out, 1 << 20);
    CHECK_OK(j.get(j.ctx, key, &out, &err), &err);
    CHECK_EQ(out.len, n);
    for (size_t i = 0; i < out.len; i++)
        if (out.data[i] != value && !CHECK_EQ(out.data[i], value)) break;
    fed_bytes_fini(&out);
}

static unsigned count_files(void)
{
    char command[FED_FOLDER_MAX + 20];
    unsigned n = 0;
    snprintf(command, sizeof command, "ls %s | wc -l", folder);
    FILE *p = popen(command, "r");
    if (p && fscanf(p, "%u", &n) != 1) n = 0;
    if (p) pclose(p);
    return n;
}

/* ---- what it is for ---------------------------------------------------------------------- */

static fed_status gather_keys(void *arg, const char *key, fed_span value, fed_error *err)
{
    char *text = arg;
    (void)err;
    snprintf(text + strlen(text), 200 - strlen(text), "%s=%zu ", key, value.len);
    return FED_OK;
}

static void test_records(void)
{
    fed_error err;
    char seen[200] = "";
    begin();
    fed_keep *k = open_here();
    CHECK_OK(put(k, "b/small", 1, 10, &err), &err);
    CHECK_OK(put(k, "a/big", 2, BIG, &err), &err);
    CHECK_OK(put(k, "b/inline", 3, FED_KEEP_INLINE_MAX, &err), &err);
    CHECK_OK(put(k, "a/gone", 4, BIG, &err), &err);
    CHECK_OK(put(k, "a/gone", 0, 0, &err), &err);
    CHECK_OK(put(k, "a/big", 5, BIG + 1, &err), &err);
    fed_keep_close(k);
    k = open_here();
    check_value(k, "b/small", 1, 10);
    check_value(k, "a/big", 5, BIG + 1);
    check_value(k, "b/inline", 3, FED_KEEP_INLINE_MAX);
    fed_journal j = fed_keep_journal(k);
    CHECK_OK(j.scan(j.ctx, "b/", gather_keys, seen, &err), &err);
    CHECK_STR(seen, "b/inline=16384 b/small=10 ");
    fed_bytes out;
    fed_bytes_init(&out, 100);
    CHECK_FAILS(j.get(j.ctx, "a/gone", &out, &err), FED_E_NOT_FOUND, &err, "a/gone");
    CHECK_FAILS(j.get(j.ctx, "a/big", &out, &err), FED_E_LIMIT, &err, "");
    CHECK_EQ(out.len, 0);
    fed_bytes_fini(&out);
    fed_keep_close(k);
    CHECK_EQ(count_files(), 4); /* key, lock, manifest, one record */
    end();
}

/* Nothing of the plaintext is in any file. */
static void test_sealed(void)
{
    fed_error err;
    char command[2 * FED_FOLDER_MAX + 100];
    begin();
    fed_keep *k = open_here();
    CHECK_OK(put(k, "session/name", 'q', 64, &err), &err);
    CHECK_OK(put(k, "session/large", 'q', BIG, &err), &err);
    fed_keep_close(k);
    snprintf(command, sizeof command,
             "grep -rqa -e qqqqqqqq -e session/ %s && exit 3; test \"$(stat -c %%a "
             "%s/key)\" = 600",
             folder, folder);
    CHECK_EQ(system(command), 0);
    end();
}

static void test_lock(void)
{
    fed_error err;
    fed_keep *second = NULL;
    begin();
    fed_keep *k = open_here();
    fed_keep_config config = config_here();
    CHECK_FAILS(fed_keep_open(&second, &config, &err), FED_E_EXISTS, &err,
                "another process");
    fed_keep_close(k);
    k = open_here();
    fed_keep_close(k);
    end();
}

/* ---- kill -9 ------------------------------------------------------------------------------ */

static void put_number(fed_outbox *o, const char *key, uint32_t number, size_t n)
{
    fed_bytes b;
    fed_bytes_init(&b, 1 << 20);
    fed_bytes_put_u32(&b, number);
    while (b.len < n)
        fed_bytes_put_u8(&b, (uint8_t)number);
    (void)fed_outbox_store_taken(o, key, &b);
}

/* Write changes of several records, large and small, each with the same number in all of
 * them, until killed. */
static void write_for_ever(uint32_t number)
{
    fed_keep *k = open_here();
    for (; k; number++) {
        fed_outbox o;
        fed_outbox_init(&o);
        put_number(&o, "small", number, 100);
        put_number(&o, "big", number, BIG);
        put_number(&o, number % 2 ? "odd" : "even", number, 40000);
        (void)fed_outbox_erase(&o, number % 2 ? "even" : "odd");
        if (fed_keep_apply(k, &o, NULL)) _exit(1);
        fed_outbox_fini(&o);
    }
    _exit(2);
}

static uint32_t read_number(fed_keep *k, const char *key, size_t n)
{
    fed_bytes out;
    fed_journal j = fed_keep_journal(k);
    fed_bytes_init(&out, 1 << 20);
    fed_status status = j.get(j.ctx, key, &out, NULL);
    uint32_t number = status || out.len != n ? UINT32_MAX : fed_load_u32(out.data);
    for (size_t i = 4; number != UINT32_MAX && i < n; i++)
        if (out.data[i] != (uint8_t)number) number = UINT32_MAX - 1;
    if (status == FED_E_NOT_FOUND) number = 0;
    fed_bytes_fini(&out);
    return number;
}

static void test_kills(void)
{
    uint32_t number = 0, lives = 0;
    begin();
    fed_stream s;
    uint8_t key[32];
    fed_seed_from_u64(key, (uint64_t)getpid());
    fed_stream_init(&s, key, FED_PURPOSE_TEST, 3);
    for (int i = 0; i < KILLS; i++) {
        pid_t child = fork();
        if (!child) write_for_ever(number + 1);
        struct timespec t = {0, fed_stream_below(&s, 60) * 1000000L};
        nanosleep(&t, NULL);
        int how = 0;
        kill(child, SIGKILL);
        waitpid(child, &how, 0);
        CHECK(WIFSIGNALED(how));
        fed_keep *k = open_here();
        uint32_t now = read_number(k, "small", 100);
        CHECK_MSG(now >= number && now < UINT32_MAX - 1, "%u after %u", now, number);
        CHECK_EQ(read_number(k, "big", BIG), now);
        if (now) {
            CHECK_EQ(read_number(k, now % 2 ? "odd" : "even", 40000), now);
            CHECK_EQ(read_number(k, now % 2 ? "even" : "odd", 40000), 0);
            CHECK_EQ(count_files(), 5);
        }
        lives += now > number;
        number = now;
        fed_keep_close(k);
    }
    fed_note("%u changes in %d lives, %u of which changed something", number, KILLS,
             lives);
    CHECK(lives > KILLS / 4);
    end();
}

/* ---- damage -------------------------------------------------------------------------------- */

typedef enum damage { FLIP, CUT, GROW, REMOVE, EMPTY } damage;

static void do_damage(const char *name, damage how)
{
    char path[FED_FOLDER_MAX + 64];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (how == REMOVE) {
        CHECK_EQ(unlink(path), 0);
        return;
    }
    if (!CHECK_EQ(stat(path, &info), 0)) return;
    if (how == CUT) CHECK_EQ(truncate(path, info.st_size - 1), 0);
    if (how == EMPTY) CHECK_EQ(truncate(path, 0), 0);
    if (how == GROW) CHECK_EQ(truncate(path, info.st_size + 1), 0);
    if (how != FLIP) return;
    uint8_t byte = 0;
    int fd = open(path, O_RDWR);
    CHECK(pread(fd, &byte, 1, info.st_size / 2) == 1);
    byte ^= 1;
    CHECK(pwrite(fd, &byte, 1, info.st_size / 2) == 1);
    close(fd);
}

static void make_folder(void)
{
    fed_error err;
    begin();
    fed_keep *k = open_here();
    CHECK_OK(put(k, "big", 7, BIG, &err), &err); /* r-0000000000000001 */
    fed_keep_close(k);
}

static void test_damaged_parts(void)
{
    static const struct {
        const char *file;
        damage how;
        const char *part;
    } cases[] = {{"manifest", FLIP, "manifest"},
                 {"manifest", CUT, "manifest"},
                 {"manifest", GROW, "manifest"},
                 {"manifest", EMPTY, "manifest"},
                 {"manifest", REMOVE, "manifest"},
                 {"key", CUT, "key"},
                 {"key", EMPTY, "key"},
                 {"key", REMOVE, "key"},
                 {"key", GROW, "key"},
                 {"key", FLIP, "manifest"},
                 {"r-0000000000000001", REMOVE, "r-0000000000000001"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fed_error err = {0};
        fed_keep *k = NULL;
        fed_keep_config config = config_here();
        make_folder();
        config.folder = folder;
        do_damage(cases[i].file, cases[i].how);
        fed_status status = fed_keep_open(&k, &config, &err);
        CHECK_MSG(status == FED_E_AUTH || status == FED_E_FORMAT ||
                      status == FED_E_NOT_FOUND || status == FED_E_LIMIT,
                  "%s damaged (%d): %s", cases[i].file, cases[i].how,
                  fed_status_name(status));
        CHECK_MSG(strstr(err.text, cases[i].part), "\"%s\" does not name %s", err.text,
                  cases[i].part);
        CHECK(!k);
        end();
    }
}

/* A record's file is read when it is asked for. */
static void test_damaged_record(void)
{
    for (damage how = FLIP; how <= EMPTY; how++) {
        fed_error err;
        fed_bytes out;
        make_folder();
        fed_keep *k = how == REMOVE ? open_here() : NULL; /* else it does not open */
        do_damage("r-0000000000000001", how);
        if (!k) k = open_here();
        fed_journal j = fed_keep_journal(k);
        fed_bytes_init(&out, 1 << 20);
        fed_status status = j.get(j.ctx, "big", &out, &err);
        CHECK_MSG(status == FED_E_AUTH || status == FED_E_FORMAT || status == FED_E_LIMIT,
                  "%d: %s", how, fed_status_name(status));
        CHECK_MSG(strstr(err.text, "r-0000000000000001"), "\"%s\"", err.text);
        CHECK_EQ(out.len, 0);
        fed_bytes_fini(&out);
        fed_keep_close(k);
        end();
    }
}

static void test_open_key(void)
{
    fed_error err;
    char path[FED_FOLDER_MAX + 64];
    fed_keep *k = NULL;
    make_folder();
    snprintf(path, sizeof path, "%s/key", folder);
    CHECK_EQ(chmod(path, 0640), 0);
    fed_keep_config config = config_here();
    CHECK_FAILS(fed_keep_open(&k, &config, &err), FED_E_REFUSED, &err, "640");
    end();
}

static fed_status give_key(void *ctx, uint8_t key[FED_SEALED_KEY])
{
    memset(key, *(const uint8_t *)ctx, FED_SEALED_KEY);
    return FED_OK;
}

static void test_provider(void)
{
    fed_error err;
    char path[FED_FOLDER_MAX + 64];
    uint8_t right = 1, wrong = 2;
    fed_keep *k = NULL;
    begin();
    fed_keep_config config = config_here();
    config.key = give_key;
    config.key_ctx = &right;
    CHECK_OK(fed_keep_open(&k, &config, &err), &err);
    CHECK_OK(put(k, "x", 9, 9, &err), &err);
    fed_keep_close(k);
    snprintf(path, sizeof path, "%s/key", folder);
    CHECK(access(path, F_OK) != 0);
    config.key_ctx = &wrong;
    CHECK_FAILS(fed_keep_open(&k, &config, &err), FED_E_AUTH, &err, "another key");
    config.key_ctx = &right;
    CHECK_OK(fed_keep_open(&k, &config, &err), &err);
    check_value(k, "x", 9, 9);
    fed_keep_close(k);
    end();
}

/* A full disk, played by a folder that may not be written (not as root) or is gone. */
static void test_write_failure(void)
{
    fed_error err;
    make_folder();
    fed_keep *k = open_here();
    end(); /* the folder is gone under its feet */
    CHECK_FAILS(put(k, "x", 1, BIG, &err), FED_E_IO, &err, folder);
    CHECK_FAILS(put(k, "x", 1, 10, &err), FED_E_FORMAT, &err, "manifest: missing");
    /* What cannot be read is not what is not there: the difference is a spent update. */
    fed_bytes out;
    fed_journal j = fed_keep_journal(k);
    fed_bytes_init(&out, 1 << 20);
    CHECK_FAILS(j.get(j.ctx, "big", &out, &err), FED_E_FORMAT, &err, "manifest: missing");
    fed_bytes_fini(&out);
    fed_keep_close(k);
}

static fed_status scenario(void *ctx)
{
    fed_keep *k = NULL;
    (void)ctx;
    fed_keep_config config = config_here();
    FED_TRY(fed_keep_open(&k, &config, NULL));
    fed_outbox o;
    fed_outbox_init(&o);
    static uint8_t big[20000];
    fed_status status = fed_outbox_store(&o, "big", big, sizeof big);
    if (!status) status = fed_outbox_store(&o, "small", big, 10);
    if (!status) status = fed_keep_apply(k, &o, NULL);
    fed_outbox_fini(&o);
    fed_bytes out;
    fed_journal j = fed_keep_journal(k);
    fed_bytes_init(&out, 1 << 20);
    if (!status) status = j.get(j.ctx, "big", &out, NULL);
    fed_bytes_fini(&out);
    fed_keep_close(k);
    return status;
}

static void test_torture(void)
{
    begin();
    size_t n = fed_torture(scenario, NULL);
    fed_note("%zu allocations", n);
    CHECK(n > 10);
    end();
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_records),       CASE(test_sealed),
                                     CASE(test_lock),          CASE(test_kills),
                                     CASE(test_damaged_parts), CASE(test_damaged_record),
                                     CASE(test_open_key),      CASE(test_provider),
                                     CASE(test_write_failure), CASE(test_torture)};
    return fed_run("keep", cases, sizeof cases / sizeof *cases);
}
