#include "memory_plan.h"

static bool overlap_in_time(const fed_lifetime *a, const fed_lifetime *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* Insertion sort by falling size, stable: few hundred buffers at most. */
static void sort_by_size(const fed_lifetime *buffers, size_t n, size_t *order)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = i;
        for (; at && buffers[order[at - 1]].size < buffers[i].size; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

/* The lowest offset at which `b` hits none of the `placed` first buffers of `order`. */
static size_t lowest_place(const fed_lifetime *buffers, const size_t *order,
                           size_t placed, const fed_lifetime *b)
{
    size_t offset = 0;
    for (size_t i = 0; i < placed;) {
        const fed_lifetime *other = &buffers[order[i]];
        bool hit = overlap_in_time(other, b) && offset < other->offset + other->size &&
                   other->offset < offset + b->size;
        if (hit)
            offset = other->offset + other->size, i = 0;
        else
            i++;
    }
    return offset;
}

void fed_memory_plan(fed_lifetime *buffers, size_t n, size_t *order, size_t *total)
{
    sort_by_size(buffers, n, order);
    *total = 0;
    for (size_t i = 0; i < n; i++) {
        fed_lifetime *b = &buffers[order[i]];
        b->offset = lowest_place(buffers, order, i, b);
        if (b->offset + b->size > *total) *total = b->offset + b->size;
    }
}
