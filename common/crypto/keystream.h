/*
 * Key streams: many bytes from one 32-byte key, fast and from any place. AES-256 in counter
 * mode (NIST SP 800-38A section 6.5) where the processor has AES instructions, ChaCha20
 * (RFC 8439 section 2.4) where it has not. What masks, noise and stochastic rounding are
 * made of: draw 32 bytes from a fed_random once, expand them here.
 */
#ifndef FED_KEYSTREAM_H
#define FED_KEYSTREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"

enum { FED_KEYSTREAM_KEY = 32, FED_KEYSTREAM_BLOCK = 16 };

typedef enum fed_keystream_kind {
    FED_KEYSTREAM_AES256_CTR = 1,
    FED_KEYSTREAM_CHACHA20 = 2
} fed_keystream_kind;

/** Opaque; one thread at a time. Make one and set its key as often as needed: that allocates
 *  nothing. */
typedef struct fed_keystream fed_keystream;

/** A stream without a key: fed_keystream_start must come before anything else. */
FED_MUST_CHECK fed_status fed_keystream_new(fed_keystream **out, fed_keystream_kind kind,
                                            fed_error *err);
/** Wipes the key. NULL is fine. */
void fed_keystream_free(fed_keystream *stream);

/** Set the key and go to block 0. `initial` is the first counter block: for AES the 16 bytes
 *  that are encrypted first, a big-endian number that is counted up; for ChaCha20 the words
 *  12 to 15 of its state (32-bit little-endian counter, then a 12-byte nonce). NULL means
 *  zeros: right for a key that is used for one stream only. */
FED_MUST_CHECK fed_status fed_keystream_start(fed_keystream *stream,
                                              const uint8_t key[FED_KEYSTREAM_KEY],
                                              const uint8_t initial[FED_KEYSTREAM_BLOCK],
                                              fed_error *err);
/** Go to the 16-byte block `block` of the present key's stream. FED_E_LIMIT past the end of
 *  ChaCha20's 32-bit counter (2^34 blocks after counter 0) or past 2^58 blocks of AES. */
FED_MUST_CHECK fed_status fed_keystream_seek(fed_keystream *stream, uint64_t block,
                                             fed_error *err);
/** The next `n` bytes, any n; the bytes do not depend on how the draws are cut. For speed
 *  draw a few KiB at once. FED_E_LIMIT past the end of the stream, FED_E_STATE before a
 *  key; on failure `out` is zeroed. */
FED_MUST_CHECK fed_status fed_keystream_fill(fed_keystream *stream, void *out, size_t n,
                                             fed_error *err);

#endif
