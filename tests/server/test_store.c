/* The store on a real folder: all or nothing, whatever is killed when. */
#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "crypto.h"
#include "model.h"
#include "store.h"

enum { HEX = 64, KILLS = 30, BLOB_BYTES = 20000 };

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/fed-store-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    CHECK_EQ(system(command), 0);
}

static fed_store *open_store(void)
{
    fed_error err;
    fed_store *s = NULL;
    CHECK_OK(fed_store_open(&s, folder, &err), &err);
    return s;
}

static void blob_key(char key[80], const void *data, size_t n)
{
    uint8_t digest[32];
    fed_error err;
    CHECK_OK(fed_sha256(data, n, digest, &err), &err);
    memcpy(key, "blob/", 5);
    fed_hex_encode(key + 5, digest, 32);
}

static fed_status apply(fed_store *s, fed_outbox *o, fed_error *err)
{
    fed_status status = fed_store_apply(s, &o, 1, err);
    fed_outbox_fini(o);
    return status;
}

/* The value of a key as text; "(none)" when it is not there. */
static const char *get(fed_store *s, const char *key)
{
    static char text[256];
    fed_error err;
    fed_bytes value;
    fed_bytes_init(&value, 1 << 20);
    fed_journal j = fed_store_journal(s);
    fed_status status = j.get(j.ctx, key, &value, &err);
    if (status == FED_E_NOT_FOUND)
        snprintf(text, sizeof text, "(none)");
    else if (CHECK_OK(status, &err))
        snprintf(text, sizeof text, "%.*s", (int)(value.len < 200 ? value.len : 200),
                 value.len ? (const char *)value.data : "");
    fed_bytes_fini(&value);
    return text;
}

static unsigned count_files(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < 256; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/blobs/%02x", folder, i);
        DIR *dir = opendir(path);
        if (!CHECK(dir != NULL)) return 0;
        for (struct dirent *e; (e = readdir(dir));)
            n += e->d_name[0] != '.';
        closedir(dir);
    }
    return n;
}

static void plant_file(const char *relative, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, relative);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

/* ---- what is written is there ------------------------------------------------------------ */

static fed_status collect(void *arg, const char *key, fed_span value, fed_error *err)
{
    (void)err;
    fed_bytes_printf(arg, "%s=%.*s;", key, (int)value.len, (const char *)value.data);
    return FED_OK;
}

static void test_round_trip(void)
{
    fed_error err;
    fed_outbox o, second;
    char key[80];
    fed_bytes seen;
    make_folder();
    fed_store *s = open_store();
    blob_key(key, "hello", 5);
    fed_outbox_init(&o), fed_outbox_init(&second);
    fed_outbox_store(&o, "a/2", "two", 3);
    fed_outbox_store(&o, "a/1", "one", 3);
    fed_outbox_store(&o, "b/1", "", 0);
    fed_outbox_store(&o, key, "hello", 5);
    fed_outbox_store(&second, "a/2", "zwei", 4);
    fed_outbox_erase(&second, "b/1");
    fed_outbox *both[] = {&o, &second};
    CHECK_OK(fed_store_apply(s, both, 2, &err), &err);
    fed_outbox_fini(&o), fed_outbox_fini(&second);
    CHECK_OK(fed_store_put(s, "a/3", "three", 5, &err), &err);
    for (int life = 0; life < 2; life++) {
        CHECK_STR(get(s, "a/1"), "one");
        CHECK_STR(get(s, "a/2"), "zwei");
        CHECK_STR(get(s, "b/1"), "(none)");
        CHECK_STR(get(s, key), "hello");
        fed_bytes_init(&seen, 4096);
        fed_journal j = fed_store_journal(s);
        CHECK_OK(j.scan(j.ctx, "a/", collect, &seen, &err), &err);
        CHECK_STR(fed_bytes_text(&seen), "a/1=one;a/2=zwei;a/3=three;");
        fed_bytes_fini(&seen);
        fed_store_close(s);
        s = open_store();
    }
    fed_store_close(s);
    remove_folder();
}

