/* A sorted array of records: few thousand of them, looked up by halving. */
#include "journal.h"

#include <string.h>

#include "fail.h"
#include "memory.h"

typedef struct entry {
    char *key;
    uint8_t *data;
    size_t len;
} entry;

struct fed_memory_journal {
    entry *entries;
    size_t n, cap, bytes;
};

fed_status fed_memory_journal_new(fed_memory_journal **out, fed_error *err)
{
    *out = fed_calloc(1, sizeof **out);
    return *out ? FED_OK : fed_fail_nomem(err, sizeof **out);
}

static void entry_fini(entry *e)
{
    fed_free(e->key);
    fed_wipe_free(e->data, e->len);
}

void fed_memory_journal_free(fed_memory_journal *m)
{
    if (!m) return;
    for (size_t i = 0; i < m->n; i++)
        entry_fini(&m->entries[i]);
    fed_free(m->entries);
    fed_free(m);
}

/* Where `key` is, or where it would go. */
static size_t find(const fed_memory_journal *m, const char *key, bool *there)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(m->entries[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *there = low < m->n && strcmp(m->entries[low].key, key) == 0;
    return low;
}

static void erase(fed_memory_journal *m, const char *key)
{
    bool there;
    size_t at = find(m, key, &there);
    if (!there) return;
    m->bytes -= m->entries[at].len;
    entry_fini(&m->entries[at]);
    memmove(m->entries + at, m->entries + at + 1, (--m->n - at) * sizeof *m->entries);
}

/* There is room for one more: fed_memory_journal_apply() saw to it. */
static void put(fed_memory_journal *m, entry *e)
{
    bool there;
    size_t at = find(m, e->key, &there);
    m->bytes += e->len;
    if (there) {
        m->bytes -= m->entries[at].len;
        entry_fini(&m->entries[at]);
    } else {
        memmove(m->entries + at + 1, m->entries + at, (m->n++ - at) * sizeof *m->entries);
    }
    m->entries[at] = *e;
    *e = (entry){0};
}

static fed_status copy_record(entry *to, const fed_record *from)
{
    *to = (entry){.key = fed_strdup(from->key),
                  .data = fed_memdup(from->value.data, from->value.len),
                  .len = from->value.len};
    return to->key && to->data ? FED_OK : FED_E_NOMEM;
}

static fed_status reserve(fed_memory_journal *m, size_t more)
{
    if (m->n + more <= m->cap) return FED_OK;
    size_t cap = 2 * m->cap + more;
    entry *grown = fed_realloc(m->entries, cap, sizeof *grown);
    if (!grown) return FED_E_NOMEM;
    m->entries = grown;
    m->cap = cap;
    return FED_OK;
}

/* All copies are made first, so that a failure changes nothing. */
fed_status fed_memory_journal_apply(fed_memory_journal *m, const fed_outbox *outbox,
                                    fed_error *err)
{
    size_t n = outbox->n_records;
    if (!n) return FED_OK;
    entry *copies = fed_calloc(n, sizeof *copies);
    fed_status status = copies ? reserve(m, n) : FED_E_NOMEM;
    for (size_t i = 0; status == FED_OK && i < n; i++)
        if (!outbox->records[i].erase)
            status = copy_record(&copies[i], &outbox->records[i]);
    for (size_t i = 0; status == FED_OK && i < n; i++) {
        if (outbox->records[i].erase)
            erase(m, outbox->records[i].key);
        else
            put(m, &copies[i]);
    }
    for (size_t i = 0; copies && i < n; i++)
        entry_fini(&copies[i]);
    fed_free(copies);
    return status ? fed_fail_nomem(err, n * sizeof *copies) : FED_OK;
}

size_t fed_memory_journal_count(const fed_memory_journal *m)
{
    return m->n;
}

size_t fed_memory_journal_bytes(const fed_memory_journal *m)
{
    return m->bytes;
}

static fed_status memory_get(void *ctx, const char *key, fed_bytes *out, fed_error *err)
{
    fed_memory_journal *m = ctx;
    bool there;
    size_t at = find(m, key, &there);
    if (!there) return fed_fail(err, FED_E_NOT_FOUND, "%s: no such record", key);
    fed_bytes_put(out, m->entries[at].data, m->entries[at].len);
    return out->status
               ? fed_fail(err, out->status, "%s: %s", key, fed_status_name(out->status))
               : FED_OK;
}

static fed_status memory_scan(void *ctx, const char *prefix, fed_journal_visit visit,
                              void *arg, fed_error *err)
{
    fed_memory_journal *m = ctx;
    bool there;
    size_t length = strlen(prefix);
    for (size_t i = find(m, prefix, &there); i < m->n; i++) {
        const entry *e = &m->entries[i];
        if (strncmp(e->key, prefix, length) != 0) break;
        FED_TRY(visit(arg, e->key, (fed_span){e->data, e->len}, err));
    }
    return FED_OK;
}

fed_journal fed_memory_journal_reader(fed_memory_journal *m)
{
    return (fed_journal){memory_get, memory_scan, m};
}
