#include "keep.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keep_key.h"
#include "keep_table.h"

struct fed_keep {
    char *folder;
    int lock;
    uint8_t key[FED_SEALED_KEY];
    fed_random random;
    fed_keep_table table;
    bool stale; /* a change failed half-way: the disk knows better */
};

enum { MANIFEST_MAX = FED_KEEP_RECORDS_MAX * (FED_KEEP_INLINE_MAX + 256) };

static const char manifest_context[] = "fed-keep manifest";

static void path_of(const fed_keep *k, const char *name, char path[FED_PATH_MAX])
{
    snprintf(path, FED_PATH_MAX, "%s/%s", k->folder, name);
}

static void path_of_record(const fed_keep *k, uint64_t file, char path[FED_PATH_MAX])
{
    snprintf(path, FED_PATH_MAX, "%s/r-%016" PRIx64, k->folder, file);
}

/* ---- sealed files -------------------------------------------------------------------- */

/* What a record's file is sealed for: this record, this number. */
static fed_span record_context(const char *key, uint64_t file,
                               char text[FED_SEALED_CONTEXT_MAX])
{
    int n =
        snprintf(text, FED_SEALED_CONTEXT_MAX, "fed-keep %016" PRIx64 " %s", file, key);
    return (fed_span){(const uint8_t *)text, (size_t)n};
}

static fed_span context_of_manifest(void)
{
    return (fed_span){(const uint8_t *)manifest_context, sizeof manifest_context - 1};
}

static fed_status seal(const fed_keep *k, fed_span context, uint64_t number,
                       fed_span plain, fed_bytes *out, fed_error *err)
{
    fed_bytes_init(out, fed_sealed_length(plain.len));
    return fed_sealed_seal(k->key, context, &k->random, number, plain, out, err);
}

static fed_status read_sealed(const fed_keep *k, const char *path, fed_span context,
                              size_t max, fed_bytes *out, fed_error *err)
{
    fed_bytes sealed;
    fed_bytes_init(&sealed, fed_sealed_length(max));
    fed_status status = fed_durable_read(path, sealed.max, &sealed, err);
    if (!status)
        status = fed_sealed_open(k->key, context, (fed_span){sealed.data, sealed.len},
                                 out, err);
    if (status == FED_E_NOT_FOUND) /* that would mean "no such record" */
        status = fed_fail(err, FED_E_FORMAT, "%s: missing", path);
    else if (status == FED_E_AUTH || status == FED_E_FORMAT)
        status =
            fed_fail_in(err, status, "%s: damaged, or sealed with another key", path);
    fed_bytes_fini(&sealed);
    return status;
}

/* ---- looking at the disk --------------------------------------------------------------- */

/* The number in "r-0123456789abcdef", or 0. */
static uint64_t file_number(const char *name)
{
    uint64_t number;
    int end = 0;
    if (strlen(name) != 18) return 0;
    if (sscanf(name, "r-%16" SCNx64 "%n", &number, &end) != 1 || end != 18) return 0;
    return number;
}

typedef void file_visit(fed_keep *k, const char *name, void *arg);

static fed_status each_file(fed_keep *k, file_visit *visit, void *arg, fed_error *err)
{
    DIR *folder = opendir(k->folder);
    if (!folder) return fed_fail(err, FED_E_IO, "%s: %s", k->folder, strerror(errno));
    const struct dirent *file;
    while ((file = readdir(folder)))
        visit(k, file->d_name, arg);
    closedir(folder);
    return FED_OK;
}

static void see_record(fed_keep *k, const char *name, void *found)
{
    (void)k;
    if (file_number(name)) *(bool *)found = true;
}

static void remove_leftover(fed_keep *k, const char *name, void *arg)
{
    char path[FED_PATH_MAX];
    uint64_t number = file_number(name);
    size_t n = strlen(name);
    (void)arg;
    bool unfinished = n > 4 && strcmp(name + n - 4, ".new") == 0;
    if (!unfinished && (!number || fed_keep_table_names(&k->table, number))) return;
    path_of(k, name, path);
    unlink(path);
}