static void test_blobs(void)
{
    fed_error err;
    fed_outbox o;
    char key[80], path[FED_STORE_PATH_MAX];
    uint8_t address[32];
    make_folder();
    fed_store *s = open_store();
    blob_key(key, "gone", 4);
    CHECK(fed_hex_decode(address, 32, key + 5));
    fed_store_blob_path(s, address, false, path);
    CHECK(access(path, F_OK) != 0);
    fed_outbox_init(&o);
    fed_outbox_store(&o, key, "gone", 4);
    CHECK_OK(apply(s, &o, &err), &err);
    CHECK(access(path, R_OK) == 0);
    /* erased and written again in one transaction: it stays */
    fed_outbox_erase(&o, key);
    fed_outbox_store(&o, key, "gone", 4);
    CHECK_OK(apply(s, &o, &err), &err);
    CHECK(access(path, R_OK) == 0);
    fed_outbox_store(&o, key, "gone", 4);
    fed_outbox_erase(&o, key);
    CHECK_OK(apply(s, &o, &err), &err);
    CHECK(access(path, F_OK) != 0);
    CHECK_STR(get(s, key), "(none)");
    fed_store_close(s);
    remove_folder();
}

/* What compresses lies there in both forms, and goes in both; a compressed form that a crash
 * left alone goes at the next opening. */
static void test_packed_blobs(void)
{
    static uint8_t text[BLOB_BYTES];
    fed_error err;
    fed_outbox o;
    fed_bytes packed, plain;
    char key[80], path[FED_STORE_PATH_MAX];
    uint8_t address[32];
    make_folder();
    fed_store *s = open_store();
    memset(text, 'z', sizeof text);
    blob_key(key, text, sizeof text);
    CHECK(fed_hex_decode(address, 32, key + 5));
    fed_outbox_init(&o);
    fed_outbox_store(&o, key, text, sizeof text);
    CHECK_OK(apply(s, &o, &err), &err);
    CHECK_EQ(count_files(), 2);
    fed_store_blob_path(s, address, true, path);
    fed_bytes_init(&packed, BLOB_BYTES);
    fed_bytes_init(&plain, BLOB_BYTES);
    CHECK_OK(fed_durable_read(path, SIZE_MAX, &packed, &err), &err);
    CHECK(packed.len < 100);
    CHECK_OK(fed_blob_decompress((fed_span){packed.data, packed.len}, BLOB_BYTES, &plain,
                                 &err),
             &err);
    CHECK_EQ(plain.len, sizeof text);
    CHECK_MEM(plain.data, text, sizeof text);
    fed_outbox_erase(&o, key);
    CHECK_OK(apply(s, &o, &err), &err);
    CHECK_EQ(count_files(), 0);
    fed_store_close(s);
    plant_file(path + strlen(folder) + 1, "left alone");
    CHECK_EQ(count_files(), 1);
    fed_store_close(open_store());
    CHECK_EQ(count_files(), 0);
    fed_bytes_fini(&packed);
    fed_bytes_fini(&plain);
    remove_folder();
}

/* ---- all or none -------------------------------------------------------------------------- */

/* The blob of the second record cannot be written: a folder stands where its file goes. */
static void test_all_or_none(void)
{
    fed_error err;
    fed_outbox o;
    char key[80], path[256];
    make_folder();
    fed_store *s = open_store();
    blob_key(key, "cannot", 6);
    snprintf(path, sizeof path, "%s/blobs/%.2s/%s.new", folder, key + 5, key + 5);
    CHECK(mkdir(path, 0700) == 0);
    CHECK_OK(fed_store_put(s, "before", "1", 1, &err), &err);
    fed_outbox_init(&o);
    fed_outbox_store(&o, "first", "1", 1);
    fed_outbox_store(&o, "before", "2", 1);
    fed_outbox_store(&o, key, "cannot", 6);
    CHECK_FAILS(apply(s, &o, &err), FED_E_IO, &err, "could not be made");
    CHECK_STR(get(s, "first"), "(none)");
    CHECK_STR(get(s, "before"), "1");
    CHECK_MSG(rmdir(path) == 0, "it goes on when the trouble is over");
    fed_outbox_store(&o, "first", "1", 1);
    CHECK_OK(apply(s, &o, &err), &err);
    CHECK_STR(get(s, "first"), "1");
    fed_store_close(s);
    remove_folder();
}

/* Transaction number i: the counter, a record that must agree with it, a new blob, and the
 * one of two transactions before erased. */
static void fill_transaction(fed_outbox *o, uint32_t i)
{
    static uint8_t blob[BLOB_BYTES];
    char key[80], text[32];
    snprintf(text, sizeof text, "%u", i);
    fed_outbox_store(o, "counter", text, strlen(text));
    fed_outbox_store(o, "twin", text, strlen(text));
    for (uint32_t k = i < 2 ? 0 : i - 2; k <= i; k++) {
        memset(blob, (int)k, sizeof blob);
        fed_store_u32(blob, k);
        blob_key(key, blob, sizeof blob);
        if (k == i) fed_outbox_store(o, key, blob, sizeof blob);
        if (k + 2 == i) fed_outbox_erase(o, key);
    }
    snprintf(text, sizeof text, "blob of %u", i);
    fed_outbox_store(o, text, key, strlen(key));
}

