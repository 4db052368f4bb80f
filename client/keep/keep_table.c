/* A device keeps a handful of records, so they are copied freely and found by looking. */
#include "keep_table.h"

#include <string.h>

enum { MANIFEST_VERSION = 1 };

static void entry_fini(fed_keep_entry *e)
{
    if (e->data) fed_wipe_free(e->data, e->length);
    fed_free(e->key);
}

void fed_keep_table_fini(fed_keep_table *t)
{
    for (size_t i = 0; i < t->n; i++)
        entry_fini(&t->entries[i]);
    fed_free(t->entries);
    *t = (fed_keep_table){0};
}

/* Where `key` is, or where it would go. */
static size_t find(const fed_keep_table *t, const char *key, bool *there)
{
    size_t at = 0;
    while (at < t->n && strcmp(t->entries[at].key, key) < 0)
        at++;
    *there = at < t->n && strcmp(t->entries[at].key, key) == 0;
    return at;
}

const fed_keep_entry *fed_keep_table_find(const fed_keep_table *t, const char *key)
{
    bool there;
    size_t at = find(t, key, &there);
    return there ? &t->entries[at] : NULL;
}

bool fed_keep_table_names(const fed_keep_table *t, uint64_t file)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->entries[i].file == file) return true;
    return false;
}

static fed_status grow(fed_keep_table *t, fed_error *err)
{
    if (t->n < t->cap) return FED_OK;
    if (t->n >= FED_KEEP_RECORDS_MAX)
        return fed_fail(err, FED_E_LIMIT, "keep: %zu records, at most %d", t->n + 1,
                        FED_KEEP_RECORDS_MAX);
    size_t cap = 2 * t->cap + 8;
    fed_keep_entry *grown = fed_realloc(t->entries, cap, sizeof *grown);
    if (!grown) return fed_fail_nomem(err, cap * sizeof *grown);
    t->entries = grown;
    t->cap = cap;
    return FED_OK;
}

fed_status fed_keep_table_put(fed_keep_table *t, const char *key, uint64_t file,
                              fed_span value, fed_error *err)
{
    bool there;
    if (strlen(key) > FED_KEEP_NAME_MAX)
        return fed_fail(err, FED_E_LIMIT, "keep: a key of %zu bytes, at most %d",
                        strlen(key), FED_KEEP_NAME_MAX);
    FED_TRY(grow(t, err));
    fed_keep_entry fresh = {.key = fed_strdup(key), .file = file, .length = value.len};
    if (!file) fresh.data = fed_memdup(value.data, value.len);
    if (!fresh.key || (!file && !fresh.data)) {
        entry_fini(&fresh);
        return fed_fail_nomem(err, value.len);
    }
    size_t at = find(t, key, &there);
    if (there)
        entry_fini(&t->entries[at]);
    else
        memmove(t->entries + at + 1, t->entries + at, (t->n++ - at) * sizeof fresh);
    t->entries[at] = fresh;
    return FED_OK;
}

void fed_keep_table_erase(fed_keep_table *t, const char *key)
{
    bool there;
    size_t at = find(t, key, &there);
    if (!there) return;
    entry_fini(&t->entries[at]);
    memmove(t->entries + at, t->entries + at + 1, (--t->n - at) * sizeof *t->entries);
}

fed_status fed_keep_table_copy(fed_keep_table *to, const fed_keep_table *from,
                               fed_error *err)
{
    *to = (fed_keep_table){.next_file = from->next_file};
    for (size_t i = 0; i < from->n; i++) {
        const fed_keep_entry *e = &from->entries[i];
        FED_TRY(
            fed_keep_table_put(to, e->key, e->file, (fed_span){e->data, e->length}, err));
    }
    return FED_OK;
}

/* ---- as bytes: version u8 | next u64 | count u32 | key, file u64, length u64, bytes … --- */

fed_status fed_keep_table_write(const fed_keep_table *t, fed_bytes *out, fed_error *err)
{
    fed_bytes_put_u8(out, MANIFEST_VERSION);
    fed_bytes_put_u64(out, t->next_file);
    fed_bytes_put_u32(out, (uint32_t)t->n);
    for (size_t i = 0; i < t->n; i++) {
        const fed_keep_entry *e = &t->entries[i];
        fed_bytes_put_block(out, e->key, strlen(e->key));
        fed_bytes_put_u64(out, e->file);
        fed_bytes_put_u64(out, e->length);
        if (!e->file) fed_bytes_put(out, e->data, e->length);
    }
    return out->status ? fed_fail(err, out->status, "keep: manifest: %s",
                                  fed_status_name(out->status))
                       : FED_OK;
}

static fed_status damaged(fed_error *err)
{
    return fed_fail(err, FED_E_FORMAT, "manifest: does not parse");
}

static fed_status read_entry(fed_keep_table *t, fed_reader *r, fed_error *err)
{
    char key[FED_KEEP_NAME_MAX + 1];
    fed_span name = fed_reader_block(r, FED_KEEP_NAME_MAX);
    if (!name.len || memchr(name.data, 0, name.len)) return damaged(err);
    memcpy(key, name.data, name.len);
    key[name.len] = 0;
    uint64_t file = fed_reader_u64(r);
    uint64_t length = fed_reader_u64(r);
    fed_span value = {NULL, length};
    if (file >= t->next_file || (!file && length > FED_KEEP_INLINE_MAX))
        return damaged(err);
    if (!file) value = fed_reader_take(r, length);
    if (r->failed || fed_keep_table_find(t, key)) return damaged(err);
    return fed_keep_table_put(t, key, file, value, err);
}

fed_status fed_keep_table_read(fed_keep_table *t, fed_span bytes, fed_error *err)
{
    fed_reader r;
    fed_reader_init(&r, bytes.data, bytes.len);
    if (fed_reader_u8(&r) != MANIFEST_VERSION)
        return fed_fail(err, FED_E_FORMAT, "manifest: not of version %d",
                        MANIFEST_VERSION);
    t->next_file = fed_reader_u64(&r);
    uint32_t n = fed_reader_u32(&r);
    for (uint32_t i = 0; i < n && !r.failed; i++)
        FED_TRY(read_entry(t, &r, err));
    return fed_reader_finish(&r) ? damaged(err) : FED_OK;
}
