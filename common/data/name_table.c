/* A table of names: the texts one behind the other, and an open-addressing index over
 * them (FNV-1a, linear probing, at most half full). */
#include "name_table.h"

#include <stdlib.h>
#include <string.h>

void fed_name_table_init(fed_name_table *t, const char *what, uint32_t max)
{
    memset(t, 0, sizeof *t);
    t->what = what;
    t->max = max;
    fed_bytes_init(&t->text, (size_t)max * (FED_NAME_MAX + 1));
    fed_bytes_init(&t->start, (size_t)max * sizeof(uint32_t));
}

void fed_name_table_fini(fed_name_table *t)
{
    fed_bytes_fini(&t->text);
    fed_bytes_fini(&t->start);
    fed_free(t->slots);
    fed_name_table_init(t, t->what, t->max);
}

static const uint32_t *starts(const fed_name_table *t)
{
    return (const uint32_t *)(const void *)t->start.data;
}

const char *fed_name_table_at(const fed_name_table *t, uint32_t number)
{
    return (const char *)t->text.data + starts(t)[number];
}

static uint32_t hash(fed_span name)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < name.len; i++)
        h = (h ^ name.data[i]) * 16777619u;
    return h;
}

/* The slot that holds `name`, or the free one where it belongs. */
static uint32_t find_slot(const fed_name_table *t, fed_span name)
{
    uint32_t mask = t->n_slots - 1, i = hash(name) & mask;
    while (t->slots[i]) {
        const char *kept = fed_name_table_at(t, t->slots[i] - 1);
        if (strlen(kept) == name.len && memcmp(kept, name.data, name.len) == 0) break;
        i = (i + 1) & mask;
    }
    return i;
}

static fed_span name_span(const fed_name_table *t, uint32_t number)
{
    const char *name = fed_name_table_at(t, number);
    return (fed_span){(const uint8_t *)name, strlen(name)};
}

static fed_status index_names(fed_name_table *t, uint32_t n_slots, fed_error *err)
{
    uint32_t *slots = fed_calloc(n_slots, sizeof *slots);
    if (!slots) return fed_fail_nomem(err, n_slots * sizeof *slots);
    fed_free(t->slots);
    t->slots = slots;
    t->n_slots = n_slots;
    for (uint32_t i = 0; i < t->n; i++)
        slots[find_slot(t, name_span(t, i))] = i + 1;
    return FED_OK;
}

fed_status fed_name_table_find(const fed_name_table *t, fed_span name, uint32_t *number)
{
    uint32_t slot = t->n_slots && name.len ? t->slots[find_slot(t, name)] : 0;
    if (!slot) return FED_E_NOT_FOUND;
    *number = slot - 1;
    return FED_OK;
}

static fed_status check_new_name(const fed_name_table *t, fed_span name, fed_error *err)
{
    if (!name.len || memchr(name.data, 0, name.len))
        return fed_fail(err, FED_E_FORMAT, "%s: an empty name, or one with a zero byte",
                        t->what);
    if (name.len > FED_NAME_MAX)
        return fed_fail(err, FED_E_LIMIT, "%s: a name of %zu bytes, more than %d",
                        t->what, name.len, FED_NAME_MAX);
    if (t->n == t->max)
        return fed_fail(err, FED_E_LIMIT, "%s: more than %u different ones", t->what,
                        t->max);
    return FED_OK;
}

fed_status fed_name_table_add(fed_name_table *t, fed_span name, uint32_t *number,
                              fed_error *err)
{
    if (fed_name_table_find(t, name, number) == FED_OK) return FED_OK;
    FED_TRY(check_new_name(t, name, err));
    if (2 * (t->n + 1) > t->n_slots)
        FED_TRY(index_names(t, t->n_slots ? 2 * t->n_slots : 16, err));
    uint32_t start = (uint32_t)t->text.len, slot = find_slot(t, name);
    fed_bytes_put(&t->text, name.data, name.len);
    fed_bytes_put_u8(&t->text, 0);
    fed_bytes_put(&t->start, &start, sizeof start);
    if (t->text.status || t->start.status) return fed_fail_nomem(err, name.len);
    *number = t->n++;
    t->slots[slot] = t->n;
    return FED_OK;
}

/* A name beside its number and, where it is one, its value. */
typedef struct ranked {
    const char *name;
    int64_t value;
    uint32_t number;
} ranked;

static int by_value(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(((const ranked *)a)->name, ((const ranked *)b)->name);
}

fed_status fed_name_table_sort(fed_name_table *t, uint32_t *rank, fed_error *err)
{
    bool numbers = true;
    ranked *all = fed_calloc(t->n, sizeof *all);
    uint32_t *start = fed_malloc(t->start.len);
    fed_status status = all && start ? FED_OK : fed_fail_nomem(err, t->n * sizeof *all);
    for (uint32_t i = 0; !status && i < t->n; i++) {
        all[i] = (ranked){.name = fed_name_table_at(t, i), .number = i};
        numbers &= fed_text_to_i64(all[i].name, INT64_MIN, INT64_MAX, &all[i].value);
    }
    if (!status) {
        qsort(all, t->n, sizeof *all, numbers ? by_value : by_bytes);
        for (uint32_t i = 0; i < t->n; i++) {
            rank[all[i].number] = i;
            start[i] = starts(t)[all[i].number];
        }
        memcpy(t->start.data, start, t->start.len);
        status = index_names(t, t->n_slots, err);
    }
    fed_free(start);
    fed_free(all);
    return status;
}

void fed_name_table_give(fed_name_table *t, fed_data *ds, fed_names *names)
{
    names->n = t->n;
    names->text = fed_data_own(ds, t->text.data);
    names->start = fed_data_own(ds, t->start.data);
    t->text.data = t->start.data = NULL;
    fed_name_table_fini(t);
}
