/*
 * Offsets by liveness: buffers that are never alive at the same time may share memory.
 * Largest first, each at the lowest place where nothing alive at the same time lies: the
 * greedy-by-size rule of Pisarchyk and Lee 2020, "Efficient Memory Management for Deep Neural
 * Net Inference", section 5.
 */
#ifndef FED_MEMORY_PLAN_H
#define FED_MEMORY_PLAN_H

#include <stddef.h>

#include "base.h"

typedef struct fed_lifetime {
    size_t size;        /* in any unit; 0 takes no room */
    size_t first, last; /* times of first write and last read, inclusive */
    size_t offset;      /* out */
} fed_lifetime;

/** Set the offsets of `n` buffers; `*total` receives the size of the whole. Needs room for
 *  `n` indices, the caller's `order`. */
void fed_memory_plan(fed_lifetime *buffers, size_t n, size_t *order, size_t *total);

#endif