static void write_until_killed(uint32_t from, int started)
{
    fed_error err;
    fed_store *s = NULL;
    if (fed_store_open(&s, folder, &err) || write(started, "", 1) != 1) _exit(3);
    for (uint32_t i = from; i < 1000000; i++) {
        fed_outbox o;
        fed_outbox_init(&o);
        fill_transaction(&o, i);
        if (apply(s, &o, &err)) _exit(4);
    }
    _exit(5);
}

/* The counter and its twin agree, and each blob that a record names is there, whole, in both
 * forms. */
static uint32_t check_invariants(fed_store *s)
{
    char counter[256], label[64], key[256];
    uint64_t n;
    snprintf(counter, sizeof counter, "%s", get(s, "counter"));
    CHECK_STR(get(s, "twin"), counter);
    if (!fed_text_to_u64(counter, UINT32_MAX, &n)) return 0;
    for (uint64_t i = n ? n - 1 : 0; i <= n; i++) {
        snprintf(label, sizeof label, "blob of %llu", (unsigned long long)i);
        snprintf(key, sizeof key, "%s", get(s, label));
        fed_bytes blob;
        fed_error err;
        fed_journal j = fed_store_journal(s);
        fed_bytes_init(&blob, 1 << 20);
        CHECK_OK(j.get(j.ctx, key, &blob, &err), &err);
        char wanted[80];
        blob_key(wanted, blob.data, blob.len);
        CHECK_STR(key, wanted);
        fed_bytes_fini(&blob);
    }
    CHECK_MSG(count_files() == (n ? 4 : 2), "%u files after transaction %llu",
              count_files(), (unsigned long long)n);
    return (uint32_t)n + 1;
}

static void test_kill(void)
{
    uint32_t next = 0;
    fed_stream random;
    uint8_t key[32] = {4};
    fed_stream_init(&random, key, FED_PURPOSE_TEST, 0);
    make_folder();
    for (int i = 0; i < KILLS; i++) {
        char go;
        int started[2];
        CHECK(pipe(started) == 0);
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) write_until_killed(next, started[1]);
        close(started[1]);
        CHECK_EQ(read(started[0], &go, 1), 1);
        close(started[0]);
        struct timespec pause = {0, (long)fed_stream_below(&random, 120000000)};
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        int how;
        CHECK_EQ(waitpid(child, &how, 0), child);
        CHECK_MSG(WIFSIGNALED(how), "the writer ended by itself: %d", how);
        fed_store *s = open_store();
        if (!s) break;
        next = check_invariants(s);
        fed_store_close(s);
    }
    fed_note("%u transactions under %d kills", next, KILLS);
    CHECK_MSG(next >= 5, "hardly anything was written: %u", next);
    remove_folder();
}

/* ---- what is found ------------------------------------------------------------------------ */

static void test_left_overs(void)
{
    fed_error err;
    fed_outbox o;
    char key[80], name[128];
    make_folder();
    fed_store *s = open_store();
    blob_key(key, "kept", 4);
    fed_outbox_init(&o);
    fed_outbox_store(&o, key, "kept", 4);
    CHECK_OK(apply(s, &o, &err), &err);
    fed_store_close(s);
    snprintf(name, sizeof name, "blobs/%.2s/%s.new", key + 5, key + 5);
    plant_file(name, "torn");
    plant_file("blobs/00/00000000000000000000000000000000000000000000000000000000000000"
               "00",
               "nobody names this");
    CHECK_EQ(count_files(), 3);
    s = open_store();
    CHECK_EQ(count_files(), 1);
    CHECK_STR(get(s, key), "kept");
    fed_store_close(s);
    remove_folder();
}

static bool file_has(const char *name, const char *text)
{
    char path[128];
    fed_bytes all;
    fed_error err;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    fed_bytes_init(&all, SIZE_MAX);
    CHECK_OK(fed_durable_read(path, SIZE_MAX, &all, &err), &err);
    bool found = false;
    for (size_t i = 0; i + strlen(text) <= all.len && !found; i++)
        found = !memcmp(all.data + i, text, strlen(text));
    fed_bytes_fini(&all);
    return found;
}

