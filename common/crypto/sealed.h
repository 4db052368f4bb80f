/*
 * State at rest: encrypted records that notice every change. Pure functions from buffer to
 * buffer; reading and writing files is the shell's.
 *
 *   "FSR1" | salt (32) | chunk 0 | chunk 1 | ... | last chunk
 *
 * Each record has a key of its own, HKDF(salt, key, "fed sealed record" | context), so
 * nonces may start from zero: nonce = chunk number (11 bytes, big-endian) | 1 if last. That
 * is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizar: Online Authenticated-
 * Encryption and its Nonce-Reuse Misuse-Resistance, CRYPTO 2015, section 7): a chunk that
 * is dropped, repeated, moved, taken from another record, or made the last one does not
 * verify. A chunk is AES-256-GCM of 65536 bytes, the last one of 0 to 65536, and empty only
 * in an empty record, so that a plaintext has one form. A rollback to an older record under
 * the same context is not seen here: who needs that keeps a counter in the context.
 */
#ifndef FED_SEALED_H
#define FED_SEALED_H

#include <stddef.h>
#include <stdint.h>

#include "base.h"

enum {
    FED_SEALED_KEY = 32,
    FED_SEALED_SALT = 32,
    FED_SEALED_CHUNK = 65536,
    FED_SEALED_CONTEXT_MAX = 256
};

/** How long `n` bytes are once sealed. */
size_t fed_sealed_length(size_t n);

/** Append the sealed form of `plain` to `out`. `context` names the record (its file name, a
 *  counter): it is not stored, and must be the same to open. The salt is drawn from `random`
 *  as ("sealed", index). Nothing is appended on failure: FED_E_LIMIT for a context beyond
 *  FED_SEALED_CONTEXT_MAX or an `out` that may not grow so far, FED_E_NOMEM, FED_E_CRYPTO. */
FED_MUST_CHECK fed_status fed_sealed_seal(const uint8_t key[FED_SEALED_KEY],
                                          fed_span context, const fed_random *random,
                                          uint64_t index, fed_span plain, fed_bytes *out,
                                          fed_error *err);
/** Append the plaintext to `out`. FED_E_FORMAT when the frame is wrong, FED_E_AUTH when a
 *  chunk does not verify (another key, context or byte), FED_E_LIMIT, FED_E_NOMEM; then
 *  nothing is appended, and what was decrypted is wiped. */
FED_MUST_CHECK fed_status fed_sealed_open(const uint8_t key[FED_SEALED_KEY],
                                          fed_span context, fed_span sealed,
                                          fed_bytes *out, fed_error *err);

#endif
