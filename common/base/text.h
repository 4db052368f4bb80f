/* Hex, and numbers from text that someone typed or sent: whole text or nothing. */
#ifndef FED_TEXT_H
#define FED_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Lower-case hex of `n` bytes; `out` holds 2n+1 characters. */
void fed_hex_encode(char *out, const void *data, size_t n);
/** Exactly `n` bytes from exactly 2n hex digits of either case. */
bool fed_hex_decode(void *out, size_t n, const char *text);

/** A decimal number in [min, max]; nothing before, nothing behind. */
bool fed_text_to_i64(const char *text, int64_t min, int64_t max, int64_t *out);
bool fed_text_to_u64(const char *text, uint64_t max, uint64_t *out);
/** A finite number, read the same in every locale. */
bool fed_text_to_double(const char *text, size_t n, double *out);
/** The same for a float32: correctly rounded from the decimal text. */
bool fed_text_to_float(const char *text, size_t n, float *out);

#endif