static fed_status check_files(const fed_keep *k, fed_error *err)
{
    char path[FED_PATH_MAX];
    for (size_t i = 0; i < k->table.n; i++) {
        const fed_keep_entry *e = &k->table.entries[i];
        path_of_record(k, e->file, path);
        if (e->file && access(path, R_OK))
            return fed_fail(err, FED_E_FORMAT, "%s: the record %s is not there: %s", path,
                            e->key, strerror(errno));
    }
    return FED_OK;
}

static fed_status load(fed_keep *k, fed_error *err)
{
    char path[FED_PATH_MAX];
    fed_bytes plain;
    path_of(k, "manifest", path);
    fed_bytes_init(&plain, MANIFEST_MAX);
    fed_keep_table_fini(&k->table);
    k->stale = true;
    fed_status status =
        read_sealed(k, path, context_of_manifest(), MANIFEST_MAX, &plain, err);
    if (!status)
        status = fed_keep_table_read(&k->table, (fed_span){plain.data, plain.len}, err);
    if (!status) status = check_files(k, err);
    if (!status) status = each_file(k, remove_leftover, NULL, err);
    if (!status) status = fed_folder_sync(k->folder, err);
    k->stale = status != FED_OK;
    fed_bytes_wipe(&plain);
    return status;
}

/* ---- writing ------------------------------------------------------------------------- */

static fed_status write_manifest(fed_keep *k, const fed_keep_table *t, fed_error *err)
{
    char path[FED_PATH_MAX];
    fed_bytes plain, sealed = {0};
    path_of(k, "manifest", path);
    fed_bytes_init(&plain, MANIFEST_MAX);
    fed_status status = fed_keep_table_write(t, &plain, err);
    if (!status)
        status = seal(k, context_of_manifest(), t->next_file,
                      (fed_span){plain.data, plain.len}, &sealed, err);
    if (!status)
        status = fed_durable_replace(path, (fed_span){sealed.data, sealed.len}, err);
    fed_bytes_wipe(&plain);
    fed_bytes_fini(&sealed);
    return status;
}

static fed_status put_record(fed_keep *k, fed_keep_table *t, const char *key,
                             fed_span value, bool *files, fed_error *err)
{
    char path[FED_PATH_MAX], context[FED_SEALED_CONTEXT_MAX];
    fed_bytes sealed = {0};
    if (value.len <= FED_KEEP_INLINE_MAX)
        return fed_keep_table_put(t, key, 0, value, err);
    uint64_t file = t->next_file++;
    FED_TRY(fed_keep_table_put(t, key, file, value, err));
    path_of_record(k, file, path);
    fed_status status =
        seal(k, record_context(key, file, context), file, value, &sealed, err);
    if (!status)
        status = fed_durable_write(path, (fed_span){sealed.data, sealed.len}, err);
    fed_bytes_fini(&sealed);
    *files = true;
    return status;
}

static fed_status write_changes(fed_keep *k, fed_keep_table *t, const fed_outbox *outbox,
                                fed_error *err)
{
    bool files = false;
    for (size_t i = 0; i < outbox->n_records; i++) {
        const fed_record *r = &outbox->records[i];
        fed_span value = {r->value.data, r->value.len};
        if (r->erase)
            fed_keep_table_erase(t, r->key);
        else
            FED_TRY(put_record(k, t, r->key, value, &files, err));
    }
    if (files)
        FED_TRY(fed_folder_sync(k->folder, err)); /* before a manifest names them */
    return write_manifest(k, t, err);
}

/* Files of `old` that the table names no more. That they go need not be durable. */
static void remove_unnamed(const fed_keep *k, const fed_keep_table *old)
{
    char path[FED_PATH_MAX];
    for (size_t i = 0; i < old->n; i++) {
        uint64_t file = old->entries[i].file;
        if (!file || fed_keep_table_names(&k->table, file)) continue;
        path_of_record(k, file, path);
        unlink(path);
    }
}

fed_status fed_keep_apply(fed_keep *k, const fed_outbox *outbox, fed_error *err)
{
    fed_keep_table next = {0};
    if (!outbox->n_records) return FED_OK;
    if (k->stale) FED_TRY(load(k, err));
    fed_status status = fed_keep_table_copy(&next, &k->table, err);
    if (!status) status = write_changes(k, &next, outbox, err);
    if (status) {
        k->stale = true; /* the manifest may or may not be the new one */
    } else {
        fed_keep_table old = k->table;
        k->table = next;
        next = old;
        remove_unnamed(k, &old);
    }
    fed_keep_table_fini(&next);
    return status;
}

