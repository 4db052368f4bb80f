#include <stdio.h>

#include "graph.h"

/* Saturates, so that an overflow shows as a count beyond every limit. */
size_t fed_shape_count(const fed_shape *shape)
{
    size_t count = 1;
    for (size_t i = 0; i < shape->rank; i++) {
        size_t dim = shape->dim[i];
        if (dim && count > SIZE_MAX / dim) return SIZE_MAX;
        count *= dim;
    }
    return count;
}

bool fed_shape_equal(const fed_shape *a, const fed_shape *b)
{
    if (a->rank != b->rank) return false;
    for (size_t i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

const char *fed_shape_text(const fed_shape *shape, char *text, size_t n)
{
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < shape->rank && used < n; i++)
        used +=
            (size_t)snprintf(text + used, n - used, i ? "x%zu" : "%zu", shape->dim[i]);
    return text;
}
