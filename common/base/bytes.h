/* Growable byte buffers with a mandatory maximum, and little-endian writing. */
#ifndef FED_BYTES_H
#define FED_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "public/fed/status.h"

/** Bytes that belong to someone else. */
typedef struct fed_span {
    const uint8_t *data;
    size_t len;
} fed_span;

/** A buffer that grows up to `max`. The first failure sticks in `status`, later writes do
 *  nothing, so a writer checks once, at the end. */
typedef struct fed_bytes {
    uint8_t *data;
    size_t len, cap, max;
    fed_status status;
} fed_bytes;

/** An empty buffer that will refuse to hold more than `max` bytes. Allocates nothing. */
void fed_bytes_init(fed_bytes *b, size_t max);
/** Release the memory; the buffer is empty and usable again. */
void fed_bytes_fini(fed_bytes *b);
/** The same, wiping first. */
void fed_bytes_wipe(fed_bytes *b);
/** Forget the contents and the failure, keep the memory. */
void fed_bytes_clear(fed_bytes *b);

/** Make room for `n` more bytes. FED_E_LIMIT beyond `max`, FED_E_NOMEM. */
fed_status fed_bytes_reserve(fed_bytes *b, size_t n);
/** Grow by `n` bytes and return their place (uninitialised), or NULL. */
uint8_t *fed_bytes_extend(fed_bytes *b, size_t n);
void fed_bytes_put(fed_bytes *b, const void *data, size_t n);
void fed_bytes_put_u8(fed_bytes *b, uint8_t v);
void fed_bytes_put_u16(fed_bytes *b, uint16_t v);
void fed_bytes_put_u32(fed_bytes *b, uint32_t v);
void fed_bytes_put_u64(fed_bytes *b, uint64_t v);
void fed_bytes_put_f32(fed_bytes *b, float v);
/** A u32 length, then the bytes. */
void fed_bytes_put_block(fed_bytes *b, const void *data, size_t n);
/** The characters of a string, without its NUL. */
void fed_bytes_put_text(fed_bytes *b, const char *text);
/** As printf, appended. */
void fed_bytes_printf(fed_bytes *b, const char *format, ...) FED_PRINTF(2, 3);
/** The contents as a C string (a NUL is kept behind them), or NULL after a failure. */
const char *fed_bytes_text(fed_bytes *b);

/* Little-endian loads and stores at any alignment. */
static inline uint16_t fed_load_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t fed_load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}
static inline uint64_t fed_load_u64(const uint8_t *p)
{
    return (uint64_t)fed_load_u32(p) | (uint64_t)fed_load_u32(p + 4) << 32;
}
static inline void fed_store_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v, p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16), p[3] = (uint8_t)(v >> 24);
}
static inline void fed_store_u64(uint8_t *p, uint64_t v)
{
    fed_store_u32(p, (uint32_t)v), fed_store_u32(p + 4, (uint32_t)(v >> 32));
}

#endif
