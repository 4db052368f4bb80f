#include "enrolled.h"

#include <stdio.h>
#include <string.h>

enum { FIRST_CAP = 64 };

fed_status fed_enrolled_new(fed_enrolled **out, const char *population, fed_error *err)
{
    fed_enrolled *e = *out = fed_calloc(1, sizeof *e);
    if (!e) return fed_fail_nomem(err, sizeof *e);
    snprintf(e->population, sizeof e->population, "%s", population);
    return FED_OK;
}

void fed_enrolled_free(fed_enrolled *e)
{
    if (!e) return;
    fed_free(e->devices);
    fed_free(e->slots);
    fed_free(e);
}

/* The slot of a key, or the free one where it would go. Keys are as good as random, and
 * whoever grinds one to collide must have it enrolled. */
static uint32_t *probe(const fed_enrolled *e, const uint8_t key[32])
{
    size_t i = fed_load_u64(key) & (e->n_slots - 1);
    while (e->slots[i] && memcmp(e->devices[e->slots[i] - 1].key, key, 32) != 0)
        i = (i + 1) & (e->n_slots - 1);
    return &e->slots[i];
}

static void index_all(fed_enrolled *e)
{
    if (e->slots) memset(e->slots, 0, e->n_slots * sizeof *e->slots);
    for (uint32_t i = 0; i < e->n; i++)
        *probe(e, e->devices[i].key) = i + 1;
}

fed_enrolled_device *fed_enrolled_find(const fed_enrolled *e, const uint8_t key[32])
{
    uint32_t slot = e->n_slots ? *probe(e, key) : 0;
    return slot ? &e->devices[slot - 1] : NULL;
}

/* Twice as many slots as devices fit, so that no chain grows long. */
static fed_status grow(fed_enrolled *e, fed_error *err)
{
    uint32_t cap = e->cap ? 2 * e->cap : FIRST_CAP;
    void *devices = fed_realloc(e->devices, cap, sizeof *e->devices);
    if (!devices) return fed_fail_nomem(err, cap * sizeof *e->devices);
    e->devices = devices;
    uint32_t *slots = fed_calloc(2 * (size_t)cap, sizeof *slots);
    if (!slots) return fed_fail_nomem(err, 2 * (size_t)cap * sizeof *slots);
    fed_free(e->slots);
    e->slots = slots;
    e->n_slots = 2 * (size_t)cap;
    e->cap = cap;
    index_all(e);
    return FED_OK;
}

fed_status fed_enrolled_add(fed_enrolled *e, const fed_enrolled_device *device,
                            fed_error *err)
{
    if (e->n == FED_ENROLLED_MAX)
        return fed_fail(err, FED_E_LIMIT,
                        "population %s: %d devices are enrolled, no "
                        "more fit",
                        e->population, FED_ENROLLED_MAX);
    if (e->n == e->cap) FED_TRY(grow(e, err));
    e->devices[e->n++] = *device;
    *probe(e, device->key) = e->n;
    if (device->number >= e->next_number) e->next_number = device->number + 1;
    return FED_OK;
}

fed_status fed_enrolled_prune(fed_enrolled *e, int64_t now_s,
                              fed_status (*gone)(void *ctx,
                                                 const fed_enrolled_device *device),
                              void *ctx)
{
    uint32_t kept = 0;
    fed_status status = FED_OK;
    for (uint32_t i = 0; i < e->n; i++) {
        if (e->devices[i].expires_s > now_s)
            e->devices[kept++] = e->devices[i];
        else if (!status)
            status = gone(ctx, &e->devices[i]);
    }
    bool changed = kept != e->n;
    e->n = kept;
    if (changed) index_all(e);
    return status;
}