/* What was erased, or replaced, is not to be read in the file any more, short or long. */
static void test_erased_is_gone(void)
{
    static char value[9000];
    fed_error err;
    make_folder();
    for (int round = 0; round < 4; round++) {
        size_t n = round % 2 ? sizeof value : 40;
        memset(value, 'x', sizeof value);
        memcpy(value + n - 20, "a secret of old days", 20);
        fed_store *s = open_store();
        CHECK_OK(fed_store_put(s, "task/secret", value, n, &err), &err);
        fed_store_close(s);
        CHECK(file_has("journal.db", "a secret of old days"));
        fed_outbox o;
        fed_outbox_init(&o);
        if (round / 2)
            CHECK_OK(fed_outbox_erase(&o, "task/secret"), NULL);
        else
            CHECK_OK(fed_outbox_store(&o, "task/secret", "new", 3), NULL);
        s = open_store();
        CHECK_OK(apply(s, &o, &err), &err);
        fed_store_close(s);
        CHECK(!file_has("journal.db", "a secret of old days"));
    }
    remove_folder();
}

static void test_lock(void)
{
    fed_error err;
    fed_store *second = NULL;
    make_folder();
    fed_store *s = open_store();
    CHECK_FAILS(fed_store_open(&second, folder, &err), FED_E_EXISTS, &err,
                "another process");
    CHECK(!second);
    fed_store_close(s);
    s = open_store();
    fed_store_close(s);
    remove_folder();
}

static void run_sql(const char *sql)
{
    char path[128];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/journal.db", folder);
    CHECK_EQ(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_EQ(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void check_refused(fed_status status, const char *part)
{
    fed_error err;
    fed_store *s = NULL;
    CHECK_FAILS(fed_store_open(&s, folder, &err), status, &err, part);
    CHECK(!s);
}

static void test_refusals(void)
{
    fed_error err;
    fed_store *s = NULL;
    char path[FED_STORE_PATH_MAX + 1];
    make_folder();
    fed_store_close(open_store());
    run_sql("PRAGMA user_version=2");
    check_refused(FED_E_FORMAT, "schema 2, this program knows 1");
    run_sql("PRAGMA user_version=1; PRAGMA application_id=5");
    check_refused(FED_E_FORMAT, "not a journal of fedserver");
    remove_folder();

    make_folder();
    run_sql("CREATE TABLE somebody_elses(x)");
    check_refused(FED_E_FORMAT, "not a journal of fedserver");
    remove_folder();

    make_folder();
    plant_file("journal.db", "This text is no database, whatever one may think of it. "
                             "It is as long as the header of one, and then some more.");
    check_refused(FED_E_FORMAT, "not a database");
    remove_folder();

    memset(path, 'x', sizeof path);
    path[FED_STORE_PATH_MAX] = 0;
    CHECK_FAILS(fed_store_open(&s, path, &err), FED_E_INVALID, &err, "4096 characters");
    CHECK_FAILS(fed_store_open(&s, "/nowhere/at/all", &err), FED_E_IO, &err, "/nowhere");
}

/* Somebody who reads, as a back-up does, does not stop the writer. */
static void test_reader_beside(void)
{
    fed_error err;
    char path[128];
    sqlite3 *db;
    sqlite3_stmt *statement;
    make_folder();
    fed_store *s = open_store();
    CHECK_OK(fed_store_put(s, "a", "1", 1, &err), &err);
    snprintf(path, sizeof path, "%s/journal.db", folder);
    CHECK_EQ(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_EQ(sqlite3_prepare_v2(db, "SELECT key FROM records", -1, &statement, NULL), 0);
    CHECK_EQ(sqlite3_step(statement), SQLITE_ROW);
    CHECK_OK(fed_store_put(s, "a", "2", 1, &err), &err);
    CHECK_STR(get(s, "a"), "2");
    sqlite3_finalize(statement);
    sqlite3_close(db);
    fed_store_close(s);
    remove_folder();
}

int main(void)
{
    static const fed_case cases[] = {CASE(test_round_trip),     CASE(test_blobs),
                                     CASE(test_packed_blobs),   CASE(test_all_or_none),
                                     CASE(test_kill),           CASE(test_left_overs),
                                     CASE(test_erased_is_gone), CASE(test_lock),
                                     CASE(test_refusals),       CASE(test_reader_beside)};
    return fed_run("store", cases, sizeof cases / sizeof *cases);
}
