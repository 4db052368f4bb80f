#include "invitations.h"

#include <string.h>

void fed_invitations_fini(fed_invitations *v)
{
    fed_free(v->slots);
    *v = (fed_invitations){0};
}

void fed_invitations_clear(fed_invitations *v)
{
    if (v->slots) memset(v->slots, 0, v->cap * sizeof *v->slots);
    v->n = 0;
}

/* The device's slot, or the free one where it would go. `cap` is a power of two and never
 * full. A device may grind its key to collide, and then waits longer itself. */
static fed_invitation *probe(fed_invitation *slots, size_t cap, const uint8_t device[32])
{
    size_t i = fed_load_u64(device) & (cap - 1);
    while (slots[i].used && memcmp(slots[i].device, device, 32) != 0)
        i = (i + 1) & (cap - 1);
    return &slots[i];
}

fed_invitation *fed_invitations_find(const fed_invitations *v, const uint8_t device[32])
{
    if (!v->cap) return NULL;
    fed_invitation *slot = probe(v->slots, v->cap, device);
    return slot->used ? slot : NULL;
}

static bool grow(fed_invitations *v)
{
    size_t cap = v->cap ? 2 * v->cap : 64;
    fed_invitation *slots = fed_calloc(cap, sizeof *slots);
    if (!slots) return false;
    for (size_t i = 0; i < v->cap; i++)
        if (v->slots[i].used) *probe(slots, cap, v->slots[i].device) = v->slots[i];
    fed_free(v->slots);
    v->slots = slots;
    v->cap = cap;
    return true;
}

fed_invitation *fed_invitations_add(fed_invitations *v, const uint8_t device[32])
{
    fed_invitation *found = fed_invitations_find(v, device);
    if (found) return found;
    if (2 * (v->n + 1) > v->cap && !grow(v)) return NULL;
    fed_invitation *slot = probe(v->slots, v->cap, device);
    *slot = (fed_invitation){.used = true};
    memcpy(slot->device, device, sizeof slot->device);
    v->n++;
    return slot;
}

/* Their slots stay theirs, so that nobody's chain breaks. */
void fed_invitations_forget_unplaced(fed_invitations *v)
{
    for (size_t i = 0; i < v->cap; i++)
        v->slots[i].until_ms = INT64_MIN;
}

uint32_t fed_invitations_outstanding(const fed_invitations *v, int64_t now)
{
    uint32_t n = 0;
    for (size_t i = 0; i < v->cap; i++)
        n += v->slots[i].used && !v->slots[i].placed && v->slots[i].until_ms > now;
    return n;
}
