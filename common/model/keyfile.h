/*
 * Ed25519 keys as one line of text, for the files that fedctl keygen writes:
 *
 *     fed-ed25519-private 64 lower-case hexadecimal digits
 *     fed-ed25519-public  64 lower-case hexadecimal digits    (one space)
 */
#ifndef FED_KEYFILE_H
#define FED_KEYFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"

typedef enum fed_key_kind { FED_KEY_PRIVATE, FED_KEY_PUBLIC } fed_key_kind;

enum { FED_KEYFILE_MAX = 128 /* no key file is longer */ };

/** Append the line, with its line feed. A private key's buffer is wiped by its owner. */
FED_MUST_CHECK fed_status fed_keyfile_put(fed_key_kind kind, const uint8_t key[32],
                                          fed_bytes *out, fed_error *err);
/** Read a key of the wanted kind; a final line feed (or CR LF) may be missing. FED_E_FORMAT
 *  with a text that never shows the key. On failure `key` is zeroed. */
FED_MUST_CHECK fed_status fed_keyfile_get(fed_key_kind kind, fed_span text,
                                          uint8_t key[32], fed_error *err);

#endif
