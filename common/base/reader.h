/* Reading little-endian fields from bytes that a peer sent: no read passes the end, the
 * first failure sticks, and left-over bytes are an error. */
#ifndef FED_READER_H
#define FED_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

typedef struct fed_reader {
    const uint8_t *at, *end;
    bool failed;
} fed_reader;

/** Read from borrowed bytes. */
void fed_reader_init(fed_reader *r, const void *data, size_t n);
/** Bytes not read yet. */
size_t fed_reader_left(const fed_reader *r);
/* Each returns zero(s) after a failure. */
uint8_t fed_reader_u8(fed_reader *r);
uint16_t fed_reader_u16(fed_reader *r);
uint32_t fed_reader_u32(fed_reader *r);
uint64_t fed_reader_u64(fed_reader *r);
float fed_reader_f32(fed_reader *r);
/** Copy `n` bytes into `out` (zeros after a failure). */
void fed_reader_copy(fed_reader *r, void *out, size_t n);
/** Borrow the next `n` bytes; an empty span after a failure. */
fed_span fed_reader_take(fed_reader *r, size_t n);
/** A u32 length of at most `max`, then that many bytes, borrowed. */
fed_span fed_reader_block(fed_reader *r, size_t max);
/** FED_OK when every byte was read and nothing failed; else FED_E_FORMAT. */
fed_status fed_reader_finish(const fed_reader *r);

#endif
