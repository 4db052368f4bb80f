#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

void fed_bytes_init(fed_bytes *b, size_t max)
{
    *b = (fed_bytes){.max = max};
}

void fed_bytes_fini(fed_bytes *b)
{
    fed_free(b->data);
    fed_bytes_init(b, b->max);
}

void fed_bytes_wipe(fed_bytes *b)
{
    fed_wipe(b->data, b->cap);
    fed_bytes_fini(b);
}

void fed_bytes_clear(fed_bytes *b)
{
    b->len = 0;
    b->status = FED_OK;
}

/* Growth doubles, but never past the maximum (plus one byte for a NUL behind the text). The
 * old block is wiped: what passes through a buffer may be secret. */
static fed_status grow(fed_bytes *b, size_t need)
{
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (cap > b->max && b->max < SIZE_MAX) cap = b->max + 1;
    if (cap < need) cap = need;
    uint8_t *data = fed_malloc(cap);
    if (!data) return b->status = FED_E_NOMEM;
    if (b->len) memcpy(data, b->data, b->len);
    fed_wipe_free(b->data, b->cap);
    b->data = data;
    b->cap = cap;
    return FED_OK;
}

fed_status fed_bytes_reserve(fed_bytes *b, size_t n)
{
    if (b->status) return b->status;
    if (n > b->max || b->len > b->max - n) return b->status = FED_E_LIMIT;
    return b->len + n <= b->cap ? FED_OK : grow(b, b->len + n);
}

uint8_t *fed_bytes_extend(fed_bytes *b, size_t n)
{
    if (fed_bytes_reserve(b, n)) return NULL;
    if (!b->data && grow(b, 1))
        return NULL; /* never NULL on success, not even for n = 0 */
    uint8_t *place = b->data + b->len;
    b->len += n;
    return place;
}

void fed_bytes_put(fed_bytes *b, const void *data, size_t n)
{
    if (!n) return;
    uint8_t *place = fed_bytes_extend(b, n);
    if (place) memcpy(place, data, n);
}

void fed_bytes_put_u8(fed_bytes *b, uint8_t v)
{
    fed_bytes_put(b, &v, 1);
}

void fed_bytes_put_u16(fed_bytes *b, uint16_t v)
{
    uint8_t raw[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
    fed_bytes_put(b, raw, sizeof raw);
}

void fed_bytes_put_u32(fed_bytes *b, uint32_t v)
{
    uint8_t raw[4];
    fed_store_u32(raw, v);
    fed_bytes_put(b, raw, sizeof raw);
}

void fed_bytes_put_u64(fed_bytes *b, uint64_t v)
{
    uint8_t raw[8];
    fed_store_u64(raw, v);
    fed_bytes_put(b, raw, sizeof raw);
}

void fed_bytes_put_f32(fed_bytes *b, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    fed_bytes_put_u32(b, bits);
}

void fed_bytes_put_block(fed_bytes *b, const void *data, size_t n)
{
    if (n > UINT32_MAX) {
        b->status = FED_E_LIMIT;
        return;
    }
    fed_bytes_put_u32(b, (uint32_t)n);
    fed_bytes_put(b, data, n);
}

void fed_bytes_put_text(fed_bytes *b, const char *text)
{
    fed_bytes_put(b, text, strlen(text));
}

void fed_bytes_printf(fed_bytes *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) {
        b->status = FED_E_INTERNAL;
    } else if (fed_bytes_reserve(b, (size_t)n) == FED_OK &&
               (b->len + (size_t)n < b->cap ||
                grow(b, b->len + (size_t)n + 1) == FED_OK)) {
        vsnprintf((char *)b->data + b->len, (size_t)n + 1, format, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

const char *fed_bytes_text(fed_bytes *b)
{
    if (b->status) return NULL;
    if (b->len + 1 > b->cap && grow(b, b->len + 1)) return NULL;
    b->data[b->len] = 0;
    return (const char *)b->data;
}
