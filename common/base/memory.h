/* The allocator of the whole library, which an application may replace, and wiping. */
#ifndef FED_MEMORY_H
#define FED_MEMORY_H

#include <stddef.h>

/** An allocator with the contracts of malloc, realloc and free. `ctx` is borrowed. */
typedef struct fed_allocator {
    void *(*alloc)(void *ctx, size_t size);
    void *(*realloc)(void *ctx, void *block, size_t size);
    void (*free)(void *ctx, void *block);
    void *ctx;
} fed_allocator;

/** Replace the process-wide allocator; NULL restores the C library's. Call it before any
 *  other call of the library and while nothing is allocated: it is not thread-safe. */
void fed_memory_set_allocator(const fed_allocator *allocator);

/** As malloc; size 0 gives a unique pointer. NULL when memory is out. */
void *fed_malloc(size_t size);
/** As calloc, with the product checked for overflow. */
void *fed_calloc(size_t count, size_t size);
/** As realloc with the product checked; the old block stays valid when NULL is returned. */
void *fed_realloc(void *block, size_t count, size_t size);
/** As free; NULL is fine. */
void fed_free(void *block);
/** A copy of `n` bytes, or NULL. */
void *fed_memdup(const void *data, size_t n);
/** A copy of a string, or NULL. */
char *fed_strdup(const char *text);

/** Overwrite with zeros in a way that no optimiser removes. */
void fed_wipe(void *data, size_t n);
/** Wipe `n` bytes, then free. NULL is fine. */
void fed_wipe_free(void *data, size_t n);
/** Compare in time that depends on `n` alone; 0 when equal. */
int fed_compare_secret(const void *a, const void *b, size_t n);

#endif
