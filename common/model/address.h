/* Content addresses: the SHA-256 of the bytes is their name. */
#ifndef FED_ADDRESS_H
#define FED_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base.h"

enum { FED_ADDRESS_BYTES = 32, FED_ADDRESS_TEXT = 2 * FED_ADDRESS_BYTES + 1 };

typedef struct fed_address {
    uint8_t bytes[FED_ADDRESS_BYTES];
} fed_address;

/** The address of `n` bytes. FED_E_CRYPTO. */
FED_MUST_CHECK fed_status fed_address_of(const void *data, size_t n, fed_address *out,
                                         fed_error *err);
/** FED_OK when `n` bytes have this address, else FED_E_AUTH. */
FED_MUST_CHECK fed_status fed_address_check(const fed_address *address, const void *data,
                                            size_t n, fed_error *err);
bool fed_address_equal(const fed_address *a, const fed_address *b);
/** All zeros: "no address" where one may be missing. */
bool fed_address_is_zero(const fed_address *a);
/** 64 lower-case hex digits and a NUL. */
void fed_address_to_text(const fed_address *a, char out[FED_ADDRESS_TEXT]);
/** From exactly 64 lower-case hex digits; else FED_E_FORMAT. */
FED_MUST_CHECK fed_status fed_address_from_text(const char *text, fed_address *out,
                                                fed_error *err);

#endif
