#include "store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "blob_files.h"

enum {
    SCHEMA = 1,
    APPLICATION = 0x46656453, /* "FedS" */
    BUSY_MS = 10000           /* somebody else reads the file, as a back-up does */
};

struct fed_store {
    char *folder;
    int lock;
    sqlite3 *db;
    sqlite3_stmt *put, *erase, *get, *named;
};

static fed_status db_error(const fed_store *s, const char *what, fed_error *err)
{
    int code = sqlite3_errcode(s->db);
    fed_status status = code == SQLITE_NOMEM                              ? FED_E_NOMEM
                        : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? FED_E_FORMAT
                                                                          : FED_E_IO;
    return fed_fail(err, status, "%s/journal.db: %s: %s", s->folder, what,
                    sqlite3_errmsg(s->db));
}

static fed_status run_sql(fed_store *s, const char *sql, fed_error *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) ? db_error(s, sql, err) : FED_OK;
}

/* ---- opening ------------------------------------------------------------------------- */

static fed_status read_number(fed_store *s, const char *sql, int *out, fed_error *err)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL))
        return db_error(s, sql, err);
    bool row = sqlite3_step(statement) == SQLITE_ROW;
    if (row) *out = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return row ? FED_OK : db_error(s, sql, err);
}

static fed_status check_schema(fed_store *s, fed_error *err)
{
    int version = 0, application = 0, tables = 0;
    FED_TRY(read_number(s, "PRAGMA user_version", &version, err));
    FED_TRY(read_number(s, "PRAGMA application_id", &application, err));
    FED_TRY(read_number(s, "SELECT count(*) FROM sqlite_master", &tables, err));
    if (version == 0 && application == 0 && tables == 0)
        return run_sql(s,
                       "BEGIN; CREATE TABLE records(key TEXT PRIMARY KEY, value BLOB NOT "
                       "NULL) WITHOUT ROWID; PRAGMA user_version=1; PRAGMA "
                       "application_id=1181049939; COMMIT",
                       err);
    if (application != APPLICATION)
        return fed_fail(err, FED_E_FORMAT, "%s/journal.db: not a journal of fedserver",
                        s->folder);
    if (version != SCHEMA)
        return fed_fail(err, FED_E_FORMAT,
                        "%s/journal.db: schema %d, this program knows %d", s->folder,
                        version, SCHEMA);
    return FED_OK;
}

static fed_status open_database(fed_store *s, fed_error *err)
{
    char path[FED_STORE_PATH_MAX];
    snprintf(path, sizeof path, "%s/journal.db", s->folder);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &s->db, flags, NULL)) return db_error(s, "open", err);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    FED_TRY(check_schema(s, err));
    FED_TRY(run_sql(s, "PRAGMA journal_mode=WAL", err));
    /* What is erased or replaced (secrets of noise, noise) is overwritten at a checkpoint. */
    FED_TRY(run_sql(s, "PRAGMA secure_delete=ON", err));
    return run_sql(s, "PRAGMA synchronous=FULL", err);
}

static fed_status prepare_statements(fed_store *s, fed_error *err)
{
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } all[] = {
        {&s->put, "INSERT OR REPLACE INTO records(key, value) VALUES(?1, ?2)"},
        {&s->erase, "DELETE FROM records WHERE key = ?1"},
        {&s->get, "SELECT value FROM records WHERE key = ?1"},
        {&s->named, "SELECT 1 FROM records WHERE key = ?1"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (sqlite3_prepare_v2(s->db, all[i].sql, -1, all[i].statement, NULL))
            return db_error(s, all[i].sql, err);
    return FED_OK;
}

/* A blob's record is empty: it says that the file belongs here. */
static fed_status remove_if_unnamed(void *arg, const char *hex, fed_error *err)
{
    fed_store *s = arg;
    char key[80];
    snprintf(key, sizeof key, "blob/%s", hex);
    sqlite3_bind_text(s->named, 1, key, -1, SQLITE_TRANSIENT);
    int code = sqlite3_step(s->named);
    sqlite3_reset(s->named);
    if (code == SQLITE_DONE) fed_blob_file_remove(s->folder, hex);
    return code == SQLITE_DONE || code == SQLITE_ROW ? FED_OK : db_error(s, "scan", err);
}

fed_status fed_store_open(fed_store **out, const char *folder, fed_error *err)
{
    *out = NULL;
    if (strlen(folder) > FED_STORE_PATH_MAX - 128)
        return fed_fail(err, FED_E_INVALID, "state folder: a path of %zu characters",
                        strlen(folder));
    fed_store *s = fed_calloc(1, sizeof *s);
    if (!s) return fed_fail_nomem(err, sizeof *s);
    s->lock = -1;
    s->folder = fed_strdup(folder);
    fed_status status = s->folder ? FED_OK : fed_fail_nomem(err, strlen(folder));
    if (!status) status = fed_folder_lock(folder, &s->lock, err);
    if (!status) status = fed_blob_files_init(folder, err);
    if (!status) status = open_database(s, err);
    if (!status) status = prepare_statements(s, err);
    if (!status) status = fed_blob_files_each(folder, remove_if_unnamed, s, err);
    if (status)
        fed_store_close(s);
    else
        *out = s;
    return status;
}

void fed_store_close(fed_store *s)
{
    if (!s) return;
    sqlite3_finalize(s->put);
    sqlite3_finalize(s->erase);
    sqlite3_finalize(s->get);
    sqlite3_finalize(s->named);
    sqlite3_close(s->db);
    if (s->lock >= 0) close(s->lock);
    fed_free(s->folder);
    fed_free(s);
}

/* ---- writing ------------------------------------------------------------------------- */

static fed_status step_statement(fed_store *s, sqlite3_stmt *statement, const char *key,
                                 fed_error *err)
{
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return code == SQLITE_DONE ? FED_OK : db_error(s, key, err);
}

static fed_status put_record(fed_store *s, const char *key, const void *data, size_t n,
                             fed_error *err)
{
    sqlite3_bind_text(s->put, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_blob64(s->put, 2, n ? data : "", n, SQLITE_STATIC);
    return step_statement(s, s->put, key, err);
}

static fed_status apply_record(fed_store *s, const fed_record *record, fed_error *err)
{
    const char *hex = fed_blob_key_hex(record->key);
    if (record->erase) {
        sqlite3_bind_text(s->erase, 1, record->key, -1, SQLITE_STATIC);
        return step_statement(s, s->erase, record->key, err);
    }
    if (!hex)
        return put_record(s, record->key, record->value.data, record->value.len, err);
    FED_TRY(fed_blob_file_write(s->folder, hex,
                                (fed_span){record->value.data, record->value.len}, err));
    return put_record(s, record->key, NULL, 0, err);
}

static fed_status apply_all(fed_store *s, fed_outbox *const *outboxes, size_t n,
                            fed_error *err)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < outboxes[i]->n_records; k++)
            FED_TRY(apply_record(s, &outboxes[i]->records[k], err));
    return FED_OK;
}

