#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *default_alloc(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void *default_realloc(void *ctx, void *block, size_t size)
{
    (void)ctx;
    return realloc(block, size);
}

static void default_free(void *ctx, void *block)
{
    (void)ctx;
    free(block);
}

static const fed_allocator default_allocator = {default_alloc, default_realloc,
                                                default_free, NULL};
static fed_allocator current = {default_alloc, default_realloc, default_free, NULL};

void fed_memory_set_allocator(const fed_allocator *allocator)
{
    current = allocator ? *allocator : default_allocator;
}

void *fed_malloc(size_t size)
{
    return current.alloc(current.ctx, size ? size : 1);
}

void *fed_calloc(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) return NULL;
    void *block = fed_malloc(count * size);
    if (block && count) memset(block, 0, count * size);
    return block;
}

void *fed_realloc(void *block, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) return NULL;
    size_t bytes = count * size;
    return current.realloc(current.ctx, block, bytes ? bytes : 1);
}

void fed_free(void *block)
{
    if (block) current.free(current.ctx, block);
}

void *fed_memdup(const void *data, size_t n)
{
    void *copy = fed_malloc(n);
    if (copy && n) memcpy(copy, data, n);
    return copy;
}

char *fed_strdup(const char *text)
{
    return fed_memdup(text, strlen(text) + 1);
}

void fed_wipe(void *data, size_t n)
{
    if (!data || !n) return;
    memset(data, 0, n);
    __asm__ __volatile__("" : : "r"(data) : "memory"); /* the store is observed */
}

void fed_wipe_free(void *data, size_t n)
{
    fed_wipe(data, n);
    fed_free(data);
}

int fed_compare_secret(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t difference = 0;
    for (size_t i = 0; i < n; i++)
        difference |= (uint8_t)(x[i] ^ y[i]);
    return difference;
}