/* ---- reading ------------------------------------------------------------------------- */

static fed_status get_entry(const fed_keep *k, const fed_keep_entry *e, fed_bytes *out,
                            fed_error *err)
{
    char path[FED_PATH_MAX], context[FED_SEALED_CONTEXT_MAX];
    if (!e->file) {
        fed_bytes_put(out, e->data, e->length);
        return out->status ? fed_fail(err, out->status, "%s: %s", e->key,
                                      fed_status_name(out->status))
                           : FED_OK;
    }
    path_of_record(k, e->file, path);
    return read_sealed(k, path, record_context(e->key, e->file, context), e->length, out,
                       err);
}

static fed_status keep_get(void *ctx, const char *key, fed_bytes *out, fed_error *err)
{
    fed_keep *k = ctx;
    if (k->stale) FED_TRY(load(k, err));
    const fed_keep_entry *e = fed_keep_table_find(&k->table, key);
    if (!e) return fed_fail(err, FED_E_NOT_FOUND, "%s: no such record", key);
    return get_entry(k, e, out, err);
}

static fed_status visit_entry(const fed_keep *k, const fed_keep_entry *e,
                              fed_journal_visit visit, void *arg, fed_error *err)
{
    fed_bytes value;
    fed_bytes_init(&value, e->length);
    fed_status status = get_entry(k, e, &value, err);
    if (!status) status = visit(arg, e->key, (fed_span){value.data, value.len}, err);
    fed_bytes_wipe(&value);
    return status;
}

static fed_status keep_scan(void *ctx, const char *prefix, fed_journal_visit visit,
                            void *arg, fed_error *err)
{
    fed_keep *k = ctx;
    if (k->stale) FED_TRY(load(k, err));
    for (size_t i = 0; i < k->table.n; i++)
        if (strncmp(k->table.entries[i].key, prefix, strlen(prefix)) == 0)
            FED_TRY(visit_entry(k, &k->table.entries[i], visit, arg, err));
    return FED_OK;
}

fed_journal fed_keep_journal(fed_keep *keep)
{
    return (fed_journal){keep_get, keep_scan, keep};
}

/* ---- opening ------------------------------------------------------------------------- */

/* The first start: a key, then an empty manifest, then nothing without a manifest. So a
 * folder with record files and no manifest has been damaged. */
static fed_status begin(fed_keep *k, const fed_keep_config *config, fed_error *err)
{
    char path[FED_PATH_MAX];
    bool records = false;
    path_of(k, "manifest", path);
    bool fresh = access(path, F_OK) != 0 && errno == ENOENT;
    if (fresh) FED_TRY(each_file(k, see_record, &records, err));
    if (records)
        return fed_fail(err, FED_E_FORMAT, "%s: missing, though there are records", path);
    if (config->key)
        FED_TRY(config->key(config->key_ctx, k->key));
    else
        FED_TRY(fed_keep_key_file(k->folder, fresh, &k->random, k->key, err));
    fed_keep_table empty = {.next_file = 1};
    if (fresh) FED_TRY(write_manifest(k, &empty, err));
    return load(k, err);
}

fed_status fed_keep_open(fed_keep **out, const fed_keep_config *config, fed_error *err)
{
    *out = NULL;
    if (strlen(config->folder) > FED_PATH_MAX - 64)
        return fed_fail(err, FED_E_LIMIT, "state folder: a path of %zu bytes, at most %d",
                        strlen(config->folder), FED_PATH_MAX - 64);
    fed_keep *k = fed_calloc(1, sizeof *k);
    if (!k) return fed_fail_nomem(err, sizeof *k);
    k->lock = -1;
    k->random = config->random;
    k->folder = fed_strdup(config->folder);
    fed_status status = k->folder ? fed_folder_lock(k->folder, &k->lock, err)
                                  : fed_fail_nomem(err, strlen(config->folder));
    if (!status) status = begin(k, config, err);
    if (status)
        fed_keep_close(k);
    else
        *out = k;
    return status;
}

void fed_keep_close(fed_keep *k)
{
    if (!k) return;
    if (k->lock >= 0) close(k->lock);
    fed_keep_table_fini(&k->table);
    fed_free(k->folder);
    fed_wipe_free(k, sizeof *k);
}