/* After the commit: a file whose record was erased, and not written again, goes. */
static void remove_erased(fed_store *s, fed_outbox *const *outboxes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < outboxes[i]->n_records; k++) {
            const fed_record *record = &outboxes[i]->records[k];
            const char *hex = fed_blob_key_hex(record->key);
            if (hex && record->erase) (void)remove_if_unnamed(s, hex, NULL);
        }
}

fed_status fed_store_apply(fed_store *s, fed_outbox *const *outboxes, size_t n,
                           fed_error *err)
{
    size_t records = 0;
    for (size_t i = 0; i < n; i++)
        records += outboxes[i]->n_records;
    if (!records) return FED_OK;
    FED_TRY(run_sql(s, "BEGIN IMMEDIATE", err));
    fed_status status = apply_all(s, outboxes, n, err);
    if (!status) status = run_sql(s, "COMMIT", err);
    if (status)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    else
        remove_erased(s, outboxes, n);
    return status;
}

fed_status fed_store_put(fed_store *s, const char *key, const void *data, size_t n,
                         fed_error *err)
{
    return put_record(s, key, data, n, err);
}

/* ---- reading ------------------------------------------------------------------------- */

static fed_status store_get(void *ctx, const char *key, fed_bytes *out, fed_error *err)
{
    fed_store *s = ctx;
    const char *hex = fed_blob_key_hex(key);
    if (hex) return fed_blob_file_read(s->folder, hex, out, err);
    sqlite3_bind_text(s->get, 1, key, -1, SQLITE_TRANSIENT);
    int code = sqlite3_step(s->get);
    if (code == SQLITE_ROW)
        fed_bytes_put(out, sqlite3_column_blob(s->get, 0),
                      (size_t)sqlite3_column_bytes(s->get, 0));
    fed_status status = FED_OK;
    if (code == SQLITE_DONE)
        status = fed_fail(err, FED_E_NOT_FOUND, "%s: no such record", key);
    else if (code != SQLITE_ROW)
        status = db_error(s, key, err);
    else if (out->status)
        status = fed_fail(err, out->status, "%s: %s", key, fed_status_name(out->status));
    sqlite3_reset(s->get);
    return status;
}

/* Keys are ASCII, so the first key behind all that begin with `prefix` is prefix + 0x7f. */
static fed_status store_scan(void *ctx, const char *prefix, fed_journal_visit visit,
                             void *arg, fed_error *err)
{
    fed_store *s = ctx;
    char behind[256];
    snprintf(behind, sizeof behind, "%s\x7f", prefix);
    sqlite3_stmt *statement;
    static const char sql[] =
        "SELECT key, value FROM records WHERE key >= ?1 AND key < ?2 ORDER BY key";
    if (sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL))
        return db_error(s, prefix, err);
    sqlite3_bind_text(statement, 1, prefix, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 2, behind, -1, SQLITE_TRANSIENT);
    fed_status status = FED_OK;
    int code = SQLITE_DONE;
    while (!status && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        fed_span value = {sqlite3_column_blob(statement, 1),
                          (size_t)sqlite3_column_bytes(statement, 1)};
        status = visit(arg, (const char *)sqlite3_column_text(statement, 0), value, err);
    }
    if (!status && code != SQLITE_DONE) status = db_error(s, prefix, err);
    sqlite3_finalize(statement);
    return status;
}

fed_journal fed_store_journal(fed_store *s)
{
    return (fed_journal){store_get, store_scan, s};
}

void fed_store_blob_path(const fed_store *s, const uint8_t address[32], bool packed,
                         char path[FED_STORE_PATH_MAX])
{
    char hex[65];
    fed_hex_encode(hex, address, 32);
    fed_blob_file_path(s->folder, hex, packed, path, FED_STORE_PATH_MAX);
}
